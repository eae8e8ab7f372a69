"""What a person types and sees: one command group a file, all of it over `syncd.wiring`.

`main` holds the group and turns errors into exit codes, `app` what a command needs of the rest of syncd, `render` prints a
result for a person or as JSON, `lang` speaks Vietnamese. Nothing heavy is imported before a command needs it.
"""

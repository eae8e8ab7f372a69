"""The reference of all commands, made from the commands themselves: python -m tests.cli.reference > docs/cli.md"""

from __future__ import annotations

from collections.abc import Iterator

import click

from syncd.cli.commands import paragraphs
from syncd.cli.main import cli
from tests.cli.texts import commands

HEAD = """\
# Commands

What is typed, what it does, and how it ends. Every text is also there in Vietnamese: `syncd --lang vi …`, or by the locale.
This page is made from the commands: `python -m tests.cli.reference > docs/cli.md`.

Exit codes: 0 done · 1 failed · 2 mistake of use · 3 drift found · 4 not found · 78 configuration.

A dead letter's id is `target:dossier`. A moment is a date, a date and time (local unless it has an offset), or how long ago:
`2025-07-01`, `2025-07-01T08:00`, `3d`. With `--json` standard output holds one JSON document and nothing else; fields are
only ever added. Every order leaves a row in the audit table, and shows in the story of the dossier it names (`syncd show`).
"""


def reference() -> str:
    """The page."""
    parts = [HEAD]
    for path, command in commands():
        parts.append("\n".join(_entry(path, command)))
    return "\n".join(parts)


def _entry(path: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=path, parent=None if command is cli else click.Context(cli))
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f"## `{path}`\n"
    yield from (f"{text}\n" for text in paragraphs(command.help))
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield f"    {path} {pieces}\n"
    options = [record for option in command.params if isinstance(option, click.Option) and (record := option.get_help_record(context))]
    if options:
        yield from ("| option | |", "|---|---|", *(f"| `{_cell(name)}` | {_cell(text)} |" for name, text in options), "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201  a page on standard output

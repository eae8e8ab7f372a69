"""`syncd completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from syncd.cli.commands import command


@command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    For bash: syncd completion bash > /etc/bash_completion.d/syncd
    """
    maker = get_completion_class(shell)
    assert maker is not None  # noqa: S101  click has all three
    click.echo(maker(context.find_root().command, {}, "syncd", "_SYNCD_COMPLETE").source())

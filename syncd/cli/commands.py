"""click's commands and groups, with help in the language spoken and sub-commands imported when they are called.

click fixes help texts when a module is imported, before `--lang` is read; so they are translated when they are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import click

from syncd.cli.lang import t

_WIDTH = 100


def paragraphs(text: str | None) -> list[str]:
    """The paragraphs of a docstring, each on one line: the form in which they stand in the table of translations."""
    return [" ".join(part.split()) for part in (text or "").split("\n\n") if part.strip()]


class _Speaking(click.Command):
    """A command whose help is in the language spoken."""

    def help_text(self) -> str:
        """The help as one line for each paragraph, translated."""
        return "\n\n".join(t(part) for part in paragraphs(self.help))

    def get_short_help_str(self, limit: int = 45) -> str:
        """The first paragraph of the help, whole."""
        return self.help_text().split("\n\n")[0]

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the line that begins with Usage."""
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), prefix=t("Usage:") + " ")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(self.help_text())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options."""
        records = [(record[0], _translated(record[1])) for param in self.get_params(ctx) if (record := param.get_help_record(ctx))]
        if records:
            with formatter.section(t("Options")):
                formatter.write_dl(records)


def _translated(text: str) -> str:
    """An option's help; what click adds in brackets (required, ranges) stays as it is."""
    words, bracket, rest = text.partition("  [")
    return t(words) + bracket + rest


class Command(_Speaking):
    """A command."""


class Group(_Speaking, click.Group):
    """Commands under one name; those in `lazy` are imported from `module:attribute` when they are asked for."""

    command_class = Command

    def __init__(self, *args: Any, lazy: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = dict(lazy or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which they are shown."""
        return [*self.lazy, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported if need be."""
        place = self.lazy.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = place.partition(":")
        found: click.Command = getattr(import_module(module), attribute)
        return found

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options and the commands."""
        super().format_options(ctx, formatter)
        commands = [(name, command) for name in self.list_commands(ctx) if (command := self.get_command(ctx, name))]
        with formatter.section(t("Commands")):
            formatter.write_dl([(name, command.get_short_help_str()) for name, command in commands])


def group(name: str) -> Callable[[Callable[..., Any]], Group]:
    """A decorator: the function's docstring becomes the help of a group."""
    return click.group(name, cls=Group, context_settings={"max_content_width": _WIDTH})


def command(name: str) -> Callable[[Callable[..., Any]], Command]:
    """A decorator: the function's docstring becomes the help of a command."""
    return click.command(name, cls=Command, context_settings={"max_content_width": _WIDTH})

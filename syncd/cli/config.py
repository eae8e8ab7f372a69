"""`syncd config`: the configuration file, checked, shown, or written anew with every key."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from syncd.cli import render
from syncd.cli.app import App, pass_app
from syncd.cli.commands import group
from syncd.cli.lang import sentence, t
from syncd.cli.options import as_json
from syncd.cli.render import Block
from syncd.errors import ConfigurationError
from syncd.model import Problem, Value


class Checked(Value):
    """The whole of `config check --json`."""

    file: Path | None
    usable: bool
    problems: list[dict[str, str]]
    warnings: list[dict[str, str]]


@group("config")
def config() -> None:
    """The configuration file."""


@config.command("check")
@as_json
@pass_app
def check(app: App, *, as_json: bool) -> int:
    """Everything that is wrong with the configuration, each with its key and what to do."""
    from datetime import UTC

    checked, code = _checked(app)
    render.put(checked, lambda: _blocks(checked), as_json=as_json, zone=UTC)
    return code


def _checked(app: App) -> tuple[Checked, int]:
    from syncd.config import warnings

    try:
        file = app.path
    except ConfigurationError as error:
        return Checked(file=None, usable=False, problems=_plain(error.problems), warnings=[]), error.exit_code
    try:
        doubtful = warnings(file)
    except ConfigurationError as error:
        return Checked(file=file, usable=False, problems=_plain(error.problems), warnings=[]), error.exit_code
    try:
        settings = app.settings
    except ConfigurationError as error:
        return Checked(file=file, usable=False, problems=_plain(error.problems), warnings=_plain(doubtful)), error.exit_code
    return Checked(file=file, usable=bool(settings), problems=[], warnings=_plain(doubtful)), 0


def _plain(problems: Iterable[Problem]) -> list[dict[str, str]]:
    return [{"field": each.field, "reason": each.reason, "hint": each.hint} for each in problems]


def _blocks(checked: Checked) -> Iterable[Block]:
    for word, found in ((t("error"), checked.problems), (t("warning"), checked.warnings)):
        for each in found:
            hint = f" → {sentence(each['hint'])}" if each["hint"] else ""
            yield f"{word}: {each['field']}: {sentence(each['reason'])}{hint}"
    if checked.usable:
        yield t("{file} can be used.", file=checked.file)


@config.command("show")
@as_json
@pass_app
def show(app: App, *, as_json: bool) -> None:
    """The settings in effect, defaults and environment included, secrets masked."""
    from syncd.config import masked

    shown = masked(app.settings)
    render.put(shown, lambda: _lines("", shown), as_json=as_json, zone=app.zone)


def _lines(path: str, section: dict[str, Any]) -> Iterable[str]:
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _lines(f"{path}{key}.", value)
        else:
            yield f"{path}{key} = {render.inline(value)}"


@config.command("example")
def example() -> None:
    """A commented file with every key, to be edited: syncd config example > syncd.toml"""
    from syncd.example import example as text

    click.echo(text(), nl=False)

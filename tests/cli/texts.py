"""Every text the command line shows to a person, found by reading its source and its commands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click

import syncd.cli
from syncd.calls import Operation, Outcome
from syncd.cli.commands import Group, paragraphs
from syncd.cli.inbox import STAGES as DOCUMENT_STAGES
from syncd.cli.inbox import STATES as DOCUMENT_STATES
from syncd.cli.main import cli
from syncd.model import Dossier
from syncd.policy import BreakerState

SPEAKING = {"t", "headings", "_say"}
STATES = ("idle", "due", "leased", "dead", "held", "switched off", "paused", "delivering", "active", "draining", "gone")
KINDS = ("change", "attempt", "document", "admin", "new", "steps")
STATIONS = ("received", "written", "acknowledged")
ACTIONS = (
    "adopt",
    "fresh",
    "pause",
    "resume",
    "retry",
    "discard",
    "arrived",
    "resync",
    "reconcile",
    "reconcile repair",
    "accept",
    "inbox assign",
    "inbox retry",
    "reveal",
    "key new",
    "key rotate",
    "db upgrade",
    "node drain",
    "node resume",
)


def written() -> Iterator[tuple[str, str]]:
    """The texts in calls of the functions that translate, each with its place."""
    for file in Path(next(iter(syncd.cli.__path__))).glob("*.py"):
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in SPEAKING:
                yield from ((text, f"{file.name}:{call.lineno}") for argument in call.args for text in _texts(argument))


def _texts(argument: ast.expr) -> Iterator[str]:
    match argument:
        case ast.Constant(value=str() as text):
            yield text
        case ast.IfExp(body=body, orelse=other):
            yield from _texts(body)
            yield from _texts(other)


def commands(command: click.Command = cli, path: str = "syncd") -> Iterator[tuple[str, click.Command]]:
    """Every command with what is typed to reach it."""
    yield path, command
    if isinstance(command, Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, f"{path} {name}")


def helps() -> Iterator[tuple[str, str]]:
    """The help of every command and option, each with its command."""
    for path, command in commands():
        yield from ((part, path) for part in paragraphs(command.help))
        for option in command.get_params(click.Context(command)):
            if isinstance(option, click.Option) and option.help:
                yield option.help, f"{path} {option.name}"


def words() -> Iterator[tuple[str, str]]:
    """Syncd's own words, which are shown in tables."""
    for text in (*Outcome, *Operation, *BreakerState):
        yield text.value, type(text).__name__
    yield from (
        (text, "words") for text in (*STATES, *DOCUMENT_STATES.values(), *DOCUMENT_STAGES.values(), *STATIONS, *KINDS, *ACTIONS, *Dossier.__struct_fields__)
    )


def hints() -> Iterator[tuple[str, str]]:
    """What syncd, its connectors and the shipped mappings tell a person to do, wherever that is a whole sentence."""
    root = Path(__file__).parents[2]
    for file in (*(root / "syncd").rglob("*.py"), *(root / "connectors").rglob("*.py")):
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(call, ast.Call):
                yield from ((text, file.name) for keyword in call.keywords if keyword.arg == "hint" for text in _texts(keyword.value) if " " in text)
    for file in (root / "mappings").rglob("*.toml"):
        yield from ((hint, file.name) for hint in re.findall(r'hint = "([^"]+)"', file.read_text("utf-8")))

"""Every command of the public surface is there, with help, and takes what its kind must take."""

from __future__ import annotations

import click
import pytest

from tests.cli.calling import Caller
from tests.cli.texts import commands

WRITING = {
    "resync",
    "dead retry",
    "dead discard",
    "dead arrived",
    "inbox assign",
    "inbox retry",
    "target pause",
    "target resume",
    "target adopt",
    "target fresh",
    "node drain",
    "node resume",
    "source accept",
    "db upgrade",
    "key new",
    "key rotate",
    "run",
}
READING = {
    *("config check", "config show", "doctor", "db check", "status", "show", "preview", "log", "dead list", "dead show", "inbox list", "inbox show"),
    *("node list", "target list", "target probe", "mapping check", "mapping show", "run", "report", "reconcile list", "reconcile show"),
}
OTHERS = {"demo", "sandbox", "config example", "completion"}
LEAVES = {path.removeprefix("syncd "): command for path, command in commands() if not isinstance(command, click.Group)}


def takes(path: str, flag: str) -> bool:
    return any(flag in parameter.opts for parameter in LEAVES[path].params)


def test_the_commands_are_those_of_the_public_surface() -> None:
    assert set(LEAVES) == WRITING | READING | OTHERS


@pytest.mark.parametrize("path", sorted(WRITING))
def test_a_writing_command_can_be_rehearsed(path: str) -> None:
    assert takes(path, "--dry-run")


@pytest.mark.parametrize("path", sorted(READING))
def test_a_reading_command_speaks_json(path: str) -> None:
    assert takes(path, "--json")


@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_command_has_help(bare: Caller, language: str) -> None:
    for path, command in commands():
        shown = bare("--lang", language, *path.split()[1:], "--help")
        assert (shown.code, shown.err) == (0, ""), path
        assert command.help, path
    assert ("Cách dùng:" in shown.out) is (language == "vi")


def test_options_of_one_name_mean_one_thing() -> None:
    helps: dict[str, set[str]] = {}
    for command in LEAVES.values():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                helps.setdefault(parameter.opts[0], set()).add(parameter.help or "")
    assert [name for name in ("--json", "--dry-run", "--since") if len(helps[name]) != 1] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete_commands(bare: Caller, shell: str) -> None:
    shown = bare("completion", shell)
    assert shown.code == 0
    assert "_SYNCD_COMPLETE" in shown.out

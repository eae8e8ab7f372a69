"""`syncd run`: one pass, a rehearsal of one, and the daemon as a service manager sees it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from syncd.cli import exits
from syncd.sandbox.world import World
from tests.cli.calling import Caller, Result


def test_a_pass_delivers_everything_and_says_so(world: World, delivered: Result) -> None:
    assert delivered.code == exits.DONE
    report = delivered.json
    assert set(report) == {"polled", "changes", "delivered", "remaining", "collected"}
    assert report["changes"] == report["delivered"]["dvcqg"]
    assert report["remaining"] == {"dvcqg": {"due": 0, "dead": 0}}
    assert world.compare().in_sync


def test_a_second_pass_finds_nothing(syncd: Caller, delivered: Result) -> None:
    again = syncd("run", "--once")
    assert again.code == exits.DONE
    assert "0 dossiers new or changed" in again.out


def test_a_rehearsed_pass_reads_and_sends_nothing(syncd: Caller, world: World) -> None:
    syncd("db", "upgrade")
    syncd("key", "new")
    seen = syncd("run", "--dry-run", "--json").json
    assert seen["changes"] > 0
    assert seen["delivered"] == {"dvcqg": 0}
    assert syncd("run", "--dry-run", "--json").json == seen
    assert world.portal.counts().total() == 0


def test_what_is_left_undelivered_shows_in_the_exit_code(syncd: Caller, world: World) -> None:
    world.portal.faults.down()
    shown = syncd("run", "--once", "--json")
    assert shown.code == exits.FAILED
    assert shown.json["remaining"]["dvcqg"]["due"] == shown.json["changes"]


@pytest.mark.parametrize("flag", ["--force", "--json"])
def test_flags_of_a_pass_need_a_pass(syncd: Caller, flag: str) -> None:
    assert syncd("run", flag).code == exits.USAGE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_daemon_ends_well_when_told_to(world: World, number: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "syncd", "--config", str(world.config), "run"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stderr is not None
        assert next(line for line in daemon.stderr if "daemon_started" in line)
        daemon.send_signal(number)
        out, _ = daemon.communicate()
    assert (daemon.returncode, out) == (exits.DONE, "")


def test_a_pass_shows_its_progress_on_a_terminal_only(world: World) -> None:
    near, far = pty.openpty()
    world.portal.faults.set({"slow": 1.0})
    command = [sys.executable, "-m", "syncd", "--config", str(world.config), "run", "--once", "--json"]
    drawn = bytearray()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=far, env={**os.environ, "TERM": "xterm-256color"}) as running:
        os.close(far)
        with suppress(OSError):  # what Linux says at the end of a terminal
            while shown := os.read(near, 65536):
                drawn += shown
        assert running.stdout is not None
        report = msgspec.json.decode(running.stdout.read())
    os.close(near)
    assert running.returncode == exits.DONE
    assert report["remaining"] == {"dvcqg": {"due": 0, "dead": 0}}
    assert "━" in drawn.decode()

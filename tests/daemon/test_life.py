"""Whether the daemon lives: a loop that says nothing is stuck, a chore of the night is not a loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from syncd.config import read
from syncd.daemon import Daemon
from syncd.wiring import build_daemon, open_state
from tests.clocks import TurnedClock
from tests.daemon.rehearsal import rehearsal_in

HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def daemon(tmp_path: Path, clock: TurnedClock) -> Iterator[Daemon]:
    """A daemon that is built and not started."""
    with ExitStack() as stack:
        settings = read(stack.enter_context(rehearsal_in(tmp_path / "world", dossiers=5)).config)
        state = stack.enter_context(open_state(settings, create=True, clock=clock))
        yield stack.enter_context(build_daemon(settings, state))


def test_a_loop_that_says_nothing_for_long_is_stuck(daemon: Daemon, clock: TurnedClock) -> None:
    assert daemon.live() is True
    clock.turn(HOUR)
    assert daemon.live() == "stuck: poll, tend"
    for loop in ("poll", "tend"):
        daemon._chore(loop, lambda: None)
    assert daemon.live() is True


def test_a_chore_of_the_night_that_ended_is_not_a_stuck_loop(daemon: Daemon, clock: TurnedClock) -> None:
    daemon._chore("sweep", lambda: None)
    daemon._chore("prune", lambda: None)
    clock.turn(HOUR)
    for loop in ("poll", "tend"):
        daemon._chore(loop, lambda: None)
    assert daemon.live() is True


def test_a_long_first_load_is_alive_as_long_as_pages_come(daemon: Daemon, clock: TurnedClock) -> None:
    clock.turn(HOUR)
    daemon._chore("tend", lambda: None)
    daemon._poll()
    assert daemon.live() is True
    assert daemon.ready() is True


def test_a_chore_that_fails_is_said_and_the_next_tick_tries_again(daemon: Daemon) -> None:
    def fail() -> None:
        raise RuntimeError("unforeseen")

    with capture_logs() as said:
        daemon._chore("poll", fail)
        daemon.stopping.set()
        daemon._chore("poll", fail)
    assert [(event["event"], event["error"]) for event in said] == [("poll_failed", "RuntimeError")]


def test_only_the_node_with_the_lease_polls_and_sweeps(daemon: Daemon, clock: TurnedClock) -> None:
    assert daemon.board.lease("poll", "another", clock.now(), HOUR)
    assert daemon.board.lease("sweep", "another", clock.now(), HOUR)
    daemon._poll()
    daemon._sweep()
    assert daemon.board.dossiers() == 0
    clock.turn(HOUR + timedelta(seconds=1))
    daemon._poll()
    daemon._sweep()
    assert daemon.board.dossiers() > 0
    assert daemon.ready() is True

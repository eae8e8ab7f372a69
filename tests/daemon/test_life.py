"""Whether the daemon lives: a loop that says nothing is stuck, a chore of the night is not a loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from syncd.config import read
from syncd.daemon import Daemon
from syncd.errors import SchemaMismatch
from syncd.store.evidence import Evidence
from syncd.store.node_orders import NodeOrders
from syncd.store.schema import schema_info
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
    assert daemon.live() == "stuck: beat, poll, tend"
    for loop in ("beat", "poll", "tend"):
        daemon.chores.run(loop, lambda: None)
    assert daemon.live() is True


def test_a_chore_of_the_night_that_ended_is_not_a_stuck_loop(daemon: Daemon, clock: TurnedClock) -> None:
    daemon.chores.run("sweep", lambda: None)
    daemon.chores.run("prune", lambda: None)
    clock.turn(HOUR)
    for loop in ("beat", "poll", "tend"):
        daemon.chores.run(loop, lambda: None)
    assert daemon.live() is True


def test_a_long_first_load_is_alive_as_long_as_pages_come(daemon: Daemon, clock: TurnedClock) -> None:
    clock.turn(HOUR)
    for loop in ("beat", "tend"):
        daemon.chores.run(loop, lambda: None)
    daemon.chores.poll()
    assert daemon.live() is True
    assert daemon.chores.ready() is True


def test_a_chore_that_fails_is_said_and_the_next_tick_tries_again(daemon: Daemon) -> None:
    def fail() -> None:
        raise RuntimeError("unforeseen")

    with capture_logs() as said:
        daemon.chores.run("poll", fail)
        daemon.stopping.set()
        daemon.chores.run("poll", fail)
    assert [(event["event"], event["error"]) for event in said] == [("poll_failed", "RuntimeError")]


def test_only_the_node_with_the_lease_polls_and_sweeps(daemon: Daemon, clock: TurnedClock) -> None:
    assert daemon.board.lease("poll", "another", clock.now(), HOUR)
    daemon.chores.poll()
    daemon.chores.night()
    assert daemon.board.dossiers() == 0
    clock.turn(HOUR + timedelta(seconds=1))
    daemon.chores.poll()
    daemon.chores.night()
    assert daemon.board.dossiers() > 0
    assert daemon.chores.ready() is True


def test_a_node_is_ready_while_another_one_polls_and_not_when_nobody_does(daemon: Daemon, clock: TurnedClock) -> None:
    assert daemon.chores.ready() == "the source did not answer the last poll"
    assert daemon.board.lease("poll", "another", clock.now(), HOUR)
    daemon.chores.run("poll", daemon.chores.poll)
    assert daemon.chores.ready() is True
    clock.turn(HOUR)
    assert daemon.chores.ready() == "the source did not answer the last poll"
    daemon.chores.run("poll", daemon.chores.poll)
    assert daemon.chores.ready() is True


def test_a_node_that_drains_does_nothing_by_the_clock_and_says_so(daemon: Daemon, clock: TurnedClock) -> None:
    with daemon.parts.membership as membership:
        NodeOrders(daemon.ledger.database, clock, "admin@node-1").drain("rehearsal")
        assert daemon.chores.leases.take("poll")
        with capture_logs() as said:
            daemon.chores.beat()
            daemon.chores.beat()
        assert [each["event"] for each in said] == ["node_draining"]
        for chore in (daemon.chores.poll, daemon.chores.night, daemon.chores.prune):
            chore()
        assert daemon.board.dossiers() == 0
        assert daemon.chores.ready() == "this node drains"
        assert daemon.live() is True
        assert daemon.board.holder("poll", clock.now()) is None
        assert [workers.gate.room(4) for workers in daemon.workers] == [0]
        NodeOrders(daemon.ledger.database, clock, "admin@node-1").resume("rehearsal")
        daemon.chores.beat()
        daemon.chores.poll()
        assert membership.draining is False
    assert daemon.board.dossiers() > 0


def test_the_night_belongs_to_the_node_that_polls_and_pruning_to_the_first(daemon: Daemon, clock: TurnedClock) -> None:
    evidence, now = Evidence(daemon.ledger.database), clock.now()
    assert daemon.board.lease("poll", "another", now, HOUR)
    assert daemon.board.lease("prune", "another", now, HOUR)
    with capture_logs() as said:
        daemon.chores.night()
        daemon.chores.prune()
    assert (evidence.runs(), said) == ([], [])
    clock.turn(HOUR)
    with capture_logs() as said:
        daemon.chores.night()
        daemon.chores.prune()
    assert len(evidence.runs()) == 1
    assert [each["event"] for each in said if each["event"] in ("sweep_done", "journal_pruned")] == ["sweep_done", "journal_pruned"]


def test_it_ends_when_the_state_has_been_brought_to_a_schema_it_does_not_know(daemon: Daemon) -> None:
    with daemon.parts.membership:
        with daemon.ledger.database.write() as connection:
            connection.execute(update(schema_info).values(version=99, compatible=99))
        daemon.chores.run("beat", daemon.chores.beat)
    assert daemon.stopping.is_set()
    assert isinstance(daemon.chores.failure, SchemaMismatch)

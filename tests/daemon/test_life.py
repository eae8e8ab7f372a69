"""Whether the daemon lives: a loop that says nothing is stuck, a chore of the night is not a loop."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update
from structlog.testing import capture_logs

from syncd.config import read
from syncd.daemon import Daemon
from syncd.errors import SchemaMismatch
from syncd.model import Page
from syncd.sandbox.world import World
from syncd.store.evidence import Evidence, Scope
from syncd.store.node_orders import NodeOrders
from syncd.store.schema import schema_info
from syncd.wiring import build_daemon, open_state
from tests.clocks import TurnedClock
from tests.daemon.rehearsal import rehearsal_in

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """Five dossiers, and the portal or those named."""
    with rehearsal_in(tmp_path / "world", dossiers=5, targets=getattr(request, "param", ("dvcqg",))) as made:
        yield made


@pytest.fixture
def daemon(world: World, clock: TurnedClock) -> Iterator[Daemon]:
    """A daemon that is built and not started."""
    with ExitStack() as stack:
        settings = read(world.config)
        state = stack.enter_context(open_state(settings, create=True, clock=clock))
        yield stack.enter_context(build_daemon(settings, state))


COUNTING = pytest.mark.parametrize("world", [("lgsp",)], indirect=True, ids=["lgsp"])


def events(said: list[MutableMapping[str, Any]], *names: str) -> list[str]:
    return [each["event"] for each in said if each["event"] in names]


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
    evidence = Evidence(daemon.ledger.database)
    daemon.chores.poll()
    clock.turn(DAY)
    assert daemon.board.lease("poll", "another", clock.now(), HOUR)
    assert daemon.board.lease("prune", "another", clock.now(), HOUR)
    with capture_logs() as said:
        daemon.chores.night()
        daemon.chores.prune()
    assert (evidence.runs(), said) == ([], [])
    clock.turn(HOUR)
    with capture_logs() as said:
        daemon.chores.night()
        daemon.chores.prune()
    assert [run.target for run in evidence.runs()] == ["dvcqg"]
    assert events(said, "sweep_done", "journal_pruned") == ["sweep_done", "journal_pruned"]
    with capture_logs() as said:
        daemon.chores.night()
        daemon.chores.prune()
    assert said == []


def test_a_night_that_nobody_was_there_for_is_made_up_by_day(daemon: Daemon, clock: TurnedClock) -> None:
    daemon.chores.poll()
    daemon.chores.night()
    assert daemon.board.source().swept_at is None, "the first poll has just read everything"
    for day in range(3):
        clock.turn(DAY)  # it is on from eight in the morning
        daemon.chores.poll()
        daemon.chores.night()
        assert daemon.board.source().swept_at == clock.now()
        assert len(Evidence(daemon.ledger.database).runs()) == day + 1


def test_a_night_that_failed_is_tried_again_an_hour_later(daemon: Daemon, clock: TurnedClock, world: World) -> None:
    daemon.chores.poll()
    clock.turn(DAY)
    with world.engine.begin() as connection:
        connection.execute(text("ALTER TABLE opencps_dossier RENAME TO away"))
    with capture_logs() as said:
        daemon.chores.night()
        daemon.chores.night()
    assert events(said, "sweep_failed", "reconcile_failed") == ["sweep_failed", "reconcile_failed"]
    with world.engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO opencps_dossier"))
    daemon.chores.night()
    assert daemon.board.source().swept_at is None
    clock.turn(HOUR)
    with capture_logs() as said:
        daemon.chores.night()
    assert events(said, "sweep_done", "reconcile_done") == ["sweep_done", "reconcile_done"]


def test_no_night_begins_while_the_source_does_not_answer(daemon: Daemon, clock: TurnedClock, world: World) -> None:
    daemon.chores.poll()
    clock.turn(DAY)
    with world.engine.begin() as connection:
        connection.execute(text("ALTER TABLE opencps_dossier RENAME TO away"))
    daemon.chores.run("poll", daemon.chores.poll)
    with capture_logs() as said:
        daemon.chores.night()
    assert said == []


def test_a_sweep_that_was_interrupted_comes_to_its_end_the_same_day(daemon: Daemon, clock: TurnedClock) -> None:
    daemon.chores.poll()
    clock.turn(DAY)
    goes_on, daemon.parts.poller.proceed = daemon.parts.poller.proceed, lambda: False
    daemon.chores.night()
    note = daemon.board.source()
    assert note.sweep_after > 0
    assert note.swept_at is None
    daemon.parts.poller.proceed = goes_on
    daemon.chores.night()
    note = daemon.board.source()
    assert (note.sweep_after, note.swept_at) == (0, clock.now())


def test_a_reconciliation_that_a_dead_node_left_is_gone_on_with(daemon: Daemon, clock: TurnedClock) -> None:
    evidence = Evidence(daemon.ledger.database)
    daemon.chores.poll()
    left = evidence.begin("dvcqg", "another", Scope(), clock.now())
    assert daemon.board.lease("reconcile:dvcqg", "another", clock.now(), HOUR)
    daemon.chores.night()
    assert evidence.run(left.id).state == "comparing"
    clock.turn(HOUR)
    daemon.chores.night()
    assert [(run.id, run.state) for run in evidence.runs()] == [(left.id, "done")]


def test_what_is_kept_long_enough_is_cut_once_a_day_by_whichever_node(daemon: Daemon, clock: TurnedClock) -> None:
    daemon.chores.poll()
    pruned = []
    for _ in range(5):
        clock.turn(DAY / 2)
        with capture_logs() as said:
            daemon.chores.prune()
        pruned.append(len(events(said, "journal_pruned")))
    assert pruned == [0, 1, 0, 1, 0]


@COUNTING
def test_a_count_ends_when_the_daemon_stops_and_is_due_as_before(daemon: Daemon) -> None:
    tally = daemon.parts.tally
    assert tally is not None

    class Stopping:
        def sweep(self) -> Iterator[Page]:
            daemon.stopping.set()
            yield from daemon.parts.poller.source.sweep()

    tally.source = Stopping()  # type: ignore[assignment]
    with capture_logs() as said:
        daemon.chores.count()
    assert (tally.last(), said) == (None, [])


@COUNTING
def test_a_count_that_failed_is_tried_again_an_hour_later(daemon: Daemon, clock: TurnedClock, world: World) -> None:
    tally = daemon.parts.tally
    assert tally is not None
    with world.engine.begin() as connection:
        connection.execute(text("ALTER TABLE opencps_dossier RENAME TO away"))
    with capture_logs() as said:
        daemon.chores.count()
        daemon.chores.count()
    assert events(said, "statistics_failed") == ["statistics_failed"]
    with world.engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO opencps_dossier"))
    clock.turn(HOUR)
    daemon.chores.count()
    assert tally.last() == clock.now()


def test_it_ends_when_the_state_has_been_brought_to_a_schema_it_does_not_know(daemon: Daemon) -> None:
    with daemon.parts.membership:
        with daemon.ledger.database.write() as connection:
            connection.execute(update(schema_info).values(version=99, compatible=99))
        daemon.chores.run("beat", daemon.chores.beat)
    assert daemon.stopping.is_set()
    assert isinstance(daemon.chores.failure, SchemaMismatch)

"""How the source and the targets stand, in numbers."""

from __future__ import annotations

from datetime import timedelta

from syncd.store.board import Board
from syncd.store.overview import source_status, target_status
from tests.store.state import START, State


def test_a_state_that_has_seen_nothing_says_so(state: State) -> None:
    source = source_status(state.database)
    assert (source.cursor, source.last_poll, source.last_sweep, source.lag_seconds, source.dossiers) == (None, None, None, None, 0)
    portal = target_status(state.database, ["portal"], START)["portal"]
    assert (portal.due, portal.in_sync, portal.oldest_due_seconds, portal.breaker, portal.paused, portal.last_success) == (0, 0, None, "closed", False, None)


def test_every_row_is_counted_in_exactly_one_place(state: State) -> None:
    state.take("H03-1", "H03-2")
    state.deliver()
    state.take("H03-3")
    state.refuse()
    state.take("H03-4", "H03-5")
    leased = state.ledger.claim("portal", 1, state.clock.now(), timedelta(minutes=1))
    state.clock.turn(timedelta(seconds=90))
    portal = target_status(state.database, ["portal"], state.clock.now())["portal"]
    assert len(leased) == 1
    assert (portal.due, portal.leased, portal.dead, portal.held, portal.in_sync) == (1, 1, 1, 0, 2)
    assert portal.oldest_due_seconds == 90


def test_the_rate_counts_what_was_acknowledged_in_the_last_minute(state: State) -> None:
    state.take("H03-1", "H03-2")
    state.deliver()
    assert target_status(state.database, ["portal"], state.clock.now())["portal"].rate == 2
    assert target_status(state.database, ["portal"], state.clock.turn(timedelta(minutes=2)))["portal"].rate == 0


def test_the_source_tells_where_it_was_read_up_to(state: State) -> None:
    state.take("H03-1")
    Board(state.database).note_source(lag=3.5, suspicion="everything changed", swept_at=START - timedelta(hours=6))
    source = source_status(state.database)
    assert (source.cursor, source.last_poll, source.lag_seconds, source.dossiers) == ("2025-03-03 08:30:00", START, 3.5, 1)
    assert (source.last_sweep, source.suspicion) == (START - timedelta(hours=6), "everything changed")


def test_what_waits_for_its_next_try_is_not_late(state: State) -> None:
    state.take("H03-1")
    assert target_status(state.database, ["portal"], START - timedelta(seconds=30))["portal"].oldest_due_seconds == 0

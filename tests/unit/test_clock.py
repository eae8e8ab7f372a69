"""The time of the state, counted on by a node whose own clock may be anything."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.clock import StateClock
from tests.clocks import TurnedClock

HOUR = timedelta(hours=1)


@pytest.fixture
def own() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def clock(own: TurnedClock) -> StateClock:
    """Agreed with a database an hour ahead, whose answer took 20 ms."""
    clock = StateClock(own)
    asked = own.monotonic()
    own.turn(timedelta(milliseconds=20))
    clock.agree(own.now() + HOUR - timedelta(milliseconds=10), asked, own.monotonic())
    return clock


def test_before_the_database_was_asked_it_is_the_machines(own: TurnedClock) -> None:
    clock = StateClock(own)
    assert clock.now() == own.now()
    assert clock.skew == 0
    assert clock.doubt == float("inf")


def test_then_it_is_the_databases_counted_on_by_the_monotonic_clock(clock: StateClock, own: TurnedClock) -> None:
    assert clock.now() == own.now() + HOUR
    own.turn(timedelta(seconds=90))
    assert clock.now() == own.now() + HOUR
    assert clock.doubt == pytest.approx(0.01)


def test_a_correction_of_the_machines_clock_moves_nothing_and_is_told_as_skew(clock: StateClock, own: TurnedClock) -> None:
    before = clock.now()
    own.step(timedelta(hours=-3))
    assert clock.now() == before
    assert clock.skew == pytest.approx(-4 * 3600)


def test_an_answer_that_took_long_is_not_taken_where_a_better_one_is_known(clock: StateClock, own: TurnedClock) -> None:
    asked, expected = own.monotonic(), clock.now()
    own.turn(timedelta(seconds=2))
    clock.agree(expected + timedelta(seconds=1.9), asked, own.monotonic())
    assert clock.now() == own.now() + HOUR


def test_another_databases_time_is_taken_however_long_the_answer_took(clock: StateClock, own: TurnedClock) -> None:
    asked, expected = own.monotonic(), clock.now()
    own.turn(timedelta(seconds=2))
    clock.agree(expected + timedelta(seconds=31), asked, own.monotonic())
    assert clock.now() == expected + timedelta(seconds=32)


def test_a_better_reading_replaces_an_aged_one(clock: StateClock, own: TurnedClock) -> None:
    own.turn(timedelta(seconds=60))
    asked, gained = own.monotonic(), timedelta(milliseconds=6)  # a crystal that is off by a ten-thousandth
    own.turn(timedelta(milliseconds=30))
    clock.agree(own.now() + HOUR + gained - timedelta(milliseconds=15), asked, own.monotonic())
    assert clock.now() == own.now() + HOUR + gained

"""When something is tried again: pure decisions."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.calls import Outcome, Receipt
from syncd.policy import BREAKER_LONGEST, Breaker, BreakerState, Next, Pace, asked, decide, quiet, wait

NOW = datetime(2025, 3, 3, 1, 0, tzinfo=UTC)
WAITS = [timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10)]


@given(failures=st.integers(0, 50), dice=st.floats(0, 1, exclude_max=True))
def test_a_failure_waits_its_entry_of_the_schedule_within_a_fifth(failures: int, dice: float) -> None:
    entry = WAITS[min(failures, 2)]
    assert entry * 0.8 <= wait(WAITS, failures, dice) <= entry * 1.2


@pytest.mark.parametrize(
    ("outcome", "goes", "failures"),
    [
        (Outcome.REJECTED, Next.DEAD, 3),
        (Outcome.UNAVAILABLE, Next.LATER, 3),
        (Outcome.UNKNOWN, Next.LATER, 3),
        (Outcome.BUSY, Next.LATER, 2),
        (Outcome.UNAUTHORISED, Next.LATER, 2),
    ],
)
def test_only_a_failure_of_the_target_costs_a_failure(outcome: Outcome, goes: Next, failures: int) -> None:
    decision = decide(Receipt(outcome=outcome), 2, NOW, WAITS, 0.5)
    assert (decision.next, decision.failures) == (goes, failures)


@pytest.mark.parametrize(("said", "seconds"), [(None, 60), (0, 1), (5, 5), (10**9, 3600), (1e30, 3600), (float("inf"), 3600), (-1e30, 1), (float("nan"), 60)])
def test_what_a_target_asks_for_is_kept_within_reason(said: float | None, seconds: float) -> None:
    assert asked(said) == timedelta(seconds=seconds)


def test_a_breaker_opens_after_failures_in_a_row_probes_and_doubles_its_pause() -> None:
    breaker, now, pauses = Breaker(), NOW, []
    for _ in range(5):
        breaker = breaker.after(Outcome.UNAVAILABLE, now, 5)
    for _ in range(7):
        assert breaker.state is BreakerState.OPEN
        assert breaker.until is not None
        pauses.append(breaker.until - now)
        assert breaker.seen_at(breaker.until - timedelta(seconds=1)).state is BreakerState.OPEN
        now = breaker.until
        breaker = breaker.seen_at(now)
        assert breaker.state is BreakerState.HALF_OPEN
        breaker = breaker.after(Outcome.UNKNOWN, now, 5)
    assert pauses == [timedelta(minutes=m) for m in (1, 2, 4, 8, 16, 30, 30)]
    assert breaker.after(Outcome.DELIVERED, now, 5).state is BreakerState.CLOSED
    assert max(pauses) == BREAKER_LONGEST


@pytest.mark.parametrize("outcome", [Outcome.DELIVERED, Outcome.REJECTED, Outcome.CROSSED, Outcome.BUSY])
def test_any_answer_of_the_target_itself_forgives_its_failures(outcome: Outcome) -> None:
    breaker = Breaker(failures=4).after(outcome, NOW, 5)
    assert (breaker.state, breaker.failures) == (BreakerState.CLOSED, 0)


@pytest.mark.parametrize(
    ("hours", "clock", "expected"),
    [
        ("", "03:00", False),
        ("22:00-05:00", "23:30", True),
        ("22:00-05:00", "04:59", True),
        ("22:00-05:00", "05:00", False),
        ("11:30-13:00", "12:00", True),
        ("11:30-13:00", "10:00", False),
    ],
)
def test_quiet_hours_may_pass_midnight(hours: str, clock: str, *, expected: bool) -> None:
    assert quiet(hours, time.fromisoformat(clock)) is expected


def test_a_pace_spreads_calls_evenly_and_does_not_save_up() -> None:
    pace, waits = Pace(interval=0.5), []
    for now in (100.0, 100.0, 100.0, 200.0, 200.0):
        pace, seconds = pace.take(now)
        waits.append(seconds)
    assert waits == [0.0, 0.5, 1.0, 0.0, 0.5]

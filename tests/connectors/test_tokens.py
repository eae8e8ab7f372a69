"""What threads share is obtained once, whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from connectors._http.outcomes import Trouble
from connectors._tokens import Shared
from syncd.calls import Outcome
from tests.clocks import TurnedClock

DOWN = Trouble(Outcome.UNAVAILABLE, "connect", "no connection")
LATE = 10_000.0


class Till:
    """Gives a numbered token each time, or the trouble it is told to; holds on while `held`."""

    def __init__(self, *troubles: Trouble | None) -> None:
        self.given = 0
        self.troubles = list(troubles)
        self.held = threading.Event()
        self.held.set()
        self.entered = threading.Event()

    def __call__(self, until: float) -> tuple[str, timedelta] | Trouble:
        self.given += 1
        number = self.given
        self.entered.set()
        assert self.held.wait(10)
        trouble = self.troubles.pop(0) if self.troubles else None
        return trouble or (f"token-{number}", timedelta(minutes=10))


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


def test_a_value_is_obtained_once_and_again_when_it_is_too_old(clock: TurnedClock) -> None:
    shared = Shared(Till(), clock)
    assert [shared.get(LATE), shared.get(LATE)] == ["token-1", "token-1"]
    clock.turn(timedelta(minutes=10))
    assert shared.get(LATE) == "token-2"


def test_a_younger_value_can_be_asked_for(clock: TurnedClock) -> None:
    shared = Shared(Till(), clock)
    shared.get(LATE)
    clock.turn(timedelta(minutes=2))
    assert shared.get(LATE, youngest=timedelta(minutes=3)) == "token-1"
    assert shared.get(LATE, youngest=timedelta(minutes=2)) == "token-2"


def test_only_the_value_that_proved_bad_is_dropped(clock: TurnedClock) -> None:
    shared = Shared(Till(), clock)
    shared.get(LATE)
    shared.drop("token-1")
    assert shared.get(LATE) == "token-2"
    shared.drop("token-1")
    assert shared.get(LATE) == "token-2"


def test_trouble_is_told_and_not_kept(clock: TurnedClock) -> None:
    shared = Shared(Till(DOWN), clock)
    assert shared.get(LATE) == DOWN
    assert shared.get(LATE) == "token-2"


def together(shared: Shared[str], till: Till, threads: int = 6) -> list[str | Trouble]:
    """What so many threads get that all ask while the first is obtaining."""
    till.held.clear()
    with ThreadPoolExecutor(threads) as pool:
        first = pool.submit(shared.get, LATE)
        assert till.entered.wait(10)
        others = [pool.submit(shared.get, LATE) for _ in range(threads - 1)]
        till.held.set()
        return [first.result(), *(other.result() for other in others)]


def test_threads_share_one_obtaining(clock: TurnedClock) -> None:
    till = Till()
    assert set(together(Shared(till, clock), till)) == {"token-1"}
    assert till.given == 1


def test_waiting_ends_in_time(clock: TurnedClock) -> None:
    till = Till()
    shared = Shared(till, clock)
    till.held.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(shared.get, LATE)
        assert till.entered.wait(10)
        waited = shared.get(clock.monotonic() + 0.05)
        till.held.set()
        assert first.result() == "token-1"
    assert isinstance(waited, Trouble)
    assert (waited.outcome, waited.code) == (Outcome.UNAVAILABLE, "no_time")


def test_those_who_wait_share_the_trouble_too(clock: TurnedClock) -> None:
    till = Till(DOWN, DOWN, DOWN, DOWN, DOWN, DOWN)
    assert set(together(Shared(till, clock), till)) == {DOWN}


def test_an_obtaining_that_fails_unexpectedly_frees_those_who_wait(clock: TurnedClock) -> None:
    broken: Callable[[float], Trouble] = lambda until: [][int(until)]  # noqa: E731
    shared: Shared[str] = Shared(broken, clock)
    for _ in range(2):
        with pytest.raises(IndexError):
            shared.get(LATE)

"""A source that rings is polled at once, and however often it rings, polls come one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable

from syncd.waking import Waking


class Polls:
    """A poll that waits to be let go on."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        self.begun.release()
        assert self.go_on.acquire(timeout=60)


def test_rings_during_a_poll_are_answered_by_one_more() -> None:
    polls, stopping = Polls(), threading.Event()
    waking = Waking(polls, stopping)
    waking.start()
    waking.ring()
    assert polls.begun.acquire(timeout=60)
    for _ in range(100):
        waking.ring()
    polls.go_on.release()
    assert polls.begun.acquire(timeout=60)
    stopping.set()
    polls.go_on.release()
    waking.stop()
    assert polls.count == 2


def test_nothing_is_polled_when_nothing_rang() -> None:
    polls, stopping = Polls(), threading.Event()
    waking = Waking(polls, stopping)
    waking.start()
    stopping.set()
    waking.stop()
    assert polls.count == 0


class StoppedWhenLooked(threading.Event):
    """Somebody stops the daemon just after it was looked whether anybody has."""

    def __init__(self) -> None:
        super().__init__()
        self.after: Callable[[], object] = bool

    def is_set(self) -> bool:
        found = super().is_set()
        self.set()
        self.after()
        return found


def test_a_stop_between_a_ring_and_its_poll_is_heard() -> None:
    polls, stopping = Polls(), StoppedWhenLooked()
    waking = Waking(polls, stopping)
    stopping.after = waking.ring  # as `stop` does
    polls.go_on.release()
    waking.start()
    waking.ring()
    waking._thread.join(60)
    assert not waking._thread.is_alive()
    assert polls.count == 1

"""A source that rings is polled at once, and however often it rings, polls come one after the other."""

from __future__ import annotations

import threading

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

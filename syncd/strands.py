"""Strands: workers that share a thread, each giving way to the others where it would only wait.

Python runs one thread at a time. Threads that wait for a target, for a commit and for each other hand its lock on over the cores of the
machine, and pay more for that than a delivery costs (ADR 0007). Strands, which are greenlets of a `loom`, change places only in the functions of this
module. What is written with these functions works in a plain thread too, and then waits as a thread does.

Whatever else waits holds up its whole loom. So the state database, which has to be quick, may be called as ever, and whoever waits longer
does it here. A `threading.Lock` is held only where nothing in between waits here; where something does, it is a `Turn`.
"""

from __future__ import annotations

import select
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from math import inf

from syncd.loom import MILLI, current, wanted

_HEEDED_EVERY = 0.2  #: seconds
_guard = threading.Lock()  #: of all latches and turns


class Latch:
    """Opened once, by whatever thread; strands and threads wait for it."""

    def __init__(self) -> None:
        self.is_open = False
        self._waiting: list[Callable[[], object]] = []

    def open(self) -> None:
        """Let everybody go on who waits."""
        with _guard:
            self.is_open = True
            waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake()

    def wait(self, seconds: float = inf) -> bool:
        """Until it is open, or so long; whether it is."""
        strand = current()
        if strand is None:
            turn = threading.Lock()
            turn.acquire()
            self._enlist(turn.release)
            turn.acquire(timeout=min(seconds, threading.TIMEOUT_MAX))
            self._leave(turn.release)
        elif not self.is_open:
            wake = partial(strand.loom.wake, strand.loom.begin(strand, seconds))
            self._enlist(wake)
            strand.loom.switch()
            self._leave(wake)
        return self.is_open

    def _enlist(self, wake: Callable[[], object]) -> None:
        """Have `wake` called when it is opened; at once where it is open already."""
        with _guard:
            is_open = self.is_open
            if not is_open:
                self._waiting.append(wake)
        if is_open:
            wake()

    def _leave(self, wake: Callable[[], object]) -> None:
        """Wait no longer: one that is never opened would remember all who ever waited."""
        if not self.is_open:
            with _guard, suppress(ValueError):
                self._waiting.remove(wake)


class Turn:
    """A lock whose holder may wait; they get it in the order of their coming."""

    def __init__(self) -> None:
        self.taken = False
        self._waiting: deque[Latch] = deque()

    def __enter__(self) -> None:
        with _guard:
            latch = Latch() if self.taken else None
            self.taken = True
            if latch is not None:
                self._waiting.append(latch)
        if latch is not None:
            latch.wait()

    def __exit__(self, *_: object) -> None:
        with _guard:
            following = self._waiting.popleft() if self._waiting else None
            self.taken = following is not None
        if following is not None:
            following.open()


def rest(seconds: float) -> None:
    """Do nothing for so long."""
    strand = current()
    if strand is None:
        time.sleep(seconds)
    else:
        strand.loom.begin(strand, seconds)
        strand.loom.switch()


def rest_unless(event: threading.Event, seconds: float) -> bool:
    """Do nothing for so long, or until `event` is set; whether it is."""
    if current() is None:
        return event.wait(seconds)
    end = time.monotonic() + seconds
    while not event.is_set() and (left := end - time.monotonic()) > 0:
        rest(min(left, _HEEDED_EVERY))
    return event.is_set()


def give_way() -> None:
    """Let all other strands go first for whom something has come, at a socket that has become ready only now too; not those for whom a latch or a turn
    has been opened, for they begin something new."""
    strand = current()
    if strand is not None:
        strand.loom.give_way(strand)


def attend(reading: Collection[int], writing: Collection[int], seconds: float) -> dict[int, int]:
    """Wait until one of these sockets is ready, or so long; what poll says of those that are."""
    strand = current()
    if strand is not None:
        return strand.loom.attend(strand, reading, writing, seconds)
    sockets = select.poll()
    for number, events in wanted(reading, writing).items():
        sockets.register(number, events)
    return dict(sockets.poll(seconds * MILLI))

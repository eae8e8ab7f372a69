"""Strands: workers that share a thread, each giving way to the others where it would only wait.

Python runs one thread at a time. Threads that wait for a target, for a commit and for each other hand its lock on over the cores of the
machine, and pay more for that than a delivery costs (ADR 0007). Strands, which are greenlets, change places only in the functions of this
module, and their `Loom` looks at all their sockets at once. What is written with these functions works in a plain thread too, and then
waits as a thread does.

Whatever else waits holds up its whole loom. So the state database, which has to be quick, may be called as ever, and whoever waits longer
does it here. A `threading.Lock` is held only where nothing in between waits here; where something does, it is a `Turn`.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from math import inf

from greenlet import GreenletExit, getcurrent, greenlet

_ALARMS = 4096
_MILLI = 1000
_HEEDED_EVERY = 0.2  #: seconds
_guard = threading.Lock()  #: of all latches and turns


class _Strand(greenlet):
    """A worker of a loom."""

    loom: Loom


class _Pause:
    """A strand that waits, until a moment at most."""

    __slots__ = ("ends", "seen", "strand")

    def __init__(self, strand: _Strand, seconds: float) -> None:
        self.strand = strand
        self.ends = time.monotonic() + seconds
        self.seen: dict[int, int] = {}  #: what poll said of the sockets it waits for


class Loom:
    """Runs strands, one at a time, in the thread that calls `run`."""

    def __init__(self) -> None:
        self._ready: deque[_Strand] = deque()
        self._courteous: deque[_Strand] = deque()  #: those who gave way
        self._called: deque[_Strand] = deque()  #: those for whom others of this loom have opened a latch; they go last
        self._pauses: set[_Pause] = set()
        self._sockets = select.poll()
        self._attended: dict[int, _Pause] = {}  #: who waits for which socket
        self._woken: deque[_Pause] = deque()  #: by other threads
        self._alive = 0

    def run(self, works: Sequence[Callable[[], object]]) -> None:
        """Do all of these at the same time, until the last one has ended."""
        self._thread, self._hub, self._alive = threading.get_ident(), getcurrent(), len(works)
        for work in works:
            strand = _Strand(self._counted(work))
            strand.loom = self
            self._ready.append(strand)
        self._alarm, self._bell = socket.socketpair()
        with self._alarm, self._bell:
            self._bell.setblocking(False)
            self._sockets.register(self._alarm, select.POLLIN)
            while self._alive:
                self._go()

    def begin(self, strand: _Strand, seconds: float) -> _Pause:
        """A pause, of which `switch` comes back when it is over."""
        pause = _Pause(strand, seconds)
        self._pauses.add(pause)
        return pause

    def switch(self) -> None:
        """Let the others go."""
        self._hub.switch()

    def give_way(self, strand: _Strand) -> None:
        """Let all go for whom something has come."""
        self._courteous.append(strand)
        self._hub.switch()

    def attend(self, strand: _Strand, reading: Collection[int], writing: Collection[int], seconds: float) -> dict[int, int]:
        """Pause until one of these sockets is ready."""
        pause, wanted = self.begin(strand, seconds), _wanted(reading, writing)
        for number, events in wanted.items():
            self._sockets.register(number, events)
            self._attended[number] = pause
        try:
            self._hub.switch()
        finally:
            for number in wanted:
                self._sockets.unregister(number)
                del self._attended[number]
        return pause.seen

    def wake(self, pause: _Pause) -> None:
        """End a pause, from whatever thread."""
        if threading.get_ident() == self._thread:
            self._over(pause, self._called)
            return
        self._woken.append(pause)
        with suppress(OSError):  # as many alarms as it can hold, or the loom has ended
            self._bell.send(b"\0")

    def _counted(self, work: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except GreenletExit:
                raise
            except BaseException as error:  # noqa: BLE001  as in a thread: it ends this one, and the others go on
                threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, threading.current_thread())))
            finally:
                self._alive -= 1

        return run

    def _go(self) -> None:
        """Let those go for whom something has come, then those who gave way to them, then those who were called; and look what else has come."""
        while self._ready:
            self._ready.popleft().switch()
        while self._called and not self._courteous:
            self._called.popleft().switch()
        if self._alive:
            self._look()
        if self._courteous and not self._ready:
            self._ready.append(self._courteous.popleft())

    def _look(self) -> None:
        soonest = min((pause.ends for pause in self._pauses), default=inf)
        ends = 0.0 if self._courteous else soonest
        for number, events in self._sockets.poll(None if ends == inf else max(0.0, ends - time.monotonic()) * _MILLI):
            if pause := self._attended.get(number):
                pause.seen[number] = events
                self._over(pause, self._ready)
            else:
                self._alarm.recv(_ALARMS)
        while self._woken:
            self._over(self._woken.popleft(), self._ready)
        if (now := time.monotonic()) >= soonest:
            for pause in [pause for pause in self._pauses if pause.ends <= now]:
                self._over(pause, self._ready)

    def _over(self, pause: _Pause, queue: deque[_Strand]) -> None:
        if pause in self._pauses:
            self._pauses.remove(pause)
            queue.append(pause.strand)


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
        strand = _strand()
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
    strand = _strand()
    if strand is None:
        time.sleep(seconds)
    else:
        strand.loom.begin(strand, seconds)
        strand.loom.switch()


def rest_unless(event: threading.Event, seconds: float) -> bool:
    """Do nothing for so long, or until `event` is set; whether it is."""
    if _strand() is None:
        return event.wait(seconds)
    end = time.monotonic() + seconds
    while not event.is_set() and (left := end - time.monotonic()) > 0:
        rest(min(left, _HEEDED_EVERY))
    return event.is_set()


def give_way() -> None:
    """Let all other strands go first for whom something has come, whose sockets have become ready meanwhile; not those who wait for a latch or a turn,
    for they begin something new."""
    strand = _strand()
    if strand is not None:
        strand.loom.give_way(strand)


def attend(reading: Collection[int], writing: Collection[int], seconds: float) -> dict[int, int]:
    """Wait until one of these sockets is ready, or so long; what poll says of those that are."""
    strand = _strand()
    if strand is not None:
        return strand.loom.attend(strand, reading, writing, seconds)
    sockets = select.poll()
    for number, events in _wanted(reading, writing).items():
        sockets.register(number, events)
    return dict(sockets.poll(seconds * _MILLI))


def _wanted(reading: Collection[int], writing: Collection[int]) -> dict[int, int]:
    return {number: select.POLLIN * (number in reading) | select.POLLOUT * (number in writing) for number in {*reading, *writing}}


def _strand() -> _Strand | None:
    current = getcurrent()
    return current if isinstance(current, _Strand) else None

"""The loom: it runs strands, greenlets that share its thread, one at a time, and looks at all their sockets at once.

A strand goes on when what it waits for has come: an answer at a socket, the end of its time, a word from another thread. Who gave way to these goes
next, then who was called by a strand of this loom, to begin something new.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from math import inf

from greenlet import GreenletExit, getcurrent, greenlet

MILLI = 1000
_ALARMS = 4096


class Strand(greenlet):
    """A worker of a loom."""

    loom: Loom


class Pause:
    """A strand that waits, until a moment at most."""

    __slots__ = ("ends", "seen", "strand")

    def __init__(self, strand: Strand, seconds: float) -> None:
        self.strand = strand
        self.ends = time.monotonic() + seconds
        self.seen: dict[int, int] = {}  #: what poll said of the sockets it waits for


class Loom:
    """Runs strands, one at a time, in the thread that calls `run`."""

    def __init__(self) -> None:
        self._ready: deque[Strand] = deque()
        self._courteous: deque[Strand] = deque()  #: those who gave way
        self._called: deque[Strand] = deque()  #: those for whom others of this loom have opened a latch; they go last
        self._pauses: set[Pause] = set()
        self._sockets = select.poll()
        self._attended: dict[int, Pause] = {}  #: who waits for which socket
        self._woken: deque[Pause] = deque()  #: by other threads
        self._alive = 0

    def run(self, works: Sequence[Callable[[], object]]) -> None:
        """Do all of these at the same time, until the last one has ended."""
        self._thread, self._hub, self._alive = threading.get_ident(), getcurrent(), len(works)
        for work in works:
            strand = Strand(self._counted(work))
            strand.loom = self
            self._ready.append(strand)
        self._alarm, self._bell = socket.socketpair()
        with self._alarm, self._bell:
            self._bell.setblocking(False)
            self._sockets.register(self._alarm, select.POLLIN)
            while self._alive:
                self._go()

    def begin(self, strand: Strand, seconds: float) -> Pause:
        """A pause, of which `switch` comes back when it is over."""
        pause = Pause(strand, seconds)
        self._pauses.add(pause)
        return pause

    def switch(self) -> None:
        """Let the others go."""
        self._hub.switch()

    def give_way(self, strand: Strand) -> None:
        """Let all go for whom something has come."""
        self._courteous.append(strand)
        self._hub.switch()

    def attend(self, strand: Strand, reading: Collection[int], writing: Collection[int], seconds: float) -> dict[int, int]:
        """Pause until one of these sockets is ready."""
        pause, numbers = self.begin(strand, seconds), wanted(reading, writing)
        for number, events in numbers.items():
            self._sockets.register(number, events)
            self._attended[number] = pause
        try:
            self._hub.switch()
        finally:
            for number in numbers:
                self._sockets.unregister(number)
                del self._attended[number]
        return pause.seen

    def wake(self, pause: Pause) -> None:
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
        for number, events in self._sockets.poll(None if ends == inf else max(0.0, ends - time.monotonic()) * MILLI):
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

    def _over(self, pause: Pause, queue: deque[Strand]) -> None:
        if pause in self._pauses:
            self._pauses.remove(pause)
            queue.append(pause.strand)


def wanted(reading: Collection[int], writing: Collection[int]) -> dict[int, int]:
    """What poll is asked about these sockets."""
    return {number: select.POLLIN * (number in reading) | select.POLLOUT * (number in writing) for number in {*reading, *writing}}


def current() -> Strand | None:
    """The strand that runs now; None in a plain thread."""
    running = getcurrent()
    return running if isinstance(running, Strand) else None

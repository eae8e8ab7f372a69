"""Waking: a source that says when something was committed is polled at once, not only when its time has come.

However often it rings, there is one poll, and then a rest: a stream of changes is read twice a second at most. The timetable
goes on beside it, for a source that does not ring may have changed all the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

REST = 0.5  #: seconds between the end of a poll that the source asked for and the next such


class Waking:
    """A thread that polls when it is rung for."""

    def __init__(self, poll: Callable[[], object], stopping: threading.Event) -> None:
        self._poll = poll
        self._stopping = stopping
        self._rung = threading.Event()
        self._thread = threading.Thread(target=self._run, name="waking", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def ring(self) -> None:
        """Something may have changed: poll, now or when the rest is over."""
        self._rung.set()

    def stop(self) -> None:
        """Wait for the poll under way; the daemon has been told to stop."""
        self._rung.set()
        self._thread.join()

    def _run(self) -> None:
        while self._rung.wait():
            self._rung.clear()  # before looking whether to stop, or the ring that says so might be the one that is lost
            if self._stopping.is_set():
                return
            self._poll()
            self._stopping.wait(REST)

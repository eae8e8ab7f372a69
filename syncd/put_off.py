"""Moments at which something may go again, for workers that have nothing else to do."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from heapq import heappop, heappush

from syncd.clock import Clock


class PutOff:
    """The moments to come, of which each is told once. Safe from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._moments: list[datetime] = []  #: a heap

    def add(self, moment: datetime) -> None:
        """Something may go again then. What is past is forgotten: as long as there is much to do nobody asks for it."""
        self._drop_until(self._clock.now())
        heappush(self._moments, moment)

    def next(self, after: datetime) -> datetime | None:
        """The next moment after that one, or None."""
        self._drop_until(after)
        with suppress(IndexError):
            return heappop(self._moments)
        return None

    def _drop_until(self, moment: datetime) -> None:
        with suppress(IndexError):
            while self._moments[0] <= moment:
                heappop(self._moments)

"""The only place that knows what time it is (law L6).

Everything that decides by time is handed a `Clock`; tests hand it one they can turn. Instants are aware
datetimes in UTC; spans that must not jump when the machine's clock is corrected use `monotonic`.

Nodes that share a state share its time too (`StateClock`): what one writes as the end of a lease the others must not take for
past, however wrong the clocks of their machines are.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol


class Clock(Protocol):
    """What the engine may ask of time."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed instant, never running backwards."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds of the machine's monotonic clock, those it slept through included: a lease runs on meanwhile."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)


class Reading(NamedTuple):
    """What another clock showed at some reading of our monotonic one, and by how many seconds that may be wrong."""

    theirs: datetime
    at: float
    doubt: float


DRIFT = 1e-3  #: what a machine's clock may gain or lose, in seconds a second; a crystal does a tenth of it


class StateClock:
    """The time of the state's database, as far as a node can know it.

    The node asks for it now and then (`agree`) and counts on by its monotonic clock, so a correction of the machine's wall clock
    moves nothing. The answer was given somewhere between question and arrival: half of that span is the doubt. A reading with more
    doubt than the one before has by now is not taken, unless the two contradict each other: then it is another clock (a failover).
    """

    def __init__(self, own: Clock) -> None:
        self._own = own
        self._reading: Reading | None = None

    def now(self) -> datetime:
        """The present instant by the database's clock; by the machine's until the database has been asked."""
        return self._own.now() if self._reading is None else self._expected(self._reading, self._own.monotonic())

    def monotonic(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return self._own.monotonic()

    def agree(self, theirs: datetime, asked: float, answered: float) -> None:
        """Take over what the database said between these readings of the monotonic clock."""
        fresh, last = Reading(theirs, (asked + answered) / 2, (answered - asked) / 2), self._reading
        if last is not None:
            aged = last.doubt + DRIFT * (fresh.at - last.at)
            apart = abs((theirs - self._expected(last, fresh.at)).total_seconds())
            if aged < fresh.doubt and apart <= aged + fresh.doubt:
                return
        self._reading = fresh

    @property
    def doubt(self) -> float:
        """By how many seconds `now` may be wrong, as of the last reading taken."""
        return float("inf") if self._reading is None else self._reading.doubt

    @property
    def skew(self) -> float:
        """How many seconds the machine's clock is ahead of the database's."""
        return (self._own.now() - self.now()).total_seconds()

    @staticmethod
    def _expected(reading: Reading, at: float) -> datetime:
        return reading.theirs + timedelta(seconds=at - reading.at)

"""When: the only place that decides it (law L6). Pure functions and values.

A dossier waits by the schedule of its target: the n-th failure in a row waits the n-th entry, the last entry repeats, ±20 %
so that a thousand dossiers do not come back in one second. Only a failure of the target costs a dossier a failure:
being asked to wait, a pause, an open breaker or a shutdown do not.

A target that failed several times in a row is left alone by a breaker: closed (calls go) → open (none go) → half-open (one
probe goes; its answer closes the breaker, or opens it for twice as long, up to half an hour).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum
from math import isnan

from syncd.calls import Outcome, Receipt
from syncd.model import Value

BUSY_WAIT = timedelta(seconds=60)
LONGEST_ASKED = timedelta(hours=1)
BREAKER_FIRST = timedelta(minutes=1)
BREAKER_LONGEST = timedelta(minutes=30)
TRANSPORT = (Outcome.UNAVAILABLE, Outcome.UNKNOWN)


class Next(StrEnum):
    """Where a ledger row goes after a call."""

    GO_ON = "leased"  #: more of this dossier goes out in the same turn
    SETTLE = "settle"  #: nothing left to send: in sync, or due again if the source has moved on meanwhile
    REST = "idle"  #: not to be sent at all, whatever the ledger wanted
    LATER = "due"
    DEAD = "dead"


class Decision(Value):
    """What follows from one answer for one dossier."""

    next: Next
    due_at: datetime
    failures: int


def decide(receipt: Receipt, failures: int, now: datetime, waits: Sequence[timedelta], dice: float) -> Decision:
    """What becomes of a dossier after an answer that was neither delivered nor crossed. `dice` is uniform in [0, 1)."""
    match receipt.outcome:
        case Outcome.REJECTED:
            return Decision(next=Next.DEAD, due_at=now, failures=failures + 1)
        case Outcome.BUSY:
            return Decision(next=Next.LATER, due_at=now + asked(receipt.retry_after), failures=failures)
        case Outcome.UNAUTHORISED:
            return Decision(next=Next.LATER, due_at=now, failures=failures)
        case _:
            return Decision(next=Next.LATER, due_at=now + wait(waits, failures, dice), failures=failures + 1)


def wait(waits: Sequence[timedelta], failures: int, dice: float) -> timedelta:
    """How long the dossier waits that has failed `failures` times before: the schedule, ±20 %."""
    return waits[min(failures, len(waits) - 1)] * (0.8 + 0.4 * dice)


def asked(retry_after: float | None) -> timedelta:
    """How long to wait when the target asks: what it says, within reason."""
    if retry_after is None or isnan(retry_after):
        return BUSY_WAIT
    return timedelta(seconds=min(max(retry_after, 1.0), LONGEST_ASKED.total_seconds()))


class BreakerState(StrEnum):
    """The three positions of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker(Value):
    """The health of one target, as the answers tell it."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0  #: transport failures in a row
    until: datetime | None = None  #: while open: when a probe may go
    pause: timedelta = BREAKER_FIRST  #: how long it will be open, once it opens

    def seen_at(self, now: datetime) -> Breaker:
        """The breaker as of now: an open one becomes half-open when its time has come, or cannot be told since the clock
        was set back."""
        if self.state is BreakerState.OPEN and self.until is not None and not timedelta() < self.until - now <= self.pause:
            return Breaker(state=BreakerState.HALF_OPEN, failures=self.failures, pause=self.pause)
        return self

    def after(self, outcome: Outcome, now: datetime, limit: int, first: timedelta = BREAKER_FIRST) -> Breaker:
        """The breaker once this answer is known; `limit` failures in a row open it, the first time for `first`."""
        if outcome not in TRANSPORT:
            return Breaker(pause=first)
        failures = self.failures + 1
        if self.state is BreakerState.HALF_OPEN:
            pause = min(self.pause * 2, BREAKER_LONGEST)
        elif failures < limit:
            return Breaker(failures=failures, pause=first)
        else:
            pause = first
        return Breaker(state=BreakerState.OPEN, failures=failures, until=now + pause, pause=pause)


def quiet(hours: str, local: time) -> bool:
    """Whether the local time lies in `"22:00-05:00"`; an empty text has no quiet hours."""
    if not hours:
        return False
    start, end = (time.fromisoformat(part) for part in hours.split("-"))
    return start <= local < end if start <= end else local >= start or local < end


class Pace(Value):
    """A rate kept by handing out the moments at which calls may go."""

    interval: float  #: seconds between two calls, 0 = unlimited
    free_at: float = 0.0  #: monotonic second from which the next call may go

    def take(self, now: float) -> tuple[Pace, float]:
        """The pace after one more call, and the seconds that call must wait."""
        start = max(self.free_at, now)
        return Pace(interval=self.interval, free_at=start + self.interval), start - now

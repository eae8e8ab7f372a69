"""Whether a dossier is solved in time, as the portal judges it. Pure.

Source: Decision 766/QĐ-TTg (2022) as one secondary document compiles its formulas, section 11.1 of the portal's contract;
certainty B. Where the compilation is silent, our reading is marked so (*).

The end is read from the steps: the time of the one with status processed, else returned, else stopped, refused or withdrawn;
of several the first timed one after the last step with an open status, so that a dossier taken up again has not ended (*).
Where no step tells it, the record does: when it was processed, returned, refused (*).

The time that a dossier waited for supplements is deducted: from each request to the next step with another status. Requests
that follow one another without anything between are one (*); a wait whose beginning or end has no time deducts nothing (*).
While a dossier waits for a supplement, its clock stands at the request; where that is not the first request, it is overdue.

Nothing is said of a dossier without a promised time, nor of one that is open and still within its time (*).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from syncd.model import Snapshot, Status, Step, Value

OPEN = frozenset({Status.REGISTERED, Status.RECEIVED, Status.PROCESSING, Status.SUPPLEMENT, Status.PAYMENT})
ENDS = ((Status.PROCESSED,), (Status.RETURNED,), (Status.STOPPED, Status.REFUSED, Status.WITHDRAWN))
_DAY = timedelta(days=1)

Wait = tuple[datetime | None, datetime | None]  #: when a supplement was asked for, and when the dossier went on


class Lateness(StrEnum):
    """In what way a dossier is late."""

    LATE = "late"  #: ended, or waits since its first request, too late
    OVERDUE = "overdue"  #: open and past the promised time
    ASKED_AGAIN = "asked_again"  #: waits for a supplement, and not the first one


class Verdict(Value):
    """What is to be said of the time a dossier takes."""

    how: Lateness | None = None  #: None: it is in time
    days: int = 0  #: begun, by which it is late


def lateness(snapshot: Snapshot, now: datetime) -> Verdict | None:
    """Whether a dossier is late; None where that cannot be said, or not yet."""
    dossier = snapshot.dossier
    if dossier.due_at is None:
        return None
    waits = supplements(snapshot.steps)
    if dossier.status is Status.SUPPLEMENT and waits:
        return _while_waiting(dossier.due_at, waits)
    due = dossier.due_at + sum((until - asked for asked, until in waits if asked and until and until > asked), timedelta())
    ended = None if dossier.status in OPEN else ended_at(snapshot)
    if ended is None:
        return _late(Lateness.OVERDUE, due, now) if now > due else None
    return _late(Lateness.LATE, due, ended) if ended > due else Verdict()


def _while_waiting(due: datetime, waits: list[Wait]) -> Verdict | None:
    if len(waits) > 1:
        return Verdict(how=Lateness.ASKED_AGAIN)
    asked = waits[0][0]
    if asked is None:
        return None
    return _late(Lateness.LATE, due, asked) if asked > due else Verdict()


def _late(how: Lateness, due: datetime, at: datetime) -> Verdict:
    return Verdict(how=how, days=-((due - at) // _DAY))


def supplements(steps: Iterable[Step]) -> list[Wait]:
    """Each time the dossier waited for a supplement, in order."""
    waits: list[Wait] = []
    waiting = False
    for step in steps:
        if step.status is None:
            continue
        asks = step.status is Status.SUPPLEMENT
        if asks and not waiting:
            waits.append((step.at, None))
        elif waiting and not asks:
            waits[-1] = (waits[-1][0], step.at)
        waiting = asks
    return waits


def ended_at(snapshot: Snapshot) -> datetime | None:
    """When a closed dossier came to its end: by its steps, else by its record."""
    times: dict[Status, datetime] = {}
    for step in snapshot.steps:
        if step.status in OPEN:
            times.clear()
        elif step.status is not None and step.at is not None:
            times.setdefault(step.status, step.at)
    for group in ENDS:
        if found := [times[status] for status in group if status in times]:
            return min(found)
    dossier = snapshot.dossier
    return dossier.processed_at or dossier.returned_at or dossier.refused_at

"""Statistics: what became of each agency's dossiers in months and in their years (tình hình giải quyết). Pure, in one pass.

The definitions, for one period from its first instant (included) to the first instant of the next (not included), both in
local time, looked at *now*:

    counted       a dossier with a time of reception that is not in the future. One that was never received, such as a dossier
                  filed online and not yet taken in, is in no figure.
    solved at     the first of these that is there: when it was processed, returned, refused; else, where its present status
                  closes it (refused, withdrawn, stopped, processed, returned), the time of the step that brought a closing
                  status: the first timed one after the last step with another status. Never before its reception, for
                  then the record is wrong. A time in the future has not happened. A dossier that has none of these is open.
    received      received within the period
    carried over  received before the period and not solved before it
    on time       of those two: solved within the period, no later than the promised time, or without one
    late          solved within the period, after the promised time
    pending       open at the end, the promised time not yet past, or without one
    overdue       open at the end, the promised time past
    the end       of the period, or now where the period is not over

So received + carried over = on time + late + pending + overdue, for every agency and period. A dossier counts for the agency
that has it now, by its code; the name is that of the dossier received last. An agency without any such dossier in the year
has no rows; one with some has both, the month perhaps with nothing but zeros. What is kept while the dossiers pass by are
twelve numbers for each agency and month asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

from syncd.model import Agency, Dossier, Snapshot, Statistic, Status, Step

CLOSING = frozenset({Status.REFUSED, Status.WITHDRAWN, Status.STOPPED, Status.PROCESSED, Status.RETURNED})
FIGURES = ("received", "carried_over", "on_time", "late", "pending", "overdue")


@dataclass(frozen=True)
class _Period:
    """A month or a year, and until when it is looked at."""

    year: int
    month: int  #: 0 = the whole year
    start: datetime
    end: datetime
    seen: datetime  #: the end, or now where that comes first

    def figures(self, received: datetime, due: datetime | None, solved: datetime | None) -> tuple[str, str] | None:
        """The two figures a dossier counts in; None where it does not belong here."""
        if received >= self.end or (solved is not None and solved < self.start):
            return None
        came = "received" if received >= self.start else "carried_over"
        if solved is not None and solved < self.end:
            return came, "late" if due is not None and solved > due else "on_time"
        return came, "overdue" if due is not None and due < self.seen else "pending"


@dataclass
class _Tally:
    """What is kept of one agency."""

    name: str = ""
    named_at: datetime | None = None
    counts: tuple[dict[str, int], ...] = field(default_factory=lambda: (dict.fromkeys(FIGURES, 0), dict.fromkeys(FIGURES, 0)))

    def call(self, name: str, at: datetime) -> None:
        """The name of the dossier received last; of two at one time the one that sorts last, so that order does not matter."""
        if name and (self.named_at is None or (at, name) > (self.named_at, self.name)):
            self.name, self.named_at = name, at


def statistics(snapshots: Iterable[Snapshot], days: Sequence[date], now: datetime, zone: tzinfo) -> list[Statistic]:
    """The figures of each agency for the month and the year of each of these days: a day after the other, then by code of the
    agency, the month first. Those of a year are there once."""
    counting: list[tuple[tuple[_Period, ...], dict[str, _Tally]]] = [(_periods(day, now, zone), {}) for day in days]
    for snapshot in snapshots:
        for periods, tallies in counting:
            _count(snapshot, periods, now, tallies)
    return list({each.key: each for periods, tallies in counting for each in _rows(periods, tallies)}.values())


def _rows(periods: tuple[_Period, ...], tallies: Mapping[str, _Tally]) -> Iterator[Statistic]:
    for code, tally in sorted(tallies.items()):
        for period, counts in zip(periods, tally.counts, strict=True):
            yield Statistic(agency=Agency(code=code, name=tally.name), year=period.year, month=period.month, **counts)


def _count(snapshot: Snapshot, periods: tuple[_Period, ...], now: datetime, tallies: dict[str, _Tally]) -> None:
    dossier = snapshot.dossier
    received = dossier.received_at
    if received is None or received > now:
        return
    solved = solved_at(dossier, snapshot.steps)
    solved = None if solved is None or solved > now else max(solved, received)
    found = [period.figures(received, dossier.due_at, solved) for period in periods]
    if not any(found):
        return
    tally = tallies.setdefault(dossier.agency.code, _Tally())
    tally.call(dossier.agency.name, received)
    for counts, figures in zip(tally.counts, found, strict=True):
        for figure in figures or ():
            counts[figure] += 1


def solved_at(dossier: Dossier, steps: Iterable[Step]) -> datetime | None:
    """When a dossier was solved; None where it is open."""
    told = dossier.processed_at or dossier.returned_at or dossier.refused_at
    if told is not None or dossier.status not in CLOSING:
        return told
    closed: datetime | None = None
    for step in steps:
        if step.status in CLOSING:
            closed = closed or step.at
        elif step.status is not None:
            closed = None
    return closed


def _periods(day: date, now: datetime, zone: tzinfo) -> tuple[_Period, _Period]:
    """The month and the year of a day."""
    following = (day.year + day.month // 12, day.month % 12 + 1)
    month = (datetime(day.year, day.month, 1, tzinfo=zone), datetime(*following, 1, tzinfo=zone))
    year = (datetime(day.year, 1, 1, tzinfo=zone), datetime(day.year + 1, 1, 1, tzinfo=zone))
    return _Period(day.year, day.month, *month, min(month[1], now)), _Period(day.year, 0, *year, min(year[1], now))

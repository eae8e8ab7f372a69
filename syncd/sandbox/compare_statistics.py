"""The referee of the statistics: counts the dossiers of the one-stop in SQL, and holds that against what the LGSP was told.

A dossier is solved when its result was released or handed back, or when the step was made that refused, withdrew or stopped
it. It is late where that came after the promised time. What is open at the end of a period, or now, is overdue where the
promised time has passed. Counted is what belongs on a target, by the agency that has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import DateTime, Engine, bindparam, text

from syncd.sandbox.holdings import Body
from syncd.sandbox.referee import Difference

_COUNT: Final = """
SELECT agency,
       SUM(CASE WHEN received >= :start AND {here} THEN 1 ELSE 0 END),
       SUM(CASE WHEN received < :start AND {here} THEN 1 ELSE 0 END),
       SUM(CASE WHEN solved < :end AND NOT solved > COALESCE(due, solved) AND {here} THEN 1 ELSE 0 END),
       SUM(CASE WHEN solved < :end AND solved > due AND {here} THEN 1 ELSE 0 END),
       SUM(CASE WHEN COALESCE(solved, :end) >= :end AND COALESCE(due, :seen) >= :seen AND {here} THEN 1 ELSE 0 END),
       SUM(CASE WHEN COALESCE(solved, :end) >= :end AND due < :seen AND {here} THEN 1 ELSE 0 END)
FROM (SELECT agency, received, due, CASE WHEN closed <= :now THEN closed END AS solved
      FROM (SELECT govAgencyCode AS agency, receiveDate AS received, COALESCE(extendDate, dueDate) AS due,
                   COALESCE(releaseDate, finishDate, (SELECT MIN(createDate) FROM opencps_dossieraction
                                                      WHERE opencps_dossieraction.dossierId = opencps_dossier.dossierId
                                                        AND stepCode IN ('900', '910', '920'))) AS closed
            FROM opencps_dossier
            WHERE dossierNo <> '' AND originality > 0 AND COALESCE(originDossierId, 0) = 0 AND receiveDate <= :now) read_now) counted
WHERE received < :year_end AND COALESCE(solved, :year_start) >= :year_start
GROUP BY agency
"""
_HERE: Final = "received < :end AND COALESCE(solved, :start) >= :start"
_MOMENTS: Final = ("start", "end", "seen", "now", "year_start", "year_end")


class Figures(NamedTuple):
    """What became of one agency's dossiers in one period."""

    received: int
    carried_over: int
    on_time: int
    late: int
    pending: int
    overdue: int

    def told(self) -> dict[str, Any]:
        """As the platform is told, with sums and shares."""
        solved, pending = self.on_time + self.late, self.pending + self.overdue
        return {
            "NewReception": self.received, "PreExtisting": self.carried_over, "Total": self.received + self.carried_over, "TotalSolved": solved,
            "SolvedInTime": self.on_time, "SolvedInTimePercent": _share(self.on_time, solved), "SolvedLate": self.late,
            "SolvedLatePercent": _share(self.late, solved), "TotalPending": pending, "Pending": self.pending,
            "PendingPercent": _share(self.pending, pending), "PendingLate": self.overdue, "PendingLatePercent": _share(self.overdue, pending),
        }  # fmt: skip


def count(engine: Engine, year: int, month: int, now: datetime) -> dict[str, Figures]:
    """The figures of each agency, seen at `now` (naive and local as the one-stop's times); `month` 0 is the whole year."""
    start, end = _span(year, month)
    year_start, year_end = _span(year, 0)
    moments = {"start": start, "end": end, "seen": min(end, now), "now": now, "year_start": year_start, "year_end": year_end}
    query = text(_COUNT.format(here=_HERE)).bindparams(*(bindparam(name, type_=DateTime()) for name in _MOMENTS))
    with engine.connect() as connection:
        return {agency: Figures(*map(int, figures)) for agency, *figures in connection.execute(query, moments)}


def compare_statistics(engine: Engine, sent: Mapping[tuple[int, int, str], Body], now: datetime) -> Iterator[Difference]:
    """How what was sent (by year, month and agency) differs from the count; of each period that anything was sent of."""
    for year, month in sorted({(year, month) for year, month, _ in sent}):
        counted = count(engine, year, month, now)
        told = {agency: body for (one, other, agency), body in sent.items() if (one, other) == (year, month)}
        period = f"{year}-{month:02}" if month else str(year)
        yield from (Difference(agency, "statistic_missing", period) for agency in sorted(counted.keys() - told.keys()))
        yield from (Difference(agency, "statistic_extra", period) for agency in sorted(told.keys() - counted.keys()))
        for agency in sorted(counted.keys() & told.keys()):
            expected = {"IsMonthStatistic": month > 0, **counted[agency].told()}
            found = told[agency]
            yield from (
                Difference(agency, "statistic", f"{period} {name}", str(value), str(found.get(name)))
                for name, value in expected.items()
                if found.get(name) != value
            )


def _span(year: int, month: int) -> tuple[datetime, datetime]:
    """The first instant of a period, and of the next."""
    following = (year + month // 12, month % 12 + 1) if month else (year + 1, 1)
    return datetime(year, month or 1, 1), datetime(*following, 1)  # noqa: DTZ001 the one-stop's times have no zone


def _share(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0

"""What `syncd report` tells a program, and the few dossiers it keeps of all that cost points."""

from __future__ import annotations

import heapq
from collections import Counter
from datetime import datetime

from syncd.indicators import Cost, Indicator, Reason, Why
from syncd.model import Value
from syncd.shares import Line, Share, Shares

NOT_KNOWN = ("vneid", "population_database", "data_store", "satisfaction", "publicity")  #: what the one-stop does not tell


class Figures(Value):
    """The figures of one agency, one month, or both."""

    agency: str | None  #: None: all of them together
    name: str
    month: str | None  #: None: all of them together
    received: int
    indicators: dict[Indicator, Share]


class Lost(Value):
    """A dossier that costs points."""

    dossier: str
    agency: str
    name: str
    month: str
    reasons: tuple[Reason, ...]


class Lack(Value):
    """How many dossiers lose a point of an indicator for one reason."""

    indicator: Indicator
    why: Why
    dossiers: int


class Report(Value):
    """The whole of `report --json`."""

    at: datetime
    target: str
    month: str | None
    agency: str | None
    uncounted: int  #: without a time of reception, or with one in the future
    total: Figures
    agencies: list[Figures]
    months: list[Figures]
    lines: list[Figures]  #: of each agency and month
    reasons: list[Lack]
    costly: int  #: dossiers that cost points
    costs: list[Lost]  #: the worst of them
    left_out: tuple[str, ...] = NOT_KNOWN


class Worst:
    """Counts what costs points, and keeps the dossiers that cost most: in the most indicators, then the latest."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._heap: list[tuple[int, int, int, Cost]] = []
        self.costly = 0
        self.reasons: Counter[tuple[Indicator, Why]] = Counter()

    def add(self, cost: Cost) -> None:
        """One more dossier."""
        self.costly += 1
        self.reasons.update({(reason.indicator, reason.why) for reason in cost.reasons})
        entry = (cost.indicators, cost.days, -self.costly, cost)
        if len(self._heap) < self._keep:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def costs(self) -> list[Cost]:
        """The dossiers kept, the worst first."""
        return [entry[-1] for entry in sorted(self._heap, reverse=True)]

    def lacks(self) -> list[Lack]:
        """The reasons in the order of the indicators, the most frequent first."""
        order = {indicator: place for place, indicator in enumerate(Indicator)}
        found = [Lack(indicator=indicator, why=why, dossiers=n) for (indicator, why), n in self.reasons.items()]
        return sorted(found, key=lambda lack: (order[lack.indicator], -lack.dossiers, lack.why))


def told(fold: Shares, worst: Worst, name: str, *, month: str, agency: str) -> Report:
    """What the report tells a program."""
    return Report(
        at=fold.now,
        target=name,
        month=month or None,
        agency=agency or None,
        uncounted=fold.uncounted,
        total=_figures(fold.total(), agency=False, month=False),
        agencies=[_figures(line, month=False) for line in fold.agencies()],
        months=[_figures(line, agency=False) for line in fold.months()],
        lines=[_figures(line) for line in fold.lines()],
        reasons=worst.lacks(),
        costly=worst.costly,
        costs=[Lost(dossier=each.dossier, agency=each.agency.code, name=each.agency.name, month=each.month, reasons=each.reasons) for each in worst.costs()],
    )


def _figures(line: Line, *, agency: bool = True, month: bool = True) -> Figures:
    return Figures(
        agency=line.agency.code if agency else None,
        name=line.agency.name,
        month=line.month if month else None,
        received=line.received,
        indicators={indicator: line.share(indicator) for indicator in Indicator},
    )

"""Shares: the indicators of each agency and month, counted in one pass over the dossiers. Pure.

What is kept while the dossiers pass by are thirteen numbers for each agency and month. What a dossier costs, and why, is
handed out with the dossier and not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, tzinfo

from syncd.indicators import Absent, Cost, Indicator, Verdicts, judge
from syncd.model import Agency, Snapshot, Value


class Share(Value):
    """A part of a whole; without a rate where there is no whole."""

    numerator: int
    denominator: int
    rate: float | None


class Line(Value):
    """The figures of one agency in one month, or of several together (an empty month, an agency without code)."""

    agency: Agency
    month: str
    received: int
    synced: Share
    on_time: Share
    online: Share
    paid_online: Share
    digitised: Share
    result_file: Share

    def share(self, indicator: Indicator) -> Share:
        """The figure of an indicator."""
        found: Share = getattr(self, indicator.value)
        return found


class Shares:
    """Counts dossiers as they pass by, and says of each what it costs."""

    def __init__(self, now: datetime, zone: tzinfo, absent: Absent, wanted: Callable[[str, str], bool] = lambda _agency, _month: True) -> None:
        """`wanted` chooses by code of the agency and by month (empty where the dossier was never received); what it does not
        choose is passed over."""
        self.now = now
        self.zone = zone
        self.uncounted = 0  #: dossiers wanted, but without a time of reception, or with one in the future
        self._absent = absent
        self._wanted = wanted
        self._lines: dict[tuple[str, str], _Tally] = {}
        self._names: dict[str, tuple[datetime, str]] = {}

    def costs(self, snapshots: Iterable[Snapshot]) -> Iterator[Cost]:
        """Count these dossiers; those that cost points, as they come."""
        for snapshot in snapshots:
            if cost := self.take(snapshot):
                yield cost

    def take(self, snapshot: Snapshot) -> Cost | None:
        """Count one dossier; what it costs, if anything."""
        dossier = snapshot.dossier
        received = dossier.received_at
        month = f"{received.astimezone(self.zone):%Y-%m}" if received else ""
        if not self._wanted(dossier.agency.code, month):
            return None
        if received is None or received > self.now:
            self.uncounted += 1
            return None
        verdicts = judge(snapshot, self.now, self._absent(dossier))
        self._call(dossier.agency, received)
        self._lines.setdefault((dossier.agency.code, month), _Tally()).add(verdicts)
        reasons = tuple(reason for reasons in verdicts.values() for reason in reasons)
        return Cost(dossier=dossier.code, agency=dossier.agency, month=month, reasons=reasons) if reasons else None

    def _call(self, agency: Agency, at: datetime) -> None:
        """The name of the dossier received last; of two at one time the one that sorts last, so that order does not matter."""
        if agency.name:
            self._names[agency.code] = max((at, agency.name), self._names.get(agency.code, (at, "")))

    def lines(self) -> list[Line]:
        """The figures by code of the agency and month, as far as counted."""
        return [tally.line(self._agency(code), month) for (code, month), tally in sorted(self._lines.items())]

    def agencies(self) -> list[Line]:
        """The figures of each agency, its months together."""
        return [total(lines, lines[0].agency) for lines in _grouped(self.lines(), lambda line: line.agency.code)]

    def months(self) -> list[Line]:
        """The figures of each month, the agencies together."""
        return [total(lines, month=lines[0].month) for lines in _grouped(self.lines(), lambda line: line.month)]

    def total(self) -> Line:
        """Everything together."""
        return total(self.lines())

    def _agency(self, code: str) -> Agency:
        return Agency(code=code, name=self._names[code][1] if code in self._names else "")


class _Tally:
    """What is kept of one agency and month."""

    __slots__ = ("received", "shares")

    def __init__(self) -> None:
        self.received = 0
        self.shares = {indicator: [0, 0] for indicator in Indicator}

    def add(self, verdicts: Verdicts) -> None:
        self.received += 1
        for indicator, reasons in verdicts.items():
            share = self.shares[indicator]
            share[0] += not reasons
            share[1] += 1

    def line(self, agency: Agency, month: str) -> Line:
        shares = {indicator.value: _share(*share) for indicator, share in self.shares.items()}
        return Line(agency=agency, month=month, received=self.received, **shares)


def total(lines: Iterable[Line], agency: Agency | None = None, month: str = "") -> Line:
    """Several lines together."""
    given = list(lines)
    shares = {indicator.value: _sum(line.share(indicator) for line in given) for indicator in Indicator}
    return Line(agency=agency or Agency(), month=month, received=sum(line.received for line in given), **shares)


def _grouped(lines: Iterable[Line], key: Callable[[Line], str]) -> list[list[Line]]:
    """The lines that belong together, by their key."""
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(key(line), []).append(line)
    return [groups[name] for name in sorted(groups)]


def _sum(shares: Iterable[Share]) -> Share:
    given = list(shares)
    return _share(sum(share.numerator for share in given), sum(share.denominator for share in given))


def _share(numerator: int, denominator: int) -> Share:
    return Share(numerator=numerator, denominator=denominator, rate=numerator / denominator if denominator else None)

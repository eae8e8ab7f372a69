"""What the pages show: plain values, every text in them already in words for people, in Vietnamese."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from syncd.indicators import Indicator
from syncd.model import Agency, Value
from syncd.shares import Line


class CostLine(Value):
    """A dossier that costs points."""

    dossier: str
    agency: str
    month: str
    reasons: tuple[str, ...]


class ReasonCount(Value):
    """How many dossiers lose a point of an indicator for one reason."""

    indicator: str
    text: str
    dossiers: int


class ReportPage(Value):
    """The indicators of a province, or of some of its agencies. Times are in the zone in which they are to be read."""

    at: datetime
    target: str
    scope: str  #: the agency it was limited to, empty where it was not
    months: tuple[Line, ...]  #: the agencies together
    agencies: tuple[Line, ...]  #: the months together
    total: Line
    titles: Mapping[Indicator, str]
    reasons: tuple[ReasonCount, ...]
    costs: tuple[CostLine, ...]  #: the worst of them
    costly: int  #: how many there are
    uncounted: int


class EvidenceTotal(Value):
    """What a reconciliation found of one agency's dossiers of one month."""

    agency: Agency
    month: str  #: of reception, 2025-07; empty where it is not known
    checked: int
    agreeing: int
    drifting: int
    settled: int  #: of those that drifted: repaired and seen to agree


class Finding(Value):
    """One difference, and what became of it."""

    dossier: str
    agency: str
    month: str
    kind: str  #: missing | stale | steps | extra | unknown | …
    detail: str
    became: str


class EvidencePage(Value):
    """The evidence of one reconciliation. `totals` and `findings` are passed over once and may be streams."""

    run: str
    who: str
    began: datetime
    ended: datetime | None  #: None: interrupted
    scope: str
    target: str
    totals: Iterable[EvidenceTotal]
    findings: Iterable[Finding]
    sha256: str  #: over the rows of evidence, as they are kept

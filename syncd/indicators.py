"""The indicators by which the portal judges a province, and what one dossier costs it in each of them. Pure.

Source: Decision 766/QĐ-TTg (2022) as one secondary document compiles its formulas, section 11.1 of the portal's contract;
certainty B: nobody has published how the portal computes. Where the compilation is silent, our reading is marked so (*).

    counted      a dossier with a time of reception that is not in the future, in the month of that time (local), for the agency
                 that has it now. One that was never received is in no figure.
    finished     a dossier whose status is processed or returned.
    papers       those that were not removed.

    synced       on the portal ÷ counted. The compilation divides by the greater of the portal's count and that of the national
                 reporting system, neither of which can be asked: our own count stands for them (*).
    on_time      ended no later than promised ÷ ended, or open and already past the promised time; `timeliness` says how.
    online       filed online ÷ counted. Of a finished dossier also: a result with the code of its kind and a link, for its
                 procedure gives a paper (*: which ones do not, the one-stop does not say).
    paid_online  paid through the portal or the province's gateway ÷ those with a fee above 0.
    digitised    a paper handed in with a link, and a result with a link ÷ finished (*: before, there is no result).
    result_file  a result with a link ÷ finished (*: likewise).

Left out since the one-stop does not know it: identities verified (VNeID, population database), papers reused from the
citizen's data store, satisfaction, publicity of procedures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum

from syncd.model import Agency, Dossier, Paper, Snapshot, Status, Value
from syncd.timeliness import Lateness, lateness

FINISHED = frozenset({Status.PROCESSED, Status.RETURNED})
PAID_ONLINE = frozenset({"portal", "gateway"})

Absent = Callable[[Dossier], str | None]  #: why the portal lacks a dossier (empty: not known); None where it has it


class Indicator(StrEnum):
    """What is measured, in the order in which it is shown."""

    SYNCED = "synced"  #: on the portal
    ON_TIME = "on_time"  #: solved in time
    ONLINE = "online"  #: filed online
    PAID_ONLINE = "paid_online"
    DIGITISED = "digitised"
    RESULT_FILE = "result_file"  #: with a result that can be fetched


GOALS = {Indicator.ONLINE: 0.5, Indicator.PAID_ONLINE: 0.8, Indicator.DIGITISED: 0.8}  #: as the compilation names them


class Why(StrEnum):
    """Why a dossier costs points."""

    ABSENT = "absent"  #: not on the portal; the detail says why, where that is known
    FIELD = "field"  #: a field of the record is at fault, so that it cannot be sent; the detail names it
    LATE = Lateness.LATE.value  #: ended so many days too late
    OVERDUE = Lateness.OVERDUE.value  #: open, so many days past the promised time
    ASKED_AGAIN = Lateness.ASKED_AGAIN.value  #: waits for a supplement, and not the first one
    CHANNEL = "channel"  #: not filed online; the detail says how
    RESULT_KIND = "result_kind"  #: no result with both the code of its kind and a link
    RESULT_LINK = "result_link"  #: finished without a result that can be fetched
    PAPER_LINK = "paper_link"  #: no digitised paper that can be fetched
    UNPAID = "unpaid"  #: a fee that was not paid online, or not yet


class Reason(Value):
    """One thing that costs a dossier points in one indicator."""

    indicator: Indicator
    why: Why
    days: int = 0  #: begun, where it is a matter of time
    detail: str = ""


class Cost(Value):
    """A dossier that costs points, and why."""

    dossier: str
    agency: Agency
    month: str  #: 2025-07
    reasons: tuple[Reason, ...]

    @property
    def indicators(self) -> int:
        """In how many indicators."""
        return len({reason.indicator for reason in self.reasons})

    @property
    def days(self) -> int:
        """How late it is."""
        return max(reason.days for reason in self.reasons)


Verdicts = dict[Indicator, tuple[Reason, ...]]  #: of each indicator whose whole a dossier belongs to: what costs it; nothing: it counts


def judge(snapshot: Snapshot, now: datetime, absent: str | None) -> Verdicts:
    """What a counted dossier costs in each indicator whose whole it belongs to."""
    dossier = snapshot.dossier
    verdicts = {Indicator.SYNCED: _synced(dossier, absent), Indicator.ONLINE: _online(dossier)}
    if (time := lateness(snapshot, now)) is not None:
        verdicts[Indicator.ON_TIME] = (Reason(indicator=Indicator.ON_TIME, why=Why(time.how), days=time.days),) if time.how else ()
    if any(fee.amount > 0 for fee in dossier.fees):
        verdicts[Indicator.PAID_ONLINE] = _reasons(Indicator.PAID_ONLINE, {Why.UNPAID: dossier.paid_online not in PAID_ONLINE})
    if dossier.status in FINISHED:
        paper, result = not linked(dossier.papers), not linked(dossier.results)
        verdicts[Indicator.DIGITISED] = _reasons(Indicator.DIGITISED, {Why.PAPER_LINK: paper, Why.RESULT_LINK: result})
        verdicts[Indicator.RESULT_FILE] = _reasons(Indicator.RESULT_FILE, {Why.RESULT_LINK: result})
    return {indicator: verdicts[indicator] for indicator in Indicator if indicator in verdicts}


def _reasons(indicator: Indicator, costs: dict[Why, bool], detail: str = "") -> tuple[Reason, ...]:
    return tuple(Reason(indicator=indicator, why=why, detail=detail) for why, holds in costs.items() if holds)


def _synced(dossier: Dossier, absent: str | None) -> tuple[Reason, ...]:
    if absent is None:
        return ()
    fields = tuple(Reason(indicator=Indicator.SYNCED, why=Why.FIELD, detail=f"{each.field}: {each.reason}") for each in dossier.problems)
    return fields or (Reason(indicator=Indicator.SYNCED, why=Why.ABSENT, detail=absent),)


def _online(dossier: Dossier) -> tuple[Reason, ...]:
    filed = _reasons(Indicator.ONLINE, {Why.CHANNEL: dossier.channel != "online"}, dossier.channel)
    without = dossier.status in FINISHED and not linked(paper for paper in dossier.results if paper.kind)
    return (*filed, *_reasons(Indicator.ONLINE, {Why.RESULT_KIND: without}))


def linked(papers: Iterable[Paper]) -> bool:
    """Whether one of these can be fetched."""
    return any(paper.link and not paper.removed for paper in papers)

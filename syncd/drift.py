"""Drift: what differs between the one-stop, the ledger and a target, and which dossiers a target must be asked about. Pure.

    missing   the one-stop publishes the dossier, the ledger or the target has it not
    stale     a record differs
    steps     steps are unsent, or the target shows others than it was told
    extra     the target was told of a dossier, or has one, that the one-stop does not publish; never "repaired" by inventing
              a withdrawal
    unknown   the target could not be asked

What a target does not tell is not comparable, and never equal: a field it leaves out of its answer is in nobody's favour.

Asking costs a call each, so not every dossier is asked about each night: those that changed lately, whose outcome was ever in
doubt, that are dead, and a share of the rest that goes round, so that each has its turn within a period.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

import msgspec

from syncd.calls import Outcome, Standing
from syncd.model import Dossier, Stored, Value


class DriftKind(StrEnum):
    """In which way something differs."""

    MISSING = "missing"
    STALE = "stale"
    STEPS = "steps"
    EXTRA = "extra"
    UNKNOWN = "unknown"


class Drift(Stored):
    """One difference of one dossier at one target; free of personal data."""

    dossier: str
    kind: DriftKind
    agency: str = ""
    month: str = ""  #: of its reception, `2025-03`
    detail: dict[str, Any] = msgspec.field(default_factory=dict)


class Held(Value):
    """What the state holds of one dossier for one target."""

    source_id: int
    subject: str
    agency: str
    received_at: datetime | None
    state: str  #: of the ledger row; empty where there is none
    created: bool
    record_due: bool
    steps_sent: int
    steps_wanted: int
    owed: int  #: single steps to be sent once more
    doubtful: bool
    error_code: str
    sent_at: datetime | None
    asked_at: datetime | None


class Tiers(Value):
    """Which dossiers are asked about."""

    since: datetime  #: what was sent from then on has changed lately
    period: timedelta  #: within which each dossier has its turn
    full: bool = False


def of_ledger(held: Held, zone: ZoneInfo) -> Drift | None:
    """What the ledger itself says is not yet, or no longer, as it should be."""
    told = {"ledger": held.state or "none", **({"error_code": held.error_code} if held.error_code else {})}
    if not held.state or (held.record_due and not held.created):
        return drift(held, DriftKind.MISSING, told, zone)
    if held.record_due:
        return drift(held, DriftKind.STALE, told, zone)
    if held.steps_sent < held.steps_wanted or held.owed:
        unsent = held.steps_wanted - held.steps_sent + held.owed
        return drift(held, DriftKind.STEPS, {**told, "unsent": unsent}, zone)
    return None


def of_target(held: Held, standing: Standing, zone: ZoneInfo) -> list[Drift]:
    """What the target's own answer says is not as it should be."""
    if standing.outcome is not Outcome.DELIVERED or standing.exists is None:
        return [drift(held, DriftKind.UNKNOWN, {"outcome": standing.outcome.value, "error": standing.message}, zone)]
    if not standing.exists:
        return [drift(held, DriftKind.MISSING, {"target": "does not have it"}, zone)]
    found = []
    if standing.differences:
        fields = {each.field: {"expected": each.expected, "found": each.found} for each in standing.differences}
        found.append(drift(held, DriftKind.STALE, {"fields": fields}, zone))
    if standing.steps and (standing.steps.missing or standing.steps.doubled or standing.steps.foreign):
        steps = {"missing": len(standing.steps.missing), "doubled": len(standing.steps.doubled), "foreign": standing.steps.foreign}
        found.append(drift(held, DriftKind.STEPS, {name: count for name, count in steps.items() if count}, zone))
    return found


def drift(held: Held, kind: DriftKind, detail: dict[str, Any], zone: ZoneInfo) -> Drift:
    """A difference of a dossier that the state holds."""
    return Drift(dossier=held.subject, kind=kind, agency=held.agency, month=month_of(held.received_at, zone), detail=detail)


def of_dossier(dossier: Dossier, kind: DriftKind, detail: dict[str, Any], zone: ZoneInfo) -> Drift:
    """A difference of a dossier as the one-stop has it."""
    return Drift(dossier=dossier.code, kind=kind, agency=dossier.agency.code, month=month_of(dossier.received_at, zone), detail=detail)


def month_of(moment: datetime | None, zone: ZoneInfo) -> str:
    """The month in which a dossier was received, `2025-03`; empty where that is not known."""
    return f"{moment.astimezone(zone):%Y-%m}" if moment else ""


def to_ask(held: Held, tiers: Tiers, now: datetime) -> bool:
    """Whether the target must be asked about a dossier it was told of."""
    if not held.state or held.state == "leased":
        return False
    if tiers.full or held.doubtful or held.state == "dead":
        return True
    lately = held.sent_at is not None and held.sent_at >= tiers.since
    return lately or _has_its_turn(held.subject, tiers.period, now) or _aged(held, tiers.period, now)


def _has_its_turn(subject: str, period: timedelta, now: datetime) -> bool:
    days = max(period.days, 1)
    return crc32(subject.encode()) % days == now.toordinal() % days


def _aged(held: Held, period: timedelta, now: datetime) -> bool:
    last = max((moment for moment in (held.sent_at, held.asked_at) if moment), default=None)
    return last is not None and last < now - 2 * period


def lost_too_many(gone: int, known: int, share: float, few: int) -> bool:
    """Whether so many dossiers are no longer in the one-stop that it does not look like itself (law L8)."""
    return gone > max(few, share * known)


def counted(drifts: Sequence[Drift]) -> dict[str, int]:
    """How many of each kind."""
    return {kind.value: count for kind in DriftKind if (count := sum(each.kind is kind for each in drifts))}

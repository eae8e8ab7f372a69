"""What `syncd reconcile` tells a program."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from syncd.drift import DriftKind
from syncd.model import Value

if TYPE_CHECKING:
    from syncd.store.evidence import Evidence, Run


class Difference(Value):
    """One difference of one dossier."""

    dossier: str
    kind: DriftKind
    detail: dict[str, Any]
    agency: str = ""
    month: str = ""  #: of its reception, `2025-03`
    became: str = ""  #: due | resolved | adopted | persists | cannot; empty where nothing was done


class Compared(Value):
    """One run of one target."""

    checked: int
    in_sync: int
    drift: list[Difference]
    repaired: int  #: dossiers made due again
    run: int | None = None  #: None where none could begin
    state: str = ""  #: done | comparing (interrupted) | stopped
    who: str = ""
    began_at: datetime | None = None
    ended_at: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    full: bool = False
    asked: int = 0  #: questions that the target answered
    askable: bool = True  #: whether the target can be asked about a dossier at all
    listed: bool = False  #: whether the target told which dossiers it has
    left: dict[str, int] = msgspec.field(default_factory=dict)  #: differences that are left, by kind
    uncollected: int = 0  #: what a document system that cannot be asked lists for us and is not here yet
    seal: str = ""  #: SHA-256 over the evidence
    error: str = ""  #: why it could not go on
    hint: str = ""  #: and what to do


class Reconciled(Value):
    """The whole of `reconcile --json`, and of `reconcile show --json`."""

    targets: dict[str, Compared]


class Listed(Value):
    """One run in `reconcile list --json`."""

    run: int
    target: str
    who: str
    began_at: datetime
    ended_at: datetime | None
    state: str
    full: bool
    checked: int
    left: dict[str, int]


def compared(evidence: Evidence, run: Run, error: str = "", hint: str = "") -> Compared:
    """A run as it stands in the evidence."""
    counts = run.counts
    found = [
        Difference(
            dossier=each.drift.dossier, kind=each.drift.kind, detail=each.drift.detail, agency=each.drift.agency, month=each.drift.month, became=each.became
        )
        for each in evidence.findings(run.id)
    ]
    return Compared(
        checked=counts.get("checked", 0),
        in_sync=counts.get("checked", 0) - evidence.drifted(run.id),
        drift=found,
        repaired=len({each.dossier for each in found if each.became in ("due", "resolved", "adopted", "persists")}),
        run=run.id,
        state=run.state,
        who=run.who,
        began_at=run.began_at,
        ended_at=run.ended_at,
        since=run.scope.since,
        until=run.scope.until,
        full=run.scope.full,
        asked=counts.get("asked", 0),
        askable=bool(counts.get("askable", 1)),
        listed="held" in counts,
        left=evidence.kinds(run.id),
        uncollected=counts.get("uncollected", 0),
        seal=run.seal,
        error=error,
        hint=hint,
    )


def listed(evidence: Evidence, run: Run) -> Listed:
    """A run as one line."""
    return Listed(
        run=run.id,
        target=run.target,
        who=run.who,
        began_at=run.began_at,
        ended_at=run.ended_at,
        state=run.state,
        full=run.scope.full,
        checked=run.counts.get("checked", 0),
        left=evidence.kinds(run.id),
    )

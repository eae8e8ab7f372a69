"""Repair of drafts: what a document system lacks becomes due again, and nothing is handed over twice.

    missing   handed over again where the target says it has it not, or where it was never acknowledged. Where an answer was lost and
              nobody can say whether it arrived, a person must: `dead arrived`, `dead retry`
    stale     goes by itself; one that stands still is made due
    extra     reported; what was handed over is taken back by people, there
    unknown   reported; asked again by the next run

The rest is as for dossiers (`repair`).
"""

from __future__ import annotations

from syncd.calls import Claim, Outcome, Standing
from syncd.drift import DriftKind
from syncd.reconcile import Reconciling
from syncd.reconcile_drafts import DraftReconciling, of_draft
from syncd.repair import CANNOT, DUE, PERSISTS, RESOLVED, SET_ASIDE, Repairing

_UNASKED = {"due": DUE, "leased": DUE, SET_ASIDE: CANNOT}


class DraftRepairing(Repairing):
    """Repairs of the findings of one run over drafts."""

    def __init__(self, reconciling: DraftReconciling) -> None:
        super().__init__(reconciling)
        self._drafts = reconciling

    def _repair(self, code: str) -> str:
        rows = self._drafts.drafts
        if (before := rows.draft(code)) is None:
            return ""
        self._read_again(before.dossier)
        draft = rows.draft(code)
        if draft is None or not (draft.standing and self._drafts.mine(draft)) or draft.issued:
            return ""
        if not draft.held.state:
            return DUE if rows.reinstate([code], self._drafts.clock.now()) else ""
        if draft.held.state in _UNASKED:
            return _UNASKED[draft.held.state]
        for claim in rows.claims([code]):
            standing = self._drafts.asking.look_up(claim)
            if standing is not None:
                self._drafts.asking.listen([standing])
            return self._made_due(claim, standing) if standing is None or _says(standing) else ""
        return ""

    def _made_due(self, claim: Claim, standing: Standing | None) -> str:
        """A row that has moved on since it was read is left as it is."""
        rows, now = self._drafts.drafts, self._drafts.clock.now()
        if standing is not None and not standing.exists:
            return DUE if rows.repair(claim, standing, now) else ""
        if claim.created and not claim.record_due:
            return RESOLVED
        if claim.unsure and not self._drafts.target.replaces and (claim.created or standing is None):
            return CANNOT  # it may be there, and would be there twice
        there = standing is not None and not claim.created
        return DUE if rows.renew(claim, now, ask=there) else ""

    def _verdict(self, code: str) -> dict[DriftKind, str]:
        draft = self._drafts.drafts.draft(code)
        if draft is None or (draft.standing and not draft.issued and (draft.held.state != "idle" or of_draft(draft, self._drafts.zone))):
            return dict.fromkeys(DriftKind, PERSISTS)
        if draft.answered or not draft.standing:
            return dict.fromkeys(DriftKind, RESOLVED)
        for claim in self._drafts.drafts.claims([code]):
            standing = self._drafts.asking.look_up(claim)
            if standing is None:
                return dict.fromkeys(DriftKind, RESOLVED)
            self._drafts.asking.listen([standing])
            return dict.fromkeys(DriftKind, RESOLVED if standing.exists else PERSISTS) if _says(standing) else {}
        return {}


def repairing(side: Reconciling) -> Repairing:
    """What repairs the findings of these comparisons."""
    return DraftRepairing(side) if isinstance(side, DraftReconciling) else Repairing(side)


def _says(standing: Standing) -> bool:
    """Whether the target has said if it has the draft."""
    return standing.outcome is Outcome.DELIVERED and standing.exists is not None

"""Repair: what a reconciliation found becomes due again, on the same line as everything else.

    missing, stale, steps   the one-stop is read once more for the dossier; then the target is asked once more, and what it lacks
                            is made due: the record, the steps at the end, or single steps amid others
    extra                   reported; a withdrawal that nobody declared is never sent
    steps told twice        reported; no target takes a step back
    unknown                 reported; asked again by the next run

Nothing is sent from here. Whoever delivers, the daemon or `run --once`, sends what is due; `verify` waits for that and asks
the target a last time. Each finding keeps what became of it, and the run is sealed anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from syncd.calls import Claim, Outcome, Standing, StepsFound
from syncd.drift import DriftKind
from syncd.reconcile import Reconciling
from syncd.store.evidence import Evidence, Run

DUE, RESOLVED, PERSISTS, CANNOT = "due", "resolved", "persists", "cannot"
_UNASKED = {"due": DUE, "leased": DUE, "idle": RESOLVED}
_REPAIRED = (DriftKind.MISSING, DriftKind.STALE, DriftKind.STEPS)
_FEW = 50
_PAUSE = 1.0


class Repairing:
    """Repairs of the findings of one run."""

    def __init__(self, reconciling: Reconciling) -> None:
        self._side = reconciling
        self.evidence: Evidence = reconciling.evidence
        self.stopping: threading.Event = reconciling.stopping
        self.told: Callable[[int], None] = lambda waiting: None  #: how many dossiers are awaited

    def repair(self, run: Run) -> Run:
        """Make due what can be; the run with what became of each finding."""
        for few in _chunks(self._codes(run, "")):
            became = {code: self._repair(code) for code in few if not self.stopping.is_set()}
            self._note(run, {code: word for code, word in became.items() if word})
        return self._ended(run)

    def verify(self, run: Run, patience: float) -> Run:
        """Wait until what was made due is delivered, or dead, and ask the target about it; `patience` is in seconds without
        anything being delivered."""
        for few in _chunks(self._codes(run, DUE)):
            self._await(few, patience)
            for code in few:
                self.evidence.became(run.id, [(code, kind, word) for kind, word in self._verdict(code).items()])
        return self._ended(run)

    def _codes(self, run: Run, became: str) -> Iterator[str]:
        """The dossiers with a finding that can be repaired, each once."""
        last = ""
        for finding in self.evidence.findings(run.id, became):
            if finding.drift.kind in _REPAIRED and finding.drift.dossier != last:
                last = finding.drift.dossier
                yield last

    def _repair(self, code: str) -> str:
        self._read_again(code)
        held = self._side.rows.by_code([code]).get(code)
        if held is None:
            return ""
        if not held.state or held.error_code == "already_there":
            return DUE if self._side.rows.reinstate([code], self._side.clock.now()) else ""
        asked = self._asked(code)
        if asked is None:  # then the ledger says what is due, or a person must
            return _UNASKED.get(held.state, CANNOT)
        return self._mend(*asked)

    def _mend(self, claim: Claim, standing: Standing) -> str:
        steps = standing.steps
        if standing.exists and not standing.differences and steps and not steps.missing and (steps.doubled or steps.foreign):
            return CANNOT
        return DUE if self._side.rows.repair(claim, standing, self._side.clock.now()) else ""

    def _read_again(self, code: str) -> None:
        for page in self._side.source.fetch(code):
            changed, known = self._side.intake.compare(page)
            if changed:
                self._side.intake.take(changed, known, None)

    def _asked(self, code: str) -> tuple[Claim, Standing] | None:
        """What the target says of a dossier now; None where it cannot be asked."""
        for claim in self._side.rows.claims([code]):
            standing = self._side.look_up(claim)
            if standing is not None and standing.outcome is Outcome.DELIVERED and standing.exists is not None:
                return claim, standing
        return None

    def _verdict(self, code: str) -> dict[DriftKind, str]:
        """What became of each kind of finding of a dossier, by the ledger and by the target's own word."""
        held = self._side.rows.by_code([code]).get(code)
        if held is None or held.state != "idle" or held.record_due or held.owed or held.steps_sent < held.steps_wanted:
            return dict.fromkeys(_REPAIRED, PERSISTS)
        asked = self._asked(code)
        if asked is None:
            return dict.fromkeys(_REPAIRED, RESOLVED)
        _, standing = asked
        steps = standing.steps or StepsFound()
        return {
            DriftKind.MISSING: RESOLVED if standing.exists else PERSISTS,
            DriftKind.STALE: PERSISTS if standing.differences else RESOLVED,
            DriftKind.STEPS: PERSISTS if steps.missing else CANNOT if steps.doubled or steps.foreign else RESOLVED,
        }

    def _await(self, codes: Sequence[str], patience: float) -> None:
        clock, waiting = self._side.clock, set(codes)
        until = clock.monotonic() + patience
        while waiting and not self.stopping.is_set() and clock.monotonic() < until:
            left = waiting - self._side.rows.settled(list(waiting))
            if len(left) < len(waiting):
                until = clock.monotonic() + patience
            waiting = left
            self.told(len(waiting))
            if waiting:
                self.stopping.wait(_PAUSE)

    def _note(self, run: Run, became: dict[str, str]) -> None:
        self.evidence.became(run.id, [(code, kind, word) for code, word in became.items() for kind in _REPAIRED])

    def _ended(self, run: Run) -> Run:
        now = self._side.clock.now()
        words = [finding.became for finding in self.evidence.findings(run.id)]
        counts = {**run.counts, **{word: words.count(word) for word in (DUE, RESOLVED, PERSISTS, CANNOT) if word in words}}
        return self.evidence.end(run.id, run.state, now, counts)


def _chunks(codes: Iterator[str]) -> Iterator[list[str]]:
    """A few at a time; all are read before the first is changed, or the reading would never end."""
    every = iter(list(codes))
    while few := list(islice(every, _FEW)):
        yield few

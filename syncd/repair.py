"""Repair: what a reconciliation found becomes due again, on the same line as everything else.

    missing, stale, steps   the one-stop is read once more for the dossier; then the target is asked once more, and what it lacks
                            is made due: the record, the steps at the end, or single steps amid others
    extra                   reported; a withdrawal that nobody declared is never sent
    steps told twice        reported; no target takes a step back
    set aside by a person   reported; only a person takes it up again (`dead retry`), or a change in the one-stop
    unknown                 reported; asked again by the next run

Nothing is sent from here. Whoever delivers, the daemon or `run --once`, sends what is due; `verify` waits for that and asks
the target a last time. Each finding keeps what became of it, and the run is sealed anew.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice

from syncd.calls import Claim, Outcome, Standing, StepsFound
from syncd.drift import DriftKind, Held
from syncd.errors import MovedOn
from syncd.reconcile import Reconciling
from syncd.store.evidence import Evidence, Run
from syncd.turns import UNKNOWN_SENT, UNKNOWN_TWICE

DUE, RESOLVED, PERSISTS, CANNOT = "due", "resolved", "persists", "cannot"
SET_ASIDE = "held"  #: state of a row that a person discarded
ADOPTED = "adopted"  #: resolved, and what the target had of the dossier before us was taken as sent
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
            became = {code: self._repair(code) for code in few if self._goes_on()}
            self._note(run, {code: word for code, word in became.items() if word})
        return self._ended(run)

    def verify(self, run: Run, patience: float) -> Run:
        """Wait until what was made due is delivered, or dead, and ask the target about it; `patience` is in seconds without
        anything being delivered."""
        for few in _chunks(self._codes(run, DUE)):
            self._await(few, patience)
            for code in few:
                if self._goes_on():
                    self.evidence.became(run.id, [(code, kind, word) for kind, word in self._verdict(code).items()])
        return self._ended(run)

    def _goes_on(self) -> bool:
        """Whether to take the next dossier, of which a few calls follow; asking keeps the lease."""
        return not self.stopping.is_set() and self._side.proceed()

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
        if held.state == SET_ASIDE:
            return CANNOT
        if not held.state or held.error_code == "already_there":
            return DUE if self._side.rows.reinstate([code], self._side.clock.now()) else ""
        for claim in self._side.rows.claims([code]):
            standing = self._side.asking.look_up(claim)
            if standing is None:  # then the ledger says what is due, or a person must
                return _UNASKED.get(held.state, CANNOT)
            self._side.asking.listen([standing])
            return self._mend(held, claim, standing) if _told(standing) else ""
        return ""

    def _mend(self, held: Held, claim: Claim, standing: Standing) -> str:
        """A row that has moved on since it was read is left as it is: the next run compares it anew."""
        steps = standing.steps
        if standing.exists and steps is None and held.error_code in (UNKNOWN_TWICE, UNKNOWN_SENT):
            return CANNOT  # whether these steps are there the target does not tell, and a third copy would be one too many
        if standing.exists and not standing.differences and steps and not steps.missing and (steps.doubled or steps.foreign):
            return CANNOT
        if standing.exists and steps is None and not (claim.created or claim.sent_version or claim.doubtful):
            return DUE if self._side.rows.reinstate([claim.subject], self._side.clock.now()) else ""  # not from us, and its steps may be there too
        return DUE if self._side.rows.repair(claim, standing, self._side.clock.now()) else ""

    def _read_again(self, code: str) -> None:
        """Where a poll has stored the dossier since this began to read it, the poll's reading stands."""
        known = self._side.intake.known([code])
        for page in self._side.source.fetch(code):
            changed, now = self._side.intake.compare(page)
            others = {subject: each for subject, each in now.items() if subject != code}  # that share its code or its row
            if changed:
                with suppress(MovedOn):
                    self._side.intake.take(changed, others | known, None)

    def _verdict(self, code: str) -> dict[DriftKind, str]:
        """What became of each kind of finding of a dossier, by the ledger and by the target's own word."""
        held = self._side.rows.by_code([code]).get(code)
        if held is None or held.state != "idle" or held.record_due or held.owed or held.steps_sent < held.steps_wanted:
            return dict.fromkeys(_REPAIRED, PERSISTS)
        for claim in self._side.rows.claims([code]):
            standing = self._side.asking.look_up(claim)
            missing = {DriftKind.MISSING: ADOPTED if claim.adopted else RESOLVED}
            if standing is None:
                return dict.fromkeys(_REPAIRED, RESOLVED) | missing
            self._side.asking.listen([standing])
            return (_by_answer(standing) | (missing if standing.exists else {})) if _told(standing) else {}
        return {}

    def _await(self, codes: Sequence[str], patience: float) -> None:
        clock, waiting = self._side.clock, set(codes)
        until = clock.monotonic() + patience
        while waiting and clock.monotonic() < until and self._goes_on():
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
        words = Counter(finding.became for finding in self.evidence.findings(run.id))
        counts = {**run.counts, **{word: words[word] for word in (DUE, RESOLVED, ADOPTED, PERSISTS, CANNOT)}, "drifted": self.evidence.drifted(run.id)}
        return self.evidence.end(run.id, run.state, self._side.clock.now(), counts)


def _told(standing: Standing) -> bool:
    """Whether the target has said if it has the dossier."""
    return standing.outcome is Outcome.DELIVERED and standing.exists is not None


def _by_answer(standing: Standing) -> dict[DriftKind, str]:
    steps = standing.steps or StepsFound()
    return {
        DriftKind.MISSING: RESOLVED if standing.exists else PERSISTS,
        DriftKind.STALE: PERSISTS if standing.differences or not standing.exists else RESOLVED,
        DriftKind.STEPS: PERSISTS if steps.missing or not standing.exists else CANNOT if steps.doubled or steps.foreign else RESOLVED,
    }


def _chunks(codes: Iterator[str]) -> Iterator[list[str]]:
    """A few at a time; all are read before the first is changed, or the reading would never end."""
    every = iter(list(codes))
    while few := list(islice(every, _FEW)):
        yield few

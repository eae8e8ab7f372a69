"""Course: how far a reconciliation has come, what it has counted up to there, and whether the one-stop still looks like itself.

Law L8: a one-stop that has lost more than a share of its dossiers since the last run, shows more than a share of them as the state
has never seen them, or many without their newest steps (a backup that was restored), does not look like itself. The next page is
held against these limits before anything of it is taken over; what the last run counted is what is usual. `--force` says that a
person has looked.
"""

from __future__ import annotations

from collections import Counter

from syncd.config import Reconcile
from syncd.drift import Held, lost_too_many
from syncd.errors import SuspiciousSource
from syncd.model import Page, Value
from syncd.store.evidence import Run
from syncd.store.prepared import BACK, FEW_BACK, Known, Prepared

FEW = 200  #: so many dossiers at once surprise nobody, however small the province
_LOOK = "look at the one-stop: is it being restored, or is it another database? If it is right: --force"
_BACK = "look at the one-stop: was it restored from a backup? If it is right: --force"


class Sides(Value):
    """A page, with what the state holds of it."""

    page: Page
    changed: list[Prepared]  #: the dossiers that are not in the state as they are in the one-stop
    known: dict[str, Known]
    back: set[str]  #: those that look as they did before
    held: list[Held]  #: all that the state holds between the last page's end and this one's
    present: dict[int, str]  #: the codes in the page, by key

    def published(self, held: Held) -> bool:
        """Whether the one-stop still publishes what the state holds, under that code."""
        code = self.present.get(held.source_id)
        return code is not None and held.subject in (code, f"{code}#{held.source_id}")

    def tally(self, after: int, upto: int) -> Counter[str]:
        """What the dossiers between two keys of the page add to the counts of a run."""
        listed = sum(after < each.dossier.source_id <= upto for each in self.page.snapshots)
        changed = [each for each in self.changed if after < each.dossier.source_id <= upto and each.subject in self.known]
        gone = sum(each.source_id not in self.present for each in self.held if after < each.source_id <= upto)
        return Counter(listed=listed, gone=gone, unseen=len(changed), back=sum(each.subject in self.back for each in changed))


class Course:
    """How far a run has come; `counts` are those up to `position`."""

    def __init__(self, run: Run, known: int, before: Run | None, options: Reconcile, *, force: bool) -> None:
        self.run = run
        self.scope = run.scope
        self.position = run.position
        self.counts = Counter({"listed": 0, "checked": 0, "asked": 0, "gone": 0, "unseen": 0, "back": 0, **run.counts})
        self.known = known
        self.before = before.counts if before else {}
        self.options = options
        self.force = force
        self.heard = (self.position, self.counts.copy())  #: where the target last answered
        self.totals = Counter[tuple[str, str]]()  #: committed since then
        self.unheard: list[str] = []  #: asked about since then

    def guard(self, more: Counter[str]) -> None:
        """Raises `SuspiciousSource` where the one-stop would not look like itself with these counts on top."""
        if self.force:
            return
        limits = (
            ("gone", self.options.lost, FEW, "are no longer in the one-stop", _LOOK),
            ("unseen", self.options.surprise, FEW, "differ from what was read of them", _LOOK),
            ("back", BACK, FEW_BACK, "went back to what they were, or are gone and were the newest", _BACK),
        )
        for name, most, few, what, why in limits:
            count = self.counts[name] + more[name]
            usual = self.before.get(name, 0) if name != "unseen" else 0
            if lost_too_many(count - usual, self.known, most, few):
                raise SuspiciousSource(f"{count} of {self.known} known dossiers {what}", hint=why)

    def guard_emptiness(self) -> None:
        """Raises `SuspiciousSource` where the one-stop listed nothing at all, and did before."""
        if self.counts["listed"] == 0 and self.known and not self.force:
            raise SuspiciousSource("the one-stop lists no dossier, and did before", hint="check source.url and whether a restore is under way; else: --force")

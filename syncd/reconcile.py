"""Reconcile: is every dossier at the target, and as it should be? Nobody's "sent" flag is believed, not even ours.

Three sides are held against each other, a page of the one-stop at a time, in order of its primary key:

    one-stop     read anew, every dossier of the scope
    ledger       what the state holds of it: what the target should have, what it has acknowledged
    target       its own answer, for those about which it must be asked (`drift.to_ask`), or for all

    read a page  ─▶ compare with the snapshots and the ledger (no calls)
                 ─▶ ask the target about the doubtful ones, a few at a time, within a budget that yields to deliveries
                 ─▶ write down the findings, and with them how far the run has come

A run that is interrupted goes on where it stopped, and asks about nobody twice: each dossier keeps the moment at which its target
last answered for it. Nothing is changed by a comparison, neither at the target nor in the ledger; see `repair`.

Law L8: a one-stop that lists nothing, has lost more than a share of its dossiers, or shows more than a share of them as the
state has never seen them, does not look like itself. The run stops there, before anything is repaired, and says why.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

import structlog

from syncd.calls import Claim, Outcome, Standing
from syncd.clock import Clock
from syncd.config import Reconcile
from syncd.drift import Drift, DriftKind, Held, Tiers, drift, lost_too_many, of_dossier, of_ledger, of_target, to_ask
from syncd.errors import SuspiciousSource
from syncd.model import Page, Value
from syncd.policy import Pace
from syncd.ports import Source, Target
from syncd.store.evidence import DONE, STOPPED, Evidence, Run, Scope
from syncd.store.intake import Intake
from syncd.store.prepared import Known, Prepared
from syncd.store.readback import ReadBack
from syncd.turns import look_up

log = structlog.get_logger()

FEW = 200  #: so many dossiers at once surprise nobody, however small the province
_ROWS = 1000
_YIELD = 0.5  #: seconds
_YIELDS = 10  #: times that deliveries go first, before each few calls


class Sides(Value):
    """A page, with what the state holds of it."""

    page: Page
    changed: list[Prepared]  #: the dossiers that are not in the state as they are in the one-stop
    known: dict[str, Known]
    held: list[Held]  #: all that the state holds between the last page's end and this one's


class Store(NamedTuple):
    """What of the state a comparison uses."""

    rows: ReadBack
    evidence: Evidence


class Reconciling:
    """Comparisons of one target."""

    def __init__(self, target: Target, source: Source, intake: Intake, store: Store, options: Reconcile, clock: Clock, zone: ZoneInfo) -> None:
        self.target = target
        self.source = source
        self.intake = intake
        self.rows = store.rows
        self.evidence = store.evidence
        self.options = options
        self.clock = clock
        self.zone = zone
        self.busy: Callable[[], bool] = lambda: False  #: whether deliveries are waiting at the target, which go first
        self.told: Callable[[Run, int, int], None] = lambda run, read, known: None  #: how far the run is, and of how many
        self.stopping = threading.Event()
        self.askable = True
        self._pacing = threading.Lock()
        self._pace = Pace(interval=60 / options.budget if options.budget else 0.0)

    def compare(self, who: str, scope: Scope, *, force: bool = False) -> Run:
        """Hold the three sides against each other; the run, which has ended unless it was told to stop. Raises `SourceError`, and
        `SuspiciousSource` with the run stopped."""
        run = self.evidence.interrupted(self.target.name, scope) or self.evidence.begin(self.target.name, who, scope, self.clock.now())
        counts = {"checked": 0, "asked": 0, "gone": 0, "unseen": 0, **run.counts}
        try:
            ended = self._compare(run, counts, force=force)
        except SuspiciousSource as suspicion:
            self.evidence.end(run.id, STOPPED, self.clock.now(), counts)
            log.error("source_suspicious", error=suspicion.message, hint=suspicion.hint)
            raise
        if not ended:
            return self.evidence.run(run.id)
        done = self.evidence.end(run.id, DONE, self.clock.now(), counts | {"drifted": self.evidence.drifted(run.id), "askable": int(self.askable)})
        log.info("reconcile_done", target=self.target.name, run=run.id, **dict(done.counts))
        return done

    def _compare(self, run: Run, counts: dict[str, int], *, force: bool) -> bool:
        known, position = self.rows.known(), run.position
        for page in self.source.sweep(position):
            sides = self._sides(page, position)
            self._count(counts, sides)
            self._guard(counts, known, force=force)
            if not self._take(run, counts, sides):
                return False
            position = page.cursor.id
            self.evidence.note(run.id, [], counts, position)
            self.told(run, counts["checked"], known)
        self._beyond(run, counts, position, known, force=force)
        if counts["checked"] == 0 and known and run.scope == Scope(full=run.scope.full) and not force:
            raise SuspiciousSource("the one-stop lists no dossier, and did before", hint="check source.url and whether a restore is under way")
        return not self.stopping.is_set()

    def _sides(self, page: Page, after: int) -> Sides:
        changed, known = self.intake.compare(page)
        held = [each for rows in self._held(after, page.cursor.id) for each in rows]
        return Sides(page=page, changed=changed, known=known, held=held)

    def _held(self, after: int, upto: int | None) -> Iterator[list[Held]]:
        while rows := self.rows.page(after, upto, _ROWS):
            yield rows
            after = rows[-1].source_id

    @staticmethod
    def _count(counts: dict[str, int], sides: Sides) -> None:
        present = {each.dossier.source_id for each in sides.page.snapshots}
        counts["checked"] += len(sides.page.snapshots)
        counts["gone"] += sum(each.source_id not in present for each in sides.held)
        counts["unseen"] += sum(each.subject in sides.known for each in sides.changed)

    def _guard(self, counts: dict[str, int], known: int, *, force: bool) -> None:
        if force:
            return
        limits = (("gone", self.options.lost, "are no longer in the one-stop"), ("unseen", self.options.surprise, "differ from what was read of them"))
        for name, share, what in limits:
            if lost_too_many(counts[name], known, share, FEW):
                raise SuspiciousSource(
                    f"{counts[name]} of {known} known dossiers {what}", hint="look at the one-stop (a restore? another database?); if it is right: --force"
                )

    def _beyond(self, run: Run, counts: dict[str, int], position: int, known: int, *, force: bool) -> None:
        """What the state holds behind the last dossier that the one-stop lists."""
        for rows in self._held(position, None):
            counts["gone"] += len(rows)
            self._guard(counts, known, force=force)
            self.evidence.note(run.id, [self._extra(each) for each in rows if each.created and self._within(run.scope, each)], counts)

    def _within(self, scope: Scope, held: Held) -> bool:
        at = held.received_at
        return at is None or ((scope.since is None or at >= scope.since) and (scope.until is None or at < scope.until))

    def _extra(self, held: Held) -> Drift:
        return drift(held, DriftKind.EXTRA, {"source": "no longer publishes it"}, self.zone)

    def _take(self, run: Run, counts: dict[str, int], sides: Sides) -> bool:
        """Compare one page and ask about it; whether it was taken to its end."""
        present = {each.dossier.source_id for each in sides.page.snapshots}
        unseen = {each.subject for each in sides.changed}
        found = [self._unseen(each, sides.known) for each in sides.changed if _received_within(run.scope, each)]
        asked = []
        for held in (each for each in sides.held if self._within(run.scope, each)):
            if held.source_id not in present:
                found += [self._extra(held)] if held.created else []
            elif held.subject not in unseen:
                found += [each for each in [of_ledger(held, self.zone)] if each]
                asked.append(held)
        self.evidence.note(run.id, found, counts)
        return self._ask(run, counts, asked)

    def _unseen(self, each: Prepared, known: dict[str, Known]) -> Drift:
        """A dossier that the state does not hold as the one-stop has it."""
        before = known.get(each.subject)
        if before is None:
            return of_dossier(each.dossier, DriftKind.MISSING, {"ledger": "none"}, self.zone)
        kind = DriftKind.STALE if before.digest != each.digest else DriftKind.STEPS
        return of_dossier(each.dossier, kind, {"ledger": "has not read it so"}, self.zone)

    # ---- asking the target

    def _ask(self, run: Run, counts: dict[str, int], held: Sequence[Held]) -> bool:
        """Ask the target about those of a page that are doubtful; whether all were asked."""
        now = self.clock.now()
        tiers = Tiers(since=now - self.options.lately, period=self.options.period, full=run.scope.full)
        waiting = iter([each for each in held if to_ask(each, tiers, now) and not _asked_in(run, each)])
        with ThreadPoolExecutor(self.options.workers) as pool:
            while self.askable and (few := list(islice(waiting, self.options.workers))):
                self._yield()
                if self.stopping.is_set():
                    return False
                self._ask_few(pool, run, counts, few)
        return not self.stopping.is_set()

    def _ask_few(self, pool: ThreadPoolExecutor, run: Run, counts: dict[str, int], few: Sequence[Held]) -> None:
        by_code = {each.subject: each for each in few}
        claims = self.rows.claims(list(by_code))
        answers = [(claim.subject, standing) for claim, standing in zip(claims, pool.map(self.look_up, claims), strict=True) if standing is not None]
        self.askable = bool(answers) or not claims
        counts["asked"] += len(answers)
        found = {subject: of_target(by_code[subject], standing, self.zone) for subject, standing in answers}
        self.evidence.note(run.id, [each for drifts in found.values() for each in drifts], counts)
        answered = [subject for subject, standing in answers if standing.outcome is Outcome.DELIVERED]
        self.rows.confirm(answered, self.clock.now(), sound=[subject for subject in answered if not found[subject]])

    def look_up(self, claim: Claim) -> Standing | None:
        """What the target says of one dossier; a connector's bug is one that could not be asked."""
        self.stopping.wait(self._wait())
        try:
            return self.target.look_up(look_up(claim))
        except Exception as error:
            log.error("connector_failed", target=self.target.name, dossier=claim.subject, error=type(error).__name__, exc_info=error)
            return Standing(outcome=Outcome.UNKNOWN, message=f"the connector failed: {type(error).__name__}")

    def _wait(self) -> float:
        """Seconds until the next call may go, to keep the budget."""
        if not self._pace.interval:
            return 0.0
        with self._pacing:
            self._pace, seconds = self._pace.take(self.clock.monotonic())
            return seconds

    def _yield(self) -> None:
        """Let deliveries go first, for a while."""
        for _ in range(_YIELDS):
            if not self.busy() or self.stopping.wait(_YIELD):
                return


def _received_within(scope: Scope, each: Prepared) -> bool:
    at = each.dossier.received_at
    return at is None or ((scope.since is None or at >= scope.since) and (scope.until is None or at < scope.until))


def _asked_in(run: Run, held: Held) -> bool:
    return held.asked_at is not None and held.asked_at >= run.began_at

"""Reconcile: is every dossier at the target, and as it should be? Nobody's "sent" flag is believed, not even ours.

Three sides are held against each other, a page of the one-stop at a time, in order of its primary key:

    one-stop     read anew, every dossier of the scope
    ledger       what the state holds of it: what the target should have, what it has acknowledged
    target       its own answer, for those about which it must be asked (`drift.to_ask`), or for all

    read a page  ─▶ compare with the snapshots and the ledger (no calls)
                 ─▶ ask the target about the doubtful ones, a few at a time, within a budget that yields to deliveries
                 ─▶ write down the findings, and with them the key up to which the run has come

That key is committed with every few answers, so a run that is interrupted goes on there and asks nobody twice but those in
flight. Nothing is changed by a comparison, neither at the target nor in the ledger; see `repair`.

Law L8: where the one-stop does not look like itself (`course`), the run stops there, before anything is repaired, and says why. A
target that does not answer ends the run for now: it is not asked a million times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

import structlog

from syncd.asking import Asking
from syncd.calls import Outcome
from syncd.course import Course, Sides
from syncd.drift import Drift, DriftKind, Held, Tiers, drift, month_of, of_dossier, of_ledger, of_target, to_ask
from syncd.errors import SuspiciousSource, TargetSilent
from syncd.foreign import Foreign
from syncd.model import Dossier, Page
from syncd.ports import Source
from syncd.store.evidence import DONE, STOPPED, Evidence, Run, Scope
from syncd.store.intake import Intake
from syncd.store.prepared import Known, Prepared
from syncd.store.readback import ReadBack

log = structlog.get_logger()

RESUMED_WITHIN_DAYS = 7  #: what an interrupted run has compared before counts for so long


class Store(NamedTuple):
    """What of the state a comparison uses."""

    rows: ReadBack
    evidence: Evidence


class Reconciling:
    """Comparisons of one target."""

    def __init__(self, asking: Asking, source: Source, intake: Intake, store: Store, zone: ZoneInfo) -> None:
        self.asking = asking
        self.target = asking.target
        self.source = source
        self.intake = intake
        self.rows = store.rows
        self.evidence = store.evidence
        self.options = asking.options
        self.clock = asking.clock
        self.stopping = asking.stopping
        self.zone = zone
        self.told: Callable[[Run, int, int], None] = lambda run, read, known: None  #: how far the run is, and of how many
        self.found: Callable[[Drift], None] = lambda each: None  #: told each difference
        self.proceed: Callable[[], bool] = lambda: True  #: asked before each few calls; no = stop here, the rest comes next time
        self.askable = True

    def compare(self, who: str, scope: Scope, *, force: bool = False) -> Run:
        """Hold the three sides against each other; the run, which has ended unless it was told to stop. Raises `SourceError` and
        `TargetSilent`, after which it can be gone on with, and `SuspiciousSource` with the run stopped."""
        run = self._unfinished(scope) or self.evidence.begin(self.target.name, who, scope, self.clock.now())
        self.asking.silent = 0
        course = Course(run, self.rows.known(), self.evidence.last(self.target.name), self.options, force=force)
        try:
            ended = self._compare(course)
        except TargetSilent:
            self._turn_back(course)
            raise
        except SuspiciousSource as suspicion:
            self.evidence.end(run.id, STOPPED, self.clock.now(), course.counts)
            log.error("source_suspicious", error=suspicion.message, hint=suspicion.hint)
            raise
        if not ended:
            return self.evidence.run(run.id)
        done = self.evidence.end(run.id, DONE, self.clock.now(), {**course.counts, **self._summed(run)})
        log.info("reconcile_done", target=self.target.name, run=run.id, **dict(done.counts))
        return done

    def _turn_back(self, course: Course) -> None:
        """Nobody was asked about since the last answer."""
        self.evidence.forget(course.run.id, course.unheard)
        position, counts = course.heard
        self.evidence.note(course.run.id, [], counts, position, {place: -count for place, count in course.totals.items()})

    def _summed(self, run: Run) -> dict[str, int]:
        return {"drifted": self.evidence.drifted(run.id), "askable": int(self.askable)}

    def _unfinished(self, scope: Scope) -> Run | None:
        run = self.evidence.interrupted(self.target.name, scope)
        return run if run and (self.clock.now() - run.began_at).days < RESUMED_WITHIN_DAYS else None

    def _compare(self, course: Course) -> bool:
        resumed = course.position
        for page in self.source.sweep(course.position):
            sides = self._sides(page, course.position)
            course.guard(sides.tally(course.position, page.cursor.id))
            if resumed == course.position:
                self.evidence.forget(course.run.id, [*(each.subject for each in sides.held), *(each.subject for each in sides.changed)])
            if not (self.proceed() and self._take(course, sides)):
                return False
        course.guard_emptiness()
        self._beyond(course)
        self._foreign(course)
        return not self.stopping.is_set()

    def _sides(self, page: Page, after: int) -> Sides:
        changed, known = self.intake.compare(page)
        held = [each for rows in self.rows.within(after, page.cursor.id) for each in rows]
        present = {each.dossier.source_id: each.dossier.code for each in page.snapshots}
        return Sides(page=page, changed=changed, known=known, back=self.intake.went_back(changed, known), held=held, present=present)

    def _totals(self, course: Course, sides: Sides, upto: int) -> Counter[tuple[str, str]]:
        """And how many of them are compared, by agency and month."""
        passed = (each.dossier for each in sides.page.snapshots if course.position < each.dossier.source_id <= upto)
        return Counter(self._place(each) for each in passed if _within(course.scope, each))

    def _place(self, each: Dossier) -> tuple[str, str]:
        return each.agency.code[:64], month_of(each.received_at, self.zone)

    def _beyond(self, course: Course) -> None:
        """What the state holds behind the last dossier that the one-stop lists."""
        for rows in self.rows.within(course.position):
            more = Counter(gone=len(rows), back=len(rows))
            course.guard(more)
            course.counts.update(more)
            course.position = rows[-1].source_id
            extra = [self._extra(each) for each in rows if each.created and _within(course.scope, each)]
            self._note(course, extra, course.position)

    def _foreign(self, course: Course) -> None:
        """What the target has, and nobody here: on a full run from the first dossier on, else of what was received lately."""
        now = self.clock.now()
        lately = now - self.options.lately
        since = course.scope.since or (self.rows.first() if course.scope.full else lately)
        if since is None or self.stopping.is_set():
            return
        foreign = Foreign(self.target, self.source, self.rows)
        codes = foreign.codes(since, course.scope.until or now)
        if codes is not None:
            course.counts["held"] = foreign.listed
            self._note(course, [Drift(dossier=code, kind=DriftKind.EXTRA, detail={"source": "does not know it"}) for code in codes])

    def _extra(self, held: Held) -> Drift:
        return drift(held, DriftKind.EXTRA, {"source": "no longer publishes it"}, self.zone)

    def _take(self, course: Course, sides: Sides) -> bool:
        """Compare one page and ask about it; whether it was taken to its end."""
        unseen = {each.subject for each in sides.changed}
        found = [self._unseen(each, sides.known) for each in sides.changed if _within(course.scope, each.dossier)]
        asked = []
        for held in (each for each in sides.held if _within(course.scope, each)):
            if not sides.published(held):
                found += [self._extra(held)] if held.created else []
            elif held.subject not in unseen:
                found += [each for each in [of_ledger(held, self.zone)] if each]
                asked.append(held)
        self._note(course, found)
        if not self._ask(course, sides, asked):
            return False
        self._advance(course, sides, sides.page.cursor.id)
        return True

    def _note(self, course: Course, found: Sequence[Drift], position: int | None = None) -> None:
        for each in found:
            self.found(each)
        self.evidence.note(course.run.id, found, course.counts, position)

    def _advance(self, course: Course, sides: Sides, upto: int) -> None:
        """The run has come as far as this key: the counts up to there are committed with it."""
        totals = self._totals(course, sides, upto)
        course.counts.update(sides.tally(course.position, upto))
        course.counts["checked"] += totals.total()
        course.position = max(upto, course.position)
        self.evidence.note(course.run.id, [], course.counts, course.position, totals)
        self.told(course.run, course.counts["listed"], course.known)
        course.totals.update(totals)
        if not self.asking.silent:
            course.heard = (course.position, course.counts.copy())
            course.totals.clear()
            course.unheard.clear()

    def _unseen(self, each: Prepared, known: dict[str, Known]) -> Drift:
        """A dossier that the state does not hold as the one-stop has it."""
        before = known.get(each.subject)
        if before is None:
            return of_dossier(each.dossier, DriftKind.MISSING, {"ledger": "none"}, self.zone)
        kind = DriftKind.STALE if before.digest != each.digest else DriftKind.STEPS
        return of_dossier(each.dossier, kind, {"ledger": "has not read it so"}, self.zone)

    # ---- asking the target

    def _ask(self, course: Course, sides: Sides, held: Sequence[Held]) -> bool:
        """Ask the target about those of a page that are doubtful; whether all were asked."""
        now = self.clock.now()
        tiers = Tiers(since=now - self.options.lately, period=self.options.period, full=course.scope.full)
        waiting = [each for each in held if to_ask(each, tiers, now)] if self.askable else []
        with ThreadPoolExecutor(self.options.workers) as pool:
            for few, following in _in_step(waiting, self.options.workers):
                self.asking.give_way()
                if self.stopping.is_set() or not self.proceed():
                    return False
                answered = self._ask_few(pool, course, few)
                if not self.askable:
                    break
                if answered:
                    self._advance(course, sides, min(few[-1].source_id, following - 1))
        return not self.stopping.is_set()

    def _ask_few(self, pool: ThreadPoolExecutor, course: Course, few: Sequence[Held]) -> bool:
        """Ask about these; whether the target answered."""
        by_code = {each.subject: each for each in few}
        claims = self.rows.claims(list(by_code))
        answers = [(claim.subject, standing) for claim, standing in zip(claims, pool.map(self.asking.look_up, claims), strict=True) if standing is not None]
        self.askable = bool(answers) or not claims
        answered = [subject for subject, standing in answers if standing.outcome is Outcome.DELIVERED]
        self.asking.listen([standing for _, standing in answers])
        course.counts["asked"] += len(answered)
        course.unheard += by_code
        found = {subject: of_target(by_code[subject], standing, self.zone) for subject, standing in answers}
        self._note(course, [each for drifts in found.values() for each in drifts])
        self.rows.confirm(answered, self.clock.now(), sound=[subject for subject in answered if not found[subject]])
        return bool(answered) or not claims


def _within(scope: Scope, each: Dossier | Held) -> bool:
    return scope.covers(each.received_at)


def _in_step(waiting: Sequence[Held], size: int) -> Iterator[tuple[list[Held], int]]:
    """A few at a time, each with the key that follows."""
    rest = iter(waiting)
    few = list(islice(rest, size))
    while few:
        following = list(islice(rest, size))
        yield few, following[0].source_id if following else few[-1].source_id + 1
        few = following

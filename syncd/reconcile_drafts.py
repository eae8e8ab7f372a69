"""Reconcile drafts: does the document system have what waits there for a signature, and nothing that was taken back?

The same run, evidence and kinds as for dossiers (`reconcile`), over the drafts as the one-stop was last read, in order of their
dossiers' keys. A draft is named by the ledger's subject, `<dossier>/<draft>`.

    missing   it waits for a signature, and was never handed over, or the target says it has it not
    stale     its file is another one than was handed over
    extra     it was handed over, the one-stop has taken it back, and nothing came back of it; never recalled from here
    unknown   the target could not be asked about it

What came back, issued or refused, is in order whatever the target says of it, and is not asked for. A target that cannot be asked
is compared with the ledger only; what it lists for us and is not here yet is counted, for it comes by itself.

A run commits how far it came with every few answers. What nobody answered is not committed until somebody does, so that a target
that falls silent is asked about all of it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from zoneinfo import ZoneInfo

import structlog

from syncd.asking import Asking
from syncd.calls import Outcome, Standing
from syncd.course import Course
from syncd.documents import Listing
from syncd.drift import Drift, DriftKind, Held, Tiers, drift, month_of, of_ledger, of_target, to_ask
from syncd.ports import Collector, Source
from syncd.reconcile import Reconciling, Store
from syncd.store.evidence import Evidence
from syncd.store.inbox import Inbox
from syncd.store.intake import Intake
from syncd.store.readback_drafts import DraftRows, HeldDraft

log = structlog.get_logger()

TAKEN_BACK = "has taken it back"
AT_ONCE = 500  #: dossiers, after which the run commits how far it came though nobody had to be asked
_CANNOT_TELL = "the target cannot tell"


class _Compared:
    """What was compared since the run last committed how far it came."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.found: list[Drift] = []
        self.counts = Counter[str]()
        self.totals = Counter[tuple[str, str]]()
        self.waiting: dict[str, Held] = {}  #: to be asked about
        self.dossiers = 0
        self.answered: list[str] = []
        self.sound: list[str] = []


class DraftReconciling(Reconciling):
    """Comparisons of one document system."""

    def __init__(self, asking: Asking, source: Source, intake: Intake, rows: DraftRows, inbox: Inbox, zone: ZoneInfo) -> None:
        super().__init__(asking, source, intake, Store(rows, Evidence(rows.database)), zone)
        self.drafts = rows
        self.inbox = inbox
        self.routes = intake.routes
        self._tells = False  #: whether the target has told anything yet

    def mine(self, each: HeldDraft) -> bool:
        """Whether a draft is this target's: it may have it, or it is the one for that agency and no other may have it."""
        return each.may_be_there or (not each.elsewhere and self.routes.office(each.held.agency) == self.target.name)

    def _turn_back(self, course: Course) -> None:
        """Nothing that was not heard was committed."""

    def _compare(self, course: Course) -> bool:
        self.askable, self._tells = True, False
        since = _Compared(course.position)
        tiers = Tiers(since=self.clock.now() - self.options.lately, period=self.options.period, full=course.scope.full)
        with ThreadPoolExecutor(self.options.workers) as pool:
            for source_id, drafts in groupby(self.drafts.drafts(course.position), key=lambda each: each.held.source_id):
                for each in drafts:
                    if course.scope.covers(each.held.received_at) and self.mine(each):
                        self._hold(since, each, tiers)
                since.position, since.dossiers = source_id, since.dossiers + 1
                if len(since.waiting) >= self.options.workers or since.dossiers >= AT_ONCE:
                    if not self._ask_about(pool, since):
                        return False
                    since = self._heard(course, since)
            if not self._ask_about(pool, since):
                return False
        self.asking.silent = 0  # too few were left to call it silence
        self._heard(course, since)
        self._uncollected(course)
        return True

    def _hold(self, since: _Compared, each: HeldDraft, tiers: Tiers) -> None:
        """Hold one draft against the ledger; one that should be there may have to be asked for."""
        found = of_draft(each, self.zone)
        since.found += [found] if found else []
        if not each.standing:
            return
        since.counts.update(listed=1, checked=1)
        since.totals[each.held.agency, month_of(each.held.received_at, self.zone)] += 1
        if self.askable and not found and not each.answered and to_ask(each.held, tiers, self.clock.now()):
            since.waiting[each.held.subject] = each.held

    def _ask_about(self, pool: ThreadPoolExecutor, since: _Compared) -> bool:
        """Ask for those that wait for it; whether all were asked."""
        if since.waiting and self.askable:
            self.asking.give_way()
        if self.stopping.is_set() or not self.proceed():
            return False
        waiting, since.waiting = since.waiting, {}
        if not (waiting and self.askable):
            return True
        claims = self.rows.claims(list(waiting))
        answers = {claim.subject: standing for claim, standing in zip(claims, pool.map(self.asking.look_up, claims), strict=True)}
        told = [standing for standing in answers.values() if standing is not None]
        self._tells = self._tells or bool(told)
        if not self._tells:
            self.askable = not claims
            return not self.stopping.is_set()
        self.asking.listen(told)
        self._judge(since, waiting, answers)
        return not self.stopping.is_set()

    def _judge(self, since: _Compared, waiting: Mapping[str, Held], answers: Mapping[str, Standing | None]) -> None:
        for subject, standing in answers.items():
            if standing is None:
                found = [drift(waiting[subject], DriftKind.UNKNOWN, {"error": _CANNOT_TELL}, self.zone)]
            else:
                found = of_target(waiting[subject], standing, self.zone)
            since.found += found
            if standing is not None and standing.outcome is Outcome.DELIVERED:
                since.counts["asked"] += 1
                since.answered.append(subject)
                since.sound += [] if found else [subject]

    def _heard(self, course: Course, since: _Compared) -> _Compared:
        """Commit how far the run came, unless the target has said nothing since; what is to be added to from here on."""
        if self.asking.silent:
            since.dossiers = 0
            return since
        for each in since.found:
            self.found(each)
        course.counts.update(since.counts)
        course.position = since.position
        self.evidence.note(course.run.id, since.found, course.counts, course.position, since.totals)
        self.rows.confirm(since.answered, self.clock.now(), sound=since.sound)
        self.told(course.run, course.counts["listed"], course.known)
        return _Compared(course.position)

    def _uncollected(self, course: Course) -> None:
        """How much the target lists for us that is not here yet: of one that could not be asked it is all there is to know."""
        collector = self.target.collector
        if course.counts["asked"] or collector is None:
            return
        listing = self._listing(collector)
        if listing is not None and listing.receipt.outcome is Outcome.DELIVERED:
            known = self.inbox.known(self.target.name, listing.documents)
            course.counts["uncollected"] = len(set(listing.documents) - known.keys())

    def _listing(self, collector: Collector) -> Listing | None:
        try:
            return collector.waiting(self.inbox.unacknowledged(self.target.name))
        except Exception as error:
            log.error("connector_failed", target=self.target.name, dossier="", error=type(error).__name__, exc_info=error)
            return None


def of_draft(each: HeldDraft, zone: ZoneInfo) -> Drift | None:
    """What one-stop and ledger say is not as it should be."""
    if not each.standing:
        alone = each.held.created and not each.answered
        return drift(each.held, DriftKind.EXTRA, {"source": TAKEN_BACK}, zone) if alone else None
    if each.issued or (each.rejected and not (each.held.created and each.held.record_due)):
        return None
    return of_ledger(each.held, zone)

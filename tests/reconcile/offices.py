"""A document system that can be asked, and a province whose dossiers have a draft each, for tests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete, update

from syncd.asking import Asking
from syncd.calls import Outcome, Portion, Receipt, Standing
from syncd.config import Reconcile
from syncd.documents import IssuedDocument, Listing, Stage, Take, Verdict
from syncd.model import Draft, Snapshot
from syncd.reconcile_drafts import DraftReconciling
from syncd.repair_drafts import repairing
from syncd.store.evidence import Run, Scope
from syncd.store.inbox import Inbox
from syncd.store.inbox_arrivals import Arrivals
from syncd.store.matters import subject_of
from syncd.store.readback_drafts import DraftRows
from syncd.store.schema import inbox, ledger
from tests.engine.engine import CIPHER, ZONE, Engine, draft
from tests.engine.target import RecordingOffice
from tests.reconcile.sides import Province, code

ABSENT = Standing(outcome=Outcome.DELIVERED, exists=False)
PRESENT = Standing(outcome=Outcome.DELIVERED, exists=True)


def subject(number: int) -> str:
    return subject_of(code(number), str(number))


class Desk:
    """What waits to be collected."""

    longest = timedelta(seconds=30)

    def __init__(self) -> None:
        self.listing: Callable[[], Listing] = lambda: Listing(receipt=Receipt(outcome=Outcome.DELIVERED))

    def waiting(self, known: int) -> Listing:
        return self.listing()

    def fetch(self, document: str) -> IssuedDocument | Receipt:
        return Receipt(outcome=Outcome.REJECTED)

    def acknowledge(self, document: str, verdict: Verdict) -> Receipt:
        return Receipt(outcome=Outcome.DELIVERED)

    def listen(self, take: Take) -> None:
        """Nothing is pushed."""

    def close(self) -> None:
        """Nothing is held."""


class Office(RecordingOffice):
    """A document system that can be asked, by default, and says what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.lost: set[str] = set()
        self.answer: Callable[[Portion], Standing | None] = self.truth
        self.desk = Desk()
        self.collector = self.desk

    def look_up(self, portion: Portion) -> Standing | None:
        with self._lock:
            self.asked.append(portion.subject)
        return self.answer(portion)

    def truth(self, portion: Portion) -> Standing | None:
        had = portion.subject in {told for told, _, _ in self.taken} - self.lost
        return PRESENT if had else ABSENT

    def times(self, number: int) -> int:
        return [told for told, _, _ in self.taken].count(subject(number))


class Archive:
    """A province whose dossiers have a draft each, and what compares these."""

    def __init__(self, engine: Engine, count: int, **options: object) -> None:
        assert isinstance(engine.target, Office)
        self.office: Office = engine.target
        self.engine = engine
        self.source = Province(count)
        for number in range(1, count + 1):
            self.put(number, draft(number))
        self.options = Reconcile(budget=0, **options)  # type: ignore[arg-type]
        rows = DraftRows(engine.database, engine.ledger, self.office.name)
        asking = Asking(self.office, self.options, engine.clock, threading.Event())
        self.side = DraftReconciling(asking, self.source, engine.intake, rows, Inbox(engine.database, CIPHER), ZONE)
        self.evidence = self.side.evidence

    def put(self, number: int, *drafts: Draft) -> None:
        before = self.source.rows[number]
        self.source.rows[number] = Snapshot(dossier=before.dossier, steps=before.steps, drafts=drafts)

    def read(self) -> None:
        for page in self.source.sweep():
            self.engine.read(*page.snapshots)

    def deliver(self) -> None:
        self.read()
        self.engine.settle()
        self.office.asked.clear()

    def compare(self, scope: Scope = Scope(full=True)) -> Run:  # noqa: B008  a value
        self.engine.clock.turn(timedelta(minutes=1))
        return self.side.compare("admin@node-1", scope)

    def found(self, run: Run) -> list[tuple[str, str]]:
        return [(each.drift.dossier, each.drift.kind.value) for each in self.evidence.findings(run.id)]

    def detail(self, run: Run) -> dict[str, object]:
        (only,) = self.evidence.findings(run.id)
        return only.drift.detail

    def repair(self, run: Run) -> str:
        """Repair, deliver and verify; what became of the only finding."""
        mending = repairing(self.side)
        mended = mending.repair(run)
        self.engine.settle()
        mended = mending.verify(mended, 0)
        (only,) = self.evidence.findings(mended.id)
        return only.became

    def forge(self, number: int, **values: object) -> None:
        with self.engine.database.write() as connection:
            connection.execute(update(ledger).where(ledger.c.subject == subject(number)).values(**values))

    def forget(self, number: int) -> None:
        with self.engine.database.write() as connection:
            connection.execute(delete(ledger).where(ledger.c.subject == subject(number)))

    def came_back(self, number: int, stage: Stage, state: str = "done", *, written: bool = True) -> None:
        document = IssuedDocument(id=f"package-{number}-{stage}", stage=stage, dossier=code(number), draft=str(number), number="1/QĐ-UBND")
        now = self.engine.clock.now()
        kept = Arrivals(self.engine.database, CIPHER).keep("office", document, now)
        with self.engine.database.write() as connection:
            connection.execute(update(inbox).where(inbox.c.id == kept.id).values(state=state, written_at=now if written else None))

"""The three sides of a reconciliation, for tests: a one-stop in memory, the engine, and a target that answers for what it has."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta

from msgspec.structs import replace
from sqlalchemy import update

from syncd.asking import Asking
from syncd.calls import Difference, Outcome, Portion, Standing, StepsFound
from syncd.config import Reconcile
from syncd.drift import DriftKind
from syncd.model import Cursor, Dossier, Page, Snapshot, Status, Step
from syncd.reconcile import Reconciling, Store
from syncd.repair import Repairing
from syncd.store.evidence import Evidence, Run, Scope
from syncd.store.readback import ReadBack
from syncd.store.schema import ledger
from tests.clocks import TurnedClock
from tests.engine.engine import ZONE, Engine, dossier, step
from tests.engine.target import RecordingTarget

START = TurnedClock().now()


def code(number: int) -> str:
    return f"000.00.14.H03-250303-{number:04}"


class Province:
    """A one-stop: dossiers with three steps each, received a day apart, read in pages of three."""

    def __init__(self, count: int) -> None:
        self.page = 3
        self.read: list[int] = []  #: where sweeps began
        self.rows: dict[int, Snapshot] = {number: self._made(number) for number in range(1, count + 1)}

    @staticmethod
    def _made(number: int) -> Snapshot:
        statuses = (Status.RECEIVED, Status.PROCESSING, Status.PROCESSED)
        steps = tuple(step(number * 10 + place, status=status) for place, status in enumerate(statuses))
        return Snapshot(dossier=dossier(code(number), number, received_at=START - timedelta(days=number), status=Status.PROCESSED), steps=steps)

    def change(self, number: int, **changes: object) -> None:
        before = self.rows[number]
        self.rows[number] = Snapshot(dossier=replace(before.dossier, **changes), steps=before.steps)

    def add_step(self, number: int) -> None:
        before = self.rows[number]
        self.rows[number] = Snapshot(dossier=before.dossier, steps=(*before.steps, step(number * 10 + len(before.steps))))

    def sweep(self, after: int = 0) -> Iterator[Page]:
        self.read.append(after)
        rows = [row for number, row in sorted(self.rows.items()) if number > after]
        for first in range(0, len(rows), self.page):
            part = rows[first : first + self.page]
            yield Page(snapshots=tuple(part), cursor=Cursor(id=part[-1].dossier.source_id), rows=len(part))

    def fetch(self, code: str) -> tuple[Page, ...]:
        found = [row for row in self.rows.values() if row.dossier.code == code]
        return (Page(snapshots=tuple(found), cursor=Cursor()),) if found else ()

    def poll(self, cursor: Cursor | None) -> Iterator[Page]:
        return self.sweep()

    def lag(self) -> float | None:
        return None

    def listen(self, ring: Callable[[], None]) -> None:
        """It never rings."""

    def close(self) -> None:
        """Nothing is open."""


class Oracle(RecordingTarget):
    """A target that answers for records and steps, and says what it has; `answer` may say something else for a dossier."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.answer: Callable[[Portion], Standing | None] = self.truth
        self.lists = True

    def look_up(self, portion: Portion) -> Standing | None:
        with self._lock:
            self.asked.append(portion.subject)
        return self.answer(portion)

    def truth(self, portion: Portion) -> Standing | None:
        held = self.records.get(portion.subject)
        if held is None:
            return Standing(outcome=Outcome.DELIVERED, exists=False)
        differing = [name for name in ("note", "status") if getattr(held, name) != getattr(portion.dossier, name)]
        differences = tuple(Difference(field=name, expected=str(getattr(portion.dossier, name)), found=str(getattr(held, name))) for name in differing)
        found = self.compared(portion.steps, self.steps.get(portion.subject, []))
        return Standing(outcome=Outcome.DELIVERED, exists=True, status=held.status, differences=differences, steps=found)

    @staticmethod
    def compared(wanted: Sequence[Step], has: Sequence[int]) -> StepsFound:
        ours = [each.id for each in wanted]
        missing = tuple(place for place, each in enumerate(ours) if each not in has)
        doubled = tuple(place for place, each in enumerate(ours) if has.count(each) > 1)
        return StepsFound(missing=missing, doubled=doubled, foreign=sum(each not in ours for each in has))

    def holdings(self, first: date, last: date) -> Sequence[str] | None:
        within = [each for each in self.records.values() if each.received_at and first <= each.received_at.astimezone(ZONE).date() <= last]
        return [each.code for each in within] if self.lists else None


class Hall:
    """Engine, one-stop and target with what compares them."""

    def __init__(self, engine: Engine, source: Province, **options: object) -> None:
        assert isinstance(engine.target, Oracle)
        self.engine = engine
        self.target: Oracle = engine.target
        self.source = source
        self.options = Reconcile(budget=0, **options)  # type: ignore[arg-type]
        self.again()

    def again(self) -> None:
        """As a new process would begin."""
        engine, name = self.engine, self.target.name
        store = Store(ReadBack(engine.database, engine.ledger, name), Evidence(engine.database))
        self.evidence = store.evidence
        asking = Asking(self.target, self.options, engine.clock, threading.Event())
        self.side = Reconciling(asking, self.source, engine.intake, store, ZONE)

    def deliver(self) -> None:
        """Everything that the one-stop has is taken in and delivered."""
        for page in self.source.sweep():
            changed, known = self.engine.intake.compare(page)
            self.engine.intake.take(changed, known, None)
        self.engine.settle()
        self.target.asked.clear()
        self.source.read.clear()

    def compare(self, *, full: bool = True, force: bool = False, since: datetime | None = None, until: datetime | None = None) -> Run:
        """A minute later, since no two runs begin at one moment."""
        self.engine.clock.turn(timedelta(minutes=1))
        return self.side.compare("admin@node-1", Scope(since=since, until=until, full=full), force=force)

    def found(self, run: Run) -> list[tuple[str, str]]:
        return [(each.drift.dossier, each.drift.kind.value) for each in self.evidence.findings(run.id)]

    def became(self, run: Run) -> dict[tuple[str, str], str]:
        return {(each.drift.dossier, each.drift.kind.value): each.became for each in self.evidence.findings(run.id)}

    def detail(self, run: Run, number: int, kind: DriftKind) -> dict[str, object]:
        return next(each.drift.detail for each in self.evidence.findings(run.id) if (each.drift.dossier, each.drift.kind) == (code(number), kind))

    def repair(self, run: Run) -> Run:
        """Repair, deliver and verify."""
        repairing = Repairing(self.side)
        run = repairing.repair(run)
        self.engine.settle()
        return repairing.verify(run, 0)

    def forge(self, number: int, **values: object) -> None:
        """Change a ledger row behind everybody's back."""
        with self.engine.database.write() as connection:
            connection.execute(update(ledger).where(ledger.c.subject == code(number)).values(**values))

    def record(self, number: int) -> Dossier:
        return self.target.records[code(number)]

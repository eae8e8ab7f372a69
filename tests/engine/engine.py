"""The engine without threads and without network: a test moves it by hand."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from syncd.crypto import KEY_BYTES, Cipher
from syncd.deliver import Delivery
from syncd.gate import Gate
from syncd.metrics import Metrics
from syncd.model import Agency, Cursor, Dossier, Draft, Owner, Page, Snapshot, Status, Step
from syncd.options import TargetOptions
from syncd.store import migrations
from syncd.store.board import Board
from syncd.store.database import Database, open_database
from syncd.store.intake import Intake, Taken
from syncd.store.ledger import Ledger
from syncd.store.matters import Routes
from syncd.store.schema import attempt, ledger
from syncd.store.schema import step as step_table
from tests.clocks import TurnedClock
from tests.engine.target import RecordingTarget

CIPHER = Cipher([b"k" * KEY_BYTES])
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def dossier(code: str = "000.00.14.H03-250303-0001", source_id: int = 1, **changes: object) -> Dossier:
    """An invented dossier."""
    given: dict[str, object] = {
        "code": code,
        "source_id": source_id,
        "procedure_code": "1.001193",
        "owner": Owner(kind="citizen", name="Hoàng Thị Mẫu", identity="006099000001"),
        "agency": Agency(code="000.00.14.H03", name="UBND xã Mẫu"),
        "status": Status.RECEIVED,
        **changes,
    }
    return Dossier(**given)  # type: ignore[arg-type]


def step(number: int, **changes: object) -> Step:
    """An invented step."""
    given: dict[str, object] = {"id": number, "officer": "Nông Văn Mẫu", "content": f"step {number}", "status": Status.PROCESSING, **changes}
    return Step(**given)  # type: ignore[arg-type]


def draft(number: int = 17, **changes: object) -> Draft:
    """An invented draft."""
    given: dict[str, object] = {"id": str(number), "revision": "77", "title": "Giấy chứng nhận", "file": "/srv/files/77", **changes}
    return Draft(**given)  # type: ignore[arg-type]


class Engine:
    """One node's engine on one database, for one target."""

    def __init__(
        self, url: str, target: RecordingTarget, clock: TurnedClock | None = None, node: str = "n1", routes: Routes | None = None, **options: object
    ) -> None:
        self.clock = clock or TurnedClock()
        self.target = target
        self.database: Database = open_database(url)
        migrations.ensure(self.database)
        self.board = Board(self.database)
        self.board.enlist([target.name])
        self.board.settle_origin(target.name, "fresh")
        self.ledger = Ledger(self.database, CIPHER, node)
        self.intake = Intake(self.database, CIPHER, self.clock, routes or Routes([target.name]))
        self.stopping = threading.Event()
        self.metrics = Metrics()
        self.options = TargetOptions(connector="recording", batch=target.batch, **options)  # type: ignore[arg-type]
        self.gate = Gate(target.name, self.options, self.board, self.clock, ZONE, self._returned)
        self.delivery = Delivery(target, self.options, self.ledger, self.gate, self.clock, self.metrics, self.stopping)

    def _returned(self) -> None:
        self.ledger.wake(self.target.name, self.clock.now())

    def read(self, *snapshots: Snapshot, cursor: Cursor | None = None) -> Taken:
        """Take snapshots in, as a poll would."""
        page = Page(snapshots=snapshots, cursor=cursor or Cursor(modified="x", id=1))
        changed, known = self.intake.compare(page)
        return self.intake.take(changed, known, page.cursor)

    def see(self, record: Dossier, steps: Iterable[Step] = (), drafts: Iterable[Draft] = ()) -> Taken:
        """Take one dossier in."""
        return self.read(Snapshot(dossier=record, steps=tuple(steps), drafts=tuple(drafts)))

    def deliver(self, turns: int = 10_000) -> int:
        """Take turns until nothing can go now; how many dossiers had one."""
        done = 0
        for _ in range(turns):
            room = self.gate.room(self.target.batch)
            claims = self.ledger.claim(self.target.name, room, self.clock.now(), self.delivery.lease_term) if room else []
            if not claims:
                self.gate.spare()
                return done
            self.delivery.turn(claims)
            self.gate.spare()
            done += len(claims)
        raise AssertionError("deliveries do not come to an end")

    def pass_time(self, span: timedelta) -> None:
        """Let time pass and leases end."""
        self.clock.turn(span)
        self.ledger.expire(self.clock.now())

    def settle(self, rounds: int = 60) -> None:
        """Deliver and let time pass until nothing is due."""
        for _ in range(rounds):
            self.deliver()
            counts = self.board.counts(self.target.name)
            if not counts.due and not counts.leased:
                return
            self.pass_time(timedelta(hours=25))
        raise AssertionError(f"not in sync after {rounds} days: {self.board.counts(self.target.name)}")

    def row(self, subject: str) -> dict[str, object]:
        """The ledger row of a dossier."""
        with self.database.read() as connection:
            return dict(connection.execute(select(ledger).where(ledger.c.subject == subject)).one()._mapping)

    def row_of(self, target: str, subject: str) -> dict[str, object]:
        """The ledger row of a dossier at one of several targets."""
        with self.database.read() as connection:
            found = connection.execute(select(ledger).where(ledger.c.target == target, ledger.c.subject == subject)).one()
        return dict(found._mapping)

    def attempts(self, subject: str) -> Sequence[dict[str, object]]:
        """The journal of a dossier, oldest first."""
        with self.database.read() as connection:
            return [dict(row._mapping) for row in connection.execute(select(attempt).where(attempt.c.subject == subject).order_by(attempt.c.id))]

    def acknowledged_steps(self, subject: str) -> list[int]:
        """The keys of the steps that the ledger holds as acknowledged."""
        query = (
            select(step_table.c.step_id)
            .join(ledger, ledger.c.subject == step_table.c.subject)
            .where(step_table.c.subject == subject, step_table.c.place <= ledger.c.steps_sent)
        )
        with self.database.read() as connection:
            return list(connection.execute(query).scalars())

    def close(self) -> None:
        """Close the connections."""
        self.database.close()

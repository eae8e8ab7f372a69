"""Everything a run of collecting needs: a state with dossiers and drafts, a real one-stop to write to, and an office."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine, insert, text, update

from connectors.onestop import OneStopOptions, connector
from syncd.clock import Clock
from syncd.collect import Collecting
from syncd.crypto import KEY_BYTES, Cipher
from syncd.documents import Attachment, Filed, IssuedDocument, Stage
from syncd.errors import SourceError
from syncd.gate import Gate
from syncd.model import Dossier, Owner, Problem, encode
from syncd.options import OfficeOptions
from syncd.ports import Outlet
from syncd.store import migrations
from syncd.store.board import Board
from syncd.store.database import open_database
from syncd.store.inbox import Inbox
from syncd.store.inbox_arrivals import Arrivals
from syncd.store.inbox_orders import InboxOrders
from syncd.store.inbox_reading import InboxReading, Listed
from syncd.store.schema import ledger, matter, snapshot
from tests.clocks import TurnedClock
from tests.collect.office import Office

ROOT = Path(__file__).parents[2]
CIPHER = Cipher([b"k" * KEY_BYTES])
OFFICE = "office"
PDF = b"%PDF-1.7\nmau"


def code(number: int) -> str:
    """The code of an invented dossier; its key in the one-stop is 1000 and the number."""
    return f"000.00.14.H03-250303-{number:04}"


def document(key: str, stage: Stage = Stage.ISSUED, number: int = 1, **changes: Any) -> IssuedDocument:
    """An invented package about dossier `number`."""
    result = {"number": f"{number}/QĐ-UBND", "issued_on": date(2025, 3, 3), "signer": "Triệu Văn Mẫu", "files": (pdf(),)} if stage is Stage.ISSUED else {}
    return IssuedDocument(**{"id": key, "stage": stage, "dossier": code(number), "abstract": "Quyết định mẫu", **result, **changes})


def pdf(content: bytes = PDF, name: str = "quyết định.pdf") -> Attachment:
    """An invented signed file."""
    return Attachment(name=name, content=content, kind="application/pdf")


class Watched:
    """An outlet that a test may hold up, over a real one."""

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.away = False
        self.before: Callable[[str], None] = lambda call: None
        self.after: Callable[[str], None] = lambda call: None

    def write(self, filed: Filed) -> bool:
        if self.away:
            raise SourceError("the one-stop database cannot be written (OperationalError)", hint="check that it runs")
        self.before("write")
        new = self.outlet.write(filed)
        self.after("write")
        return new

    def check(self) -> list[Problem]:
        return self.outlet.check()

    def close(self) -> None:
        self.outlet.close()


class Station:
    """One node that collects from one office."""

    def __init__(self, folder: Path, state: str, clock: Clock | None = None, **options: Any) -> None:
        self.folder = folder
        self.clock = clock or TurnedClock()
        self.database = open_database(state)
        migrations.ensure(self.database)
        board = Board(self.database)
        board.enlist([OFFICE])
        self.board = board
        self.onestop = f"sqlite:///{folder}/onestop.db"
        self._lay_out()
        self.office = Office(folder / "office")
        self.outlet = Watched(connector.outlet(OneStopOptions.model_validate({"url": self.onestop, "mapping": "views"}), clock=self.clock))
        self.options = OfficeOptions.model_validate({"connector": "scripted", "largest": 1, **options})
        self.inbox = Inbox(self.database, CIPHER)
        self.arrivals = Arrivals(self.database, CIPHER)
        self.stopping = threading.Event()
        self.gate = Gate(OFFICE, self.options, board, self.clock, ZoneInfo("Asia/Ho_Chi_Minh"), lambda: None)
        self.collecting = Collecting(self.office, self.outlet, self.inbox, self.gate, self.options, self.clock, self.stopping)

    def _lay_out(self) -> None:
        if not (self.folder / "onestop.db").exists():
            script = (ROOT / "config" / "inbox" / "sqlite.sql").read_text("utf-8")
            lines = "\n".join(line.split("--")[0] for line in script.splitlines())
            engine = create_engine(self.onestop)
            with engine.begin() as connection:
                for statement in filter(str.strip, lines.split(";")):
                    connection.execute(text(statement))
            engine.dispose()

    # ---- what is known

    def dossiers(self, *numbers: int) -> None:
        """Dossiers that a poll has brought."""
        now = self.clock.now()
        rows = [{"subject": code(n), "source_id": 1000 + n, "version": 1, "digest": "d", "changed_at": now, "body": b"sealed"} for n in numbers]
        with self.database.write() as connection:
            connection.execute(insert(snapshot), rows)

    def know(self, number: int, owner: Owner) -> None:
        """What a poll has brought of a dossier can be read."""
        body = CIPHER.seal(encode(Dossier(code=code(number), source_id=1000 + number, owner=owner)))
        with self.database.write() as connection:
            connection.execute(update(snapshot).where(snapshot.c.subject == code(number)).values(body=body))

    def draft(self, number: int, key: str, memo: str = "", *, created: bool = True) -> None:
        """A draft of a dossier that went to the office."""
        subject, now = f"{code(number)}/{key}", self.clock.now()
        row = {"target": OFFICE, "subject": subject, "state": "idle", "due_at": now, "wanted_version": 1, "wanted_digest": "d", "steps_wanted": 0}
        with self.database.write() as connection:
            connection.execute(insert(matter).values(subject=subject, kind="draft", dossier=code(number), version=1, digest="d", body=b"sealed"))
            connection.execute(insert(ledger).values(**row, created=created, memo=memo))

    def hand_over(self, number: int, key: str, **values: Any) -> None:
        """The draft goes to the office once more; with values it may have gone."""
        mine = ledger.c.subject == f"{code(number)}/{key}"
        with self.database.write() as connection:
            connection.execute(update(ledger).where(mine).values(values or {"sent_at": self.clock.now()}))

    # ---- what is seen

    def written(self, number: int | None = None) -> list[tuple[str, str, str]]:
        """The rows of the one-stop in the order in which they were written: document, stage, draft."""
        engine = create_engine(self.onestop)
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT document, stage, draft, dossier_code FROM syncd_inbox ORDER BY id")).all()
        engine.dispose()
        return [(row.document, row.stage, row.draft or "") for row in rows if number is None or row.dossier_code == code(number)]

    def column(self, name: str) -> list[Any]:
        """One column of the one-stop's rows."""
        engine = create_engine(self.onestop)
        with engine.connect() as connection:
            found = list(connection.execute(text(f"SELECT {name} FROM syncd_inbox ORDER BY id")).scalars())  # noqa: S608  the test's own word
        engine.dispose()
        return found

    def listed(self, *states: str) -> list[Listed]:
        """The inbox, as the command line lists it."""
        return InboxReading(self.database, lambda: CIPHER).list(states=states or ("arrived", "held", "written", "late", "refused", "done", "void"))

    def states(self) -> dict[str, str]:
        """Where each document is."""
        return {each.document: each.state for each in self.listed()}

    def row(self, key: str) -> Listed:
        """The last row of a document."""
        return next(each for each in reversed(self.listed()) if each.document == key)

    def orders(self, *, rehearse: bool = False) -> InboxOrders:
        """The orders of a person."""
        return InboxOrders(self.database, CIPHER, self.clock, "officer@node", rehearse=rehearse)

    def close(self) -> None:
        """Close the connections."""
        self.outlet.close()
        self.database.close()


@contextmanager
def station(folder: Path, state: str, **given: Any) -> Iterator[Station]:
    """A station, closed at the end."""
    made = Station(folder, state, **given)
    try:
        yield made
    finally:
        made.close()

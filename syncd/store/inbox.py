"""The inbox: what came back from document systems, from its arrival until the far end is told what became of it.

    fetched, or pushed ──▶ arrived ──write──▶ written ──acknowledge──▶ done
                     ├──▶ held      a person must say something first (`inbox_orders`), then arrived or late
                     ├──▶ late      known already, or overtaken: never written, acknowledged as taken ──▶ done
                     └──▶ refused   can never be taken: acknowledged as failed ──▶ void ──sent again──▶ any of these

Every move is one transaction and names the state it comes from; one that comes too late moves nothing. So two nodes may work
on one inbox, and everything may be repeated. A document is one row for what it says (target, document, digest): the same
content under the same key is the same row however often it arrives.

Body, files and their names are sealed. How a document comes in is told in `inbox_arrivals`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, and_, bindparam, case, func, literal_column, select, text, update

from syncd.crypto import Cipher
from syncd.documents import Attachment, IssuedDocument, Stage, moves_on
from syncd.errors import UndecipherableError
from syncd.model import Value, decode_dossier, digest
from syncd.received import RECALLS, Judgement, furthest
from syncd.redact import personal_values
from syncd.store.database import Database
from syncd.store.inbox_joins import history, key_in_onestop
from syncd.store.schema import inbox, inbox_file, snapshot

FEW = 20  #: open rows read at one time; their files are read one document at a time
FORCED = "forced"  #: error code of what is to be written whatever was known before
CLEARED = {"error_code": "", "error_message": "", "error_hint": ""}
ENDED = ("done", "void")

_LONGEST_KEY = 160
_MARK = "~"
_AT_ONCE = 500
_OPEN = inbox.c.state.not_in([literal_column(f"'{state}'") for state in ENDED])
_decode = msgspec.json.Decoder(IssuedDocument).decode


class Entry(Value):
    """An open row: a document on its way."""

    id: int
    target: str
    document: IssuedDocument  #: without the contents of its files
    digest: str
    state: str
    stage: str
    dossier: str
    draft: str
    received_at: datetime
    failures: int
    code: str
    message: str


class Inbox:
    """The documents of one state."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self.database = database
        self.cipher = cipher

    def known(self, target: str, documents: Sequence[str]) -> dict[str, str]:
        """Where those of these documents are that have been here, as of their last coming."""
        found: dict[str, str] = {}
        keys = {key_of(document): document for document in documents}
        names = list(keys)
        with self.database.read() as connection:
            for some in (names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE)):
                query = select(inbox.c.document, inbox.c.state).where(inbox.c.target == target, inbox.c.document.in_(some)).order_by(inbox.c.id)
                found |= {keys[row.document]: row.state for row in connection.execute(query)}
        return found

    def unacknowledged(self, target: str) -> int:
        """How many documents are here of which the far end has not been told."""
        with self.database.read() as connection:
            return connection.execute(select(func.count()).select_from(inbox).where(inbox.c.target == target, _OPEN)).scalar_one()

    def open(self, target: str, states: Sequence[str], now: datetime, limit: int, after: int = 0) -> list[Entry]:
        """Up to `limit` rows in these states whose time has come, oldest first, above the id `after`. One that is to be written and
        that no key opens waits for a person, and for nobody else; to acknowledge one, its key is enough."""
        due = select(inbox).where(inbox.c.target == target, _OPEN, inbox.c.state.in_(states), inbox.c.due_at <= now, inbox.c.id > after)
        with self.database.read() as connection:
            rows = connection.execute(due.order_by(inbox.c.id).limit(limit)).all()
        entries = []
        for row in rows:
            try:
                entries.append(_entry(row, self.cipher.decoded(row.body, _decode)))
            except UndecipherableError as error:
                if row.state == "arrived":
                    self.set_aside(row.id, row.state, error)
                else:
                    entries.append(_entry(row, IssuedDocument(id=row.document, stage=Stage(row.stage))))
        return entries

    def each(self, target: str, states: Sequence[str], now: Callable[[], datetime]) -> Iterator[Entry]:
        """The rows in these states whose time has come, oldest first, a few read at one time; each once, whatever becomes of it."""
        entries = self.open(target, states, now(), FEW)
        while entries:
            yield from entries
            entries = self.open(target, states, now(), FEW, entries[-1].id)

    def set_aside(self, number: int, state: str, error: UndecipherableError) -> None:
        """Hold a row that cannot be read."""
        values = {"state": "held", "error_code": "undecipherable", "error_message": error.message, "error_hint": error.hint}
        with self.database.write() as connection:
            connection.execute(update(inbox).where(inbox.c.id == number, inbox.c.state == state).values(**values))

    def whole(self, entry: Entry) -> IssuedDocument:
        """The document with its files."""
        with self.database.read() as connection:
            rows = connection.execute(select(inbox_file).where(inbox_file.c.inbox == entry.id).order_by(inbox_file.c.place)).all()
        files = tuple(Attachment(name=self.cipher.open(row.name).decode(), content=self.cipher.open(row.body), kind=row.kind) for row in rows if row.body)
        return replace(entry.document, files=files)

    def onestop_key(self, dossier: str) -> int | None:
        """The dossier's primary key in the one-stop."""
        with self.database.read() as connection:
            return key_in_onestop(connection, dossier)

    def personal(self, dossier: str) -> tuple[str, ...] | None:
        """What says whom a dossier is about; None where that cannot be known."""
        with self.database.read() as connection:
            body = connection.execute(select(snapshot.c.body).where(snapshot.c.subject == dossier)).scalar()
        try:
            return None if body is None else personal_values(self.cipher.decoded(body, decode_dossier))
        except UndecipherableError:
            return None

    def overtaken(self, entry: Entry) -> bool:
        """Whether a later stage of the same draft has been written meanwhile, so that writing this one would move it back."""
        if entry.code == FORCED:
            return False
        with self.database.read() as connection:
            written = [each for each in history(connection, entry.target, entry.dossier, entry.id) if each.written]
        stage = Stage(entry.stage)
        return stage not in RECALLS and not moves_on(furthest(written, entry.draft), stage)

    def move(self, entry: Entry, state: str, now: datetime, judgement: Judgement | None = None) -> bool:
        """Move a row on; whether it still was where it is moved from."""
        stamp = {"written": {"written_at": now}, "done": {"acknowledged_at": now}, "void": {"acknowledged_at": now}}.get(state, {})
        why = {"error_code": judgement.code, "error_message": judgement.message, "error_hint": judgement.hint} if judgement else {}
        clear = CLEARED if state == "written" else {}
        return self._change(entry, state=state, due_at=now, failures=0, **stamp, **clear, **why)

    def failed(self, entry: Entry, due_at: datetime, code: str, message: str, hint: str = "") -> bool:
        """Let a row wait until `due_at`, since what had to be done with it did not go. Why a document is not taken stays."""
        values: dict[str, Any] = {"due_at": due_at, "failures": inbox.c.failures + 1}
        if entry.state not in ("late", "refused"):
            kept = case((inbox.c.error_code == FORCED, FORCED), else_=storable(code)[:64])
            values |= {"error_code": kept, "error_message": storable(message), "error_hint": storable(hint)}
        return self._change(entry, **values)

    def _change(self, entry: Entry, **values: Any) -> bool:
        with self.database.write() as connection:
            moved = update(inbox).where(inbox.c.id == entry.id, inbox.c.state == entry.state).values(**values)
            return connection.execute(moved).rowcount > 0

    def counts(self) -> dict[str, dict[str, int]]:
        """How many open documents of each target are in which state."""
        found: dict[str, dict[str, int]] = {}
        query = select(inbox.c.target, inbox.c.state, func.count().label("n")).where(_OPEN).group_by(inbox.c.target, inbox.c.state)
        with self.database.read() as connection:
            for row in connection.execute(query):
                found.setdefault(row.target, {})[row.state] = row.n
        return found

    def prune_files(self, before: datetime, limit: int) -> int:
        """Drop the contents of up to `limit` files whose documents ended before that moment; how many there were. That they
        were there, their size and their SHA-256 stay."""
        ended = and_(inbox.c.state.in_(ENDED), inbox.c.acknowledged_at < before)
        joined = inbox_file.join(inbox, inbox.c.id == inbox_file.c.inbox)
        old = select(inbox_file.c.inbox, inbox_file.c.place).select_from(joined).where(inbox_file.c.body.is_not(None), ended).limit(limit)
        with self.database.write() as connection:
            rows = [{"i": row.inbox, "p": row.place} for row in connection.execute(old)]
            if rows:
                connection.execute(_FORGET_FILE, rows)
        return len(rows)


def _entry(row: Any, document: IssuedDocument) -> Entry:
    return Entry(
        id=row.id,
        target=row.target,
        document=document,
        digest=row.digest,
        state=row.state,
        stage=row.stage,
        dossier=row.dossier,
        draft=row.draft,
        received_at=row.received_at,
        failures=row.failures,
        code=row.error_code,
        message=row.error_message,
    )


def key_of(document: str) -> str:
    """A document's id as it is kept in an indexed column."""
    plain = storable(document)
    return plain if plain == document and len(plain) <= _LONGEST_KEY else f"{plain[:120]}{_MARK}{digest(document.encode(errors='surrogatepass'))}"


def lock(connection: Connection, target: str) -> None:
    """Wait until nobody else decides about documents of this target; on SQLite a writing transaction says as much."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('syncd inbox'), hashtext(:target))"), {"target": target})


def storable(text_: str) -> str:
    """A text as every database keeps it."""
    return text_.encode(errors="replace").decode().replace("\0", "\ufffd")


_FORGET_FILE = update(inbox_file).where(inbox_file.c.inbox == bindparam("i"), inbox_file.c.place == bindparam("p")).values(body=None)

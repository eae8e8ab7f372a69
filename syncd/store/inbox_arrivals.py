"""Arrivals: a document as it comes in, known already or new, joined to its dossier and draft, judged, and kept in one commit.

Which dossier, which draft and which stage stand open: that is how documents of one dossier are compared, and it is decided in the
transaction that keeps the document (a lock of the target's makes this true on PostgreSQL too), so that of two documents arriving
at once one is seen to be the earlier.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, delete, insert, select, update

from syncd.crypto import Cipher
from syncd.documents import Attachment, IssuedDocument, Stage
from syncd.model import Value, encode
from syncd.received import Joined, Judgement, Refusal, judge
from syncd.store.database import Database
from syncd.store.inbox import key_of, lock, storable
from syncd.store.inbox_joins import history, join
from syncd.store.schema import inbox, inbox_file


class Kept(Value):
    """What became of a document as it arrived."""

    id: int
    state: str
    stage: str
    dossier: str
    code: str = ""
    message: str = ""
    new: bool = True  #: false: it was here already


class Arrivals:
    """What comes into the inbox of one state."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self.database = database
        self.cipher = cipher

    def keep(self, target: str, document: IssuedDocument, now: datetime, refusal: Refusal | None = None) -> Kept:
        """Keep a document, joined and judged, in one commit; one that is here already stays as it is, unless it was refused and
        comes again. A refused one is kept without the contents of its files."""
        said = document.digest
        if (before := self._standing(target, document.id, said)) is not None:
            return before
        body = self.cipher.seal(encode(replace(document, files=())))
        files = [self._file_row(place, file, whole=refusal is None) for place, file in enumerate(document.files, 1)]
        with self.database.write() as connection:
            lock(connection, target)
            found = _find(connection, target, document.id, said)
            if found is not None and found.state != "void":
                return _kept(found, new=False)
            joined, judgement = _placed(connection, target, document, said, refusal)
            row = {**_row(document, joined, judgement, now), "body": body}
            number = _store(connection, {"target": target, "document": key_of(document.id), "digest": said}, row, found)
            if files:
                connection.execute(insert(inbox_file), [{"inbox": number, **file} for file in files])
        return Kept(id=number, state=judgement.state, stage=row["stage"], dossier=joined.dossier, code=judgement.code, message=judgement.message)

    def unreadable(self, target: str, document: str, now: datetime, refusal: Refusal) -> Kept:
        """Keep word of a document that can never be fetched."""
        return self.keep(target, IssuedDocument(id=document, stage=Stage.DELIVERED, remarks=(f"not read: {refusal.code}",)), now, refusal)

    def _standing(self, target: str, document: str, said: str) -> Kept | None:
        with self.database.read() as connection:
            found = _find(connection, target, document, said)
        return None if found is None or found.state == "void" else _kept(found, new=False)

    def _file_row(self, place: int, file: Attachment, *, whole: bool) -> dict[str, Any]:
        return {
            "place": place,
            "name": self.cipher.seal(file.name.encode(errors="replace")),
            "kind": file.kind[:128],
            "size": len(file.content),
            "sha256": file.sha256,
            "body": self.cipher.seal(file.content) if whole else None,
        }


def _placed(connection: Connection, target: str, document: IssuedDocument, said: str, refusal: Refusal | None) -> tuple[Joined, Judgement]:
    joined = join(connection, target, document)
    if refusal is not None:
        return joined, Judgement(state="refused", code=refusal.code, message=refusal.message, hint=refusal.hint)
    return joined, judge(document, said, joined, history(connection, target, joined.dossier))


def _row(document: IssuedDocument, joined: Joined, judgement: Judgement, now: datetime) -> dict[str, Any]:
    return {
        "state": judgement.state,
        "stage": document.stage.value,
        "dossier": joined.dossier,
        "draft": storable(joined.draft),
        "received_at": now,
        "due_at": now,
        "written_at": None,
        "acknowledged_at": None,
        "failures": 0,
        "error_code": storable(judgement.code)[:64],
        "error_message": storable(judgement.message),
        "error_hint": storable(judgement.hint),
    }


def _store(connection: Connection, key: dict[str, str], row: dict[str, Any], before: Any) -> int:
    """Write a row, over the one that was refused where there is one; its id."""
    if before is None:
        return int(connection.execute(insert(inbox).values(**key, **row).returning(inbox.c.id)).scalar_one())
    connection.execute(delete(inbox_file).where(inbox_file.c.inbox == before.id))
    connection.execute(update(inbox).where(inbox.c.id == before.id).values(**row))
    return int(before.id)


def _find(connection: Connection, target: str, document: str, said: str) -> Any:
    same = (inbox.c.target == target, inbox.c.document == key_of(document), inbox.c.digest == said)
    return connection.execute(select(inbox).where(*same)).one_or_none()


def _kept(row: Any, *, new: bool) -> Kept:
    return Kept(id=row.id, state=row.state, stage=row.stage, dossier=row.dossier, code=row.error_code, message=row.error_message, new=new)

"""Reading the inbox: what is held and why, what is on its way, what became of one document.

Nothing sealed is opened for a list; one document shows its files by number, size and SHA-256, and what it says only where
`reveal` is asked for. Nothing here changes the state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, Select, select

from syncd.crypto import Cipher
from syncd.errors import NotFound
from syncd.model import Value
from syncd.store.database import Database
from syncd.store.inbox import ENDED
from syncd.store.schema import inbox, inbox_file

OPEN = ("held", "arrived", "written", "late", "refused")


class Reason(Value):
    """Why a document is where it is."""

    code: str
    message: str
    hint: str


class Listed(Value):
    """A document, as it is listed."""

    id: int
    target: str
    document: str
    state: str
    stage: str
    dossier: str
    draft: str
    received_at: datetime
    written_at: datetime | None
    acknowledged_at: datetime | None
    due_at: datetime | None  #: while it waits for its next try
    failures: int
    error: Reason


class FileLine(Value):
    """A file of a document."""

    place: int
    kind: str
    size: int
    sha256: str
    kept: bool  #: its content is still here
    name: str | None = None  #: revealed


class Shown(Value):
    """One document, whole."""

    row: Listed
    files: list[FileLine]
    said: dict[str, Any] | None = None  #: revealed: what the document says, without the contents of its files


class InboxReading:
    """What an inbox tells. The cipher is asked for where something sealed is opened, not before."""

    def __init__(self, database: Database, cipher: Callable[[], Cipher]) -> None:
        self.database = database
        self.cipher = cipher

    def list(self, target: str = "", states: Sequence[str] = (), limit: int = 1000) -> list[Listed]:
        """The last `limit` documents in these states, oldest first; without states those whose far end has not been told."""
        query = select(*_OPEN_COLUMNS).where(inbox.c.state.in_(states)) if states else select(*_OPEN_COLUMNS).where(inbox.c.state.not_in(ENDED))
        wanted = query.where(inbox.c.target == target) if target else query
        with self.database.read() as connection:
            rows = connection.execute(wanted.order_by(inbox.c.id.desc()).limit(limit)).all()
        return [_listed(row) for row in reversed(rows)]

    def show(self, number: int, *, reveal: bool = False) -> Shown:
        """One document. Raises `NotFound`."""
        with self.database.read() as connection:
            row = connection.execute(select(inbox).where(inbox.c.id == number)).one_or_none()
            if row is None:
                raise no_document(number)
            files = connection.execute(_FILES.where(inbox_file.c.inbox == number)).all()
        said = msgspec.json.decode(self.cipher().open(row.body)) if reveal else None
        return Shown(row=_listed(row), files=[self._file(file, reveal=reveal) for file in files], said=said)

    def _file(self, row: Row[Any], *, reveal: bool) -> FileLine:
        name = self.cipher().open(row.name).decode() if reveal else None
        return FileLine(place=row.place, kind=row.kind, size=row.size, sha256=row.sha256, kept=row.kept, name=name)


def no_document(*numbers: int) -> NotFound:
    """The error for ids that name no document."""
    return NotFound(f"No such document: {', '.join(map(str, numbers))}.", hint="see: syncd inbox list --all")


def _listed(row: Row[Any]) -> Listed:
    return Listed(
        **{name: getattr(row, name) for name in Listed.__struct_fields__ if name not in ("due_at", "error")},
        due_at=row.due_at if row.failures and row.state not in ENDED else None,
        error=Reason(code=row.error_code, message=row.error_message, hint=row.error_hint),
    )


_OPEN_COLUMNS = [each for each in inbox.c if each.name != "body"]
_FILES: Select[Any] = select(
    inbox_file.c.place, inbox_file.c.name, inbox_file.c.kind, inbox_file.c.size, inbox_file.c.sha256, inbox_file.c.body.is_not(None).label("kept")
).order_by(inbox_file.c.place)

"""Which dossiers a target has acknowledged, as a stream in the order of the one-stop's keys.

That is the order in which a source is swept, so that the two can be read side by side and neither is held in memory. Pages
are short reads of their own, and a dossier delivered meanwhile may show in the one and not in the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Integer, and_, bindparam, case, literal_column, select, tuple_

from syncd.model import Dossier, Value
from syncd.store.database import Database
from syncd.store.schema import ledger, snapshot

PAGE = 1000  #: rows


class Acknowledged(Value):
    """Where one dossier stands at the target."""

    source_id: int  #: its key in the one-stop
    subject: str
    created: bool  #: whether the target has a record of it
    sent_at: datetime | None  #: when it last acknowledged anything of it
    fault: str  #: why it waits for a person, where it does


def acknowledged(database: Database, target: str, page: int = PAGE) -> Iterator[Acknowledged]:
    """Every dossier in the ledger of a target, in ascending order of (`source_id`, `subject`)."""
    last: tuple[int, str] = (-1, "")
    while True:
        with database.read() as connection:
            rows = connection.execute(PAGE_OF, {"t": target, "id": last[0], "subject": last[1], "n": page}).all()
        yield from (Acknowledged(**row._mapping) for row in rows if row.created is not None)  # noqa: SLF001  the public way to a row's names
        if len(rows) < page:
            return
        last = (rows[-1].source_id, rows[-1].subject)


class Merge:
    """The stream beside a sweep: asked about dossiers in the order of their keys, it tells why the target lacks them."""

    def __init__(self, entries: Iterator[Acknowledged]) -> None:
        self._entries = entries
        self._next = next(entries, None)
        self._here: dict[str, Acknowledged] = {}
        self._id = -1

    def absent(self, dossier: Dossier) -> str | None:
        """Why the target lacks a dossier (empty: it was not sent yet), None where it has it. Keys may not go down."""
        if dossier.source_id < self._id:
            raise ValueError("dossiers are asked about in the order of their keys")
        if dossier.source_id > self._id:
            self._advance(dossier.source_id)
        entry = self._here.get(dossier.code) or self._here.get(f"{dossier.code}#{dossier.source_id}")
        if entry is None:
            return ""
        return None if entry.created else entry.fault

    def _advance(self, key: int) -> None:
        self._id, self._here = key, {}
        while self._next is not None and self._next.source_id <= key:
            if self._next.source_id == key:
                self._here[self._next.subject] = self._next
            self._next = next(self._entries, None)


# The page is chosen among the dossiers, before the ledger is asked: else a database reads the whole ledger for every page.
_AFTER_ID, _AFTER = bindparam("id", type_=snapshot.c.source_id.type), bindparam("subject", type_=snapshot.c.subject.type)
_PICKED = (
    select(snapshot.c.source_id, snapshot.c.subject)
    .where(tuple_(snapshot.c.source_id, snapshot.c.subject) > tuple_(_AFTER_ID, _AFTER))
    .order_by(snapshot.c.source_id, snapshot.c.subject)
    .limit(bindparam("n", type_=Integer))
    .subquery()
)
_STOPPED = ledger.c.state.in_((literal_column("'dead'"), literal_column("'held'")))
PAGE_OF = (
    select(_PICKED.c.source_id, _PICKED.c.subject, ledger.c.created, ledger.c.sent_at, case((_STOPPED, ledger.c.error_message), else_="").label("fault"))
    .outerjoin(ledger, and_(ledger.c.target == bindparam("t"), ledger.c.subject == _PICKED.c.subject))
    .order_by(_PICKED.c.source_id, _PICKED.c.subject)
)

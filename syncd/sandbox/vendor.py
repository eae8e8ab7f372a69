"""The vendor of the invented one-stop: takes what syncd has written to the staging table into the dossiers.

Each row is taken once, in one transaction with its consequences: an issued document becomes the result of the dossier and
moves it on; a refusal takes the draft away and gives the dossier back to its officers; that a document is signed is only
noted. What fits no draft that waits is read and changes nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection, RowMapping, func, select

from syncd.sandbox.flow import ANSWERS, SIGNING
from syncd.sandbox.journey import Row
from syncd.sandbox.life import Hand, Life
from syncd.sandbox.onestop import local_now, writing
from syncd.sandbox.staging import inbox, inbox_file, tables

_ANSWERS: Final = {"issued": "issued", "unnumbered": "issued", "rejected": "rejected", "signed": "signed"}  #: by the stage of a document
_PDF: Final = b"%PDF"


class Taken(NamedTuple):
    """What became of one row."""

    kind: str  #: of the answer; empty where nothing came of it
    dossier_id: int
    number: str


class Vendor:
    """Reads the staging table of one one-stop; works in the same thread as its `Life`."""

    def __init__(self, life: Life) -> None:
        self.life = life
        tables.create_all(life.engine)

    def read(self) -> list[Taken]:
        """Take in everything that has not been read."""
        found = []
        while one := self._next():
            found.append(one)
        return found

    def unread(self) -> int:
        """How many rows wait."""
        with self.life.engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(inbox).where(inbox.c.taken_at.is_(None))) or 0

    def _next(self) -> Taken | None:
        waiting = select(inbox).where(inbox.c.taken_at.is_(None)).order_by(inbox.c.id).limit(1)
        if not self.unread():
            return None
        with writing(self.life.engine) as connection:
            row = connection.execute(waiting).mappings().one()
            taken = self._take(connection, row)
            connection.execute(inbox.update().where(inbox.c.id == row["id"]).values(taken_at=local_now(self.life.clock)))
        if taken.kind:
            self.life.resume(taken.dossier_id)
        return taken

    def _take(self, connection: Connection, row: RowMapping) -> Taken:
        kind, number = _ANSWERS.get(row["stage"], ""), row["code"] or ""
        with self.life.at_hand(connection, row["dossier_id"]) as hand:
            draft = _draft(hand, row["draft"] or "") if kind else None
            if draft is None:
                return Taken("", row["dossier_id"], number)
            if kind == "issued":
                hand.office.file_result(hand.case, draft, number, hand.at)
                self._keep(connection, row, draft)
            elif kind == "rejected":
                draft.update(removed=True, modifiedDate=hand.at)
            hand.office.step(hand.case, ANSWERS[kind], hand.at, row["reason"] or number)
        return Taken(kind, row["dossier_id"], number)

    def _keep(self, connection: Connection, row: RowMapping, draft: Row) -> None:
        """Put the signed file where the result's file entry says."""
        contents = connection.scalars(select(inbox_file.c.content).where(inbox_file.c.inbox_id == row["id"]).order_by(inbox_file.c.place)).all()
        signed = next((content for content in contents if content.startswith(_PDF)), None)
        if signed is not None and self.life.shelf:
            self.life.shelf.keep(draft["fileEntryId"], signed)


def _draft(hand: Hand, key: str) -> Row | None:
    """The draft that the document answers: the one it names, else the only one that waits."""
    waiting = hand.case.drafts if hand.case.stage == SIGNING else []
    named = [draft for draft in waiting if str(draft["dossierFileId"]) == key]
    return next(iter(named or (waiting if not key and len(waiting) == 1 else [])), None)

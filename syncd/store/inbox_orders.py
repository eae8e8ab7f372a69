"""What a person orders about documents that came back: say which dossier it is, complete it, try again.

A document that is held is judged anew with what the person adds (`received.judge`): so it may be held again for another
reason, or turn out to be late. `force` is the person's word that it is to be written whatever was known before; it replaces
neither the dossier nor a number. Like every order (`orders`): one transaction with its audit rows, and a rehearsed one only
says what would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, select, update

from syncd.clock import Clock
from syncd.crypto import Cipher
from syncd.documents import IssuedDocument
from syncd.errors import NotFound, UndecipherableError
from syncd.model import Value, encode
from syncd.received import Judgement, judge
from syncd.store.database import Database
from syncd.store.inbox import CLEARED, FORCED, lock
from syncd.store.inbox_joins import history, join, key_in_onestop
from syncd.store.inbox_reading import no_document
from syncd.store.schema import audit, inbox

ASSIGN, RETRY = "inbox assign", "inbox retry"
_WAITING = ("arrived", "written", "late", "refused")
_decode = msgspec.json.Decoder(IssuedDocument).decode


class Addition(Value):
    """What a person knows of a document; empty: nothing."""

    dossier: str = ""
    number: str = ""
    issued_on: date | None = None
    signer: str = ""


class Outcome(Value):
    """What an order made of a document, or would make."""

    id: int
    state: str
    dossier: str
    code: str
    message: str
    hint: str


class InboxOrders:
    """The orders of one person."""

    def __init__(self, database: Database, cipher: Cipher, clock: Clock, who: str, *, rehearse: bool = False) -> None:
        self.database = database
        self.cipher = cipher
        self.clock = clock
        self.who = who
        self.rehearse = rehearse

    def assign(self, number: int, addition: Addition, reason: str, *, force: bool = False) -> Outcome:
        """Complete a held document. Raises `NotFound` where it is not held or the dossier is not known."""
        with self.database.write() as connection:
            row = _locked(connection, number)
            if row.state != "held":
                raise _not_held(number)
            if addition.dossier and key_in_onestop(connection, addition.dossier) is None:
                raise NotFound(f"No dossier {addition.dossier} is known here.", hint="check the code; a dossier is known once it has been published and polled")
            outcome = self._judged(connection, row, addition, force=force)
            self._audit(connection, ASSIGN, [(row.target, outcome.dossier)], f"{number}: {reason}" if reason else str(number))
        return outcome

    def retry(self, numbers: Sequence[int], *, force: bool = False) -> list[Outcome]:
        """Judge held documents anew, and let waiting ones go now, their failures forgotten. Raises `NotFound` for ids that name
        none, or one that has come to its end."""
        with self.database.write() as connection:
            found = {number: _locked(connection, number) for number in dict.fromkeys(numbers)}
            if ended := [number for number, row in found.items() if row.state not in ("held", *_WAITING)]:
                raise NotFound(f"It has come to its end: {', '.join(map(str, ended))}.", hint="have the document system send it again")
            return [self._again(connection, row, force=force) for row in found.values()]

    def retry_all(self, target: str = "") -> list[Outcome]:
        """The same for every document that is held, or waits after a failure: of one target, or of all."""
        waiting = select(inbox.c.id).where((inbox.c.state == "held") | ((inbox.c.failures > 0) & inbox.c.state.in_(_WAITING))).order_by(inbox.c.id)
        with self.database.read() as connection:
            numbers = connection.execute(waiting.where(inbox.c.target == target) if target else waiting).scalars().all()
        return self.retry(numbers)

    def _again(self, connection: Connection, row: Any, *, force: bool) -> Outcome:
        if row.state == "held":
            try:
                outcome = self._judged(connection, row, Addition(), force=force)
            except UndecipherableError as error:
                return Outcome(id=row.id, state=row.state, dossier=row.dossier, code=row.error_code, message=error.message, hint=error.hint)
        else:
            outcome = Outcome(id=row.id, state=row.state, dossier=row.dossier, code="", message="", hint="")
            self._change(connection, row, due_at=self.clock.now(), failures=0)
        self._audit(connection, RETRY, [(row.target, outcome.dossier)], str(row.id))
        return outcome

    def _judged(self, connection: Connection, row: Any, addition: Addition, *, force: bool) -> Outcome:
        """Judge a held document as completed, and move it where it belongs."""
        document = _completed(self.cipher.decoded(row.body, _decode), addition)
        joined = join(connection, row.target, document, addition.dossier or row.dossier)
        judgement = judge(document, row.digest, joined, history(connection, row.target, joined.dossier, row.id), force=force)
        values = {"state": judgement.state, "dossier": joined.dossier, "draft": joined.draft, "due_at": self.clock.now(), "failures": 0}
        self._change(connection, row, body=self.cipher.seal(encode(document)), **values, **_why(judgement, force=force))
        return Outcome(id=row.id, state=judgement.state, dossier=joined.dossier, code=judgement.code, message=judgement.message, hint=judgement.hint)

    def _change(self, connection: Connection, row: Any, **values: Any) -> None:
        if not self.rehearse:
            connection.execute(update(inbox).where(inbox.c.id == row.id, inbox.c.state == row.state).values(**values))

    def _audit(self, connection: Connection, action: str, about: Sequence[tuple[str, str]], detail: str) -> None:
        if not self.rehearse:
            now = self.clock.now()
            rows = [{"at": now, "who": self.who, "action": action, "target": target, "subject": dossier, "detail": detail} for target, dossier in about]
            connection.execute(audit.insert(), rows)


def _locked(connection: Connection, number: int) -> Any:
    """The row, with nobody else deciding about its target's documents until the transaction ends."""
    target = connection.execute(select(inbox.c.target).where(inbox.c.id == number)).scalar()
    if target is None:
        raise no_document(number)
    lock(connection, target)
    return connection.execute(select(inbox).where(inbox.c.id == number)).one()


def _not_held(number: int) -> NotFound:
    return NotFound(f"The document {number} is not held.", hint="see: syncd inbox show ID")


def _completed(document: IssuedDocument, addition: Addition) -> IssuedDocument:
    return replace(
        document,
        number=addition.number or document.number,
        issued_on=addition.issued_on or document.issued_on,
        signer=addition.signer or document.signer,
    )


def _why(judgement: Judgement, *, force: bool) -> dict[str, str]:
    if judgement.state == "arrived":
        return {**CLEARED, "error_code": FORCED if force else ""}
    return {"error_code": judgement.code, "error_message": judgement.message, "error_hint": judgement.hint}

"""Reading back: the story of one dossier, the attempts, the dead letters.

Nothing here changes the state, and each question is a few statements however large the state has grown: a story is read
through the indexes on the dossier's code, attempts by their ascending id, dead letters from the ledger's index of what has
stopped (whose states are written as literals, which is what lets a database use it).

Requests and answers quote citizens, so they stay sealed unless `reveal` is asked for; everything else in a story is free
of personal data by the rules under which it was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, func, literal_column, or_, select

from syncd.crypto import Cipher
from syncd.errors import NotFound
from syncd.model import Value
from syncd.store.database import Database
from syncd.store.matters import subjects_of
from syncd.store.schema import attempt, audit, change, inbox, ledger, snapshot

ORDERS_OF_MANY = ("retry", "resync")  #: audit actions that, given without a dossier, may have touched any
PAGE = 1000


class Event(Value):
    """One thing that happened to a dossier."""

    at: datetime
    kind: str  #: change | attempt | document | admin
    target: str | None
    outcome: str | None
    detail: dict[str, Any]


class Place(Value):
    """Where a dossier stands at one target."""

    state: str
    due_at: datetime | None  #: while it is due
    sent_at: datetime | None
    steps_sent: int
    steps_wanted: int
    failures: int


class AttemptLine(Value):
    """One call about one dossier, as it is reviewed."""

    id: int
    at: datetime
    target: str
    dossier: str
    operation: str
    outcome: str
    code: str
    message: str
    duration_ms: int
    first_step: int
    last_step: int
    again: bool
    node: str


class AttemptFilter(Value):
    """Which attempts; empty means all."""

    target: str = ""
    dossier: str = ""
    outcome: str = ""
    since: datetime | None = None


class Fault(Value):
    """Why a dossier is dead."""

    kind: str
    code: str
    message: str
    hint: str


class DeadLetter(Value):
    """A dossier that a person must look at, at one target."""

    id: str
    target: str
    dossier: str
    since: datetime | None
    attempts: int
    error: Fault
    state: str  #: dead, or held once it was discarded


class Journal:
    """What a state tells. The cipher is asked for where something sealed is opened, not before."""

    def __init__(self, database: Database, cipher: Callable[[], Cipher]) -> None:
        self.database = database
        self.cipher = cipher

    def places(self, code: str) -> dict[str, Place]:
        """Where a dossier stands, by target, and each of its drafts, by target and key. Raises `NotFound` for a code that was
        never seen."""
        with self.database.read() as connection:
            if not connection.execute(select(snapshot.c.subject).where(snapshot.c.subject == code)).first():
                raise NotFound(f"No dossier {code} is known here.", hint="check the code; a dossier is known once it has been published and polled")
            subjects = subjects_of(connection, code)
            rows = connection.execute(select(ledger).where(ledger.c.subject.in_(subjects)).order_by(ledger.c.target, ledger.c.subject)).all()
        return {row.target + row.subject.removeprefix(code): _place(row) for row in rows}

    def story(self, code: str, *, reveal: bool = False) -> list[Event]:
        """Everything that happened to a dossier, in the order of time; `reveal` opens requests and answers."""
        with self.database.read() as connection:
            changes = connection.execute(select(change).where(change.c.subject == code).order_by(change.c.id)).all()
            attempts = connection.execute(select(attempt).where(attempt.c.subject.in_(subjects_of(connection, code))).order_by(attempt.c.id)).all()
            first = changes[0].at if changes else None
            orders = connection.execute(select(audit).where(_concerns(code, first)).order_by(audit.c.id)).all()
            documents = [event for row in connection.execute(_DOCUMENTS, {"code": code}) for event in _came_back(row)]
        events = [_changed(row) for row in changes]
        events += [self._attempted(row, reveal=reveal) for row in attempts]
        events += [_ordered(row) for row in orders]
        events += documents
        return sorted(events, key=lambda event: event.at)

    def _attempted(self, row: Row[Any], *, reveal: bool) -> Event:
        names = ("operation", "code", "message", "duration_ms", "version", "first_step", "last_step", "again", "node")
        detail = {name: getattr(row, name) for name in names} | draft_of(row.subject)
        if reveal:
            detail |= {name: self._opened(getattr(row, name)) for name in ("request", "answer")}
        return Event(at=row.at, kind="attempt", target=row.target, outcome=row.outcome, detail=detail)

    def _opened(self, sealed: bytes | None) -> Any:
        text = self.cipher().open(sealed).decode(errors="replace") if sealed else None
        try:
            return msgspec.json.decode(text) if text else None
        except msgspec.DecodeError:
            return text

    def attempts(self, which: AttemptFilter, limit: int) -> list[AttemptLine]:
        """The last `limit` attempts, newest last."""
        query = _attempts(which).order_by(attempt.c.id.desc()).limit(limit)
        with self.database.read() as connection:
            return [_attempt_line(row) for row in reversed(connection.execute(query).all())]

    def attempts_after(self, which: AttemptFilter, after: int) -> list[AttemptLine]:
        """A page of attempts whose id is above `after`, oldest first."""
        query = _attempts(which).where(attempt.c.id > after).order_by(attempt.c.id).limit(PAGE)
        with self.database.read() as connection:
            return [_attempt_line(row) for row in connection.execute(query)]

    def every_attempt(self, which: AttemptFilter) -> Iterator[AttemptLine]:
        """All attempts, oldest first, read a page at a time so that any number fits into memory."""
        after = 0
        while page := self.attempts_after(which, after):
            yield from page
            after = page[-1].id

    def dead(self, name: str = "") -> list[DeadLetter]:
        """What a person must decide, longest waiting first; of one target or of all."""
        query = _letters().where(_STOPPED, ledger.c.state == "dead").order_by(ledger.c.stopped_at, ledger.c.subject)
        with self.database.read() as connection:
            return [_letter(row) for row in connection.execute(query.where(ledger.c.target == name) if name else query)]

    def dead_letter(self, letter: str) -> DeadLetter:
        """One dead letter, also one that was discarded. Raises `NotFound`."""
        name, subject = parse_letter(letter)
        with self.database.read() as connection:
            row = connection.execute(_letters().where(ledger.c.target == name, ledger.c.subject == subject, _STOPPED)).one_or_none()
        if row is None:
            raise no_letter(letter)
        return _letter(row)


def parse_letter(letter: str) -> tuple[str, str]:
    """Target and dossier of a dead letter's id, `target:dossier`. Raises `NotFound` where it is none."""
    name, colon, subject = letter.partition(":")
    if not (colon and name and subject):
        raise no_letter(letter)
    return name, subject


def no_letter(*letters: str) -> NotFound:
    """The error for ids that name no dead letter."""
    return NotFound(f"No such dead letter: {', '.join(letters)}.", hint="see: syncd dead list")


def draft_of(subject: str) -> dict[str, str]:
    """The key of the draft a subject of the ledger is, where it is one."""
    _, slash, key = subject.rpartition("/")
    return {"draft": key} if slash else {}


_DOCUMENTS = select(*(each for each in inbox.c if each.name != "body")).where(inbox.c.dossier == bindparam("code")).order_by(inbox.c.id)
_STOPPED = ledger.c.state.in_([literal_column("'dead'"), literal_column("'held'")])


def _place(row: Row[Any]) -> Place:
    return Place(
        state=row.state,
        due_at=row.due_at if row.state == "due" else None,
        sent_at=row.sent_at,
        steps_sent=row.steps_sent,
        steps_wanted=row.steps_wanted,
        failures=row.failures,
    )


def _concerns(code: str, first: datetime | None) -> ColumnElement[bool]:
    """The orders that name the dossier, and those given for many since it is known."""
    of_many = and_(audit.c.subject == "", audit.c.action.in_(ORDERS_OF_MANY))
    return or_(audit.c.subject == code, and_(of_many, audit.c.at >= first)) if first else audit.c.subject == code


def _changed(row: Row[Any]) -> Event:
    detail = {"version": row.version, "fields": row.fields.split(",") if row.fields else [], "new_steps": row.new_steps}
    return Event(at=row.at, kind="change", target=None, outcome=None, detail=detail)


def _came_back(row: Row[Any]) -> Iterator[Event]:
    """What became of a document of the dossier: an event for each station it has reached."""
    detail = {name: getattr(row, name) for name in ("id", "document", "stage", "draft", "state")}
    moments = {"received": row.received_at, "written": row.written_at, "acknowledged": row.acknowledged_at}
    for station, at in moments.items():
        if at is not None:
            reason = {"code": row.error_code, "message": row.error_message} if station == "received" else {"code": "", "message": ""}
            yield Event(at=at, kind="document", target=row.target, outcome=None, detail={**detail, "station": station, **reason})


def _ordered(row: Row[Any]) -> Event:
    return Event(at=row.at, kind="admin", target=row.target or None, outcome=None, detail={"action": row.action, "who": row.who, "detail": row.detail})


def _attempts(which: AttemptFilter) -> Select[Any]:
    wanted = [(attempt.c.target, which.target), (attempt.c.subject, which.dossier), (attempt.c.outcome, which.outcome)]
    query = select(*(column for column in attempt.c if column.name not in ("request", "answer"))).where(*(column == value for column, value in wanted if value))
    return query.where(attempt.c.at >= which.since) if which.since else query


def _attempt_line(row: Row[Any]) -> AttemptLine:
    names = [name for name in AttemptLine.__struct_fields__ if name != "dossier"]
    return AttemptLine(dossier=row.subject, **{name: getattr(row, name) for name in names})


def _letters() -> Select[Any]:
    tried = select(func.count()).where(attempt.c.subject == ledger.c.subject, attempt.c.target == ledger.c.target).scalar_subquery()
    return select(ledger, tried.label("attempts"))


def _letter(row: Row[Any]) -> DeadLetter:
    fault = Fault(kind=row.outcome, code=row.error_code, message=row.error_message, hint=row.error_hint)
    return DeadLetter(
        id=f"{row.target}:{row.subject}", target=row.target, dossier=row.subject, since=row.stopped_at, attempts=row.attempts, error=fault, state=row.state
    )

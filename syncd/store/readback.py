"""Read-back: what the state holds of each dossier for one target, page by page, and what is written down once it was asked.

Nothing here is leased. A repair names what the row looked like when it was read: where a delivery or a poll has changed it
since, the repair changes nothing, for the row is no longer the one that was compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, and_, bindparam, false, func, literal, or_, select, true, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from syncd.calls import Claim, Standing
from syncd.drift import Held
from syncd.errors import UndecipherableError
from syncd.model import decode_dossier
from syncd.store.database import Database
from syncd.store.ledger import Ledger
from syncd.store.schema import change, ledger, snapshot
from syncd.store.statements import LEASED

PAGE = 1000  #: rows
_TOP = 2**63 - 1


class ReadBack:
    """One target's rows."""

    def __init__(self, database: Database, books: Ledger, name: str) -> None:
        self.database = database
        self.name = name
        self._books = books

    def within(self, after: int, upto: int | None = None) -> Iterator[list[Held]]:
        """The dossiers with keys in (`after`, `upto`] in the one-stop, in order of these keys, a page at a time."""
        place: tuple[int, str] = (after + 1, "")
        while True:
            with self.database.read() as connection:
                given = {"t": self.name, "id": place[0], "subject": place[1], "upto": _TOP if upto is None else upto, "n": PAGE}
                rows = [held(row) for row in connection.execute(PAGE_OF, given)]
            if rows:
                yield rows
            if len(rows) < PAGE:
                return
            place = (rows[-1].source_id, rows[-1].subject)

    def by_code(self, subjects: Sequence[str]) -> dict[str, Held]:
        """These dossiers, by their codes."""
        with self.database.read() as connection:
            rows = connection.execute(_NAMED, {"t": self.name, "subjects": list(subjects)})
            return {row.subject: held(row) for row in rows}

    def delivering(self, now: datetime) -> bool:
        """Whether anybody is at work on dossiers for this target."""
        query = select(ledger.c.subject).where(ledger.c.target == self.name, LEASED, ledger.c.lease_until > now).limit(1)
        with self.database.read() as connection:
            return connection.execute(query).first() is not None

    def changed_fields(self, subject: str) -> list[str]:
        """The fields of a dossier's record that have changed since the target acknowledged one."""
        since = and_(ledger.c.target == self.name, ledger.c.subject == change.c.subject, change.c.version > ledger.c.sent_version)
        with self.database.read() as connection:
            found = connection.execute(select(change.c.fields).join(ledger, since).where(change.c.subject == subject).order_by(change.c.id)).scalars()
            return list(dict.fromkeys(name for fields in found for name in fields.split(",") if name))

    def first(self) -> datetime | None:
        """When the first of the dossiers was received."""
        with self.database.read() as connection:
            return connection.execute(select(func.min(snapshot.c.received_at))).scalar()

    def unknown(self, codes: Sequence[str]) -> set[str]:
        """Which of these codes no dossier has."""
        with self.database.read() as connection:
            return set(codes) - set(connection.execute(select(snapshot.c.subject).where(snapshot.c.subject.in_(codes))).scalars())

    def portal_codes(self) -> Iterator[str]:
        """The codes that the portal itself gave to dossiers; every dossier is read for it."""
        last = ""
        while True:
            with self.database.read() as connection:
                rows = connection.execute(
                    select(snapshot.c.subject, snapshot.c.body).where(snapshot.c.subject > last).order_by(snapshot.c.subject).limit(PAGE)
                ).all()
            for row in rows:
                with suppress(UndecipherableError):
                    if code := self._books.cipher.decoded(row.body, decode_dossier).portal_code:
                        yield code
            if len(rows) < PAGE:
                return
            last = rows[-1].subject

    def known(self) -> int:
        """How many dossiers the state holds."""
        with self.database.read() as connection:
            return connection.execute(select(func.count()).select_from(snapshot)).scalar_one()

    def claims(self, subjects: Sequence[str]) -> list[Claim]:
        """What the target should have of these dossiers, with all their steps."""
        return self._books.whole(self.name, subjects)

    def confirm(self, subjects: Sequence[str], at: datetime, *, sound: Sequence[str]) -> None:
        """Note that the target was asked about these dossiers; the outcome of those that are `sound` is in doubt no more."""
        if not subjects:
            return
        with self.database.write() as connection:
            connection.execute(_ASKED, [{"t": self.name, "s": subject, "at": at} for subject in sorted(subjects)])
            if sound:
                connection.execute(_SOUND, [{"t": self.name, "s": subject} for subject in sorted(sound)])

    def reinstate(self, subjects: Sequence[str], now: datetime) -> int:
        """Put back the ledger rows of these dossiers, and let those go on that the target had before us: each is asked for before
        anything of it goes, and what is there is taken as sent. How many rows there were."""
        rows = select(literal(self.name), *_anew(now)).where(snapshot.c.subject.in_(subjects))
        insert = (sqlite if self.database.sqlite else postgresql).insert(ledger).from_select(_COLUMNS, rows).on_conflict_do_nothing()
        untold = and_(ledger.c.created == false(), ledger.c.sent_version == 0, ledger.c.doubtful == false())
        strange = and_(ledger.c.target == self.name, ledger.c.subject.in_(subjects), or_(ledger.c.strange, untold), ledger.c.state != "leased")
        with self.database.write() as connection:
            count = connection.execute(insert, execution_options={"preserve_rowcount": True}).rowcount
            return count + connection.execute(update(ledger).where(strange).values(adopting=now, unsure=True, **due_again(now))).rowcount

    def settled(self, subjects: Sequence[str]) -> set[str]:
        """Which of these dossiers nobody is at work on, and nothing is due for."""
        query = select(ledger.c.subject).where(ledger.c.target == self.name, ledger.c.subject.in_(subjects), ledger.c.state.not_in(("due", "leased")))
        with self.database.read() as connection:
            return set(connection.execute(query).scalars())

    def repair(self, claim: Claim, standing: Standing, now: datetime) -> bool:
        """Make due what the target lacks by its own answer; whether the row was still the one that was compared."""
        values = due_again(now) | _mended(claim, standing)
        same = and_(
            ledger.c.target == self.name,
            ledger.c.subject == claim.subject,
            ledger.c.state != "leased",
            ledger.c.sent_digest == claim.sent_digest,
            ledger.c.steps_sent == claim.steps_sent,
            ledger.c.created == claim.created,
        )
        with self.database.write() as connection:
            return connection.execute(update(ledger).where(same).values(**values)).rowcount > 0


def due_again(now: datetime) -> dict[str, Any]:
    """A row that goes again, whatever stopped it."""
    return {"state": "due", "due_at": now, "failures": 0, "doubts": 0, "stopped_at": None, "error_code": "", "error_message": "", "error_hint": ""}


_COLUMNS = ("target", "subject", "state", "due_at", "wanted_version", "wanted_digest", "steps_wanted", "adopting", "unsure")


def _anew(now: datetime) -> tuple[Any, ...]:
    at = literal(now, ledger.c.due_at.type)
    return snapshot.c.subject, literal("due"), at, snapshot.c.version, snapshot.c.digest, snapshot.c.steps, at, true()


def _mended(claim: Claim, standing: Standing) -> dict[str, Any]:
    """What the ledger should say the target has."""
    if not standing.exists:
        return {"created": False, "sent_digest": "", "steps_sent": 0, "owed": "", "unsure": False}
    values: dict[str, Any] = {"created": True, "unsure": False}
    if standing.differences or not claim.created:
        values["sent_digest"] = ""
    if standing.steps is None:  # then steps whose answer was lost are still in doubt
        return values | {"doubts": claim.doubts}
    return values | _steps_by_answer(claim, standing.steps.missing)


def _steps_by_answer(claim: Claim, missing: Sequence[int]) -> dict[str, Any]:
    """Which steps count as sent: all but those the target lacks. The last ones go in a run; those amid others are owed."""
    places = [place for place, _ in claim.steps]
    lacking = {places[position] for position in missing}
    had = [place for place in places if place not in lacking]
    sent = max(had, default=0)
    owed = sorted(place for place in lacking if place < sent)
    adopted = sent if sent > claim.steps_sent else claim.adopted
    return {"steps_sent": sent, "owed": ",".join(map(str, owed)), "adopted": adopted}


def held(row: Any) -> Held:
    """A row of `COLUMNS_HELD`, with whose it is."""
    return Held(
        source_id=row.source_id,
        subject=row.subject,
        agency=row.agency,
        received_at=row.received_at,
        state=row.state or "",
        created=bool(row.created),
        record_due=row.wanted_digest != row.sent_digest,
        steps_sent=row.steps_sent or 0,
        steps_wanted=row.steps_wanted or 0,
        owed=len([place for place in (row.owed or "").split(",") if place]),
        doubtful=bool(row.doubtful or row.unsure or row.doubts),
        error_code=row.error_code or "",
        sent_at=row.sent_at,
        asked_at=row.asked_at,
    )


COLUMNS_HELD = (
    *(ledger.c.state, ledger.c.created, ledger.c.wanted_digest, ledger.c.sent_digest, ledger.c.steps_sent, ledger.c.steps_wanted),
    *(ledger.c.owed, ledger.c.doubtful, ledger.c.unsure, ledger.c.doubts, ledger.c.error_code, ledger.c.sent_at, ledger.c.asked_at),
)
_DOSSIER = (snapshot.c.source_id, snapshot.c.subject, snapshot.c.agency, snapshot.c.received_at)
# The page is chosen among the dossiers, before the ledger is asked: else a database reads the whole ledger for every page.
_AFTER_ID, _AFTER = bindparam("id", type_=snapshot.c.source_id.type), bindparam("subject", type_=snapshot.c.subject.type)
_PICKED = (
    select(*_DOSSIER)
    .where(
        tuple_(snapshot.c.source_id, snapshot.c.subject) > tuple_(_AFTER_ID, _AFTER),
        snapshot.c.source_id.between(_AFTER_ID, bindparam("upto", type_=BigInteger)),  # said once more: from this a database knows how few they are
    )
    .order_by(snapshot.c.source_id, snapshot.c.subject)
    .limit(bindparam("n", type_=Integer))
    .subquery()
)
PAGE_OF = (
    select(_PICKED, *COLUMNS_HELD)
    .outerjoin(ledger, and_(ledger.c.target == bindparam("t"), ledger.c.subject == _PICKED.c.subject))
    .order_by(_PICKED.c.source_id, _PICKED.c.subject)
)
_NAMED = (
    select(*_DOSSIER, *COLUMNS_HELD)
    .select_from(snapshot.outerjoin(ledger, and_(ledger.c.target == bindparam("t"), ledger.c.subject == snapshot.c.subject)))
    .where(snapshot.c.subject.in_(bindparam("subjects", expanding=True)))
)
_ROW = and_(ledger.c.target == bindparam("t"), ledger.c.subject == bindparam("s"))
_ASKED = update(ledger).where(_ROW).values(asked_at=bindparam("at", type_=ledger.c.asked_at.type))
_SOUND = update(ledger).where(_ROW, ledger.c.state != "leased").values(doubtful=False)

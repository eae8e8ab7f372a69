"""Read-back of drafts: what the state holds of each draft for one document system, in the order of their dossiers' keys.

Whether a draft has come back is part of it: one that was issued, or was refused since it was handed over last, is done with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, and_, bindparam, func, literal, select, true, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from syncd.calls import Claim
from syncd.documents import RESULTS, Stage
from syncd.drift import Held
from syncd.model import Kind, Value
from syncd.store import readback
from syncd.store.raising import told
from syncd.store.readback import ReadBack
from syncd.store.schema import inbox, ledger, matter, snapshot


class HeldDraft(Value):
    """What the state holds of one draft."""

    held: Held  #: the row of the ledger, with key, agency and reception of the dossier
    dossier: str
    standing: bool  #: the one-stop has not taken it back
    may_be_there: bool  #: handed over, or perhaps
    elsewhere: bool  #: another document system has it, or perhaps
    issued: bool  #: it came back signed
    rejected: bool  #: it came back refused, and was not handed over since

    @property
    def answered(self) -> bool:
        """Whether it came back."""
        return self.issued or self.rejected


class DraftRows(ReadBack):
    """The drafts of one document system."""

    def drafts(self, after: int) -> Iterator[HeldDraft]:
        """The drafts of all dossiers with keys above `after`, in order of these keys, read a page at a time."""
        place: tuple[int, str] = (after + 1, "")
        while True:
            with self.database.read() as connection:
                rows = connection.execute(_PAGE, {"t": self.name, "id": place[0], "subject": place[1], "n": readback.PAGE}).all()
            yield from map(_draft, rows)
            if len(rows) < readback.PAGE:
                return
            place = (rows[-1].source_id, rows[-1].subject)

    def draft(self, subject: str) -> HeldDraft | None:
        """One draft."""
        with self.database.read() as connection:
            row = connection.execute(_NAMED, {"t": self.name, "subject": subject}).one_or_none()
        return _draft(row) if row else None

    def known(self) -> int:
        """How many drafts the state holds."""
        with self.database.read() as connection:
            return connection.execute(select(func.count()).select_from(matter).where(_DRAFTS)).scalar_one()

    def reinstate(self, subjects: Sequence[str], now: datetime) -> int:
        """Put back the ledger rows of these drafts. A row that was lost says nothing of what was sent, so each is asked for before
        it goes; where nobody can say, a person must. How many rows there were."""
        at = literal(now, ledger.c.due_at.type)
        rows = select(literal(self.name), matter.c.subject, literal("due"), at, matter.c.version, matter.c.digest, literal(0), true(), true())
        wanted = rows.where(_DRAFTS, matter.c.standing, matter.c.subject.in_(subjects))
        put = (sqlite if self.database.sqlite else postgresql).insert(ledger).from_select(_COLUMNS, wanted).on_conflict_do_nothing()
        with self.database.write() as connection:
            return connection.execute(put, execution_options={"preserve_rowcount": True}).rowcount

    def renew(self, claim: Claim, now: datetime, *, ask: bool) -> bool:
        """Make a draft due, with `ask` only after the target was asked for it; whether the row was still as it had been read."""
        same = and_(
            ledger.c.target == self.name,
            ledger.c.subject == claim.subject,
            ledger.c.state != "leased",
            ledger.c.sent_digest == claim.sent_digest,
            ledger.c.created == claim.created,
            ledger.c.unsure == claim.unsure,
        )
        values = readback.due_again(now) | ({"unsure": True, "doubtful": True} if ask else {})
        with self.database.write() as connection:
            return connection.execute(update(ledger).where(same).values(**values)).rowcount > 0


def _draft(row: Any) -> HeldDraft:
    held = readback.held(row)
    return HeldDraft(
        held=held,
        dossier=row.dossier,
        standing=row.standing,
        may_be_there=bool(row.created or row.unsure or row.state == "leased"),
        elsewhere=bool(row.elsewhere),
        issued=row.issued_at is not None,
        rejected=row.rejected_at is not None and (held.sent_at is None or row.rejected_at >= held.sent_at),
    )


def _came_back(stages: Sequence[Stage]) -> Any:
    """When the last of what came back of a draft at one of these stages arrived, of what the one-stop has."""
    mine = and_(inbox.c.target == bindparam("t"), inbox.c.dossier == matter.c.dossier, inbox.c.dossier + "/" + inbox.c.draft == matter.c.subject)
    written = and_(inbox.c.written_at.is_not(None), inbox.c.stage.in_([stage.value for stage in stages]))
    return select(func.max(inbox.c.received_at)).where(mine, written).correlate(matter).scalar_subquery()


_COLUMNS = ("target", "subject", "state", "due_at", "wanted_version", "wanted_digest", "steps_wanted", "unsure", "doubtful")
_DRAFTS = matter.c.kind == Kind.DRAFT.value
_OTHER = ledger.alias("other")
_TOLD_ELSEWHERE = and_(_OTHER.c.subject == matter.c.subject, _OTHER.c.target != bindparam("t"), told(_OTHER))
_ELSEWHERE = select(func.max(_OTHER.c.target)).where(_TOLD_ELSEWHERE).scalar_subquery().is_not(None)  # EXISTS is hashed: the whole ledger read, each page
_EVERY = (
    select(
        *(snapshot.c.source_id, snapshot.c.agency, snapshot.c.received_at),
        *(matter.c.subject, matter.c.dossier, matter.c.standing, matter.c.digest.label("wanted_digest")),
        *(each for each in readback.COLUMNS_HELD if each.key != "wanted_digest"),
        _ELSEWHERE.label("elsewhere"),
        _came_back(RESULTS).label("issued_at"),
        _came_back([Stage.REJECTED]).label("rejected_at"),
    )
    .select_from(
        matter.join(snapshot, snapshot.c.subject == matter.c.dossier).outerjoin(
            ledger, and_(ledger.c.target == bindparam("t"), ledger.c.subject == matter.c.subject)
        )
    )
    .where(_DRAFTS)
)
_ID = bindparam("id", type_=BigInteger)
_PAGE = (
    _EVERY.where(
        snapshot.c.source_id >= _ID,  # said once more: from this a database knows where to begin
        tuple_(snapshot.c.source_id, matter.c.subject) > tuple_(_ID, bindparam("subject", type_=matter.c.subject.type)),
    )
    .order_by(snapshot.c.source_id, matter.c.subject)
    .limit(bindparam("n", type_=Integer))
)
_NAMED = _EVERY.where(matter.c.subject == bindparam("subject"))

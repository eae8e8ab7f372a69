"""Where a document belongs: the dossier and the draft, and what was taken of that dossier before, in this round of its draft or a past one.

The dossier, the first that finds one: its code, or its key in the one-stop, as the document gives it; the draft that the
document echoes; the draft sent to this target whose memo is the document's, or its key; the one known code that stands in the
abstract. What would fit two dossiers fits none: a result in the wrong hands is worse than one that waits.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from syncd.documents import IssuedDocument, Stage
from syncd.model import Kind
from syncd.received import Earlier, Joined, codes_in
from syncd.store.schema import inbox, ledger, matter, snapshot

LONGEST_DRAFT = 75  #: of the column
_LARGEST_KEY = 2**63 - 1


def join(connection: Connection, target: str, document: IssuedDocument, dossier: str = "") -> Joined:
    """The dossier and draft of a document; `dossier` where a person has said which."""
    code = dossier or _dossier(connection, target, document)
    if not code:
        return Joined()
    sent = _sent(connection, target, matter.c.dossier == code)
    draft = document.draft.strip().removeprefix(f"{code}/")
    if not draft or len(draft) > LONGEST_DRAFT:
        named = [subject for subject, memo in sent.items() if memo and memo == _memo(document)]
        only = named or list(sent)
        draft = only[0].removeprefix(f"{code}/") if len(only) == 1 else ""
    return Joined(dossier=code, draft=draft, several=not draft and len(sent) > 1)


def history(connection: Connection, target: str, dossier: str, without: int = 0) -> list[Earlier]:
    """What was taken of a dossier, oldest first, leaving out one row. What came late is no part of it: it may have been late only
    because of the row left out."""
    taken = or_(inbox.c.state.in_(("arrived", "held")), inbox.c.written_at.is_not(None))
    sent = inbox.outerjoin(ledger, and_(ledger.c.target == target, ledger.c.subject == inbox.c.dossier + "/" + inbox.c.draft))
    past = or_(ledger.c.sent_at > inbox.c.received_at, ledger.c.unsure, ledger.c.state == "leased").label("past")
    said = select(*(inbox.c[name] for name in ("digest", "stage", "draft", "state", "written_at")), past).select_from(sent)
    query = said.where(inbox.c.dossier == dossier, inbox.c.target == target, inbox.c.id != without, taken)
    return [
        Earlier(
            digest=row.digest,
            stage=Stage(row.stage),
            draft=row.draft,
            stands=row.state == "arrived" or row.written_at is not None,
            written=row.written_at is not None,
            past=bool(row.past),
        )
        for row in connection.execute(query.order_by(inbox.c.id))
    ]


def key_in_onestop(connection: Connection, dossier: str) -> int | None:
    """The primary key of a known dossier in the one-stop."""
    return connection.execute(select(snapshot.c.source_id).where(snapshot.c.subject == dossier)).scalar()


def _dossier(connection: Connection, target: str, document: IssuedDocument) -> str:
    named, draft = document.dossier.strip(), document.draft.strip()
    return (
        _only(_known(connection, snapshot.c.subject == named) if named else ())
        or _only(_known(connection, snapshot.c.source_id == int(named)) if _is_key(named) else ())
        or _only(_of_draft(connection, draft) if draft else ())
        or _only({subject.rpartition("/")[0] for subject in _sent(connection, target, ledger.c.memo == memo)} if (memo := _memo(document)) else ())
        or _only(_known(connection, snapshot.c.subject.in_(codes_in(document.abstract))))
    )


def _memo(document: IssuedDocument) -> str:
    return document.memo or document.id


def _is_key(text: str) -> bool:
    return text.isdecimal() and text.isascii() and int(text) <= _LARGEST_KEY


def _known(connection: Connection, which: ColumnElement[bool]) -> Sequence[str]:
    return connection.execute(select(snapshot.c.subject).where(which).limit(2)).scalars().all()


def _of_draft(connection: Connection, draft: str) -> Sequence[str]:
    """The dossiers that have a draft of this key."""
    named = or_(matter.c.subject == draft, matter.c.subject.endswith(f"/{draft}", autoescape=True))
    return connection.execute(select(matter.c.dossier).where(matter.c.kind == Kind.DRAFT.value, named).distinct().limit(2)).scalars().all()


def _sent(connection: Connection, target: str, which: ColumnElement[bool]) -> dict[str, str]:
    """The drafts that went to a target, or may have, by their subject, with what the connector remembers of each."""
    went = and_(ledger.c.target == target, or_(ledger.c.created, ledger.c.unsure, ledger.c.sent_version > 0))
    joined = ledger.join(matter, matter.c.subject == ledger.c.subject)
    query = select(ledger.c.subject, ledger.c.memo).select_from(joined).where(matter.c.kind == Kind.DRAFT.value, went, which)
    return {row.subject: row.memo for row in connection.execute(query)}


def _only(found: Sequence[str] | set[str]) -> str:
    return next(iter(found)) if len(found) == 1 else ""

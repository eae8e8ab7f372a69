"""Matters: what is sent besides dossiers, on the same line. Drafts for signing, and statistics.

A matter has a row of its own and a subject of its own in the ledger, so all that holds of dossiers holds of it: leases,
retries, dead letters, the journal. A draft belongs to a dossier and is taken in with it, in one transaction; one that the
one-stop has taken back is no longer `standing` and goes to nobody who may not have it already. Its digest is the draft's
identity, not its content: a title that was corrected is no second document to sign.

A draft goes to one document system only. `Routes` names it by the dossier's agency; where a system may have the draft
already, it stays there, whatever the settings have become since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from syncd.agency import covers
from syncd.crypto import Cipher
from syncd.errors import UndecipherableError
from syncd.model import Draft, Kind, Statistic, digest, encode
from syncd.store.bulk import upsert
from syncd.store.prepared import Prepared
from syncd.store.raising import Wanted, told
from syncd.store.schema import ledger, matter

Scopes = Mapping[str, Sequence[str]]


class Routes:
    """Which target takes what."""

    def __init__(self, dossiers: Iterable[str] = (), offices: Scopes | None = None, statistics: Iterable[str] = ()) -> None:
        """`offices` are the document systems with the agencies whose drafts go there; none means: those that no other names."""
        self.dossiers = tuple(dossiers)
        self.statistics = tuple(statistics)
        self.offices = tuple(offices or ())
        self._named = {name: covers(scope) for name, scope in (offices or {}).items() if scope}

    def office(self, agency: str) -> str:
        """The document system for an agency's drafts; empty where there is none."""
        rest = (name for name in self.offices if name not in self._named)
        return next((name for name, covered in self._named.items() if covered(agency)), next(rest, ""))


def subject_of(dossier: str, draft: str) -> str:
    """The ledger's subject for a draft."""
    return f"{dossier}/{draft}"


class Matters:
    """Keeps matters inside the transactions of the intake."""

    def __init__(self, cipher: Cipher, routes: Routes) -> None:
        self._cipher = cipher
        self._routes = routes

    def take_drafts(self, connection: Connection, changed: Sequence[Prepared]) -> list[Wanted]:
        """Store the drafts of these dossiers; what the ledger should want of them now."""
        known = {row.subject: row for row in connection.execute(_OF_DOSSIERS, {"dossiers": [each.subject for each in changed]})}
        office = {each.subject: self._routes.office(each.dossier.agency.code) for each in changed}
        drafts = {subject_of(each.subject, draft.id): (each.subject, draft) for each in changed for draft in each.drafts}
        gone = [subject for subject, row in known.items() if row.standing and subject not in drafts]
        if gone:
            connection.execute(_WITHDRAW, [{"s": subject} for subject in gone])
        news = {subject: self._row(subject, Kind.DRAFT, dossier, draft, known.get(subject)) for subject, (dossier, draft) in drafts.items()}
        rows = [row for row in news.values() if row]
        upsert(connection, matter, rows)
        goes = {row["subject"]: office[row["dossier"]] for row in rows} | self._settled(connection, rows, office)
        return [
            Wanted(target=name, subject=row["subject"], version=row["version"], digest=row["digest"], dossier=row["dossier"])
            for row in rows
            if (name := goes[row["subject"]])
        ]

    def _settled(self, connection: Connection, rows: Sequence[Mapping[str, Any]], office: Mapping[str, str]) -> dict[str, str]:
        """Which system may have each of these drafts already. Another one that only waits to be told of it, away or refusing, loses its row when the
        dossier has gone to an agency of a second: both would be told."""
        at = connection.execute(_AT, {"subjects": [row["subject"] for row in rows]}).all()
        settled = {row.subject: row.target for row in at if row.told}
        going = {row["subject"]: settled.get(row["subject"]) or office[row["dossier"]] for row in rows}
        leaving = [{"t": row.target, "s": row.subject} for row in at if not row.told and going[row.subject] not in ("", row.target)]
        if leaving:
            connection.execute(_LEAVE, leaving)
        return settled

    def take_statistics(self, connection: Connection, statistics: Sequence[Statistic]) -> list[Wanted]:
        """Store these figures; what the ledger should want of them now."""
        keys = [each.key for each in statistics]
        known = {row.subject: row for row in connection.execute(_BY_SUBJECT, {"subjects": keys})}
        rows = [row for each in statistics if (row := self._row(each.key, Kind.STATISTIC, "", each, known.get(each.key)))]
        upsert(connection, matter, rows)
        return [Wanted(target=name, subject=row["subject"], version=row["version"], digest=row["digest"]) for row in rows for name in self._routes.statistics]

    def _row(self, subject: str, kind: Kind, dossier: str, value: Draft | Statistic, before: Any) -> dict[str, Any] | None:
        """The row to store; None where nothing differs."""
        body = encode(value)
        if before is not None and before.standing and self._opened(before.body) == body:
            return None
        return {
            "subject": subject,
            "kind": kind.value,
            "dossier": dossier,
            "version": before.version + 1 if before else 1,
            "digest": value.identity if isinstance(value, Draft) else digest(body),
            "standing": True,
            "body": self._cipher.seal(body),
        }

    def _opened(self, sealed: bytes) -> bytes | None:
        """What was stored; None where no key opens it: then it is stored anew, as a draft of the same identity."""
        with suppress(UndecipherableError):
            return self._cipher.open(sealed)
        return None


def subjects_of(connection: Connection, dossier: str) -> list[str]:
    """A dossier's own subject, and those of its drafts."""
    return [dossier, *connection.execute(select(matter.c.subject).where(matter.c.dossier == dossier).order_by(matter.c.subject)).scalars()]


_OF_DOSSIERS = select(matter).where(matter.c.dossier.in_(bindparam("dossiers", expanding=True)))
_BY_SUBJECT = select(matter).where(matter.c.subject.in_(bindparam("subjects", expanding=True)))
_WITHDRAW = matter.update().where(matter.c.subject == bindparam("s")).values(standing=False)
_AT = (
    select(ledger.c.subject, ledger.c.target, told(ledger).label("told"))
    .where(ledger.c.subject.in_(bindparam("subjects", expanding=True)))
    .order_by(ledger.c.target, ledger.c.subject)
    .with_for_update()  # or a worker could begin with one before it leaves
)
_LEAVE = delete(ledger).where(ledger.c.target == bindparam("t"), ledger.c.subject == bindparam("s"))

"""Intake: what a poll read becomes snapshots, steps and ledger rows, with the cursor, in one transaction (law L1).

Each dossier read is compared with what is stored by two digests, one of the record and one of the steps. Equal both: nothing
happens. Otherwise the snapshot is replaced, new steps are given the next places in the dossier's history, its drafts are
taken in (`matters`), and the ledger row of every target learns what the target should have now; a row that was idle, dead or
held becomes due by that. Where somebody else has stored another reading since the comparison, nothing is: a version stands
for one reading, in the snapshot and in the ledger alike.

Places are given on arrival and stay: a step that the one-stop commits late comes after those already taken in, so each
step still goes out exactly once. A step that some target has not acknowledged yet follows the one-stop's corrections, and is
emptied with it; its place is not given again, for it may be on its way. One that all have acknowledged is history.

The code is the key at the target, the primary key is the key at the source; where they disagree a person must look:
a second row with a code that is taken is stored under `code#id` with a problem, so that it shows as a dead letter; a row
whose code changed leaves the old dossier behind, dropped if nobody was told of it, kept if somebody was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, or_, select

from syncd.clock import Clock
from syncd.crypto import Cipher
from syncd.errors import MovedOn, UndecipherableError
from syncd.model import Cursor, Dossier, Page, Statistic, Value, decode_dossier, encode
from syncd.store import bulk
from syncd.store.board import Fence, renew
from syncd.store.database import Database
from syncd.store.matters import Matters, Routes
from syncd.store.prepared import (
    Known,
    Prepared,
    contested,
    differing,
    next_version,
    one_of_each,
    placed,
    prepare,
    same_row,
    shows_fewer,
    steps_differ,
    unchanged,
)
from syncd.store.raising import Wanted, raise_all, raise_rows
from syncd.store.schema import change, ledger, matter, snapshot, source_cursor, step


class Taken(Value):
    """What a page brought."""

    new: int = 0
    changed: int = 0
    subjects: tuple[str, ...] = ()


class Intake:
    """Takes pages in for a set of targets."""

    def __init__(self, database: Database, cipher: Cipher, clock: Clock, routes: Routes) -> None:
        self.database = database
        self.cipher = cipher
        self.clock = clock
        self.routes = routes
        self._matters = Matters(cipher, routes)

    def compare(self, page: Page) -> tuple[list[Prepared], dict[str, Known]]:
        """The snapshots of a page that differ from what is stored, and what is stored of them."""
        prepared = [prepare(each) for each in page.snapshots]
        known = self.known([each.subject for each in prepared])
        apart = [each if same_row(each, known) else contested(each) for each in prepared]
        if any(each.subject not in known for each in apart):
            known |= self.known([each.subject for each in apart if each.subject not in known])
        changed = [each for each in one_of_each(apart) if not unchanged(each, known.get(each.subject))]
        return sorted(changed, key=attrgetter("subject")), known

    def known(self, subjects: Sequence[str]) -> dict[str, Known]:
        """What is stored of these dossiers."""
        with self.database.read() as connection:
            rows = connection.execute(_KNOWN, {"subjects": subjects})
            return {
                row.subject: Known(source_id=row.source_id, version=row.version, digest=row.digest, steps=row.steps, steps_digest=row.steps_digest)
                for row in rows
            }

    def went_back(self, changed: Sequence[Prepared], known: Mapping[str, Known]) -> set[str]:
        """Which dossiers look as they did before: they show fewer steps, and none as new as the newest that is stored. An officer
        takes few back, a restored backup many. One whose newest step was taken back after it was sent counts once more if
        something but its record changes before its next step."""
        fewer = [each for each in changed if shows_fewer(each, known.get(each.subject))]
        if not fewer:
            return set()
        with self.database.read() as connection:
            newest = {row.subject: row.newest for row in connection.execute(_NEWEST, {"subjects": [each.subject for each in fewer]})}
        return {each.subject for each in fewer if each.subject in newest and all(taken.id < newest[each.subject] for taken, _ in each.steps)}

    def take(self, changed: Sequence[Prepared], known: Mapping[str, Known], cursor: Cursor | None, fence: Fence | None = None, name: str = "onestop") -> Taken:
        """Store what changed, and the cursor with it: all of it or nothing. Without a cursor (a sweep) the poll's stays.
        Under a fence the named lease is renewed in the same transaction; raises `LeaseLost` where another node has it, and
        `MovedOn` where one of these dossiers is no longer stored as `known` says."""
        now = self.clock.now()
        fields = self._changed_fields([each for each in changed if each.subject in known])
        with self.database.write() as connection:
            if fence is not None:
                renew(connection, fence, now)
            if changed:
                _demand_known(connection, [each.subject for each in changed], known)
                self._store(connection, changed, known, fields, now)
            if cursor is not None:
                bulk.upsert(connection, source_cursor, [{"name": name, "cursor": encode(cursor).decode(), "polled_at": now}])
        fresh = sum(each.subject not in known for each in changed)
        return Taken(new=fresh, changed=len(changed) - fresh, subjects=tuple(each.subject for each in changed))

    def _store(self, connection: Connection, changed: Sequence[Prepared], known: Mapping[str, Known], fields: Mapping[str, str], now: datetime) -> None:
        self._drop_renamed(connection, changed)
        rows, gone, places = self._step_rows(connection, [each for each in changed if steps_differ(each, known.get(each.subject))])
        wanted = {each.subject: places.get(each.subject, known[each.subject].steps if each.subject in known else 0) for each in changed}
        bulk.upsert(connection, snapshot, [self._snapshot_row(each, known.get(each.subject), wanted[each.subject], now) for each in changed])
        if gone:
            connection.execute(_FORGET_STEP, gone)
        bulk.upsert(connection, step, rows)
        bulk.insert(connection, change.insert(), [_change_row(each, known.get(each.subject), wanted, fields, now) for each in changed])
        newcomers = {each.subject: each.dossier.received_at for each in changed if each.subject not in known}
        raise_rows(connection, self._wanted(changed, known, wanted) + self._matters.take_drafts(connection, changed), now, newcomers)

    def take_statistics(self, statistics: Sequence[Statistic], fence: Fence | None = None) -> int:
        """Store figures and make due those that differ from what was there; how many do, over all targets. Under a fence as `take`."""
        with self.database.write() as connection:
            if fence is not None:
                renew(connection, fence, self.clock.now())
            wanted = self._matters.take_statistics(connection, statistics)
            raise_rows(connection, wanted, self.clock.now())
        return len(wanted)

    def _wanted(self, changed: Sequence[Prepared], known: Mapping[str, Known], steps: Mapping[str, int]) -> list[Wanted]:
        return [
            Wanted(target=name, subject=each.subject, version=next_version(known.get(each.subject)), digest=each.digest, steps=steps[each.subject])
            for name in self.routes.dossiers
            for each in changed
        ]

    def _snapshot_row(self, each: Prepared, before: Known | None, steps: int, now: datetime) -> dict[str, Any]:
        return {
            "subject": each.subject,
            "source_id": each.dossier.source_id,
            "version": next_version(before),
            "digest": each.digest,
            "steps": steps,
            "steps_digest": each.steps_digest,
            "status": each.dossier.status or "",
            "agency": each.dossier.agency.code[:64],
            "received_at": each.dossier.received_at,
            "changed_at": now,
            "body": self.cipher.seal(each.body),
        }

    def _step_rows(self, connection: Connection, changed: Sequence[Prepared]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, int]]:
        """The steps of these dossiers to store, those to forget, and the last place of each dossier."""
        if not changed:
            return [], [], {}
        subjects = [each.subject for each in changed]
        stored: dict[str, dict[int, int]] = {subject: {} for subject in subjects}
        given = dict.fromkeys(subjects, 0)
        for row in connection.execute(_PLACES, {"subjects": subjects}):
            given[row.subject] = max(given[row.subject], row.place)
            if row.standing:
                stored[row.subject][row.step_id] = row.place
        told = {row.subject: row.least for row in connection.execute(_TOLD, {"subjects": subjects})}
        rows, gone, places = [], [], {}
        for each in changed:
            kept, lost, last = placed(each, stored[each.subject], told.get(each.subject) or 0, given[each.subject])
            rows += [{"subject": each.subject, "place": place, "step_id": taken.id, "body": self.cipher.seal(body)} for place, taken, body in kept]
            gone += [{"s": each.subject, "p": place} for place in lost]
            places[each.subject] = last
        return rows, gone, places

    def _drop_renamed(self, connection: Connection, changed: Sequence[Prepared]) -> None:
        """Dossiers whose row now bears another code go, unless a target was told of them."""
        now_called = {each.dossier.source_id: each.subject for each in changed}
        rows = connection.execute(select(snapshot.c.subject, snapshot.c.source_id).where(snapshot.c.source_id.in_(now_called)))
        stale = [row.subject for row in rows if now_called[row.source_id] != row.subject]
        if stale:
            rows = connection.execute(_WHETHER_TOLD, {"subjects": stale})
            told = {row.subject for row in rows if row.told}
            for table in (ledger, step, snapshot):
                connection.execute(delete(table).where(table.c.subject.in_([subject for subject in stale if subject not in told])))
            connection.execute(_STALE_DRAFTS, {"dossiers": stale})

    def _changed_fields(self, changed: Sequence[Prepared]) -> dict[str, str]:
        """By subject, the names of the fields that differ from the stored record."""
        if not changed:
            return {}
        query = select(snapshot.c.subject, snapshot.c.body).where(snapshot.c.subject.in_([each.subject for each in changed]))
        now = {each.subject: each.dossier for each in changed}
        with self.database.read() as connection:
            return {row.subject: self._differing(row.body, now[row.subject]) for row in connection.execute(query)}

    def _differing(self, before: bytes, now: Dossier) -> str:
        try:
            return differing(self.cipher.decoded(before, decode_dossier), now)
        except UndecipherableError:
            return ""

    def missing(self, after: int, upto: int | None, present: set[int]) -> list[str]:
        """The codes of known dossiers with keys in (`after`, `upto`] that are not among those `present`."""
        within = [snapshot.c.source_id > after, *([snapshot.c.source_id <= upto] if upto is not None else [])]
        with self.database.read() as connection:
            rows = connection.execute(select(snapshot.c.subject, snapshot.c.source_id).where(*within)).all()
        return [row.subject for row in rows if row.source_id not in present]

    def adopt(self) -> int:
        """Bring the ledger of every target up to what is stored: a target may be newer than the dossiers, or may have been
        left out for a while. How many rows were made or raised."""
        with self.database.write() as connection:
            agencies = connection.execute(_AGENCIES).scalars().all()
            offices = {name: [agency for agency in agencies if self.routes.office(agency) == name] for name in self.routes.offices}
            return raise_all(connection, self.routes.dossiers, offices, self.routes.statistics, self.clock.now())


def _demand_known(connection: Connection, subjects: Sequence[str], known: Mapping[str, Known]) -> None:
    """Hold these dossiers as they were compared, the new ones too: one intake after the other. Raises `MovedOn`, which undoes the
    transaction."""
    connection.execute(_ONE_INTAKE)
    stored = {row.subject: row.version for row in connection.execute(_VERSIONS, {"subjects": subjects})}
    if stored != {subject: known[subject].version for subject in subjects if subject in known}:
        raise MovedOn


def _change_row(each: Prepared, before: Known | None, wanted: Mapping[str, int], fields: Mapping[str, str], now: datetime) -> dict[str, Any]:
    return {
        "at": now,
        "subject": each.subject,
        "version": next_version(before),
        "fields": fields.get(each.subject, "new"),
        "new_steps": max(wanted[each.subject] - (before.steps if before else 0), 0),
    }


def read_cursor(database: Database, name: str = "onestop") -> Cursor | None:
    """How far the source has been read; None before the first page."""
    with database.read() as connection:
        text = connection.execute(select(source_cursor.c.cursor).where(source_cursor.c.name == name)).scalar()
    return msgspec.json.decode(text, type=Cursor) if text else None


_SUBJECTS = snapshot.c.subject.in_(bindparam("subjects", expanding=True))
_KNOWN = select(*(snapshot.c[name] for name in ("subject", *Known.__struct_fields__))).where(_SUBJECTS)
_NEWEST = (
    select(step.c.subject, func.max(step.c.step_id).label("newest"))
    .where(step.c.subject.in_(bindparam("subjects", expanding=True)), func.length(step.c.body) > 0)
    .group_by(step.c.subject)
)
_VERSIONS = select(snapshot.c.subject, snapshot.c.version).where(_SUBJECTS)
_ONE_INTAKE = select(source_cursor.c.name).where(source_cursor.c.name == "onestop").with_for_update()
_AGENCIES = select(snapshot.c.agency).join(matter, matter.c.dossier == snapshot.c.subject).where(matter.c.standing).distinct()
_TOLD_SOMETHING = or_(ledger.c.created, ledger.c.steps_sent > 0, ledger.c.state == "leased", ledger.c.unsure)
# Locked, so that no worker leases one of them between the question and what follows from it.
_WHETHER_TOLD = (
    select(ledger.c.subject, _TOLD_SOMETHING.label("told"))
    .where(ledger.c.subject.in_(bindparam("subjects", expanding=True)))
    .order_by(ledger.c.target, ledger.c.subject)
    .with_for_update()
)
_TOLD = (
    select(ledger.c.subject, func.min(ledger.c.steps_sent).label("least"))
    .where(ledger.c.subject.in_(bindparam("subjects", expanding=True)))
    .group_by(ledger.c.subject)
)
_STALE_DRAFTS = matter.update().where(matter.c.dossier.in_(bindparam("dossiers", expanding=True))).values(standing=False)
_FORGET_STEP = step.update().where(step.c.subject == bindparam("s"), step.c.place == bindparam("p")).values(body=b"")
_PLACES = select(step.c.subject, step.c.step_id, step.c.place, (func.length(step.c.body) > 0).label("standing")).where(
    step.c.subject.in_(bindparam("subjects", expanding=True))
)

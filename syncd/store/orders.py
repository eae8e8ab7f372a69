"""What an administrator orders: each order one transaction, together with the audit row that says who gave it.

An order changes rows, nothing else; the daemon finds them due and does the rest, so orders and deliveries never meet but in
the database. A dossier that is being delivered at the moment is its worker's (law L3): a resync leaves such rows alone and
names them, to be ordered again a moment later.

An order about named dossiers leaves an audit row for each, so that it shows in their stories; an order about many leaves
one. A rehearsed order (`rehearse`) only counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, false, func, or_, select, true, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from syncd.clock import Clock
from syncd.errors import NotFound
from syncd.model import Kind, Status, Value
from syncd.store.database import Database
from syncd.store.journal import no_letter, parse_letter
from syncd.store.schema import attempt, audit, ledger, matter, snapshot, source_cursor, target
from syncd.turns import STRANGE_TARGET, UNKNOWN_SENT, UNKNOWN_TWICE

_CHUNK = 500
_CLEARED = {"stopped_at": None, "error_code": "", "error_message": "", "error_hint": ""}


class Done(Value):
    """What an order did, or would do."""

    count: int
    rehearsed: bool
    busy: tuple[str, ...]  #: dossiers left alone because they are being delivered at this moment


class Selection(Value):
    """Which dossiers of a target are sent again; empty means all."""

    codes: tuple[str, ...] = ()
    since: datetime | None = None  #: acknowledged by the target at or after this instant
    status: Status | None = None


class Orders:
    """The orders of one person."""

    def __init__(self, database: Database, clock: Clock, who: str, *, rehearse: bool = False) -> None:
        self.database = database
        self.clock = clock
        self.who = who
        self.rehearse = rehearse

    def pause(self, name: str, reason: str) -> Done:
        """Stop deliveries to a target; what is under way ends as it would."""
        return self._switch("pause", name, reason, paused=True, reason=reason)

    def resume(self, name: str) -> Done:
        """Let deliveries to a target go again, at once."""
        return self._switch("resume", name, "", paused=False, reason="", wait_until=None)

    def _switch(self, action: str, name: str, detail: str, *, paused: bool, **values: Any) -> Done:
        differs = and_(target.c.name == name, target.c.paused != paused)
        with self.database.write() as connection:
            if self.rehearse:
                standing = connection.execute(select(target.c.paused).where(target.c.name == name)).scalar()
                return self._done(int(bool(standing) is not paused))
            insert = (sqlite if self.database.sqlite else postgresql).insert(target)
            connection.execute(insert.values(name=name).on_conflict_do_nothing())
            count = connection.execute(update(target).where(differs).values(paused=paused, **values)).rowcount
            if count:
                self._audit(connection, action, [(name, "")], detail)
        return self._done(count)

    def adopt(self, name: str, codes: Sequence[str] = (), until: datetime | None = None) -> Done:
        """Take what a target had of our dossiers before us as sent: each of those it was never told of is asked for first, from
        now on also those that are read for the first time. The others are asked for before the next thing of them goes, for the
        state may be an older copy. `until` is when somebody else told the target something for the last time. With codes only
        these, and nothing for the future. How many dossiers wait for that."""
        moment = until or self.clock.now()
        untold = or_(ledger.c.strange, and_(ledger.c.created == false(), ledger.c.sent_version == 0, ledger.c.doubtful == false()))
        here = and_(ledger.c.target == name, ledger.c.state != "leased")
        values = {**self._due_again(), "adopting": moment, "unsure": true()}
        with self.database.write() as connection:
            count = self._change(connection, and_(here, untold, ledger.c.subject.in_(codes) if codes else true()), values)
            if not codes:
                told = and_(here, ledger.c.adopting.is_(None), ledger.c.subject.in_(select(snapshot.c.subject)))
                count += self._change(connection, and_(told, ledger.c.state == "due", ~untold), {"adopting": moment})
                self._change(connection, and_(told, ledger.c.state != "due", ~untold), {"adopting": moment})
            if not self.rehearse:
                if not codes:
                    self._settle_origin(connection, name, "adopt", moment)
                self._audit(connection, "adopt", [(name, code) for code in codes or ("",)], f"{count} dossiers")
        return self._done(count)

    def fresh(self, name: str) -> None:
        """Say that a target has nothing of ours that we did not send: everything goes."""
        if not self.rehearse:
            with self.database.write() as connection:
                self._settle_origin(connection, name, "fresh", None)
                self._audit(connection, "fresh", [(name, "")])

    def _settle_origin(self, connection: Connection, name: str, origin: str, at: datetime | None) -> None:
        insert = (sqlite if self.database.sqlite else postgresql).insert(target)
        connection.execute(insert.values(name=name).on_conflict_do_nothing())
        waits = and_(target.c.paused, target.c.reason == STRANGE_TARGET)
        values = {"origin": origin, "origin_at": at, "paused": case((waits, false()), else_=target.c.paused)}
        connection.execute(update(target).where(target.c.name == name).values(**values, reason=case((waits, ""), else_=target.c.reason)))

    def retry(self, letters: Sequence[str]) -> Done:
        """Make dead letters due now, their failures forgotten; discarded ones too. Raises `NotFound` for unknown ids."""
        return self._stopped("retry", letters, ("dead", "held"), self._due_again())

    def retry_all(self, name: str = "") -> Done:
        """Make every dead letter due now: of one target, or of all."""
        which = and_(ledger.c.state == "dead", ledger.c.target == name) if name else ledger.c.state == "dead"
        with self.database.write() as connection:
            count = self._change(connection, which, self._due_again())
            if count and not self.rehearse:
                self._audit(connection, "retry", [(name, "")], f"{count} dead letters")
        return self._done(count)

    def discard(self, letters: Sequence[str], reason: str) -> Done:
        """Set dead letters aside until the source changes them or a person retries them. Raises `NotFound` for unknown ids."""
        return self._stopped("discard", letters, ("dead",), {"state": "held", "stopped_at": self.clock.now()}, reason)

    def arrived(self, letters: Sequence[str], reason: str) -> Done:
        """Take as acknowledged what a person saw at the target: the steps whose answer was lost twice, or what would be there
        twice if it were sent again. What comes after goes on. Raises `NotFound` for ids that are no such letters."""
        tried = and_(attempt.c.target == ledger.c.target, attempt.c.subject == ledger.c.subject, attempt.c.code == UNKNOWN_TWICE)
        last = select(attempt.c.last_step).where(tried).order_by(attempt.c.id.desc()).limit(1).scalar_subquery()
        record = ledger.c.error_code == UNKNOWN_SENT
        values = {
            **self._due_again(),
            "steps_sent": case((last > ledger.c.steps_sent, last), else_=ledger.c.steps_sent),
            "owed": case((last <= ledger.c.steps_sent, ""), else_=ledger.c.owed),
            "doubts": 0,
            "unsure": false(),
            "created": or_(ledger.c.created, record),
            "sent_at": case((record, ledger.c.stopped_at), else_=ledger.c.sent_at),
            "sent_digest": case((record, ledger.c.wanted_digest), else_=ledger.c.sent_digest),
            "sent_version": case((record, ledger.c.wanted_version), else_=ledger.c.sent_version),
        }
        return self._stopped("arrived", letters, ("dead",), values, reason, ledger.c.error_code.in_((UNKNOWN_SENT, UNKNOWN_TWICE)))

    def _due_again(self) -> dict[str, Any]:
        still_doubtful = case((ledger.c.doubts > 0, 1), else_=0)
        unsure = and_(ledger.c.unsure, ledger.c.error_code != UNKNOWN_SENT)  # a person has looked there
        return {"state": "due", "due_at": self.clock.now(), "failures": 0, "doubts": still_doubtful, "unsure": unsure, "strange": false(), **_CLEARED}

    def _stopped(self, action: str, letters: Sequence[str], states: Sequence[str], values: Mapping[str, Any], detail: str = "", only: Any = None) -> Done:
        keys = [parse_letter(letter) for letter in dict.fromkeys(letters)]
        which = and_(tuple_(ledger.c.target, ledger.c.subject).in_(keys), ledger.c.state.in_(states), true() if only is None else only)
        with self.database.write() as connection:
            found = {(row.target, row.subject) for row in connection.execute(select(ledger.c.target, ledger.c.subject).where(which))}
            if missing := [f"{name}:{subject}" for name, subject in keys if (name, subject) not in found]:
                raise no_letter(*missing)
            count = self._change(connection, which, values)
            if not self.rehearse:
                self._audit(connection, action, keys, detail)
        return self._done(count)

    def resync(self, name: str, which: Selection) -> Done:
        """Send the records again as if they had changed; steps that were acknowledged stay so. The code of a dossier stands for
        its drafts too. Raises `NotFound` for codes the target has no row of. Without codes, discarded dossiers stay aside, those whose
        steps went twice without an answer, and drafts: a second document to sign is asked for by name."""
        if not which.codes:
            return self._resync_many(name, which)
        busy: list[str] = []
        count = 0
        with self.database.write() as connection:
            codes = self._demand(connection, name, list(dict.fromkeys(which.codes)))
            for some in (codes[start : start + _CHUNK] for start in range(0, len(codes), _CHUNK)):
                rows = and_(ledger.c.target == name, ledger.c.subject.in_(some), self._filters(which))
                busy += connection.execute(select(ledger.c.subject).where(rows, ledger.c.state == "leased")).scalars()
                count += self._change(connection, and_(rows, ledger.c.state != "leased"), self._again())
            if not self.rehearse:
                self._audit(connection, "resync", [(name, code) for code in codes if code not in busy])
        return self._done(count, busy)

    def _resync_many(self, name: str, which: Selection) -> Done:
        drafts = select(matter.c.subject).where(matter.c.kind == Kind.DRAFT.value)
        left = and_(ledger.c.state == "dead", ledger.c.error_code == UNKNOWN_TWICE)  # to a person, who names it
        rows = and_(ledger.c.target == name, ledger.c.state != "held", ~left, ledger.c.subject.not_in(drafts), self._filters(which))
        with self.database.write() as connection:
            busy = connection.execute(select(ledger.c.subject).where(rows, ledger.c.state == "leased")).scalars().all()
            count = self._change(connection, and_(rows, ledger.c.state != "leased"), self._again())
            if not self.rehearse:
                self._audit(connection, "resync", [(name, "")], f"{count} dossiers")
        return self._done(count, busy)

    def _again(self) -> dict[str, Any]:
        return {"state": "due", "due_at": self.clock.now(), "sent_digest": "", "lease_token": "", "failures": 0, **_CLEARED}

    @staticmethod
    def _filters(which: Selection) -> ColumnElement[bool]:
        status = ledger.c.subject.in_(select(snapshot.c.subject).where(snapshot.c.status == which.status)) if which.status else None
        since = ledger.c.sent_at >= which.since if which.since else None
        return and_(true(), *(condition for condition in (status, since) if condition is not None))

    @staticmethod
    def _demand(connection: Connection, name: str, codes: Sequence[str]) -> list[str]:
        """The subjects that the codes stand for at a target."""
        have: list[tuple[str, str]] = []
        for start in range(0, len(codes), _CHUNK):
            some = codes[start : start + _CHUNK]
            rows = select(ledger.c.subject, matter.c.dossier).outerjoin(matter, matter.c.subject == ledger.c.subject).where(ledger.c.target == name)
            have += [(row.subject, row.dossier or "") for row in connection.execute(rows.where(or_(ledger.c.subject.in_(some), matter.c.dossier.in_(some))))]
        known = {word for pair in have for word in pair}
        if missing := [code for code in codes if code not in known]:
            raise NotFound(f"The ledger of {name} has no dossier {', '.join(missing)}.", hint="check the code; see: syncd show CODE")
        return sorted({subject for subject, _ in have})

    def accept_source(self, name: str = "onestop") -> Done:
        """Take what looked suspicious in the source for right: the next poll takes it in."""
        suspicious = and_(source_cursor.c.name == name, source_cursor.c.suspicion != "")
        with self.database.write() as connection:
            text = connection.execute(select(source_cursor.c.suspicion).where(suspicious)).scalar()
            if text and not self.rehearse:
                connection.execute(update(source_cursor).where(suspicious).values(suspicion="", accepted=True))
                self._audit(connection, "accept", [("", "")], text)
        return self._done(int(bool(text)))

    def note(self, action: str, detail: str = "") -> None:
        """Leave an audit row for something done outside the state, such as a new key."""
        with self.database.write() as connection:
            self._audit(connection, action, [("", "")], detail)

    def _change(self, connection: Connection, which: ColumnElement[bool], values: Mapping[str, Any]) -> int:
        if self.rehearse:
            return connection.execute(select(func.count()).select_from(ledger).where(which)).scalar_one()
        return connection.execute(update(ledger).where(which).values(values)).rowcount

    def _audit(self, connection: Connection, action: str, about: Iterable[tuple[str, str]], detail: str = "") -> None:
        now = self.clock.now()
        rows = [{"at": now, "who": self.who, "action": action, "target": name, "subject": subject, "detail": detail} for name, subject in about]
        if rows:
            connection.execute(audit.insert(), rows)

    def _done(self, count: int, busy: Sequence[str] = ()) -> Done:
        return Done(count=count, rehearsed=self.rehearse, busy=tuple(busy))

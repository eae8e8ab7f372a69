"""The ledger: what each target should have of each dossier, what it has acknowledged, and who is at work on it.

A row is the lock. `claim` leases due rows to one worker: it writes a token and a term into them, and whoever holds the token
owns these dossiers at that target until the term ends. So nothing else is needed to keep order, dossiers run side by side,
and a blocked one blocks nobody. Every later write names the token; where it no longer stands in the row, the lease was lost
(the process was stopped past its term) and the row is left as its new owner made it (law L3). But a record that went out
under a lost lease may have replaced a newer one at the target: the row is marked `overtaken`, and the record goes again.

`record` writes the outcome of calls: for each an attempt, which is always kept (law L5), and the ledger row, all in one
transaction, for as many calls as were answered meanwhile. Where a delivery ends, the row compares itself with what the
target should have *now*, which a poll may have raised in the meantime, and becomes `idle` or `due`.

A lease that ends unanswered (`expire`, `reclaim`) says that a call may have been on its way: the row becomes due and
`unsure`, what the target holds of the record is no longer known, and the next turn asks the target first (laws L7, L10). An
expired row keeps its token until somebody else leases it: an answer that could not be written in time still counts.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, false, or_, select, true, update

from syncd.calls import Claim
from syncd.crypto import Cipher
from syncd.errors import UndecipherableError
from syncd.store.claims import claim_of, grouped, leased, unsent
from syncd.store.database import Database
from syncd.store.entries import Entry, Lease, Line, Scribe
from syncd.store.outcomes import outcomes
from syncd.store.schema import ledger, snapshot
from syncd.store.statements import ALL_STEPS, DUE, LEASED, RELEASE, ROWS, STEPS
from syncd.strands import give_way

_TOGETHER = 16  #: claims that are opened before others, whose answers may have come, are let go on


class Ledger:
    """Leases and outcomes of one node."""

    def __init__(self, database: Database, cipher: Cipher, node: str) -> None:
        self.database = database
        self.cipher = cipher
        self.node = node
        self._outcomes = outcomes(database, Scribe(cipher, node))

    @property
    def holds_up(self) -> bool:
        """Whether all strands of a thread wait while one of them writes."""
        return self.database.sqlite

    def claim(self, name: str, limit: int, now: datetime, term: timedelta) -> list[Claim]:
        """Up to `limit` due rows, longest due first, leased until `now + term`; none while the target is paused or the
        source looks suspicious."""
        token, until = secrets.token_hex(8), now + term
        claims = []
        for number, (row, steps) in enumerate(leased(self.database, {"t": name, "n": limit, "now": now, "token": token, "term": until, "node": self.node})):
            if number % _TOGETHER == 0:
                give_way()
            try:
                claims.append(claim_of(self.cipher, row, steps, token, until))
            except UndecipherableError as error:
                self._set_aside(row, now, error)
        return claims

    def _set_aside(self, row: Any, now: datetime, error: UndecipherableError) -> None:
        """A dossier that cannot be read waits for a person, and for nobody else."""
        values = {"state": "dead", "stopped_at": now, "error_code": "undecipherable", "error_message": error.message, "error_hint": error.hint}
        with self.database.write() as connection:
            connection.execute(update(ledger).where(ledger.c.target == row.target, ledger.c.subject == row.subject).values(lease_token="", **values))

    def check_keys(self) -> None:
        """Raises `UndecipherableError` where the key file does not open what was stored last."""
        with self.database.read() as connection:
            sealed = connection.execute(select(snapshot.c.body).order_by(snapshot.c.changed_at.desc()).limit(1)).scalar()
        if sealed is not None:
            self.cipher.open(sealed)

    def peek(self, name: str, subject: str) -> Claim | None:
        """The claim a delivery would start from, without leasing anything."""
        with self.database.read() as connection:
            given = {"t": name, "subjects": [subject]}
            row = connection.execute(ROWS, given).one_or_none()
            if row is None:
                return None
            steps = unsent(row, grouped(connection.execute(STEPS, given)).get(subject, ()))
        return claim_of(self.cipher, row, steps, "", row.due_at)

    def whole(self, name: str, subjects: Sequence[str]) -> list[Claim]:
        """The claims of these subjects with all their steps, sent or not, and without leasing anything; ones that cannot be
        read are left out."""
        with self.database.read() as connection:
            rows = connection.execute(ROWS, {"t": name, "subjects": list(subjects)}).all()
            steps = grouped(connection.execute(ALL_STEPS, {"subjects": list(subjects)}))
        claims = []
        for row in rows:
            with suppress(UndecipherableError):
                claims.append(claim_of(self.cipher, row, steps.get(row.subject, ()), "", row.due_at))
        return claims

    def untold(self, name: str, limit: int) -> list[Claim]:
        """Dossiers that the target was never told of, those that were received first."""
        never = and_(ledger.c.target == name, ledger.c.created == false(), ledger.c.sent_version == 0)
        query = select(ledger.c.subject).join(snapshot, snapshot.c.subject == ledger.c.subject).where(never)
        with self.database.read() as connection:
            subjects = connection.execute(query.order_by(snapshot.c.received_at, ledger.c.subject).limit(limit)).scalars().all()
        return self.whole(name, subjects)

    def ready(self, entry: Entry) -> Line:
        """What was answered, ready to be written down."""
        return self._outcomes.ready(entry)

    def record(self, lines: Sequence[Line], *, again: bool = False) -> set[Lease]:
        """Write down what was answered, each about another dossier; the leases that were lost are returned, their rows untouched. `again`: it was
        tried before, and nobody knows whether it was written."""
        return self._outcomes.write(lines, again=again)

    def release(self, claims: Iterable[Claim]) -> None:
        """Give leases back unused: the rows are due as they were, at no cost."""
        rows = [{"t": claim.target, "s": claim.subject, "token": claim.token} for claim in claims]
        if rows:
            with self.database.write() as connection:
                connection.execute(RELEASE, rows)

    def expire(self, now: datetime) -> int:
        """End the leases whose term has passed; how many there were."""
        return self._orphan(ledger.c.lease_until < now)

    def reclaim(self) -> int:
        """End all leases of this node, at its start: whoever held them is gone."""
        return self._orphan(ledger.c.lease_node == self.node, lease_token="", lease_until=None)

    def _orphan(self, which: Any, **values: Any) -> int:
        pending = or_(ledger.c.steps_sent < ledger.c.steps_wanted, ledger.c.owed != "")
        # Asked about since the doubt arose, and its record told: the steps may have gone once more.
        went_again = and_(ledger.c.unsure == false(), ledger.c.created, ledger.c.sent_digest == ledger.c.wanted_digest)
        doubts = case((and_(pending, or_(ledger.c.doubts == 0, went_again)), ledger.c.doubts + 1), else_=ledger.c.doubts)
        untold = case((ledger.c.wanted_version > ledger.c.sent_version, ""), else_=ledger.c.sent_digest)
        with self.database.write() as connection:
            orphaned = update(ledger).where(LEASED, which).values(state="due", unsure=true(), doubtful=true(), doubts=doubts, sent_digest=untold, **values)
            return connection.execute(orphaned).rowcount

    def wake(self, name: str, now: datetime, *, asked: bool = True) -> int:
        """Make everything due at once that waits only because the target was away; with `asked`, also what it asked to wait with."""
        away = ("unavailable", "unknown", "busy") if asked else ("unavailable", "unknown")
        waiting = and_(ledger.c.target == name, DUE, ledger.c.due_at > now, ledger.c.outcome.in_(away))
        with self.database.write() as connection:
            return connection.execute(update(ledger).where(waiting).values(due_at=now)).rowcount

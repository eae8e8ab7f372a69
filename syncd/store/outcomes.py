"""Outcomes: what calls came to, written for many dossiers at once; what `Ledger.record` does.

For each call an attempt, which is always kept (law L5), and the ledger row of its dossier, all in one transaction. Each row names the token of
its lease; where that no longer stands in the ledger the lease was lost, and the row is left as its new owner made it (law L3). But a
record that went out under a lost lease may have replaced a newer one at the target: the row is marked `overtaken`, and the record goes
again.

Rows are locked in the order of their dossiers, as in every transaction that touches several, so that two of them cannot wait for each
other. PostgreSQL does all of it in one statement, which is given the rows as JSON: one way there and back, and its own commit. SQLite, where
nothing has to travel, runs one prepared statement a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, Dialect, Insert, Select, Update
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg

from syncd.calls import Attempt, Claim, Operation, Outcome, Receipt
from syncd.crypto import Cipher
from syncd.model import Value
from syncd.policy import Next
from syncd.store.database import Database
from syncd.store.statements import HELD, JOURNAL, OUTCOME, OVERTAKEN, RECORD
from syncd.store.types import microseconds

if TYPE_CHECKING:
    from syncd.store.giving_way import GivingWay

_ANSWER_LIMIT = 4000
_NOTHING_SENT = Receipt(outcome=Outcome.DELIVERED)
_MAY_HAVE_ARRIVED = (Outcome.DELIVERED, Outcome.UNKNOWN)


class Entry(Value):
    """What goes into the books of one dossier: how it stands now, and the call that made it so, if there was one."""

    claim: Claim  #: as it stands after the answer
    next: Next
    at: datetime
    due_at: datetime
    attempt: Attempt | None = None


Row = Mapping[str, Any]


def write(database: Database, cipher: Cipher, node: str, entries: Sequence[Entry]) -> set[str]:
    """Write these entries of one target; the subjects whose lease was lost are returned, their rows untouched."""
    lost: set[str] = set()
    for some in _apart(entries):
        rows = [_row(entry) for entry in some]
        attempts = [_attempt_row(cipher, node, entry.attempt) if entry.attempt else None for entry in some]
        lost |= _sqlite(database, rows, attempts) if database.sqlite else _postgresql(database, rows, attempts)
    return lost


def _apart(entries: Sequence[Entry]) -> list[list[Entry]]:
    """The entries in groups that name no dossier twice: who lost its lease may come together with who has it."""
    groups: list[dict[str, Entry]] = []
    for entry in entries:
        group = next((group for group in groups if entry.claim.subject not in group), None)
        if group is None:
            groups.append({entry.claim.subject: entry})
        else:
            group[entry.claim.subject] = entry
    return [list(group.values()) for group in groups]


class _SomeLost(Exception):
    """Not every row was still leased to us."""


def _sqlite(database: Database, rows: Sequence[Row], attempts: Sequence[Row | None]) -> set[str]:
    """Nearly always every lease has held; where not, it begins anew and looks first."""
    made = [each for each in attempts if each]
    with suppress(_SomeLost), database.write() as connection:
        _JOURNAL.run(connection, made)
        if _OUTCOME.run(connection, rows) < len(rows):
            raise _SomeLost
        return set()
    name = rows[0]["t"]
    with database.write() as connection:
        found = connection.execute(HELD, {"t": name, "subjects": [row["s"] for row in rows]})
        held = {(row.subject, row.lease_token) for row in found}
        late = [row for row in rows if (row["s"], row["token"]) not in held]
        _JOURNAL.run(connection, made)
        _OUTCOME.run(connection, [row for row in rows if (row["s"], row["token"]) in held])
        _OVERTAKEN.run(connection, [row for row in late if row["replaced"]])
    return {row["s"] for row in late}


class _Prepared:
    """A statement as a driver takes it: what SQLAlchemy makes of it is made once, not for every row."""

    def __init__(self, statement: Insert | Update | Select[Any], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._text = str(compiled)
        self._names = compiled.positiontup or []
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def found(self, connection: GivingWay, row: Row) -> list[Any]:
        """What it finds with these values."""
        return connection.execute(self._text, self._values(row)).fetchall()

    def run(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Run it with each of these rows; how many rows of the table it changed."""
        if not rows:
            return 0
        return connection.exec_driver_sql(self._text, [self._values(row) for row in rows]).rowcount

    def _values(self, row: Row) -> tuple[Any, ...]:
        return tuple(_stored(row[name]) if name in row else self._fixed[name] for name in self._names)


def _stored(value: Any) -> Any:
    return microseconds(value) if isinstance(value, datetime) else value


_JOURNAL, _OUTCOME, _OVERTAKEN = (_Prepared(statement, sqlite.dialect()) for statement in (JOURNAL, OUTCOME, OVERTAKEN))


@cache
def _record() -> _Prepared:
    return _Prepared(RECORD, psycopg.dialect(paramstyle="numeric_dollar"))  # type: ignore[no-untyped-call]


def _postgresql(database: Database, rows: Sequence[Row], attempts: Sequence[Row | None]) -> set[str]:
    given = msgspec.json.encode(
        [{**row, **{f"attempt_{name}": _hex(value) for name, value in (made or {}).items()}} for row, made in zip(rows, attempts, strict=True)]
    )
    with database.statement() as connection:
        kept = {subject for (subject,) in _record().found(connection, {"rows": given.decode()})}
    return {row["s"] for row in rows} - kept


def _hex(value: Any) -> Any:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value


def _attempt_row(cipher: Cipher, node: str, made: Attempt) -> dict[str, Any]:
    receipt = made.receipt
    return {
        "at": made.at,
        "target": made.target,
        "subject": made.subject,
        "node": node,
        "operation": made.operation.value,
        "outcome": receipt.outcome.value,
        "code": _storable(receipt.code)[:64],
        "message": _storable(receipt.message),
        "duration_ms": round(made.duration * 1000),
        "version": made.version,
        "first_step": made.first_step,
        "last_step": made.last_step,
        "again": made.again,
        "request": cipher.seal(made.request) if made.request else None,
        "answer": cipher.seal(_storable(receipt.text[:_ANSWER_LIMIT]).encode()) if receipt.text else None,
    }


def _storable(text: str) -> str:
    """The text without what a database refuses to hold: an answer in broken text is booked like any other."""
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")


def _row(entry: Entry) -> dict[str, Any]:
    claim, receipt = entry.claim, entry.attempt.receipt if entry.attempt else _NOTHING_SENT
    failed = entry.next in (Next.DEAD, Next.LATER)
    return {
        "t": claim.target,
        "s": claim.subject,
        "token": claim.token,
        "version": claim.version,
        "next": entry.next.value,
        "at": entry.at,
        "due": entry.due_at,
        "created_now": claim.created,
        "sent_version_now": claim.sent_version,
        "sent_digest_now": claim.sent_digest,
        "steps_sent_now": claim.steps_sent,
        "owed_now": ",".join(map(str, claim.owed)),
        "strange_now": claim.strange,
        "adopting_now": claim.adopting,
        "adopted_now": claim.adopted,
        "doubtful_now": receipt.outcome in (Outcome.UNKNOWN, Outcome.CROSSED),
        "failures_now": claim.failures,
        "unsure_now": claim.unsure,
        "doubts_now": claim.doubts,
        "memo_now": _storable(claim.memo),
        "outcome_now": receipt.outcome.value,
        "error_code_now": _storable(receipt.code)[:64] if failed else "",
        "error_message_now": _storable(receipt.message) if failed else "",
        "error_hint_now": _storable(receipt.hint) if failed else "",
        "replaced": entry.attempt is not None and entry.attempt.operation is not Operation.STEPS and receipt.outcome in _MAY_HAVE_ARRIVED,
        "success": entry.attempt is not None and receipt.outcome is Outcome.DELIVERED,
    }

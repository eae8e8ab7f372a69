"""Outcomes: what calls came to, written for many dossiers at once; what `Ledger.record` does.

For each call an attempt, which is always kept (law L5), and the ledger row of its dossier, all in one transaction. Each row names the token of
its lease; where that no longer stands in the ledger the lease was lost, and the row is left as its new owner made it (law L3). But a
record that went out under a lost lease may have replaced a newer one at the target: the row is marked `overtaken`, and the record goes
again. Nearly always every lease has held, so that it is first written as if they had; where one has not, it begins anew and looks first. So does
who writes for the second time, because the first had no answer: what was written then is found, and neither booked nor taken for overtaken again.

Rows are locked in the order of their dossiers, so that two of these cannot wait for each other. PostgreSQL does all of it in one statement, which
is given the rows as JSON: one way there and back, and its own commit. SQLite, where nothing has to travel, runs one prepared statement a row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

from syncd.errors import StoreUnavailable
from syncd.store.database import Database
from syncd.store.direct import PostgresqlStatement, Row, SqliteStatement
from syncd.store.entries import Entry, Lease, Line, Scribe
from syncd.store.statements import HELD, JOURNAL, OUTCOME, OVERTAKEN, RECORD, RECORD_HELD

_DIVISION_BY_ZERO = "22012"  #: SQLSTATE by which `RECORD_HELD` says that some lease was lost
_JOURNAL, _OUTCOME, _OVERTAKEN = SqliteStatement(JOURNAL), SqliteStatement(OUTCOME), SqliteStatement(OVERTAKEN)
_RECORD_HELD, _RECORD = PostgresqlStatement(RECORD_HELD), PostgresqlStatement(RECORD)


class Outcomes(ABC):
    """How a state takes them."""

    def __init__(self, database: Database, scribe: Scribe) -> None:
        self._database = database
        self._scribe = scribe

    def ready(self, entry: Entry) -> Line:
        """The entry as the database will take it: all that takes time, before anybody has to wait for it."""
        line = self._scribe.line(entry)
        return line._replace(given=self._given(line))

    @abstractmethod
    def write(self, lines: Sequence[Line], *, again: bool) -> set[Lease]:
        """Write these of one target, each of another dossier; the leases that were lost are returned, their rows untouched. `again`: these same
        lines may have been written before."""

    @abstractmethod
    def _given(self, line: Line) -> Any:
        """Its ledger row and its attempt, as the statements want them."""


def apart(lines: Sequence[Line]) -> list[list[Line]]:
    """The lines in groups that name no dossier twice: who lost its lease may come together with who has it."""
    groups: list[dict[str, Line]] = []
    for line in lines:
        group = next((group for group in groups if line.lease.subject not in group), None)
        if group is None:
            groups.append({line.lease.subject: line})
        else:
            group[line.lease.subject] = line
    return [list(group.values()) for group in groups]


class _SomeLost(Exception):
    """Not every row was still leased to us."""


class _SqliteOutcomes(Outcomes):
    def _given(self, line: Line) -> Any:
        return _OUTCOME.values(line.row), _JOURNAL.values(line.attempt) if line.attempt else None

    def write(self, lines: Sequence[Line], *, again: bool) -> set[Lease]:
        made = [journal for _, journal in (line.given for line in lines) if journal]
        with suppress(_SomeLost), self._database.write() as connection:
            _JOURNAL.run(connection, made)
            if _OUTCOME.run(connection, [line.given[0] for line in lines]) < len(lines):
                raise _SomeLost
            return set()
        with self._database.write() as connection:
            found = connection.execute(HELD, {"t": lines[0].row["t"], "subjects": [line.lease.subject for line in lines]})
            held = {Lease(row.subject, row.lease_token) for row in found}
            late = [line for line in lines if line.lease not in held]
            _JOURNAL.run(connection, made)
            _OUTCOME.run(connection, [line.given[0] for line in lines if line not in late])
            _OVERTAKEN.run(connection, [_OVERTAKEN.values(line.row) for line in late if line.row["replaced"]])
        return {line.lease for line in late}


class _PostgresqlOutcomes(Outcomes):
    def _given(self, line: Line) -> Any:
        return msgspec.json.encode({**line.row, **{f"attempt_{name}": _hex(value) for name, value in (line.attempt or {}).items()}})

    def write(self, lines: Sequence[Line], *, again: bool) -> set[Lease]:
        given = {"rows": (b"[" + b",".join(line.given for line in lines) + b"]").decode()}
        if not again and self._held(given):
            return set()
        with self._database.statement() as connection:
            kept = {subject for (subject,) in _RECORD.found(connection, given)}
        return {line.lease for line in lines if line.lease.subject not in kept}

    def _held(self, given: Row) -> bool:
        """Write these if every lease has held; whether it has."""
        try:
            with self._database.statement() as connection:
                _RECORD_HELD.found(connection, given)
                return True
        except StoreUnavailable as error:
            if getattr(error.__cause__, "sqlstate", "") == _DIVISION_BY_ZERO:
                return False
            raise


def _hex(value: Any) -> Any:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value


def outcomes(database: Database, scribe: Scribe) -> Outcomes:
    """Those of this state."""
    return _SqliteOutcomes(database, scribe) if database.sqlite else _PostgresqlOutcomes(database, scribe)

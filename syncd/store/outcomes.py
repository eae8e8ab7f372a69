"""Outcomes: what calls came to, written for many dossiers at once; what `Ledger.record` does.

For each call an attempt, which is always kept (law L5), and the ledger row of its dossier, all in one transaction. Each row names the token of
its lease; where that no longer stands in the ledger the lease was lost, and the row is left as its new owner made it (law L3). But a
record that went out under a lost lease may have replaced a newer one at the target: the row is marked `overtaken`, and the record goes
again. Nearly always every lease has held, so that it is first written as if they had; where one has not, it begins anew and looks first.

Rows are locked in the order of their dossiers, as in every transaction that touches several, so that two of them cannot wait for each
other. PostgreSQL does all of it in one statement, which is given the rows as JSON: one way there and back, and its own commit. SQLite, where
nothing has to travel, runs one prepared statement a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

import msgspec

from syncd.errors import StoreUnavailable
from syncd.store.database import Database
from syncd.store.direct import OnPostgresql, OnSqlite
from syncd.store.entries import Entry, Line, Scribe
from syncd.store.statements import HELD, JOURNAL, OUTCOME, OVERTAKEN, RECORD, RECORD_HELD

_DIVISION_BY_ZERO = "22012"  #: SQLSTATE by which `RECORD_HELD` says that some lease was lost
_JOURNAL, _OUTCOME, _OVERTAKEN = OnSqlite(JOURNAL), OnSqlite(OUTCOME), OnSqlite(OVERTAKEN)
_RECORD_HELD, _RECORD = OnPostgresql(RECORD_HELD), OnPostgresql(RECORD)


class Outcomes(Protocol):
    """How a state takes them."""

    def ready(self, entry: Entry) -> Line:
        """The entry as the database will take it: what takes time and nobody has to wait for."""

    def write(self, lines: Sequence[Line]) -> set[str]:
        """Write these of one target; the subjects whose lease was lost are returned, their rows untouched."""


def outcomes(database: Database, scribe: Scribe) -> Outcomes:
    """Those of this state."""
    return _OnSqlite(database, scribe) if database.sqlite else _OnPostgresql(database, scribe)


def _apart(lines: Sequence[Line]) -> list[list[Line]]:
    """The lines in groups that name no dossier twice: who lost its lease may come together with who has it."""
    groups: list[dict[str, Line]] = []
    for line in lines:
        group = next((group for group in groups if line.subject not in group), None)
        if group is None:
            groups.append({line.subject: line})
        else:
            group[line.subject] = line
    return [list(group.values()) for group in groups]


class _SomeLost(Exception):
    """Not every row was still leased to us."""


class _OnSqlite:
    def __init__(self, database: Database, scribe: Scribe) -> None:
        self._database = database
        self._scribe = scribe

    def ready(self, entry: Entry) -> Line:
        line = self._scribe.line(entry)
        return line._replace(given=(_OUTCOME.values(line.row), _JOURNAL.values(line.attempt) if line.attempt else None))

    def write(self, lines: Sequence[Line]) -> set[str]:
        return set().union(*map(self._write, _apart(lines)))

    def _write(self, lines: Sequence[Line]) -> set[str]:
        made = [journal for _, journal in (line.given for line in lines) if journal]
        with suppress(_SomeLost), self._database.write() as connection:
            _JOURNAL.run(connection, made)
            if _OUTCOME.run(connection, [line.given[0] for line in lines]) < len(lines):
                raise _SomeLost
            return set()
        with self._database.write() as connection:
            found = connection.execute(HELD, {"t": lines[0].row["t"], "subjects": [line.subject for line in lines]})
            held = {(row.subject, row.lease_token) for row in found}
            late = [line for line in lines if (line.subject, line.row["token"]) not in held]
            _JOURNAL.run(connection, made)
            _OUTCOME.run(connection, [line.given[0] for line in lines if line not in late])
            _OVERTAKEN.run(connection, [_OVERTAKEN.values(line.row) for line in late if line.row["replaced"]])
        return {line.subject for line in late}


class _OnPostgresql:
    def __init__(self, database: Database, scribe: Scribe) -> None:
        self._database = database
        self._scribe = scribe

    def ready(self, entry: Entry) -> Line:
        line = self._scribe.line(entry)
        journal = {f"attempt_{name}": _hex(value) for name, value in (line.attempt or {}).items()}
        return line._replace(given=msgspec.json.encode({**line.row, **journal}))

    def write(self, lines: Sequence[Line]) -> set[str]:
        return set().union(*map(self._write, _apart(lines)))

    def _write(self, lines: Sequence[Line]) -> set[str]:
        given = {"rows": (b"[" + b",".join(line.given for line in lines) + b"]").decode()}
        try:
            with self._database.statement() as connection:
                _RECORD_HELD.found(connection, given)
                return set()
        except StoreUnavailable as error:
            if getattr(error.__cause__, "sqlstate", "") != _DIVISION_BY_ZERO:
                raise
        with self._database.statement() as connection:
            kept = {subject for (subject,) in _RECORD.found(connection, given)}
        return {line.subject for line in lines} - kept


def _hex(value: Any) -> Any:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value

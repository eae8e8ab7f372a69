"""Many rows at once. SQLite runs one prepared statement a row, for nothing has to travel; PostgreSQL is given each column as an array, all in
one statement, since a row that is sent by itself costs it several times as much, and the client too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnClause, Connection, Insert, String, Table, Text, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

Rows = Sequence[Mapping[str, Any]]  #: with the same columns each, and no key twice


def inserting(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that may say what becomes of rows that are there."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def upsert(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert these rows, or replace those of the same key."""
    if rows:
        statement = inserting(connection, table)
        keys = [column.name for column in table.primary_key]
        values = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        insert(connection, statement.on_conflict_do_update(index_elements=keys, set_=values), rows)


def insert(connection: Connection, statement: Insert, rows: Rows) -> None:
    """Run an insert with these rows, in their order."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(statement, rows)
        return
    names = list(rows[0])
    given = func.unnest(*(_array(statement.table.c[name]) for name in names)).table_valued(*names).render_derived(name="given")
    connection.execute(statement.from_select(names, select(*given.c)), {f"all_{name}": [row[name] for row in rows] for name in names})


def _array(column: ColumnClause[Any]) -> Any:
    """All values of a column. Text is text without a limit here, for PostgreSQL would cut what is too long to a limit that is named."""
    return bindparam(f"all_{column.name}", type_=ARRAY(Text() if isinstance(column.type, String) else column.type))

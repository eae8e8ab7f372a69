"""Statements as a driver takes them: what SQLAlchemy makes of one is made once, not each time it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Insert, Select, Update
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg

from syncd.store.types import microseconds

if TYPE_CHECKING:
    from syncd.store.giving_way import GivingWay

Row = Mapping[str, Any]
_SQLITE, _POSTGRESQL = sqlite.dialect(), psycopg.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


class _Statement:
    """A statement of one dialect, compiled when it is needed first."""

    def __init__(self, statement: Select[Any] | Insert | Update, dialect: Any) -> None:
        self._statement = statement
        self._dialect = dialect

    @cached_property
    def _made(self) -> tuple[str, list[str], Row]:
        """Its text, the names of what it wants, and what of it is always the same."""
        compiled = self._statement.compile(dialect=self._dialect)
        return str(compiled), compiled.positiontup or [], {name: value for name, value in compiled.params.items() if value is not None}

    @property
    def text(self) -> str:
        """As the driver takes it."""
        return self._made[0]

    def values(self, row: Row) -> tuple[Any, ...]:
        """These values, in the order in which it wants them."""
        _, names, fixed = self._made
        return tuple([row[name] if name in row else fixed[name] for name in names])


class SqliteStatement(_Statement):
    """A statement that runs with many rows, within a transaction."""

    def __init__(self, statement: Insert | Update) -> None:
        super().__init__(statement, _SQLITE)

    def values(self, row: Row) -> tuple[Any, ...]:
        """These values, in the order in which it wants them; times are whole microseconds here."""
        return tuple([microseconds(value) if isinstance(value, datetime) else value for value in super().values(row)])

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """Run it with each of these; how many rows of the table it changed."""
        return connection.exec_driver_sql(self.text, list(rows)).rowcount if rows else 0


class PostgresqlStatement(_Statement):
    """A statement that does all at once, and is a transaction of its own."""

    def __init__(self, statement: Select[Any]) -> None:
        super().__init__(statement, _POSTGRESQL)

    def found(self, connection: GivingWay, row: Row) -> list[tuple[Any, ...]]:
        """What it finds with these values."""
        return connection.execute(self.text, self.values(row)).fetchall()

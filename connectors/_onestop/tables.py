"""Reads dossiers with everything that belongs to them: one query for the rows of a page, one for each kind of child."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from connectors._onestop.database import Database, stamp_text
from connectors._onestop.lookups import Lookups
from connectors._onestop.mapping import SourceMapping
from connectors._onestop.queries import Key, Queries, Statement, Values
from connectors._onestop.reader import Children, Reader
from connectors._onestop.settings import Row
from syncd.clock import Clock
from syncd.model import Cursor, Page, Snapshot


@dataclass(frozen=True)
class Start:
    """The source as a poll finds it."""

    present: datetime  #: its own time, naive and local
    top: int  #: highest dossier key; 0 where there is no dossier
    top_step: int
    values: Values  #: the branches of a read by modification time


@dataclass(frozen=True)
class Content:
    """Rows read in full: the snapshots of those that are published, and how each row was stamped."""

    read_at: datetime | None = None  #: the source's own time just before
    snapshots: tuple[Snapshot, ...] = ()
    stamps: tuple[tuple[int, str], ...] = ()
    skipped: int = 0

    def page(self, cursor: Cursor) -> Page:
        """The page to hand over, with the cursor to commit."""
        rows, published = len(self.stamps), len(self.snapshots)
        return Page(snapshots=self.snapshots, cursor=cursor, rows=rows, unpublished=rows - published, skipped_steps=self.skipped)


class Tables:
    """The dossiers of one database."""

    def __init__(self, database: Database, mapping: SourceMapping, reader: Reader, *, page: int, clock: Clock) -> None:
        self.database = database
        self.page = page
        self._mapping = mapping
        self._reader = reader
        self._clock = clock
        self._known: tuple[Queries, Lookups] | None = None
        self._values: Values | None = None

    @contextmanager
    def reading(self) -> Iterator[tuple[Connection, Queries]]:
        """A read-only transaction and the statements for it. The first one looks the tables up in the database's catalogue."""
        with self.database.reading() as connection:
            yield connection, self._prepared(connection)[0]

    def start(self) -> Start:
        """The source as it is now."""
        with self.reading() as (connection, queries):
            return self._start(connection, queries)

    def newest(self) -> tuple[Start, str]:
        """The source as it is now, and the last modification time up to then as text; empty where there is none."""
        with self.reading() as (connection, queries):
            start = self._start(connection, queries)
            return start, stamp_text(queries.newest(connection, start.values, self.database.stamp(stamp_text(start.present))))

    def _start(self, connection: Connection, queries: Queries) -> Start:
        known = queries.no_values if self._values is None else self._values
        top, top_step, *others = connection.execute(queries.marks(known)).one()
        self._values = queries.scan_values(connection) if any(value is not None for value in others) else known
        return Start(present=self.database.present(connection), top=top or 0, top_step=top_step or 0, values=self._values)

    def keys(self, connection: Connection, statement: Statement, **place: Any) -> list[Key]:
        """Keys with whatever stands beside them."""
        return [(int(key), beside) for key, beside in connection.execute(statement, place).all()]

    def by_ids(self, connection: Connection, ids: Sequence[int]) -> Content:
        """The dossiers with these keys, in this order."""
        if not ids:
            return Content()
        order = {key: place for place, key in enumerate(ids)}
        rows = self.rows(connection, self._prepared(connection)[0].by_ids, ids=ids)
        return self.content(connection, sorted(rows, key=lambda row: order[self.key(row)]))

    def rows(self, connection: Connection, statement: Statement, **parameters: Any) -> list[Row]:
        """Dossier rows by the names the mapping uses."""
        return [dict(zip(self._mapping.dossier, row, strict=True)) for row in connection.execute(statement, parameters).all()]

    def content(self, connection: Connection, rows: Sequence[Row]) -> Content:
        """The snapshots of these rows, children and look-ups included."""
        read_at = self.database.present(connection)
        published = [row for row in rows if self._reader.publishes(row)]
        read = self._snapshots(connection, published) if published else []
        modified = self._mapping.settings.dossier.modified
        stamps = tuple((self.key(row), stamp_text(row[modified])) for row in rows)
        return Content(read_at, tuple(snapshot for snapshot, _ in read), stamps, sum(skipped for _, skipped in read))

    def key(self, row: Row) -> int:
        """The primary key of a dossier's row."""
        return int(row[self._mapping.settings.dossier.key])

    def _snapshots(self, connection: Connection, rows: Sequence[Row]) -> list[tuple[Snapshot, int]]:
        queries, lookups = self._prepared(connection)
        children = self._children(connection, queries, [self.key(row) for row in rows])
        found = lookups.of(connection, rows)
        return [self._reader.read(row, children, found) for row in rows]

    @staticmethod
    def _children(connection: Connection, queries: Queries, ids: Sequence[int]) -> Children:
        """Children by kind and dossier, in order of their keys, those without one first: sorted here, lest a database read its whole
        primary key to sort."""
        children: dict[str, dict[int, list[Row]]] = {}
        for kind, (statement, columns, table) in queries.children.items():
            of = children[kind] = defaultdict(list)
            rows = [dict(zip(columns, values, strict=True)) for values in connection.execute(statement, {"ids": ids}).all()]
            for row in sorted(rows, key=lambda row: (row[table.key] is not None, row[table.key])):
                of[int(row[table.dossier])].append(row)
        return children

    def _prepared(self, connection: Connection) -> tuple[Queries, Lookups]:
        if self._known is None:
            queries = Queries(connection, self._mapping, self.page)
            self._known = queries, Lookups(self._mapping, queries, self._clock)
        return self._known

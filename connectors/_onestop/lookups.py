"""The code tables beside the dossiers: small ones are read whole and kept for a few minutes, large ones a page at a time.

Where two rows have one key the later in the order of their columns stands, on every database the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from connectors._onestop.mapping import SourceMapping, lookup_columns
from connectors._onestop.queries import Queries
from connectors._onestop.reader import key_of
from connectors._onestop.settings import Row, all_hold
from connectors._onestop.status import Found
from syncd.clock import Clock

KEPT = timedelta(minutes=3)


class Lookups:
    """The look-up rows for a page of dossiers."""

    def __init__(self, mapping: SourceMapping, queries: Queries, clock: Clock) -> None:
        self._settings = mapping.settings
        self._queries = queries
        self._clock = clock
        self._read_at = float("-inf")
        self._kept: Mapping[str, Found] = {}

    def of(self, connection: Connection, rows: Sequence[Row]) -> dict[str, Found]:
        """Every look-up, complete as far as `rows` need it."""
        if self._clock.monotonic() - self._read_at >= KEPT.total_seconds():
            self._kept = {name: self._read(connection, name, {}) for name, lookup in self._settings.lookups.items() if lookup.cached}
            self._read_at = self._clock.monotonic()
        return {**self._kept, **{name: self._needed(connection, name, rows) for name, lookup in self._settings.lookups.items() if not lookup.cached}}

    def _needed(self, connection: Connection, name: str, rows: Iterable[Row]) -> Found:
        keys = sorted({key for row in rows if (key := key_of(row, self._settings.lookups[name].of)[0])})
        return self._read(connection, name, {"keys": keys}) if keys else {}

    def _read(self, connection: Connection, name: str, parameters: Mapping[str, Any]) -> Found:
        lookup, columns = self._settings.lookups[name], lookup_columns(self._settings, name)
        wanted = all_hold(lookup.where)
        rows = (dict(zip(columns, row, strict=True)) for row in connection.execute(self._queries.lookup(name), parameters))
        return {key_of(row, lookup.by): row for row in rows if wanted(row)}

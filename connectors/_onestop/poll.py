"""One poll: everything that may have changed since the cursor, a page at a time.

Modification times cannot be trusted alone: a transaction is committed later than its time says, rows share a time, a clock is set back,
a time is missing. So four ways lead to a dossier, each a few short index reads when nothing has happened:

1. *steps* with keys above the highest seen: their dossiers are read whatever their time says;
2. *dossiers* with keys above the highest seen, likewise;
3. the *window*: all keys by (modified, key) from `overlap` behind the cursor on. Most were read before (see `Window`) and cost
   no more than their key. The window begins behind the source's own present time too, and the cursor never passes that time: where
   the clock is set back, or rows are stamped in the future, the rows that follow are inside;
4. rows *without a time*: a twentieth of a page of them each poll, round and round; digests tell what is new. The first poll reads
   them all.

Where much is changed the window alone would hold thousands of keys at each poll. So while it is *crowded*, with more than a page in it, a
poll lists its last twentieth only, and the whole once in a twentieth of the overlap of the source's time. With an overlap of 5 minutes:
what is committed up to 15 seconds after its time is found at the next poll, as ever; what is committed later than that, but
within the overlap, by the first poll that begins 15 seconds after the last whole one. For that the whole listing begins a twentieth
further back: no cursor has advanced by more since the last one, which saw everything committed until then, so whatever was committed
afterwards with a time inside the overlap is still ahead of it. That holds over restarts and between nodes, whose first listing is whole.

Each page is a transaction of its own, so that none stays open while pages are delivered. The highest keys are taken at the
start: what is added while the poll runs belongs to the next one. A poll that is given up half way leaves the cursor of its last committed
page, from which the next one goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import Connection

from connectors._onestop.database import stamp_text
from connectors._onestop.queries import Key, Queries, Statement
from connectors._onestop.tables import Content, Start, Tables
from connectors._onestop.window import Window
from syncd.model import Cursor, Page

PARTS = 20  #: of the overlap, of a page of rows without a time


class Poll:
    """One run from a cursor to the source's present."""

    def __init__(self, tables: Tables, window: Window, start: Start, cursor: Cursor | None, overlap: timedelta) -> None:
        self._tables = tables
        self._window = window
        self._start = start
        self._part = overlap / PARTS
        self._whole = window.whole_due(start.present, self._part)
        self._reach = overlap + self._part
        self._first = cursor is None
        self._begun = cursor or Cursor(top=start.top, top_step=start.top_step)
        self._place = {field: getattr(self._begun, field) for field in Cursor.__struct_fields__}
        self._committed = cursor
        self._read: dict[int, str] = {}

    def pages(self) -> Iterator[Page]:
        """The pages of this poll; asking for the next one says that the last one is committed."""
        yield from self._beyond("top_step", self._start.top_step, lambda queries: queries.new_steps, lambda keys: [of for _, of in keys if of is not None])
        yield from self._beyond("top", self._start.top, lambda queries: queries.new, lambda keys: [key for key, _ in keys])
        yield from self._changed()
        yield from self._unstamped()

    def _beyond(self, field: str, upto: int, statement: Callable[[Queries], Statement], dossiers: Callable[[list[Key]], Iterable[int]]) -> Iterator[Page]:
        while (place := self._place[field]) < upto:
            with self._tables.reading() as (connection, queries):
                keys = self._tables.keys(connection, statement(queries), after=place, upto=upto)
                content = self._tables.by_ids(connection, [key for key in dict.fromkeys(dossiers(keys)) if key not in self._read])
            self._read.update(content.stamps)
            self._place[field] = keys[-1][0] if len(keys) == self._tables.page else upto
            yield from self._hand_over(content)

    def _changed(self) -> Iterator[Page]:
        stamp, key, more, listed = self._behind(self._reach if self._whole else self._part), 0, True, 0
        while more:
            with self._tables.reading() as (connection, queries):
                keys = self._changed_keys(connection, queries, stamp, key)
                content = self._tables.by_ids(connection, self._unread(keys))
            more, listed = len(keys) == self._tables.page, listed + len(keys)
            if keys:
                key, stamp = keys[-1][0], stamp_text(keys[-1][1])
                self._advance(key, stamp)
            yield from self._hand_over(content)
        if self._whole:
            self._window.note_whole(self._start.present, listed)

    def _unstamped(self) -> Iterator[Page]:
        more, portion = True, self._tables.page if self._first else ceil(self._tables.page / PARTS)
        while more:
            with self._tables.reading() as (connection, queries):
                keys = self._round(connection, queries)
                content = self._tables.by_ids(connection, [key for key in keys[:portion] if key not in self._read])
            self._place["unstamped"] = keys[portion - 1] if len(keys) >= portion else 0
            more = self._first and self._place["unstamped"] > 0
            yield from self._hand_over(content)

    def _round(self, connection: Connection, queries: Queries) -> list[int]:
        """Keys of rows without a time from where the round stands; none at its end."""
        place = self._place["unstamped"]
        if not (keys := self._window.ahead(place)):
            keys = [key for key, _ in self._tables.keys(connection, queries.unstamped(self._start.values), after=place)]
            self._window.note_round(place, keys)
        return keys

    def _hand_over(self, content: Content) -> Iterator[Page]:
        cursor = Cursor(**self._place)
        if content.stamps or cursor != self._committed:
            yield content.page(cursor)
            self._committed = cursor
            if content.read_at is not None:
                self._window.note({key: stamp for key, stamp in content.stamps if stamp}, content.read_at)
            self._window.prune(self._behind(self._reach))

    def _changed_keys(self, connection: Connection, queries: Queries, stamp: str, key: int) -> list[Key]:
        place = self._tables.database.stamp(stamp)
        return self._tables.keys(connection, queries.changed(self._start.values), stamp=place, after=key)

    def _unread(self, keys: Iterable[tuple[int, Any]]) -> list[int]:
        return self._window.unread((key, modified) for key, modified in keys if self._read.get(key) != stamp_text(modified))

    def _advance(self, key: int, stamp: str) -> None:
        """Move the cursor to this key, not behind where the poll began and never past the source's present."""
        modified, key = max((stamp, key), (self._begun.modified, self._begun.id))
        self._place |= {"id": key, "modified": min(modified, stamp_text(self._start.present))}

    def _behind(self, span: timedelta) -> str:
        """So much behind the cursor, or behind the present where that is earlier."""
        try:
            reached = datetime.fromisoformat(self._place["modified"])
            return stamp_text(min(reached, self._start.present.replace(tzinfo=reached.tzinfo)) - span)
        except (ValueError, OverflowError):
            return self._tables.database.floor

"""The nodes of one state: which daemons share it, since when, and when each was last heard of.

A daemon enters under its node's name with an incarnation of its own, and beats every few seconds. A beat that finds another
incarnation in its row has learnt that a second daemon was started under the same name, which ended this one's leases: this one
must stop. The beat also brings back what an administrator said of the node: whether it drains.

A node that drains claims nothing, gives back what it holds, and lives on; that stays so over restarts until it is resumed. One that
was not heard of for `GONE_AFTER` is gone, and is forgotten after `FORGOTTEN_AFTER`.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, inspect, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from syncd import __version__
from syncd.clock import Clock, StateClock
from syncd.errors import AlreadyRunning, StoreUnavailable
from syncd.store import schema
from syncd.store.database import Database
from syncd.store.schema import node

GONE_AFTER = timedelta(seconds=30)  #: six beats
FORGOTTEN_AFTER = timedelta(days=7)
SKEW_LIMIT = 5.0  #: seconds that a machine's clock may differ from the database's; what a lease leaves between two nodes (`deliver`)
_DOUBT = 0.5  #: seconds that the database's clock may be unknown by
_TRIES = 3


class Nodes:
    """The nodes of one state, as one of them sees it."""

    def __init__(self, database: Database, name: str) -> None:
        self.database = database
        self.name = name
        self.incarnation = ""

    def enter(self, now: datetime, skew: float | None) -> bool:
        """Begin under this name; whether the node drains."""
        self.incarnation = secrets.token_hex(8)
        with self.database.write() as connection:
            return self._enter(connection, now, skew)

    def beat(self, now: datetime, skew: float | None) -> bool:
        """Be heard of; whether the node drains. Raises `AlreadyRunning` where another daemon has begun under this name."""
        mine = (node.c.name == self.name, node.c.incarnation == self.incarnation)
        beat = update(node).where(*mine).values(last_seen=now, clock_skew=skew).returning(node.c.draining)
        with self.database.write() as connection:
            draining = connection.execute(beat).scalar()
            if draining is not None:
                return bool(draining)
            if connection.execute(select(node.c.incarnation).where(node.c.name == self.name)).scalar():
                raise AlreadyRunning(f"Another daemon has begun as node {self.name!r}; this one stops.", hint="give each daemon its own daemon.node")
            return self._enter(connection, now, skew)

    def leave(self, now: datetime) -> None:
        """Say that this daemon has ended."""
        mine = (node.c.name == self.name, node.c.incarnation == self.incarnation)
        with self.database.write() as connection:
            connection.execute(update(node).where(*mine).values(incarnation="", last_seen=now))

    def forget(self, now: datetime) -> int:
        """Drop the rows of nodes that have long been gone; how many there were."""
        with self.database.write() as connection:
            return connection.execute(node.delete().where(node.c.last_seen < now - FORGOTTEN_AFTER)).rowcount

    def _enter(self, connection: Connection, now: datetime, skew: float | None) -> bool:
        values: dict[str, Any] = {
            "incarnation": self.incarnation,
            "version": __version__,
            "schema": schema.VERSION,
            "since": now,
            "last_seen": now,
            "clock_skew": skew,
        }
        insert = (sqlite if self.database.sqlite else postgresql).insert(node).values(name=self.name, **values)
        return bool(connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=values).returning(node.c.draining)).scalar_one())


def gone(now: datetime) -> Any:
    """The condition of a node that is not there."""
    return or_(node.c.incarnation == "", node.c.last_seen < now - GONE_AFTER)


def left_behind(database: Database, compatible: int, now: datetime) -> list[str]:
    """The nodes that run code older than the schema `compatible`; before there is a table of nodes, none is known."""
    with database.read() as connection:
        if not inspect(connection).has_table(node.name):
            return []
        return list(connection.execute(select(node.c.name).where(~gone(now), node.c.schema < compatible).order_by(node.c.name)).scalars())


def clock_of(database: Database, own: Clock) -> Clock:
    """The time of a state: its database's where nodes may share one, else the machine's own. Raises `StoreUnavailable`."""
    if database.sqlite:
        return own
    clock = StateClock(own)
    read_clock(database, clock)
    return clock


def read_clock(database: Database, clock: Clock) -> None:
    """Let a clock that follows the state's agree with it. Raises `StoreUnavailable`, also where the answers come too slowly to
    tell the time by."""
    if not isinstance(clock, StateClock):
        return
    for _ in range(_TRIES):
        with database.read() as connection:
            asked = clock.monotonic()
            theirs: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
            clock.agree(theirs, asked, clock.monotonic())
        if clock.doubt <= _DOUBT:
            return
    raise StoreUnavailable("The state database answers too slowly to tell the time by.", hint="look at its load and at the line to it")

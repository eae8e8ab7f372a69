"""How the source, the targets and the nodes stand, in numbers: what `syncd status` shows.

A few grouped statements whatever the number of targets. What is due, leased or stopped is counted in the partial indexes of
the ledger (the states are written as literals, which is what lets a database use them); what is in sync is the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, func, literal_column, select

from syncd.model import Cursor, Value
from syncd.store.database import Database
from syncd.store.nodes import gone
from syncd.store.schema import attempt, lease, ledger, node, snapshot, source_cursor
from syncd.store.schema import target as targets

RATE_SPAN = timedelta(minutes=1)


class SourceStatus(Value):
    """How far the one-stop has been read."""

    cursor: str | None  #: modification time of the last row passed, as the source writes it
    last_poll: datetime | None
    last_sweep: datetime | None  #: when a reading of every dossier last came to its end
    lag_seconds: float | None
    dossiers: int
    suspicion: str  #: why polling has stopped, or ""


class TargetStatus(Value):
    """How one target stands."""

    due: int
    leased: int
    dead: int
    held: int
    in_sync: int
    oldest_due_seconds: float | None
    breaker: str
    paused: bool
    reason: str  #: of the pause
    last_success: datetime | None
    rate: float  #: acknowledged calls a minute, over the last minute


class NodeStatus(Value):
    """How one node stands."""

    node: str
    version: str
    since: datetime  #: when its daemon began
    last_seen: datetime
    state: str  #: active | draining | gone
    clock_skew_seconds: float | None  #: how far its clock is ahead of the database's; None where they are one machine's
    leases: tuple[str, ...]  #: the named ones
    deliveries: int  #: dossiers it has leased at this moment


def source_status(database: Database, name: str = "onestop") -> SourceStatus:
    """How the source stands."""
    with database.read() as connection:
        row = connection.execute(select(source_cursor).where(source_cursor.c.name == name)).one_or_none()
        dossiers = connection.execute(select(func.count()).select_from(snapshot)).scalar_one()
    if row is None:
        return SourceStatus(cursor=None, last_poll=None, last_sweep=None, lag_seconds=None, dossiers=dossiers, suspicion="")
    passed = msgspec.json.decode(row.cursor, type=Cursor).modified if row.cursor else None
    return SourceStatus(
        cursor=passed or None, last_poll=row.polled_at, last_sweep=row.swept_at, lag_seconds=row.lag, dossiers=dossiers, suspicion=row.suspicion
    )


def target_status(database: Database, names: Sequence[str], now: datetime) -> dict[str, TargetStatus]:
    """How each of these targets stands."""
    with database.read() as connection:
        total = _by_target(connection, select(ledger.c.target, func.count().label("n")))
        due = _by_target(connection, select(ledger.c.target, func.count().label("n"), func.min(ledger.c.due_at).label("oldest")).where(_state("due")))
        leased = _by_target(connection, select(ledger.c.target, func.count().label("n")).where(_state("leased")))
        stopped = _by_target(connection, _COUNT_STOPPED)
        sent = select(attempt.c.target, func.count().label("n")).where(attempt.c.at > now - RATE_SPAN, attempt.c.outcome == "delivered")
        rate = {row.target: row.n for row in connection.execute(sent.group_by(attempt.c.target))}
        notes = {row.name: row for row in connection.execute(select(targets))}
    return {name: _target_of(now, total.get(name), due.get(name), leased.get(name), stopped.get(name), notes.get(name), rate.get(name, 0)) for name in names}


def node_status(database: Database, now: datetime) -> list[NodeStatus]:
    """How each node stands, by name."""
    with database.read() as connection:
        rows = connection.execute(select(node, gone(now).label("gone")).order_by(node.c.name)).all()
        held = connection.execute(select(lease.c.name, lease.c.holder).where(lease.c.until > now).order_by(lease.c.name)).all()
        leased = connection.execute(select(ledger.c.lease_node, func.count().label("n")).where(_state("leased")).group_by(ledger.c.lease_node))
        deliveries = {row.lease_node: row.n for row in leased}
    return [
        NodeStatus(
            node=row.name,
            version=row.version,
            since=row.since,
            last_seen=row.last_seen,
            state="gone" if row.gone else "draining" if row.draining else "active",
            clock_skew_seconds=row.clock_skew,
            leases=tuple(each.name for each in held if each.holder.partition("#")[0] == row.name),
            deliveries=deliveries.get(row.name, 0),
        )
        for row in rows
    ]


def _state(word: str) -> ColumnElement[bool]:
    return ledger.c.state == literal_column(f"'{word}'")


_COUNT_STOPPED = select(ledger.c.target, func.count().label("n"), func.count().filter(_state("dead")).label("dead")).where(
    ledger.c.state.in_([literal_column("'dead'"), literal_column("'held'")])
)


def _by_target(connection: Connection, query: Select[Any]) -> dict[str, Row[Any]]:
    return {row.target: row for row in connection.execute(query.group_by(ledger.c.target))}


def _target_of(now: datetime, total: Any, due: Any, leased: Any, stopped: Any, note: Any, rate: int) -> TargetStatus:
    moving = sum(row.n for row in (due, leased, stopped) if row)
    return TargetStatus(
        due=due.n if due else 0,
        leased=leased.n if leased else 0,
        dead=stopped.dead if stopped else 0,
        held=stopped.n - stopped.dead if stopped else 0,
        in_sync=max(total.n - moving, 0) if total else 0,
        oldest_due_seconds=max((now - due.oldest).total_seconds(), 0.0) if due else None,
        breaker=note.breaker if note else "closed",
        paused=bool(note and note.paused),
        reason=note.reason if note else "",
        last_success=note.last_success if note else None,
        rate=float(rate),
    )

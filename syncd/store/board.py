"""The board: what the threads and nodes of syncd tell each other through the state, beside the ledger.

Targets (paused, asked to wait, breaker), named leases with a term that fences an old holder, and the cursor's margin notes
(lag, suspicion, how far the sweep has come).

A lease is taken for a term and renewed by its holder. Whoever takes it over begins a new term with a number of its own (`Fence`);
what the old holder writes under the old number, in the same transaction that looks for it, is undone. So a node that was stopped
past its term and wakes up can overwrite nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, func, literal_column, not_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from syncd.errors import LeaseLost
from syncd.model import Value
from syncd.policy import Breaker
from syncd.store.database import Database
from syncd.store.schema import attempt, change, lease, ledger, snapshot, source_cursor, target


class TargetNote(Value):
    """What the board says of a target."""

    paused: bool = False
    reason: str = ""
    wait_until: datetime | None = None
    origin: str = ""  #: fresh | adopt; empty until it is known whether the target had dossiers before us


class SourceNote(Value):
    """What the board says of the source."""

    sweep_after: int = 0
    swept_at: datetime | None = None
    suspicion: str = ""
    accepted: bool = False


class Counts(Value):
    """How many rows of one target are where."""

    due: int = 0
    leased: int = 0
    dead: int = 0
    in_sync: int = 0
    held: int = 0
    oldest_due: datetime | None = None


class Backlog(Value):
    """What a target has not got."""

    due: int = 0
    dead: int = 0
    oldest_due: datetime | None = None


class Fence(Value):
    """A named lease as its holder knows it: a write under it fails once somebody else has begun a new term."""

    name: str
    holder: str
    number: int
    term: timedelta


class Board:
    """The notes of one state."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def enlist(self, names: list[str]) -> None:
        """Make sure that each target has a row."""
        self._ensure(target, names)

    def target(self, name: str) -> TargetNote:
        """What is noted of a target."""
        with self.database.read() as connection:
            row = connection.execute(_TARGET, {"name": name}).one_or_none()
        return TargetNote(paused=row.paused, reason=row.reason, wait_until=row.wait_until, origin=row.origin) if row else TargetNote()

    def pause(self, name: str, reason: str) -> None:
        """Stop deliveries to a target until a person resumes it."""
        self._set_target(name, paused=True, reason=reason)

    def settle_origin(self, name: str, origin: str) -> None:
        """Note what a target had before us, once that is known."""
        self._set_target(name, origin=origin)

    def find_fresh(self, name: str, strange: str) -> bool:
        """Note that a target had nothing of ours, unless another node has found it `strange` meanwhile; whether it is settled."""
        unlike = and_(target.c.name == name, target.c.origin == "", not_(and_(target.c.paused, target.c.reason == strange)))
        with self.database.write() as connection:
            connection.execute(update(target).where(unlike).values(origin="fresh"))
            return bool(connection.execute(select(target.c.origin).where(target.c.name == name)).scalar())

    def find_strange(self, name: str, strange: str) -> bool:
        """Pause a target that shows what nobody here told it of; False where another node, which settles that before it tells
        anything, may have told it meanwhile."""
        unsettled = and_(target.c.name == name, target.c.origin == "")
        with self.database.write() as connection:
            return connection.execute(update(target).where(unsettled).values(paused=True, reason=strange)).rowcount > 0

    def ask_to_wait(self, name: str, until: datetime) -> None:
        """Note that the target asked for patience."""
        self._set_target(name, wait_until=until)

    def breaker(self, name: str, breaker: Breaker) -> None:
        """Show a breaker's position to the other processes."""
        self._set_target(name, breaker=breaker.state.value, breaker_until=breaker.until)

    def success(self, name: str, at: datetime) -> None:
        """Note when a target last took something."""
        self._set_target(name, last_success=at)

    def _set_target(self, name: str, **values: Any) -> None:
        with self.database.write() as connection:
            connection.execute(update(target).where(target.c.name == name).values(**values))

    def source(self, name: str = "onestop") -> SourceNote:
        """What is noted of the source."""
        with self.database.read() as connection:
            row = connection.execute(select(source_cursor).where(source_cursor.c.name == name)).one_or_none()
        if row is None:
            return SourceNote()
        return SourceNote(sweep_after=row.sweep_after, swept_at=row.swept_at, suspicion=row.suspicion, accepted=row.accepted)

    def note_source(self, name: str = "onestop", fence: Fence | None = None, **values: Any) -> None:
        """Write notes of the source: lag, suspicion, accepted, sweep_after, swept_at. Raises `LeaseLost` where it is made under a
        fence and another node has the lease."""
        insert = (sqlite if self.database.sqlite else postgresql).insert(source_cursor).values(name=name, **values)
        with self.database.write() as connection:
            if fence is not None:
                demand(connection, fence)
            connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=values))

    def began(self) -> datetime | None:
        """When the first dossier was taken in, as far back as changes are kept."""
        with self.database.read() as connection:
            return connection.execute(select(func.min(change.c.at))).scalar()

    def swept(self) -> datetime | None:
        """When every dossier was last read: by a whole sweep or, before there was one, by the first poll."""
        return self.source().swept_at or self.began()

    def dossiers(self) -> int:
        """How many dossiers are known."""
        with self.database.read() as connection:
            return connection.execute(select(func.count()).select_from(snapshot)).scalar_one()

    def counts(self, name: str) -> Counts:
        """Where the rows of a target are."""
        with self.database.read() as connection:
            rows = {row.state: row for row in connection.execute(_COUNTS, {"name": name})}
        number = {state: row.n for state, row in rows.items()}
        return Counts(
            due=number.get("due", 0),
            leased=number.get("leased", 0),
            dead=number.get("dead", 0),
            in_sync=number.get("idle", 0),
            held=number.get("held", 0),
            oldest_due=rows["due"].oldest if "due" in rows else None,
        )

    def backlog(self, name: str) -> Backlog:
        """What waits for a target: read where only that is, for each node does so every few seconds."""
        with self.database.read() as connection:
            due = connection.execute(_DUE, {"name": name}).one()
            stopped = connection.execute(_STOPPED, {"name": name}).all()
        return Backlog(due=due.n, dead=sum(row.n for row in stopped if row.state == "dead"), oldest_due=due.oldest)

    def lease(self, name: str, holder: str, now: datetime, term: timedelta) -> Fence | None:
        """Take or renew a named lease; None while somebody else holds it."""
        insert = (sqlite if self.database.sqlite else postgresql).insert(lease)
        mine = or_(lease.c.holder == holder, lease.c.until <= now)
        renewed = case((lease.c.holder == holder, lease.c.term), else_=lease.c.term + 1)
        statement = insert.values(name=name, holder=holder, term=1, until=now + term).on_conflict_do_update(
            index_elements=["name"], set_={"holder": holder, "until": now + term, "term": renewed}, where=mine
        )
        with self.database.write() as connection:
            number = connection.execute(statement.returning(lease.c.term)).scalar()
        return None if number is None else Fence(name=name, holder=holder, number=number, term=term)

    def keep(self, fences: Iterable[Fence], now: datetime) -> None:
        """Extend leases whose work goes on, as far as they are still in the term that their holder knows."""
        rows = [{"n": fence.name, "h": fence.holder, "t": fence.number, "u": now + fence.term} for fence in fences]
        if rows:
            with self.database.write() as connection:
                connection.execute(_KEEP, rows)

    def holder(self, name: str, at: datetime | None = None) -> str | None:
        """Who holds a named lease at that moment; without one, also who held it last."""
        query = select(lease.c.holder).where(lease.c.name == name)
        with self.database.read() as connection:
            return connection.execute(query if at is None else query.where(lease.c.until > at)).scalar()

    def yield_lease(self, holder: str, now: datetime) -> None:
        """Give up every named lease, so that another node need not wait for their end."""
        with self.database.write() as connection:
            connection.execute(update(lease).where(lease.c.holder == holder).values(until=now))

    def prune(self, before: datetime, limit: int) -> int:
        """Remove up to `limit` attempts and changes older than `before`; how many there were."""
        with self.database.write() as connection:
            return sum(_prune(connection, table, before, limit) for table in (attempt, change))

    def _ensure(self, table: Any, names: list[str]) -> None:
        if not names:
            return
        insert = (sqlite if self.database.sqlite else postgresql).insert(table)
        with self.database.write() as connection:
            connection.execute(insert.on_conflict_do_nothing(), [{"name": name} for name in names])


def renew(connection: Connection, fence: Fence, now: datetime) -> None:
    """Extend a lease inside a transaction of its holder. Raises `LeaseLost`, which undoes the transaction."""
    if connection.execute(update(lease).where(*_held(fence)).values(until=now + fence.term)).rowcount == 0:
        raise _lost(fence)


def demand(connection: Connection, fence: Fence) -> None:
    """Hold a lease fast in a transaction of its holder, and leave its end as it is. Raises `LeaseLost`, which undoes the
    transaction."""
    held = select(lease.c.name).where(*_held(fence))
    if connection.execute(held.with_for_update(read=True)).scalar() is None:
        raise _lost(fence)


def _held(fence: Fence) -> tuple[ColumnElement[bool], ...]:
    return (lease.c.name == fence.name, lease.c.holder == fence.holder, lease.c.term == fence.number)


def _lost(fence: Fence) -> LeaseLost:
    return LeaseLost(f"The lease {fence.name!r} has gone to another node.", hint="nothing to do: that node goes on")


def _prune(connection: Any, table: Any, before: datetime, limit: int) -> int:
    old = select(table.c.id).where(table.c.at < before).order_by(table.c.at).limit(limit)
    return int(connection.execute(table.delete().where(table.c.id.in_(old.scalar_subquery()))).rowcount)


_TARGET = select(target).where(target.c.name == bindparam("name"))
_KEEP = (
    update(lease)
    .where(lease.c.name == bindparam("n"), lease.c.holder == bindparam("h"), lease.c.term == bindparam("t"))
    .values(until=bindparam("u", type_=lease.c.until.type))
)
# Written out, not bound: see `statements`.
_DUE = select(func.count().label("n"), func.min(ledger.c.due_at).label("oldest")).where(
    ledger.c.target == bindparam("name"), ledger.c.state == literal_column("'due'")
)
_STOPPED = (
    select(ledger.c.state, func.count().label("n"))
    .where(ledger.c.target == bindparam("name"), ledger.c.state.in_([literal_column("'dead'"), literal_column("'held'")]))
    .group_by(ledger.c.state)
)
_COUNTS = (
    select(ledger.c.state, func.count().label("n"), func.min(ledger.c.due_at).label("oldest"))
    .where(ledger.c.target == bindparam("name"))
    .group_by(ledger.c.state)
)

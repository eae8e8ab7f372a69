"""Raising: the ledger rows of targets learn what these should have now.

A row that was idle, dead or held becomes due by it; one that is leased compares itself when its delivery ends (`statements`). One whose steps
went twice without an answer stays with the person who is to look: whatever else is changed, they must not go a third time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, and_, case, delete, func, literal, null, or_, select

from syncd.model import Kind, Value
from syncd.store import bulk
from syncd.store.schema import ledger, matter, snapshot, target
from syncd.turns import UNKNOWN_TWICE


class Wanted(Value):
    """What should stand in the ledger of a target."""

    target: str
    subject: str
    version: int
    digest: str
    dossier: str = ""  #: that it belongs to
    steps: int = 0  #: place of the last step


def raise_rows(connection: Connection, wanted: Sequence[Wanted], now: datetime, newcomers: Mapping[str, datetime | None] | None = None) -> None:
    """Tell the ledger what the targets should have now. `newcomers` are dossiers taken in for the first time, with the time
    of their reception: a target from which such are adopted is asked about them before anything goes."""
    adopting = {row.name: row.origin_at for row in connection.execute(_ADOPTING)}

    def since(each: Wanted) -> datetime | None:
        moment, belongs = adopting.get(each.target), each.dossier or each.subject
        if moment is None or belongs not in (newcomers or {}):
            return None
        received = (newcomers or {})[belongs]
        return moment if received is None or received <= moment else None

    rows = [
        {
            "target": each.target,
            "subject": each.subject,
            "adopting": since(each),
            "unsure": since(each) is not None,
            "state": "due",
            "due_at": now,
            "wanted_version": each.version,
            "wanted_digest": each.digest,
            "steps_wanted": each.steps,
        }
        for each in sorted(wanted, key=attrgetter("target", "subject"))
    ]
    bulk.insert(connection, _raising(connection, bulk.inserting(connection, ledger)), rows)


def _raising(connection: Connection, insert: Any) -> Any:
    """The insert, which for rows that are there tells them what the target should have now."""
    new, old = insert.excluded, ledger.c
    fewer = func.min if connection.dialect.name == "sqlite" else func.least
    settled = and_(old.sent_digest == new.wanted_digest, old.steps_sent >= new.steps_wanted, old.owed == "")
    left = and_(old.state == "dead", old.error_code == UNKNOWN_TWICE)
    stopped = and_(or_(old.state == "dead", old.state == "held"), ~left)
    resting = or_(old.state == "idle", stopped)
    return insert.on_conflict_do_update(
        index_elements=["target", "subject"],
        where=old.wanted_version < new.wanted_version,
        set_={
            "wanted_version": new.wanted_version,
            "wanted_digest": new.wanted_digest,
            "steps_wanted": new.steps_wanted,
            "state": case((or_(old.state == "leased", left), old.state), (settled, "idle"), else_="due"),
            "due_at": case((resting, new.due_at), else_=old.due_at),
            "failures": case((stopped, 0), else_=old.failures),
            "doubts": case((stopped, fewer(old.doubts, 1)), else_=old.doubts),
            "stopped_at": case((left, old.stopped_at), else_=null()),
            "error_code": case((stopped, ""), else_=old.error_code),
            "error_message": case((stopped, ""), else_=old.error_message),
            "error_hint": case((stopped, ""), else_=old.error_hint),
        },
    )


def raise_all(connection: Connection, dossiers: Sequence[str], offices: Mapping[str, Sequence[str]], statistics: Sequence[str], now: datetime) -> int:
    """Bring the ledger of all these targets up to what is stored: those that take dossiers, document systems with the agencies whose drafts they take,
    and those that take statistics. How many rows were made or raised.

    What is looked up for each row is asked as a question of its own, not joined: a joined table is held row against row where PostgreSQL has no
    statistics of it yet, as after a restart within the first load."""
    for name in offices:
        connection.execute(_drafts_of_others(name, [agency for other, agencies in offices.items() if other != name for agency in agencies]))
    absent = [_dossiers_behind(name, now) for name in dossiers]
    absent += [_matters_behind(name, Kind.DRAFT, agencies, now) for name, agencies in offices.items() if agencies]
    absent += [_matters_behind(name, Kind.STATISTIC, None, now) for name in statistics]
    raising = [_raising(connection, bulk.inserting(connection, ledger).from_select(_RAISED, rows)) for rows in absent]
    return sum(connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount for statement in raising)


def _dossiers_behind(name: str, now: datetime) -> Any:
    """The ledger rows a target lacks of the dossiers."""
    values = (*_lacking(name, now), snapshot.c.subject, snapshot.c.version, snapshot.c.digest, snapshot.c.steps)
    return select(*values).where(_wanted_of(name, snapshot) < snapshot.c.version)


def _matters_behind(name: str, kind: Kind, agencies: Sequence[str] | None, now: datetime) -> Any:
    """The ledger rows a target lacks of the matters of a kind: those of these agencies' dossiers, or all."""
    rows = and_(matter.c.kind == kind.value, matter.c.standing, _wanted_of(name, matter) < matter.c.version)
    if agencies is not None:
        agency = select(snapshot.c.agency).where(snapshot.c.subject == matter.c.dossier).scalar_subquery()
        rows = and_(rows, agency.in_(agencies), _elsewhere(name, matter.c.subject).is_(None))
    return select(*_lacking(name, now), matter.c.subject, matter.c.version, matter.c.digest, literal(0)).where(rows)


def _drafts_of_others(name: str, theirs: Sequence[str]) -> Any:
    """Takes from a document system the drafts that it only waits to be told of, where another one may have them, or they are of `theirs`, the agencies
    of others."""
    belongs = select(snapshot.c.agency).join(matter, matter.c.dossier == snapshot.c.subject).where(matter.c.subject == ledger.c.subject)
    leaves = or_(belongs.scalar_subquery().in_(theirs), _elsewhere(name, ledger.c.subject).is_not(None))
    return delete(ledger).where(ledger.c.target == name, ~told(ledger), leaves)


def _wanted_of(name: str, rows: Any) -> Any:
    """The version that a target should have of each of those rows' subjects, by its ledger."""
    wanted = select(ledger.c.wanted_version).where(ledger.c.target == name, ledger.c.subject == rows.c.subject)
    return func.coalesce(wanted.scalar_subquery(), 0)


def _elsewhere(name: str, subject: Any) -> Any:
    """Another target that may have the subject, or none."""
    other = ledger.alias("other")
    return select(func.min(other.c.target)).where(other.c.subject == subject, other.c.target != name, told(other)).scalar_subquery()


def _lacking(name: str, now: datetime) -> tuple[Any, ...]:
    """The first columns of `_RAISED` for rows that a target lacks: due now, and asked about first where it adopts."""
    adopting = select(target.c.origin_at).where(target.c.name == name, target.c.origin == "adopt").scalar_subquery()
    return literal(name), literal("due"), literal(now, ledger.c.due_at.type), adopting, adopting.is_not(None)


def told(rows: Any) -> Any:
    """Whether the target of a ledger row may have its subject."""
    return or_(rows.c.created, rows.c.unsure, rows.c.state == "leased")


_RAISED = ("target", "state", "due_at", "adopting", "unsure", "subject", "wanted_version", "wanted_digest", "steps_wanted")
_ADOPTING = select(target.c.name, target.c.origin_at).where(target.c.origin == "adopt")

"""Evidence: every reconciliation, what it covered, every difference it found and what became of it.

A run goes on where it was interrupted, so its position is committed with the findings up to there. When it ends it is sealed: a
SHA-256 over its head and all its findings, in the order of dossier and kind, so that a later change of a row is visible. What
becomes of a finding after a repair is part of the evidence; the run is sealed anew then, and both seals are in the audit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, and_, bindparam, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from syncd.drift import Drift, DriftKind
from syncd.errors import NotFound
from syncd.model import Stored, Value, encode
from syncd.store.database import Database
from syncd.store.schema import audit, finding, run

PAGE = 1000
COMPARING, DONE, STOPPED = "comparing", "done", "stopped"


class Scope(Stored):
    """What a run covers: dossiers received in [since, until), all of them where neither is given."""

    since: datetime | None = None
    until: datetime | None = None
    full: bool = False  #: the target is asked about every dossier


class Run(Value):
    """One reconciliation."""

    id: int
    target: str
    who: str
    began_at: datetime
    ended_at: datetime | None
    state: str  #: comparing | done | stopped
    scope: Scope
    position: int  #: key in the one-stop up to which it came
    counts: Mapping[str, int]
    seal: str


class Finding(Value):
    """A difference, and what became of it."""

    drift: Drift
    became: str = ""  #: due | resolved | persists | cannot; empty where nothing was done


class Evidence:
    """The runs of one state."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def begin(self, target: str, who: str, scope: Scope, now: datetime) -> Run:
        """A new run."""
        values = {"target": target, "who": who, "began_at": now, "state": COMPARING, "scope": encode(scope).decode()}
        with self.database.write() as connection:
            number = connection.execute(run.insert().values(**values).returning(run.c.id)).scalar_one()
        return self.run(number)

    def interrupted(self, target: str, scope: Scope) -> Run | None:
        """The last run of that scope that never came to its end."""
        query = select(run).where(run.c.target == target, run.c.state == COMPARING, run.c.scope == encode(scope).decode())
        with self.database.read() as connection:
            row = connection.execute(query.order_by(run.c.id.desc()).limit(1)).one_or_none()
        return _run(row) if row else None

    def run(self, number: int) -> Run:
        """One run. Raises `NotFound`."""
        with self.database.read() as connection:
            row = connection.execute(select(run).where(run.c.id == number)).one_or_none()
        if row is None:
            raise NotFound(f"There is no reconciliation {number}.", hint="see: syncd reconcile list")
        return _run(row)

    def runs(self, target: str = "", limit: int = 50) -> list[Run]:
        """The last runs, newest first."""
        query = select(run).order_by(run.c.id.desc()).limit(limit)
        with self.database.read() as connection:
            return [_run(row) for row in connection.execute(query.where(run.c.target == target) if target else query)]

    def note(self, number: int, found: Sequence[Drift], counts: Mapping[str, int], position: int | None = None) -> None:
        """Write down findings, and how far the run has come; all of it or nothing."""
        insert = (sqlite if self.database.sqlite else postgresql).insert(finding)
        keep = insert.on_conflict_do_update(index_elements=["run", "dossier", "kind"], set_={"detail": insert.excluded.detail})
        values: dict[str, Any] = {"counts": encode(dict(counts)).decode()} | ({} if position is None else {"position": position})
        with self.database.write() as connection:
            if found:
                connection.execute(keep, [_finding_row(number, each) for each in found])
            connection.execute(run.update().where(run.c.id == number).values(**values))

    def became(self, number: int, words: Sequence[tuple[str, DriftKind, str]]) -> None:
        """Write down what became of findings: (dossier, kind, word)."""
        if words:
            with self.database.write() as connection:
                connection.execute(_BECAME, [{"r": number, "d": dossier, "k": kind.value, "w": word} for dossier, kind, word in words])

    def end(self, number: int, state: str, now: datetime, counts: Mapping[str, int]) -> Run:
        """The run has ended, or a repair has: seal it."""
        with self.database.write() as connection:
            connection.execute(run.update().where(run.c.id == number).values(state=state, ended_at=now, counts=encode(dict(counts)).decode()))
        seal = self.sealed(number)
        with self.database.write() as connection:
            who = connection.execute(run.update().where(run.c.id == number).values(seal=seal).returning(run.c.who)).scalar_one()
            told = {"at": now, "who": who, "action": "reconcile", "target": self.run_target(connection, number), "detail": f"run {number}: {seal}"}
            connection.execute(audit.insert().values(**told))
        return self.run(number)

    @staticmethod
    def run_target(connection: Any, number: int) -> str:
        """The target of a run, inside a transaction."""
        return str(connection.execute(select(run.c.target).where(run.c.id == number)).scalar_one())

    def findings(self, number: int, became: str | None = None) -> Iterator[Finding]:
        """The findings of a run in the order of dossier and kind, a page at a time; of those only that `became` so."""
        dossier, kind = "", ""
        only = [] if became is None else [finding.c.became == became]
        while True:
            beyond = or_(finding.c.dossier > dossier, and_(finding.c.dossier == dossier, finding.c.kind > kind))
            query = select(finding).where(finding.c.run == number, beyond, *only).order_by(finding.c.dossier, finding.c.kind).limit(PAGE)
            with self.database.read() as connection:
                rows = connection.execute(query).all()
            yield from (Finding(drift=_drift(row), became=row.became) for row in rows)
            if len(rows) < PAGE:
                return
            dossier, kind = rows[-1].dossier, rows[-1].kind

    def drifted(self, number: int) -> int:
        """How many dossiers have a finding."""
        with self.database.read() as connection:
            return connection.execute(select(func.count(finding.c.dossier.distinct())).where(finding.c.run == number)).scalar_one()

    def sealed(self, number: int) -> str:
        """The SHA-256 over a run as it stands in the state now."""
        told = self.run(number)
        sha = hashlib.sha256(encode((told.id, told.target, told.who, told.began_at, told.scope, dict(told.counts))))
        for each in self.findings(number):
            sha.update(b"\n" + msgspec.json.encode(each, order="deterministic"))
        return sha.hexdigest()


def _run(row: Row[Any]) -> Run:
    return Run(
        id=row.id,
        target=row.target,
        who=row.who,
        began_at=row.began_at,
        ended_at=row.ended_at,
        state=row.state,
        scope=msgspec.json.decode(row.scope, type=Scope),
        position=row.position,
        counts=msgspec.json.decode(row.counts, type=dict[str, int]),
        seal=row.seal,
    )


def _finding_row(number: int, each: Drift) -> dict[str, Any]:
    detail = msgspec.json.encode(each.detail, order="deterministic").decode()
    return {"run": number, "dossier": each.dossier, "kind": each.kind.value, "agency": each.agency, "month": each.month, "detail": detail}


def _drift(row: Row[Any]) -> Drift:
    return Drift(dossier=row.dossier, kind=DriftKind(row.kind), agency=row.agency, month=row.month, detail=msgspec.json.decode(row.detail))


_BECAME = (
    finding.update().where(finding.c.run == bindparam("r"), finding.c.dossier == bindparam("d"), finding.c.kind == bindparam("k")).values(became=bindparam("w"))
)

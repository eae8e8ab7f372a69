"""Evidence: every reconciliation, what it covered, every difference it found and what became of it.

A run goes on where it was interrupted, so its position is committed with the findings and the counts up to there. A target has one
run at a time: a new one of another scope ends those that nobody will go on with.

When a run ends it is sealed: a SHA-256 over its head, its totals and all its findings, in the order of dossier and kind, so that a
later change of a row is visible. What becomes of a finding after a repair is part of the evidence; the run is sealed anew then,
and both seals are in the audit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, bindparam, case, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from syncd.drift import Drift, DriftKind
from syncd.errors import NotFound
from syncd.model import Stored, Value, encode
from syncd.store.board import Fence, demand
from syncd.store.database import Database
from syncd.store.schema import audit, finding, run, total

PAGE = 1000
COMPARING, DONE, STOPPED = "comparing", "done", "stopped"
SETTLED = ("resolved", "adopted")  #: what a finding became that is none any more


class Scope(Stored):
    """What a run covers: dossiers received in [since, until), all of them where neither is given."""

    since: datetime | None = None
    until: datetime | None = None
    full: bool = False  #: the target is asked about every dossier

    def covers(self, received_at: datetime | None) -> bool:
        """Whether a dossier received then is compared."""
        return received_at is None or ((self.since is None or received_at >= self.since) and (self.until is None or received_at < self.until))


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
    became: str = ""  #: due | resolved | adopted | persists | cannot; empty where nothing was done


class Total(Value):
    """What a run compared of one agency's dossiers of one month."""

    agency: str
    month: str
    checked: int
    agreeing: int
    drifting: int
    settled: int  #: of those that drifted: repaired and seen to agree


class Evidence:
    """The runs of one state."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.fence: Callable[[], Fence | None] = lambda: None  #: of the lease under which a run is made

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction of whoever makes the run. Raises `LeaseLost` where another node goes on with it."""
        with self.database.write() as connection:
            if fence := self.fence():
                demand(connection, fence)
            yield connection

    def begin(self, target: str, who: str, scope: Scope, now: datetime) -> Run:
        """A new run."""
        values = {"target": target, "who": who, "began_at": now, "state": COMPARING, "scope": encode(scope).decode()}
        left = run.update().where(run.c.target == target, run.c.state == COMPARING)
        with self._writing() as connection:
            connection.execute(left.values(state=STOPPED, ended_at=now))
            number = connection.execute(run.insert().values(**values).returning(run.c.id)).scalar_one()
        return self.run(number)

    def interrupted(self, target: str, scope: Scope) -> Run | None:
        """The last run, where it is of that scope and never came to its end."""
        last = next(iter(self.runs(target, 1)), None)
        return last if last and last.state == COMPARING and last.scope == scope else None

    def last(self, target: str) -> Run | None:
        """The last run that came to its end."""
        query = select(run).where(run.c.target == target, run.c.state == DONE).order_by(run.c.id.desc()).limit(1)
        with self.database.read() as connection:
            row = connection.execute(query).one_or_none()
        return _run(row) if row else None

    def settled(self, target: str) -> datetime | None:
        """When the last run over all dossiers ended: came to its end, or was stopped for a person to look."""
        query = select(func.max(run.c.ended_at)).where(run.c.target == target, run.c.seal != "", run.c.scope.in_(_WHOLE))
        with self.database.read() as connection:
            return connection.execute(query).scalar()

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

    def note(
        self,
        number: int,
        found: Sequence[Drift],
        counts: Mapping[str, int],
        position: int | None = None,
        totals: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        """Write down findings, and how far the run has come; all of it or nothing. `totals` come on top: dossiers compared, by
        agency and month."""
        insert = sqlite.insert if self.database.sqlite else postgresql.insert
        keep = insert(finding).on_conflict_do_update(index_elements=["run", "dossier", "kind"], set_={"detail": insert(finding).excluded.detail})
        add = insert(total).on_conflict_do_update(index_elements=["run", "agency", "month"], set_={"checked": total.c.checked + insert(total).excluded.checked})
        values: dict[str, Any] = {"counts": encode(dict(counts)).decode()} | ({} if position is None else {"position": position})
        rows = [{"run": number, "agency": agency, "month": month, "checked": count} for (agency, month), count in sorted((totals or {}).items())]
        with self._writing() as connection:
            if found:
                connection.execute(keep, [_finding_row(number, each) for each in found])
            if rows:
                connection.execute(add, rows)
            connection.execute(run.update().where(run.c.id == number).values(**values))

    def forget(self, number: int, dossiers: Sequence[str]) -> None:
        """Drop the findings of dossiers that are compared once more, since the run was interrupted among them."""
        with self._writing() as connection:
            connection.execute(finding.delete().where(finding.c.run == number, finding.c.dossier.in_(dossiers)))

    def totals(self, number: int) -> list[Total]:
        """What was compared, by agency and month, and what differed."""
        settled = func.min(case((finding.c.became.in_(SETTLED), 1), else_=0))
        outside = func.max(case((finding.c.kind == DriftKind.EXTRA.value, 1), else_=0))
        each = (
            select(finding.c.agency, finding.c.month, settled.label("settled"), outside.label("outside"))
            .where(finding.c.run == number)
            .group_by(finding.c.dossier, finding.c.agency, finding.c.month)
            .subquery()
        )
        drifting = select(
            each.c.agency, each.c.month, func.count().label("n"), func.sum(each.c.settled).label("settled"), func.sum(each.c.outside).label("outside")
        )
        with self.database.read() as connection:
            checked = {(row.agency, row.month): row.checked for row in connection.execute(select(total).where(total.c.run == number))}
            found = {(row.agency, row.month): row for row in connection.execute(drifting.group_by(each.c.agency, each.c.month))}
        return [_total(key, checked.get(key, 0), found.get(key)) for key in sorted({*checked, *found})]

    def kinds(self, number: int) -> dict[str, int]:
        """How many differences of each kind are left."""
        query = select(finding.c.kind, func.count().label("n")).where(finding.c.run == number, finding.c.became.not_in(SETTLED)).group_by(finding.c.kind)
        with self.database.read() as connection:
            found = {row.kind: row.n for row in connection.execute(query)}
        return {kind.value: found.get(kind.value, 0) for kind in DriftKind}

    def became(self, number: int, words: Sequence[tuple[str, DriftKind, str]]) -> None:
        """Write down what became of findings: (dossier, kind, word)."""
        if words:
            with self._writing() as connection:
                connection.execute(_BECAME, [{"r": number, "d": dossier, "k": kind.value, "w": word} for dossier, kind, word in words])

    def end(self, number: int, state: str, now: datetime, counts: Mapping[str, int]) -> Run:
        """The run has ended, or a repair has: seal it."""
        with self._writing() as connection:
            connection.execute(run.update().where(run.c.id == number).values(state=state, ended_at=now, counts=encode(dict(counts)).decode()))
        seal = self.sealed(number)
        with self._writing() as connection:
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
        """How many of the dossiers compared have a finding that was not resolved."""
        within = and_(finding.c.run == number, finding.c.kind != DriftKind.EXTRA.value, finding.c.became.not_in(SETTLED))
        with self.database.read() as connection:
            return connection.execute(select(func.count(finding.c.dossier.distinct())).where(within)).scalar_one()

    def sealed(self, number: int) -> str:
        """The SHA-256 over a run as it stands in the state now."""
        told = self.run(number)
        sha = hashlib.sha256(encode((told.id, told.target, told.who, told.began_at, told.ended_at, told.state, told.scope, dict(sorted(told.counts.items())))))
        with self.database.read() as connection:
            rows = connection.execute(select(total).where(total.c.run == number))
            compared = sorted((row.agency, row.month, row.checked) for row in rows)
        sha.update(encode(compared))
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


def _total(key: tuple[str, str], checked: int, found: Any) -> Total:
    drifting, settled, outside = (found.n, found.settled, found.outside) if found else (0, 0, 0)
    return Total(agency=key[0], month=key[1], checked=checked, agreeing=checked - (drifting - outside), drifting=drifting, settled=settled)


def _finding_row(number: int, each: Drift) -> dict[str, Any]:
    detail = msgspec.json.encode(each.detail, order="deterministic").decode()
    return {"run": number, "dossier": each.dossier, "kind": each.kind.value, "agency": each.agency, "month": each.month, "detail": detail}


def _drift(row: Row[Any]) -> Drift:
    return Drift(dossier=row.dossier, kind=DriftKind(row.kind), agency=row.agency, month=row.month, detail=msgspec.json.decode(row.detail))


_WHOLE = [encode(Scope()).decode(), encode(Scope(full=True)).decode()]
_BECAME = (
    finding.update().where(finding.c.run == bindparam("r"), finding.c.dossier == bindparam("d"), finding.c.kind == bindparam("k")).values(became=bindparam("w"))
)

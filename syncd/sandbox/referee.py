"""What the referees of all targets share: how they read the one-stop, and what they write down.

They read it with queries of their own, and excuse a step that a target has twice only where its answer to the first had
not arrived.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Table, select

from syncd.sandbox.expectation import References, Rows
from syncd.sandbox.holdings import Body, Entry
from syncd.sandbox.journey import Row
from syncd.sandbox.schema import Tables

_PAGE: Final = 1000
Step = tuple[str, ...]


class Difference(NamedTuple):
    """One thing on which the one-stop and a target do not agree."""

    dossier: str
    kind: str  #: missing | extra | field | step_missing | step_extra | step_order | step_repeated | status
    field: str = ""
    expected: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the referee found."""

    dossiers: int  #: that should be at the target
    equal: int  #: of them, without any difference
    steps: int  #: that should be at the target
    filed: int  #: dossiers of the portal's own that were compared
    excused: int  #: steps the target has once more because its answer had been lost
    held: Mapping[str, str]  #: dossiers that a person must correct first, and why
    differences: tuple[Difference, ...]

    @property
    def in_sync(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


@dataclass(slots=True)
class Sheet:
    """What a referee writes on while it compares."""

    dossiers: int = 0
    equal: int = 0
    steps: int = 0
    filed: int = 0
    excused: int = 0
    held: dict[str, str] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)

    def comparison(self) -> Comparison:
        """What was found."""
        return Comparison(self.dossiers, self.equal, self.steps, self.filed, self.excused, self.held, tuple(self.differences))


def without_repeats(entries: Sequence[Entry], read: Callable[[Body], Step]) -> tuple[list[Step], int]:
    """The steps without those that came again after a lost answer, and how many these were."""
    once: list[Step] = []
    doubtful: Counter[Step] = Counter()
    excused = 0
    for entry in entries:
        step = read(entry.body)
        if doubtful[step]:
            doubtful[step] -= 1
            excused += 1
        else:
            once.append(step)
        doubtful[step] += not entry.answered
    return once, excused


def step_differences(code: str, expected: Sequence[Step], found: Sequence[Step]) -> Iterator[Difference]:
    """How the steps found differ from those expected; the first part of a step names it."""
    wanted, there = Counter(expected), Counter(found)
    for step in wanted - there:
        yield Difference(code, "step_missing", step[0], str(step))
    for step in there - wanted:
        yield Difference(code, "step_repeated" if step in wanted else "step_extra", step[0], found=str(step))
    if wanted == there and list(expected) != list(found):
        yield Difference(code, "step_order", expected=str([step[0] for step in expected]), found=str([step[0] for step in found]))


def references(connection: Connection, layout: Tables) -> References:
    """The one-stop's tables of codes."""
    mapping, service, status, step = layout.service_mapping.c, layout.service.c, layout.status.c, layout.step.c
    stages = select(step.serviceProcessId, step.stepCode, step.dossierStatus, step.dossierSubStatus)
    return References(
        {local: code for local, code in connection.execute(select(mapping.serviceCode, mapping.serviceCodeDVCQG)) if code},
        {local: (code, name) for local, code, name in connection.execute(select(service.serviceCode, service.domainCode, service.domainName))},
        {(one, sub or ""): code or "" for one, sub, code in connection.execute(select(status.statusCode, status.subStatusCode, status.statusCodeDVCQG))},
        {(one, code): (name, sub or "") for one, code, name, sub in connection.execute(stages)},
    )


def dossiers(connection: Connection, layout: Tables) -> Iterator[Rows]:
    """Every dossier with what belongs to it, a page at a time."""
    dossier, last = layout.dossier, 0
    while page := _select(connection, dossier.select().where(dossier.c.dossierId > last).order_by(dossier.c.dossierId).limit(_PAGE), dossier):
        keys = [row["dossierId"] for row in page]
        actions, files, payments = (_children(connection, table, keys) for table in (layout.action, layout.file, layout.payment))
        accounts = _accounts(connection, layout.applicant, [row["applicantIdNo"] for row in page])
        for row in page:
            key = last = row["dossierId"]
            yield Rows(row, actions[key], files[key], payments[key], accounts.get(row["applicantIdNo"], ""))


def _children(connection: Connection, table: Table, keys: Sequence[int]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in _select(connection, table.select().where(table.c.dossierId.in_(keys)).order_by(*table.primary_key), table):
        found[row["dossierId"]].append(row)
    return found


def _accounts(connection: Connection, table: Table, identities: Sequence[str]) -> dict[str, str]:
    accounts = select(table.c.applicantIdNo, table.c.mappingClassPK).where(table.c.applicantIdNo.in_(identities), table.c.mappingClassName == "dvcqg")
    return {identity: account or "" for identity, account in connection.execute(accounts)}


def _select(connection: Connection, statement: Any, table: Table) -> list[Row]:
    keys = table.c.keys()
    return [dict(zip(keys, row, strict=True)) for row in connection.execute(statement)]

"""The referee: compares the one-stop with the portal, dossier by dossier and step by step.

It reads the one-stop with its own queries and knows its own expectation of every field (`expectation`). A step that the
portal has twice is excused only where its answer to the first had not arrived; everything else that differs is a
`Difference`. Dossiers that a person must correct first are `held`, and not expected on the portal.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, Table, select

from syncd.sandbox.expectation import STEP_FIELDS, Expected, References, Rows, clean, expect, portal_status
from syncd.sandbox.holdings import Body, Entry, Holdings
from syncd.sandbox.journey import SYSTEM_PORTAL, Row
from syncd.sandbox.onestop import publishable
from syncd.sandbox.schema import Tables, tables_in

_PAGE: Final = 1000
#: lists of a record and the fields of their elements that are compared
_LISTS: Final = {
    "TaiLieuNop": ("TenTepDinhKem",),
    "DanhSachGiayToKetQua": ("TenGiayTo",),
    "DanhSachLePhi": ("TenPhiLePhi", "Gia"),
    "DinhDanhCHS": ("LoaiDinhDanh", "SoDinhDanh"),
}
_SHORTENED: Final = ("TrichYeuHoSo", "GhiChu")


class Difference(NamedTuple):
    """One thing on which the one-stop and the portal do not agree."""

    dossier: str
    kind: str  #: missing | extra | field | step_missing | step_extra | step_order | step_repeated | status
    field: str = ""
    expected: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the referee found."""

    dossiers: int  #: that should be on the portal
    equal: int  #: of them, without any difference
    steps: int  #: that should be on the portal
    filed: int  #: dossiers of the portal's own that were compared
    excused: int  #: steps the portal has once more because its answer had been lost
    held: Mapping[str, str]  #: dossiers that a person must correct first, and why
    differences: tuple[Difference, ...]

    @property
    def in_sync(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


@dataclass(slots=True)
class _Sheet:
    dossiers: int = 0
    equal: int = 0
    steps: int = 0
    filed: int = 0
    excused: int = 0
    held: dict[str, str] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)


def compare(engine: Engine, holdings: Holdings, *, statuses: bool = True) -> Comparison:
    """Compare everything; with `statuses` also what was reported of the portal's own dossiers."""
    sheet = _Sheet()
    records = holdings.records()
    with engine.connect() as connection:
        layout = tables_in(engine)
        references = _references(connection, layout)
        for rows in _dossiers(connection, layout):
            code = clean(rows.dossier["dossierNo"])
            if publishable(rows.dossier):
                _judge(sheet, code, expect(rows, references), records.pop(code, None), holdings.steps(code))
            elif statuses and rows.dossier["systemId"] == SYSTEM_PORTAL and rows.dossier["receiveDate"] is not None:
                _judge_filed(sheet, code, rows.dossier, references, holdings)
    sheet.differences += [Difference(code, "extra") for code in records]
    return Comparison(sheet.dossiers, sheet.equal, sheet.steps, sheet.filed, sheet.excused, sheet.held, tuple(sheet.differences))


def _judge(sheet: _Sheet, code: str, expected: Expected, record: Body | None, entries: Sequence[Entry]) -> None:
    if expected.reason:
        sheet.held[code] = expected.reason
        return
    sheet.dossiers += 1
    sheet.steps += len(expected.steps)
    if record is None:
        sheet.differences.append(Difference(code, "missing"))
        return
    once, excused = _without_repeats(entries)
    found = [*_record_differences(code, expected, record), *_step_differences(code, expected.steps, once)]
    sheet.excused += excused
    sheet.equal += not found
    sheet.differences += found


def _judge_filed(sheet: _Sheet, code: str, row: Row, references: References, holdings: Holdings) -> None:
    status = portal_status(row, references)
    if not status:
        sheet.held[code] = "TrangThai is empty"
        return
    sheet.filed += 1
    told = holdings.statuses(row["referenceUid"])
    found = (told[-1]["MaHoSoDonVi"], told[-1]["TrangThai"]) if told else ("", "")
    if found != (code, status):
        sheet.differences.append(Difference(code, "status", "TrangThai", status, found[1]))


def _record_differences(code: str, expected: Expected, record: Body) -> Iterator[Difference]:
    for name, value in expected.fields.items():
        found = clean(record.get(name, value))  # what the profile leaves out is not compared
        shortened = name in _SHORTENED and found.endswith("…") and value.startswith(clean(found[:-1]))
        if found != value and not shortened:
            yield Difference(code, "field", name, value, found)
    for name, elements in expected.lists.items():
        if name in record:
            there = [tuple(clean(one[part]) for part in _LISTS[name]) for one in record[name] if one.get("IsDeleted") != "True"]
            if Counter(there) != Counter(elements):
                yield Difference(code, "field", name, str(sorted(elements)), str(sorted(there)))


def _without_repeats(entries: Sequence[Entry]) -> tuple[list[tuple[str, ...]], int]:
    """The steps without those that came again after a lost answer, and how many these were."""
    once: list[tuple[str, ...]] = []
    doubtful: Counter[tuple[str, ...]] = Counter()
    excused = 0
    for entry in entries:
        step = tuple(clean(entry.body[name]) for name in STEP_FIELDS)
        if doubtful[step]:
            doubtful[step] -= 1
            excused += 1
        else:
            once.append(step)
        doubtful[step] += not entry.answered
    return once, excused


def _step_differences(code: str, expected: Sequence[tuple[str, ...]], found: Sequence[tuple[str, ...]]) -> Iterator[Difference]:
    wanted, there = Counter(expected), Counter(found)
    for step in wanted - there:
        yield Difference(code, "step_missing", step[0], str(step))
    for step in there - wanted:
        yield Difference(code, "step_repeated" if step in wanted else "step_extra", step[0], found=str(step))
    if wanted == there and list(expected) != list(found):
        yield Difference(code, "step_order", expected=str([step[0] for step in expected]), found=str([step[0] for step in found]))


def _references(connection: Connection, layout: Tables) -> References:
    mapping, service, status, step = layout.service_mapping.c, layout.service.c, layout.status.c, layout.step.c
    stages = select(step.serviceProcessId, step.stepCode, step.dossierStatus, step.dossierSubStatus)
    return References(
        {local: code for local, code in connection.execute(select(mapping.serviceCode, mapping.serviceCodeDVCQG)) if code},
        {local: (code, name) for local, code, name in connection.execute(select(service.serviceCode, service.domainCode, service.domainName))},
        {(one, sub or ""): code or "" for one, sub, code in connection.execute(select(status.statusCode, status.subStatusCode, status.statusCodeDVCQG))},
        {(one, code): (name, sub or "") for one, code, name, sub in connection.execute(stages)},
    )


def _dossiers(connection: Connection, layout: Tables) -> Iterator[Rows]:
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

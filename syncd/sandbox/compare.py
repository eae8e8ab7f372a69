"""The referee: compares the one-stop with the portal, dossier by dossier and step by step.

It reads the one-stop with its own queries and knows its own expectation of every field (`expectation`). A step that the
portal has twice is excused only where its answer to the first had not arrived; everything else that differs is a
`Difference`. Dossiers that a person must correct first are `held`, and not expected on the portal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Engine

from syncd.sandbox.expectation import STEP_FIELDS, Expected, References, clean, expect, portal_status
from syncd.sandbox.holdings import Body, Entry, Holdings
from syncd.sandbox.journey import SYSTEM_PORTAL, Row
from syncd.sandbox.onestop import publishable
from syncd.sandbox.referee import Comparison, Difference, Sheet, Step, dossiers, references, step_differences, without_repeats
from syncd.sandbox.schema import tables_in

#: lists of a record and the fields of their elements that are compared
_LISTS: Final = {
    "TaiLieuNop": ("TenTepDinhKem",),
    "DanhSachGiayToKetQua": ("TenGiayTo",),
    "DanhSachLePhi": ("TenPhiLePhi", "Gia"),
    "DinhDanhCHS": ("LoaiDinhDanh", "SoDinhDanh"),
}
_SHORTENED: Final = ("TrichYeuHoSo", "GhiChu")


def compare(engine: Engine, holdings: Holdings, *, statuses: bool = True) -> Comparison:
    """Compare everything; with `statuses` also what was reported of the portal's own dossiers."""
    sheet = Sheet()
    records = holdings.records()
    with engine.connect() as connection:
        layout = tables_in(engine)
        codes = references(connection, layout)
        for rows in dossiers(connection, layout):
            code = clean(rows.dossier["dossierNo"])
            if publishable(rows.dossier):
                _judge(sheet, code, expect(rows, codes), records.pop(code, None), holdings.steps(code))
            elif statuses and rows.dossier["systemId"] == SYSTEM_PORTAL and rows.dossier["receiveDate"] is not None:
                _judge_filed(sheet, code, rows.dossier, codes, holdings)
    sheet.differences += [Difference(code, "extra") for code in records]
    return sheet.comparison()


def _judge(sheet: Sheet, code: str, expected: Expected, record: Body | None, entries: Sequence[Entry]) -> None:
    if expected.reason:
        sheet.held[code] = expected.reason
        return
    sheet.dossiers += 1
    sheet.steps += len(expected.steps)
    if record is None:
        sheet.differences.append(Difference(code, "missing"))
        return
    once, excused = without_repeats(entries, _step)
    found = [*_record_differences(code, expected, record), *step_differences(code, expected.steps, once)]
    sheet.excused += excused
    sheet.equal += not found
    sheet.differences += found


def _judge_filed(sheet: Sheet, code: str, row: Row, codes: References, holdings: Holdings) -> None:
    status = portal_status(row, codes)
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


def _step(body: Body) -> Step:
    return tuple(clean(body[name]) for name in STEP_FIELDS)

"""The referee of the LGSP: whether it holds every dossier with the right values, and every trace once and in order.

It says the contract of the platform a second time, from what the portal's referee knows of a dossier (`expectation`).
Dossiers that were filed on the national portal belong here too. A dossier without a paper that stands cannot go there at
all, unless it was sent while it had one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from sqlalchemy import Engine

from syncd.sandbox.expectation import Expected, Rows, clean, expect, officer_cut
from syncd.sandbox.holdings import Body, Entry
from syncd.sandbox.lgsp import LgspHoldings
from syncd.sandbox.onestop import publishable
from syncd.sandbox.referee import Comparison, Difference, Sheet, Step, dossiers, references, step_differences, without_repeats
from syncd.sandbox.schema import tables_in

_ZONE: Final = timezone(timedelta(hours=7))
_NEVER: Final = "0000-00-00"
_RELEASING, _RETURNED = "9", "10"  # codes of the portal
#: fields of the platform, and those of the portal that say the same
_SAME: Final = {
    "DocTypeCode": "MaTTHC", "DocTypeName": "TenTTHC", "DocCode": "MaHoSo", "CitizenName": "ChuHoSo", "Email": "Email", "Phone": "SoDienThoai",
    "ApplicantsType": "LoaiDoiTuong", "Compendium": "TrichYeuHoSo", "DateReceived": "NgayTiepNhan", "DateAppointed": "NgayHenTra", "ReturnedDate": "NgayTra",
    "ReturnedType": "HinhThuc", "ProcessingOrganName": "DonViXuLy", "OrganInchargeName": "DonViXuLy", "Note": "GhiChu",
}  # fmt: skip


def compare_lgsp(engine: Engine, holdings: LgspHoldings) -> Comparison:
    """Compare every dossier and every step."""
    sheet = Sheet()
    records = holdings.records()
    with engine.connect() as connection:
        layout = tables_in(engine)
        codes = references(connection, layout)
        for rows in dossiers(connection, layout):
            code = clean(rows.dossier["dossierNo"])
            if publishable({**rows.dossier, "systemId": 0}):
                _judge(sheet, code, rows, expect(rows, codes), records.pop(code, None), holdings.traces(code))
    sheet.differences += [Difference(code, "extra") for code in records]
    return sheet.comparison()


def _judge(sheet: Sheet, code: str, rows: Rows, expected: Expected, record: Body | None, entries: Sequence[Entry]) -> None:
    if reason := expected.reason or ("no paper stands" if record is None and not expected.lists["TaiLieuNop"] else ""):
        sheet.held[code] = reason
        return
    steps = [_step(step) for step in expected.steps]
    sheet.dossiers += 1
    sheet.steps += len(steps)
    if record is None:
        sheet.differences.append(Difference(code, "missing"))
        return
    once, excused = without_repeats(entries, _trace)
    found = [*_field_differences(code, _fields(rows, expected), record), *_list_differences(code, expected, record), *step_differences(code, steps, once)]
    sheet.excused += excused
    sheet.equal += not found
    sheet.differences += found


def _fields(rows: Rows, expected: Expected) -> dict[str, str]:
    """What each field should say, as it is compared."""
    row, fields = rows.dossier, expected.fields
    status = fields["TrangThaiHoSo"]
    solved = status in (_RELEASING, _RETURNED)
    return {
        **{name: fields[portal] for name, portal in _SAME.items()},
        "Address": clean(row["address"]), "ApplicantsId": clean(row["applicantIdNo"]), "OrganInchargeIdLevel1": clean(row["govAgencyCode"]),
        "IsSuccess": str(solved), "IsReturned": str(status == _RETURNED), "Status": "2" if status == _RELEASING else "1",
        **({"SuccessDate": fields["NgayKetThucXuLy"]} if solved else {}),
    }  # fmt: skip


def _field_differences(code: str, expected: Mapping[str, str], record: Body) -> Iterator[Difference]:
    for name, value in expected.items():
        found = _instant(record.get(name)) if "Date" in name else _said(record.get(name))
        if found != value:
            yield Difference(code, "field", name, value, found)


def _list_differences(code: str, expected: Expected, record: Body) -> Iterator[Difference]:
    papers = [(clean(one["AttachmentName"]),) for one in record["Attachments"] if not one["IsDeleted"]]
    fees = [(clean(one["FeeName"]), str(one["Price"])) for one in record.get("DocFees", ())]
    for name, there, wanted in (("Attachments", papers, expected.lists["TaiLieuNop"]), ("DocFees", fees, expected.lists["DanhSachLePhi"])):
        if Counter(there) != Counter(wanted):
            yield Difference(code, "field", name, str(sorted(wanted)), str(sorted(there)))


def _step(portal: Step) -> Step:
    """A step of the portal as the platform has it: when, who, what."""
    at, officer, _unit, content, *_rest = portal
    return at, officer, content


def _trace(body: Body) -> Step:
    return _instant(body["DateCreated"]), officer_cut(body["UserName"]), clean(body["Comment"])


def _instant(value: Any) -> str:
    """An instant as fourteen local digits, none as nothing."""
    given = clean(value)
    return "" if not given or given.startswith(_NEVER) else f"{datetime.fromisoformat(given).astimezone(_ZONE):%Y%m%d%H%M%S}"


def _said(value: Any) -> str:
    """A value as it is compared."""
    return str(value) if isinstance(value, (bool, int)) else clean(value)

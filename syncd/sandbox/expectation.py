"""What the portal should hold of a dossier, worked out from the one-stop's rows for the referee.

It says the wire contract a second time, on purpose: it shares nothing with the connectors, so that a mistake there
cannot hide here. Texts are compared composed and with single spaces, times to the second.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from syncd.sandbox.catalogue import STATUS_DEFAULTS
from syncd.sandbox.journey import Row

#: how the portal folds statuses for dossiers of its own
FOLDED: Final = {"4": "2", "6": "2", "9": "2", "10": "2", "3": "5", "7": "5", "8": "5"}
STEP_FIELDS: Final = ("ThoiDiemXuLy", "NguoiXuLy", "PhongBanXuLy", "NoiDungXuLy", "TrangThai", "NgayKetThucTheoQuyDinh")
_KINDS: Final = {"citizen": "1", "business": "2"}
_IDENTITY: Final = {12: "1", 9: "2"}
_REQUIRED: Final = ("MaTTHC", "TenTTHC", "MaLinhVuc", "TenLinhVuc", "LoaiDoiTuong", "ChuHoSo", "DonViXuLy", "TrangThaiHoSo", "NgayTiepNhan")
_OFFICER_LIMIT: Final = 50


class References(NamedTuple):
    """The one-stop's tables of codes."""

    procedures: Mapping[str, str]  #: local code to national code
    sectors: Mapping[str, tuple[str, str]]  #: local code to code and name of the sector
    statuses: Mapping[tuple[str, str], str]  #: status and sub-status to code
    stages: Mapping[tuple[int, str], tuple[str, str]]  #: process and step to status and sub-status


class Rows(NamedTuple):
    """One dossier as the one-stop has it."""

    dossier: Row
    actions: Sequence[Row]
    files: Sequence[Row]
    payments: Sequence[Row]
    account: str  #: technical id of the owner's portal account


class Expected(NamedTuple):
    """What the portal should hold of it."""

    fields: Mapping[str, str]
    lists: Mapping[str, Sequence[tuple[str, ...]]]  #: papers, fees and results, in any order
    steps: Sequence[tuple[str, ...]]  #: in order, as `STEP_FIELDS`
    reason: str  #: why it cannot be published at all; empty where it can


def expect(rows: Rows, references: References) -> Expected:
    """What the portal should hold."""
    fields = _fields(rows, references)
    steps = [_step(action, references, rows.dossier) for action in rows.actions]
    return Expected(fields, _lists(rows), steps, _reason(rows, fields, steps))


def portal_status(row: Row, references: References) -> str:
    """The status to report for a dossier of the portal's own; empty where there is none."""
    code = _status(row["dossierStatus"], row["dossierSubStatus"], references, row)
    return FOLDED.get(code, code)


def is_draft(file: Row) -> bool:
    """Whether a file of a dossier is a result that still has to be signed."""
    return bool(file["dossierPartType"] == 2 and file["signCheck"] == 0)


def clean(value: object) -> str:
    """Text as it is compared."""
    return " ".join(unicodedata.normalize("NFC", str(value or "")).split())


def officer_cut(name: object) -> str:
    """The name of an officer as far as the portal takes it."""
    whole = clean(name)
    return whole if len(whole) <= _OFFICER_LIMIT else f"{whole[: _OFFICER_LIMIT - 1]}…"


def _fields(rows: Rows, references: References) -> dict[str, str]:
    row = rows.dossier
    local = row["serviceCode"] or ""
    sector, sector_name = references.sectors.get(local, ("", ""))
    refused = next((action["createDate"] for action in rows.actions if _after(action, references, row) == "3"), None)
    given = {
        "MaHoSo": row["dossierNo"], "MaTTHC": references.procedures.get(local, local), "TenTTHC": row["serviceName"], "MaLinhVuc": sector,
        "TenLinhVuc": sector_name, "ChuHoSo": row["applicantName"], "LoaiDoiTuong": _KINDS.get(row["applicantIdType"] or "", ""), "MaDoiTuong": rows.account,
        "Email": row["contactEmail"], "SoDienThoai": row["contactTelNo"], "TrichYeuHoSo": row["dossierName"] or row["briefNote"] or row["serviceName"],
        "GhiChu": row["applicantNote"], "NgayTiepNhan": _date(row["receiveDate"]), "NgayHenTra": _date(row["extendDate"] or row["dueDate"]),
        "NgayNopHoSo": _date(row["submitDate"] or row["receiveDate"]), "NgayKetThucXuLy": _date(row["releaseDate"]), "NgayTra": _date(row["finishDate"]),
        "NgayTuChoi": _date(refused), "TrangThaiHoSo": _status(row["dossierStatus"], row["dossierSubStatus"], references, row),
        "HinhThuc": "1" if (row["viaPostal"] or 0) > 1 else "0", "KenhThucHien": "2" if row["online_"] else "3" if (row["fromViaPostal"] or 0) > 1 else "1",
        "DonViXuLy": row["govAgencyName"],
    }  # fmt: skip
    return {name: clean(value) for name, value in given.items()}


def _lists(rows: Rows) -> dict[str, list[tuple[str, ...]]]:
    standing = [file for file in rows.files if not file["removed"]]
    identity = rows.dossier["applicantIdNo"] or ""
    kind = _IDENTITY.get(len(identity)) if identity.isdecimal() else None
    amounts = [(payment, amount) for payment in rows.payments for amount in (payment["feeAmount"], payment["serviceAmount"]) if amount]
    return {
        "TaiLieuNop": [(clean(file["displayName"]),) for file in standing if file["dossierPartType"] in (1, 6)],
        "DanhSachGiayToKetQua": [(clean(file["displayName"]),) for file in standing if file["dossierPartType"] in (2, 7) and not is_draft(file)],
        "DanhSachLePhi": [(clean(payment["paymentFee"]), str(amount)) for payment, amount in amounts],
        "DinhDanhCHS": [(kind, identity)] if kind else [],
    }


def _step(action: Row, references: References, row: Row) -> tuple[str, ...]:
    note = f" – {action['actionNote']}" if action["actionNote"] else ""
    officer = officer_cut(action["actionUser"])
    content = clean(f"{action['actionName']}{note}")
    return _date(action["createDate"]), officer, clean(action["stepName"]), content, _after(action, references, row), _date(action["dueDate"])


def _after(action: Row, references: References, row: Row) -> str:
    """The status after a step; the last one may borrow the dossier's own."""
    known = references.stages.get((action["serviceProcessId"], action["stepCode"]))
    if known is None and action["dossierActionId"] == row["dossierActionId"]:
        known = (row["dossierStatus"], row["dossierSubStatus"])
    return _status(*known, references, row) if known else ""


def _status(status: str, substatus: str | None, references: References, row: Row) -> str:
    rows = references.statuses
    code = rows.get((status, substatus or "")) or rows.get((status, "")) or STATUS_DEFAULTS.get(status, "")
    return "" if status == "new" and row["receiveDate"] is None else code


def _date(value: datetime | None) -> str:
    return "" if value is None else f"{value.year:04}{value:%m%d%H%M%S}"


def _reason(rows: Rows, fields: Mapping[str, str], steps: Sequence[tuple[str, ...]]) -> str:
    """Why the dossier is for a person to correct, and must not be on the portal as it is."""
    dates = [value for value in rows.dossier.values() if isinstance(value, datetime)]
    if empty := [name for name in _REQUIRED if not fields[name]]:
        return f"{empty[0]} is empty"
    if any("\ufffd" in value for value in fields.values()):
        return "broken text"
    if any(not 1990 <= date.year < 2100 for date in dates):
        return "absurd date"
    if any(not step[STEP_FIELDS.index("TrangThai")] for step in steps):
        return "a step without status"
    return ""

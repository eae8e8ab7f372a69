"""The services of the sandbox portal: what each call does and answers, once it has passed the door.

Answers come in all the spellings seen in the field: the code 0 as number, as text and as `00`, texts composed and
decomposed, look-ups under `result` or `data`, with details or without, names in Pascal or upper case. Asked to (`full`), a look-up
tells the whole record and its steps.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from syncd.sandbox.catalogue import SECTORS, Procedure
from syncd.sandbox.checks import DUPLICATE, Refused, check_record, check_status, check_step
from syncd.sandbox.holdings import Body, Holdings
from syncd.sandbox.places import UNITS

Lookup = Literal["mixed", "bare", "pascal", "upper", "full"]
Spelling = int | str
_LOOKUPS: Final = (("result", "bare"), ("data", "pascal"), ("result", "upper"), ("result", "pascal"))
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_OK: Final[tuple[Spelling, ...]] = (0, "0", "00")
_STATUS_TEXTS: Final = (
    "Mới đăng ký", "Được tiếp nhận", "Không được tiếp nhận", "Đang xử lý", "Yêu cầu bổ sung giấy tờ", "Yêu cầu thực hiện nghĩa vụ tài chính",
    "Công dân yêu cầu rút hồ sơ", "Dừng xử lý", "Đã xử lý xong", "Đã trả kết quả",
)  # fmt: skip


class Services:
    """All services by their name."""

    def __init__(self, holdings: Holdings, procedures: Sequence[Procedure], *, later: bool = True, lookup: Lookup = "mixed") -> None:
        self.holdings = holdings
        self._procedures = {procedure.code: procedure for procedure in procedures}
        self._later = later
        self._lookup = lookup

    def perform(self, body: Mapping[str, Any], number: int, *, answered: bool = True) -> Body:
        """Do what the call asks and give the answer; `number` of the call chooses its spelling."""
        try:
            return self._perform(body, number, answered=answered)
        except Refused as refusal:
            return {"error_code": _spelt(refusal.code, number), "message": _composed(refusal.message, number), "result": []}

    def _perform(self, body: Mapping[str, Any], number: int, *, answered: bool) -> Body:
        match body.get("service"):
            case "DongBoHoSoMC":
                return self._put(body, number)
            case "CapNhatTienDoHoSoMC":
                return self._add(body, number, answered=answered)
            case "DongBoTrangThaiHoSo":
                return self._tell(body, number)
            case "TraCuuHoSo":
                return self._look_up(_text(body, "mahoso"), number)
            case "DanhSachHoSo":
                return self._list(_text(body, "ngayNhan1"), _text(body, "ngayNhan2"), number)
            case service:
                return _fine(number, "Thành công", self._catalogue(service, body))

    def _catalogue(self, service: object, body: Mapping[str, Any]) -> list[Body]:
        match service:
            case "LayThuTuc":
                procedure = self._procedures.get(_text(body, "maTTHC"))
                return [_details(procedure)] if procedure else []
            case "LayDanhSachTTHC":
                return [{"MATTHC": one.code, "TENTTHC": one.name, "MALINHVUC": one.sector} for one in self._procedures.values()]
            case "LayDanhMucLinhVuc":
                return [{"MALINHVUC": code, "TENLINHVUC": name, "MANGANH": code[:3]} for code, name in SECTORS.items()]
            case "LayDanhMucCoQuan":
                return [{"MADONVI": one.code, "TENDONVI": one.name, "CAPDONVI": one.level} for one in UNITS]
        raise Refused("Dịch vụ (service) không được hỗ trợ")

    def _put(self, body: Mapping[str, Any], number: int) -> Body:
        updating = body.get("isUpdating")
        if updating not in ("True", "False"):
            raise Refused('isUpdating phải là "True" hoặc "False"')
        records = _array(body)
        for record in records:
            check_record(record, self._procedures, later=self._later)
        self.holdings.put(records, updating=updating == "True")
        return _fine(number, "Đồng bộ hồ sơ thành công")

    def _add(self, body: Mapping[str, Any], number: int, *, answered: bool) -> Body:
        steps = _array(body)
        for step in steps:
            check_step(step)
        self.holdings.add(steps, answered=answered)
        return _fine(number, "Cập nhật tiến độ hồ sơ thành công")

    def _tell(self, body: Mapping[str, Any], number: int) -> Body:
        if body.get("type") != "2":
            raise Refused('type phải là "2"')
        self.holdings.tell(check_status(body.get("data")))
        return _fine(number, "Đồng bộ trạng thái thành công")

    def _look_up(self, code: str, number: int) -> Body:
        record = self.holdings.record(code)
        key, form = _LOOKUPS[number % len(_LOOKUPS)]
        form = form if self._lookup == "mixed" else self._lookup
        filed: list[Body] = [{"MaHoSo": code}] if self.holdings.filed(code) else []
        found = filed if record is None else [_standing(record, form)]
        if record is not None and form == "full":
            found[0]["TienDoXuLy"] = [entry.body for entry in self.holdings.steps(code)]
        return {"error_code": _OK[number % len(_OK)], "message": "" if found else _composed("Không tìm thấy hồ sơ", number), key: found}

    def _list(self, first: str, last: str, number: int) -> Body:
        """The dossiers received within these days, both included."""
        if not (_DAY.fullmatch(first) and _DAY.fullmatch(last)):
            raise Refused("ngayNhan1, ngayNhan2 phải theo định dạng yyyy-MM-dd")
        since, until = first.replace("-", ""), last.replace("-", "") + "9"
        within = [record for record in self.holdings.records().values() if since <= record["NgayTiepNhan"] < until]
        return {"error_code": _OK[number % len(_OK)], "message": "", "data": [_standing(record, "pascal") for record in within]}


def _standing(record: Body, form: str) -> Body:
    if form == "bare":
        return {"MaHoSo": record["MaHoSo"]}
    if form == "full":
        return dict(record)
    answer = {
        "MaTTHC": record["MaTTHC"], "MaHoSo": record["MaHoSo"], "HoTenNguoiNop": record["ChuHoSo"], "MaTrangThai": record["TrangThaiHoSo"],
        "TrangThaiHoSo": _STATUS_TEXTS[int(record["TrangThaiHoSo"]) - 1], "DonViXuLy": record["DonViXuLy"], "NgayTiepNhan": record["NgayTiepNhan"],
        "NgayHenTra": record["NgayHenTra"],
    }  # fmt: skip
    return {name.upper(): value for name, value in answer.items()} if form == "upper" else answer


def _details(procedure: Procedure) -> Body:
    return {
        "MATTHC": procedure.code, "TENTTHC": procedure.name, "CAPTHUCHIEN": procedure.level, "TRANGTHAI": "1",
        "LINHVUCTHUCHIEN": [{"MALINHVUC": procedure.sector, "TENLINHVUC": SECTORS[procedure.sector]}],
        "THANHPHANHOSO": [{"TRUONGHOP": "", "GIAYTO": [{"MAGIAYTO": f"KQ.{at:04}", "TENMAUDON": paper} for at, paper in enumerate(procedure.papers, start=1)]}],
        "KETQUATHUCHIEN": [{"MAKETQUA": f"KQ.{procedure.code}", "TENKETQUA": procedure.result}],
    }  # fmt: skip


def _array(body: Mapping[str, Any]) -> list[Any]:
    data = body.get("data")
    if not isinstance(data, list) or not data:
        raise Refused("data phải là danh sách không rỗng")
    return data


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(f"{name} không được để trống")
    return value


def _fine(number: int, message: str, result: Sequence[Body] = ()) -> Body:
    return {"error_code": _OK[number % len(_OK)], "message": _composed(message, number), "result": result}


def _spelt(code: int, number: int) -> Spelling:
    if code == DUPLICATE and number % 2:
        code = -code
    return str(code) if number % 3 else code


def _composed(message: str, number: int) -> str:
    return unicodedata.normalize("NFD" if number % 2 else "NFC", message)

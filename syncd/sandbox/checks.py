"""What the sandbox portal refuses: the rules of the wire contract, taken at their strictest.

The real portal's tolerance is not public, so whatever syncd sends must pass the narrowest reading: every base field
there and a string, required ones filled, dates of fourteen digits, codes out of their lists, no field nobody knows.
A file's address may be empty, because a province need not publish files. Refusals name the field, never its content.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, NamedTuple

STATUSES: Final = frozenset(str(code) for code in range(1, 11))
_FLAG: Final = frozenset(("0", "1"))
_NOTE_LIMIT: Final = 2000
DUPLICATE: Final = -3  #: code of a refusal because the dossier is there already; also seen as 3
ABSENT: Final = 4  #: because it is not


class Refused(Exception):
    """The portal understood, and says no."""

    def __init__(self, message: str, code: int = -1) -> None:
        self.message = message
        self.code = code
        super().__init__(message)


class Field(NamedTuple):
    """What a field must be."""

    required: bool = False  #: not empty
    date: bool = False
    longest: int = 0  #: characters, 0 = no limit
    codes: frozenset[str] = frozenset()  #: the values it may have, where it is filled
    digits: bool = False
    list_of: str = ""  #: name of a shape


_TEXT: Final = Field()
_REQUIRED: Final = Field(required=True)
_CODE: Final = Field(required=True, longest=50)
_DATE: Final = Field(date=True)
_DATE_REQUIRED: Final = Field(required=True, date=True)

#: fields of the first generation; each must be there
BASE: Final[dict[str, dict[str, Field]]] = {
    "record": {
        "MaHoSo": _CODE,
        "MaTTHC": _CODE,
        **dict.fromkeys(("TenTTHC", "MaLinhVuc", "TenLinhVuc", "DonViXuLy"), _REQUIRED),
        **dict.fromkeys(("ChuHoSo", "MaDoiTuong", "ThongTinKhac", "Email", "Fax", "SoDienThoai", "ThongTinTra"), _TEXT),
        "LoaiDoiTuong": Field(required=True, codes=frozenset("1234")),
        "TrichYeuHoSo": Field(longest=1000),
        "NgayTiepNhan": _DATE_REQUIRED,
        **dict.fromkeys(("NgayHenTra", "NgayTra", "NgayKetThucXuLy"), _DATE),
        "TrangThaiHoSo": Field(required=True, codes=STATUSES),
        "HinhThuc": Field(required=True, codes=_FLAG),
        "GhiChu": Field(longest=_NOTE_LIMIT),
        "TaiLieuNop": Field(list_of="paper"),
        "DanhSachLePhi": Field(list_of="fee"),
        "DanhSachTepDinhKemKhac": Field(list_of="other"),
        "DanhSachHoSoBoSung": Field(list_of="supplement"),
        "DanhSachGiayToKetQua": Field(list_of="result"),
    },
    "paper": {
        "TepDinhKemId": _TEXT,
        "TenTepDinhKem": Field(required=True, longest=4000),
        "IsDeleted": Field(required=True, codes=frozenset(("True", "False"))),
        "MaThanhPhanHoSo": _TEXT,
        "DuongDanTaiTepTin": _TEXT,
    },
    "fee": {"TenPhiLePhi": _REQUIRED, "MaPhiLePhi": _TEXT, "HinhThucThu": _TEXT, "Gia": Field(required=True, digits=True), "LoaiPhiLePhi": _TEXT},
    "other": {"TenGiayTo": _REQUIRED, "SoLuong": Field(required=True, digits=True), "LoaiGiayTo": _TEXT},
    "supplement": {"HoSoBoSungId": _REQUIRED, "NguoiYeuCauBoSung": _TEXT, "NoiDungBoSung": _TEXT, "NgayBoSung": _DATE_REQUIRED},
    "result": {"TenGiayTo": Field(required=True, longest=2000), "MaThanhPhanHoSo": _TEXT, "GiayToId": _TEXT, "DuongDanTepTinKetQua": _TEXT},
    "identity": {"LoaiDinhDanh": Field(required=True, codes=frozenset("12")), "SoDinhDanh": Field(required=True, digits=True)},
    "database": {"MaCSDL": _REQUIRED},
    "step": {
        "MaHoSo": _CODE,
        "NguoiXuLy": Field(required=True, longest=50),
        "ChucDanh": _TEXT,
        "ThoiDiemXuLy": _DATE_REQUIRED,
        "PhongBanXuLy": _TEXT,
        "NoiDungXuLy": _REQUIRED,
        "TrangThai": Field(required=True, codes=STATUSES),
        "NgayBatDau": _DATE,
        "NgayKetThucTheoQuyDinh": _DATE,
    },
    "status": {
        "MaHoSo": _CODE,
        "MaHoSoDonVi": _CODE,
        "MaDoiTuong": _TEXT,
        "NoiDung": _TEXT,
        "NgayXuLy": _DATE_REQUIRED,
        "TrangThai": Field(required=True, codes=frozenset(("1", "2", "5", "11"))),
        "TaiLieuXuLy": Field(list_of="paper"),
    },
}
#: fields that came later; each may be left out
LATER: Final[dict[str, dict[str, Field]]] = {
    "record": {
        "KenhThucHien": Field(required=True, codes=frozenset("123")),
        "NoiNopHoSo": Field(required=True, codes=frozenset("12")),
        "HoSoCoThanhPhanSoHoa": Field(required=True, codes=_FLAG),
        "TaiKhoanDuocXacThucVoiVNeID": Field(required=True, codes=_FLAG),
        "DuocThanhToanTrucTuyen": Field(required=True, codes=frozenset("0123")),
        "NgayTuChoi": _DATE,
        "NgayNopHoSo": _DATE_REQUIRED,
        "DinhDanhCHS": Field(list_of="identity"),
        "DSKetNoiCSDL": Field(list_of="database"),
        "SoGiayToChuHoSo": _TEXT,
    },
    "paper": {
        "DuocSoHoa": Field(codes=_FLAG),
        "DuocTaiSuDung": Field(codes=frozenset("012")),
        "DuocLayTuKhoDMQG": Field(codes=_FLAG),
        "MaKetQuaThayThe": _TEXT,
    },
    "result": {"MaGiayToKetQua": _TEXT},
    "supplement": {
        **dict.fromkeys(("NguoiTiepNhanBoSung", "ThongTinTiepNhan", "TrangThaiBoSung"), _TEXT),
        **dict.fromkeys(("NgayTiepNhanBoSung", "NgayHenTraTruoc", "NgayHenTraMoi"), _DATE),
        "DanhSachGiayToBoSung": Field(list_of="paper"),
        "DanhSachLePhiBoSung": Field(list_of="fee"),
    },
}
_IDENTITY_DIGITS: Final = {"1": 12, "2": 9}


def check_record(record: object, procedures: Collection[str], *, later: bool = True) -> None:
    """Refuse a dossier object that breaks a rule; `later` admits the fields that came after the first 27."""
    given = _check(record, "record", "", later=later)
    if given["MaTTHC"] not in procedures:
        raise Refused("MaTTHC không có trong danh mục thủ tục hành chính")
    for number, identity in enumerate(given.get("DinhDanhCHS", ())):
        if len(identity["SoDinhDanh"]) != _IDENTITY_DIGITS[identity["LoaiDinhDanh"]]:
            raise Refused(f"DinhDanhCHS[{number}].SoDinhDanh không đúng độ dài của loại định danh")


def check_step(step: object) -> None:
    """Refuse a progress object that breaks a rule."""
    _check(step, "step", "")


def check_status(status: object) -> dict[str, Any]:
    """The status object of a dossier from the portal; refused where it breaks a rule."""
    return _check(status, "status", "")


def _check(value: object, shape: str, path: str, *, later: bool = True) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(f"{path or 'data'} phải là đối tượng")
    base, more = BASE[shape], LATER.get(shape, {}) if later else {}
    for name, field in base.items():
        if name not in value:
            raise Refused(f"Thiếu trường {path}{name}")
        _check_field(value[name], field, path + name)
    for name in value.keys() - base.keys():
        if name not in more:
            raise Refused(f"Trường {path}{name} không có trong quy định")
        _check_field(value[name], more[name], path + name)
    return value


def _check_field(value: object, field: Field, path: str) -> None:
    if field.list_of:
        _check_list(value, field.list_of, path)
    elif not isinstance(value, str):
        raise Refused(f"{path} phải là chuỗi")
    elif not value.strip():
        if field.required:
            raise Refused(f"{path} không được để trống")
    else:
        _check_text(value, field, path)


def _check_list(value: object, shape: str, path: str) -> None:
    if not isinstance(value, list):
        raise Refused(f"{path} phải là danh sách")
    for number, element in enumerate(value):
        _check(element, shape, f"{path}[{number}].")


def _check_text(value: str, field: Field, path: str) -> None:
    if field.longest and len(value) > field.longest:
        raise Refused(f"{path} dài quá {field.longest} ký tự")
    if field.codes and value not in field.codes:
        raise Refused(f"{path} không có trong danh mục")
    if field.digits and not (value.isascii() and value.isdecimal()):
        raise Refused(f"{path} phải gồm các chữ số")
    if field.date and not is_date(value):
        raise Refused(f"{path} không đúng định dạng yyyyMMddHHmmss")


def is_date(value: str) -> bool:
    """Whether it is fourteen digits that name an instant."""
    if len(value) != len("yyyyMMddHHmmss") or not (value.isascii() and value.isdecimal()):
        return False
    try:
        datetime(int(value[:4]), *(int(value[at : at + 2]) for at in range(4, 14, 2)))  # type: ignore[arg-type]  # noqa: DTZ001 the wire has no zone
    except ValueError:
        return False
    return True

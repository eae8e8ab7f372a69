"""The objects of the wire contract, field by field: name, format, required, longest. Written from the contract, not from the mapping."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, NamedTuple


class Field(NamedTuple):
    """One field: a regular expression for what it may be where it is filled, or the shape of its entries."""

    name: str
    form: str = r"(?s:.*)"
    required: bool = False
    longest: int = 0
    entries: str = ""
    later: bool = False


DATE, FLAG, STATUS = "date", "[01]", "[1-9]|10"


def _required(*names: str, form: str = r"(?s:.+)", longest: int = 0) -> list[Field]:
    return [Field(name, form, required=True, longest=longest) for name in names]


def _free(*names: str) -> list[Field]:
    return [Field(name) for name in names]


def _later(*fields: Field) -> list[Field]:
    return [field._replace(later=True) for field in fields]


_PAPER = [
    Field("TepDinhKemId"),
    Field("TenTepDinhKem", required=True, longest=4000),
    Field("IsDeleted", "True|False", required=True),
    Field("MaThanhPhanHoSo"),
    Field("DuongDanTaiTepTin"),
]
TABLE: dict[str, list[Field]] = {
    "record": [
        *_required("MaHoSo", "MaTTHC", longest=50),
        *_required("TenTTHC", "MaLinhVuc", "TenLinhVuc"),
        Field("ChuHoSo"),
        Field("LoaiDoiTuong", "[1-4]", required=True),
        *_free("MaDoiTuong", "ThongTinKhac", "Email"),
        Field("Fax", ""),
        Field("SoDienThoai"),
        Field("TrichYeuHoSo", longest=1000),
        Field("NgayTiepNhan", DATE, required=True),
        Field("NgayHenTra", DATE),
        Field("TrangThaiHoSo", STATUS, required=True),
        Field("NgayTra", DATE),
        Field("ThongTinTra"),
        Field("HinhThuc", FLAG, required=True),
        Field("NgayKetThucXuLy", DATE),
        *_required("DonViXuLy"),
        Field("GhiChu", longest=1999),
        Field("TaiLieuNop", entries="paper"),
        Field("DanhSachLePhi", entries="fee"),
        Field("DanhSachTepDinhKemKhac", entries="none"),
        Field("DanhSachHoSoBoSung", entries="none"),
        Field("DanhSachGiayToKetQua", entries="result"),
        *_later(
            Field("KenhThucHien", "[123]"),
            Field("NoiNopHoSo", "[12]", required=True),
            Field("HoSoCoThanhPhanSoHoa", FLAG, required=True),
            Field("TaiKhoanDuocXacThucVoiVNeID", FLAG, required=True),
            Field("DuocThanhToanTrucTuyen", "[0123]", required=True),
            Field("NgayTuChoi", DATE),
            Field("NgayNopHoSo", DATE, required=True),
            Field("DinhDanhCHS", entries="identity"),
            Field("DSKetNoiCSDL", entries="none"),
        ),
    ],
    "paper": [
        *_PAPER,
        *_later(Field("DuocSoHoa", FLAG, required=True), Field("DuocTaiSuDung", "[012]"), Field("DuocLayTuKhoDMQG", FLAG), Field("MaKetQuaThayThe")),
    ],
    "status_paper": _PAPER,
    "fee": [
        *_required("TenPhiLePhi"),
        *_free("MaPhiLePhi"),
        Field("HinhThucThu", "[1-4]"),
        Field("Gia", "[0-9]+", required=True),
        Field("LoaiPhiLePhi", "[12]"),
    ],
    "result": [
        Field("TenGiayTo", required=True, longest=2000),
        *_free("MaThanhPhanHoSo", "GiayToId", "DuongDanTepTinKetQua"),
        *_later(Field("MaGiayToKetQua")),
    ],
    "identity": [Field("LoaiDinhDanh", "[12]", required=True), Field("SoDinhDanh", "[0-9]{12}|[0-9]{9}", required=True)],
    "none": [],
    "step": [
        *_required("MaHoSo", "NguoiXuLy", longest=50),
        Field("ChucDanh"),
        Field("ThoiDiemXuLy", DATE, required=True),
        Field("PhongBanXuLy"),
        *_required("NoiDungXuLy"),
        Field("TrangThai", STATUS, required=True),
        Field("NgayBatDau", DATE),
        Field("NgayKetThucTheoQuyDinh", DATE),
    ],
    "status": [
        *_required("MaHoSo", "MaHoSoDonVi", longest=50),
        *_free("MaDoiTuong", "NoiDung"),
        Field("NgayXuLy", DATE, required=True),
        Field("TrangThai", "1|2|5|11", required=True),
        Field("TaiLieuXuLy", entries="status_paper"),
    ],
}
assert [len([field for field in TABLE[shape] if not field.later]) for shape in ("record", "step")] == [27, 9]


def faults(value: dict[str, Any], shape: str, profile: str) -> list[str]:
    """What of the object is not as the contract says, order and completeness included."""
    fields = [field for field in TABLE[shape] if profile == "extended" or not field.later]
    found = [] if list(value) == [field.name for field in fields] else [f"{shape}: fields {list(value)}"]
    for field in fields:
        found += _faults(value.get(field.name), field, profile)
    return found


def _faults(value: Any, field: Field, profile: str) -> list[str]:
    if field.entries:
        return [fault for entry in value for fault in faults(entry, field.entries, profile)] if isinstance(value, list) else [f"{field.name} is no list"]
    if not isinstance(value, str):
        return [f"{field.name} is no text"]
    if not value:
        return [f"{field.name} is empty"] if field.required else []
    if field.longest and len(value) > field.longest:
        return [f"{field.name} is too long"]
    fits = _is_date(value) if field.form == DATE else re.fullmatch(field.form, value)
    return [] if fits else [f"{field.name}: {value!r}"]


def _is_date(value: str) -> bool:
    return re.fullmatch("[0-9]{14}", value) is not None and datetime.strptime(value, "%Y%m%d%H%M%S").year >= 1990  # noqa: DTZ007

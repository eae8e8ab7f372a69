"""What the sandbox axis refuses: the field table of a draft sent for signing, and of an acknowledgement, at their strictest."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from syncd.sandbox.checks import Refused
from syncd.sandbox.office_desk import File, Matter

BAD_DATA: Final = 400
_PERSON: Final = dict.fromkeys(("Ten", "CMND", "SoDienThoai", "DiaChi"), False)
_ACCOUNT: Final = {"Ten": False, "TaiKhoan": True}
#: the fields of each object, and whether each must be filled
SHAPES: Final[Mapping[str, Mapping[str, bool]]] = {
    "": {
        "IDHoSo": True, "MaHoSo": True, "TenHoSo": False, "ThuTuc": False, "ThamSoAn": False, "HccLinkAPI": False, "LoaiHSLienthong": False,
        "SoKyHieuVanBan": False, "NguoiKyVanBan": False,
    },
    "ChuHoSo": _PERSON,
    "NguoiNop": _PERSON,
    "NguoiKy": _ACCOUNT,
    "NguoiTrinhKy": _ACCOUNT,
    "DonVi": {"Ten": False, "MaDinhDanh": True},
    "VanBanDuThao": {"TrichYeu": True, "LoaiVanBan": False, "NgayTao": False},
}  # fmt: skip
_OBJECTS: Final = tuple(name for name in SHAPES if name)
_ECHOED: Final = ("IDHoSo", "TenHoSo", "ThuTuc", "HccLinkAPI", "LoaiHSLienthong")
_DEADLINE: Final = re.compile(r"\d{14}")


def check_draft(given: object) -> Matter:
    """What is said about the draft; refused where it breaks a rule."""
    body = _object(given, "", "", {*_OBJECTS, "ThanhPhanHoSo", "HanXuLyVanBan"})
    for name in _OBJECTS:
        _object(body[name], name, f"{name}.", {"DinhKem"} if name == "VanBanDuThao" else {"Id"} if name in ("NguoiKy", "NguoiTrinhKy") else set())
    _check_deadline(body["HanXuLyVanBan"])
    _check_papers(body["ThanhPhanHoSo"])
    draft = body["VanBanDuThao"]
    if draft["NgayTao"]:
        raise Refused("VanBanDuThao.NgayTao phải để trống", BAD_DATA)
    signer = body["NguoiKy"]["Ten"] or body["NguoiKy"]["TaiKhoan"]
    return Matter(
        body["MaHoSo"], _files(draft["DinhKem"]), draft["TrichYeu"], draft["LoaiVanBan"], body["ThamSoAn"], signer, body["NguoiTrinhKy"]["TaiKhoan"],
        body["DonVi"]["MaDinhDanh"], body["DonVi"]["Ten"], tuple((name, body[name]) for name in _ECHOED),
    )  # fmt: skip


def check_acknowledgement(given: object) -> tuple[str, str]:
    """Package and state; refused where it breaks a rule."""
    if not isinstance(given, dict) or not given.keys() <= {"MaVanBan", "TrangThai", "Log"} or not all(isinstance(value, str) for value in given.values()):
        raise Refused("Nội dung không đúng quy định", BAD_DATA)
    if not given.get("MaVanBan") or given.get("TrangThai") not in ("01", "03", "04"):
        raise Refused("MaVanBan hoặc TrangThai không hợp lệ", BAD_DATA)
    return given["MaVanBan"], given["TrangThai"]


def _object(value: object, shape: str, path: str, more: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(f"{shape or 'body'} phải là đối tượng", BAD_DATA)
    fields = SHAPES[shape]
    for name in value.keys() - fields.keys() - more:
        raise Refused(f"Trường {path}{name} không có trong quy định", BAD_DATA)
    for name in (*fields, *sorted(more - {"Id"})):
        if name not in value:
            raise Refused(f"Thiếu trường {path}{name}", BAD_DATA)
    for name, filled in fields.items():
        if not isinstance(value[name], str) or (filled and not value[name].strip()):
            raise Refused(f"{path}{name} không được để trống", BAD_DATA)
    return value


def _check_deadline(value: object) -> None:
    if value is not None and not (isinstance(value, str) and (not value or _DEADLINE.fullmatch(value))):
        raise Refused("HanXuLyVanBan không đúng định dạng yyyyMMddHHmmss", BAD_DATA)


def _check_papers(value: object) -> None:
    if not isinstance(value, list):
        raise Refused("ThanhPhanHoSo phải là danh sách", BAD_DATA)
    for paper in value:
        if not isinstance(paper, dict) or paper.keys() != {"Ten", "Base64", "Link"} or paper["Base64"] or not paper["Ten"] or not paper["Link"]:
            raise Refused("ThanhPhanHoSo chỉ gồm tên và đường dẫn", BAD_DATA)


def _files(value: object) -> tuple[File, ...]:
    if not isinstance(value, list) or not value:
        raise Refused("VanBanDuThao.DinhKem phải có ít nhất một tệp", BAD_DATA)
    found = []
    for one in value:
        if not isinstance(one, dict) or one.keys() != {"Ten", "Base64", "Link"} or one["Link"] is not None or not one["Ten"] or "/" in one["Ten"]:
            raise Refused("VanBanDuThao.DinhKem không đúng quy định", BAD_DATA)
        try:
            content = b64decode(one["Base64"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            content = b""
        if not content:
            raise Refused("VanBanDuThao.DinhKem.Base64 không hợp lệ", BAD_DATA)
        found.append(File.of(one["Ten"], content))
    if len({file.name for file in found}) != len(found):
        raise Refused("VanBanDuThao.DinhKem trùng tên tệp", BAD_DATA)
    return tuple(found)


def shown(body: object) -> object:
    """A draft without the content of its files, for keeping."""
    if isinstance(body, dict):
        return {name: "…" if name == "Base64" and value else shown(value) for name, value in body.items()}
    return [shown(one) for one in body] if isinstance(body, list) else body


def decoded(content: bytes) -> Any:
    """The JSON, None for what is none."""
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        return None

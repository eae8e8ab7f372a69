"""The document axis of Tân Dân."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from connectors.tdoffice import connector
from syncd.calls import Portion
from syncd.model import Dossier
from tests.connectors.portal import Asked, Behaviour, ScriptedPortal, answer
from tests.contract.surroundings import DRAFT, PDF, RECORD, Collecting, dossier, drafted, strings

TOKEN = "the-cua-mot-cua-7/7"
SEND, LIST, FETCH, ACKNOWLEDGE = "GuiHoSo", "LayDanhSachGoiTinVanBan", "LayGoiTinVanBan", "CapNhatTrangThaiVanBan"


def said(data: object, code: int = 200, message: str = "") -> Behaviour:
    """An answer in the axis's envelope."""
    return answer({"data": data, "error": {"code": code, "internalMessage": message, "userMessage": ""}})


class Tdoffice(Collecting):
    """The axis."""

    connector = connector
    name = "tdoffice"
    calls = {RECORD: SEND}  # noqa: RUF012 nobody writes to it
    listing = LIST
    probed = (LIST,)
    fetching, acknowledging = FETCH, ACKNOWLEDGE
    knows = False
    files = True

    def __init__(self, folder: Path) -> None:
        self.axis = _Axis()
        super().__init__(folder, self.axis)

    def options(self) -> dict[str, Any]:
        return {"connector": "tdoffice", "base_url": f"{self.server.root}/lienthonghsqlvb", "token": TOKEN, "agency_code": "H03", "top": 2}

    def secrets(self) -> tuple[str, ...]:
        return (TOKEN,)

    def portion(self, kind: str = RECORD, about: Dossier | None = None, file: str = "") -> Portion:
        return drafted(about or dossier(), replace(DRAFT, file=file or str(self.draft_file)))

    def refusal(self, said_: str) -> Behaviour:
        return said(None, 400, said_)

    def holds(self) -> list[str]:
        return [asked.body["MaHoSo"] for asked in self.came()]

    def texts(self, asked: Asked) -> Iterator[str]:
        return strings(asked.body)

    def contents(self, asked: Asked) -> list[bytes]:
        return [base64.b64decode(entry["Base64"]) for entry in asked.body["VanBanDuThao"]["DinhKem"]]

    def lacking(self) -> Portion:
        return drafted(dossier(), replace(DRAFT, file=str(self.draft_file), signer="", signer_name=""))

    def issue(self, *documents: str) -> None:
        self.axis.waiting += documents

    def issued(self) -> list[str]:
        return self.axis.waiting

    def spoilt(self) -> Behaviour:
        return said({"LoaiKetQua": "01", "MaHoSo": dossier().code, "VanBanDi": None})

    @property
    def signed(self) -> bytes:
        return PDF


class _Axis(ScriptedPortal):
    """Lists what waits until it is acknowledged."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        super().__init__()

    def _properly(self, asked: Asked) -> Behaviour:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return said(None, 401, "Chưa xác thực")
        match asked.service:
            case "GuiHoSo":
                return said("da-nhan")
            case "LayDanhSachGoiTinVanBan":
                return said(self.waiting[: int(asked.query["top"])])
            case "LayGoiTinVanBan":
                return said(_package()) if asked.query["MaVanBan"] in self.waiting else said(None, 404, "Không tồn tại")
        return self._acknowledged(asked.body["MaVanBan"])

    def _acknowledged(self, package: str) -> Behaviour:
        if package not in self.waiting:
            return said(None, 404, "Gói tin không tồn tại")
        self.waiting.remove(package)
        return said(None)


def _package() -> dict[str, Any]:
    file = {"Ten": "giay-khai-sinh.pdf", "Base64": base64.b64encode(PDF).decode(), "Link": None}
    paper = {"TrichYeu": "Giấy khai sinh", "SoKyHieu": "12/GKS-UBND", "NgayBanHanh": "05/03/2025", "NgayKy": "05/03/2025", "DinhKem": [file]}
    return {"IDHoSo": "1", "MaHoSo": dossier().code, "LoaiKetQua": "01", "VanBanDi": paper, "DonVi": {"Ten": "UBND", "MaDinhDanh": "000.00.14.H03"}}

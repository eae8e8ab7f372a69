"""A document axis of Tân Dân that a test scripts call by call, and drafts to send to it.

What it is not told to do it does well: it takes drafts, lists its packages until they are acknowledged, and gives them out.
What breaks the contract's form is kept in `violations`.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from connectors._tdoffice.options import TdofficeOptions
from connectors.tdoffice import connector
from syncd.calls import Element, Operation, Portion, Receipt
from syncd.model import Dossier, Draft
from syncd.ports import Collector, Target
from tests.clocks import TurnedClock
from tests.connectors.dossiers import CODE, DOSSIER
from tests.connectors.portal import Asked, Behaviour, ScriptedPortal, answer

SEND, LIST, FETCH, DONE = "GuiHoSo", "LayDanhSachGoiTinVanBan", "LayGoiTinVanBan", "CapNhatTrangThaiVanBan"
TOKEN = 'ma-bi-mat"/1'
SIGNED = b"%PDF-1.7 da ky \x00\xff"
DRAFT = Draft(
    id="501",
    revision="a1",
    title="Dự thảo trích lục khai sinh",
    kind="Trích lục",
    file="/khong/co/that.pdf",
    file_name="trich-luc.pdf",
    signer="hoang.lan",
    signer_name="Hoàng Thị Lan",
    submitter="trieu.son",
    submitter_name="Triệu Văn Sơn",
    due_at=datetime(2025, 3, 6, 10, 0, tzinfo=UTC),
)
SUBJECT = f"{CODE}/501"


def portion(draft: Draft = DRAFT, dossier: Dossier = DOSSIER, operation: Operation = Operation.CREATE) -> Portion:
    """The draft as the engine hands it over."""
    return Portion(operation=operation, dossier=dossier, subject=f"{dossier.code}/{draft.id}", matter=draft)


def filed(folder: Path, content: bytes = b"noi dung", **fields: Any) -> Draft:
    """The draft with a file that is there."""
    path = folder / "du-thao.pdf"
    path.write_bytes(content)
    return replace(DRAFT, file=str(path), **fields)


def envelope(data: object = None, code: object = 200, message: str = "") -> dict[str, object]:
    """An answer in the axis's envelope."""
    return {"data": data, "error": {"code": code, "internalMessage": message, "userMessage": message}}


def told(data: object = None, code: object = 200, message: str = "", status: int = 200) -> Behaviour:
    """A behaviour: such an answer."""
    return answer(envelope(data, code, message), status)


def attachment(content: bytes = SIGNED, name: str = "123-QD-UBND.pdf", link: str | None = None) -> dict[str, object]:
    """A file of a package."""
    return {"Ten": name, "Base64": b64encode(content).decode(), "Link": link}


def package(kind: object = "01", **fields: Any) -> dict[str, Any]:
    """A package; what is given goes into its document, or with a leading underscore into the package itself."""
    document = {
        "TrichYeu": "Trích lục khai sinh",
        "LoaiVanBan": "Trích lục",
        "NgayBanHanh": "05/03/2025",
        "NgayKy": "04/03/2025",
        "NguoiKy": "Hoàng Thị Lan",
        "ChucVu": "Chủ tịch",
        "SoKyHieu": "123/2025/TL-UBND",
        "DinhKem": [attachment()],
        "ThanhPhanHoSo": [],
    }
    document |= {name: value for name, value in fields.items() if not name.startswith("_")}
    whole = {
        "IDHoSo": "1",
        "MaHoSo": CODE,
        "DonVi": {"Ten": "UBND phường Đức Xuân", "MaDinhDanh": "000.00.14.H03"},
        "VanBanDi": document,
        "ThamSoAn": f'{{"DuThao":"Kết quả","DuThaoId":"501","syncd":"{SUBJECT}"}}',
        "LoaiKetQua": kind,
    }
    return whole | {name.removeprefix("_"): value for name, value in fields.items() if name.startswith("_")}


class ScriptedAxis(ScriptedPortal):
    """Holds packages by their codes."""

    def __init__(self) -> None:
        super().__init__()
        self.packages: dict[str, Any] = {}
        self.acknowledged: list[dict[str, str]] = []

    @property
    def base_url(self) -> str:
        return f"{self.root}/lienthonghsqlvb"

    def _properly(self, asked: Asked) -> Behaviour:
        self.violations += _violations(asked)
        match asked.service:
            case "GuiHoSo":
                return told("da-nhan")
            case "LayDanhSachGoiTinVanBan":
                return told(list(self.packages)[: int(asked.query["top"])])
            case "LayGoiTinVanBan":
                code = asked.query["MaVanBan"]
                return told(self.packages[code]) if code in self.packages else told(code=404, message="Gói tin không tồn tại")
            case "CapNhatTrangThaiVanBan":
                return self._acknowledge(asked.body)
        return answer(b"", 404)

    def _acknowledge(self, body: dict[str, str]) -> Behaviour:
        if body["MaVanBan"] not in self.packages:
            return told(code=1, message="Gói tin không tồn tại")
        del self.packages[body["MaVanBan"]]
        self.acknowledged.append(body)
        return told("ok")


def _violations(asked: Asked) -> list[str]:
    wanted = {"authorization": f"Bearer {TOKEN}", "accept": "application/json"} | ({"content-type": "application/json"} if asked.method == "POST" else {})
    found = [f"{asked.service}: header {name}" for name, value in wanted.items() if asked.headers.get(name) != value]
    found += [f"{asked.service}: header {name}" for name in ("cookie", "transfer-encoding") if name in asked.headers]
    if asked.method != ("POST" if asked.service in (SEND, DONE) else "GET"):
        found.append(f"{asked.service}: method {asked.method}")
    return found


class Office:
    """The axis as a target, and the target's parts."""

    def __init__(self, axis: ScriptedAxis, mappings: Path | None = None, **given: Any) -> None:
        self.clock = TurnedClock()
        self.sleeps: list[float] = []
        defaults = {"connector": "tdoffice", "base_url": axis.base_url, "token": TOKEN, "agency_code": "H03", "timeout": "5s"}
        options = TdofficeOptions.model_validate(defaults | given)
        self.target: Target = connector.build("tdoffice", options, clock=self.clock, mappings=mappings, sleep=self.sleeps.append)
        assert self.target.collector is not None
        self.collector: Collector = self.target.collector

    def element(self, draft: Draft = DRAFT, dossier: Dossier = DOSSIER) -> Element:
        return self.target.compose(portion(draft, dossier))

    def send(self, draft: Draft, dossier: Dossier = DOSSIER) -> Receipt:
        return self.target.send([self.element(draft, dossier)])

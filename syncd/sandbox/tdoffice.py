"""The sandbox document axis in the manner of Tân Dân: JSON, an envelope with its own code, packages that wait to be fetched.

What is sent is worked on by a clerk (see `office_clerk`); a package is listed until it is acknowledged. The code of the
envelope comes as a number and as a text in turn, and a refusal may come with HTTP 200. `desk` is what a referee looks at.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import Any, Final

import msgspec

from syncd.clock import Clock, SystemClock
from syncd.sandbox.checks import Refused
from syncd.sandbox.faults import FAULTS, Fault, Faults
from syncd.sandbox.office_clerk import Clerk
from syncd.sandbox.office_desk import Desk, Package, Result
from syncd.sandbox.server import Reply, Request
from syncd.sandbox.station import Answer, Asked, Station
from syncd.sandbox.tdoffice_checks import check_acknowledgement, check_draft, decoded, shown

PATH: Final = "/lienthonghsqlvb"
_METHODS: Final = {"GuiHoSo": "POST", "LayDanhSachGoiTinVanBan": "GET", "LayGoiTinVanBan": "GET", "CapNhatTrangThaiVanBan": "POST"}
OK, UNAUTHORISED, ABSENT, BAD = 200, 401, 404, 400
RESULT_TYPES: Final = {"issued": "01", "unnumbered": "02", "rejected": "03", "signed": "04"}
_CODES: Final = (400, 401, 403, 404, 410, 429, 500, 503)
_BAD_DATES: Final = ("31/02/2026", "00/00/0000", "", "01/01/0001")
_OTHER_DATES: Final = ("%Y/%m/%d", "%Y-%m-%dT00:00:00", "%Y-%m-%d")
TD_KINDS: Final = {
    **FAULTS,
    **{f"code {code}": Fault(f"code {code}", done=False, certain=code != 500) for code in _CODES},
}
#: a bad day at the axis; where a draft is sent, only what leaves no doubt, for nobody can ask the axis what it has
BAD_DAY_TD: Final = {
    **dict.fromkeys(("reset", "lost", "500", "502", "504", "html", "empty", "truncated", "slow", "code 500"), 0.012),
    **dict.fromkeys(("503", "429", "code 503"), 0.02),
}


class TdFaults(Faults):
    """Decides for each call of the axis whether and how it fails."""

    def __init__(self, odds: Mapping[str, float] | None = None, seed: int = 1, *, slowness: float = 0.3, retry_after: int | None = 1) -> None:
        super().__init__(odds, seed, slowness=slowness, retry_after=retry_after, kinds=TD_KINDS, once=(), never=("GuiHoSo",))


@dataclass(frozen=True, kw_only=True)
class TdTerms:
    """On what terms the axis serves."""

    scheme: str = "Bearer"
    token: str = "sandbox-td-token"  # noqa: S105 an invented account
    province: str = "H03"  #: the only `maDonViCha` it knows
    latency: float = 0.0  #: seconds before each answer
    keep: int = 10_000  #: calls kept for looking at
    port: int = 0


class TdOffice(Station):
    """The axis; serves between `start` and `close`, or as a context."""

    def __init__(self, terms: TdTerms | None = None, *, faults: Faults | None = None, clerk: Clerk | None = None, clock: Clock | None = None) -> None:
        self.terms = terms or TdTerms()
        super().__init__(faults or TdFaults(), port=self.terms.port, latency=self.terms.latency, keep=self.terms.keep)
        self.desk = Desk(clerk or Clerk(), clock or SystemClock(), prefix="GOI")
        self._numbers = count()

    @property
    def url(self) -> str:
        """The base address; `/GuiHoSo` and the others follow it."""
        return self.root + PATH

    def _ask(self, request: Request) -> Asked:
        service = request.path.removeprefix(f"{PATH}/")
        if service not in _METHODS:
            return Asked("?")
        body = decoded(request.body) if request.method == "POST" else request.query
        code = body.get("MaHoSo") if isinstance(body, dict) else None
        return Asked(service, shown(body), (code,) if isinstance(code, str) else (), body)

    def _perform(self, asked: Asked, request: Request, *, answered: bool) -> Answer:
        if asked.service == "?" or request.method != _METHODS[asked.service]:
            return Answer(Reply(b"", 404), "404")
        if request.headers.get("authorization") != f"{self.terms.scheme} {self.terms.token}".strip():
            return self._told(UNAUTHORISED, None, "Không có quyền truy cập", 401)
        try:
            return self._told(OK, self._data(asked, request), "")
        except Refused as refusal:
            return self._told(refusal.code, None, refusal.message)

    def _data(self, asked: Asked, request: Request) -> Any:
        match asked.service:
            case "GuiHoSo":
                draft, _ = self.desk.receive(check_draft(asked.whole))
                return draft.doc_id
            case "LayDanhSachGoiTinVanBan":
                return self._list(request)
            case "LayGoiTinVanBan":
                return self._package(self._found(request.parameter("MaVanBan")))
        key, state = check_acknowledgement(asked.whole)
        self._found(key)
        if state == "01":
            self.desk.requeue(key)
        else:
            self.desk.acknowledge(key, state, failed=state == "04")
        return key

    def _list(self, request: Request) -> list[str]:
        if request.parameter("maDonViCha") != self.terms.province:
            raise Refused("maDonViCha không hợp lệ", BAD)
        top = request.parameter("top")
        if not top.isascii() or not top.isdecimal() or not int(top):
            raise Refused("top không hợp lệ", BAD)
        return [package.key for package in self.desk.waiting(int(top))]

    def _found(self, key: str) -> Package:
        package = self.desk.package(key)
        if package is None:
            raise Refused("Gói tin không tồn tại", ABSENT)
        return package

    def _package(self, package: Package) -> dict[str, Any]:
        matter, quirk = package.draft.matter, package.act.quirk
        sent = dict(matter.more)
        nameless = quirk in ("no_code", "in_abstract", "unknown")
        return {
            "IDHoSo": "" if nameless else sent.get("IDHoSo", ""), "MaHoSo": "" if nameless else matter.dossier,
            "DonVi": {"Ten": matter.agency_name, "MaDinhDanh": matter.agency}, "VanBanDi": None if quirk == "no_document" else _document(package, sent),
            "ThamSoAn": "" if quirk in ("in_abstract", "unknown") else matter.correlation, "LoaiKetQua": RESULT_TYPES.get(package.act.deed, ""),
            "HccLinkAPI": sent.get("HccLinkAPI", ""), "LoaiHSLienthong": sent.get("LoaiHSLienthong", ""),
        }  # fmt: skip

    def _told(self, code: int, data: Any, message: str, status: int = 200) -> Answer:
        spelt: Any = str(code) if next(self._numbers) % 2 else code
        envelope = {"data": data, "error": {"code": spelt, "internalMessage": message, "userMessage": message}}
        return Answer(Reply(msgspec.json.encode(envelope), status), str(code))

    def _spoilt(self, asked: Asked, fault: Fault, reply: Reply) -> Reply | None:
        if fault.kind.startswith("code "):
            return self._told(int(fault.kind.removeprefix("code ")), None, "Lỗi xử lý trên HSCV").reply
        return super()._spoilt(asked, fault, reply)


def _document(package: Package, sent: Mapping[str, Any]) -> dict[str, Any]:
    result, quirk = package.result, package.act.quirk
    files = [{"Ten": result.file, "Base64": b64encode(result.content).decode(), "Link": ""}] if result and result.content else []
    number = result.number if result and package.act.deed == "issued" else ""
    return {
        "TrichYeu": _abstract(package, result), "LoaiVanBan": package.draft.matter.kind, "NgayBanHanh": _day(package) if number else "",
        "NgayKy": _day(package) if result else "", "NguoiKy": result.signer if result else package.draft.matter.signer,
        "ChucVu": result.position if result else "", "NguoiSoan": package.draft.matter.submitter, "SoKyHieu": number, "DinhKem": files, "ThanhPhanHoSo": [],
        "TenHoSo": "" if quirk == "unknown" else sent.get("TenHoSo", ""), "ThuTuc": sent.get("ThuTuc", ""),
        "ThamSoAn": "" if quirk in ("in_abstract", "unknown") else package.draft.matter.correlation, "HccLinkAPI": sent.get("HccLinkAPI", ""),
    }  # fmt: skip


def _abstract(package: Package, result: Result | None) -> str:
    if result is not None and result.reason:
        return result.reason
    code = package.draft.dossier
    abstract = package.draft.matter.abstract.replace(code, "").replace("()", "").strip() or "Kết quả giải quyết hồ sơ"
    return f"{abstract} ({code})" if package.act.quirk == "in_abstract" else abstract


def _day(package: Package) -> str:
    turn = int(package.id.rpartition("-")[2])
    if package.act.quirk == "bad_date":
        return _BAD_DATES[turn % len(_BAD_DATES)]
    on = package.result.on if package.result else date.min
    return on.strftime(_OTHER_DATES[turn % len(_OTHER_DATES)] if package.act.quirk == "other_date" else "%d/%m/%Y")

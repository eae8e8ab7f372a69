"""Someone who speaks the portal's contract, and a whole record and step to send."""

from __future__ import annotations

from typing import Any, Self

import requests

from syncd.sandbox.expectation import expect
from syncd.sandbox.holdings import Body, Holdings
from syncd.sandbox.onestop import publishable
from syncd.sandbox.portal import Portal

CODE = "000.00.14.H03-250225-0001"


def record(**changes: Any) -> Body:
    """A record that breaks no rule, but for the changes."""
    return {
        "MaHoSo": CODE, "MaTTHC": "1.001193", "TenTTHC": "Đăng ký khai sinh", "MaLinhVuc": "G15-HT01", "TenLinhVuc": "Hộ tịch", "ChuHoSo": "Nông Văn Mẫu",
        "LoaiDoiTuong": "1", "MaDoiTuong": "", "ThongTinKhac": "", "Email": "", "Fax": "", "SoDienThoai": "0900000001", "TrichYeuHoSo": "Khai sinh",
        "NgayTiepNhan": "20250225080000", "NgayHenTra": "20250226170000", "TrangThaiHoSo": "2", "NgayTra": "", "ThongTinTra": "", "HinhThuc": "0",
        "NgayKetThucXuLy": "", "DonViXuLy": "Sở Tư pháp", "GhiChu": "", "TaiLieuNop": [], "DanhSachLePhi": [], "DanhSachTepDinhKemKhac": [],
        "DanhSachHoSoBoSung": [], "DanhSachGiayToKetQua": [], **changes,
    }  # fmt: skip


def paper(**changes: Any) -> Body:
    return {"TepDinhKemId": "1", "TenTepDinhKem": "Tờ khai", "IsDeleted": "False", "MaThanhPhanHoSo": "", "DuongDanTaiTepTin": "", **changes}


def fee(**changes: Any) -> Body:
    return {"TenPhiLePhi": "Lệ phí", "MaPhiLePhi": "", "HinhThucThu": "1", "Gia": "8000", "LoaiPhiLePhi": "2", **changes}


def result(**changes: Any) -> Body:
    return {"TenGiayTo": "Giấy khai sinh", "MaThanhPhanHoSo": "", "GiayToId": "", "DuongDanTepTinKetQua": "", **changes}


def step(**changes: Any) -> Body:
    return {
        "MaHoSo": CODE, "NguoiXuLy": "Hà Thị Mẫu", "ChucDanh": "", "ThoiDiemXuLy": "20250225090000", "PhongBanXuLy": "Một cửa", "NoiDungXuLy": "Tiếp nhận",
        "TrangThai": "2", "NgayBatDau": "", "NgayKetThucTheoQuyDinh": "", **changes,
    }  # fmt: skip


def status(**changes: Any) -> Body:
    return {
        "MaHoSo": "G22.99.250225-0000001", "MaHoSoDonVi": CODE, "MaDoiTuong": "", "NoiDung": "", "NgayXuLy": "20250225090000", "TrangThai": "2",
        "TaiLieuXuLy": [], **changes,
    }  # fmt: skip


class Caller:
    """Logs in and calls."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.http = requests.Session()
        self.http.trust_env = False
        self.session = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.http.close()

    def post(self, path: str, body: Any, *, dstcode: str | None = None, **more: Any) -> requests.Response:
        code = self.portal.terms.dstcode if dstcode is None else dstcode
        return self.http.post(self.portal.adapter_url + path, params={"dstcode": code}, json=body, timeout=10, **more)

    def log_in(self, **changes: str) -> Body:
        terms = self.portal.terms
        answer: Body = self.post("/mapi/login", {"username": terms.username, "password": terms.password, **changes}).json()
        self.session = answer.get("session", "")
        return answer

    def ask(self, service: str, **more: Any) -> requests.Response:
        """The raw answer to a call within a session."""
        if not self.session:
            self.log_in()
        return self.post("/mapi/g", {"session": self.session, "madonvi": self.portal.terms.agency, "service": service, **more})

    def call(self, service: str, **more: Any) -> Body:
        answer: Body = self.ask(service, **more).json()
        return answer

    def put(self, *records: Body, updating: str = "False") -> Body:
        return self.call("DongBoHoSoMC", isUpdating=updating, data=list(records))

    def add(self, *steps: Body) -> Body:
        return self.call("CapNhatTienDoHoSoMC", data=list(steps))


def fine(answer: Body) -> bool:
    return int(answer["error_code"]) == 0


def publish_all(rows_of: Any, references: Any, holdings: Holdings) -> None:
    """Put on the portal what should be there."""
    for rows in rows_of:
        expected = expect(rows, references)
        if publishable(rows.dossier) and not expected.reason:
            holdings.put([as_record(expected)], updating=False)
            holdings.add([as_step(rows.dossier["dossierNo"], one) for one in expected.steps], answered=True)


def as_record(expected: Any) -> Body:
    lists = expected.lists
    return record(
        **expected.fields,
        NoiNopHoSo="2", HoSoCoThanhPhanSoHoa="0", TaiKhoanDuocXacThucVoiVNeID="0", DuocThanhToanTrucTuyen="0", DSKetNoiCSDL=[],
        TaiLieuNop=[paper(TenTepDinhKem=name) for (name,) in lists["TaiLieuNop"]],
        DanhSachLePhi=[fee(TenPhiLePhi=name, Gia=amount) for name, amount in lists["DanhSachLePhi"]],
        DanhSachGiayToKetQua=[result(TenGiayTo=name) for (name,) in lists["DanhSachGiayToKetQua"]],
        DinhDanhCHS=[{"LoaiDinhDanh": kind, "SoDinhDanh": number} for kind, number in lists["DinhDanhCHS"]],
    )  # fmt: skip


def as_step(code: str, one: tuple[str, ...]) -> Body:
    at, officer, unit, content, after, due = one
    return step(MaHoSo=code, ThoiDiemXuLy=at, NguoiXuLy=officer, PhongBanXuLy=unit, NoiDungXuLy=content, TrangThai=after, NgayKetThucTheoQuyDinh=due)

"""The sandbox axis of Tân Dân is strict about drafts, and its packages wait until they are acknowledged."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from syncd.sandbox.office_clerk import Clerk
from syncd.sandbox.tdoffice import BAD_DAY_TD, TdFaults, TdOffice, TdTerms
from tests.clocks import TurnedClock

CODE = "000.00.14.H03-250225-0001"
ECHO = json.dumps({"DuThao": "Kết quả", "DuThaoId": "7"}, ensure_ascii=False)
PERSON = {"Ten": "Nông Văn Mẫu", "CMND": "006000000001", "SoDienThoai": "0900000001", "DiaChi": ""}
FILE = {"Ten": "Dự thảo.pdf", "Base64": b64encode(b"%PDF-1.4 draft").decode(), "Link": None}


def paper(**changes: Any) -> dict[str, Any]:
    return {"TrichYeu": "Khai sinh", "LoaiVanBan": "Quyết định", "NgayTao": "", "DinhKem": [FILE], **changes}


def draft(**changes: Any) -> dict[str, Any]:
    """A draft that breaks no rule, but for the changes."""
    return {
        "IDHoSo": "1", "MaHoSo": CODE, "TenHoSo": "Khai sinh", "ThuTuc": "Đăng ký khai sinh", "ChuHoSo": PERSON, "NguoiNop": PERSON,
        "NguoiKy": {"Ten": "Nông Thị Mẫu", "TaiKhoan": "nong.mau"}, "NguoiTrinhKy": {"Ten": "", "TaiKhoan": "ha.mau"},
        "DonVi": {"Ten": "Sở Tư pháp", "MaDinhDanh": "000.00.14.H03"}, "VanBanDuThao": paper(),
        "ThanhPhanHoSo": [{"Ten": "Tờ khai", "Base64": "", "Link": "http://127.0.0.1/1"}], "ThamSoAn": ECHO, "HccLinkAPI": "/apifile?url=",
        "LoaiHSLienthong": "", "SoKyHieuVanBan": "", "NguoiKyVanBan": "", "HanXuLyVanBan": None, **changes,
    }  # fmt: skip


class Caller:
    """Calls the axis."""

    def __init__(self, axis: TdOffice) -> None:
        self.axis = axis
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Authorization"] = f"{axis.terms.scheme} {axis.terms.token}"

    def post(self, operation: str, body: Any) -> requests.Response:
        return self.http.post(f"{self.axis.url}/{operation}", json=body, timeout=10)

    def get(self, operation: str, **query: str) -> requests.Response:
        return self.http.get(f"{self.axis.url}/{operation}", params=query, timeout=10)

    def send(self, **changes: Any) -> dict[str, Any]:
        told: dict[str, Any] = self.post("GuiHoSo", draft(**changes)).json()
        return told

    def listed(self, top: str = "100") -> list[str]:
        listed: list[str] = self.get("LayDanhSachGoiTinVanBan", maDonViCha="H03", top=top).json()["data"]
        return listed

    def package(self, key: str) -> dict[str, Any]:
        told: dict[str, Any] = self.get("LayGoiTinVanBan", MaVanBan=key).json()["data"]
        return told

    def acknowledge(self, key: str, state: str = "03", **more: Any) -> int:
        return code(self.post("CapNhatTrangThaiVanBan", {"MaVanBan": key, "TrangThai": state, **more}).json())


def code(told: dict[str, Any]) -> int:
    return int(told["error"]["code"])


Serve = Callable[..., Caller]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts axes."""
    running: list[Caller] = []

    def start(course: str = "plain", **terms: Any) -> Caller:
        running.append(Caller(TdOffice(TdTerms(**terms), clerk=Clerk(course), clock=TurnedClock())))
        running[-1].axis.start()
        return running[-1]

    yield start
    for caller in running:
        caller.http.close()
        caller.axis.close()


@pytest.fixture
def caller(serve: Serve) -> Caller:
    return serve()


def test_a_draft_is_issued_and_listed_until_acknowledged(caller: Caller) -> None:
    assert code(caller.send()) == 200
    (key,) = caller.listed()
    assert caller.listed() == [key]
    package = caller.package(key)
    document = package["VanBanDi"]
    assert (package["MaHoSo"], package["IDHoSo"], package["LoaiKetQua"], package["ThamSoAn"]) == (CODE, "1", "01", ECHO)
    assert package["DonVi"] == {"Ten": "Sở Tư pháp", "MaDinhDanh": "000.00.14.H03"}
    assert (document["SoKyHieu"], document["NgayBanHanh"], document["NgayKy"]) == ("101/QĐ-UBND", "03/03/2025", "03/03/2025")
    assert (document["NguoiKy"], document["NguoiSoan"], document["ThamSoAn"]) == ("Nông Thị Mẫu", "ha.mau", ECHO)
    (issued,) = caller.axis.desk.issued(CODE)
    assert b64decode(document["DinhKem"][0]["Base64"]) == issued.result.content
    assert caller.acknowledge(key) == 200
    assert caller.listed() == []
    assert caller.axis.desk.issued()[0].acknowledged == ("03",)


def test_what_comes_twice_is_two_drafts(caller: Caller) -> None:
    caller.send()
    caller.send()
    assert len(caller.listed()) == 2
    assert list(caller.axis.desk.arrivals().values()) == [2]
    assert {caller.package(key)["VanBanDi"]["SoKyHieu"] for key in caller.listed()} == {"101/QĐ-UBND", "102/QĐ-UBND"}


def test_the_code_comes_as_a_number_and_as_a_text(caller: Caller) -> None:
    answers = [caller.get("LayDanhSachGoiTinVanBan", maDonViCha="H03", top="1").json()["error"]["code"] for _ in range(2)]
    assert answers == [200, "200"]


def test_only_who_shows_the_token_is_served(serve: Serve) -> None:
    caller = serve(scheme="Token")
    caller.http.headers["Authorization"] = f"Bearer {caller.axis.terms.token}"
    answer = caller.post("GuiHoSo", draft())
    assert (answer.status_code, code(answer.json())) == (401, 401)
    assert caller.axis.desk.drafts() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"MaHoSo": ""}, "MaHoSo không được để trống"),
        ({"IDHoSo": 1}, "IDHoSo không được để trống"),
        ({"TenHoSo": None}, "TenHoSo không được để trống"),
        ({"VanBanDuThao": paper(DinhKem=[])}, "ít nhất một tệp"),
        ({"VanBanDuThao": paper(DinhKem=[FILE, FILE])}, "trùng tên tệp"),
        ({"VanBanDuThao": paper(DinhKem=[{**FILE, "Base64": "*"}])}, "Base64 không hợp lệ"),
        ({"VanBanDuThao": paper(DinhKem=[{**FILE, "Base64": ""}])}, "Base64 không hợp lệ"),
        ({"VanBanDuThao": paper(DinhKem=[{**FILE, "Link": ""}])}, "DinhKem không đúng quy định"),
        ({"VanBanDuThao": paper(DinhKem=[{**FILE, "Ten": "a/b.pdf"}])}, "DinhKem không đúng quy định"),
        ({"VanBanDuThao": paper(TrichYeu=" ")}, "VanBanDuThao.TrichYeu không được để trống"),
        ({"VanBanDuThao": paper(NgayTao="20250303000000")}, "NgayTao phải để trống"),
        ({"NguoiKy": [{"Ten": "", "TaiKhoan": "a"}]}, "NguoiKy phải là đối tượng"),
        ({"NguoiKy": {"Ten": "Nông", "TaiKhoan": ""}}, "NguoiKy.TaiKhoan không được để trống"),
        ({"NguoiKy": {"Ten": "Nông"}}, "Thiếu trường NguoiKy.TaiKhoan"),
        ({"DonVi": {"Ten": "", "MaDinhDanh": "x", "Id": "1"}}, "DonVi.Id không có trong quy định"),
        ({"ThanhPhanHoSo": None}, "ThanhPhanHoSo phải là danh sách"),
        ({"ThanhPhanHoSo": [{"Ten": "a", "Base64": "eA==", "Link": ""}]}, "chỉ gồm tên và đường dẫn"),
        ({"HanXuLyVanBan": "03/03/2025"}, "HanXuLyVanBan không đúng định dạng"),
        ({"MaVanBan": "x"}, "MaVanBan không có trong quy định"),
    ],
)
def test_a_draft_that_breaks_a_rule_is_refused(caller: Caller, changes: dict[str, Any], words: str) -> None:
    told = caller.send(**changes)
    assert code(told) == 400
    assert told["data"] is None
    assert words in told["error"]["internalMessage"]
    assert caller.axis.desk.drafts() == []


def test_what_may_be_there_may_be_there(caller: Caller) -> None:
    assert code(caller.send(HanXuLyVanBan="20250310170000", NguoiKy={"Ten": "", "TaiKhoan": "nong.mau", "Id": "9"})) == 200
    assert caller.axis.desk.issued()[0].result.signer == "nong.mau"
    assert code(caller.http.post(f"{caller.axis.url}/GuiHoSo", data=b"{", timeout=10).json()) == 400


def test_the_list_is_of_one_province_and_cut_at_top(caller: Caller) -> None:
    for _ in range(3):
        caller.send()
    assert len(caller.listed("2")) == 2
    for query in ({"maDonViCha": "H99", "top": "1"}, {"maDonViCha": "H03", "top": "0"}, {"maDonViCha": "H03"}):
        assert code(caller.get("LayDanhSachGoiTinVanBan", **query).json()) == 400


def test_what_there_is_not_is_told(caller: Caller) -> None:
    assert code(caller.get("LayGoiTinVanBan", MaVanBan="GOI-9").json()) == 404
    assert caller.acknowledge("GOI-9") == 404
    assert caller.get("GuiHoSo").status_code == 404
    assert caller.get("Khac").status_code == 404


def test_an_acknowledgement_is_checked_too(caller: Caller) -> None:
    caller.send()
    (key,) = caller.listed()
    assert caller.acknowledge(key, "02") == 400
    assert caller.acknowledge(key, More="x") == 400
    assert caller.acknowledge(key, Log="đã nhận") == 200
    assert caller.acknowledge(key, "01") == 200
    assert caller.listed() == [key]


@pytest.mark.parametrize(
    ("course", "results"),
    [("signed_first", ["04", "01"]), ("twice", ["01", "01"]), ("unnumbered", ["02"]), ("rejected", ["03"])],
)
def test_a_course_shows_in_the_packages(serve: Serve, course: str, results: list[str]) -> None:
    caller = serve(course)
    caller.send()
    assert [caller.package(key)["LoaiKetQua"] for key in caller.listed()] == results
    assert len(caller.axis.desk.issued()) == 1


def test_signed_may_come_after_issued(serve: Serve) -> None:
    caller = serve("signed_late")
    caller.send()
    (first,) = caller.listed()
    caller.acknowledge(first)
    (second,) = caller.listed()
    package = caller.package(second)
    assert (package["LoaiKetQua"], package["VanBanDi"]["SoKyHieu"], package["VanBanDi"]["DinhKem"]) == ("04", "", [])


def test_a_rejection_says_why(serve: Serve) -> None:
    caller = serve("rejected")
    caller.send()
    document = caller.package(caller.listed()[0])["VanBanDi"]
    assert ("thể thức" in document["TrichYeu"], document["DinhKem"], document["SoKyHieu"]) == (True, [], "")


def test_without_a_number_there_is_a_file_all_the_same(serve: Serve) -> None:
    caller = serve("unnumbered")
    caller.send()
    document = caller.package(caller.listed()[0])["VanBanDi"]
    assert (document["SoKyHieu"], document["NgayBanHanh"], document["NgayKy"], len(document["DinhKem"])) == ("", "", "03/03/2025", 1)


def test_bad_dates_come_in_several_kinds(serve: Serve) -> None:
    caller, other = serve("bad_date"), serve("other_date")
    for _ in range(4):
        caller.send()
        other.send()
    assert {caller.package(key)["VanBanDi"]["NgayBanHanh"] for key in caller.listed()} == {"31/02/2026", ""}
    assert {other.package(key)["VanBanDi"]["NgayKy"] for key in other.listed()} == {"2025/03/03", "2025-03-03", "2025-03-03T00:00:00"}


def test_a_package_without_its_document_is_sent_again_when_it_failed(serve: Serve) -> None:
    caller = serve("no_document")
    caller.send()
    (key,) = caller.listed()
    assert (caller.package(key)["LoaiKetQua"], caller.package(key)["VanBanDi"]) == ("01", None)
    caller.acknowledge(key, "04")
    (again,) = caller.listed()
    assert caller.package(again)["VanBanDi"]["SoKyHieu"] == "101/QĐ-UBND"
    assert caller.axis.desk.issued()[0].acknowledged == ("04",)


@pytest.mark.parametrize(
    ("course", "told", "echoed", "in_abstract"),
    [("no_code", "", ECHO, False), ("in_abstract", "", "", True), ("unknown", "", "", False), ("plain", CODE, ECHO, False)],
)
def test_the_dossier_may_be_hard_to_tell(serve: Serve, course: str, told: str, echoed: str, in_abstract: bool) -> None:
    caller = serve(course)
    caller.send(VanBanDuThao=paper(TrichYeu=f"Khai sinh ({CODE})"))
    package = caller.package(caller.listed()[0])
    assert (package["MaHoSo"], package["ThamSoAn"], CODE in package["VanBanDi"]["TrichYeu"]) == (told, echoed, in_abstract)
    assert (CODE in json.dumps(package)) == (course not in ("unknown", "no_code"))


@pytest.mark.parametrize(("kind", "held"), [("reset", 0), ("lost", 1)])
def test_an_answer_may_be_lost_before_or_after_the_work(caller: Caller, kind: str, held: int) -> None:
    caller.axis.faults.next(kind, service="GuiHoSo")
    with pytest.raises(requests.ConnectionError):
        caller.send()
    assert len(caller.axis.desk.drafts()) == held


def test_an_error_of_the_axis_comes_on_request(caller: Caller) -> None:
    caller.axis.faults.next("code 500", service="GuiHoSo", times=2)
    answers = [caller.send()["error"]["code"] for _ in range(2)]
    assert sorted(map(str, answers)) == ["500", "500"]
    assert caller.axis.desk.drafts() == []


@pytest.mark.parametrize("kind", ["503", "504", "html", "empty", "slow"])
def test_http_may_fail_too(caller: Caller, kind: str) -> None:
    caller.axis.faults.slowness = 0.01
    caller.axis.faults.next(kind)
    answer = caller.get("LayDanhSachGoiTinVanBan", maDonViCha="H03", top="1")
    assert answer.status_code == (int(kind) if kind.isdecimal() else 200)


def test_connections_may_be_refused_for_a_while(caller: Caller) -> None:
    caller.axis.faults.down()
    with pytest.raises(requests.ConnectionError):
        caller.listed()
    caller.axis.faults.up()
    assert caller.listed() == []


def test_on_a_bad_day_no_draft_is_left_in_doubt() -> None:
    faults = TdFaults(BAD_DAY_TD)
    drawn = [faults.draw("GuiHoSo", [CODE]) for _ in range(1000)]
    assert {fault.kind for fault in drawn if fault} == {"503", "429", "code 503"}
    assert any(not fault.certain for fault in (faults.draw("LayGoiTinVanBan") for _ in range(500)) if fault)


def test_calls_are_kept_without_their_files(caller: Caller) -> None:
    caller.send()
    (call,) = caller.axis.calls("GuiHoSo")
    assert call.body["VanBanDuThao"]["DinhKem"][0]["Base64"] == "…"
    assert caller.axis.counts() == {"GuiHoSo": 1}

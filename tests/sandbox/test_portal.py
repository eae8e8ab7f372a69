"""The sandbox portal keeps what it accepts and refuses the rest."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest

from syncd.sandbox.portal import Portal, Terms
from syncd.sandbox.services import Lookup
from tests.clocks import TurnedClock
from tests.sandbox.caller import CODE, Caller, fine, record, status, step


def says(answer: dict[str, Any], words: str) -> bool:
    return words in unicodedata.normalize("NFC", answer["message"])


def test_login_gives_a_session_and_refuses_a_wrong_password(caller: Caller) -> None:
    assert caller.log_in()["session"]
    refused = caller.log_in(password="wrong")
    assert refused["error_code"] != 0
    assert "session" not in refused


def test_a_call_without_a_valid_session_is_refused(caller: Caller) -> None:
    caller.session = "made-up"
    assert says(caller.call("LayDanhSachTTHC"), "Phiên làm việc")


@pytest.mark.parametrize("way", ["request", "time"])
def test_sessions_expire_on_request_and_with_time(caller: Caller, portal: Portal, clock: TurnedClock, way: str) -> None:
    assert fine(caller.call("LayDanhSachTTHC"))
    if way == "request":
        portal.sessions.expire()
    else:
        clock.seconds += 601
    assert says(caller.call("LayDanhSachTTHC"), "hết hạn")
    caller.log_in()
    assert fine(caller.call("LayDanhSachTTHC"))


def test_a_session_may_last_for_so_many_calls() -> None:
    with Portal(Terms(session_calls=2)) as portal, Caller(portal) as caller:
        assert [fine(caller.call("LayDanhMucLinhVuc")) for _ in range(3)] == [True, True, False]


def test_only_the_agency_of_the_account_is_served(caller: Caller) -> None:
    caller.log_in()
    answer = caller.post("/mapi/g", {"session": caller.session, "madonvi": "000.00.00.H55", "service": "LayDanhSachTTHC"}).json()
    assert says(answer, "madonvi")


def test_the_routing_code_comes_as_parameter_or_header(caller: Caller, portal: Portal) -> None:
    account = {"username": portal.terms.username, "password": portal.terms.password}
    assert says(caller.post("/mapi/login", account, dstcode="").json(), "dstcode")
    assert fine(caller.post("/mapi/login", account, dstcode="", headers={"dstcode": portal.terms.dstcode}).json())


def test_a_dossier_is_created_once_and_then_updated(caller: Caller, portal: Portal) -> None:
    assert says(caller.put(record(), updating="True"), "không tồn tại")
    assert fine(caller.put(record()))
    for _ in range(3):
        assert says(caller.put(record(TrangThaiHoSo="4")), "đã tồn tại")
    assert portal.holdings.records()[CODE]["TrangThaiHoSo"] == "2"
    assert fine(caller.put(record(TrangThaiHoSo="4"), updating="True"))
    assert portal.holdings.records()[CODE]["TrangThaiHoSo"] == "4"


def test_a_duplicate_is_told_as_3_and_as_minus_3(caller: Caller) -> None:
    caller.put(record())
    assert {int(caller.put(record())["error_code"]) for _ in range(4)} == {3, -3}


def test_a_call_is_accepted_or_refused_as_a_whole(caller: Caller, portal: Portal) -> None:
    assert not fine(caller.put(record(), record(MaHoSo="H03-250225-0002", TrangThaiHoSo="")))
    assert portal.holdings.count() == (0, 0)


@pytest.mark.parametrize("updating", ["true", True, "", None])
def test_is_updating_is_one_of_two_words(caller: Caller, updating: Any) -> None:
    assert says(caller.put(record(), updating=updating), "isUpdating")


@pytest.mark.parametrize("data", [None, [], {}, "x"])
def test_data_is_a_list_that_holds_something(caller: Caller, data: Any) -> None:
    assert says(caller.call("CapNhatTienDoHoSoMC", data=data), "data phải là danh sách")


def test_steps_are_kept_in_the_order_they_came(caller: Caller, portal: Portal) -> None:
    assert says(caller.add(step()), "không tồn tại")
    caller.put(record())
    assert fine(caller.add(step(NoiDungXuLy="một"), step(NoiDungXuLy="hai")))
    assert fine(caller.add(step(NoiDungXuLy="một")))
    assert [(entry.body["NoiDungXuLy"], entry.answered) for entry in portal.holdings.steps(CODE)] == [("một", True), ("hai", True), ("một", True)]


def test_success_is_spelt_in_three_ways_and_texts_in_two(caller: Caller) -> None:
    answers = [caller.call("LayDanhSachTTHC") for _ in range(6)]
    assert {repr(answer["error_code"]) for answer in answers} == {"0", "'0'", "'00'"}
    assert {unicodedata.is_normalized("NFC", answer["message"]) for answer in answers} == {True, False}


@pytest.mark.parametrize(
    ("lookup", "expected"),
    [
        ("bare", {"MaHoSo": CODE}),
        ("pascal", {"MaTrangThai": "2", "TrangThaiHoSo": "Được tiếp nhận"}),
        ("upper", {"MATRANGTHAI": "2", "NGAYHENTRA": "20250226170000"}),
    ],
)
def test_a_dossier_can_be_looked_up(lookup: Lookup, expected: dict[str, str]) -> None:
    with Portal(Terms(lookup=lookup)) as portal, Caller(portal) as caller:
        missing = caller.call("TraCuuHoSo", mahoso=CODE)
        assert [missing[key] for key in ("result", "data") if key in missing] == [[]]
        caller.put(record())
        answer = caller.call("TraCuuHoSo", mahoso=CODE)
        assert expected.items() <= (answer.get("result") or answer["data"])[0].items()


def test_look_ups_are_answered_in_every_form_in_turn() -> None:
    with Portal() as portal, Caller(portal) as caller:
        caller.put(record())
        answers = [caller.call("TraCuuHoSo", mahoso=CODE) for _ in range(4)]
    assert sum("data" in answer for answer in answers) == 1
    assert len({tuple((answer.get("result") or answer["data"])[0]) for answer in answers}) == 3


def test_a_look_up_may_tell_the_whole_record_and_its_steps() -> None:
    with Portal(Terms(lookup="full")) as portal, Caller(portal) as caller:
        caller.put(record())
        caller.add(step(NoiDungXuLy="một"), step(NoiDungXuLy="hai"))
        answer = caller.call("TraCuuHoSo", mahoso=CODE)
        assert (answer.get("result") or answer["data"]) == [{**record(), "TienDoXuLy": [step(NoiDungXuLy="một"), step(NoiDungXuLy="hai")]}]
        assert "TienDoXuLy" not in portal.holdings.records()[CODE]


def test_of_a_dossier_filed_on_the_portal_a_look_up_tells_that_it_is_there(caller: Caller, portal: Portal) -> None:
    portal.file("G22-1")
    answer = caller.call("TraCuuHoSo", mahoso="G22-1")
    assert (answer.get("result") or answer["data"]) == [{"MaHoSo": "G22-1"}]


def test_the_dossiers_received_within_some_days_are_listed(caller: Caller) -> None:
    caller.put(record())
    caller.put(record(MaHoSo="H03-250226-0002", NgayTiepNhan="20250226235959"))
    windows = (("2025-02-25", "2025-02-25"), ("2025-02-26", "2025-02-26"), ("2025-02-25", "2025-03-01"), ("2025-02-27", "2025-03-01"))
    listed = [caller.call("DanhSachHoSo", ngayNhan1=first, ngayNhan2=last)["data"] for first, last in windows]
    assert [len(each) for each in listed] == [1, 1, 2, 0]
    assert (listed[0][0]["MaHoSo"], listed[0][0]["MaTrangThai"]) == (CODE, "2")
    assert says(caller.call("DanhSachHoSo", ngayNhan1="20250225", ngayNhan2="2025-02-25"), "yyyy-MM-dd")


def test_the_catalogue_is_in_upper_case(caller: Caller) -> None:
    listed = caller.call("LayDanhSachTTHC")["result"]
    detail = caller.call("LayThuTuc", maTTHC=listed[0]["MATTHC"])["result"][0]
    assert detail["TENTTHC"] == listed[0]["TENTTHC"]
    assert detail["LINHVUCTHUCHIEN"][0]["MALINHVUC"] == listed[0]["MALINHVUC"]
    assert caller.call("LayThuTuc", maTTHC="9.999999")["result"] == []
    assert "MADONVI" in caller.call("LayDanhMucCoQuan")["result"][0]


@pytest.mark.parametrize(("service", "words"), [("LayThuTuc", "maTTHC"), ("TraCuuHoSo", "mahoso"), ("XoaHoSo", "không được hỗ trợ"), ("", "không được hỗ trợ")])
def test_what_is_asked_wrongly_is_refused(caller: Caller, service: str, words: str) -> None:
    assert says(caller.call(service), words)


def test_the_status_of_a_dossier_filed_on_the_portal_is_taken(caller: Caller, portal: Portal) -> None:
    assert says(caller.call("DongBoTrangThaiHoSo", type="2", data=status()), "không tồn tại")
    portal.file(status()["MaHoSo"])
    assert says(caller.call("DongBoTrangThaiHoSo", type="1", data=status()), "type")
    assert fine(caller.call("DongBoTrangThaiHoSo", type="2", data=status()))
    assert [one["TrangThai"] for one in portal.holdings.statuses(status()["MaHoSo"])] == ["2"]


def test_the_gateway_takes_bare_arrays(caller: Caller, portal: Portal) -> None:
    create, update, progress = portal.gateway_urls
    first = caller.http.post(create, json=[record()], timeout=10).json()
    assert first["error_code"] == "0"
    assert says(first, "thành công")
    assert says(caller.http.post(create, json=[record()], timeout=10).json(), "đã tồn tại")
    assert caller.http.post(update, json=[record(TrangThaiHoSo="4")], timeout=10).json()["error_code"] == "0"
    assert caller.http.post(progress, json=[step()], timeout=10).json()["error_code"] == "0"
    assert portal.holdings.count() == (1, 1)


def test_calls_are_counted_and_kept(caller: Caller, portal: Portal) -> None:
    caller.put(record())
    caller.add(step(TrangThai=""))
    assert portal.counts() == {"login": 1, "DongBoHoSoMC": 1, "CapNhatTienDoHoSoMC": 1}
    assert [call.number for call in portal.calls()] == [1, 2, 3]
    (call,) = portal.calls("CapNhatTienDoHoSoMC")
    assert call.body["data"] == [step(TrangThai="")]
    assert call.code not in ("0", "00", "")


def test_what_is_no_json_or_no_post_is_turned_away(caller: Caller, portal: Portal) -> None:
    answer = caller.http.post(f"{portal.adapter_url}/mapi/g?dstcode={portal.terms.dstcode}", data=b"{", timeout=10)
    assert says(answer.json(), "JSON")
    assert caller.http.get(portal.adapter_url, timeout=10).status_code == 405
    assert not fine(caller.post("/mapi/elsewhere", {"service": "LayDanhSachTTHC"}).json())


def test_the_base_profile_refuses_later_fields() -> None:
    with Portal(Terms(profile="base27")) as portal, Caller(portal) as caller:
        assert says(caller.put(record(KenhThucHien="1")), "KenhThucHien")
        assert fine(caller.put(record()))


def test_a_killed_portal_comes_back_with_what_it_held(tmp_path: Path) -> None:
    with Portal(folder=tmp_path) as portal, Caller(portal) as caller:
        portal.file("G22-1")
        caller.put(record())
        caller.add(step())
        caller.call("DongBoTrangThaiHoSo", type="2", data=status(MaHoSo="G22-1"))
    with (tmp_path / "holdings.jsonl").open("ab") as journal:
        journal.write(b'["put",[{"MaHo')  # the kill cut the line short
    for _ in range(2):
        with Portal(folder=tmp_path) as again, Caller(again) as caller:
            assert again.holdings.count() == (1, 1)
            assert len(again.holdings.statuses("G22-1")) == 1
            assert says(caller.put(record()), "đã tồn tại")


def test_the_portal_may_be_slow_for_everyone(clock: TurnedClock) -> None:
    with Portal(Terms(latency=0.05), clock=clock) as portal, Caller(portal) as caller:
        assert caller.ask("LayDanhMucLinhVuc").elapsed.total_seconds() >= 0.05

"""The national portal as a target, over real connections: calls, answers, sessions, the catalogue, and what nobody may read."""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from connectors._dvcqg.options import DvcqgOptions
from connectors.dvcqg import connector
from syncd.calls import Operation, Outcome, Receipt, Standing
from syncd.errors import ConfigurationError, Unmappable
from syncd.model import Paper, Status
from syncd.options import TargetOptions
from syncd.ports import Connector, Target
from syncd.redact import MASK
from tests.clocks import TurnedClock
from tests.connectors.conftest import Make
from tests.connectors.dossiers import CODE, DOSSIER, OWNER, PORTALS, STEPS, another, asked, element
from tests.connectors.portal import ADAPTER, DSTCODE, LOST_SESSION, PASSWORD, Behaviour, ScriptedPortal, Talk, answer, cut, drip, reset, silence

CREATE, UPDATE, STEP = Operation.CREATE, Operation.UPDATE, Operation.STEPS
RECORDS, PROGRESS, STATUS, LIST, FIND = "DongBoHoSoMC", "CapNhatTienDoHoSoMC", "DongBoTrangThaiHoSo", "LayDanhSachTTHC", "TraCuuHoSo"
HTML = b"<html><body>Service error</body></html>"


def create(target: Target, number: int = 1) -> Receipt:
    return target.send([element(target, CREATE, another(number))])


# ---- calls


@pytest.mark.parametrize(
    ("operation", "service", "updating"),
    [(CREATE, RECORDS, "False"), (UPDATE, RECORDS, "True"), (STEP, PROGRESS, None)],
)
def test_a_call_is_exactly_what_was_composed_in_the_portals_envelope(
    portal: ScriptedPortal, target: Target, operation: Operation, service: str, updating: str | None
) -> None:
    portal.holdings[CODE] = {}
    if operation is CREATE:
        portal.holdings.clear()
    composed = element(target, operation)
    assert target.send([composed]).outcome is Outcome.DELIVERED
    sent = portal.calls(service)[0]
    assert (sent.body["session"], sent.body["madonvi"], sent.body.get("isUpdating")) == ("phien-1", "000.00.00.H03", updating)
    assert sent.raw.endswith(b'"data":[' + composed.body + b"]}")
    assert sent.target == f"{ADAPTER}/mapi/g?dstcode={DSTCODE}"


def test_a_preview_is_the_call_with_the_session_masked(portal: ScriptedPortal, target: Target) -> None:
    for operation, service in ((CREATE, RECORDS), (UPDATE, RECORDS), (STEP, PROGRESS)):
        composed = element(target, operation)
        shown = target.calls(composed)
        target.send([composed])
        assert shown == [{"service": service, "body": portal.calls(service)[-1].body | {"session": "…"}}]


def test_the_status_of_a_dossier_from_the_portal_is_a_single_object(portal: ScriptedPortal, target: Target) -> None:
    composed = element(target, CREATE, PORTALS)
    assert target.send([composed]) == Receipt(outcome=Outcome.DELIVERED, exists=True, code="0", text='{"error_code":"00","message":"Thành công"}')
    sent = portal.calls(STATUS)[0].body
    assert (sent["type"], sent["data"]["MaHoSo"]) == ("2", PORTALS.portal_code)
    assert target.calls(composed) == [{"service": STATUS, "body": sent | {"session": "…"}}]
    assert portal.calls(LIST) == []
    assert [target.takes_steps(dossier) for dossier in (DOSSIER, PORTALS)] == [True, False]


def test_dossiers_of_one_lane_travel_in_one_call_and_each_has_its_memo(portal: ScriptedPortal, make: Make) -> None:
    target = make(batch=5)
    receipt = target.send([element(target, CREATE, another(number)) for number in (1, 2)])
    assert [record["MaHoSo"] for record in portal.calls(RECORDS)[0].body["data"]] == [another(1).code, another(2).code]
    assert receipt.memo == {another(1).code: "701", another(2).code: "701"}
    assert (target.batch, target.steps_per_call) == (5, 10)


def test_the_memo_remembers_the_papers_the_portal_has(target: Target) -> None:
    whole = replace(DOSSIER, papers=tuple(replace(paper, removed=False) for paper in DOSSIER.papers))
    first = target.send([element(target, CREATE, whole)])
    assert first.memo == {CODE: "701,702"}
    assert target.send([element(target, UPDATE, DOSSIER, first.memo[CODE])]).memo == {CODE: "701"}
    assert target.send([element(target, STEP)]).memo == {}


def test_the_routing_code_may_be_a_header_or_nothing(portal: ScriptedPortal, make: Make) -> None:
    assert create(make(dstcode_in="header")).outcome is Outcome.DELIVERED
    assert {(asked.headers.get("dstcode"), asked.query.get("dstcode")) for asked in portal.asked} == {(DSTCODE, None)}
    assert create(make(dstcode=""), 2).outcome is Outcome.DELIVERED
    assert portal.violations.count(f"{RECORDS}: no dstcode") == 1
    portal.violations.clear()


def test_paths_are_settings_and_may_have_a_query_of_their_own(portal: ScriptedPortal, make: Make) -> None:
    portal.will("vao", answer({"error_code": 0, "session": "phien-9"}))
    portal.open_sessions.add("phien-9")
    create(make(login_path="/dich-vu/vao?v=1", share_path="mapi/g/share", data_path="mapi/g/data", adapter_url=portal.adapter_url + "/"))
    assert [asked.target for asked in portal.asked] == [
        f"{ADAPTER}/dich-vu/vao?v=1&dstcode={DSTCODE}",
        f"{ADAPTER}/mapi/g/share?dstcode={DSTCODE}",
        f"{ADAPTER}/mapi/g/data?dstcode={DSTCODE}",
    ]


def test_the_agency_goes_by_the_code_of_the_day_of_the_call(portal: ScriptedPortal, target: Target, clock: TurnedClock) -> None:
    create(target)
    clock.turn(datetime(2025, 6, 30, 17, 0, tzinfo=UTC) - clock.now())
    create(target, 2)
    assert [asked.body["madonvi"] for asked in portal.calls(RECORDS)] == ["000.00.00.H03", "000.00.00.H55"]


# ---- answers


@pytest.mark.parametrize(
    ("operation", "body", "outcome", "exists", "code"),
    [
        (CREATE, {"error_code": 3, "message": unicodedata.normalize("NFD", "Hồ sơ ĐÃ TỒN TẠI")}, Outcome.CROSSED, True, "3"),
        (UPDATE, {"error_code": "-1", "message": "Không tìm thấy hồ sơ"}, Outcome.CROSSED, False, "-1"),
        (STEP, {"error_code": 9, "message": "Hồ sơ chưa tồn tại"}, Outcome.CROSSED, False, "9"),
        (UPDATE, {"error_code": 3, "message": "Hồ sơ đã tồn tại"}, Outcome.REJECTED, None, "3"),
        (CREATE, {"error_code": 0, "message": "Đồng bộ thất bại"}, Outcome.REJECTED, None, "0"),
        (CREATE, {"error_code": "E7"}, Outcome.REJECTED, None, "E7"),
    ],
)
def test_an_answer_becomes_a_receipt(
    portal: ScriptedPortal, target: Target, operation: Operation, body: dict[str, object], outcome: Outcome, exists: bool | None, code: str
) -> None:
    portal.will(PROGRESS if operation is STEP else RECORDS, answer(body))
    receipt = target.send([element(target, operation)])
    assert (receipt.outcome, receipt.exists, receipt.code, receipt.memo) == (outcome, exists, code, {})
    assert receipt.message
    assert bool(receipt.hint) is (outcome is Outcome.REJECTED)
    assert msgspec.json.decode(receipt.text) == body


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (reset, Outcome.UNKNOWN),
        (cut, Outcome.UNKNOWN),
        (answer(b""), Outcome.UNKNOWN),
        (answer(HTML), Outcome.UNKNOWN),
        (answer(b'{"error_code":0'), Outcome.UNKNOWN),
        (answer({"message": "Thành công"}), Outcome.UNKNOWN),
        (answer(b"", 500), Outcome.UNKNOWN),
        (answer(b"", 502), Outcome.UNKNOWN),
        (answer(b"", 504), Outcome.UNKNOWN),
        (answer(b"", 302, Location="/elsewhere"), Outcome.UNKNOWN),
        (answer(b"", 302, Location="/login"), Outcome.UNAUTHORISED),
        (answer(b"", 403), Outcome.UNAUTHORISED),
        (answer(b"", 503), Outcome.UNAVAILABLE),
        (answer(b"", 503, Retry_After="30"), Outcome.BUSY),
        (answer(b"", 429, Retry_After="30"), Outcome.BUSY),
        (answer(HTML, 404), Outcome.UNAVAILABLE),
        (answer(HTML, 400), Outcome.UNAVAILABLE),
        (answer(b"", 414), Outcome.UNAVAILABLE),
        (answer({"message": "Bad Request"}, 400), Outcome.UNAVAILABLE),
        (answer(b"", 413), Outcome.REJECTED),
        (answer({"error_code": 0}, 400), Outcome.UNKNOWN),
        (answer({"error_code": 7}, 400), Outcome.REJECTED),
    ],
)
def test_what_comes_instead_of_an_answer_says_how_certain_it_is(portal: ScriptedPortal, target: Target, behaviour: Behaviour, outcome: Outcome) -> None:
    portal.will(RECORDS, behaviour)
    receipt = create(target)
    assert receipt.outcome is outcome
    assert receipt.retry_after == (30.0 if outcome is Outcome.BUSY else None)
    assert len(portal.calls(RECORDS)) == 1


@pytest.mark.parametrize("behaviour", [silence, drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")])
def test_an_answer_that_does_not_end_leaves_the_call_unknown(portal: ScriptedPortal, make: Make, behaviour: Behaviour) -> None:
    target = make(timeout="300ms")
    portal.will(RECORDS, behaviour)
    assert create(target).outcome is Outcome.UNKNOWN
    assert target.longest == timedelta(seconds=1.2)


def test_a_portal_that_is_down_got_nothing(portal: ScriptedPortal, make: Make, sleeps: list[float]) -> None:
    target = make(catalogue="0s")
    create(target)
    portal.close()
    assert create(make(adapter_url="http://127.0.0.1:9/x"), 2).outcome is Outcome.UNAVAILABLE
    assert sleeps


# ---- sessions


def test_one_session_serves_many_calls_and_ends_with_its_time(portal: ScriptedPortal, target: Target, clock: TurnedClock) -> None:
    create(target)
    clock.turn(timedelta(minutes=9))
    create(target, 2)
    assert portal.counts()["login"] == 1
    clock.turn(timedelta(minutes=1))
    create(target, 3)
    assert portal.counts()["login"] == 2


def test_a_session_that_ended_early_is_replaced_and_the_call_made_again(portal: ScriptedPortal, target: Target) -> None:
    create(target)
    portal.open_sessions.clear()
    assert create(target, 2).outcome is Outcome.DELIVERED
    assert portal.counts()["login"] == 2
    assert [asked.body["session"] for asked in portal.calls(RECORDS)] == ["phien-1", "phien-1", "phien-2"]


@pytest.mark.parametrize("said", ["Thiếu giấy tờ của phiên dịch viên", "Trích yếu phiên họp vượt quá độ dài", "Phiên bản không hợp lệ"])
def test_a_refusal_that_speaks_of_other_sessions_concerns_its_dossier_alone(portal: ScriptedPortal, target: Target, said: str) -> None:
    portal.will(RECORDS, answer({"error_code": 7, "message": said}))
    receipt = create(target)
    assert (receipt.outcome, receipt.code, receipt.message) == (Outcome.REJECTED, "7", said)
    assert len(portal.calls(RECORDS)) == 1


def test_a_status_401_is_a_session_that_ended(portal: ScriptedPortal, target: Target) -> None:
    portal.will(RECORDS, answer(b"", 401))
    assert create(target).outcome is Outcome.DELIVERED
    assert portal.counts()["login"] == 2


def test_a_fresh_session_that_is_refused_too_may_have_been_ended_by_another_log_in(portal: ScriptedPortal, target: Target) -> None:
    for _ in range(3):
        portal.will(RECORDS, answer(LOST_SESSION), answer(LOST_SESSION))
        receipt = create(target)
        assert (receipt.outcome, receipt.code, bool(receipt.hint)) == (Outcome.UNAVAILABLE, "session", True)
        assert str(LOST_SESSION["message"]) in receipt.text
        assert create(target, 2).outcome is not Outcome.UNAUTHORISED
    assert portal.counts()["login"] == 7
    assert len(portal.calls(RECORDS)) == 9


@pytest.mark.parametrize(("lost", "code"), [(answer(LOST_SESSION), "-2"), (answer(b"", 401), "401")])
def test_fresh_sessions_refused_one_after_the_other_are_for_a_person(portal: ScriptedPortal, target: Target, lost: Behaviour, code: str) -> None:
    portal.will(RECORDS, *[lost] * 8)
    receipts = [create(target) for _ in range(4)]
    assert [receipt.outcome for receipt in receipts] == [Outcome.UNAVAILABLE] * 2 + [Outcome.UNAUTHORISED] * 2
    assert [receipt.code for receipt in receipts] == ["session"] * 2 + [code] * 2
    assert len(portal.calls(RECORDS)) == 8
    assert create(target).outcome is Outcome.DELIVERED
    portal.will(RECORDS, *[lost] * 2)
    assert create(target, 2).outcome is Outcome.UNAVAILABLE


def test_threads_that_share_a_fresh_session_see_it_refused_once(portal: ScriptedPortal, make: Make) -> None:
    target, threads = make(catalogue="0s"), 8

    def all_at_once(calls: int) -> Behaviour:
        def lose(talk: Talk) -> bool:
            assert portal.wait(lambda: len(portal.calls(RECORDS)) >= calls)
            return answer(LOST_SESSION)(talk)

        return lose

    portal.will(RECORDS, *[all_at_once(threads)] * threads, *[all_at_once(2 * threads)] * threads)
    with ThreadPoolExecutor(threads) as pool:
        receipts = list(pool.map(lambda number: create(target, number), range(threads)))
    assert {receipt.outcome for receipt in receipts} == {Outcome.UNAVAILABLE}
    assert portal.counts()["login"] == 2


def test_threads_that_find_their_session_ended_log_in_once(portal: ScriptedPortal, make: Make) -> None:
    target, threads = make(catalogue="0s"), 8
    create(target)

    def all_at_once(talk: Talk) -> bool:
        assert portal.wait(lambda: len(portal.calls(RECORDS)) >= 1 + threads)
        return answer(LOST_SESSION)(talk)

    portal.will(RECORDS, *[all_at_once] * threads)
    with ThreadPoolExecutor(threads) as pool:
        receipts = list(pool.map(lambda number: create(target, number), range(2, 2 + threads)))
    assert {receipt.outcome for receipt in receipts} == {Outcome.DELIVERED}
    assert portal.counts()["login"] == 2
    assert len(portal.holdings) == 1 + threads


def test_a_wrong_password_is_for_a_person_and_not_told(portal: ScriptedPortal, make: Make) -> None:
    receipt = create(make(password="nhầm 1"))
    assert (receipt.outcome, receipt.code) == (Outcome.UNAUTHORISED, "-1")
    assert receipt.message == f"the portal does not let us in: Sai mật khẩu {MASK}"
    assert receipt.text == ""
    assert set(portal.counts()) == {"login"}


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (reset, Outcome.UNAVAILABLE),
        (answer(HTML), Outcome.UNAVAILABLE),
        (answer(HTML, 400), Outcome.UNAVAILABLE),
        (answer(b"", 500), Outcome.UNAVAILABLE),
        (answer({"error_code": 0}), Outcome.UNAVAILABLE),
        (answer({"error_code": 0, "session": ""}), Outcome.UNAVAILABLE),
        (answer(b"", 429), Outcome.BUSY),
        (answer(b"", 403), Outcome.UNAUTHORISED),
    ],
)
def test_trouble_at_the_log_in_says_nothing_against_the_dossier(portal: ScriptedPortal, target: Target, behaviour: Behaviour, outcome: Outcome) -> None:
    portal.will("login", *[behaviour] * 3)
    assert create(target).outcome is outcome
    assert set(portal.counts()) == {"login"}


# ---- the catalogue


def test_the_list_of_procedures_is_read_once_a_day(portal: ScriptedPortal, target: Target, clock: TurnedClock) -> None:
    for number in (1, 2):
        create(target, number)
    target.send([element(target, UPDATE, another(1))])
    assert portal.counts()[LIST] == 1
    clock.turn(timedelta(hours=24))
    create(target, 3)
    assert portal.counts()[LIST] == 2


def test_a_procedure_the_portal_does_not_know_is_not_sent(portal: ScriptedPortal, target: Target) -> None:
    strange = replace(DOSSIER, procedure_code="9.000001")
    for operation in (CREATE, UPDATE):
        receipt = target.send([element(target, operation, strange)])
        assert (receipt.outcome, receipt.code) == (Outcome.REJECTED, "unknown_procedure")
        assert receipt.message == "MaTTHC 9.000001 is not in the portal's list of procedures"
        assert receipt.hint
    assert portal.counts()[LIST] == 1
    assert portal.calls(RECORDS) == []


def test_a_new_procedure_is_found_ten_minutes_later(portal: ScriptedPortal, target: Target, clock: TurnedClock) -> None:
    new = replace(DOSSIER, procedure_code="9.000001")
    assert target.send([element(target, CREATE, new)]).outcome is Outcome.REJECTED
    portal.procedures.append("9.000001")
    clock.turn(timedelta(minutes=9))
    assert target.send([element(target, CREATE, new)]).outcome is Outcome.REJECTED
    clock.turn(timedelta(minutes=1))
    assert target.send([element(target, CREATE, new)]).outcome is Outcome.DELIVERED
    assert portal.counts()[LIST] == 2


@pytest.mark.parametrize(
    "body", [{"error_code": 0, "result": []}, {"error_code": 0, "result": ["x", {"MATTHC": ""}]}, {"error_code": -1, "message": "Không hỗ trợ"}]
)
def test_without_a_list_codes_are_not_checked_and_it_is_asked_for_again_soon(portal: ScriptedPortal, target: Target, clock: TurnedClock, body: object) -> None:
    portal.will(LIST, answer(body))
    strange = replace(DOSSIER, procedure_code="9.000001")
    assert target.send([element(target, CREATE, strange)]).outcome is Outcome.DELIVERED
    create(target, 2)
    assert portal.counts()[LIST] == 1
    clock.turn(timedelta(minutes=10))
    assert target.send([element(target, UPDATE, strange)]).outcome is Outcome.REJECTED


@pytest.mark.parametrize("behaviour", [reset, answer(HTML), answer(b"", 404)])
def test_a_list_that_cannot_be_read_holds_the_dossier_back(portal: ScriptedPortal, target: Target, behaviour: Behaviour) -> None:
    portal.will(LIST, *[behaviour] * 3)
    assert create(target).outcome is Outcome.UNAVAILABLE
    assert portal.calls(RECORDS) == []
    portal.scripts.clear()
    assert create(target).outcome is Outcome.DELIVERED


@pytest.mark.parametrize("catalogue", ["", "0s"])
def test_the_list_can_be_left_alone(portal: ScriptedPortal, make: Make, catalogue: str) -> None:
    create(make(catalogue=catalogue))
    assert portal.calls(LIST) == []


def test_steps_need_no_list(portal: ScriptedPortal, target: Target) -> None:
    target.send([element(target, STEP)])
    assert portal.calls(LIST) == []


def test_names_of_the_list_may_be_written_in_any_case(portal: ScriptedPortal, target: Target) -> None:
    portal.will(LIST, answer({"error_code": 0, "result": {"data": [{"TenTTHC": "x", "MaTTHC": " 9.000001 "}]}}))
    assert target.send([element(target, CREATE, replace(DOSSIER, procedure_code="9.000001"))]).outcome is Outcome.DELIVERED


# ---- looking up

RECEIVED = datetime(2025, 3, 3, 1, 30, 15, tzinfo=UTC)
DETAILS = {"MaHoSo": CODE, "MaTrangThai": "04", "TrangThaiHoSo": "Đang xử lý", "NgayTiepNhan": "20250303083015", "NgayHenTra": "2025-03-06"}


def found(target: Target, portal: ScriptedPortal, body: object) -> Standing:
    portal.will(FIND, answer(body))
    standing = target.look_up(asked(DOSSIER))
    assert standing is not None
    assert standing.outcome is Outcome.DELIVERED
    return standing


def test_a_dossier_the_portal_has_is_found_and_another_not(portal: ScriptedPortal, target: Target) -> None:
    create(target)
    for dossier, exists, status in ((another(1), True, Status.RETURNED), (another(2), False, None)):
        standing = target.look_up(asked(dossier))
        assert standing is not None
        assert (standing.outcome, standing.exists, standing.status) == (Outcome.DELIVERED, exists, status)
    assert [asked.body["mahoso"] for asked in portal.calls(FIND)] == [another(1).code, another(2).code]


@pytest.mark.parametrize("key", ["result", "data"])
@pytest.mark.parametrize("change", [str.upper, str.lower, str])
def test_details_are_read_under_any_name_and_case(portal: ScriptedPortal, target: Target, key: str, change: Any) -> None:
    standing = found(target, portal, {"error_code": "0", key: [{change(name): value for name, value in DETAILS.items()}]})
    assert (standing.exists, standing.status, standing.received_at, standing.due_at) == (True, Status.PROCESSING, RECEIVED, None)


@pytest.mark.parametrize(
    ("body", "exists", "status"),
    [
        ({"error_code": 0, "result": [{"TRANGTHAIHOSO": "9"}]}, True, Status.PROCESSED),
        ({"error_code": 0, "result": [{"MaHoSo": "another", "MaTrangThai": "9"}]}, True, None),
        ({"error_code": 0, "result": ["x"]}, True, None),
        ({"error_code": 0, "result": []}, False, None),
        ({"error_code": 0, "result": None}, False, None),
        ({"error_code": 0}, None, None),
        ({"error_code": 5, "message": "Không tìm thấy hồ sơ"}, False, None),
        ({"error_code": 0, "message": "Không tìm thấy hồ sơ"}, False, None),
        ({"error_code": -1, "message": "Dịch vụ không hỗ trợ", "result": []}, None, None),
    ],
)
def test_what_a_look_up_tells(portal: ScriptedPortal, target: Target, body: object, exists: bool | None, status: Status | None) -> None:
    standing = found(target, portal, body)
    assert (standing.exists, standing.status) == (exists, status)


def test_of_a_dossier_from_the_portal_only_its_presence_is_compared(portal: ScriptedPortal, target: Target) -> None:
    portal.will(FIND, answer({"error_code": 0, "result": [DETAILS]}))
    standing = target.look_up(asked(PORTALS))
    assert standing is not None
    assert (standing.exists, standing.status, standing.received_at) == (True, None, None)
    assert portal.calls(FIND)[0].body["mahoso"] == PORTALS.portal_code
    assert target.look_up(asked(replace(PORTALS, portal_code=""))) is None


@pytest.mark.parametrize(
    ("behaviour", "outcome"), [(reset, Outcome.UNAVAILABLE), (answer(HTML), Outcome.UNAVAILABLE), (answer(b"", 503, Retry_After="9"), Outcome.BUSY)]
)
def test_a_look_up_without_answer_is_safe_to_repeat(portal: ScriptedPortal, target: Target, behaviour: Behaviour, outcome: Outcome) -> None:
    portal.will(FIND, *[behaviour] * 3)
    standing = target.look_up(asked(DOSSIER))
    assert standing is not None
    assert (standing.outcome, standing.exists) == (outcome, None)
    assert standing.retry_after == (9.0 if outcome is Outcome.BUSY else None)


# ---- probing


def test_a_probe_logs_in_and_changes_nothing(portal: ScriptedPortal, target: Target) -> None:
    assert target.probe() == Receipt(outcome=Outcome.DELIVERED, message="the portal answers and knows us; 2 procedures in the portal's list")
    assert portal.counts() == {"login": 1, LIST: 1}


@pytest.mark.parametrize(
    ("body", "note"),
    [
        ({"error_code": 0, "result": []}, "the portal's list of procedures is empty; codes are not checked"),
        ({"error_code": 4}, "the portal does not give its procedures (code 4); their codes are not checked"),
    ],
)
def test_a_probe_tells_why_codes_are_not_checked(portal: ScriptedPortal, target: Target, body: object, note: str) -> None:
    portal.will(LIST, answer(body))
    assert target.probe().message == f"the portal answers and knows us; {note}"
    assert portal.counts()[FIND] == 1


def test_a_probe_without_list_looks_for_nothing(portal: ScriptedPortal, make: Make) -> None:
    target = make(catalogue="0s")
    assert target.probe().outcome is Outcome.DELIVERED
    portal.will(FIND, *[reset] * 3)
    assert target.probe().outcome is Outcome.UNAVAILABLE


def test_a_probe_tells_what_is_wrong(portal: ScriptedPortal, make: Make) -> None:
    assert make(password="nhầm 1").probe().outcome is Outcome.UNAUTHORISED
    portal.will(LIST, *[answer(b"", 502)] * 3)
    assert make().probe().outcome is Outcome.UNAVAILABLE


# ---- what nobody may read

FORMS = (
    lambda text: text,
    str.upper,
    str.lower,
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: text.replace("ô", "o").replace("ă", "a").replace("ì", "i"),
)


@pytest.mark.parametrize("form", FORMS)
def test_a_message_loses_whom_the_dossier_is_about(portal: ScriptedPortal, target: Target, form: Any) -> None:
    create(target)
    told = [OWNER.name, OWNER.identity, OWNER.email, OWNER.phone, DOSSIER.abstract, "phien-1", PASSWORD, "chị 038088009999"]
    portal.will(RECORDS, answer({"error_code": -1, "message": "; ".join(form(one) for one in told)}), answer({"error_code": -1, "message": form(OWNER.name)}))
    receipt = create(target, 2)
    assert receipt.message == "; ".join([MASK] * 7 + [form("chị ") + MASK]).replace(form("chị"), unicodedata.normalize("NFC", form("chị")))
    assert create(target, 2).message == MASK


def test_a_message_about_steps_loses_the_officer(portal: ScriptedPortal, target: Target) -> None:
    portal.will(PROGRESS, answer({"error_code": -1, "message": f"{STEPS[0].officer} không có quyền"}))
    assert target.send([element(target, STEP)]).message == f"{MASK} không có quyền"


def test_a_message_loses_the_names_of_files_and_keeps_the_kinds_of_papers(portal: ScriptedPortal, target: Target) -> None:
    papers = (Paper(id="703", name="CCCD Nguyễn Thị B.pdf"), Paper(id="704", name="Đơn đề nghị"))
    results = (Paper(id="803", name="Trích lục bé Mận.docx"),)
    told = "Thiếu Đơn đề nghị, tệp CCCD Nguyễn Thị B.pdf hỏng, trich luc be man.DOCX"
    portal.will(RECORDS, answer({"error_code": -1, "message": told}))
    receipt = target.send([element(target, CREATE, replace(DOSSIER, papers=papers, results=results))])
    assert receipt.message == f"Thiếu Đơn đề nghị, tệp {MASK} hỏng, {MASK}"


def test_a_look_up_loses_them_too(portal: ScriptedPortal, target: Target) -> None:
    standing = found(target, portal, {"error_code": 0, "message": f"Hồ sơ của {OWNER.name}, {OWNER.address}", "result": []})
    assert standing.message == f"Hồ sơ của {MASK}, {MASK}"


def test_the_raw_answer_is_kept_without_session_and_password(portal: ScriptedPortal, target: Target) -> None:
    create(target)
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in PASSWORD).encode()
    raw = b'{"error_code":-1,"message":"phien-1 ' + escaped + b'","note":"' + b"x" * 3000 + b'"}'
    portal.will(RECORDS, answer(raw), answer(b"<html>phien-1 " + PASSWORD.encode()))
    for receipt in (create(target, 2), create(target, 2)):
        assert len(receipt.text) <= 2000
        assert "phien-1" not in receipt.text
        assert PASSWORD not in receipt.text
        assert msgspec.json.encode(PASSWORD)[1:-1].decode() not in receipt.text


def test_a_refusal_without_a_word_says_so(portal: ScriptedPortal, target: Target) -> None:
    portal.will(RECORDS, answer({"error_code": 8}))
    assert create(target).message == "the portal refuses without a reason"


# ---- a province's gateway


@pytest.fixture
def gateway(portal: ScriptedPortal, make: Make) -> Target:
    names = {
        "create_url": "Them?dv={agency}",
        "update_url": "Sua",
        "progress_url": "TienDo",
        "status_url": "TrangThai",
        "lookup_url": "Tim?ma={code}",
        "catalogue_url": "ThuTuc?dv={agency}",
    }
    return make(transport="gateway", adapter_url="", username="", password="", **{name: f"{portal.root}/api/{path}" for name, path in names.items()})


def test_a_gateway_takes_bare_arrays_at_an_address_each(portal: ScriptedPortal, gateway: Target) -> None:
    portal.will("ThuTuc", answer({"error_code": "0", "result": [{"MATTHC": "1.001193"}]}))
    for operation, dossier in ((CREATE, DOSSIER), (UPDATE, DOSSIER), (STEP, DOSSIER), (CREATE, PORTALS)):
        composed = element(gateway, operation, dossier)
        assert gateway.send([composed]).outcome is Outcome.DELIVERED
        sent = portal.asked[-1]
        assert sent.raw == (composed.body if dossier is PORTALS else b"[" + composed.body + b"]")
        assert gateway.calls(composed)[0]["body"] == sent.body
    assert [asked.target for asked in portal.asked] == [
        "/api/ThuTuc?dv=000.00.00.H03",
        "/api/Them?dv=000.00.00.H03",
        "/api/Sua",
        "/api/TienDo",
        "/api/TrangThai",
    ]


def test_a_gateways_answers_mean_the_same(portal: ScriptedPortal, gateway: Target) -> None:
    portal.will("Them", answer({"error_code": -3, "message": "Hồ sơ đã tồn tại"}), answer(b"", 401), answer(HTML))
    assert [create(gateway).outcome for _ in range(3)] == [Outcome.CROSSED, Outcome.UNAUTHORISED, Outcome.UNKNOWN]


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("Cập nhật tiến độ thành công", Outcome.DELIVERED),
        ('"Cập nhật tiến độ THÀNH CÔNG"', Outcome.DELIVERED),
        ("Cập nhật không thành công", Outcome.REJECTED),
        ('"Hồ sơ không tồn tại"', Outcome.CROSSED),
        ("OK", Outcome.UNKNOWN),
        ("<html><body>Cập nhật tiến độ thành công</body></html>", Outcome.UNKNOWN),
        ('{"message":"thành công"}', Outcome.UNKNOWN),
        ("", Outcome.UNKNOWN),
    ],
)
def test_a_gateway_may_answer_steps_in_words_alone(portal: ScriptedPortal, gateway: Target, said: str, outcome: Outcome) -> None:
    portal.will("TienDo", answer(said.encode()))
    assert gateway.send([element(gateway, STEP, DOSSIER)]).outcome is outcome


def test_a_gateway_answers_records_with_a_code(portal: ScriptedPortal, gateway: Target) -> None:
    portal.will("Them", answer("Thêm mới hồ sơ thành công".encode()))
    assert create(gateway).outcome is Outcome.UNKNOWN


def test_a_gateway_is_asked_by_address(portal: ScriptedPortal, gateway: Target) -> None:
    portal.will("Tim", answer({"error_code": 0, "data": [DETAILS]}), *[answer(b"", 500)] * 3)
    standing = gateway.look_up(asked(DOSSIER))
    assert standing is not None
    assert (standing.exists, standing.status) == (True, Status.PROCESSING)
    assert (portal.asked[0].method, portal.asked[0].target, portal.asked[0].raw) == ("POST", f"/api/Tim?ma={CODE}", b"{}")
    failed = gateway.look_up(asked(DOSSIER))
    assert failed is not None
    assert failed.outcome is Outcome.UNAVAILABLE


def bare_gateway(portal: ScriptedPortal, make: Make, **more: str) -> Target:
    urls = {name: f"{portal.root}/api/{name}" for name in ("create_url", "update_url", "progress_url")}
    return make(transport="gateway", adapter_url="", agency_code="", username="", password="", **urls, **more)


def test_a_gateway_that_answers_no_questions_is_asked_none(portal: ScriptedPortal, make: Make) -> None:
    gateway = bare_gateway(portal, make)
    assert gateway.look_up(asked(DOSSIER)) is None
    assert create(gateway).outcome is Outcome.DELIVERED
    assert portal.counts() == {"create_url": 1}


def test_a_gateway_that_takes_no_status_refuses_dossiers_from_the_portal(portal: ScriptedPortal, make: Make) -> None:
    with pytest.raises(Unmappable) as caught:
        element(bare_gateway(portal, make), CREATE, PORTALS)
    assert caught.value.problems[0].field == "status_url"
    assert caught.value.hint


def test_a_gateway_is_probed_by_knocking(portal: ScriptedPortal, make: Make) -> None:
    gateway = bare_gateway(portal, make)
    portal.will("create_url", answer(b"", 405), *[answer(b"", 502)] * 3)
    assert gateway.probe().outcome is Outcome.DELIVERED
    assert portal.asked[0].method == "GET"
    assert gateway.probe().outcome is Outcome.UNAVAILABLE


def test_a_gateway_may_want_its_questions_as_get(portal: ScriptedPortal, make: Make) -> None:
    gateway = bare_gateway(portal, make, lookup_url=f"{portal.root}/api/Tim/{{code}}", lookup_method="GET")
    portal.will(CODE, answer({"error_code": 0, "result": []}))
    standing = gateway.look_up(asked(DOSSIER))
    assert standing is not None
    assert standing.exists is False
    assert (portal.asked[0].method, portal.asked[0].raw) == ("GET", b"")


# ---- options


def told(**given: Any) -> str:
    with pytest.raises(ValueError, match="validation error") as caught:
        DvcqgOptions.model_validate({"connector": "dvcqg"} | given)
    return str(caught.value)


def test_what_a_transport_needs_is_told_at_once() -> None:
    assert 'transport = "envelope" needs adapter_url, agency_code, username, password' in told()
    assert 'transport = "gateway" needs create_url, update_url, progress_url' in told(transport="gateway")


@pytest.mark.parametrize(
    "given", [{"adapter_url": "10.0.0.5"}, {"lookup_url": "https://x.example/tim"}, {"session": "0s"}, {"steps_per_call": 0}, {"profile": "base28"}]
)
def test_options_that_cannot_be_meant_are_refused(given: dict[str, Any]) -> None:
    assert next(iter(given)) in told(**given)


def test_the_connector_is_found_by_its_entry_point_and_tells_all_problems(tmp_path: Path, clock: TurnedClock) -> None:
    found: Connector = connector
    assert found.options is DvcqgOptions
    given = {"connector": "dvcqg", "adapter_url": "http://x.example", "agency_code": "H03", "username": "a", "password": "b"}
    options: TargetOptions = DvcqgOptions.model_validate(given | {"mapping": "none", "verify": tmp_path / "ca"})
    with pytest.raises(ConfigurationError) as caught:
        found.build("portal", options, clock=clock)
    assert [problem.field for problem in caught.value.problems] == ["targets.portal.verify", "mapping"]
    with pytest.raises(ConfigurationError) as caught:
        found.build("portal", DvcqgOptions.model_validate(given | {"verify": tmp_path / "ca"}), clock=clock)
    assert [problem.field for problem in caught.value.problems] == ["targets.portal.verify"]

"""The sandbox LGSP knows its callers, is strict, and fails as a gateway does."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import pytest
import requests
from lxml import etree

from syncd.sandbox.lgsp import Lgsp, LgspTerms
from syncd.sandbox.lgsp_checks import NO_DATE
from syncd.sandbox.lgsp_faults import BAD_DAY_LGSP, CODES, STYLES, GatewayFaults
from syncd.sandbox.lgsp_tokens import KEYS, Account, Dialect
from tests.clocks import TurnedClock

CODE = "000.00.14.H03-250225-0001"
DAY = "2025-02-25T08:00:00.000+0700"


def record(**changes: Any) -> dict[str, Any]:
    """A dossier that breaks no rule, but for the changes."""
    return {
        "DocTypeCode": "1.001193", "DocTypeName": "Đăng ký khai sinh", "DocCode": CODE, "CitizenName": "Nông Văn Mẫu", "Address": "", "Phone": "0900000001",
        "ApplicantsId": "006000000001", "ApplicantsType": 1, "DateReceived": DAY, "DateAppointed": "2025-02-26T17:00:00.000+07:00", "IsSuccess": False,
        "SuccessDate": NO_DATE, "IsReturned": False, "ReturnedDate": NO_DATE, "ReturnedType": 0, "Status": 1, "ProcessingOrganName": "Sở Tư pháp",
        "OrganInchargeIdLevel1": "000.00.14.H03", "OrganInchargeName": "Sở Tư pháp", "Attachments": [attachment()], "DocFees": [fee()], **changes,
    }  # fmt: skip


def attachment(**changes: Any) -> dict[str, Any]:
    return {"AttachmentId": 1, "AttachmentName": "Tờ khai", "IsDeleted": False, "Base64": "", "IsVerified": False, **changes}


def fee(**changes: Any) -> dict[str, Any]:
    return {"FeeName": "Lệ phí", "FeeType": 4, "Price": 8000, **changes}


def trace(**changes: Any) -> dict[str, Any]:
    return {
        "DocumentId": 1, "DocCode": CODE, "UserName": "Hà Thị Mẫu", "UserPosition": "", "DateCreated": DAY, "Comment": "Tiếp nhận", "Status": 0,
        "OrganizationInchargeIdLevel1": "000.00.14.H03", "OrganizationInchargeName": "Sở Tư pháp", **changes,
    }  # fmt: skip


def statistic(**changes: Any) -> dict[str, Any]:
    return {
        "Month": 2, "Year": 2025, "IsMonthStatistic": True, "NewReception": 8, "PreExtisting": 2, "Total": 10, "TotalSolved": 6, "SolvedInTime": 5,
        "SolvedInTimePercent": 83.33, "SolvedLate": 1, "SolvedLatePercent": 16.67, "TotalPending": 4, "Pending": 3, "PendingPercent": 75, "PendingLate": 1,
        "PendingLatePercent": 25.0, "Note": "", "OrganizationInchargeIdlevel1": "000.00.14.H03", "OrganizationInchargeName": "Sở Tư pháp", **changes,
    }  # fmt: skip


class Caller:
    """Asks for a token in the gateway's way, and calls."""

    def __init__(self, lgsp: Lgsp) -> None:
        self.lgsp = lgsp
        self.http = requests.Session()
        self.http.trust_env = False

    def token(self, **changes: str) -> requests.Response:
        account = self.lgsp.terms.account
        form = {"grant_type": "client_credentials"}
        headers = self.keys() if account.dialect == "vnpt_lgsp" else {}
        if account.dialect in ("wso2_form", "oauth2_password"):
            form |= {"client_id": account.client_id, "client_secret": account.client_secret}
        if account.dialect == "oauth2_password":
            form |= {"grant_type": "password", "username": account.username, "password": account.password}
        auth = (account.client_id, account.client_secret) if account.dialect == "wso2_basic" else None
        return self.http.post(self.lgsp.token_url, data={**form, **changes}, headers=headers, auth=auth, timeout=10)

    def keys(self) -> dict[str, str]:
        given = dict(zip(KEYS, self.lgsp.terms.account.access, strict=True))
        return {"lgspaccesstoken": b64encode(json.dumps(given).encode()).decode()}

    def headers(self) -> dict[str, str]:
        account = self.lgsp.terms.account
        if account.dialect == "static":
            return {account.static_header: account.static_value}
        bearer = {"Authorization": f"Bearer {self.token().json()['access_token']}"} if account.dialect != "vnpt_lgsp" or account.second_token else {}
        return bearer | (self.keys() if account.dialect == "vnpt_lgsp" else {})

    def send(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> requests.Response:
        return self.http.post(self.lgsp.api_url + path, json=body, headers=self.headers() if headers is None else headers, timeout=10)

    def sync(self, body: Any) -> requests.Response:
        return self.send("/Document/SyncDocument", body)

    def trace(self, body: Any) -> requests.Response:
        return self.send("/Document/UpdateDocumentTraces", body)

    def count(self, body: Any) -> requests.Response:
        return self.send("/Statistic/UpdateStatistic", body)


Serve = Callable[..., Caller]


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def serve(clock: TurnedClock) -> Iterator[Serve]:
    """Starts gateways."""
    running: list[Caller] = []

    def start(faults: GatewayFaults | None = None, style: str = "flat", **account: Any) -> Caller:
        running.append(Caller(Lgsp(LgspTerms(account=Account(**account), style=style), faults=faults, clock=clock)))
        running[-1].lgsp.start()
        return running[-1]

    yield start
    for caller in running:
        caller.http.close()
        caller.lgsp.close()


@pytest.fixture
def caller(serve: Serve) -> Caller:
    return serve()


def fine(answer: requests.Response) -> bool:
    return int(answer.json()["Status"]) == 1


@pytest.mark.parametrize("dialect", ["wso2_basic", "wso2_form", "vnpt_lgsp", "static", "oauth2_password"])
def test_a_caller_is_known_in_each_dialect(serve: Serve, dialect: Dialect) -> None:
    caller = serve(dialect=dialect)
    assert fine(caller.sync(record()))
    assert caller.lgsp.holdings.record(CODE) == record()


def test_vnpt_may_ask_for_no_second_token(serve: Serve) -> None:
    caller = serve(dialect="vnpt_lgsp", second_token=False)
    assert fine(caller.sync(record()))
    assert caller.lgsp.counts()["token"] == 0
    for header in ("!", b64encode(b'{"AccessKey": "x"}').decode(), b64encode(b"[]").decode()):
        assert caller.send("/Document/SyncDocument", record(), {"lgspaccesstoken": header}).json()["code"] == 900901
    assert caller.send("/Document/SyncDocument", record(), {}).json()["code"] == 900902


@pytest.mark.parametrize("dialect", ["wso2_form", "vnpt_lgsp", "oauth2_password", "wso2_basic", "static"])
def test_a_wrong_secret_is_an_invalid_client(serve: Serve, dialect: Dialect) -> None:
    caller = serve(dialect=dialect)
    caller.http.auth = None
    answer = caller.http.post(caller.lgsp.token_url, data={"grant_type": "client_credentials", "client_id": "motcua", "client_secret": "no"}, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


def test_a_token_is_asked_for_by_a_form_with_the_right_grant(serve: Serve) -> None:
    caller = serve(dialect="oauth2_password")
    assert caller.lgsp.token_url.endswith("/oauth2/token")
    assert caller.token(password="no").json()["error"] == "invalid_grant"
    refresh = caller.token().json()["refresh_token"]
    assert caller.token(grant_type="refresh_token", refresh_token=refresh).json()["access_token"]
    assert caller.token(grant_type="refresh_token", refresh_token="x").status_code == 400
    assert caller.http.post(caller.lgsp.token_url, json={}, timeout=10).json()["error"] == "invalid_request"


def test_a_token_asked_for_again_has_what_remains_of_its_life(serve: Serve, clock: TurnedClock) -> None:
    caller = serve(token_seconds=90.0)
    first = caller.token().json()
    assert (first["expires_in"], first["token_type"]) == (90, "Bearer")
    clock.seconds += 60
    again = caller.token().json()
    assert (again["access_token"], again["expires_in"]) == (first["access_token"], 30)
    clock.seconds += 31
    assert caller.send("/Document/SyncDocument", record(), {"Authorization": f"Bearer {first['access_token']}"}).json()["code"] == 900901
    assert caller.token().json()["access_token"] != first["access_token"]


def test_without_a_good_token_nothing_is_done(caller: Caller) -> None:
    for headers, code in (({}, 900902), ({"Authorization": "Bearer made-up"}, 900901), ({"Authorization": "Bearer "}, 900901)):
        answer = caller.send("/Document/SyncDocument", record(), headers)
        assert (answer.status_code, answer.json()["code"]) == (401, code)
    headers = caller.headers()
    caller.lgsp.tokens.expire()
    assert caller.send("/Document/SyncDocument", record(), headers).json()["code"] == 900901
    assert caller.lgsp.holdings.count() == (0, 0, 0)


def test_what_the_api_does_not_have_is_told_by_the_gateway(caller: Caller) -> None:
    assert caller.send("/Vote/UpdateVote", {}).json()["code"] == 900906
    assert caller.http.get(f"{caller.lgsp.api_url}/Document/SyncDocument", headers=caller.headers(), timeout=10).status_code == 403


def test_the_status_comes_as_a_number_and_as_a_text(caller: Caller) -> None:
    assert {repr(caller.sync(record()).json()["Status"]) for _ in range(4)} == {"1", "'1'"}


def test_a_dossier_is_replaced_and_counted(caller: Caller) -> None:
    caller.sync(record())
    caller.sync(record(Status=2))
    assert caller.lgsp.holdings.records() == {CODE: record(Status=2)}
    assert caller.lgsp.holdings.times(CODE) == 2


def test_traces_need_their_dossier_and_keep_their_order(caller: Caller) -> None:
    refused = caller.trace(trace())
    assert not fine(refused)
    assert "không tồn tại" in refused.json()["Message"]
    caller.sync(record())
    caller.lgsp.faults.next("101504", service="UpdateDocumentTraces")
    assert caller.trace(trace(Comment="một")).status_code == 504
    assert fine(caller.trace(trace(Comment="hai")))
    assert [(entry.body["Comment"], entry.answered) for entry in caller.lgsp.holdings.traces(CODE)] == [("một", False), ("hai", True)]


def test_statistics_are_kept_by_period_and_agency(caller: Caller) -> None:
    assert fine(caller.count(statistic()))
    assert fine(caller.count(statistic(NewReception=9, Total=11, Pending=4, TotalPending=5)))
    assert fine(caller.count(statistic(Month=0, IsMonthStatistic=False)))
    held = caller.lgsp.holdings.statistics()
    assert set(held) == {(2025, 2, "000.00.14.H03"), (2025, 0, "000.00.14.H03")}
    assert held[2025, 2, "000.00.14.H03"]["Total"] == 11
    assert caller.lgsp.holdings.count() == (0, 0, 2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"DocCode": ""}, "DocCode không được để trống"),
        ({"Phone": None}, "Phone không đúng kiểu"),
        ({"ApplicantsType": "1"}, "ApplicantsType không đúng kiểu"),
        ({"ApplicantsType": 5}, "ApplicantsType không có trong danh mục"),
        ({"ApplicantsType": True}, "ApplicantsType không đúng kiểu"),
        ({"IsSuccess": 0}, "IsSuccess không đúng kiểu"),
        ({"IsSuccess": True}, "SuccessDate không khớp"),
        ({"ReturnedDate": DAY}, "ReturnedDate không khớp"),
        ({"DateReceived": NO_DATE}, "DateReceived không đúng định dạng"),
        ({"DateReceived": "2025-02-25T08:00:00.000Z"}, "DateReceived không đúng định dạng"),
        ({"DateReceived": "2025-02-30T08:00:00.000+0700"}, "DateReceived không đúng định dạng"),
        ({"Status": 3}, "Status không có trong danh mục"),
        ({"Attachments": []}, "Attachments không được để trống"),
        ({"Attachments": ["x"]}, "Attachments[0]. phải là đối tượng"),
        ({"Attachments": [attachment(Base64="*")]}, "Attachments[0].Base64 không phải Base64"),
        ({"Attachments": [attachment(Attachmentld=1)]}, "Thiếu trường Attachments[0].AttachmentId"),
        ({"DocFees": [fee(Price=-1)]}, "DocFees[0].Price không được âm"),
        ({"MaHoSo": "x"}, "MaHoSo không có trong quy định"),
    ],
)
def test_a_dossier_that_breaks_a_rule_is_refused(caller: Caller, changes: dict[str, Any], words: str) -> None:
    answer = caller.sync(record(**changes))
    assert not fine(answer)
    assert words in answer.json()["Message"]
    assert caller.lgsp.holdings.count() == (0, 0, 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Total": 11}, "Total không bằng tổng"),
        ({"NewReception": 9, "Total": 11}, "Total không bằng số đã giải quyết"),
        ({"Month": 0}, "Month không khớp"),
        ({"IsMonthStatistic": False}, "Month không khớp"),
        ({"PendingPercent": 101}, "PendingPercent vượt quá"),
        ({"PendingPercent": "75"}, "PendingPercent không đúng kiểu"),
        ({"Pending": 3.0}, "Pending không đúng kiểu"),
    ],
)
def test_a_statistic_must_add_up(caller: Caller, changes: dict[str, Any], words: str) -> None:
    assert words in caller.count(statistic(**changes)).json()["Message"]


def test_a_mandatory_field_must_be_there(caller: Caller) -> None:
    for name in ("DocCode", "DateAppointed", "Attachments", "ReturnedType"):
        body = record()
        del body[name]
        assert f"Thiếu trường {name}" in caller.sync(body).json()["Message"]
    body = record(Attachments=[{**attachment(), "Attachmentld": 1}])
    del body["Attachments"][0]["AttachmentId"]
    assert fine(caller.sync(body))
    assert "phải là đối tượng" in caller.http.post(
        f"{caller.lgsp.api_url}/Document/SyncDocument", data=b"{", headers=caller.headers(), timeout=10
    ).json()["Message"]  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("code", CODES)
def test_every_fault_of_the_gateway_comes_in_every_style(caller: Caller, code: str, style: str) -> None:
    headers = caller.headers()
    caller.lgsp.faults.next(f"{code} {style}", service="SyncDocument")
    answer = caller.send("/Document/SyncDocument", record(), headers)
    assert answer.status_code == CODES[code].status
    assert read(answer)["code"] == (int(code) if style in ("nested", "flat") else code)
    assert (caller.lgsp.holdings.record(CODE) is not None) == CODES[code].done


def read(answer: requests.Response) -> dict[str, Any]:
    """A fault in whatever style it is."""
    if answer.content.startswith(b"<"):
        root = etree.fromstring(answer.content)
        assert etree.QName(root).localname == "fault"
        return {etree.QName(child).localname: child.text for child in root}
    told: dict[str, Any] = answer.json()
    fault: dict[str, Any] = told.get("fault", told)
    return fault


def test_without_a_style_each_comes_in_turn(caller: Caller) -> None:
    headers = caller.headers()
    caller.lgsp.faults.next("900900", times=5)
    bodies = {caller.send("/Document/SyncDocument", record(), headers).content for _ in range(5)}
    assert len(bodies) == 5


@pytest.mark.parametrize("style", STYLES)
def test_a_throttled_caller_is_told_when_to_come_again_or_not(caller: Caller, style: str) -> None:
    headers = caller.headers()
    faults = caller.lgsp.faults
    for retry_after, access in ((7, None), (None, 90.0), (None, None)):
        faults.retry_after, faults.next_access = retry_after, access
        faults.next(f"900803 {style}")
        answer = caller.send("/Document/SyncDocument", record(), headers)
        assert answer.headers.get("Retry-After") == (None if retry_after is None else "7")
        assert read(answer).get("nextAccessTime") == (None if access is None else "2025-Mar-03 01:01:30+0000 UTC")
    faults.retry_after = 7
    faults.next(f"900805 {style}")
    assert "Retry-After" not in caller.send("/Document/SyncDocument", record(), headers).headers


def test_a_good_answer_may_be_wrapped(caller: Caller) -> None:
    caller.lgsp.faults.next("json_text", service="SyncDocument")
    assert json.loads(caller.sync(record()).json())["Message"] == "Thành công"
    caller.lgsp.faults.next("json_message", service="SyncDocument")
    answer = caller.sync(record()).json()
    assert answer["error_code"] == 0
    assert json.loads(answer["message"])["Message"] == "Thành công"


def test_a_proxy_may_answer_with_a_page(caller: Caller) -> None:
    caller.lgsp.faults.next("html", service="SyncDocument")
    answer = caller.sync(record())
    assert (answer.status_code, answer.text[:6]) == (200, "<html>")
    assert caller.lgsp.holdings.record(CODE) is None


@pytest.mark.parametrize(("kind", "held"), [("reset", 0), ("lost", 1)])
def test_the_connection_may_be_reset(caller: Caller, kind: str, held: int) -> None:
    caller.lgsp.faults.next(kind, service="SyncDocument")
    with pytest.raises(requests.ConnectionError):
        caller.sync(record())
    assert caller.lgsp.holdings.count() == (held, 0, 0)


def test_connections_may_be_refused_for_a_while(caller: Caller) -> None:
    caller.lgsp.faults.down()
    with pytest.raises(requests.ConnectionError):
        caller.token()
    caller.lgsp.faults.up()
    assert fine(caller.sync(record()))


def test_an_outage_may_answer_or_reset(caller: Caller) -> None:
    caller.lgsp.faults.down("503")
    assert caller.token().status_code == 503
    caller.lgsp.faults.down("reset")
    with pytest.raises(requests.ConnectionError):
        caller.token()
    caller.lgsp.faults.up()
    assert caller.token().status_code == 200


def test_an_answer_may_be_cut(caller: Caller) -> None:
    caller.lgsp.faults.next("truncated", service="SyncDocument")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        caller.sync(record())
    assert caller.lgsp.holdings.times(CODE) == 1


def test_every_answer_may_take_its_time() -> None:
    with Lgsp(LgspTerms(latency=0.05)) as lgsp:
        caller = Caller(lgsp)
        assert caller.token().elapsed.total_seconds() >= 0.05
        caller.http.close()


def test_the_token_may_end_before_its_time(caller: Caller) -> None:
    headers = caller.headers()
    caller.lgsp.faults.next("session")
    assert caller.send("/Document/SyncDocument", record(), headers).json()["code"] == 900901
    assert fine(caller.sync(record()))


def test_the_token_endpoint_fails_on_request_too(caller: Caller) -> None:
    caller.lgsp.faults.next("503", service="token")
    assert caller.token().status_code == 503


def test_calls_are_counted_and_kept(caller: Caller) -> None:
    caller.sync(record())
    caller.trace(trace(Status=9))
    assert caller.lgsp.counts() == {"token": 2, "SyncDocument": 1, "UpdateDocumentTraces": 1}
    assert caller.lgsp.peaks()["token"] == 1
    (call,) = caller.lgsp.calls("UpdateDocumentTraces")
    assert (call.body["Status"], call.code, call.fault) == (9, "0", "")


def test_on_a_bad_day_the_end_of_a_trace_is_not_in_doubt_twice() -> None:
    faults = GatewayFaults({kind: odds * 5 for kind, odds in BAD_DAY_LGSP.items()}, seed=3)
    drawn = [faults.draw("UpdateDocumentTraces", [CODE]) for _ in range(500)]
    doubtful = [fault is not None and not fault.certain for fault in drawn]
    assert any(doubtful)
    assert not any(one and other for one, other in pairwise(doubtful))

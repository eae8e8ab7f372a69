"""VNPT's dialect of I-office over real connections: the token, the call that hands a draft over, and what the answers mean."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from connectors._ioffice.options import IofficeOptions
from connectors._ioffice.vnpt import VnptCollector
from connectors.ioffice import connector
from syncd.calls import Outcome, Receipt
from syncd.documents import Verdict
from syncd.errors import ConfigurationError, Unmappable
from syncd.model import Draft, Problem
from syncd.ports import Target
from tests.clocks import TurnedClock
from tests.connectors.axis import DRAFT, filed, portion
from tests.connectors.dossiers import CODE, DOSSIER, OWNER
from tests.connectors.portal import Asked, Behaviour, ScriptedPortal, Talk, answer, cut, drip, reset, silence

TOKEN_CALL, SEND = "motcua 1", "sendVB"
ACCESS = {"AccessKey": "khoa-truy-cap", "SecretKey": "khoa-bi-mat", "AppName": "motcua", "PartnerCode": "H03", "PartnerCodeCus": "H03.14"}
FIXED = "the-co-dinh"
LOST = {"code": 401, "message": "Token không hợp lệ"}
HTML = b"<html><body>Service error</body></html>"


class ScriptedOffice(ScriptedPortal):
    """Gives tokens and takes drafts."""

    def __init__(self) -> None:
        super().__init__()
        self.open_tokens: set[str] = set()
        self.taken: list[dict[str, Any]] = []

    def _properly(self, asked: Asked) -> Behaviour:
        if msgspec.json.decode(b64decode(asked.headers["lgspaccesstoken"])) != ACCESS:
            self.violations.append("lgspaccesstoken")
        if asked.service == TOKEN_CALL:
            if asked.headers.get("x-authentication-token") != FIXED or asked.method != "GET":
                self.violations.append("the call for a token")
            token = f"phien-{self.counts()[TOKEN_CALL]}"
            self.open_tokens.add(token)
            return answer({"status": {"code": "0", "message": ""}, "data": {"token": token}})
        if asked.method != "POST":
            return answer(b"", 405)
        if asked.headers.get("x-authentication-token") not in self.open_tokens:
            return answer(LOST, 200)
        self.taken.append(asked.body)
        return answer({"status": {"code": "0", "message": "Thành công"}, "data": None})


@pytest.fixture
def office() -> Iterator[ScriptedOffice]:
    with ScriptedOffice() as serving:
        yield serving
    assert serving.violations == []


class Caller:
    """The office as a target."""

    def __init__(self, office: ScriptedOffice, mappings: Path | None = None, **given: Any) -> None:
        self.clock = TurnedClock()
        defaults = {
            "connector": "ioffice",
            "dialect": "vnpt",
            "adapter_url": f"{office.root}/api",
            "token_path": "tok/getToken/",
            "send_path": "/vb/sendVB",
            "user_id": TOKEN_CALL,
            "access_key": ACCESS["AccessKey"],
            "secret_key": ACCESS["SecretKey"],
            "app_name": "motcua",
            "partner_code": "H03",
            "partner_code_cus": "H03.14",
            "x_token": FIXED,
            "timeout": "5s",
        }
        options = IofficeOptions.model_validate(defaults | given)
        self.target: Target = connector.build("ioffice", options, clock=self.clock, mappings=mappings, sleep=lambda seconds: None)

    def send(self, draft: Draft) -> Receipt:
        return self.target.send([self.target.compose(portion(draft))])


@pytest.fixture
def caller(office: ScriptedOffice) -> Iterator[Caller]:
    made = Caller(office)
    yield made
    made.target.close()
    made.target.close()


# ---- the call


def test_a_draft_goes_out_with_its_file_and_the_token(office: ScriptedOffice, caller: Caller, tmp_path: Path) -> None:
    draft = filed(tmp_path, "nội dung".encode())
    shown = caller.target.calls(caller.target.compose(portion(draft)))
    assert caller.send(draft).outcome is Outcome.DELIVERED
    body = office.taken[0]
    assert list(body) == ["trichYeu", "maHoSo", "files"]
    assert (body["trichYeu"], body["maHoSo"]) == (DRAFT.title, CODE)
    assert [list(file) for file in body["files"]] == [["size", "fileName", "fileByte"]]
    file = body["files"][0]
    assert (file["size"], file["fileName"], b64decode(file["fileByte"])) == (10, "trich-luc.pdf", "nội dung".encode())
    assert shown == [{"service": SEND, "body": body | {"files": [file | {"size": "…", "fileByte": "…"}]}}]
    assert [asked.target for asked in office.asked] == ["/api/tok/getToken/motcua%201", "/api/vb/sendVB"]
    assert office.asked[1].headers["x-authentication-token"] == "phien-1"


def test_a_draft_of_20_mb_arrives_whole_and_composed(office: ScriptedOffice, caller: Caller, tmp_path: Path) -> None:
    content, title = os.urandom(20_000_000), "Quyết định về việc cấp đổi"
    assert caller.send(filed(tmp_path, content, title=unicodedata.normalize("NFD", title))).outcome is Outcome.DELIVERED
    body = office.taken[0]
    assert body["trichYeu"] == title
    assert body["files"][0]["size"] == 20_000_000
    assert hashlib.sha256(b64decode(body["files"][0]["fileByte"])).digest() == hashlib.sha256(content).digest()


def test_the_draft_of_a_dossier_that_could_not_be_read_is_not_sent(caller: Caller) -> None:
    unread = replace(DOSSIER, problems=(Problem(field="code", reason="unreadable"),))
    with pytest.raises(Unmappable, match="unreadable"):
        caller.target.compose(portion(dossier=unread))


def test_nothing_can_be_asked_and_nothing_replaces_itself(caller: Caller) -> None:
    assert caller.target.replaces is False
    assert caller.target.look_up(portion()) is None
    assert caller.target.collector is None


# ---- answers


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (answer({"code": 200, "message": "Thành công"}), Outcome.DELIVERED),
        (answer({"status": 0}), Outcome.DELIVERED),
        (answer({"status": {"code": 0.0}}), Outcome.DELIVERED),
        (answer({"success": True}), Outcome.DELIVERED),
        (answer({}), Outcome.DELIVERED),
        (answer("OK"), Outcome.DELIVERED),
        (answer(b'\xef\xbb\xbf"{\\"error_code\\":\\"00\\"}"'), Outcome.DELIVERED),
        (answer({"data": "x", "message": "Không có lỗi"}), Outcome.DELIVERED),
        (answer({"success": False}), Outcome.REJECTED),
        (answer(b"false"), Outcome.REJECTED),
        (answer({"code": "17", "message": "Không có trích yếu"}), Outcome.REJECTED),
        (answer({"code": "0", "message": unicodedata.normalize("NFD", "Gửi THẤT BẠI")}), Outcome.REJECTED),
        (answer("Gửi không thành công"), Outcome.REJECTED),
        (answer({"code": 400, "message": "Thiếu tệp"}, 400), Outcome.REJECTED),
        (answer({"code": "0", "message": "Token còn hạn"}), Outcome.DELIVERED),
        (answer({"code": "0"}, 400), Outcome.UNKNOWN),
        (answer({"success": True}, 404), Outcome.UNKNOWN),
        (answer({"code": "0", "message": "Gửi thất bại"}, 400), Outcome.REJECTED),
        (answer({"status": 404, "error": "Not Found"}, 404), Outcome.UNAVAILABLE),
        (answer(HTML, 404), Outcome.UNAVAILABLE),
        (answer(HTML, 400), Outcome.REJECTED),
        (answer({}, 400), Outcome.REJECTED),
        (answer(b""), Outcome.UNKNOWN),
        (answer(b"null"), Outcome.UNKNOWN),
        (answer(HTML), Outcome.UNKNOWN),
        (answer(b'{"code":'), Outcome.UNKNOWN),
        (answer(b"[" * 100_000), Outcome.UNKNOWN),
        (answer({"code": 0}, 500), Outcome.UNKNOWN),
        (answer(b"", 502), Outcome.UNKNOWN),
        (reset, Outcome.UNKNOWN),
        (cut, Outcome.UNKNOWN),
        (answer(b"", 503), Outcome.UNAVAILABLE),
        (answer(b"", 429, Retry_After="30"), Outcome.BUSY),
        (answer(b"", 403), Outcome.UNAUTHORISED),
    ],
)
def test_an_answer_says_how_certain_it_is(office: ScriptedOffice, caller: Caller, tmp_path: Path, behaviour: Behaviour, outcome: Outcome) -> None:
    office.will(SEND, behaviour)
    receipt = caller.send(filed(tmp_path))
    assert receipt.outcome is outcome
    assert bool(receipt.message) is (outcome is not Outcome.DELIVERED)
    assert receipt.retry_after == (30.0 if outcome is Outcome.BUSY else None)
    assert len(office.calls(SEND)) == 1


@pytest.mark.parametrize("behaviour", [silence, drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")])
def test_an_answer_that_does_not_end_leaves_the_call_unknown(office: ScriptedOffice, tmp_path: Path, behaviour: Behaviour) -> None:
    office.will(SEND, behaviour)
    assert Caller(office, timeout="300ms").send(filed(tmp_path)).outcome is Outcome.UNKNOWN


def test_where_an_empty_answer_was_seen_to_mean_success_the_mapping_says_so(office: ScriptedOffice, tmp_path: Path) -> None:
    office.will(SEND, answer(b""), answer(b"", 400))
    caller = Caller(office, overlaid(tmp_path, 'empty = "unknown"', 'empty = "delivered"'))
    assert [caller.send(filed(tmp_path)).outcome for _ in range(2)] == [Outcome.DELIVERED, Outcome.REJECTED]


def overlaid(folder: Path, old: str, new: str) -> Path:
    shipped = (Path(__file__).parents[2] / "mappings" / "ioffice" / "vnpt.toml").read_text("utf-8")
    assert old in shipped
    (folder / "ioffice").mkdir()
    (folder / "ioffice" / "vnpt.toml").write_text(shipped.replace(old, new), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"thất bại"', '"("', "settings.answers.failure"),
        ('empty = "unknown"', 'empty = "perhaps"', "settings.answers.empty"),
        ("done =", "ok =", "settings.answers.done"),
    ],
)
def test_a_file_of_words_that_makes_no_sense_is_refused(office: ScriptedOffice, tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Caller(office, overlaid(tmp_path, old, new))
    assert told in "\n".join(problem.field for problem in caught.value.problems)


# ---- tokens


def test_one_token_serves_many_calls_and_ends_with_its_time(office: ScriptedOffice, caller: Caller, tmp_path: Path) -> None:
    draft = filed(tmp_path)
    for minutes in (0, 9):
        caller.clock.turn(timedelta(minutes=minutes))
        caller.send(draft)
    assert office.counts()[TOKEN_CALL] == 1
    caller.clock.turn(timedelta(minutes=1))
    caller.send(draft)
    assert office.counts()[TOKEN_CALL] == 2


@pytest.mark.parametrize(
    "lost",
    [
        answer(LOST),
        answer(LOST, 401),
        answer(b"", 401),
        answer({"status": {"code": "9", "message": "Hết phiên"}}),
        answer({"message": unicodedata.normalize("NFD", "Token không hợp lệ")}),
        answer({"message": "Unauthorized"}),
        answer("Token expired"),
    ],
)
def test_a_token_that_ended_early_is_replaced_and_the_call_made_again(office: ScriptedOffice, caller: Caller, tmp_path: Path, lost: Behaviour) -> None:
    office.will(SEND, lost)
    assert caller.send(filed(tmp_path)).outcome is Outcome.DELIVERED
    assert [asked.headers["x-authentication-token"] for asked in office.calls(SEND)] == ["phien-1", "phien-2"]


def test_a_fresh_token_that_is_refused_too_is_for_a_person(office: ScriptedOffice, caller: Caller, tmp_path: Path) -> None:
    office.will(SEND, *[answer(LOST)] * 2)
    receipt = caller.send(filed(tmp_path))
    assert (receipt.outcome, receipt.code, len(office.calls(SEND))) == (Outcome.UNAUTHORISED, "401", 2)
    assert receipt.hint


def test_a_refusal_of_the_token_needs_no_code(office: ScriptedOffice, caller: Caller, tmp_path: Path) -> None:
    office.will(SEND, *[answer("Token expired")] * 2)
    assert caller.send(filed(tmp_path)).outcome is Outcome.UNAUTHORISED
    assert office.taken == []


def test_threads_that_find_their_token_ended_ask_for_one(office: ScriptedOffice, caller: Caller, tmp_path: Path) -> None:
    draft, threads = filed(tmp_path), 6
    caller.send(draft)

    def all_at_once(talk: Talk) -> bool:
        assert office.wait(lambda: len(office.calls(SEND)) >= 1 + threads)
        return answer(LOST)(talk)

    office.will(SEND, *[all_at_once] * threads)
    with ThreadPoolExecutor(threads) as pool:
        receipts = list(pool.map(lambda _: caller.send(draft), range(threads)))
    assert {receipt.outcome for receipt in receipts} == {Outcome.DELIVERED}
    assert office.counts()[TOKEN_CALL] == 2


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (answer({"status": {"code": "0"}, "data": {}}), Outcome.UNAUTHORISED),
        (answer({"data": {"token": "mã"}}), Outcome.UNAUTHORISED),
        (answer({"data": {"token": " "}}), Outcome.UNAUTHORISED),
        (answer({"code": 401, "message": f"Sai {FIXED}"}), Outcome.UNAUTHORISED),
        (answer(b"", 401), Outcome.UNAUTHORISED),
        (answer(HTML), Outcome.UNAVAILABLE),
        (answer(b"", 500), Outcome.UNAVAILABLE),
        (reset, Outcome.UNAVAILABLE),
    ],
)
def test_without_a_token_nothing_goes_out(office: ScriptedOffice, caller: Caller, tmp_path: Path, behaviour: Behaviour, outcome: Outcome) -> None:
    office.will(TOKEN_CALL, *[behaviour] * 3)
    receipt = caller.send(filed(tmp_path))
    assert receipt.outcome is outcome
    assert office.calls(SEND) == []
    assert FIXED not in str(receipt)
    office.scripts[TOKEN_CALL].clear()
    office.will(TOKEN_CALL, *[behaviour] * 3)
    assert caller.target.probe().outcome is outcome


def test_where_no_token_is_asked_for_the_fixed_one_goes_along(office: ScriptedOffice, tmp_path: Path) -> None:
    office.open_tokens.add(FIXED)
    caller = Caller(office, token_path="")
    assert caller.send(filed(tmp_path)).outcome is Outcome.DELIVERED
    office.will(SEND, answer(LOST))
    assert caller.send(filed(tmp_path)).outcome is Outcome.UNAUTHORISED
    assert office.counts() == {SEND: 2}
    assert caller.target.probe().outcome is Outcome.DELIVERED
    office.will(SEND, *[answer(b"", 500)] * 3)
    assert caller.target.probe().outcome is Outcome.UNAVAILABLE


def test_a_probe_asks_for_a_token(office: ScriptedOffice, caller: Caller) -> None:
    assert caller.target.probe().outcome is Outcome.DELIVERED
    assert office.counts() == {TOKEN_CALL: 1}


# ---- what nobody may read


@pytest.mark.parametrize("status", [200, 400, 500])
def test_no_answer_brings_a_secret_or_a_citizen_into_a_text(office: ScriptedOffice, caller: Caller, tmp_path: Path, status: int) -> None:
    header = caller.send(filed(tmp_path))
    access = office.calls(SEND)[0].headers["lgspaccesstoken"]
    quoted = f"{CODE} {OWNER.name} {OWNER.identity} {DRAFT.title} {FIXED} phien-1 {access} {ACCESS['SecretKey']}"
    office.will(SEND, answer({"code": 7, "message": quoted}, status))
    receipt = caller.send(filed(tmp_path))
    for secret in (FIXED, "phien-1", access, ACCESS["SecretKey"]):
        assert secret not in str([header, receipt])
    for personal in (OWNER.name, OWNER.identity, DRAFT.title):
        assert personal not in receipt.message


@pytest.mark.parametrize("said", [f"Sai {OWNER.name}", OWNER.identity, FIXED])
def test_a_code_that_is_none_is_not_shown(office: ScriptedOffice, caller: Caller, tmp_path: Path, said: str) -> None:
    office.will(SEND, answer({"code": said}))
    receipt = caller.send(filed(tmp_path))
    assert (receipt.outcome, receipt.code) == (Outcome.REJECTED, "text")


# ---- the way back, and options


def test_nothing_is_listed_and_nothing_needs_acknowledging(office: ScriptedOffice) -> None:
    caller = Caller(office, listen="127.0.0.1:0", listen_username="ioffice", listen_password="x")
    collector = caller.target.collector
    assert isinstance(collector, VnptCollector)
    assert (collector.waiting(3).receipt.outcome, collector.waiting(3).documents) == (Outcome.DELIVERED, ())
    assert collector.acknowledge("x", Verdict(taken=False)).outcome is Outcome.DELIVERED
    found = collector.fetch("x")
    assert isinstance(found, Receipt)
    assert found.outcome is Outcome.REJECTED
    assert collector.port == 0
    collector.close()
    caller.target.close()
    assert office.asked == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"listen": "127.0.0.1:1"},
        {"listen": "127.0.0.1:1", "listen_username": "a"},
        {"adapter_url": ""},
        {"send_path": ""},
        {"x_token": "mã"},
        {"x_token": " a"},
    ],
)
def test_options_that_cannot_work_are_refused(office: ScriptedOffice, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Caller(office, **wrong)


@pytest.mark.parametrize("address", ["8480", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000"])
def test_an_address_that_is_none_is_refused_before_anything_starts(office: ScriptedOffice, address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Caller(office, listen=address, listen_username="a", listen_password="b")
    assert caught.value.problems[0].field == "listen"

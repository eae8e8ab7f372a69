"""The axis as a target, over real connections: calls, answers, files, and what nobody may read."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from connectors._tdoffice.options import TdofficeOptions
from connectors.tdoffice import connector
from syncd.calls import Outcome, Receipt
from syncd.errors import ConfigurationError
from syncd.model import Kind
from syncd.options import TargetOptions
from syncd.ports import Connector
from tests.clocks import TurnedClock
from tests.connectors.axis import DONE, DRAFT, FETCH, LIST, SEND, TOKEN, Office, ScriptedAxis, envelope, filed, portion, told
from tests.connectors.dossiers import CODE, DOSSIER, OWNER
from tests.connectors.portal import Behaviour, ScriptedPortal, answer, cut, drip, reset, silence

HTML = b"<html><body>Service error</body></html>"


@pytest.fixture
def axis() -> Iterator[ScriptedAxis]:
    with ScriptedAxis() as serving:
        yield serving
    assert serving.violations == []


@pytest.fixture
def office(axis: ScriptedAxis) -> Iterator[Office]:
    made = Office(axis)
    yield made
    made.target.close()
    made.target.close()


# ---- calls


def test_a_call_is_what_was_composed_with_the_file_put_in(axis: ScriptedAxis, office: Office, tmp_path: Path) -> None:
    draft = filed(tmp_path)
    shown = office.target.calls(office.element(draft))
    assert office.send(draft) == Receipt(outcome=Outcome.DELIVERED, code="200", text=envelope_text("da-nhan"))
    body = axis.calls(SEND)[0].body
    assert axis.calls(SEND)[0].target == "/lienthonghsqlvb/GuiHoSo"
    assert b64decode(body["VanBanDuThao"]["DinhKem"][0]["Base64"]) == b"noi dung"
    body["VanBanDuThao"]["DinhKem"][0]["Base64"] = "…"
    assert shown == [{"service": SEND, "body": body}]


def envelope_text(data: str) -> str:
    return f'{{"data":"{data}","error":{{"code":200,"internalMessage":"","userMessage":""}}}}'


def test_a_draft_of_20_mb_arrives_whole(axis: ScriptedAxis, office: Office, tmp_path: Path) -> None:
    content = os.urandom(20_000_000)
    assert office.send(filed(tmp_path, content)).outcome is Outcome.DELIVERED
    arrived = b64decode(axis.calls(SEND)[0].body["VanBanDuThao"]["DinhKem"][0]["Base64"])
    assert hashlib.sha256(arrived).digest() == hashlib.sha256(content).digest()


def test_vietnamese_text_arrives_composed(axis: ScriptedAxis, office: Office, tmp_path: Path) -> None:
    title = "Quyết định về việc cấp đổi giấy phép"
    office.send(filed(tmp_path, title=unicodedata.normalize("NFD", title)))
    assert axis.calls(SEND)[0].body["VanBanDuThao"]["TrichYeu"] == title
    assert title.encode() in axis.calls(SEND)[0].raw


def test_what_is_sent_once_is_sent_once_and_nothing_can_be_asked(axis: ScriptedAxis, office: Office, tmp_path: Path) -> None:
    target = office.target
    assert (target.replaces, target.batch, target.steps_per_call, target.takes_steps(DOSSIER)) == (False, 1, 1, False)
    assert target.look_up(portion()) is None
    axis.will(SEND, reset)
    assert office.send(filed(tmp_path)).outcome is Outcome.UNKNOWN
    assert len(axis.calls(SEND)) == 1


def test_the_header_may_have_another_scheme_or_none(axis: ScriptedAxis, tmp_path: Path) -> None:
    for scheme in ("Token", ""):
        Office(axis, scheme=scheme).send(filed(tmp_path))
    assert [asked.headers["authorization"] for asked in axis.calls(SEND)] == [f"Token {TOKEN}", TOKEN]
    axis.violations.clear()


# ---- files


@pytest.mark.parametrize(
    ("content", "outcome", "code"),
    [(None, Outcome.REJECTED, "file_missing"), (b"", Outcome.REJECTED, "file_empty"), (b"x" * 1_000_001, Outcome.REJECTED, "file_too_large")],
)
def test_a_file_that_cannot_go_is_for_a_person_and_nothing_is_sent(
    axis: ScriptedAxis, tmp_path: Path, content: bytes | None, outcome: Outcome, code: str
) -> None:
    office = Office(axis, largest=1)
    receipt = office.send(DRAFT if content is None else filed(tmp_path, content))
    assert (receipt.outcome, receipt.code) == (outcome, code)
    assert receipt.hint
    assert axis.asked == []


def test_a_file_is_fetched_from_its_address_without_our_token(axis: ScriptedAxis, office: Office) -> None:
    with ScriptedPortal() as files:
        files.will("a.pdf", answer(b"tu xa"), answer(b"", 503), answer(b"", 503), answer(b"", 503))
        draft = replace(DRAFT, file=f"{files.root}/f/a.pdf")
        assert office.send(draft).outcome is Outcome.DELIVERED
        assert b64decode(axis.calls(SEND)[0].body["VanBanDuThao"]["DinhKem"][0]["Base64"]) == b"tu xa"
        assert office.send(draft).outcome is Outcome.DEFERRED
        assert {asked.headers.get("authorization") for asked in files.asked} == {None}
    assert len(axis.calls(SEND)) == 1


def test_a_file_that_holds_a_page_is_none(axis: ScriptedAxis, office: Office) -> None:
    with ScriptedPortal() as files:
        files.will("a.pdf", answer(b"%PDF-1.7 " + HTML))
        assert office.send(replace(DRAFT, file=f"{files.root}/a.pdf")).outcome is Outcome.DELIVERED


def test_a_page_goes_out_where_the_name_says_that_it_is_one(axis: ScriptedAxis, office: Office) -> None:
    with ScriptedPortal() as files:
        files.will("tai", *[answer(HTML)] * 2)
        assert office.send(replace(DRAFT, file=f"{files.root}/tai?ma=1", file_name="Giấy mời.HTML")).outcome is Outcome.DELIVERED
        receipt = office.send(replace(DRAFT, file=f"{files.root}/tai?ma=1", file_name="Giấy mời"))
    assert (receipt.outcome, receipt.code) == (Outcome.DEFERRED, "file_unavailable")
    assert b64decode(axis.calls(SEND)[0].body["VanBanDuThao"]["DinhKem"][0]["Base64"]) == HTML


# ---- answers


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (200, Outcome.DELIVERED),
        ("200", Outcome.DELIVERED),
        (200.0, Outcome.DELIVERED),
        (401, Outcome.UNAUTHORISED),
        ("403", Outcome.UNAUTHORISED),
        (404, Outcome.REJECTED),
        ("410", Outcome.REJECTED),
        (429, Outcome.BUSY),
        (500, Outcome.UNKNOWN),
        ("503", Outcome.UNAVAILABLE),
        (599, Outcome.UNKNOWN),
        (0, Outcome.REJECTED),
        (-1, Outcome.REJECTED),
        ("HSCV-7", Outcome.REJECTED),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_the_code_within_decides_whatever_the_status(axis: ScriptedAxis, office: Office, tmp_path: Path, code: object, outcome: Outcome, status: int) -> None:
    axis.will(SEND, told(None, code, "Không nhận được", status))
    receipt = office.send(filed(tmp_path))
    assert receipt.outcome is outcome
    assert receipt.code == str(code).removesuffix(".0")
    assert bool(receipt.message) is (outcome is not Outcome.DELIVERED)
    assert bool(receipt.hint) is (outcome in (Outcome.REJECTED, Outcome.UNAUTHORISED))
    assert len(axis.calls(SEND)) == 1


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (reset, Outcome.UNKNOWN),
        (cut, Outcome.UNKNOWN),
        (answer(b""), Outcome.UNKNOWN),
        (answer(HTML), Outcome.UNKNOWN),
        (answer(b'{"error":{"code":200'), Outcome.UNKNOWN),
        (answer({"data": "ok"}), Outcome.UNKNOWN),
        (answer({"data": "ok", "error": None}), Outcome.UNKNOWN),
        (answer({"error": {"code": True}}), Outcome.UNKNOWN),
        (answer([200]), Outcome.UNKNOWN),
        (answer(b"[" * 100_000), Outcome.UNKNOWN),
        (answer(b"", 500), Outcome.UNKNOWN),
        (answer(HTML, 502), Outcome.UNKNOWN),
        (answer(b"", 302, Location="/login"), Outcome.UNAUTHORISED),
        (answer(b"", 401), Outcome.UNAUTHORISED),
        (answer(HTML, 403), Outcome.UNAUTHORISED),
        (answer(b"", 503), Outcome.UNAVAILABLE),
        (answer(b"", 429, Retry_After="30"), Outcome.BUSY),
        (answer(envelope(code=500), 503, Retry_After="30"), Outcome.BUSY),
        (answer(envelope(code=500), 503), Outcome.UNKNOWN),
        (answer(HTML, 404), Outcome.UNAVAILABLE),
        (answer(HTML, 400), Outcome.REJECTED),
        (answer(b"", 413), Outcome.REJECTED),
        (answer(b'\xef\xbb\xbf{"Error":{"Code":"200"}}'), Outcome.DELIVERED),
        (answer('{"data":null,"error":{"code":200}}'), Outcome.DELIVERED),
    ],
)
def test_what_comes_instead_of_an_answer_says_how_certain_it_is(
    axis: ScriptedAxis, office: Office, tmp_path: Path, behaviour: Behaviour, outcome: Outcome
) -> None:
    axis.will(SEND, behaviour)
    receipt = office.send(filed(tmp_path))
    assert receipt.outcome is outcome
    assert receipt.retry_after == (30.0 if outcome is Outcome.BUSY else None)
    assert len(axis.calls(SEND)) == 1


@pytest.mark.parametrize("behaviour", [silence, drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")])
def test_an_answer_that_does_not_end_leaves_the_call_unknown(axis: ScriptedAxis, tmp_path: Path, behaviour: Behaviour) -> None:
    office = Office(axis, timeout="300ms")
    axis.will(SEND, behaviour)
    assert office.send(filed(tmp_path)).outcome is Outcome.UNKNOWN
    assert office.target.longest == office.collector.longest == timedelta(seconds=1.2)


def test_an_axis_that_is_down_got_nothing(axis: ScriptedAxis, tmp_path: Path) -> None:
    office = Office(axis, base_url="http://127.0.0.1:9/lienthonghsqlvb")
    assert office.send(filed(tmp_path)).outcome is Outcome.UNAVAILABLE
    assert office.target.probe().outcome is Outcome.UNAVAILABLE


# ---- the probe


def test_a_probe_lists_and_changes_nothing(axis: ScriptedAxis, office: Office) -> None:
    assert office.target.probe() == Receipt(outcome=Outcome.DELIVERED, message="the axis answers and knows us")
    assert [(asked.service, asked.query) for asked in axis.asked] == [(LIST, {"maDonViCha": "H03", "top": "1"})]
    axis.will(LIST, told(code="401", message="Sai token"))
    assert office.target.probe().outcome is Outcome.UNAUTHORISED


# ---- what nobody may read


def test_what_is_said_of_a_list_or_package_that_cannot_be_had_is_left_out(axis: ScriptedAxis, office: Office) -> None:
    said = f"Lỗi ở hồ sơ của {OWNER.name}"
    axis.will(LIST, told(None, 7, said))
    axis.will(FETCH, told(None, 7, said))
    fetched = office.collector.fetch("g-1")
    assert isinstance(fetched, Receipt)
    assert [office.collector.waiting(0).receipt.message, fetched.message] == ["the axis answers with code 7"] * 2


def test_a_refusal_tells_neither_a_citizen_nor_the_token(axis: ScriptedAxis, office: Office, tmp_path: Path) -> None:
    quoted = f"Hồ sơ {CODE} của {OWNER.name} ({OWNER.identity}, {OWNER.phone}): {DRAFT.signer_name} không có tài khoản, {TOKEN}"
    axis.will(SEND, told(None, 7, quoted))
    receipt = office.send(filed(tmp_path))
    assert CODE in receipt.message
    for secret in (OWNER.name, OWNER.identity, OWNER.phone, DRAFT.signer_name, TOKEN):
        assert secret not in receipt.message
    assert OWNER.name in receipt.text
    assert "bi-mat" not in receipt.text


@pytest.mark.parametrize(
    "behaviour", [answer(TOKEN.encode(), 401), answer(TOKEN.encode(), 500), answer(b"x" * 1990 + TOKEN.encode()), told(None, TOKEN, TOKEN)]
)
def test_the_token_stands_in_no_text(axis: ScriptedAxis, office: Office, tmp_path: Path, behaviour: Behaviour) -> None:
    axis.will(SEND, behaviour)
    axis.will(LIST, behaviour)
    axis.will(DONE, behaviour)
    receipts = [office.send(filed(tmp_path)), office.collector.waiting(0).receipt, office.target.probe()]
    assert "bi-mat" not in str(receipts)
    assert "bi-mat" not in str(office.target.calls(office.element()))


@pytest.mark.parametrize("said", [f"Sai {OWNER.name}", OWNER.identity, TOKEN])
def test_a_code_that_is_none_is_not_shown(axis: ScriptedAxis, office: Office, tmp_path: Path, said: str) -> None:
    axis.will(SEND, told(None, said))
    receipt = office.send(filed(tmp_path))
    assert (receipt.outcome, receipt.code, receipt.message) == (Outcome.REJECTED, "text", "the axis answers with code text and no reason")


def test_a_long_answer_is_shortened(axis: ScriptedAxis, office: Office, tmp_path: Path) -> None:
    axis.will(SEND, told(None, 7, "lý do " * 9000))
    receipt = office.send(filed(tmp_path))
    assert (len(receipt.message), len(receipt.text)) == (300, 2000)


# ---- options


def test_the_connector_is_one_for_drafts() -> None:
    own: Connector = connector
    options = TdofficeOptions.model_validate({"connector": "tdoffice", "base_url": "https://truc.vidu.example/x", "token": "t", "agency_code": "H03"})
    assert own.takes(options) == {Kind.DRAFT}
    assert issubclass(own.options, TargetOptions)
    assert (options.scheme, options.top, options.append_code, options.mapping, options.largest) == ("Bearer", 100, False, "tdoffice", 20)


@pytest.mark.parametrize(
    "wrong", [{"token": ""}, {"token": "mã"}, {"token": " t"}, {"base_url": "ftp://x"}, {"agency_code": ""}, {"top": 0}, {"scheme": "a b"}]
)
def test_options_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TdofficeOptions.model_validate({"connector": "tdoffice", "base_url": "https://x.vidu.example", "token": "t", "agency_code": "H03"} | wrong)


def test_all_that_is_wrong_is_told_at_once() -> None:
    options = TdofficeOptions.model_validate(
        {"connector": "tdoffice", "base_url": "https://x.vidu.example", "token": "t", "agency_code": "H03", "verify": "/khong/co.pem", "mapping": "khong-co"}
    )
    with pytest.raises(ConfigurationError) as caught:
        connector.build("td", options, clock=TurnedClock())
    assert [problem.field for problem in caught.value.problems] == ["targets.td.verify", "mapping"]
    with pytest.raises(ConfigurationError):
        connector.build("td", options.model_copy(update={"mapping": "tdoffice"}), clock=TurnedClock())

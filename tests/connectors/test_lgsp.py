"""A province's platform as a target, over real connections: calls, answers, files, and what nobody may read."""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from connectors._lgsp.options import LgspOptions
from connectors.lgsp import connector
from syncd.calls import Operation, Outcome, Portion, Receipt
from syncd.errors import ConfigurationError
from syncd.model import Dossier, Kind, Paper
from syncd.ports import Connector, Target
from syncd.redact import MASK
from tests.connectors.dossiers import CODE, DOSSIER, OWNER, STEPS, asked, element
from tests.connectors.gateway import ACCEPTED, BASIC, KEY, SECRET, Bench, count, create
from tests.connectors.portal import Behaviour, ScriptedPortal, Talk, answer, cut, drip, reset, silence

SYNC, TRACE, STATISTIC = "SyncDocument", "UpdateDocumentTraces", "UpdateStatistic"
HTML = b"<!DOCTYPE html><html><body>Service error</body></html>"


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as made:
        yield made


def step(target: Target) -> Receipt:
    return target.send([target.compose(Portion(operation=Operation.STEPS, dossier=DOSSIER, subject=CODE, steps=STEPS[:1]))])


# ---- calls


def test_each_operation_has_its_path(bench: Bench) -> None:
    target = bench.target()
    assert [create(target).outcome, step(target).outcome, count(target).outcome] == [Outcome.DELIVERED] * 3
    assert [(asked.method, asked.target) for asked in bench.gateway.asked[1:]] == [
        ("POST", "/hoso/1.0/Document/SyncDocument"),
        ("POST", "/hoso/1.0/Document/UpdateDocumentTraces"),
        ("POST", "/hoso/1.0/Statistic/UpdateStatistic"),
    ]


def test_each_operation_may_have_a_whole_address_of_its_own(bench: Bench) -> None:
    own: dict[str, Any] = {name: f"{bench.gateway.root}/v{number}/x?k={number}" for number, name in enumerate(("document_url", "traces_url", "statistic_url"))}
    bench.gateway.open = True
    target = bench.target(base_url="", **own)
    for send in (create, step, count):
        assert send(target).outcome is Outcome.DELIVERED
    assert [asked.target for asked in bench.gateway.asked[1:]] == ["/v0/x?k=0", "/v1/x?k=1", "/v2/x?k=2"]


def test_what_was_composed_is_sent_whole_and_with_its_length(bench: Bench) -> None:
    target = bench.target()
    composed = element(target, Operation.UPDATE, memo="701,702")
    assert target.send([composed]) == Receipt(
        outcome=Outcome.DELIVERED, exists=True, code="1", message="Thành công", text=msgspec.json.encode(ACCEPTED).decode(), memo={CODE: "701"}
    )
    (sent,) = bench.gateway.calls(SYNC)
    assert sent.raw == composed.body
    assert sent.headers["content-length"] == str(len(composed.body))
    assert target.calls(composed) == [{"service": SYNC, "body": sent.body}]


def test_the_memo_is_of_dossiers_only(bench: Bench) -> None:
    target = bench.target()
    assert [create(target).memo, step(target).memo, count(target).memo] == [{CODE: "701"}, {}, {}]


def test_what_the_engine_must_know_of_it(bench: Bench) -> None:
    target = bench.target()
    assert (target.name, target.replaces, target.collector, target.batch, target.steps_per_call) == ("lgsp", True, None, 1, 1)
    assert target.takes_steps(DOSSIER)
    assert target.look_up(asked(DOSSIER)) is None
    assert (target.longest, bench.target(attachments="content").longest) == (timedelta(seconds=20), timedelta(seconds=30))
    assert bench.gateway.asked == []


# ---- answers


@pytest.mark.parametrize("status", [1, "1", 1.0, " 1 ", 200, "200", 100])
@pytest.mark.parametrize("wrap", ["plain", "text", "twice", "message", "response", "bom", "lower"])
def test_success_is_understood_as_number_and_text_and_however_it_is_wrapped(bench: Bench, status: object, wrap: str) -> None:
    plain = msgspec.json.encode({"Status": status, "Message": "Thành công"})
    text = msgspec.json.encode(plain.decode())
    raw = {
        "plain": plain,
        "text": text,
        "twice": msgspec.json.encode(text.decode()),
        "message": msgspec.json.encode({"message": plain.decode(), "error_code": 0}),
        "response": msgspec.json.encode({"code": 0, "status": "OK", "correlationId": "c-77", "response": {"Status": status, "Message": "Thành công"}}),
        "bom": b"\xef\xbb\xbf\n " + plain,
        "lower": plain.lower(),
    }[wrap]
    bench.gateway.will(SYNC, answer(raw, Content_Type="text/html"))
    receipt = create(bench.target())
    assert receipt.outcome is Outcome.DELIVERED
    assert receipt.code == str(status).strip().removesuffix(".0")
    assert ("c-77" in receipt.message) is (wrap == "response")


@pytest.mark.parametrize("status", [0, "0", 2, -1, "500", "loi"])
def test_any_other_status_is_a_refusal_for_a_person(bench: Bench, status: object) -> None:
    bench.gateway.will(SYNC, answer({"Status": status, "Message": unicodedata.normalize("NFD", f"Sai số của {OWNER.name}"), "correlationId": 4711}))
    receipt = create(bench.target())
    assert (receipt.outcome, receipt.exists, receipt.code) == (Outcome.REJECTED, None, str(status))
    assert receipt.message == f"Sai số của {MASK} (correlation 4711)"
    assert receipt.hint
    assert receipt.memo == {}


@pytest.mark.parametrize("under", ["Data", "data", "response", "message"])
@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize(("said", "given", "outcome"), [(0, 1, Outcome.REJECTED), (1, 2, Outcome.DELIVERED)])
def test_a_record_that_is_given_back_says_nothing_of_how_it_went(bench: Bench, under: str, *, text: bool, said: int, given: int, outcome: Outcome) -> None:
    target = bench.target()
    record = msgspec.json.decode(element(target).body) | {"Status": given}
    bench.gateway.will(SYNC, answer({"Status": said, under: msgspec.json.encode(record).decode() if text else record}))
    receipt = create(target)
    assert (receipt.outcome, receipt.code) == (outcome, str(said))


def test_a_refusal_without_words_has_a_message(bench: Bench) -> None:
    bench.gateway.will(SYNC, answer({"Status": 0, "Message": None}))
    assert create(bench.target()).message == "the platform refuses without a reason"


def test_which_status_means_success_is_said_in_the_mapping(bench: Bench, tmp_path: Path) -> None:
    text = files("mappings").joinpath("lgsp", "lgsp.toml").read_text("utf-8")
    (tmp_path / "lgsp").mkdir()
    (tmp_path / "lgsp" / "lgsp.toml").write_text(text.replace('Status = ["1", "100", "200"]', 'Status = ["0"]\nerror_code = ["0"]'), "utf-8")
    target = bench.target(tmp_path)
    bench.gateway.will(SYNC, answer({"Status": 0}), answer({"Status": 1}), answer({"error_code": "0", "message": "ok"}))
    assert [create(target).outcome for _ in range(3)] == [Outcome.DELIVERED, Outcome.REJECTED, Outcome.DELIVERED]


@pytest.mark.parametrize(
    ("behaviour", "outcome", "code"),
    [
        (answer(HTML), Outcome.UNKNOWN, "unreadable"),
        (answer(b""), Outcome.UNKNOWN, "unreadable"),
        (answer(b'{"Status":1'), Outcome.UNKNOWN, "unreadable"),
        (answer(b"[1]"), Outcome.UNKNOWN, "unreadable"),
        (answer({"Message": "Thành công"}), Outcome.UNKNOWN, "unreadable"),
        (answer({"Status": True}), Outcome.UNKNOWN, "unreadable"),
        (answer(ACCEPTED, 400), Outcome.UNKNOWN, "unreadable"),
        (answer({"Status": 0, "Message": "Sai"}, 400), Outcome.REJECTED, "0"),
        (answer(HTML, 400), Outcome.REJECTED, "400"),
        (answer(HTML, 404), Outcome.UNAVAILABLE, "404"),
        (answer(HTML, 500), Outcome.UNKNOWN, "500"),
        (answer(HTML, 502), Outcome.UNKNOWN, "502"),
        (answer(b"", 503), Outcome.UNAVAILABLE, "503"),
        (answer(b"", 302, Location="/login"), Outcome.UNAUTHORISED, "302"),
        (reset, Outcome.UNKNOWN, "broken"),
        (cut, Outcome.UNKNOWN, "broken"),
    ],
)
def test_what_comes_instead_of_an_answer_says_how_certain_it_is(bench: Bench, behaviour: Behaviour, outcome: Outcome, code: str) -> None:
    bench.gateway.will(SYNC, behaviour)
    receipt = create(bench.target())
    assert (receipt.outcome, receipt.code) == (outcome, code)
    assert receipt.message
    assert len(bench.gateway.calls(SYNC)) == 1


def test_a_service_that_asks_to_come_back_is_busy(bench: Bench) -> None:
    bench.gateway.will(SYNC, answer(b"", 503, Retry_After="30"))
    receipt = create(bench.target())
    assert (receipt.outcome, receipt.retry_after) == (Outcome.BUSY, 30.0)


@pytest.mark.parametrize("behaviour", [silence, drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")])
def test_an_answer_that_does_not_end_leaves_the_call_unknown(bench: Bench, behaviour: Behaviour) -> None:
    bench.gateway.will(SYNC, behaviour)
    receipt = create(bench.target(timeout="300ms"))
    assert (receipt.outcome, receipt.code) == (Outcome.UNKNOWN, "timeout")
    assert len(bench.gateway.calls(SYNC)) == 1


def test_a_token_that_does_not_come_leaves_no_time_for_the_call(bench: Bench) -> None:
    bench.gateway.will("token", *[silence] * 3)
    receipt = create(bench.target(timeout="200ms"))
    assert receipt.outcome is Outcome.UNAVAILABLE
    assert bench.gateway.calls(SYNC) == []


def test_a_call_does_not_begin_when_its_time_is_short(bench: Bench) -> None:
    target = bench.target()

    def slow(talk: Talk) -> bool:
        bench.clock.turn(timedelta(seconds=15))
        return bench.gateway.token()(talk)

    bench.gateway.will("token", slow)
    receipt = create(target)
    assert (receipt.outcome, receipt.code) == (Outcome.UNAVAILABLE, "no_time")
    assert bench.gateway.calls(SYNC) == []


def test_a_platform_that_is_down_got_nothing(bench: Bench) -> None:
    assert create(bench.target(base_url="http://127.0.0.1:9/x")).outcome is Outcome.UNAVAILABLE
    assert bench.sleeps


# ---- files


@pytest.fixture
def store() -> Iterator[ScriptedPortal]:
    """The one-stop's file server: not as strict as a platform."""
    with ScriptedPortal() as serving:
        yield serving


def fetched(store: ScriptedPortal, *behaviours: Behaviour) -> Dossier:
    """A dossier with a paper for each behaviour of the file server."""
    served = []
    for number, behaviour in enumerate(behaviours, start=1):
        store.will(f"{number}.pdf", behaviour)
        served.append(Paper(id=str(700 + number), name=f"Giấy {number}", link=f"{store.root}/tep/{number}.pdf?khoa=bi-mat"))
    return replace(DOSSIER, papers=(*served, Paper(id="799", name="Bản cũ", removed=True, link="http://127.0.0.1:9/x")))


def test_content_is_fetched_just_before_it_is_sent_and_arrives_whole(bench: Bench, store: ScriptedPortal) -> None:
    large = hashlib.shake_256(b"giay to").digest(20_000_000)
    target = bench.target(attachments="content", timeout="30s")
    composed = element(target, Operation.UPDATE, fetched(store, answer(large), answer(b"%PDF-1.7 hai")), "799")
    assert store.asked == []
    assert len(composed.body) < 5000
    receipt = target.send([composed])
    assert (receipt.outcome, receipt.memo) == (Outcome.DELIVERED, {CODE: "701,702"})
    first, second, removed = bench.gateway.calls(SYNC)[0].body["Attachments"]
    assert base64.b64decode(first["Base64"], validate=True) == large
    assert base64.b64decode(second["Base64"], validate=True) == b"%PDF-1.7 hai"
    assert (removed["Base64"], removed["IsDeleted"]) == ("", True)
    assert {name for asked in store.asked for name in asked.headers} & {"authorization", "lgspaccesstoken"} == set()


def test_a_preview_shows_no_content_and_no_address(bench: Bench, store: ScriptedPortal) -> None:
    target = bench.target(attachments="content")
    (call,) = target.calls(element(target, Operation.UPDATE, fetched(store, answer(b"x")), "799"))
    body: Any = call["body"]
    assert [paper["Base64"] for paper in body["Attachments"]] == ["…", ""]
    assert store.asked == []
    composed = element(target, Operation.STEPS)
    assert target.calls(composed) == [{"service": TRACE, "body": msgspec.json.decode(composed.body)}]


@pytest.mark.parametrize(
    ("behaviour", "outcome", "code"),
    [
        (answer(b"", 404), Outcome.REJECTED, "file_missing"),
        (answer(b"", 403), Outcome.REJECTED, "file_refused"),
        (answer(b""), Outcome.REJECTED, "file_empty"),
        (answer(b"x" * 1_000_001), Outcome.REJECTED, "file_too_large"),
        (answer(b"", 503), Outcome.DEFERRED, "file_unavailable"),
    ],
)
def test_a_file_that_cannot_be_had_is_no_fault_of_the_platform(bench: Bench, store: ScriptedPortal, behaviour: Behaviour, outcome: Outcome, code: str) -> None:
    dossier = fetched(store, answer(b"tot"), behaviour)
    store.will("2.pdf", behaviour, behaviour)
    receipt = create(bench.target(attachments="content", largest=1), dossier)
    assert (receipt.outcome, receipt.code) == (outcome, code)
    assert receipt.message.startswith("paper 702: ")
    assert "bi-mat" not in receipt.message + receipt.text
    assert bench.gateway.asked == []


def test_the_files_of_a_call_have_a_limit_together(bench: Bench, store: ScriptedPortal) -> None:
    dossier = fetched(store, answer(b"x" * 700_000), answer(b"x" * 700_000))
    receipt = create(bench.target(attachments="content", largest_call=1), dossier)
    assert (receipt.outcome, receipt.code) == (Outcome.REJECTED, "files_too_large")
    assert "largest_call" in receipt.hint


def test_without_content_no_file_is_touched(bench: Bench, store: ScriptedPortal) -> None:
    assert create(bench.target(), fetched(store, answer(b"x"))).outcome is Outcome.DELIVERED
    assert store.asked == []


# ---- what nobody may read


@pytest.mark.parametrize("status", [200, 400, 401, 403, 422, 429, 500, 503])
def test_no_answer_brings_a_secret_or_a_citizen_into_a_message(bench: Bench, status: int) -> None:
    def parrot(talk: Talk) -> bool:
        said = {"Status": 0, "Message": f"{talk.asked.headers['authorization']} {SECRET} {BASIC} {talk.asked.raw.decode()}"}
        return answer(said, status)(talk)

    bench.gateway.will(SYNC, *[parrot] * 2)
    receipt = create(bench.target())
    assert receipt.outcome is not Outcome.DELIVERED
    shown = receipt.message + receipt.hint
    known = [*bench.gateway.given, SECRET, BASIC.removeprefix("Basic ")]
    assert [value for value in (*known, OWNER.name, OWNER.phone, OWNER.email, OWNER.identity, DOSSIER.abstract) if value in shown] == []
    assert [value for value in known if value in receipt.text] == []


def test_a_message_loses_the_names_of_files_and_keeps_the_kinds_of_papers(bench: Bench) -> None:
    papers = (Paper(id="703", name="CCCD Nguyễn Thị B.pdf"), Paper(id="704", name="Đơn đề nghị"))
    bench.gateway.will(SYNC, answer({"Status": 0, "Message": "Thiếu Đơn đề nghị, tệp CCCD Nguyễn Thị B.pdf hỏng"}))
    assert create(bench.target(), replace(DOSSIER, papers=papers)).message == f"Thiếu Đơn đề nghị, tệp {MASK} hỏng"


@pytest.mark.parametrize("said", [f"Sai số của {OWNER.name}", OWNER.identity, SECRET])
def test_a_code_that_is_none_is_not_shown(bench: Bench, said: str) -> None:
    bench.gateway.will(SYNC, answer({"Status": said}), answer({"fault": {"code": said}}, 400))
    target = bench.target()
    assert [(receipt.outcome, receipt.code) for receipt in (create(target), create(target))] == [(Outcome.REJECTED, "text")] * 2


def test_a_token_that_stands_for_a_code_is_not_shown(bench: Bench) -> None:
    def parrot(talk: Talk) -> bool:
        return answer({"Status": talk.asked.headers["authorization"].removeprefix("Bearer ")})(talk)

    bench.gateway.will(SYNC, parrot)
    receipt = create(bench.target())
    assert (receipt.outcome, receipt.code) == (Outcome.REJECTED, "text")


def test_a_token_host_that_quotes_the_secret_is_not_quoted(bench: Bench) -> None:
    bench.gateway.will("token", answer({"error": "invalid_client", "error_description": f"{KEY} {SECRET}"}, 401))
    receipt = create(bench.target(auth="wso2_form"))
    assert SECRET not in receipt.message + receipt.text + receipt.hint


# ---- probe


def test_a_probe_gets_a_token_and_changes_nothing(bench: Bench) -> None:
    assert bench.target().probe() == Receipt(outcome=Outcome.DELIVERED, message="the platform answers and knows us")
    assert [(asked.service, asked.method, asked.raw) for asked in bench.gateway.asked[1:]] == [(SYNC, "GET", b"")]


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (answer(b"", 405), Outcome.DELIVERED),
        (answer(HTML, 404), Outcome.DELIVERED),
        (answer(b"", 501), Outcome.DELIVERED),
        (answer({"code": 900908, "message": "Forbidden"}, 403), Outcome.UNAUTHORISED),
        (answer(b"", 403), Outcome.UNAUTHORISED),
        (answer({"code": 700700, "message": "Blocked"}, 503), Outcome.BUSY),
        (answer({"code": 101503, "message": "Down"}, 503), Outcome.UNAVAILABLE),
        (answer(b"", 502), Outcome.UNAVAILABLE),
        (answer({"code": 900422, "message": "Schema"}, 422), Outcome.UNAVAILABLE),
    ],
)
def test_a_probe_says_how_it_stands(bench: Bench, behaviour: Behaviour, outcome: Outcome) -> None:
    bench.gateway.will(SYNC, *[behaviour] * 3)
    assert bench.target().probe().outcome is outcome


def test_a_probe_without_a_token_says_why(bench: Bench) -> None:
    bench.gateway.will("token", answer({"error": "invalid_client"}, 401))
    receipt = bench.target().probe()
    assert (receipt.outcome, receipt.code) == (Outcome.UNAUTHORISED, "invalid_client")


# ---- the connector


def test_the_connector_is_found_by_its_entry_point_and_says_what_it_takes() -> None:
    (found,) = entry_points(group="syncd.targets", name="lgsp")
    loaded: Connector = found.load()
    assert loaded is connector
    usual = {"connector": "lgsp", "auth": "static", "token": "x", "base_url": "https://lgsp.example/hoso"}
    assert loaded.takes(LgspOptions.model_validate(usual)) == {Kind.DOSSIER, Kind.STATISTIC}
    assert loaded.takes(LgspOptions.model_validate(usual | {"statistics": False})) == {Kind.DOSSIER}
    assert loaded.options.model_validate(usual).workers == 2


def test_all_problems_are_told_at_once(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        bench.target(mapping="khong-co", verify=str(tmp_path / "khong-co.pem"))
    assert [problem.field for problem in caught.value.problems] == ["targets.lgsp.verify", "mapping"]
    with pytest.raises(ConfigurationError):
        bench.target(verify=str(tmp_path / "khong-co.pem"))

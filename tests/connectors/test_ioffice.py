"""I-office as a target, over real connections: drafts and how they travel, answers and faults, questions, and what nobody may read."""

from __future__ import annotations

import base64
import os
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from lxml import etree
from msgspec.structs import replace

from connectors._edxml.limits import Limits
from connectors._edxml.reading import read
from connectors._edxml.values import Document
from connectors._ioffice.options import IofficeOptions
from connectors.ioffice import connector
from syncd.calls import Operation, Outcome, Portion, Receipt, Standing
from syncd.errors import ConfigurationError, Unmappable
from syncd.model import Agency, Kind, Problem
from syncd.options import TargetOptions
from syncd.ports import Connector, Target
from tests.connectors.dossiers import DOSSIER, OWNER
from tests.connectors.office import DRAFT, GET, LIST, NAMESPACE, PASSWORD, SEND, STATUS, SUBJECT, USER, Bench, envelope, fault, told, wsdl
from tests.connectors.packages import PDF
from tests.connectors.portal import Behaviour, ScriptedPortal, answer, cut, drip, reset, silence
from tests.connectors.test_edxml_writing import SCHEMA

GOLDEN = Path(__file__).parents[1] / "golden" / "ioffice"
HTML = b"<html><body>Service error</body></html>"
FIELDS = (
    "userName userPass dossierCode dossierId procedureCode procedureName fromOrganId issuingOrganId submitterAccount signerAccount documentTypeCode subject "
    "dueDate correlation edXml clientMessageId"
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


@pytest.fixture
def target(bench: Bench) -> Target:
    return bench.target()


def send(bench: Bench, target: Target | None = None, **changed: Any) -> Receipt:
    chosen = target or bench.target()
    return chosen.send([bench.element(chosen, **changed)])


def package(bench: Bench) -> Document:
    """What was last sent."""
    found = read(base64.b64decode(bench.office.fields(SEND)["edXml"]), Limits.of(25))
    assert isinstance(found, Document)
    return found


# ---- a draft


def test_a_draft_is_sent_as_the_golden_file_shows(bench: Bench, target: Target) -> None:
    receipt = send(bench, target)
    assert receipt == Receipt(outcome=Outcome.DELIVERED, exists=True, code="0", text=receipt.text, memo={SUBJECT: "vb-1"})
    sent = bench.office.calls(SEND)[0]
    assert (sent.method, sent.target) == ("POST", "/dich-vu/hoso")
    assert list(bench.office.fields(SEND)) == FIELDS.split()
    edxml = base64.b64decode(bench.office.fields(SEND)["edXml"])
    SCHEMA.assertValid(etree.fromstring(edxml))
    assert edxml == (GOLDEN / "draft.xml").read_bytes()
    assert sent.raw == (GOLDEN / "send.xml").read_bytes()


def test_the_package_carries_the_file_and_the_code_of_the_dossier(bench: Bench, target: Target) -> None:
    send(bench, target)
    found = package(bench)
    assert [(file.name, file.content) for file in found.files] == [(DRAFT.file_name, PDF)]
    assert (found.references, found.business.document, found.business.kind) == ((DOSSIER.code,), DOSSIER.code, "0")
    assert (found.sender.id, [organ.name for organ in found.receivers], found.signer) == ("000.00.00.H03", ["UBND phường Đức Xuân"], "Hà Thị Mến")
    assert (found.number, found.notation, found.issued, found.traces[0].at) == ("", "", "", "2025/03/03 08:00:00")


def test_a_preview_is_the_call_with_secrets_and_content_masked(bench: Bench, target: Target) -> None:
    element = bench.element(target)
    shown = target.calls(element)
    target.send([element])
    sent = bench.office.fields(SEND)
    assert [call["service"] for call in shown] == [SEND]
    body = shown[0]["body"]
    assert isinstance(body, dict)
    assert body | {"edXml": "", "userPass": "", "clientMessageId": ""} == sent | {"edXml": "", "userPass": "", "clientMessageId": ""}
    assert (body["userPass"], body["clientMessageId"]) == ("…", "…")
    assert "<edXML:ReferenceCode>" + DOSSIER.code in body["edXml"]
    assert ">…</edXML:ContentTransferEncoded>" in body["edXml"]


def test_composing_reads_no_file(bench: Bench, target: Target) -> None:
    element = bench.element(target, file="/nowhere/draft.pdf")
    assert element.subject == SUBJECT
    assert element.lane == ""
    assert target.calls(element)
    assert target.send([element]).code == "file_missing"


def test_the_same_draft_has_the_same_id_and_is_recognised(bench: Bench, target: Target) -> None:
    first = send(bench, target)
    again = send(bench, target, operation=Operation.UPDATE)
    assert (again.outcome, again.code, again.memo) == (Outcome.DELIVERED, "30", first.memo)
    ids = [bench.office.fields(SEND, at)["clientMessageId"] for at in (0, 1)]
    assert ids[0] == ids[1]
    bench.file.write_bytes(PDF + b"%corrected")
    changed = send(bench, target, operation=Operation.UPDATE, memo="vb-1")
    assert (changed.code, changed.memo) == ("0", {SUBJECT: "vb-2"})
    assert bench.office.fields(SEND)["clientMessageId"] not in ids
    send(bench, target, id="78", subject=f"{DOSSIER.code}/78")
    assert len({bench.office.fields(SEND, at)["clientMessageId"] for at in range(4)}) == 3


def test_an_id_that_is_not_given_leaves_the_earlier_one(bench: Bench, target: Target) -> None:
    bench.will(SEND, told(SEND, resultCode="0"), told(SEND, resultCode=0))
    assert send(bench, target).memo == {}
    assert send(bench, target, memo="vb-7").memo == {SUBJECT: "vb-7"}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_vietnamese_and_a_file_of_20_mb_arrive_intact(bench: Bench, form: Literal["NFC", "NFD"]) -> None:
    content = b"%PDF-1.7" + os.urandom(20_000_000 - 8)
    bench.file.write_bytes(content)
    target = bench.target(timeout="30s")
    assert send(bench, target, title=unicodedata.normalize(form, DRAFT.title)).outcome is Outcome.DELIVERED
    assert bench.office.fields(SEND)["subject"] == unicodedata.normalize("NFC", DRAFT.title)
    assert package(bench).files[0].content == content


def test_a_draft_without_what_it_needs_names_everything_at_once(bench: Bench, target: Target) -> None:
    bare: dict[str, Any] = {"kind": "", "submitter": "", "file": "", "file_name": ""}
    with pytest.raises(Unmappable) as caught:
        target.compose(replace(bench.portion(**bare), dossier=replace(DOSSIER, agency=Agency())))
    assert {problem.field for problem in caught.value.problems} == {"file", "file_name", "kind", "issuer", "submitter"}
    assert all(problem.hint for problem in caught.value.problems)
    with pytest.raises(Unmappable, match="has no code in table 'document_type'"):
        target.compose(bench.portion(kind="Thơ"))
    with pytest.raises(Unmappable, match="broken text") as quoted:
        target.compose(bench.portion(title="Lý Văn\x00 Tài"))
    assert "Lý" not in quoted.value.message


def test_a_draft_that_could_not_be_read_and_what_is_none_are_not_sent(bench: Bench, target: Target) -> None:
    told = (Problem(field="x", reason="unreadable"),)
    with pytest.raises(Unmappable, match="unreadable"):
        target.compose(bench.portion(problems=told))
    with pytest.raises(Unmappable, match="unreadable"):
        target.compose(replace(bench.portion(), dossier=replace(DOSSIER, problems=told)))
    with pytest.raises(Unmappable, match="nothing but drafts"):
        target.compose(Portion(operation=Operation.CREATE, dossier=DOSSIER))


def test_settings_stand_in_for_what_the_one_stop_does_not_say(bench: Bench) -> None:
    target = bench.target(submitter="motcua", document_type="Công văn", issuing_organ="000.00.00.H03")
    send(bench, target, submitter="", kind="", title="", due_at=None)
    sent = bench.office.fields(SEND)
    assert (sent["submitterAccount"], sent["issuingOrganId"], sent["subject"]) == ("motcua", "000.00.00.H03", DOSSIER.abstract)
    assert "dueDate" not in sent
    assert package(bench).type_name == "Công văn"
    assert package(bench).places == ("000.00.00.H03",)


def test_agencies_are_described_as_the_mapping_does(bench: Bench, tmp_path: Path) -> None:
    own = tmp_path / "ioffice" / "ioffice.toml"
    own.parent.mkdir()
    shipped = (Path(__file__).parents[2] / "mappings" / "ioffice" / "ioffice.toml").read_text()
    own.write_text(shipped + '[settings.organs."000.00.00.H03"]\nname = "Trung tâm HCC"\nemail = "hcc@tinh.example"\n')
    send(bench, bench.target(mappings=tmp_path))
    sender = package(bench).sender
    assert (sender.name, sender.email, sender.fax) == ("Trung tâm HCC", "hcc@tinh.example", "")
    own.write_text(shipped + '[settings.organs."000.00.00.H03"]\nname = "' + "x" * 201 + '"\n')
    receipt = send(bench, bench.target(mappings=tmp_path))
    assert (receipt.outcome, receipt.code) == (Outcome.REJECTED, "invalid:edXML.OrganName")


# ---- the file


def test_a_file_that_is_not_to_be_had_is_no_fault_of_the_office(bench: Bench, target: Target) -> None:
    bench.file.write_bytes(b"")
    assert send(bench, target).code == "file_empty"
    bench.file.write_bytes(bytes(1_000_001))
    assert send(bench, bench.target(largest=1)).code == "file_too_large"
    receipt = send(bench, target, file="http://127.0.0.1:1/draft.pdf")
    assert (receipt.outcome, receipt.code) == (Outcome.DEFERRED, "file_unavailable")
    assert bench.office.calls(SEND) == []


def test_a_file_may_lie_at_an_address(bench: Bench, target: Target) -> None:
    with ScriptedPortal() as server:
        server.will("draft.pdf", answer(PDF))
        assert send(bench, target, file=f"{server.root}/kho/draft.pdf").outcome is Outcome.DELIVERED
    assert package(bench).files[0].content == PDF


# ---- answers


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("10", Outcome.REJECTED),
        ("15", Outcome.UNAUTHORISED),
        ("18", Outcome.REJECTED),
        ("19", Outcome.REJECTED),
        ("20", Outcome.UNAVAILABLE),
        ("21", Outcome.UNAVAILABLE),
        ("22", Outcome.REJECTED),
        ("23", Outcome.REJECTED),
        ("31", Outcome.REJECTED),
        ("77", Outcome.REJECTED),
        ("E7", Outcome.REJECTED),
        ("0", Outcome.DELIVERED),
        ("00", Outcome.DELIVERED),
        ("30", Outcome.DELIVERED),
    ],
)
def test_every_result_code_becomes_an_outcome(bench: Bench, target: Target, code: str, outcome: Outcome) -> None:
    bench.will(SEND, told(SEND, prefix="x", resultCode=code, docId="vb-9", resultMessage=f"Không nhận {DRAFT.title}"))
    receipt = send(bench, target)
    assert (receipt.outcome, receipt.code) == (outcome, code)
    if outcome is Outcome.DELIVERED:
        assert receipt.memo == {SUBJECT: "vb-9"}
    else:
        assert (receipt.message, receipt.memo, bool(receipt.hint)) == ("Không nhận ***", {}, outcome is Outcome.REJECTED)
    assert "Lý Văn Tài" in receipt.text


@pytest.mark.parametrize("said", ["Thiếu giấy của bà Mùi", OWNER.identity])
def test_a_code_that_is_none_is_not_shown(bench: Bench, target: Target, said: str) -> None:
    bench.will(SEND, told(SEND, resultCode=said))
    receipt = send(bench, target)
    assert (receipt.outcome, receipt.code, receipt.message) == (Outcome.REJECTED, "text", "I-office answers with code text and no reason")


def test_a_code_without_a_reason_still_says_something(bench: Bench, target: Target) -> None:
    bench.will(SEND, told(SEND, resultCode="23"))
    assert send(bench, target).message == "I-office answers with code 23 and no reason"


@pytest.mark.parametrize(
    ("behaviour", "outcome", "code"),
    [
        (fault("s:Client", "không đọc được"), Outcome.REJECTED, "fault:Client"),
        (fault("Client.BadXml", "không đọc được"), Outcome.REJECTED, "fault:Client.BadXml"),
        (fault("s:Server", "Object reference not set"), Outcome.UNKNOWN, "fault:Server"),
        (fault("s:Server", "Object reference not set", 200), Outcome.UNKNOWN, "fault:Server"),
        (fault("s:Server", "Object reference not set", 400), Outcome.UNKNOWN, "fault:Server"),
        (fault("s:Khac", "lạ"), Outcome.UNKNOWN, "fault:Khac"),
        (fault("s:Server", "Sai mật khẩu"), Outcome.UNAUTHORISED, "fault:Server"),
        (fault("wsse:FailedAuthentication", "no"), Outcome.UNAUTHORISED, "fault:FailedAuthentication"),
        (answer(HTML, 500), Outcome.UNKNOWN, "500"),
        (answer(b"", 500), Outcome.UNKNOWN, "500"),
        (answer(b"<a><Fault >", 500), Outcome.UNKNOWN, "500"),
        (answer(HTML, 502), Outcome.UNKNOWN, "502"),
        (answer(HTML, 503), Outcome.UNAVAILABLE, "503"),
        (answer(HTML, 503, Retry_After="7"), Outcome.BUSY, "503"),
        (answer(b"", 429, Retry_After="7"), Outcome.BUSY, "429"),
        (answer(HTML, 401), Outcome.UNAUTHORISED, "401"),
        (answer(HTML, 403), Outcome.UNAUTHORISED, "403"),
        (answer(HTML, 404), Outcome.UNAVAILABLE, "404"),
        (answer(HTML, 413), Outcome.REJECTED, "413"),
        (answer(HTML), Outcome.UNKNOWN, "unreadable"),
        (answer(b"", 202), Outcome.UNKNOWN, "unreadable"),
        (answer(b""), Outcome.UNKNOWN, "unreadable"),
        (answer(b'{"code":0}'), Outcome.UNKNOWN, "unreadable"),
        (answer(b"<a/>"), Outcome.UNKNOWN, "unreadable"),
        (answer(envelope(SEND, {"resultCode": "0"}, "urn:other")), Outcome.UNKNOWN, "unreadable"),
        (answer(envelope(SEND, {"docId": "vb-1"})), Outcome.UNKNOWN, "unreadable"),
        (answer(envelope(SEND, {"resultCode": "0", "docId": "x" * 1_000_000})), Outcome.UNKNOWN, "unreadable"),
        (answer(envelope(SEND, {"resultCode": "0"}).replace(b"?>", b'?><!DOCTYPE a [<!ENTITY b "c">]>', 1)), Outcome.UNKNOWN, "unreadable"),
        (reset, Outcome.UNKNOWN, "broken"),
        (cut, Outcome.UNKNOWN, "broken"),
    ],
)
def test_every_other_end_of_a_call_becomes_an_outcome(bench: Bench, target: Target, behaviour: Behaviour, outcome: Outcome, code: str) -> None:
    bench.will(SEND, behaviour)
    receipt = send(bench, target)
    assert (receipt.outcome, receipt.code, receipt.memo) == (outcome, code, {})
    assert receipt.message
    assert receipt.retry_after == (7 if outcome is Outcome.BUSY else None)
    assert len(bench.office.calls(SEND)) == 1


def test_nobody_there_is_certain_and_silence_is_not(bench: Bench) -> None:
    assert send(bench, bench.target(address="http://127.0.0.1:1/x")).outcome is Outcome.UNAVAILABLE
    bench.will(SEND, silence, drip(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n<"))
    hasty = bench.target(timeout="300ms")
    assert [send(bench, hasty).code for _ in range(2)] == ["timeout", "timeout"]
    assert hasty.longest == timedelta(seconds=1.2)


def test_fields_may_come_in_any_order(bench: Bench, target: Target) -> None:
    bench.will(SEND, told(SEND, docId="vb-5", resultMessage="x", resultCode="0"))
    assert send(bench, target).memo == {SUBJECT: "vb-5"}


# ---- the way in: namespaces, actions, credentials, WSDLs


def test_namespace_and_action_are_settings(tmp_path: Path) -> None:
    with Bench(tmp_path, "urn:tinh:ioffice/") as bench:
        assert send(bench, bench.target(namespace="urn:tinh:ioffice/")).outcome is Outcome.DELIVERED
        assert bench.office.calls(SEND)[0].headers["soapaction"] == '"urn:tinh:ioffice/SendDossierDocument"'
        assert send(bench, bench.target(namespace="urn:tinh:ioffice/", action_prefix="urn:act#")).code == "30"
        assert bench.office.calls(SEND)[1].headers["soapaction"] == '"urn:act#SendDossierDocument"'
        assert [violation.partition(" urn")[0] for violation in bench.office.violations] == [f'{SEND}: header soapaction "urn:act#{SEND}"']
        bench.office.violations.clear()


def test_credentials_may_travel_in_the_header_of_the_lgsp(bench: Bench) -> None:
    given: dict[str, Any] = {"access_key": "khoa", "secret_key": "bi mat", "app_name": "motcua", "partner_code": "H03", "partner_code_cus": "H03.1"}
    target = bench.target(credentials="header", username="", password="", **given)
    assert send(bench, target).outcome is Outcome.DELIVERED
    assert "userName" not in bench.office.fields(SEND)
    token = msgspec.json.decode(base64.b64decode(bench.office.calls(SEND)[0].headers["lgspaccesstoken"]))
    assert token == {"AccessKey": "khoa", "SecretKey": "bi mat", "AppName": "motcua", "PartnerCode": "H03", "PartnerCodeCus": "H03.1"}
    shown = target.calls(bench.element(target))[0]["body"]
    assert isinstance(shown, dict)
    assert "userPass" not in shown


def test_a_wsdl_of_the_province_is_fetched_once_and_says_the_address(bench: Bench) -> None:
    target = bench.target(wsdl=bench.office.root + "/hoso.asmx?wsdl", address="")
    assert [send(bench, target).outcome for _ in range(2)] == [Outcome.DELIVERED] * 2
    assert [asked.method for asked in bench.office.asked] == ["GET", "POST", "POST"]


def test_a_wsdl_that_cannot_be_had_is_asked_for_again(bench: Bench) -> None:
    target = bench.target(wsdl=bench.office.root + "/hoso.asmx")
    bench.will("hoso.asmx", *[answer(b"", 503)] * 3, answer(HTML, 404))
    receipts = [send(bench, target) for _ in range(3)]
    assert [(receipt.outcome, receipt.code) for receipt in receipts] == [(Outcome.UNAVAILABLE, "503"), (Outcome.UNAVAILABLE, "404"), (Outcome.DELIVERED, "0")]
    assert receipts[0].message == "the WSDL cannot be had: the server is not available (HTTP 503)"


IMPORT = b'<xs:import namespace="urn:x" schemaLocation="%s"/>'


@pytest.mark.parametrize(
    "text",
    [
        HTML,
        b"",
        b"<a>",
        wsdl().replace(b"elementFormDefault=", IMPORT % b"http://127.0.0.1:1/x.xsd" + b" elementFormDefault=", 1),
        wsdl().replace(b'<xs:simpleType name="Top">', IMPORT % b"http://127.0.0.1:1/x.xsd" + b'<xs:simpleType name="Top">'),
        wsdl().replace(b'<xs:simpleType name="Top">', IMPORT % b"/etc/passwd" + b'<xs:simpleType name="Top">'),
        wsdl().replace(b"?>", b'?><!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd">', 1),
        wsdl().replace(b"schemas.xmlsoap.org/wsdl/soap/", b"schemas.xmlsoap.org/wsdl/soap12/"),
    ],
)
def test_a_wsdl_that_is_none_or_wants_more_is_refused(bench: Bench, tmp_path: Path, text: bytes) -> None:
    own = tmp_path / "own.wsdl"
    own.write_bytes(text)
    receipt = send(bench, bench.target(wsdl=str(own)))
    assert (receipt.outcome, receipt.code) == (Outcome.UNAVAILABLE, "wsdl")
    assert receipt.message.startswith("the WSDL cannot be used: ")
    assert bench.office.asked == []


def test_a_wsdl_that_vanishes_or_does_not_fit_is_told(bench: Bench, tmp_path: Path) -> None:
    own = tmp_path / "own.wsdl"
    own.write_bytes(wsdl().replace(b'name="correlation"', b'name="echo"'))
    fits_not, gone = bench.target(wsdl=str(own)), bench.target(wsdl=str(own))
    receipt = send(bench, fits_not)
    assert (receipt.outcome, receipt.code) == (Outcome.REJECTED, "wsdl")
    assert "SendDossierDocument does not fit the WSDL" in receipt.message
    own.unlink()
    assert send(bench, gone).message == "the WSDL cannot be read: No such file or directory"


def test_many_threads_share_one_wsdl(bench: Bench) -> None:
    target = bench.target(wsdl=bench.office.root + "/hoso.asmx")
    elements = [bench.element(target, id=str(number), subject=f"{DOSSIER.code}/{number}", title=f"Dự thảo số {number}") for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        receipts = list(threads.map(lambda element: target.send([element]), elements))
    assert {receipt.outcome for receipt in receipts} == {Outcome.DELIVERED}
    sent = [bench.office.fields(SEND, at) for at in range(40)]
    assert sorted(fields["subject"] for fields in sent) == sorted(f"Dự thảo số {number}" for number in range(40))
    assert len({fields["clientMessageId"] for fields in sent}) == 40
    assert len([asked for asked in bench.office.asked if asked.method == "GET"]) == 1


# ---- questions


def asked(target: Target, bench: Bench, memo: str = "", subject: str = SUBJECT) -> Standing | None:
    return target.look_up(bench.portion(Operation.LOOKUP, memo, subject))


def test_the_office_is_asked_by_the_id_it_gave(bench: Bench, target: Target) -> None:
    bench.office.states = [{"statusCode": "05", "docId": "vb-1", "correlation": "x"}]
    found = asked(target, bench, "vb-1")
    assert found is not None
    assert (found.outcome, found.exists, found.message) == (Outcome.DELIVERED, True, "status code 05")
    assert bench.office.fields(STATUS) == {"userName": USER, "userPass": PASSWORD, "docId": "vb-1"}
    gone = asked(target, bench, "vb-2")
    assert gone is not None
    assert (gone.outcome, gone.exists) == (Outcome.DELIVERED, False)


@pytest.mark.parametrize(
    ("states", "exists"),
    [
        ([], False),
        ([{"statusCode": "01", "docId": "vb-1", "correlation": SUBJECT}], True),
        ([{"statusCode": "01", "correlation": f"{DOSSIER.code}/12"}], False),
        ([{"statusCode": "01", "correlation": f"{DOSSIER.code}/12"}, {"statusCode": "03", "correlation": SUBJECT}], True),
        ([{"statusCode": "01", "docId": "vb-1"}], None),
        ([{"statusCode": "01", "correlation": f"{DOSSIER.code}/12"}, {"statusCode": "01"}], None),
    ],
)
def test_without_an_id_the_draft_is_looked_for_among_all_of_the_dossier(
    bench: Bench, target: Target, states: list[dict[str, str]], exists: bool | None
) -> None:
    bench.office.states = [{"docId": "", **state} for state in states]
    found = asked(target, bench)
    assert (found.exists if found else None) is exists
    assert bench.office.fields(STATUS)["dossierCode"] == DOSSIER.code


def test_an_answer_that_says_nothing_of_any_draft_means_there_is_none(bench: Bench, target: Target) -> None:
    bench.will(STATUS, told(STATUS), told(STATUS, resultCode="0"))
    standings = [asked(target, bench) for _ in range(2)]
    assert [standing.exists for standing in standings if standing] == [False, False]


def test_a_question_that_fails_may_be_asked_again(bench: Bench, target: Target) -> None:
    bench.will(STATUS, told(STATUS, resultCode="20", resultMessage=f"Lỗi {OWNER.name}"), *[fault("s:Server", "x")] * 3, told(STATUS, resultCode="15"))
    standings = [asked(target, bench) for _ in range(3)]
    assert [standing.outcome for standing in standings if standing] == [Outcome.UNAVAILABLE, Outcome.UNAVAILABLE, Outcome.UNAUTHORISED]
    assert standings[0] is not None
    assert standings[0].message == "Lỗi ***"
    assert (target.replaces, target.takes_steps(DOSSIER), target.batch) == (False, False, 1)


def test_a_draft_lost_after_sending_is_found_and_sent_again_without_a_second_copy(bench: Bench, target: Target) -> None:
    taken = bench.office._send({"clientMessageId": "lost", "correlation": SUBJECT})
    bench.will(SEND, reset)
    assert send(bench, target).outcome is Outcome.UNKNOWN
    bench.office.documents[bench.office.fields(SEND)["clientMessageId"]] = str(taken["docId"])
    found = asked(target, bench)
    assert found is not None
    assert found.exists is True
    again = send(bench, target, operation=Operation.UPDATE)
    assert (again.outcome, again.code, again.memo) == (Outcome.DELIVERED, "30", {SUBJECT: "vb-1"})


# ---- probes, secrets, settings


def test_a_probe_asks_for_a_short_list(bench: Bench, target: Target) -> None:
    assert target.probe() == Receipt(outcome=Outcome.DELIVERED, message="I-office answers and knows us")
    assert bench.office.fields(LIST)["top"] == "1"
    assert bench.office.fields(LIST)["fromTime"] == "2025/02/01 08:00:00"
    strangers = bench.target(password="sai mật khẩu & hết").probe()
    assert (strangers.outcome, strangers.code, strangers.message) == (Outcome.UNAUTHORISED, "15", "Sai mật khẩu ***")
    bench.will(LIST, *[answer(HTML)] * 3)
    assert target.probe().outcome is Outcome.UNAVAILABLE


def test_no_text_holds_a_secret_and_no_message_personal_data(bench: Bench, target: Target) -> None:
    said = f"{USER} {PASSWORD} {DRAFT.title} {DRAFT.signer_name} {DRAFT.submitter_name} {DRAFT.file_name} {OWNER.name} {OWNER.identity} {OWNER.phone}"
    bench.will(SEND, told(SEND, resultCode="22", resultMessage=said), fault("s:Server", said), answer(said.encode(), 500), answer(said.encode()))
    bench.will(STATUS, told(STATUS, resultCode="20", resultMessage=said))
    receipts = [send(bench, target) for _ in range(4)]
    standing = asked(target, bench)
    assert standing is not None
    for message in [receipt.message for receipt in receipts] + [standing.message]:
        assert not [value for value in (PASSWORD, "Lý Văn Tài", DRAFT.signer_name, OWNER.name, OWNER.identity, OWNER.phone) if value in message]
    for text in [receipt.text for receipt in receipts] + [standing.text]:
        assert PASSWORD not in text
        assert "&lt;1&amp;2&gt;" not in text


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"address": "", "username": "", "password": "", "from_organ": ""}, "from_organ, username, password, address"),
        ({"credentials": "header"}, "access_key, secret_key"),
        ({"dialect": "vnpt"}, "adapter_url, send_path"),
    ],
)
def test_what_a_dialect_needs_is_told_at_once(bench: Bench, given: dict[str, Any], missing: str) -> None:
    with pytest.raises(ValueError, match=f"needs {missing}"):
        bench.target(**given)


def test_every_problem_of_the_settings_is_told_at_once(bench: Bench, tmp_path: Path) -> None:
    broken = tmp_path / "ioffice" / "ioffice.toml"
    broken.parent.mkdir()
    broken.write_text(
        '[mapping]\nname = "x"\n[tables.result]\n0 = "fine"\n[tables.status]\n[tables.result_type]\n[tables.fault]\n'
        '[settings]\ndossier_code = "("\ndossier_in = ["CodeNumber"]\nbad_credentials = ["["]\n'
    )
    with pytest.raises(ConfigurationError) as caught:
        bench.target(mappings=tmp_path, wsdl="/nowhere/own.wsdl", client_cert_file="/nowhere/cert.pem")
    where = str(broken)
    assert [problem.field.removeprefix(f"{where}: ") for problem in caught.value.problems] == [
        "targets.io.client_cert_file",
        "targets.io.wsdl",
        "shapes.draft",
        "tables.document_type",
        "tables.result.0",
        "settings.bad_credentials",
        "settings.dossier_code",
        "settings.dossier_in",
    ]
    with pytest.raises(ConfigurationError, match=r"own\.wsdl"):
        bench.target(wsdl="/nowhere/own.wsdl")


def test_the_connector_takes_drafts(bench: Bench, target: Target) -> None:
    offered: Connector = connector
    assert issubclass(offered.options, TargetOptions)
    options = IofficeOptions.model_validate({"connector": "ioffice", "address": bench.office.address, "from_organ": "H03", "username": "u", "password": "p"})
    assert offered.takes(options) == {Kind.DRAFT}
    assert (options.mapping, options.dialect, options.largest, options.lookback) == ("ioffice", "soap", 20, timedelta(days=30))
    assert target.collector is not None
    assert "p" not in repr(options.password)


def test_due_dates_are_days_in_vietnam(bench: Bench, target: Target) -> None:
    send(bench, target, due_at=datetime(2025, 3, 9, 18, 0, tzinfo=UTC))
    assert bench.office.fields(SEND)["dueDate"] == "2025/03/10"
    with pytest.raises(Unmappable, match="no instant with a time zone"):
        target.compose(bench.portion(due_at=datetime(2025, 3, 9)))  # noqa: DTZ001 that is the point


def test_a_refusal_to_give_a_document_says_nothing_against_it_and_no_secret(bench: Bench) -> None:
    bench.will(GET, told(GET, resultCode="22", resultMessage=f"Sai {PASSWORD}"))
    found = bench.collector().fetch("vb-1")
    assert isinstance(found, Receipt)
    assert (found.outcome, found.message) == (Outcome.UNAVAILABLE, "I-office answers with code 22")
    assert NAMESPACE in found.text

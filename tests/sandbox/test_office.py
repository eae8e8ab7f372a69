"""The sandbox I-office takes drafts by SOAP, works on them, and gives them back as edXML."""

from __future__ import annotations

import io
import re
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from uuid import uuid4

import pypdf
import pytest
import requests
from lxml import etree

from syncd.sandbox.checks import Refused
from syncd.sandbox.edxml import DIALECTS, NAMESPACE, STATUSES, Dialect, Document, Enclosed, Organ, Status, build_document, build_status
from syncd.sandbox.edxml_reader import BAD_EDXML, BAD_FILE, read_draft
from syncd.sandbox.office import BAD_DAY_OFFICE, CODES, Office, OfficeFaults, OfficeTerms
from syncd.sandbox.office_clerk import COURSES, BadDayClerk, Clerk
from syncd.sandbox.office_pdf import appendix_docx, signed_pdf
from tests.clocks import TurnedClock

CODE = "000.00.14.H03-250225-0001"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
PDF = b"%PDF-1.4 draft"
SENDER, ISSUER = Organ("000.00.00.H03", "Một cửa"), Organ("000.00.14.H03", "Sở Tư pháp")
DAY = date(2025, 3, 3)  # of the turned clock


def draft(**changes: Any) -> bytes:
    """The edXML of a draft, written as the standard's kit does."""
    told: dict[str, Any] = {"sender": SENDER, "receiver": ISSUER, "subject": "Khai sinh", "timestamp": "2025/03/03 08:00:00", "reference": CODE}
    return build_document(Document(**{**told, "files": [Enclosed("Dự thảo.pdf", PDF)], **changes}))


class Caller:
    """Speaks SOAP by hand."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.http = requests.Session()
        self.http.trust_env = False

    def post(self, body: bytes, action: str, **headers: str) -> requests.Response:
        told = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{self.office.terms.namespace}{action}"', **headers}
        return self.http.post(self.office.url, data=body, headers=told, timeout=10)

    def ask(self, operation: str, **fields: str) -> requests.Response:
        """The raw answer."""
        terms = self.office.terms
        given = ({} if terms.access else {"userName": terms.username, "userPass": terms.password}) | fields
        envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"s": SOAP})
        request = etree.SubElement(etree.SubElement(envelope, f"{{{SOAP}}}Body"), f"{{{terms.namespace}}}{operation}")
        for name, value in given.items():
            etree.SubElement(request, f"{{{terms.namespace}}}{name}").text = value
        headers = {"lgspaccesstoken": terms.access} if terms.access else {}
        return self.post(etree.tostring(envelope), operation, **headers)

    def call(self, operation: str, **fields: str) -> dict[str, Any]:
        """The answer's fields; those that repeat are lists."""
        answer = self.ask(operation, **fields)
        assert answer.status_code == 200, answer.text
        (response,) = etree.fromstring(answer.content).iterfind(f"{{{SOAP}}}Body/*")
        assert response.tag == f"{{{self.office.terms.namespace}}}{operation}Response"
        told: dict[str, Any] = {"document": [], "history": []}
        for child in response:
            if len(child):
                told[local(child)].append({local(part): part.text or "" for part in child})
            else:
                told[local(child)] = child.text or ""
        return told

    def send(self, **changes: str) -> dict[str, Any]:
        fields = {
            "dossierCode": CODE, "fromOrganId": SENDER.code, "issuingOrganId": ISSUER.code, "submitterAccount": "ha.mau", "signerAccount": "nong.mau",
            "subject": "Khai sinh", "correlation": f"{CODE}/7", "edXml": b64encode(draft()).decode(), "clientMessageId": str(uuid4()),
        } | changes  # fmt: skip
        order = ("dossierCode", "fromOrganId", "issuingOrganId", "submitterAccount", "signerAccount", "subject", "dueDate", "correlation", "edXml")
        return self.call("SendDossierDocument", **{name: fields[name] for name in (*order, "clientMessageId") if name in fields})

    def listed(self, top: int = 100, since: str = "2025/01/01") -> list[dict[str, str]]:
        listed: list[dict[str, str]] = self.call("ListIssuedDocuments", fromOrganId=SENDER.code, fromTime=since, top=str(top))["document"]
        return listed

    def get(self, key: str) -> etree._Element:
        return etree.fromstring(b64decode(self.call("GetIssuedDocument", docId=key)["edXml"]))

    def acknowledge(self, key: str, outcome: str = "done") -> str:
        code: str = self.call("AcknowledgeDocument", docId=key, outcome=outcome)["resultCode"]
        return code


def local(element: Any) -> str:
    return str(etree.QName(element).localname)


def text(root: etree._Element, name: str) -> str:
    """The text of the only element of that local name."""
    found = [element.text or "" for element in root.iter() if local(element) == name]
    return found[0] if found else ""


Serve = Callable[..., Caller]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts offices."""
    running: list[Caller] = []

    def start(course: str = "plain", faults: OfficeFaults | None = None, **terms: Any) -> Caller:
        running.append(Caller(Office(OfficeTerms(**terms), clerk=Clerk(course), faults=faults, clock=TurnedClock())))
        running[-1].office.start()
        return running[-1]

    yield start
    for caller in running:
        caller.http.close()
        caller.office.close()


@pytest.fixture
def caller(serve: Serve) -> Caller:
    return serve()


def test_the_shipped_wsdl_is_served_with_its_own_address(serve: Serve) -> None:
    caller = serve(namespace="urn:ioffice:tinh/")
    answer = caller.http.get(caller.office.wsdl_url, timeout=10)
    root = etree.fromstring(answer.content)
    assert root.get("targetNamespace") == "urn:ioffice:tinh/"
    assert [element.get("location") for element in root.iter("{http://schemas.xmlsoap.org/wsdl/soap/}address")] == [caller.office.url]
    assert caller.send()["resultCode"] == "0"


def test_a_draft_is_taken_worked_on_and_listed_until_acknowledged(caller: Caller) -> None:
    sent = caller.send()
    assert (sent["resultCode"], sent["docId"]) == ("0", "IO-000001")
    (listed,) = caller.listed()
    assert caller.listed() == [listed]
    assert listed == {
        "docId": "IO-000002", "dossierCode": CODE, "codeNumber": "101", "codeNotation": "QĐ-UBND", "promulgationDate": "2025/03/03", "resultType": "01",
        "correlation": f"{CODE}/7",
    }  # fmt: skip
    root = caller.get(listed["docId"])
    assert (text(root, "CodeNumber"), text(root, "CodeNotation"), text(root, "PromulgationDate")) == ("101", "QĐ-UBND", "2025/03/03")
    assert (text(root, "FullName"), text(root, "ReferenceCode")) == ("nong.mau", CODE)
    (issued,) = caller.office.desk.issued()
    assert b64decode(text(root, "ContentTransferEncoded")) == issued.result.content
    assert caller.acknowledge(listed["docId"]) == "0"
    assert caller.listed() == []
    assert caller.office.desk.issued()[0].acknowledged == ("done",)


def test_the_desk_tells_a_referee_what_came_and_what_was_given_back(caller: Caller) -> None:
    caller.send()
    (came,) = caller.office.desk.drafts(CODE)
    assert (came.matter.files[0].name, came.matter.files[0].size, came.times) == ("Dự thảo.pdf", len(PDF), 1)
    assert list(caller.office.desk.arrivals().values()) == [1]
    (issued,) = caller.office.desk.issued(CODE)
    assert (issued.dossier, issued.result.number, issued.result.on, issued.dated) == (CODE, "101/QĐ-UBND", DAY, True)
    assert (issued.packages, issued.acknowledged, len(issued.result.sha256)) == (("IO-000002",), (), 64)
    assert caller.office.desk.issued("other") == []


def test_what_was_sent_before_gets_its_first_key(caller: Caller) -> None:
    key = str(uuid4())
    first, again = caller.send(clientMessageId=key), caller.send(clientMessageId=key)
    assert (again["resultCode"], again["docId"]) == ("30", first["docId"])
    assert len(caller.listed()) == 1
    assert caller.office.desk.drafts()[0].times == 2
    assert list(caller.office.desk.arrivals().values()) == [2]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"edXml": b64encode(draft(files=[])).decode()}, "10"),
        ({"edXml": "*"}, "10"),
        ({"clientMessageId": "1"}, "10"),
        ({"edXml": b64encode(b"<x/>").decode()}, "22"),
        ({"edXml": b64encode(draft(reference="H03-1")).decode()}, "22"),
        ({"edXml": b64encode(draft(receiver=Organ("H99", "Khác"))).decode()}, "22"),
        ({"dueDate": "03/03/2025"}, "22"),
        ({"submitterAccount": " "}, "22"),
        ({"issuingOrganId": "000.00.99.H03"}, "18"),
        ({"fromOrganId": "000.00.00.H99"}, "19"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_a_result_code(serve: Serve, changes: dict[str, str], code: str) -> None:
    caller = serve(senders=frozenset((SENDER.code,)), receivers=frozenset((ISSUER.code,)))
    assert caller.send(**changes)["resultCode"] == code
    assert caller.office.desk.drafts() == []


def test_credentials_stand_in_the_body_or_in_the_header(serve: Serve) -> None:
    assert serve().call("GetDocumentStatus", userPass="wrong", dossierCode=CODE)["resultCode"] == "15"
    caller = serve(access="sandbox-access")
    assert caller.send()["resultCode"] == "0"
    body = etree.fromstring(caller.ask("GetDocumentStatus", dossierCode=CODE).request.body or b"")
    assert b">15<" in caller.post(etree.tostring(body), "GetDocumentStatus").content


@pytest.mark.parametrize(
    ("body", "action", "headers"),
    [
        (b"{", "GetDocumentStatus", {}),
        (b"<x/>", "GetDocumentStatus", {}),
        (f'<s:Envelope xmlns:s="{SOAP}"/>'.encode(), "GetDocumentStatus", {}),
        (f'<s:Envelope xmlns:s="{SOAP}"><s:Body><a xmlns="http://tempuri.org/"/></s:Body></s:Envelope>'.encode(), "b", {}),
        (f'<s:Envelope xmlns:s="{SOAP}"><s:Body><a xmlns="http://tempuri.org/"/></s:Body></s:Envelope>'.encode(), "a", {}),
        (f'<s:Envelope xmlns:s="{SOAP}"><s:Body><a xmlns="http://tempuri.org/"/></s:Body></s:Envelope>'.encode(), "a", {"Content-Type": "text/plain"}),
    ],
)
def test_what_is_no_request_is_answered_with_a_fault(caller: Caller, body: bytes, action: str, headers: dict[str, str]) -> None:
    answer = caller.post(body, action, **headers)
    assert answer.status_code == 500
    assert b"soap:Client" in answer.content


def test_the_description_is_the_law_for_fields(caller: Caller) -> None:
    assert caller.ask("ListIssuedDocuments", fromOrganId="x", fromTime="2025/01/01", top="101").status_code == 500
    assert caller.ask("GetIssuedDocument", docId="x", more="y").status_code == 500
    assert caller.ask("AcknowledgeDocument", docId="x", outcome="maybe").status_code == 500
    assert caller.http.get(caller.office.url, timeout=10).status_code == 404


def test_the_list_is_cut_at_top_and_asks_for_a_time(caller: Caller) -> None:
    for _ in range(3):
        caller.send()
    assert [entry["docId"] for entry in caller.listed(2)] == ["IO-000002", "IO-000004"]
    assert len(caller.listed(since="2025-01-01T00:00:00+07:00")) == 3
    assert caller.call("ListIssuedDocuments", fromOrganId=SENDER.code, fromTime="today", top="1")["resultCode"] == "21"


def test_the_state_of_a_draft_can_be_asked_for(serve: Serve) -> None:
    caller = serve("signed_first")
    assert caller.call("GetDocumentStatus", dossierCode=CODE)["resultCode"] == "31"
    key = caller.send()["docId"]
    told = caller.call("GetDocumentStatus", dossierCode=CODE)
    assert (told["statusCode"], told["docId"], told["correlation"]) == ("06", key, f"{CODE}/7")
    assert [state["statusCode"] for state in told["history"]] == ["01", "03", "05", "06"]
    assert caller.call("GetDocumentStatus", docId=key)["statusCode"] == "06"
    assert caller.call("GetDocumentStatus", docId="IO-9")["resultCode"] == "31"


def test_what_nobody_has_issued_is_not_listed_and_can_be_recalled(serve: Serve) -> None:
    caller = serve("waiting")
    key = caller.send()["docId"]
    assert caller.listed() == []
    assert caller.call("RecallDocument", docId=key, reason="sai")["resultCode"] == "0"
    assert caller.call("GetDocumentStatus", docId=key)["statusCode"] == "15"
    assert text(caller.get(caller.listed()[0]["docId"]), "StatusCode") == "15"


def test_what_is_issued_is_not_given_back(caller: Caller) -> None:
    caller.send()
    caller.call("RecallDocument", dossierCode=CODE, reason="sai")
    assert [text(caller.get(entry["docId"]), "StatusCode") for entry in caller.listed()] == ["", "16"]


def test_a_draft_may_be_issued_by_hand(serve: Serve) -> None:
    caller = serve("waiting")
    with pytest.raises(LookupError):
        caller.office.desk.issue(CODE)
    caller.send()
    caller.office.desk.issue(CODE)
    assert [entry["resultType"] for entry in caller.listed()] == ["01"]


@pytest.mark.parametrize(
    ("course", "types"),
    [("signed_first", ["04", "01"]), ("twice", ["01", "01"]), ("unnumbered", ["02"]), ("rejected", ["03"]), ("plain", ["01"])],
)
def test_a_course_shows_in_the_list(serve: Serve, course: str, types: list[str]) -> None:
    caller = serve(course)
    caller.send()
    assert [entry["resultType"] for entry in caller.listed()] == types


@pytest.mark.parametrize(("course", "types"), [("signed_late", ["01", "04"]), ("twice_later", ["01", "01"]), ("signed_long_before", ["04", "01"])])
def test_what_comes_later_waits_for_the_acknowledgement(serve: Serve, course: str, types: list[str]) -> None:
    caller = serve(course)
    caller.send()
    seen = []
    while listed := caller.listed():
        assert len(listed) == 1
        seen.append(listed[0]["resultType"])
        caller.acknowledge(listed[0]["docId"])
    assert seen == types
    assert len(caller.office.desk.issued()) == 1


def test_two_stages_may_come_under_the_id_of_their_draft(serve: Serve) -> None:
    caller = serve("one_id")
    key = caller.send()["docId"]
    seen = []
    while listed := caller.listed():
        seen.append([(entry["docId"], entry["resultType"], text(caller.get(key), "StatusCode")) for entry in listed])
        assert caller.acknowledge(key) == "0"
    assert seen == [[(key, "04", "05")], [(key, "01", "")]]
    assert caller.office.desk.acknowledgements(key) == ("done",)
    assert caller.office.desk.requeue(key)
    assert [entry["resultType"] for entry in caller.listed()] == ["01"]


def test_a_document_issued_twice_is_one_result(serve: Serve) -> None:
    caller = serve("twice")
    caller.send()
    one, other = (caller.get(entry["docId"]) for entry in caller.listed())
    assert text(one, "ContentTransferEncoded") == text(other, "ContentTransferEncoded")
    (issued,) = caller.office.desk.issued()
    assert len(issued.packages) == 2


def test_a_refusal_and_a_signature_come_as_status_packages(serve: Serve) -> None:
    refused, signed = serve("rejected"), serve("signed_first")
    refused.send()
    signed.send()
    root = refused.get(refused.listed()[0]["docId"])
    assert (text(root, "StatusCode"), text(root, "Code"), "thể thức" in text(root, "Description")) == ("02", CODE, True)
    assert text(signed.get(signed.listed()[0]["docId"]), "StatusCode") == "05"
    (result,) = refused.office.desk.issued()
    assert (result.result.deed, result.result.sha256, result.dated) == ("rejected", "", False)


def test_without_a_number_there_is_a_file_all_the_same(serve: Serve) -> None:
    caller = serve("unnumbered", dialect=DIALECTS[0])
    caller.send()
    root = caller.get(caller.listed()[0]["docId"])
    assert (text(root, "CodeNumber"), text(root, "PromulgationDate")) == ("", "")
    assert b64decode(text(root, "ContentTransferEncoded")).startswith(b"%PDF")


@pytest.mark.parametrize(
    ("course", "date_told", "number"),
    [("bad_date", "", "101"), ("other_date", "03/03/2025", "101"), ("year_number", "2025/03/03", "101")],
)
def test_dates_and_numbers_may_be_odd(serve: Serve, course: str, date_told: str, number: str) -> None:
    caller = serve(course)
    caller.send()
    (entry,) = caller.listed()
    assert (entry.get("promulgationDate", ""), entry["codeNumber"]) == (date_told, number)
    assert entry["codeNotation"] == ("2025/QĐ-UBND" if course == "year_number" else "QĐ-UBND")
    assert caller.office.desk.issued()[0].dated == (course != "bad_date")


@pytest.mark.parametrize(
    ("course", "code", "correlation", "in_subject"),
    [("no_code", False, True, False), ("in_abstract", False, False, True), ("unknown", False, False, False), ("plain", True, True, False)],
)
def test_the_dossier_may_be_hard_to_tell(serve: Serve, course: str, code: bool, correlation: bool, in_subject: bool) -> None:
    caller = serve(course)
    caller.send()
    (entry,) = caller.listed()
    root = caller.get(entry["docId"])
    assert ("dossierCode" in entry, text(root, "ReferenceCode") == CODE, "correlation" in entry) == (code, code, correlation)
    assert (CODE in text(root, "Subject")) == in_subject


def test_a_package_without_its_document_is_sent_again_when_it_failed(serve: Serve) -> None:
    caller = serve("no_document")
    caller.send()
    (entry,) = caller.listed()
    assert "edXml" not in caller.call("GetIssuedDocument", docId=entry["docId"])
    caller.acknowledge(entry["docId"], "fail")
    caller.acknowledge(entry["docId"], "fail")
    (again,) = caller.listed()
    assert again["docId"] != entry["docId"]
    assert text(caller.get(again["docId"]), "CodeNumber") == "101"
    assert caller.office.desk.issued()[0].acknowledged == ("fail", "fail")


def test_what_the_office_does_not_have_is_told(caller: Caller) -> None:
    assert caller.call("GetIssuedDocument", docId="IO-9")["resultCode"] == "31"
    assert caller.acknowledge("IO-9") == "31"
    assert caller.call("RecallDocument", reason="sai")["resultCode"] == "31"


def test_an_operator_may_put_a_package_back(caller: Caller) -> None:
    caller.send()
    (entry,) = caller.listed()
    caller.acknowledge(entry["docId"])
    assert caller.office.desk.acknowledgements(entry["docId"]) == ("done",)
    assert caller.office.desk.requeue(entry["docId"])
    assert not caller.office.desk.requeue("IO-9")
    assert caller.listed() == [entry]


def test_every_way_of_writing_comes_in_turn(caller: Caller) -> None:
    for _ in range(16):
        caller.send()
    assert len({caller.get(entry["docId"]).findtext(f".//{{{NAMESPACE}}}CodeNumber") for entry in caller.listed()}) == 16


def test_an_appendix_comes_in_a_zip_under_a_name_of_its_own(serve: Serve) -> None:
    caller = serve(appendix=True, dialect=Dialect())
    caller.send()
    root = caller.get(caller.listed()[0]["docId"])
    contents = [b64decode(element.text or "") for element in root.iter() if local(element) == "ContentTransferEncoded"]
    with zipfile.ZipFile(io.BytesIO(contents[1])) as packed:
        (name,) = packed.namelist()
        assert name.endswith(".docx")
        assert packed.read(name) == appendix_docx("101/QĐ-UBND")


@pytest.mark.parametrize("code", CODES)
def test_a_result_code_comes_on_request(caller: Caller, code: int) -> None:
    caller.office.faults.next(f"code {code}", service="SendDossierDocument")
    assert caller.send()["resultCode"] == str(code)
    assert caller.office.desk.drafts() == []


def test_a_fault_comes_on_request(caller: Caller) -> None:
    caller.office.faults.next("soap_fault")
    answer = caller.ask("GetDocumentStatus", dossierCode=CODE)
    assert answer.status_code == 500
    assert b"soap:Server" in answer.content


@pytest.mark.parametrize(("kind", "held"), [("reset", 0), ("lost", 1)])
def test_an_answer_may_be_lost_before_or_after_the_work(caller: Caller, kind: str, held: int) -> None:
    caller.office.faults.next(kind, service="SendDossierDocument")
    with pytest.raises(requests.ConnectionError):
        caller.send()
    assert len(caller.office.desk.drafts()) == held


@pytest.mark.parametrize("kind", ["503", "504", "html", "empty", "slow"])
def test_http_may_fail_too(caller: Caller, kind: str) -> None:
    caller.office.faults.slowness = 0.01
    caller.office.faults.next(kind)
    answer = caller.ask("GetDocumentStatus", dossierCode=CODE)
    assert answer.status_code == (int(kind) if kind.isdecimal() else 200)


def test_calls_are_kept_without_their_files(caller: Caller) -> None:
    caller.send()
    (call,) = caller.office.calls("SendDossierDocument")
    assert call.body["edXml"].startswith("…(")
    assert caller.office.counts() == {"SendDossierDocument": 1}


def test_a_large_draft_arrives_whole(caller: Caller) -> None:
    content = PDF + bytes(8_000_000)
    assert caller.send(edXml=b64encode(draft(files=[Enclosed("Dự thảo.pdf", content)])).decode())["resultCode"] == "0"
    assert caller.office.desk.drafts()[0].matter.files[0].size == len(content)


def test_a_bad_day_draws_the_same_for_the_same_draft() -> None:
    clerk, other = BadDayClerk(3), BadDayClerk(3)
    drawn = [clerk.course(f"H03-{at}", 1) for at in range(300)]
    assert drawn == [other.course(f"H03-{at}", 1) for at in range(300)]
    assert len(set(drawn)) > 10
    assert COURSES["rejected"] in drawn
    assert COURSES["rejected"] not in [clerk.course(f"H03-{at}", 2) for at in range(300)]


def test_on_a_bad_day_every_fault_comes() -> None:
    faults = OfficeFaults(BAD_DAY_OFFICE)
    drawn = [faults.draw("GetDocumentStatus") for _ in range(2000)]
    assert {fault.kind for fault in drawn if fault} == set(BAD_DAY_OFFICE)


def test_the_signed_file_is_a_pdf_that_says_what_it_is() -> None:
    content = signed_pdf(number="7/QĐ-UBND", on=DAY, signer="Nông Thị Mẫu", dossier=CODE, draft="ab")
    reader = pypdf.PdfReader(io.BytesIO(content), strict=True)
    told = reader.pages[0].extract_text()
    assert "Số: 7/QĐ-UBND" in told
    assert "ngày 03 tháng 03 năm 2025" in told
    root: Any = reader.trailer["/Root"]
    signature = root["/AcroForm"]["/Fields"][0]["/V"]
    assert (signature["/Name"], signature["/M"][:10]) == ("Nông Thị Mẫu", "D:20250303")
    start, length, end, rest = signature["/ByteRange"]
    assert (start, end + rest, content[length : length + 1]) == (0, len(content), b"<")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_document_is_written_in_every_way(dialect: Dialect) -> None:
    told = Document(SENDER, ISSUER, "Trích yếu <&>", "2025/03/03 08:00:00", "7", "QĐ-UBND", "2025/03/03", "Nông", "PCT", CODE)
    content = build_document(told._replace(files=[Enclosed("a.pdf", PDF), Enclosed("b.docx", appendix_docx("x"))]), dialect)
    root = etree.fromstring(content)
    header = next(element for element in root.iter() if local(element) == "MessageHeader")
    assert {etree.QName(element).namespace for element in root.iter()} == {NAMESPACE}
    assert (local(header[0]), local(header[-1])) == (("From", "ToPlaces") if dialect.order == "java" else ("Code", "DocumentId"))
    assert (b"<edXML:edXMLEnvelope" in content) == (dialect.prefixes == "mixed")
    assert (b"<ContentId>cid:" in content.partition(b"AttachmentEncoded")[2]) == dialect.cid
    assert text(root, "Subject") == "Trích yếu <&>"


@pytest.mark.parametrize("code", STATUSES)
def test_every_status_package_is_written(code: str) -> None:
    for dialect in DIALECTS:
        root = etree.fromstring(build_status(Status(ISSUER, SENDER, code, "2025/03/03 08:00:00", about=CODE), dialect))
        assert (text(root, "StatusCode"), text(root, "Description")) == (code, STATUSES[code])


def test_a_draft_is_read_with_its_files_out_of_their_zips() -> None:
    read = read_draft(draft(files=[Enclosed("a.pdf", PDF), Enclosed("b.docx", b"PK\x03\x04rest"), Enclosed("c.zip", b"PK\x03\x04zip")]))
    assert [(file.name, file.content) for file in read.files] == [("a.pdf", PDF), ("b.docx", b"PK\x03\x04rest"), ("c.zip", b"PK\x03\x04zip")]
    assert (read.references, read.business, read.receivers, read.subject) == ((CODE,), "0", (ISSUER.code,), "Khai sinh")


WHOLE = draft().decode()


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ("<x", BAD_EDXML),
        (WHOLE.replace(NAMESPACE, "http://www.go.vn/eDoc"), BAD_EDXML),
        (WHOLE.replace("?>", '?><!DOCTYPE edXML [<!ENTITY a "b">]>', 1), BAD_EDXML),
        (WHOLE.replace(' version="1.0">', ">", 1), BAD_EDXML),
        (WHOLE.replace("edXML:TyperNotation", "edXML:Typist"), BAD_EDXML),
        (WHOLE.replace("<edXML:Content>Khai sinh</edXML:Content>", "<edXML:Subject>2</edXML:Subject>"), BAD_EDXML),
        (WHOLE.replace("<edXML:Type>2</edXML:Type>", "").replace("<edXML:TypeName>", "<edXML:Type>2</edXML:Type><edXML:TypeName>"), BAD_EDXML),
        (WHOLE.replace("<edXML:Type>2", "<edXML:Type>a"), BAD_EDXML),
        (WHOLE.replace("2025/03/03 08:00:00", "2025-03-03T08:00"), BAD_EDXML),
        (WHOLE.replace("2025/03/03 08:00:00", "2025/3/3 08:00:00"), BAD_EDXML),
        (WHOLE.replace("Khai sinh", "K" * 501), BAD_EDXML),
        (WHOLE.replace("<edXML:OrganId>000.00.00.H03</edXML:OrganId>", "<edXML:OrganId/>"), BAD_EDXML),
        (WHOLE.replace("<edXML:ContentId>cid:tep-1", "<edXML:ContentId>cid:tep-2"), BAD_EDXML),
        (WHOLE.replace("<edXML:ContentId>cid:tep-1", "<edXML:ContentId>tep-1"), BAD_EDXML),
        (WHOLE.replace("<AttachmentName>Dự thảo.pdf", "<AttachmentName>Khác.pdf"), BAD_EDXML),
        (WHOLE.replace(b64encode(PDF).decode(), "*"), BAD_FILE),
        (WHOLE.replace(b64encode(PDF).decode(), b64encode(b"text").decode()), BAD_FILE),
        (WHOLE.replace("application/pdf", "text/plain"), BAD_FILE),
        (re.sub("<edXML:TraceHeaderList>.*</edXML:TraceHeaderList>", "", WHOLE), BAD_EDXML),
        (WHOLE.replace("application/pdf", "application/zip"), BAD_FILE),
    ],
)  # fmt: skip
def test_a_draft_that_breaks_a_rule_of_writing_is_refused(broken: str, code: int) -> None:
    assert broken != WHOLE
    with pytest.raises(Refused) as refused:
        read_draft(broken.encode())
    assert refused.value.code == code


def test_office_files_may_come_without_a_zip() -> None:
    content = build_document(
        Document(SENDER, ISSUER, "a", "2025/03/03 08:00:00", files=[Enclosed("a.docx", b"PK\x03\x04x", "application/msword")]), DIALECTS[1]
    )
    assert read_draft(content).files[0].content == b"PK\x03\x04x"


def test_a_zip_holds_one_file_of_the_same_kind() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.exe", b"x")
    content = draft(files=[Enclosed("a.txt", b"x")])
    inside = text(etree.fromstring(content), "ContentTransferEncoded").encode()
    assert read_draft(content).files[0].content == b"x"
    with pytest.raises(Refused, match="đúng một tệp"):
        read_draft(content.replace(inside, b64encode(packed.getvalue())))

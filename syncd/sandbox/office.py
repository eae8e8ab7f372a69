"""The sandbox I-office that speaks SOAP and edXML; it serves the WSDL that the project ships.

What arrives is worked on by its clerk (see `office_clerk`) and waits on its desk until it is acknowledged. Documents come in
all the ways of writing edXML, one after the other. `desk` is what a referee looks at; `faults` decides what goes wrong:
beside the usual, `soap_fault`, and `code 20` and its like for a result code.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final
from uuid import UUID

from syncd.clock import Clock, SystemClock
from syncd.sandbox.checks import Refused
from syncd.sandbox.edxml import DIALECTS, Dialect, Document, Enclosed, Organ, Status, build_document, build_status
from syncd.sandbox.edxml_reader import BAD_EDXML, BAD_FILE, read_draft
from syncd.sandbox.faults import FAULTS, Fault, Faults
from syncd.sandbox.office_clerk import Act, Clerk
from syncd.sandbox.office_desk import Desk, Draft, File, Matter, Package, Result
from syncd.sandbox.office_pdf import appendix_docx
from syncd.sandbox.office_soap import NAMESPACE, Operation, Soap, Unreadable
from syncd.sandbox.server import Reply, Request
from syncd.sandbox.station import Answer, Asked, Station

PATH: Final = "/ioffice.asmx"
BAD_CREDENTIALS, NO_RECEIVER, NO_SENDER, DUPLICATE, ABSENT = 15, 18, 19, 30, 31
CODES: Final = (10, 15, 18, 19, 20, 21, 22, 23)
RESULT_TYPES: Final = {"issued": "01", "unnumbered": "02", "rejected": "03", "signed": "04"}
STATUS_CODES: Final = {
    "delivered": "01", "accepted": "03", "signed": "05", "issued": "06", "unnumbered": "06", "rejected": "02",
    "recall_asked": "13", "recall_agreed": "15", "recall_refused": "16",
}  # fmt: skip
_ZONE: Final = timezone(timedelta(hours=7))
_DAY: Final = re.compile(r"\d{4}/\d\d/\d\d")
_BAD_DATES: Final = ("2026/02/31", "0001/01/01", "", "ngày 5 tháng 3")
SOAP_KINDS: Final = {
    **FAULTS,
    "soap_fault": Fault("soap_fault", done=False, certain=False),
    **{f"code {code}": Fault(f"code {code}", done=False, certain=True) for code in CODES},
}
#: a bad day at the office: about one call in six fails somehow
BAD_DAY_OFFICE: Final = dict.fromkeys(
    ("reset", "lost", "500", "502", "503", "504", "html", "empty", "truncated", "slow", "soap_fault", "code 20", "code 21"), 0.012
)


class OfficeFaults(Faults):
    """Decides for each call of the office whether and how it fails."""

    def __init__(self, odds: Mapping[str, float] | None = None, seed: int = 1, *, slowness: float = 0.3, retry_after: int | None = 1) -> None:
        super().__init__(odds, seed, slowness=slowness, retry_after=retry_after, kinds=SOAP_KINDS, once=())


@dataclass(frozen=True, kw_only=True)
class OfficeTerms:
    """On what terms the office serves."""

    namespace: str = NAMESPACE
    username: str = "motcua"
    password: str = "sandbox"  # noqa: S105 an invented account
    access: str = ""  #: the `lgspaccesstoken` header to show instead of user and password
    senders: frozenset[str] = frozenset()  #: organisations that may send; empty admits all
    receivers: frozenset[str] = frozenset()  #: organisations it issues for; empty is all
    dialect: Dialect | None = None  #: of edXML; None writes each in turn
    appendix: bool = False  #: an issued document has a Word file too
    latency: float = 0.0  #: seconds before each answer
    keep: int = 10_000  #: calls kept for looking at
    port: int = 0


class Office(Station):
    """The office; serves between `start` and `close`, or as a context."""

    def __init__(self, terms: OfficeTerms | None = None, *, faults: Faults | None = None, clerk: Clerk | None = None, clock: Clock | None = None) -> None:
        self.terms = terms or OfficeTerms()
        self._soap = Soap(self.terms.namespace)
        super().__init__(faults or OfficeFaults(), port=self.terms.port, latency=self.terms.latency, keep=self.terms.keep)
        self._clock = clock or SystemClock()
        self.desk = Desk(clerk or Clerk(), self._clock, prefix="IO")
        self._operations: Mapping[str, Callable[[dict[str, str]], dict[str, Any]]] = {
            "SendDossierDocument": self._send, "GetDocumentStatus": self._status, "ListIssuedDocuments": self._list, "GetIssuedDocument": self._get,
            "AcknowledgeDocument": self._acknowledge, "RecallDocument": self._recall,
        }  # fmt: skip

    @property
    def url(self) -> str:
        """The address of the service."""
        return self.root + PATH

    @property
    def wsdl_url(self) -> str:
        """The address of its description."""
        return f"{self.url}?wsdl"

    def _ask(self, request: Request) -> Asked:
        if request.method == "GET" and request.query.lower() == "wsdl":
            return Asked("wsdl")
        try:
            operation = self._soap.read(request)
        except Unreadable as error:
            return Asked("?", str(error))
        shown = {name: f"…({len(text)})" if name == "edXml" else text for name, text in operation.fields.items()}
        code = operation.fields.get("dossierCode", "")
        return Asked(operation.name, shown, (code,) if code else (), operation)

    def _perform(self, asked: Asked, request: Request, *, answered: bool) -> Answer:
        if asked.service == "wsdl":
            return Answer(self._soap.wsdl(self.url), "200")
        if request.method != "POST" or request.path != PATH:
            return Answer(Reply(b"", 404), "404")
        if asked.whole is None:
            return Answer(self._soap.fault(str(asked.body)), "fault")
        told = self._answered(asked.whole, request)
        return Answer(self._soap.answer(asked.service, told), str(told["resultCode"]))

    def _answered(self, operation: Operation, request: Request) -> dict[str, Any]:
        try:
            self._admit(operation.fields, request)
            return {"resultCode": "0", "resultMessage": "Thành công"} | self._operations[operation.name](operation.fields)
        except Refused as refusal:
            return {"resultCode": str(refusal.code), "resultMessage": refusal.message}

    def _spoilt(self, asked: Asked, fault: Fault, reply: Reply) -> Reply | None:
        if fault.kind == "soap_fault":
            return self._soap.fault("Server was unable to process request. Connection to the database was lost", "Server")
        if fault.kind.startswith("code "):
            return self._soap.answer(asked.service, {"resultCode": fault.kind.removeprefix("code "), "resultMessage": "Không xử lý được"})
        return super()._spoilt(asked, fault, reply)

    def _admit(self, fields: Mapping[str, str], request: Request) -> None:
        if self.terms.access:
            admitted = request.headers.get("lgspaccesstoken") == self.terms.access
        else:
            admitted = (fields.get("userName"), fields.get("userPass")) == (self.terms.username, self.terms.password)
        if not admitted:
            raise Refused("Sai tài khoản hoặc mật khẩu", BAD_CREDENTIALS)
        if "fromOrganId" in fields and self.terms.senders and fields["fromOrganId"] not in self.terms.senders:
            raise Refused("Đơn vị gửi chưa đăng ký", NO_SENDER)
        if "issuingOrganId" in fields and self.terms.receivers and fields["issuingOrganId"] not in self.terms.receivers:
            raise Refused("Không tìm thấy đơn vị nhận", NO_RECEIVER)

    def _send(self, fields: dict[str, str]) -> dict[str, Any]:
        draft, new = self.desk.receive(_matter(fields), fields["clientMessageId"])
        return {"docId": draft.doc_id} if new else {"resultCode": str(DUPLICATE), "resultMessage": "Văn bản đã được gửi trước đó", "docId": draft.doc_id}

    def _status(self, fields: dict[str, str]) -> dict[str, Any]:
        found = self._found(fields)
        drafts = [found] if fields.get("docId") else self.desk.drafts(found.dossier)
        states = [self._state(draft, at) for draft in drafts for at in range(len(draft.history))]
        return {**states[-1], "history": states}

    def _state(self, draft: Draft, at: int) -> dict[str, str]:
        known = {"docId": draft.doc_id, "correlation": draft.matter.correlation}
        return {"statusCode": STATUS_CODES[draft.history[at]], "description": draft.history[at], "staff": "Văn thư", "timestamp": self._now()} | known

    def _list(self, fields: dict[str, str]) -> dict[str, Any]:
        if not _DAY.match(fields["fromTime"]) and not _is_iso(fields["fromTime"]):
            raise Refused("fromTime không đúng định dạng", 21)
        return {"document": [_entry(package) for package in self.desk.waiting(int(fields["top"]))]}

    def _get(self, fields: dict[str, str]) -> dict[str, Any]:
        package = self.desk.package(fields["docId"])
        if package is None:
            raise Refused("Không tìm thấy văn bản", ABSENT)
        return {} if package.act.quirk == "no_document" else {"edXml": b64encode(self._edxml(package)).decode()}

    def _acknowledge(self, fields: dict[str, str]) -> dict[str, Any]:
        if not self.desk.acknowledge(fields["docId"], fields["outcome"], failed=fields["outcome"] == "fail"):
            raise Refused("Không tìm thấy văn bản", ABSENT)
        return {}

    def _recall(self, fields: dict[str, str]) -> dict[str, Any]:
        self.desk.recall(self._found(fields).doc_id)
        return {}

    def _found(self, fields: Mapping[str, str]) -> Draft:
        found = self.desk.find(fields.get("docId", ""), fields.get("dossierCode", ""))
        if found is None:
            raise Refused("Không tìm thấy văn bản", ABSENT)
        return found

    def _edxml(self, package: Package) -> bytes:
        dialect = self.terms.dialect or DIALECTS[int(package.id.rpartition("-")[2]) % len(DIALECTS)]
        matter, result = package.draft.matter, package.result
        office, onestop = Organ(matter.agency, matter.agency_name or matter.agency), Organ(matter.submitter, "Bộ phận Một cửa")
        if result is None or result.deed == "rejected":
            reason = result.reason if result else ""
            about = _told_code(package)
            return build_status(Status(office, onestop, STATUS_CODES[package.act.deed], self._now(), reason, about, staff="Văn thư"), dialect)
        return build_document(self._document(package, result, office, onestop), dialect)

    def _document(self, package: Package, result: Result, office: Organ, onestop: Organ) -> Document:
        number, _, notation = result.number.partition("/")
        appendix = [Enclosed("Phụ lục.docx", appendix_docx(result.number))] if self.terms.appendix else []
        return Document(
            office, onestop, _subject(package), self._now(), number, notation, _date(package), result.signer, result.position, _told_code(package),
            files=[Enclosed(result.file, result.content, "application/pdf"), *appendix],
        )  # fmt: skip

    def _now(self) -> str:
        return self._clock.now().astimezone(_ZONE).strftime("%Y/%m/%d %H:%M:%S")


def _matter(fields: Mapping[str, str]) -> Matter:
    try:
        UUID(fields["clientMessageId"])
        content = b64decode(fields["edXml"], validate=True)
    except (ValueError, binascii.Error):
        raise Refused("clientMessageId phải là UUID, edXml phải là Base64", BAD_FILE) from None
    if fields.get("dueDate") and not _DAY.fullmatch(fields["dueDate"]):
        raise Refused("dueDate không đúng định dạng yyyy/MM/dd", BAD_EDXML)
    if not all(fields[name].strip() for name in ("dossierCode", "fromOrganId", "issuingOrganId", "submitterAccount", "subject")):
        raise Refused("Thiếu trường bắt buộc", BAD_EDXML)
    draft = read_draft(content)
    if (
        draft.references != (fields["dossierCode"],)
        or draft.business != "0"
        or draft.sender != fields["fromOrganId"]
        or not _addressed(fields, draft.receivers)
    ):
        raise Refused("edXML không khớp với yêu cầu", BAD_EDXML)
    return Matter(
        fields["dossierCode"], tuple(File.of(file.name, file.content) for file in draft.files), fields["subject"], draft.kind, fields.get("correlation", ""),
        fields.get("signerAccount", ""), fields["fromOrganId"], fields["issuingOrganId"],
    )  # fmt: skip


def _addressed(fields: Mapping[str, str], receivers: tuple[str, ...]) -> bool:
    return fields["issuingOrganId"] in receivers


def _entry(package: Package) -> dict[str, str]:
    """What the list says of a package; what is not known is left out."""
    result = package.result
    number, _, notation = (result.number if result else "").partition("/")
    told = {
        "docId": package.key, "dossierCode": _told_code(package), "codeNumber": number, "codeNotation": notation,
        "promulgationDate": _date(package) if result else "", "resultType": RESULT_TYPES.get(package.act.deed, ""),
        "correlation": "" if package.act.quirk in ("in_abstract", "unknown") else package.draft.matter.correlation,
    }  # fmt: skip
    return {name: value for name, value in told.items() if value}


def _told_code(package: Package) -> str:
    return "" if package.act.quirk in ("no_code", "in_abstract", "unknown") else package.draft.dossier


def _subject(package: Package) -> str:
    subject = package.draft.matter.abstract.replace(package.draft.dossier, "").strip() or "Kết quả giải quyết hồ sơ"
    return f"{subject} ({package.draft.dossier})" if package.act.quirk == "in_abstract" else subject


def _date(package: Package) -> str:
    act: Act = package.act
    if package.result is None or act.deed != "issued":
        return ""
    if act.quirk == "bad_date":
        return _BAD_DATES[int(package.id.rpartition("-")[2]) % len(_BAD_DATES)]
    return package.result.on.strftime("%d/%m/%Y" if act.quirk == "other_date" else "%Y/%m/%d")


def _is_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True

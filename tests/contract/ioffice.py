"""I-office in its two dialects: SOAP with edXML, and VNPT's REST."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree
from msgspec.structs import replace

from connectors.ioffice import connector
from syncd.calls import Outcome, Portion
from syncd.model import Dossier
from syncd.sandbox.edxml_reader import read_draft
from tests.connectors.portal import Asked, Behaviour, ScriptedPortal, Talk, answer
from tests.contract.surroundings import DRAFT, PDF, RECORD, Collecting, Surroundings, dossier, drafted, strings

PASSWORD = 'mật khẩu <"7">&'
ACCESS, SECRET, FIXED = "khoa-truy-cap-51", "bi-mat/51+x==", "the-co-dinh-7421"
SEND, STATUS, LIST, FETCH, ACKNOWLEDGE = "SendDossierDocument", "GetDocumentStatus", "ListIssuedDocuments", "GetIssuedDocument", "AcknowledgeDocument"
NAMESPACE = "http://tempuri.org/"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


class Drafts(Surroundings):
    """What both dialects have in common."""

    connector = connector
    files = True

    def portion(self, kind: str = RECORD, about: Dossier | None = None, file: str = "") -> Portion:
        return drafted(about or dossier(), replace(DRAFT, file=file or str(self.draft_file)))

    def lacking(self) -> Portion:
        return drafted(dossier(), replace(DRAFT, file=""))


class OfficeSoap(Drafts, Collecting):
    """SOAP and edXML, user name and password in each request."""

    name = "ioffice-soap"
    calls = {RECORD: SEND}  # noqa: RUF012 nobody writes to it
    lookup = STATUS
    listing = LIST
    probed = (LIST,)
    fetching, acknowledging = FETCH, ACKNOWLEDGE

    def __init__(self, folder: Path) -> None:
        self.office = _Office()
        super().__init__(folder, self.office)

    def options(self) -> dict[str, Any]:
        account = {"username": "motcua", "password": PASSWORD, "from_organ": "000.00.00.H03"}
        return {"connector": "ioffice", "address": f"{self.server.root}/services/hoso", **account}

    def secrets(self) -> tuple[str, ...]:
        return (PASSWORD,)

    def refusal(self, said: str) -> Behaviour:
        return soap(SEND, f"<resultCode>22</resultCode><resultMessage>{escape(said)}</resultMessage>")

    def holds(self) -> list[str]:
        return [code for code, _ in self.office.taken.values()]

    def texts(self, asked: Asked) -> Iterator[str]:
        fields = _fields(asked)
        yield from (text for name, text in fields.items() if name != "edXml")
        yield read_draft(base64.b64decode(fields["edXml"])).subject

    def contents(self, asked: Asked) -> list[bytes]:
        return [file.content for file in read_draft(base64.b64decode(_fields(asked)["edXml"])).files]

    def issue(self, *documents: str) -> None:
        self.office.waiting += documents

    def issued(self) -> list[str]:
        return self.office.waiting

    def spoilt(self) -> Behaviour:
        return soap(FETCH, f"<resultCode>0</resultCode><edXml>{base64.b64encode(b'<edXML>').decode()}</edXml>")

    @property
    def signed(self) -> bytes:
        return PDF


class OfficeVnpt(Drafts):
    """VNPT's REST, a token asked for with a fixed one."""

    name = "ioffice-vnpt"
    calls = {RECORD: "sendVB"}  # noqa: RUF012
    knows = False
    admission = "u-51"
    probed = ("u-51",)
    taken_for = {"other-json": Outcome.DELIVERED, "list": Outcome.DELIVERED, "text": Outcome.DELIVERED, "number": Outcome.REJECTED}  # noqa: RUF012

    def __init__(self, folder: Path) -> None:
        self.vnpt = _Vnpt()
        super().__init__(folder, self.vnpt)

    def options(self) -> dict[str, Any]:
        keys = {"access_key": ACCESS, "secret_key": SECRET, "x_token": FIXED, "app_name": "motcua", "partner_code": "H03", "partner_code_cus": "H03"}
        paths = {"adapter_url": f"{self.server.root}/lgsp", "token_path": "/qlvb/token/", "send_path": "/qlvb/sendVB", "user_id": "u-51"}
        return {"connector": "ioffice", "dialect": "vnpt", **keys, **paths}

    def secrets(self) -> tuple[str, ...]:
        headers = {asked.headers["lgspaccesstoken"] for asked in self.server.asked if "lgspaccesstoken" in asked.headers}
        return (ACCESS, SECRET, FIXED, *headers, *self.vnpt.given)

    def refusal(self, said: str) -> Behaviour:
        return answer({"code": "9", "message": said})

    def holds(self) -> list[str]:
        return [asked.body["maHoSo"] for asked in self.came()]

    def texts(self, asked: Asked) -> Iterator[str]:
        return strings(asked.body)

    def contents(self, asked: Asked) -> list[bytes]:
        return [base64.b64decode(file["fileByte"]) for file in asked.body["files"]]


class _Vnpt(ScriptedPortal):
    """Gives a token and takes drafts from who has one."""

    def __init__(self) -> None:
        self.given: list[str] = []
        super().__init__()

    def _properly(self, asked: Asked) -> Behaviour:
        if asked.service == "u-51":
            known = asked.headers.get("x-authentication-token") == FIXED and asked.headers.get("lgspaccesstoken")
            return self._token() if known else answer({"code": 401}, 401)
        if asked.headers.get("x-authentication-token") not in self.given:
            return answer({"code": 401}, 401)
        return answer({"code": "200", "message": "Thành công"})

    def _token(self) -> Behaviour:
        self.given.append(f"the-{len(self.given) + 1}-a/b+c=")
        return answer({"data": {"token": self.given[-1]}})


def soap(operation: str, inside: str, status: int = 200) -> Behaviour:
    """An answer of the service."""
    envelope = (
        f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body><{operation}Response xmlns="{NAMESPACE}">{inside}</{operation}Response></soap:Body></soap:Envelope>'
    )
    return answer(f'<?xml version="1.0" encoding="utf-8"?>{envelope}'.encode(), status, Content_Type="text/xml; charset=utf-8")


def _fields(asked: Asked) -> dict[str, str]:
    body = etree.fromstring(asked.raw, etree.XMLParser(huge_tree=True)).find(f"{{{SOAP}}}Body")
    assert body is not None
    return {str(etree.QName(child).localname): child.text or "" for child in body[0]}


class _Office(ScriptedPortal):
    """Takes drafts, each once by its id, and lists what waits until it is acknowledged."""

    def __init__(self) -> None:
        self.taken: dict[str, tuple[str, str]] = {}  #: dossier and correlation, by the sender's id
        self.waiting: list[str] = []
        super().__init__()

    def _behave(self, talk: Talk) -> bool:
        service = talk.asked.headers.get("soapaction", "").strip('"').removeprefix(NAMESPACE)
        return super()._behave(talk._replace(asked=talk.asked._replace(service=service or talk.asked.service)))

    def _properly(self, asked: Asked) -> Behaviour:
        fields = _fields(asked)
        if (fields.get("userName"), fields.get("userPass")) != ("motcua", PASSWORD):
            return soap(asked.service, "<resultCode>15</resultCode><resultMessage>Sai mật khẩu</resultMessage>")
        return soap(asked.service, self._answered(asked.service, fields))

    def _answered(self, service: str, fields: Mapping[str, str]) -> str:
        match service:
            case "SendDossierDocument":
                code = "30" if fields["clientMessageId"] in self.taken else "0"
                self.taken.setdefault(fields["clientMessageId"], (fields["dossierCode"], fields["correlation"]))
                return f"<resultCode>{code}</resultCode><docId>IO-1</docId>"
            case "GetDocumentStatus":
                found = [correlation for code, correlation in self.taken.values() if code == fields.get("dossierCode", code)]
                state = "".join(f"<statusCode>01</statusCode><docId>IO-1</docId><correlation>{correlation}</correlation>" for correlation in found[:1])
                return f"<resultCode>{0 if found else 31}</resultCode>{state}"
            case "ListIssuedDocuments":
                listed = self.waiting[: int(fields["top"])]
                about = f"<dossierCode>{dossier().code}</dossierCode><resultType>01</resultType>"
                return "<resultCode>0</resultCode>" + "".join(f"<document><docId>{key}</docId>{about}</document>" for key in listed)
            case "GetIssuedDocument" if fields["docId"] in self.waiting:
                return f"<resultCode>0</resultCode><edXml>{base64.b64encode(_package()).decode()}</edXml>"
            case "AcknowledgeDocument" if fields["docId"] in self.waiting:
                self.waiting.remove(fields["docId"])
                return "<resultCode>0</resultCode>"
        return "<resultCode>31</resultCode><resultMessage>Không có văn bản</resultMessage>"


def _package() -> bytes:
    """An issued document with one file."""
    content = base64.b64encode(PDF).decode()
    text = f"""
    <edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader><MessageHeader>
      <From><OrganId>000.00.14.H03</OrganId><OrganName>UBND</OrganName></From><To><OrganId>000.00.00.H03</OrganId></To><DocumentId>x1</DocumentId>
      <Code><CodeNumber>12</CodeNumber><CodeNotation>GKS-UBND</CodeNotation></Code>
      <PromulgationInfo><Place>Bắc Kạn</Place><PromulgationDate>2025/03/05</PromulgationDate></PromulgationInfo>
      <DocumentType><Type>2</Type><TypeName>Giấy khai sinh</TypeName></DocumentType><Subject>Giấy khai sinh</Subject>
      <SignerInfo><Competence>TM.</Competence><Position>Chủ tịch</Position><FullName>Triệu Văn Sơn</FullName></SignerInfo>
      <OtherInfo><ReferenceCodes>{dossier().code}</ReferenceCodes></OtherInfo>
    </MessageHeader><TraceHeaderList><Bussiness><BussinessDocType>0</BussinessDocType></Bussiness></TraceHeaderList></edXMLHeader>
    <edXMLBody><edXMLManifest><Reference><ContentId>cid:1</ContentId><AttachmentName>giay.pdf</AttachmentName></Reference></edXMLManifest></edXMLBody></edXMLEnvelope>
    <AttachmentEncoded><Attachment><ContentType>application/pdf</ContentType><ContentId>cid:1</ContentId><AttachmentName>giay.pdf</AttachmentName>
      <ContentTransferEncoded>{content}</ContentTransferEncoded></Attachment></AttachmentEncoded></edXML>"""
    return re.sub(r">\s+<", "><", text.strip()).encode()

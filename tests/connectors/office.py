"""A scripted I-office: a SOAP server over real connections that does well, and strictly, what a test does not script otherwise.

Each request must be valid by the schema in the shipped WSDL; what is not is kept in `violations`. The scripting is that of the
portal's server, call by call, the service being the SOAP operation.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from xml.sax.saxutils import escape

from lxml import etree
from msgspec.structs import replace

from connectors._ioffice.options import IofficeOptions
from connectors.ioffice import connector
from syncd.calls import Element, Operation, Portion
from syncd.model import Draft
from syncd.ports import Collector, Target
from tests.clocks import TurnedClock
from tests.connectors.dossiers import DOSSIER
from tests.connectors.packages import PDF
from tests.connectors.portal import Asked, Behaviour, ScriptedPortal, Talk, answer

SOAP, NAMESPACE, XSD = "http://schemas.xmlsoap.org/soap/envelope/", "http://tempuri.org/", "http://www.w3.org/2001/XMLSchema"
USER, PASSWORD = "motcua", 'mật "khẩu" <1&2>'
PATH = "/dich-vu/hoso"
SEND, STATUS, LIST, GET, ACKNOWLEDGE = "SendDossierDocument", "GetDocumentStatus", "ListIssuedDocuments", "GetIssuedDocument", "AcknowledgeDocument"
DRAFT = Draft(
    id="77",
    revision="r1",
    title="Cấp phép xây dựng cho ông Lý Văn Tài",
    kind="Quyết định",
    file_name="Dự thảo quyết định.pdf",
    signer="men.ht",
    signer_name="Hà Thị Mến",
    submitter="lan.ht",
    submitter_name="Hoàng Thị Lan",
    due_at=DOSSIER.due_at,
)
SUBJECT = f"{DOSSIER.code}/{DRAFT.id}"
_WSDL = files("mappings").joinpath("ioffice", "ioffice.wsdl").read_bytes()
Fields = Mapping[str, object]


def wsdl(namespace: str = NAMESPACE) -> bytes:
    """The shipped WSDL."""
    return _WSDL.replace(NAMESPACE.encode(), namespace.encode())


def schema(namespace: str = NAMESPACE) -> etree.XMLSchema:
    """The schema of the messages."""
    found = etree.fromstring(wsdl(namespace)).find(f".//{{{XSD}}}schema")
    assert found is not None
    return etree.XMLSchema(etree.fromstring(etree.tostring(found)))


def envelope(operation: str, fields: Fields, namespace: str = NAMESPACE, prefix: str = "") -> bytes:
    """The answer of an operation."""
    colon = f"{prefix}:" if prefix else ""
    bound = f"xmlns:{prefix}" if prefix else "xmlns"
    body = f'<{colon}{operation}Response {bound}="{namespace}">{_written(fields, colon)}</{colon}{operation}Response>'
    return f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def _written(fields: Fields, colon: str) -> str:
    parts = []
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            inner = _written(one, colon) if isinstance(one, dict) else base64.b64encode(one).decode() if isinstance(one, bytes) else escape(str(one))
            parts.append(f"<{colon}{name}>{inner}</{colon}{name}>")
    return "".join(parts)


def told(operation: str, status: int = 200, namespace: str = NAMESPACE, prefix: str = "", **fields: object) -> Behaviour:
    """An answer with these fields."""
    return answer(envelope(operation, fields, namespace, prefix), status, Content_Type="text/xml; charset=utf-8")


def fault(code: str, text: str, status: int = 500) -> Behaviour:
    """A SOAP fault."""
    body = (
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body><s:Fault><faultcode>{code}</faultcode><faultstring>{escape(text)}</faultstring></s:Fault></s:Body></s:Envelope>'
    )
    return answer(body.encode(), status, Content_Type="text/xml")


class ScriptedOffice(ScriptedPortal):
    """Listens on loopback from construction to `close`."""

    def __init__(self, namespace: str = NAMESPACE) -> None:
        self.namespace = namespace
        self.documents: dict[str, str] = {}  #: id by clientMessageId
        self.states: list[dict[str, str]] = []
        self.waiting: dict[str, tuple[dict[str, str], bytes]] = {}  #: what is listed of a document, and its package
        self._schema = schema(namespace)
        super().__init__()

    @property
    def address(self) -> str:
        """Of the service."""
        return self.root + PATH

    def fields(self, operation: str, at: int = -1) -> dict[str, str]:
        """What a call of that operation told, in order."""
        return _fields(self.calls(operation)[at].raw)[1]

    def _behave(self, talk: Talk) -> bool:
        if talk.asked.method == "POST":
            talk = talk._replace(asked=talk.asked._replace(service=_fields(talk.asked.raw)[0]))
            self.violations += self._wrong(talk.asked)
        return super()._behave(talk)

    def _wrong(self, asked: Asked) -> list[str]:
        wanted = {"content-type": "text/xml; charset=utf-8", "soapaction": f'"{self.namespace}{asked.service}"', "user-agent": "syncd"}
        found = [f"{asked.service}: header {name} {asked.headers.get(name)}" for name, value in wanted.items() if asked.headers.get(name) != value]
        found += [f"{asked.service}: header {name}" for name in ("cookie", "authorization", "transfer-encoding") if name in asked.headers]
        body = next(etree.fromstring(asked.raw, etree.XMLParser(huge_tree=True)).iter(f"{{{SOAP}}}Body"))[0]
        if not self._schema.validate(body):
            found.append(f"{asked.service}: {self._schema.error_log.last_error}")
        return found

    def _properly(self, asked: Asked) -> Behaviour:
        if asked.method == "GET":
            return answer(wsdl(self.namespace).replace(b"https://ioffice.tinh.example/services/hoso", self.address.encode()))
        fields = _fields(asked.raw)[1]
        if "userName" in fields and (fields["userName"], fields["userPass"]) != (USER, PASSWORD):
            return told(asked.service, namespace=self.namespace, resultCode="15", resultMessage=f"Sai mật khẩu {fields['userPass']}")
        operations: dict[str, Callable[[dict[str, str]], Fields]] = {
            SEND: self._send,
            STATUS: self._status,
            LIST: self._list,
            GET: self._get,
            ACKNOWLEDGE: self._acknowledge,
        }
        said = {"resultCode": "0", "resultMessage": "Thành công", **operations[asked.service](fields)}
        return answer(envelope(asked.service, said, self.namespace), Content_Type="text/xml; charset=utf-8")

    def _send(self, fields: dict[str, str]) -> Fields:
        key = fields["clientMessageId"]
        if key in self.documents:
            return {"resultCode": "30", "docId": self.documents[key]}
        self.documents[key] = f"vb-{len(self.documents) + 1}"
        self.states.append({"statusCode": "01", "docId": self.documents[key], "correlation": fields["correlation"]})
        return {"docId": self.documents[key]}

    def _status(self, fields: dict[str, str]) -> Fields:
        states = [state for state in self.states if fields.get("docId", state["docId"]) == state["docId"]]
        return {**states[-1], "history": states} if states else {"resultCode": "31", "resultMessage": "Không có văn bản"}

    def _list(self, fields: dict[str, str]) -> Fields:
        return {"document": [{"docId": key, **listed} for key, (listed, _) in list(self.waiting.items())[: int(fields["top"])]]}

    def _get(self, fields: dict[str, str]) -> Fields:
        found = self.waiting.get(fields["docId"])
        return {"edXml": found[1]} if found else {"resultCode": "31", "resultMessage": "Không có văn bản"}

    def _acknowledge(self, fields: dict[str, str]) -> Fields:
        return {} if self.waiting.pop(fields["docId"], None) else {"resultCode": "31"}


def _fields(raw: bytes) -> tuple[str, dict[str, str]]:
    """The operation, and what it is told."""
    operation = next(etree.fromstring(raw, etree.XMLParser(huge_tree=True)).iter(f"{{{SOAP}}}Body"))[0]
    return etree.QName(operation).localname, {etree.QName(child).localname: child.text or "" for child in operation}


class Bench:
    """An office, and targets that speak to it."""

    def __init__(self, folder: Path, namespace: str = NAMESPACE) -> None:
        self.office = ScriptedOffice(namespace)
        self.clock = TurnedClock()
        self.file = folder / "draft.pdf"
        self.file.write_bytes(PDF)
        self.sleeps: list[float] = []
        self._made: list[Target] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for target in self._made:
            target.close()
            target.close()
        self.office.close()
        assert kind or self.office.violations == []

    def target(self, mappings: Path | None = None, **given: Any) -> Target:
        """A target with the usual options and these."""
        usual = {"connector": "ioffice", "address": self.office.address, "username": USER, "password": PASSWORD, "from_organ": "000.00.00.H03", "timeout": "5s"}
        self._made.append(connector.build("io", IofficeOptions.model_validate(usual | given), clock=self.clock, mappings=mappings, sleep=self.sleeps.append))
        return self._made[-1]

    def collector(self, **given: Any) -> Collector:
        """And its way back."""
        found = self.target(**given).collector
        assert found is not None
        return found

    def portion(self, operation: Operation = Operation.CREATE, memo: str = "", subject: str = SUBJECT, **changed: Any) -> Portion:
        """A draft to be sent."""
        return Portion(operation=operation, dossier=DOSSIER, subject=subject, matter=replace(DRAFT, **{"file": str(self.file), **changed}), memo=memo)

    def element(self, target: Target, **changed: Any) -> Element:
        """And composed."""
        return target.compose(self.portion(**changed))

    def will(self, operation: str, *behaviours: Behaviour) -> None:
        """The next calls of that operation end so."""
        self.office.will(operation, *behaviours)

"""zeep, held short: its messages travel over our own HTTP, and it neither fetches anything nor sees large content.

zeep makes each request from the WSDL and reads each answer by it. Between the two stands `Carrier`, its transport. What a
package would cost inside of zeep (`docs/adr/0004-zeep.md`) is avoided here: a mark stands for the content while the envelope is
made, and of an answer the content is taken out before zeep parses the rest. So zeep can keep libxml2's limits, and an answer that is
large without its content is none.

Imported where it is needed only, for zeep takes its time to load.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import threading
from collections.abc import Mapping
from io import BytesIO
from types import SimpleNamespace
from typing import Any, NamedTuple

import zeep
from lxml import etree
from zeep.wsdl.bindings.soap import Soap11Binding

from connectors._http.calls import Call, Http
from connectors._http.outcomes import Answered, Trouble
from syncd.calls import Outcome

LARGEST_REST = 1_000_000  #: bytes of an answer beside its content
CONTENT = "edXml"
_CONTENT = re.compile(rb"<(?:[\w.-]+:)?edXml(?:\s[^<>]*)?>(?:\s*+<!\[CDATA\[)?([A-Za-z0-9+/=\s&#;]*+)(?:\]\]>\s*+)?</")
_BREAKS = re.compile(rb"&#(?:13|10|x[dDaA]);|\s")
_FAULT = re.compile(rb"<(?:[\w.-]+:)?Fault[\s>]")
_SETTINGS: Mapping[str, bool] = {
    "strict": True,
    "forbid_dtd": True,
    "forbid_entities": True,
    "forbid_external": True,
    "force_https": False,
    "xml_huge_tree": False,
    "xsd_ignore_sequence_order": True,
}


class Carried(Exception):
    """What came instead of an answer that zeep could read; never leaves this package."""

    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble
        super().__init__(trouble.message)


class Errand(threading.local):
    """The present call of this thread, which zeep does not pass on."""

    until = 0.0
    action = ""
    repeatable = False
    content: bytes | None = None
    mark = b""
    answer: Answered | Trouble | None = None
    brought: bytes | None = None  #: content of the answer, as base64


class Carrier(zeep.Transport):
    """The transport under a client."""

    def __init__(self, http: Http, headers: Mapping[str, str]) -> None:
        super().__init__(session=_NoSession())  # type: ignore[no-untyped-call]
        self._http = http
        self._headers = dict(headers)
        self.errand = Errand()

    def load(self, url: object) -> bytes:
        raise zeep.exceptions.ExternalReferenceForbidden(url)  # type: ignore[no-untyped-call]

    def post_xml(self, address: str, envelope: etree._Element, headers: Mapping[str, str]) -> object:
        errand = self.errand
        message = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        if errand.content is not None:
            before, _, after = message.partition(base64.b64encode(errand.mark))
            message = b"".join((before, base64.b64encode(errand.content), after))
        actions = {"SOAPAction": f'"{errand.action}"'} if errand.action else {}
        call = Call(address, message, {**headers, **actions, **self._headers}, repeatable=errand.repeatable)
        answer = errand.answer = self._http.send(call, errand.until)
        if isinstance(answer, Trouble) and not _FAULT.search(answer.body[:LARGEST_REST]):
            raise Carried(answer)
        status = answer.status if isinstance(answer, Answered) else 500
        return SimpleNamespace(status_code=status, headers={}, content=self._rest(answer.body), encoding="utf-8")

    def _rest(self, body: bytes) -> bytes:
        """The answer without its content, which is kept."""
        if found := _CONTENT.search(body):
            self.errand.brought = found[1]
            body = body[: found.start(1)] + body[found.end(1) :]
        if len(body) > LARGEST_REST:
            raise Carried(Trouble(Outcome.UNKNOWN, "unreadable", "no answer of I-office: too large beside its content"))
        return body


class _NoSession:
    """What zeep would talk over by itself, if it were let."""

    headers: dict[str, str] = {}  # noqa: RUF012 zeep writes its name there and nobody reads it

    def mount(self, prefix: str, adapter: object) -> None:
        """Nothing is mounted."""


class Brought(NamedTuple):
    """What a call brought besides what zeep made of it."""

    answer: Answered | Trouble | None  #: None where nothing went out
    encoded: bytes | None  #: the content, as base64

    def content(self) -> bytes | None:
        """The content; None where there is none. Raises `ValueError` where it is not base64."""
        return binascii.a2b_base64(_BREAKS.sub(b"", self.encoded), strict_mode=True) if self.encoded else None


class Client:
    """A WSDL, read once."""

    def __init__(self, wsdl: bytes, address: str, http: Http, headers: Mapping[str, str]) -> None:
        """Raises whatever zeep raises where the WSDL cannot be used."""
        self._carrier = Carrier(http, headers)
        client = zeep.Client(BytesIO(wsdl), settings=zeep.Settings(**_SETTINGS), transport=self._carrier)  # type: ignore[no-untyped-call]
        ports = [port for service in client.wsdl.services.values() for port in service.ports.values() if isinstance(port.binding, Soap11Binding)]
        if not ports:
            raise ValueError("it has no port for SOAP 1.1")
        self.address = address or ports[0].binding_options["address"]
        self._service = client.create_service(ports[0].binding.name, self.address)  # type: ignore[no-untyped-call]

    def call(
        self, operation: str, told: Mapping[str, object], until: float, *, content: bytes | None = None, repeatable: bool = False, action: str = ""
    ) -> Any:
        """What zeep makes of the answer, or whatever it raises."""
        errand = self._carrier.errand
        errand.until, errand.action, errand.repeatable, errand.content = until, action, repeatable, content
        errand.answer = errand.brought = None
        errand.mark = secrets.token_bytes(18)
        try:
            return self._service[operation](**told, **({} if content is None else {CONTENT: errand.mark}))
        finally:
            errand.content = None

    def brought(self) -> Brought:
        """What the last call of this thread brought, handed over: it is not kept here."""
        errand = self._carrier.errand
        brought = Brought(errand.answer, errand.brought)
        errand.answer = errand.brought = None
        return brought

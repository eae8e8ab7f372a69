"""SOAP 1.1 as the sandbox I-office speaks it: requests are taken by the shipped WSDL's own schema, answers and faults are written.

The WSDL is read as a resource of the project, so what is served is what is shipped; namespace and address are put into it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final, NamedTuple

from lxml import etree

from syncd.sandbox.server import Reply, Request

NAMESPACE: Final = "http://tempuri.org/"
_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_ADDRESS: Final = "https://ioffice.tinh.example/services/hoso"
_TYPE: Final = "text/xml; charset=utf-8"
Fields = Mapping[str, "str | Sequence[Mapping[str, str]]"]


class Unreadable(Exception):
    """What came is no request of this service: it is answered with a fault."""


class Operation(NamedTuple):
    """A request, its fields by their name."""

    name: str
    fields: dict[str, str]


class Soap:
    """The service's language under one namespace."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._text = files("mappings").joinpath("ioffice/ioffice.wsdl").read_text("utf-8").replace(NAMESPACE, namespace)
        found = etree.fromstring(self._text.encode()).find(".//{http://www.w3.org/2001/XMLSchema}schema")
        if found is None:
            raise LookupError("the WSDL has no schema")
        self._schema = etree.XMLSchema(etree.fromstring(etree.tostring(found)))  # by itself, with the namespaces around it
        self._lock = threading.Lock()

    def wsdl(self, address: str) -> Reply:
        """The description, with that address."""
        return Reply(self._text.replace(_ADDRESS, address).encode(), content_type=_TYPE)

    def read(self, request: Request) -> Operation:
        """The operation that is asked for. Raises `Unreadable` for what breaks the description."""
        body = _parsed(request.body).find(f"{{{_SOAP}}}Body")
        if body is None or len(body) != 1:
            raise Unreadable("Thiếu soap:Body")
        element = body[0]
        name = etree.QName(element)
        action = request.headers.get("soapaction", "")
        if name.namespace != self._namespace or action != f'"{self._namespace}{name.localname}"':
            raise Unreadable("Server did not recognize the value of HTTP Header SOAPAction")
        if not request.headers.get("content-type", "").startswith("text/xml"):
            raise Unreadable("Content-Type must be text/xml")
        return Operation(name.localname, self._fields(element))

    def answer(self, operation: str, told: Fields) -> Reply:
        """The answer of an operation; a list is one element for each of its entries."""
        envelope = etree.Element(f"{{{_SOAP}}}Envelope", nsmap={"soap": _SOAP})
        body = etree.SubElement(envelope, f"{{{_SOAP}}}Body")
        response = etree.SubElement(body, f"{{{self._namespace}}}{operation}Response", nsmap={None: self._namespace})
        for name, value in told.items():
            if isinstance(value, str):
                self._put(response, name, value)
                continue
            for entry in value:
                part = etree.SubElement(response, f"{{{self._namespace}}}{name}")
                for inner, text in entry.items():
                    self._put(part, inner, text)
        return Reply(_bytes(envelope), content_type=_TYPE)

    def fault(self, text: str, who: str = "Client") -> Reply:
        """A fault of the client or of the server."""
        envelope = etree.Element(f"{{{_SOAP}}}Envelope", nsmap={"soap": _SOAP})
        fault = etree.SubElement(etree.SubElement(envelope, f"{{{_SOAP}}}Body"), f"{{{_SOAP}}}Fault")
        etree.SubElement(fault, "faultcode").text = f"soap:{who}"
        etree.SubElement(fault, "faultstring").text = text
        return Reply(_bytes(envelope), 500, _TYPE)

    def _put(self, parent: Any, name: str, text: str) -> None:
        etree.SubElement(parent, f"{{{self._namespace}}}{name}").text = text

    def _fields(self, element: Any) -> dict[str, str]:
        fields = {str(etree.QName(child).localname): child.text or "" for child in element}
        for child in element:
            if etree.QName(child).localname == "edXml":
                child.text = ""  # megabytes that the schema would look at letter by letter
        with self._lock:
            if not self._schema.validate(element):
                raise Unreadable(f"Server was unable to read request: {self._schema.error_log[0].message}")
        return fields


def _parsed(content: bytes) -> Any:
    try:
        root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_comments=True))
    except etree.XMLSyntaxError:
        raise Unreadable("Unable to parse request") from None
    if root.tag != f"{{{_SOAP}}}Envelope" or root.getroottree().docinfo.doctype:
        raise Unreadable("Possible SOAP version mismatch")
    return root


def _bytes(envelope: Any) -> bytes:
    return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")

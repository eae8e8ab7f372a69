"""What a draft of 20 MB costs as SOAP, both ways: zeep alone, zeep without the content, an envelope made by hand.

Run it from the repository: `python benchmarks/soap.py`. A time is the best of five. Memory is the most that the process ever held
above what it held before; each way has a process of its own.
"""

from __future__ import annotations

import base64
import multiprocessing
import os
import re
import resource
import time
from collections.abc import Callable
from importlib.resources import files
from io import BytesIO
from types import SimpleNamespace
from typing import Any

from lxml import etree

EDXML = os.urandom(20_000_000 * 4 // 3)
OPERATION, SOAP, NAMESPACE = "SendDossierDocument", "http://schemas.xmlsoap.org/soap/envelope/", "http://tempuri.org/"
TOLD = {
    "dossierCode": "000.00.14.H03-250303-0001",
    "fromOrganId": "000.00.00.H03",
    "issuingOrganId": "000.00.14.H03",
    "submitterAccount": "lan",
    "subject": "Dự thảo",
    "clientMessageId": "0b8c",
}
MARK = b"\0mark"
ANSWER = (
    f'<s:Envelope xmlns:s="{SOAP}"><s:Body><GetIssuedDocumentResponse xmlns="{NAMESPACE}"><edXml>%s</edXml></GetIssuedDocumentResponse></s:Body></s:Envelope>'
)
ANSWERED = (ANSWER % base64.b64encode(EDXML).decode()).encode()


def client(**settings: bool) -> Any:
    """A zeep client on the shipped WSDL."""
    import zeep

    wsdl = BytesIO(files("mappings").joinpath("ioffice", "ioffice.wsdl").read_bytes())
    return zeep.Client(wsdl, settings=zeep.Settings(forbid_dtd=True, forbid_external=True, **settings))  # type: ignore[no-untyped-call]


def envelope(own: Any, content: bytes) -> bytes:
    """What zeep makes of a draft."""
    return etree.tostring(own.create_message(own.service, OPERATION, edXml=content, **TOLD), encoding="utf-8", xml_declaration=True)


def write_zeep(own: Any) -> bytes:
    """Give zeep the content."""
    return envelope(own, EDXML)


def write_put_in(own: Any) -> bytes:
    """Give zeep a mark, whose place the content takes afterwards."""
    before, _, after = envelope(own, MARK).partition(base64.b64encode(MARK))
    return b"".join((before, base64.b64encode(EDXML), after))


def write_by_hand(own: Any) -> bytes:
    """No zeep."""
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"s": SOAP})
    operation = etree.SubElement(etree.SubElement(root, f"{{{SOAP}}}Body"), f"{{{NAMESPACE}}}{OPERATION}")
    for name, value in TOLD.items():
        etree.SubElement(operation, f"{{{NAMESPACE}}}{name}").text = value
    etree.SubElement(operation, f"{{{NAMESPACE}}}edXml").text = base64.b64encode(EDXML).decode("ascii")
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def read_zeep(own: Any) -> bytes:
    """Let zeep read all of the answer."""
    content: bytes = reply(own, ANSWERED).edXml
    return content


def read_taken_out(own: Any) -> bytes:
    """Take the content out and let zeep read the rest."""
    found = re.search(rb"<edXml>([^<]*+)", ANSWERED)
    assert found is not None
    reply(own, ANSWERED[: found.start(1)] + ANSWERED[found.end(1) :])
    return base64.b64decode(found[1])


def reply(own: Any, body: bytes) -> Any:
    """What zeep makes of an answer."""
    binding = own.service._binding  # noqa: SLF001 the only way to hand zeep an answer
    return binding.process_reply(own, binding.get("GetIssuedDocument"), SimpleNamespace(status_code=200, headers={}, content=body, encoding="utf-8"))


WAYS: dict[str, tuple[Callable[[Any], bytes], dict[str, bool]]] = {
    "write: zeep": (write_zeep, {}),
    "write: zeep, content put in": (write_put_in, {}),
    "write: lxml by hand": (write_by_hand, {}),
    "read: zeep": (read_zeep, {"xml_huge_tree": True}),
    "read: content taken out, zeep": (read_taken_out, {}),
}


def measure(name: str) -> tuple[float, float]:
    """Milliseconds and MB of one way."""
    way, settings = WAYS[name]
    own = client(**settings)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        way(own)
        seconds.append(time.perf_counter() - began)
    return min(seconds) * 1000, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000


def small() -> float:
    """Milliseconds of an envelope without content."""
    own = client()
    began = time.perf_counter()
    for _ in range(500):
        envelope(own, MARK)
    return (time.perf_counter() - began) * 2


if __name__ == "__main__":
    for each in WAYS:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print("{:32} {:6.0f} ms {:6.0f} MB".format(each, *pool.apply(measure, (each,))))
    print(f"{'a small envelope by zeep':32} {small():6.2f} ms")

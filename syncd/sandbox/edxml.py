"""Builds edXML (QCVN 102:2016/BTTTT) as the kits of two vendors do: issued documents, and status packages.

The kits differ in the order of children, in prefixes, in whether empty elements are written, in how attachments are named
and in whether office files are put into a ZIP. So the text is written here letter by letter: a library would choose prefixes itself.
"""

from __future__ import annotations

import io
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Final, Literal, NamedTuple
from xml.sax.saxutils import escape

NAMESPACE: Final = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
STATUSES: Final = {
    "01": "Đã đến", "02": "Từ chối tiếp nhận", "03": "Đã tiếp nhận", "04": "Phân công", "05": "Đang xử lý", "06": "Hoàn thành", "13": "Lấy lại",
    "15": "Đồng ý", "16": "Từ chối",
}  # fmt: skip
_ORGAN: Final = ("OrganId", "OrganizationInCharge", "OrganName", "OrganAdd", "Email", "Telephone", "Fax", "Website")
_UNPREFIXED: Final = ("edXML", "Signature", "AttachmentEncoded")
_PLAIN_TYPES: Final = {b"%PDF": "application/pdf", b"PK\x03\x04": "application/zip"}

Order = Literal["java", "dotnet"]
Prefixes = Literal["mixed", "plain"]
Node = tuple[str, "str | Sequence[Node]"]


class Dialect(NamedTuple):
    """How a kit writes."""

    order: Order = "java"
    prefixes: Prefixes = "mixed"  #: `edXML:` within the envelope, or the default namespace everywhere
    cid: bool = True  #: attachments are called `cid:<id>` on both sides; else the attachment itself by the bare id
    zipped: bool = True  #: what is neither PDF nor ZIP goes in a ZIP


_ORDERS: Final[tuple[Order, ...]] = ("java", "dotnet")
_PREFIXES: Final[tuple[Prefixes, ...]] = ("mixed", "plain")
DIALECTS: Final = tuple(Dialect(*chosen) for chosen in product(_ORDERS, _PREFIXES, (True, False), (True, False)))


class Enclosed(NamedTuple):
    """A file to be attached."""

    name: str
    content: bytes
    kind: str = "application/octet-stream"


class Organ(NamedTuple):
    """A sender or receiver."""

    code: str
    name: str


class Document(NamedTuple):
    """An issued document. Dates are as they will be written."""

    sender: Organ
    receiver: Organ
    subject: str
    timestamp: str
    number: str = ""
    notation: str = ""
    issued_on: str = ""
    signer: str = ""
    position: str = ""
    reference: str = ""  #: dossier code
    kind: str = "Quyết định"
    place: str = "Bắc Kạn"
    files: Sequence[Enclosed] = ()


class Status(NamedTuple):
    """A status package."""

    sender: Organ
    receiver: Organ
    code: str
    timestamp: str
    description: str = ""
    about: str = ""  #: number and notation of the document, or the dossier code
    document_id: str = ""
    staff: str = ""


def build_document(document: Document, dialect: Dialect = Dialect()) -> bytes:  # noqa: B008 a value that never changes
    """The file of an issued document."""
    header = [_message_header(document, dialect), _trace(document)]
    references = [_reference(number, file, dialect) for number, file in enumerate(document.files, start=1)]
    body: Node = ("edXMLBody", [('edXMLManifest version="1.0"', references)])
    attachments: list[Node] = [_attachment(number, file, dialect) for number, file in enumerate(document.files, start=1)]
    envelope: Node = ("edXMLEnvelope", [("edXMLHeader", header), body])
    return _written([envelope, *([("AttachmentEncoded", attachments)] if attachments else ())], dialect)


def build_status(status: Status, dialect: Dialect = Dialect()) -> bytes:  # noqa: B008
    """The file of a status package."""
    about: Node = (
        "ResponseFor",
        [("OrganId", status.receiver.code), ("Code", status.about), ("PromulgationDate", ""), ("DocumentId", status.document_id)],
    )
    children: list[Node] = [
        _organ("From", status.sender),
        about,
        ("StaffInfo", [("Department", "Văn thư"), ("Staff", status.staff), ("Mobile", ""), ("Email", "")]),
        ("StatusCode", status.code),
        ("Description", status.description or STATUSES[status.code]),
        ("Timestamp", status.timestamp),
    ]
    if dialect.order == "dotnet":
        children.reverse()
    return _written([("edXMLEnvelope", [("edXMLHeader", [("MessageHeader", children)])])], dialect)


def _message_header(document: Document, dialect: Dialect) -> Node:
    parts: dict[str, Node] = {
        "From": _organ("From", document.sender),
        "To": _organ("To", document.receiver),
        "DocumentId": ("DocumentId", f"{document.sender.code},{document.issued_on},{document.number}/{document.notation}" if document.number else ""),
        "Code": ("Code", [("CodeNumber", document.number), ("CodeNotation", document.notation)]),
        "PromulgationInfo": ("PromulgationInfo", [("Place", document.place), ("PromulgationDate", document.issued_on)]),
        "DocumentType": ("DocumentType", [("Type", "2"), ("TypeDetail", "0"), ("TypeName", document.kind)]),
        "Subject": ("Subject", document.subject),
        "Content": ("Content", document.subject),
        "SignerInfo": ("SignerInfo", [("Competence", "TM. UBND"), ("Position", document.position), ("FullName", document.signer)]),
        "DueDate": ("DueDate", ""),
        "OtherInfo": ("OtherInfo", _other(document)),
        "ToPlaces": ("ToPlaces", [("Place", document.receiver.name)]),
    }
    names = list(parts)
    if dialect.order == "dotnet":
        names = ["Code", *(name for name in names if name not in ("Code", "DocumentId", "ToPlaces", "OtherInfo")), "ToPlaces", "OtherInfo", "DocumentId"]
    return ("MessageHeader", [parts[name] for name in names])


def _other(document: Document) -> list[Node]:
    return [
        ("Priority", "0"), ("SphereOfPromulgation", ""), ("TyperNotation", "VT"), ("PromulgationAmount", "1"), ("PageAmount", "1"), ("Direction", "false"),
        ("ReferenceCodes", [("ReferenceCode", document.reference)] if document.reference else ""), ("Appendixes", ""),
    ]  # fmt: skip


def _organ(name: str, organ: Organ) -> Node:
    told = {"OrganId": organ.code, "OrganName": organ.name}
    return (name, [(child, told.get(child, "")) for child in _ORGAN])


def _trace(document: Document) -> Node:
    return (
        "TraceHeaderList",
        [
            ("TraceHeader", [("OrganId", document.sender.code), ("Timestamp", document.timestamp)]),
            ("Bussiness", [("DocumentId", document.reference), ("BussinessDocType", "0"), ("BussinessDocReason", ""), ("Paper", "0")]),
        ],
    )


def _reference(number: int, file: Enclosed, dialect: Dialect) -> Node:
    kind, _, _ = _packed(file, dialect, number)
    return ("Reference", [("ContentId", f"cid:tep-{number}"), ("ContentType", kind), ("Description", ""), ("AttachmentName", file.name)])


def _attachment(number: int, file: Enclosed, dialect: Dialect) -> Node:
    kind, _, content = _packed(file, dialect, number)
    return (
        "Attachment",
        [
            ("ContentId", f"{'cid:' if dialect.cid else ''}tep-{number}"),
            ("AttachmentName", file.name),
            ("Description", ""),
            ("ContentType", kind),
            ("ContentTransferEncoded", b64encode(content).decode()),
        ],
    )


def _packed(file: Enclosed, dialect: Dialect, number: int) -> tuple[str, str, bytes]:
    """Content type, name and content as they go: PDF and ZIP as they are, the rest in a ZIP under a name of its own."""
    plain = _PLAIN_TYPES.get(file.content[:4]) if not file.name.endswith((".docx", ".xlsx")) else None
    if plain or not dialect.zipped:
        return plain or file.kind, file.name, file.content
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(f"00000000-0000-4000-8000-{number:012}.{file.name.rpartition('.')[2]}"), file.content)
    return "application/zip", file.name, packed.getvalue()


def _written(children: Iterable[Node], dialect: Dialect) -> bytes:
    declared = f' xmlns="{NAMESPACE}"'
    inside = "".join(_element(child, dialect, outside=True) for child in children)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<edXML{declared}>{inside}</edXML>'.encode()


def _element(node: Node, dialect: Dialect, *, outside: bool = False) -> str:
    """`outside` says that the prefix is not declared yet."""
    name, _, attributes = node[0].partition(" ")
    prefixed = dialect.prefixes == "mixed" and name not in _UNPREFIXED and (not outside or name in ("edXMLEnvelope", "ContentTransferEncoded"))
    declared = f' xmlns:edXML="{NAMESPACE}"' if prefixed and outside else ""
    told = (f" {attributes}" if attributes else "") + declared
    below = outside and not prefixed
    content = escape(node[1]) if isinstance(node[1], str) else "".join(_element(child, dialect, outside=below) for child in node[1])
    if not content and dialect.order == "java" and name not in ("edXMLBody", "edXMLManifest"):
        return ""
    spelt = f"edXML:{name}" if prefixed else name
    return f"<{spelt}{told}>{content}</{spelt}>"

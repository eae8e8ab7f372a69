"""Reads the edXML of a draft that arrives, and refuses what breaks a rule of writing.

A reader of the axis must be tolerant; this one is the opposite, for what syncd writes must pass the narrowest reading: one
namespace, known elements in the order of the standard's kit, dates in its form, each file listed and attached, and only
PDF, ZIP and office files outside of a ZIP.
"""

from __future__ import annotations

import binascii
import io
import re
import zipfile
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from lxml import etree

from syncd.sandbox.checks import Refused
from syncd.sandbox.edxml import NAMESPACE, Enclosed

BAD_FILE: Final = 10
BAD_EDXML: Final = 22
_OFFICE: Final = (".doc", ".docx", ".xls", ".xlsx")
_ORGAN: Final = ("OrganId", "OrganizationInCharge", "OrganName", "OrganAdd", "Email", "Telephone", "Fax", "Website")
#: the children that an element may have, in their order; what is not listed here holds text, or is not looked into
ORDER: Final[Mapping[str, tuple[str, ...]]] = {
    "edXML": ("edXMLEnvelope", "AttachmentEncoded"),
    "edXMLEnvelope": ("edXMLHeader", "edXMLBody"),
    "edXMLHeader": ("MessageHeader", "TraceHeaderList", "Signature"),
    "MessageHeader": (
        "From", "To", "DocumentId", "Code", "PromulgationInfo", "DocumentType", "Subject", "Content", "SignerInfo", "DueDate", "OtherInfo", "ResponseFor",
        "SteeringType", "ResponseForTask", "ApplicationType", "ToPlaces",
    ),
    "From": _ORGAN,
    "To": _ORGAN,
    "Code": ("CodeNumber", "CodeNotation"),
    "PromulgationInfo": ("Place", "PromulgationDate"),
    "DocumentType": ("Type", "TypeDetail", "TypeName"),
    "SignerInfo": ("Competence", "Position", "FullName"),
    "OtherInfo": (
        "Priority", "SphereOfPromulgation", "TyperNotation", "PromulgationAmount", "PageAmount", "ReplyFors", "Direction", "ReferenceCodes", "Appendixes",
    ),
    "ToPlaces": ("Place",),
    "TraceHeaderList": ("TraceHeader", "Bussiness"),
    "TraceHeader": ("OrganId", "Timestamp"),
    "Bussiness": ("DocumentId", "BussinessDocType", "BussinessDocReason", "Paper", "BussinessDocumentInfo", "ReplacementInfoList", "StaffInfo"),
    "edXMLBody": ("edXMLManifest",),
    "edXMLManifest": ("Reference",),
    "Reference": ("ContentId", "ContentType", "Description", "AttachmentName"),
    "AttachmentEncoded": ("Attachment",),
    "Attachment": ("ContentId", "AttachmentName", "Description", "FieldName", "MimeType", "ContentType", "ContentTransferEncoded"),
}  # fmt: skip
_MANY: Final = frozenset(("To", "Place", "TraceHeader", "Reference", "Attachment", "ResponseFor"))
_LONGEST: Final = {
    "CodeNumber": 11, "CodeNotation": 30, "Place": 150, "TypeName": 100, "Subject": 500, "Content": 500, "OrganizationInCharge": 200, "OrganName": 200,
    "OrganAdd": 250, "Email": 100, "Telephone": 20, "Fax": 20, "Website": 100, "SphereOfPromulgation": 100, "TyperNotation": 10,
}  # fmt: skip
_FORMS: Final = {"PromulgationDate": ("%Y/%m/%d", 10), "DueDate": ("%Y/%m/%d", 10), "Timestamp": ("%Y/%m/%d %H:%M:%S", 19)}
_NUMBERS: Final = frozenset(("Type", "TypeDetail", "Priority", "PromulgationAmount", "PageAmount", "BussinessDocType", "Paper"))


class Incoming(NamedTuple):
    """A draft as it stands in its edXML."""

    sender: str  #: code
    receivers: tuple[str, ...]
    subject: str
    references: tuple[str, ...]  #: dossier codes
    business: str  #: 0 for a new document
    kind: str
    files: tuple[Enclosed, ...]  #: taken out of their ZIPs


def read_draft(content: bytes) -> Incoming:
    """The draft in that file. Raises `Refused` with the office's code for a file that breaks a rule."""
    root = _parsed(content)
    _check(root)
    header = _one(root, "edXMLEnvelope/edXMLHeader/MessageHeader")
    bussiness = _one(root, "edXMLEnvelope/edXMLHeader/TraceHeaderList/Bussiness")
    _one(root, "edXMLEnvelope/edXMLHeader/TraceHeaderList/TraceHeader/Timestamp")
    manifest = _one(root, "edXMLEnvelope/edXMLBody/edXMLManifest")
    if manifest.get("version") != "1.0":
        raise Refused("edXMLManifest không có version 1.0", BAD_EDXML)
    return Incoming(
        _text(header, "From/OrganId"),
        tuple(_text(to, "OrganId") for to in _all(header, "To")),
        _text(header, "Subject"),
        tuple(text for codes in _all(header, "OtherInfo/ReferenceCodes") for part in codes.itertext() if (text := str(part).strip())),
        _text(bussiness, "BussinessDocType"),
        _text(header, "DocumentType/TypeName"),
        _files(manifest, root),
    )


def _parsed(content: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_comments=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        raise Refused("edXML không đúng cú pháp XML", BAD_EDXML) from None
    if root.getroottree().docinfo.doctype:
        raise Refused("edXML không được có DOCTYPE", BAD_EDXML)
    if root.tag != f"{{{NAMESPACE}}}edXML":
        raise Refused("Không phải edXML của QCVN 102:2016/BTTTT", BAD_EDXML)
    return root


def _check(element: etree._Element) -> None:
    name = _local(element)
    known = ORDER.get(name)
    if known is None:
        return _check_text(name, "" if len(element) else element.text or "")
    last, seen = 0, set()
    for child in element:
        local = _local(child)
        if local not in known or not str(child.tag).startswith(f"{{{NAMESPACE}}}"):
            raise Refused(f"Phần tử {name}/{local} không có trong quy chuẩn", BAD_EDXML)
        place = known.index(local)
        if place < last or (local in seen and local not in _MANY):
            raise Refused(f"Phần tử {name}/{local} sai thứ tự hoặc lặp lại", BAD_EDXML)
        last = place
        seen.add(local)
        _check(child)
    return None


def _check_text(name: str, text: str) -> None:
    if len(text) > _LONGEST.get(name, len(text)):
        raise Refused(f"{name} dài quá {_LONGEST[name]} ký tự", BAD_EDXML)
    if name in _NUMBERS and not re.fullmatch("[0-9]+", text) and (text or name in ("Type", "BussinessDocType")):
        raise Refused(f"{name} phải là số", BAD_EDXML)
    if name in _FORMS and text:
        form, length = _FORMS[name]
        try:
            datetime.strptime(text, form)  # noqa: DTZ007 the wire has no zone
        except ValueError:
            length = -1
        if len(text) != length:
            raise Refused(f"{name} không đúng định dạng ngày", BAD_EDXML)


def _files(manifest: etree._Element, root: etree._Element) -> tuple[Enclosed, ...]:
    listed = [(_text(one, "ContentId"), _text(one, "AttachmentName"), _text(one, "ContentType")) for one in _all(manifest, "Reference")]
    attached = {_text(one, "ContentId").removeprefix("cid:"): one for one in _all(root, "AttachmentEncoded/Attachment")}
    if not attached:
        raise Refused("edXML phải có ít nhất một tệp đính kèm", BAD_FILE)
    if any(not key.startswith("cid:") for key, _, _ in listed) or sorted(key.removeprefix("cid:") for key, _, _ in listed) != sorted(attached):
        raise Refused("edXMLManifest không khớp với tệp đính kèm", BAD_EDXML)
    for key, name, kind in listed:
        one = attached[key.removeprefix("cid:")]
        if (name, kind) != (_text(one, "AttachmentName"), _text(one, "ContentType")):
            raise Refused("Tên hoặc kiểu của tệp đính kèm không khớp với edXMLManifest", BAD_EDXML)
    return tuple(_opened(one) for one in attached.values())


def _opened(attachment: etree._Element) -> Enclosed:
    name, kind = _text(attachment, "AttachmentName"), _text(attachment, "ContentType")
    try:
        content = b64decode(_text(attachment, "ContentTransferEncoded"), validate=True)
    except binascii.Error:
        raise Refused("Tệp đính kèm không phải Base64", BAD_FILE) from None
    if kind == "application/pdf" and content.startswith(b"%PDF"):
        return Enclosed(name, content, kind)
    if kind == "application/zip":
        return Enclosed(name, content if name.lower().endswith(".zip") else _unpacked(content, name), kind)
    if name.lower().endswith(_OFFICE) and content:
        return Enclosed(name, content, kind)
    raise Refused("Kiểu của tệp đính kèm không khớp với nội dung", BAD_FILE)


def _unpacked(content: bytes, name: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) != 1 or entries[0].filename.rpartition(".")[2].lower() != name.rpartition(".")[2].lower():
                raise Refused("Tệp nén phải chứa đúng một tệp cùng phần mở rộng", BAD_FILE)
            return archive.read(entries[0])
    except zipfile.BadZipFile:
        raise Refused("Tệp nén bị hỏng", BAD_FILE) from None


def _all(element: etree._Element, path: str) -> list[etree._Element]:
    return element.findall("/".join(f"{{{NAMESPACE}}}{name}" for name in path.split("/")))


def _one(element: etree._Element, path: str) -> etree._Element:
    found = _all(element, path)
    if not found:
        raise Refused(f"Thiếu phần tử {path}", BAD_EDXML)
    return found[0]


def _text(element: etree._Element, path: str) -> str:
    text = (_one(element, path).text or "").strip()
    if not text:
        raise Refused(f"{path} không được để trống", BAD_EDXML)
    return text


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname

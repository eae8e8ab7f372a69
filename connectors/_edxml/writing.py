"""A document as edXML: every element in the order of the Java kit, what a document must say there even where it is empty.

A draft has no number, no date and no copies yet. The elements that would say so are written empty, since receivers check that
they are there, and nothing is put in them. Content of files is not laid through lxml: it is put between the tags of the
finished text, which costs one copy instead of four.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator

from lxml import etree

from connectors._edxml.files import packed
from connectors._edxml.values import NAMESPACE, UPDATE, Business, Document, Trace
from syncd.errors import Unmappable
from syncd.model import Problem

_IN = f"{{{NAMESPACE}}}"
_PREFIXED = {"edXML": NAMESPACE}
_CLOSING = b"</edXML:ContentTransferEncoded>"
_ORGAN = {"OrganId": "id", "OrganizationInCharge": "in_charge", "OrganName": "name", "OrganAdd": "address", "Email": "email"}
_ORGAN |= {"Telephone": "telephone", "Fax": "fax", "Website": "website"}
_LONGEST = {"OrganizationInCharge": 200, "OrganName": 200, "OrganAdd": 250, "Email": 100, "Telephone": 20, "Fax": 20, "Website": 100}
_LONGEST |= {"CodeNumber": 11, "CodeNotation": 30, "Place": 150, "TypeName": 100, "Subject": 500, "Content": 500}
_LONGEST |= {"SphereOfPromulgation": 100, "TyperNotation": 10, "PromulgationPlace": 50}
_ALWAYS = ("OrganId", "DocumentId", "Type", "TypeName", "Subject", "FileName")
_ISSUED = ("CodeNumber", "CodeNotation", "PromulgationPlace", "PromulgationDate", "Position", "FullName")


def write(document: Document, *, draft: bool) -> bytes:
    """The package. Raises `Unmappable` with every element at fault; of a draft no number, date and signer are asked."""
    return b"".join(_pieces(document, draft=draft))


def show(document: Document) -> str:
    """The package of a draft as a person may read it; the content of each file stands as "…"."""
    root = _package(document, [(file.name, "…") for file in document.files])
    etree.indent(root)
    return etree.tostring(root, encoding="unicode").replace(_CLOSING.decode(), "…" + _CLOSING.decode())


def _pieces(document: Document, *, draft: bool) -> Iterator[bytes]:
    if problems := list(_problems(document, draft=draft)):
        raise Unmappable(problems)
    files = [packed(file.name, file.content) for file in document.files]
    parts = _text(document, [(file.name, kind) for file, (kind, _) in zip(document.files, files, strict=True)]).split(_CLOSING)
    for part, (_, content) in zip(parts, files, strict=False):
        yield part
        yield base64.b64encode(content)
        yield _CLOSING
    yield parts[-1]


def _text(document: Document, files: list[tuple[str, str]]) -> bytes:
    try:
        return etree.tostring(_package(document, files), xml_declaration=True, encoding="UTF-8")
    except ValueError:
        raise Unmappable([Problem(field="edXML", reason="holds characters that XML cannot carry", hint="type the text again in the one-stop")]) from None


def _problems(document: Document, *, draft: bool) -> Iterator[Problem]:
    told = list(_told(document))
    for name, text in told:
        if name in _LONGEST and len(text) > _LONGEST[name]:
            yield Problem(field=f"edXML.{name}", reason=f"has {len(text)} characters, at most {_LONGEST[name]} are allowed")
        if not text and (name in _ALWAYS or (name in _ISSUED and not draft)):
            yield Problem(field=f"edXML.{name}", reason="is required and empty")
    if not document.files:
        yield Problem(field="edXML.Attachment", reason="is required and empty", hint="a document needs at least one file")
    if not document.receivers:
        yield Problem(field="edXML.To", reason="is required and empty")
    if len({organ.id for organ in document.receivers}) < len(document.receivers):
        yield Problem(field="edXML.To", reason="names an agency twice")


def _told(document: Document) -> Iterator[tuple[str, str]]:
    """What is checked, by the name of its element."""
    for organ in (document.sender, *document.receivers):
        yield from ((name, getattr(organ, key)) for name, key in _ORGAN.items())
    yield from (("DocumentId", document.id), ("CodeNumber", document.number), ("CodeNotation", document.notation))
    yield from (("PromulgationPlace", document.place), ("PromulgationDate", document.issued))
    yield from (("Type", document.type), ("TypeName", document.type_name), ("Subject", document.subject))
    yield from (("Position", document.position), ("FullName", document.signer))
    yield from (("SphereOfPromulgation", document.sphere), ("TyperNotation", document.typist))
    yield from (("Place", place) for place in document.places)
    yield from (("FileName", file.name) for file in document.files)


def _package(document: Document, files: list[tuple[str, str]]) -> etree._Element:
    """The package, its files by name and media type and without content."""
    root = etree.Element(f"{_IN}edXML", nsmap={None: NAMESPACE})
    envelope = etree.SubElement(root, f"{_IN}edXMLEnvelope", nsmap=_PREFIXED)
    header = _add(envelope, "edXMLHeader")
    _header(_add(header, "MessageHeader"), document)
    _traces(_add(header, "TraceHeaderList"), document.traces, document.business)
    manifest = _add(_add(envelope, "edXMLBody"), "edXMLManifest")
    manifest.set("version", "1.0")
    for number, (name, kind) in enumerate(files, 1):
        _texts(_add(manifest, "Reference"), ContentId=f"cid:file{number}", ContentType=kind, Description=name, AttachmentName=name)
    attachments = _add(root, "AttachmentEncoded")
    for number, (name, kind) in enumerate(files, 1):
        attachment = _add(attachments, "Attachment")
        _texts(attachment, ContentId=f"cid:file{number}", AttachmentName=name, Description=name, ContentType=kind)
        etree.SubElement(attachment, f"{_IN}ContentTransferEncoded", nsmap=_PREFIXED).text = ""
    return root


def _header(header: etree._Element, document: Document) -> None:
    for name, organ in (("From", document.sender), *zip(itertools.repeat("To"), document.receivers)):
        _texts(_add(header, name), **{element: getattr(organ, key) for element, key in _ORGAN.items()})
    _texts(header, DocumentId=document.id)
    _texts(_add(header, "Code"), CodeNumber=document.number, CodeNotation=document.notation)
    _texts(_add(header, "PromulgationInfo"), Place=document.place, PromulgationDate=document.issued)
    _texts(_add(header, "DocumentType"), Type=document.type, TypeName=document.type_name)
    _texts(header, Subject=document.subject, Content=document.subject)
    _texts(_add(header, "SignerInfo"), Competence=document.competence, Position=document.position, FullName=document.signer)
    if document.due:
        _texts(header, DueDate=document.due)
    other = _add(header, "OtherInfo")
    _texts(other, Priority=document.priority, SphereOfPromulgation=document.sphere, TyperNotation=document.typist)
    _texts(other, PromulgationAmount=document.copies, PageAmount=document.pages)
    if document.references:
        _many(_add(other, "ReferenceCodes"), "ReferenceCode", document.references)
    _add(other, "Appendixes")
    _many(_add(header, "ToPlaces"), "Place", document.places)


def _traces(traces: etree._Element, hops: tuple[Trace, ...], business: Business) -> None:
    for hop in hops:
        _texts(_add(traces, "TraceHeader"), OrganId=hop.organ, Timestamp=hop.at)
    about = _add(traces, "Bussiness")
    if business.document:
        _texts(about, DocumentId=business.document)
    _texts(about, BussinessDocType=business.kind)
    if business.reason:
        _texts(about, BussinessDocReason=business.reason)
    if business.kind == UPDATE:
        _texts(_add(about, "BussinessDocumentInfo"), DocumentInfo="1", DocumentReceiver="0")
    if business.department or business.staff:
        _texts(_add(about, "StaffInfo"), Department=business.department, Staff=business.staff)


def _add(parent: etree._Element, name: str) -> etree._Element:
    child: etree._Element = etree.SubElement(parent, _IN + name)
    return child


def _texts(parent: etree._Element, **texts: str) -> None:
    for name, text in texts.items():
        _add(parent, name).text = text


def _many(parent: etree._Element, name: str, texts: tuple[str, ...]) -> None:
    for text in texts:
        _add(parent, name).text = text

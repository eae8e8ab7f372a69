"""A package of whatever make: by local names, in any order, under any prefix, with or without `cid:`.

What two makes disagree about: the order of the header's children, which elements carry a prefix, whether empty elements are left
out, whether a file's id begins with `cid:`, and whether its name and type stand with the file or in the manifest alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors._edxml.files import bare, kind_of, unpacked
from connectors._edxml.limits import Limits, Unreadable
from connectors._edxml.parsing import Node, parse
from connectors._edxml.values import NEW, Business, Document, Organ, Package, StatusPackage, Trace
from syncd.documents import Attachment

_BUSINESS = ("bussiness", "business")


def read(package: bytes, limits: Limits) -> Package:
    """The document or status in a package. Raises `Unreadable`."""
    root = parse(package, limits)
    header = next(root.all("messageheader"), None)
    if header is None:
        raise Unreadable("no_edxml", "the package has no edXML header")
    code = header.said("statuscode")
    return _status(header, code) if code else _document(root, header, limits)


def _status(header: Node, code: str) -> StatusPackage:
    answered = header.child("responsefor")
    return StatusPackage(
        sender=_organ(header.child("from")),
        code=code.zfill(2),
        answered=answered.said("code"),
        document=answered.said("documentid"),
        staff=header.said("staffinfo", "staff"),
        description=header.said("description"),
        at=header.said("timestamp"),
    )


def _document(root: Node, header: Node, limits: Limits) -> Document:
    other, signer = header.child("otherinfo"), header.child("signerinfo")
    return Document(
        sender=_organ(header.child("from")),
        receivers=tuple(_organ(node) for node in header.children if node.name == "to"),
        id=header.said("documentid"),
        number=header.said("code", "codenumber"),
        notation=header.said("code", "codenotation"),
        place=header.said("promulgationinfo", "place"),
        issued=header.said("promulgationinfo", "promulgationdate"),
        type=header.said("documenttype", "type"),
        type_name=header.said("documenttype", "typename"),
        subject=header.said("subject") or header.said("content"),
        competence=signer.said("competence"),
        position=signer.said("position"),
        signer=signer.said("fullname"),
        due=header.said("duedate"),
        priority=other.said("priority"),
        sphere=other.said("sphereofpromulgation"),
        typist=other.said("typernotation"),
        copies=other.said("promulgationamount"),
        pages=other.said("pageamount"),
        references=_references(other.child("referencecodes")),
        places=_texts(header.child("toplaces").children),
        traces=tuple(Trace(organ=node.said("organid"), at=node.said("timestamp")) for node in root.all("traceheader")),
        business=_business(next(root.all(*_BUSINESS), Node(""))),
        files=tuple(_files(root, limits)),
    )


def _organ(node: Node) -> Organ:
    return Organ(
        id=node.said("organid"),
        in_charge=node.said("organizationincharge"),
        name=node.said("organname"),
        address=node.said("organadd"),
        email=node.said("email"),
        telephone=node.said("telephone"),
        fax=node.said("fax"),
        website=node.said("website"),
    )


def _business(node: Node) -> Business:
    kind = node.said("bussinessdoctype") or node.said("businessdoctype") or NEW
    reason = node.said("bussinessdocreason") or node.said("businessdocreason")
    staff = node.child("staffinfo")
    return Business(kind=kind, document=node.said("documentid"), reason=reason, department=staff.said("department"), staff=staff.said("staff"))


def _references(node: Node) -> tuple[str, ...]:
    """A list of elements, or one text with the codes in it."""
    return _texts(node.children) or tuple(filter(None, (code.strip() for code in node.text.replace(";", ",").split(","))))


def _texts(nodes: list[Node]) -> tuple[str, ...]:
    return tuple(filter(None, (node.said() for node in nodes)))


def _files(root: Node, limits: Limits) -> Iterator[Attachment]:
    """Every file, unpacked, under its own name."""
    told = {_id(node): node for node in root.all("reference")}
    together = 0
    for number, node in enumerate(root.all("attachment"), 1):
        content = node.child("contenttransferencoded").content
        if not content:
            raise Unreadable("no_content", "a file of the package has no content")
        reference = told.get(_id(node), Node(""))
        name = bare(node.said("attachmentname") or reference.said("attachmentname") or node.said("description"), number, content)
        file = unpacked(name, content, limits.file)
        together += len(file)
        if together > limits.together:
            raise Unreadable("files_too_large", "the files together have more than may be", "raise largest, if that is wanted")
        declared = node.said("contenttype") or reference.said("contenttype") if file is content else ""
        yield Attachment(name=name, content=file, kind=kind_of(file) or declared)


def _id(node: Node) -> str:
    return node.said("contentid").removeprefix("cid:")

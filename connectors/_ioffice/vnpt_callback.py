"""What VNPT iOffice calls us with: a signed file, for a dossier. `PUT …/qlvb/{dossier}`, a form with the file and little else.

    file           the document; its name, or `displayName`, must end in one of the endings that are taken
    displayName    how it is called
    fileType       its media type
    actionCode     a code of the one-stop's own that has nothing to do with us, unless the settings name one

It says neither number nor date nor signer. Where the file is a PDF that says them, they are read from it; else the document waits
for a person. The same file for the same dossier has the same id, so that a call may be repeated.

The answer is JSON, `{message, code}`: 00 taken, 01 bad data, 05 an error here, 16 wrong credentials. The status of HTTP is 200, with
16 it is 203; both as the caller knows them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

import msgspec
import multipart  # type: ignore[import-untyped]

from connectors import _pdf
from connectors._caller import Reply, Request
from connectors._names import bare, ending
from connectors._pdf import Printed
from syncd.documents import Attachment, IssuedDocument, Stage, Take
from syncd.errors import StoreError

LARGEST = 10 * 2**20  #: bytes of a file
ENDINGS = ("doc", "docx", "csv", "jpg", "png", "pdf", "xls", "xlsx")
DONE, BAD, BROKEN, STRANGER = "00", "01", "05", "16"
_PATH = re.compile(r"(?:/[^/]+)*/qlvb/(?P<dossier>[^/]+)/?")
_PARTS = 16
_LONGEST_FIELD = 4096
_LONGEST_CODE = 100


class Unfit(Exception):
    """The call brings nothing that could be taken; the reason is free of personal data."""


class Form(NamedTuple):
    """What a form holds."""

    fields: dict[str, str]
    file: bytes
    file_name: str
    file_type: str


class Callback:
    """The service behind the listener."""

    def __init__(self, take: Take, largest: int, action_code: str = "", look: Callable[[bytes], Printed] = _pdf.read) -> None:
        """`largest` is the number of bytes a file may have; `look` reads a PDF."""
        self._take = take
        self._largest = largest
        self._action_code = action_code
        self._look = look

    def serve(self, request: Request) -> Reply:
        """Take the document in; the answer says whether it is kept."""
        try:
            document = self._document(request)
            refused = self._take(document)
        except Unfit as unfit:
            return _reply(BAD, str(unfit))
        except StoreError:
            return _reply(BROKEN, "the document cannot be kept at present, send it again")
        return _reply(BAD, refused) if refused else _reply(DONE, "the document is taken")

    def stranger(self) -> Reply:
        """Wrong credentials."""
        return _reply(STRANGER, "wrong user name or password", 203)

    def unfit(self, status: int, reason: str) -> Reply:
        """No call of this kind; it learns it in the words it knows."""
        return _reply(BAD, reason)

    def broken(self) -> Reply:
        """Something went wrong here."""
        return _reply(BROKEN, "the document could not be taken, send it again")

    def _document(self, request: Request) -> IssuedDocument:
        path = _PATH.fullmatch(request.path)
        if path is None:
            raise Unfit("nothing is taken at this address, documents go to /qlvb/{dossier}")
        dossier, form = _code(path["dossier"]), parsed(request.content_type, request.body, self._largest)
        if self._action_code and form.fields.get("actionCode", "").strip() != self._action_code:
            raise Unfit("this actionCode is not taken here")
        name = _name(form)
        file = Attachment(name=name, content=form.file, kind=(form.fields.get("fileType") or form.file_type).strip()[:_LONGEST_CODE])
        said = self._look(form.file) if ending(name) == "pdf" else Printed()
        return IssuedDocument(
            id=f"{dossier}:{hashlib.sha256(form.file).hexdigest()[:32]}",
            stage=Stage.ISSUED,
            dossier=dossier,
            number=said.number,
            issued_on=said.issued_on,
            signed_on=said.signed_on,
            signer=said.signer,
            files=(file,),
            remarks=() if said.number else ("the file does not say its number",),
        )


def _code(written: str) -> str:
    """What the dossier is called in the address: its code, or its key in the one-stop."""
    code = unicodedata.normalize("NFC", unquote(written)).strip()
    if not code or len(code) > _LONGEST_CODE or not code.isprintable():
        raise Unfit("the address names no dossier")
    return code


def _name(form: Form) -> str:
    """The name the file goes by, of those given the first with an ending that is taken."""
    names = [bare(form.fields.get("displayName", "")), bare(form.file_name)]
    for name in names:
        if ending(name) in ENDINGS:
            return name
    raise Unfit(f"only files of these kinds are taken: {', '.join(ENDINGS)}")


def parsed(content_type: str, body: bytes, largest: int) -> Form:
    """The form in a body. Raises `Unfit` where there is none, or none with a file."""
    kind, options = multipart.parse_options_header(content_type)
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise Unfit("the request is no form (multipart/form-data)")
    try:
        parts = _parts(body, options["boundary"], largest)
    except multipart.MultipartError:
        raise Unfit("the form cannot be read, or is too large") from None
    files = [(segment, content) for segment, content in parts if segment.name == "file"]
    if len(files) != 1 or not files[0][1]:
        raise Unfit("the form must hold one file, and not an empty one")
    segment, content = files[0]
    fields = {part.name: text.decode("utf-8", "replace") for part, text in parts if part.name != "file" and len(text) <= _LONGEST_FIELD}
    return Form(fields, content, segment.filename or "", segment.content_type or "")


def _parts(body: bytes, boundary: str, largest: int) -> list[tuple[multipart.MultipartSegment, bytes]]:
    """Each part with its content."""
    parts: list[tuple[multipart.MultipartSegment, bytearray]] = []
    with multipart.PushMultipartParser(boundary, max_segment_count=_PARTS, max_segment_size=largest) as parser:
        for event in parser.parse(body):
            if isinstance(event, multipart.MultipartSegment):
                parts.append((event, bytearray()))
            elif event:
                parts[-1][1].extend(event)
    return [(segment, bytes(content)) for segment, content in parts]


def _reply(code: str, message: str, status: int = 200) -> Reply:
    return Reply(msgspec.json.encode({"message": message, "code": code}), status)

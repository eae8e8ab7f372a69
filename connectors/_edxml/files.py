"""Files as they travel in a package: PDF and ZIP as they are, everything else as the only entry of a ZIP.

Which of the two a received file is, its first bytes say; declared types lie. A ZIP under a name that does not end so is unpacked, and
what is in it goes by the outer name. A document of an office program is a ZIP too: newer senders do not wrap it, so it is
known by what it holds and left alone. Unpacking never makes more bytes than the limit allows, whatever a directory promises.
"""

from __future__ import annotations

import io
import uuid
import zipfile
import zlib

from connectors._edxml.limits import Unreadable

PDF, ZIP = "application/pdf", "application/zip"
_PDF_MAGIC, _ZIP_MAGIC = b"%PDF", b"PK\x03\x04"
_OFFICE = {"[Content_Types].xml", "mimetype"}
_DIRECTORY = 1_000_000  #: bytes that the directory of a ZIP may have
_END, _END_SIZE, _LOCATOR = b"PK\x05\x06", 22, b"PK\x06\x07"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LONGEST_NAME = 200


def kind_of(content: bytes) -> str:
    """The media type that the first bytes show; "" for what must be wrapped to travel."""
    if content.startswith(_PDF_MAGIC):
        return PDF
    return ZIP if content.startswith(_ZIP_MAGIC) else ""


def packed(name: str, content: bytes) -> tuple[str, bytes]:
    """Media type and content as they travel. The same file always gives the same bytes."""
    kind = kind_of(content)
    if kind == PDF or (kind == ZIP and name.lower().endswith(".zip")):
        return kind, content
    ending = name.rpartition(".")[2].lower() if "." in name else "bin"
    entry = zipfile.ZipInfo(f"{uuid.uuid5(uuid.NAMESPACE_OID, name)}.{ending}", _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        archive.writestr(entry, content)
    return ZIP, into.getvalue()


def unpacked(name: str, content: bytes, largest: int) -> bytes:
    """The file itself: taken out of the ZIP around it, where there is one. Raises `Unreadable`."""
    if kind_of(content) != ZIP or name.lower().endswith(".zip"):
        return content
    if not _modest(content):
        raise Unreadable("bad_zip", "a file is packed in a way that is not taken", "ask the sender to pack it plainly")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if _OFFICE & {entry.filename for entry in entries}:
                return content
            return _only(archive, entries, largest)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError):
        raise Unreadable("bad_zip", "a packed file cannot be unpacked") from None


def _only(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], largest: int) -> bytes:
    if len(entries) != 1:
        raise Unreadable("bad_zip", f"{len(entries)} files are packed under the name of one")
    if entries[0].compress_type not in _PLAIN:
        raise Unreadable("bad_zip", "a file is packed in a way that is not taken", "ask the sender to pack it plainly")
    with archive.open(entries[0]) as entry:
        content = entry.read(largest + 1)
    if len(content) > largest:
        raise Unreadable("zip_bomb", f"a packed file has more than {largest / 1e6:g} MB unpacked", "raise largest, if that is wanted")
    return content


def _modest(content: bytes) -> bool:
    """Whether the directory of this ZIP is where and as large as it may be: it is read whole before any entry."""
    at = content.rfind(_END, max(0, len(content) - _END_SIZE - 65_536))
    if at < 0 or len(content) < at + _END_SIZE or content[max(0, at - 20) : at].startswith(_LOCATOR):
        return False
    return int.from_bytes(content[at + 12 : at + 16], "little") <= _DIRECTORY


def bare(name: str, number: int, content: bytes) -> str:
    """A name without folders and control characters; a made one where there is none."""
    last = name.replace("\\", "/").rpartition("/")[2]
    clean = "".join(character for character in last if character.isprintable()).strip(" .")
    if clean:
        return clean if len(clean) <= _LONGEST_NAME else f"{clean[: _LONGEST_NAME - 10]}…{clean[-9:]}"
    return f"{number}{ {PDF: '.pdf', ZIP: '.zip'}.get(kind_of(content), '') }"

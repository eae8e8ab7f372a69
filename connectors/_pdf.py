"""What a PDF says of itself: number, date, signer, signing time. For documents that come without these beside them.

Two places say it. The head of the first page bears `Số: 123/QĐ-UBND` and `…, ngày 12 tháng 3 năm 2025`; a digital signature
names who signed and when. Only what is said once, and in its place, is taken: a draft whose number was left blank must not get
one out of a citation further down, and of two signatories none is chosen. The signature is read, not verified.

A PDF is a program of sorts, made by somebody else, and its readers have no bound of their own. So it is read by a child process
that may take only so much time and memory; a child that fails has read nothing. Whatever the bytes, nothing is raised.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from syncd.transforms import PLAUSIBLE_YEARS

if TYPE_CHECKING:
    from cryptography import x509
    from pypdf import PdfReader

LARGEST = 64_000_000  #: bytes; a larger file is not looked into
SECONDS = 20  #: the child's time, of the clock as of the processor
MEMORY = 2**30  #: and its memory, in bytes
PAGES = 1  #: from the front, that may bear the head
FIELDS = 200  #: of a form, that are looked through for signatures
LONGEST_NAME = 200
_ZONE = timezone(timedelta(hours=7))
_NUMBER_HERE = re.compile(r"(?<!\w)Số\s*:\s*")
_NUMBER = re.compile(r"(?P<number>\d{1,6}[a-zA-Z]?)[ \t]*/[ \t]*(?P<notation>(?:\d{4}/)?[^\W\d_][\w&./–-]*)")
_DATE_HERE = re.compile(r",\s*ngày(?!\w)", re.IGNORECASE)
_DATE = re.compile(r",\s*ngày\s+(?P<day>\d{1,2})\s+tháng\s+(?P<month>\d{1,2})\s+năm\s+(?P<year>\d{4})(?!\w)", re.IGNORECASE)
_STAMP = re.compile(r"D:(?P<moment>\d{14})(?:(?P<sign>[+-])(?P<hours>\d{2})'?(?P<minutes>\d{2})?'?|Z.*)?")

T = TypeVar("T")


class Printed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was found; empty where it stands nowhere, or not without doubt."""

    number: str = ""
    issued_on: date | None = None
    signer: str = ""
    signed_on: date | None = None


class _Signatures(NamedTuple):
    names: tuple[str, ...] = ()
    days: tuple[date | None, ...] = ()


_UNSIGNED = _Signatures()


def read(content: bytes) -> Printed:
    """What the PDF says, read by a child process within its bounds."""
    if b"%PDF-" not in content[:1024] or len(content) > LARGEST:
        return Printed()
    try:
        child = subprocess.run(
            [sys.executable, "-I", "-m", __name__], input=content, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=SECONDS, check=True, env={}
        )
        return msgspec.json.decode(child.stdout, type=Printed)
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError):
        return Printed()


def main() -> None:
    """What the child does: bind itself, read its input, write what it found."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    sys.stdout.buffer.write(msgspec.json.encode(printed(sys.stdin.buffer.read())))


def printed(content: bytes) -> Printed:
    """What the PDF says, without the bounds of a child."""
    reader = _tried(lambda: _opened(content), None)
    if reader is None:
        return Printed()
    text = _tried(lambda: "\n".join(page.extract_text() for page in reader.pages[:PAGES]), "")
    signed = _tried(lambda: _signatures(reader), _UNSIGNED)
    return Printed(number=number_in(text), issued_on=date_in(text), signer=_only(signed.names) or "", signed_on=_only(signed.days))


def _tried(look: Callable[[], T], nothing: T) -> T:
    """What `look` finds. A reader of foreign bytes may raise whatever there is, and none of it is news."""
    try:
        return look()
    except Exception:  # noqa: BLE001 see above
        return nothing


def _opened(content: bytes) -> PdfReader | None:
    from pypdf import PdfReader

    reader = PdfReader(BytesIO(content))
    return reader if not reader.is_encrypted or reader.decrypt("") else None


def number_in(text: str) -> str:
    """Number and notation, where the first place for them is filled and no other contradicts it."""
    composed = unicodedata.normalize("NFC", text)
    found = [_NUMBER.match(composed, place.end()) for place in _NUMBER_HERE.finditer(composed)]
    if not found or found[0] is None:
        return ""
    return _only([f"{one['number']}/{one['notation'].rstrip('.-–/&')}" for one in found if one is not None]) or ""


def date_in(text: str) -> date | None:
    """The date behind the name of the place, likewise."""
    composed = unicodedata.normalize("NFC", text)
    found = [_DATE.match(composed, place.start()) for place in _DATE_HERE.finditer(composed)]
    if not found or found[0] is None:
        return None
    return _only([_day(int(one["year"]), int(one["month"]), int(one["day"])) for one in found if one is not None])


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if year in PLAUSIBLE_YEARS else None
    except ValueError:
        return None


def _only(values: tuple[T, ...] | list[T]) -> T | None:
    """The value that all are; None where they differ or there are none."""
    return values[0] if values and all(value == values[0] for value in values) else None


def _signatures(reader: PdfReader) -> _Signatures:
    """Who signed and when, for each signature."""
    signed = list(_signed(_object(_object(reader.trailer.get("/Root")).get("/AcroForm")).get("/Fields")))
    return _Signatures(tuple(_signer(signature) for signature in signed), tuple(_signing_day(str(signature.get("/M", ""))) for signature in signed))


def _object(value: Any) -> Any:
    """What a reference leads to; an empty dictionary for nothing."""
    found = value.get_object() if hasattr(value, "get_object") else value
    return {} if found is None else found


def _signed(fields: Any) -> Iterator[Any]:
    """The signatures in a form, through its groups of fields."""
    waiting, looked = list(_object(fields)), 0
    while waiting and looked < FIELDS:
        entry, looked = _object(waiting.pop(0)), looked + 1
        waiting += _object(entry.get("/Kids")) or []
        if entry.get("/FT") == "/Sig" and (value := _object(entry.get("/V"))):
            yield value


def _signer(signature: Any) -> str:
    """The name in the signature, else the common name in the certificate it was made with."""
    name = str(_object(signature.get("/Name")) or "") or _tried(lambda: _common_name(_bytes(_object(signature.get("/Contents")))), "")
    return " ".join(unicodedata.normalize("NFC", name).split())[:LONGEST_NAME] if name.isprintable() else ""


def _bytes(value: Any) -> bytes:
    return bytes(getattr(value, "original_bytes", value) or b"")


def _common_name(contents: bytes) -> str:
    from cryptography.hazmat.primitives.serialization import pkcs7
    from cryptography.x509.oid import NameOID

    certificates = pkcs7.load_der_pkcs7_certificates(_unpadded(contents))
    leaf = _only([one for one in certificates if not _issues(one, certificates)])
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME) if leaf is not None else []
    return str(names[0].value) if len(names) == 1 else ""


def _issues(one: x509.Certificate, certificates: list[x509.Certificate]) -> bool:
    return any(other is not one and other.issuer == one.subject for other in certificates)


def _unpadded(contents: bytes) -> bytes:
    """The structure in the room that was kept for it; its own length says where it ends."""
    size = contents[1]
    head = 2 + (size & 0x7F if size & 0x80 else 0)
    return contents[: head + (int.from_bytes(contents[2:head], "big") if size & 0x80 else size)]


def _signing_day(stamp: str) -> date | None:
    found = _STAMP.fullmatch(stamp.strip())
    if found is None:
        return None
    offset = timedelta(hours=int(found["hours"] or 0), minutes=int(found["minutes"] or 0)) * (-1 if found["sign"] == "-" else 1)
    zone = timezone(offset) if found["sign"] else UTC if "Z" in stamp else _ZONE
    try:
        moment = datetime.strptime(found["moment"], "%Y%m%d%H%M%S").replace(tzinfo=zone)
    except ValueError:
        return None
    return moment.astimezone(_ZONE).date() if moment.year in PLAUSIBLE_YEARS else None


if __name__ == "__main__":
    main()

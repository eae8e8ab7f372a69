"""A package of Tân Dân's document axis as an issued document. Pure but for files that are named by address, which `fetch` gets.

A package is unreadable for good where what it must have is not there or no file can be made of it: no word of it will change, so
the far end is told that it failed, and a person there sends it again. Whatever else may be wrong with it (a date, a name, a text
that is not ours) is remarked upon and the package taken.

A package about a draft that is no result (a request for supplements, an apology) belongs to somebody else. It is left untouched, for
acknowledging it would take it away from them.

Files belong to a result. Of a refusal and of word that something was signed none is taken, so none can spoil it.
"""

from __future__ import annotations

import base64
import binascii
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NamedTuple

import msgspec

from connectors._edxml.dates import lenient
from connectors._http.outcomes import Trouble
from connectors._names import bare, distinct
from connectors._tdoffice.answers import field
from connectors._tdoffice.mapping import OUR_KEY, OfficeMapping
from syncd.calls import Outcome
from syncd.documents import RESULTS, Attachment, IssuedDocument, Stage
from syncd.model import Agency

Fetch = Callable[[str], "bytes | Trouble"]  #: the content at an address
_OTHERS = "whoever sent that draft must fetch it; if it is a result all the same, add its word to settings.answers.about of the mapping"
_AGAIN = "ask at the document system what the package is about, and to send it again"


class Spoilt(Exception):
    """The package cannot be read, now or for ever; the reason is free of personal data."""

    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble
        super().__init__(trouble.message)


class _Echo(NamedTuple):
    dossier: str = ""
    draft: str = ""
    about: str = ""


class Returns:
    """Reads packages by the tables of a mapping; no file may have more than `largest` bytes."""

    def __init__(self, mapping: OfficeMapping, largest: int, fetch: Fetch) -> None:
        self._mapping = mapping
        self._largest = largest
        self._fetch = fetch

    def read(self, package: str, data: object) -> IssuedDocument | Trouble:
        """The document in a package, or why there is none."""
        try:
            return self._read(package, data)
        except Spoilt as spoilt:
            return spoilt.trouble

    def _read(self, package: str, data: object) -> IssuedDocument:
        if not isinstance(data, Mapping):
            raise _unreadable("package_empty", "the package is empty")
        paper, remarks = field(data, "VanBanDi"), list[str]()
        echo, unit = _echoed(field(data, "ThamSoAn") or field(paper, "ThamSoAn")), field(data, "DonVi")
        if not self._mapping.concerns_us(echo.about):
            raise Spoilt(Trouble(Outcome.DEFERRED, "other_draft", "the package is about a draft of another kind (DuThao) and stays where it is", _OTHERS))
        stage = self._stage(field(data, "LoaiKetQua"))
        if not isinstance(paper, Mapping):
            if stage in RESULTS:
                raise _unreadable("no_document", "the package brings a result without its document (VanBanDi)")
            paper = {}
        abstract = _text(field(paper, "TrichYeu"))
        if stage is Stage.REJECTED and not abstract:
            remarks.append("no reason is given (TrichYeu)")
        return IssuedDocument(
            id=package,
            stage=stage,
            dossier=_text(field(data, "MaHoSo")) or echo.dossier,
            draft=echo.draft,
            number=_text(field(paper, "SoKyHieu")),
            issued_on=_day(paper, "NgayBanHanh", remarks),
            signed_on=_day(paper, "NgayKy", remarks),
            signer=_text(field(paper, "NguoiKy")),
            position=_text(field(paper, "ChucVu")),
            agency=Agency(code=_text(field(unit, "MaDinhDanh")), name=_text(field(unit, "Ten"))),
            abstract=abstract,
            kind=_text(field(paper, "LoaiVanBan")),
            reason=abstract if stage is Stage.REJECTED else "",
            files=self._files(field(paper, "DinhKem")) if stage in RESULTS else (),
            remarks=tuple(remarks),
        )

    def _stage(self, given: object) -> Stage:
        code = _text(given)
        code = code.zfill(2) if code.isascii() and code.isdecimal() else code
        stage = self._mapping.stage(code)
        if stage is None:
            shown = f" ({code})" if code.isascii() and code.isalnum() and len(code) < 10 else ""  # noqa: PLR2004 a code, not a text
            raise _unreadable("result_type", f"the type of the result (LoaiKetQua) is not known{shown}", "give it a meaning in the mapping's [tables.results]")
        return stage

    def _files(self, given: object) -> tuple[Attachment, ...]:
        entries = [entry for entry in given if entry is not None] if isinstance(given, list) else []
        contents = [self._content(entry, place) for place, entry in enumerate(entries, start=1)]
        names = [bare(_text(field(entry, "Ten"))) or f"file-{place}" for place, entry in enumerate(entries, start=1)]
        pairs = dict.fromkeys(zip(names, contents, strict=True))  # the same file twice is one
        return tuple(Attachment(name=name, content=content) for name, (_, content) in zip(distinct(name for name, _ in pairs), pairs, strict=True))

    def _content(self, entry: object, place: int) -> bytes:
        encoded, link = field(entry, "Base64"), _text(field(entry, "Link"))
        if isinstance(encoded, str) and encoded.strip():
            content = self._decoded(encoded, place)
        elif link:
            content = self._linked(link)
        else:
            raise _unreadable("file_empty", f"file {place} of the package has no content")
        if len(content) > self._largest:
            raise _unreadable("file_too_large", f"file {place} has {len(content) / 1e6:.1f} MB, more than {self._largest / 1e6:g}", "raise largest; " + _AGAIN)
        return content

    def _decoded(self, encoded: str, place: int) -> bytes:
        text = encoded.partition(",")[2] if encoded.startswith("data:") else encoded
        try:
            content = base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            content = b""
        if not content:
            raise _unreadable("file_broken", f"the content of file {place} is no base64")
        return content

    def _linked(self, link: str) -> bytes:
        content = self._fetch(link)
        if isinstance(content, Trouble):
            raise Spoilt(content)
        return content


def _unreadable(code: str, message: str, hint: str = _AGAIN) -> Spoilt:
    return Spoilt(Trouble(Outcome.REJECTED, code, message, hint))


def _text(value: object) -> str:
    """A text in composed form, without space around; numbers as text, anything else is none."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return unicodedata.normalize("NFC", str(value)).strip()


def _day(paper: Mapping[str, Any], name: str, remarks: list[str]) -> date | None:
    given = _text(field(paper, name))
    found = lenient(given)
    if found is None and given:
        remarks.append(f"{name} is no date")
    return found


def _echoed(given: object) -> _Echo:
    """What we gave along, where it is ours; of another's text at least the key of the draft."""
    if isinstance(given, str):
        try:
            given = msgspec.json.decode(given)
        except (msgspec.DecodeError, RecursionError):
            return _Echo()
    dossier, _, _draft = _text(field(given, OUR_KEY)).partition("/")
    return _Echo(dossier, _text(field(given, "DuThaoId")), _text(field(given, "DuThao")))

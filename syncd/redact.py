"""Keeps personal data and secrets out of every text that leaves syncd: logs, errors, answers shown to an administrator. Pure.

Three nets, from fine to coarse. `redact(text, known)` removes the values of the dossier at hand, which its caller knows, for
no pattern recognises a Vietnamese name. `redact(text)` alone removes what has a shape: numbers of identity papers and
telephones, e-mail addresses, credentials. `mask(value)` goes through structured values by the names of their keys. It is the
last line of defence, so it hides rather too much; texts should be free of such data before they come here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from syncd.model import Dossier

MASK = "***"
SHORTEST_KNOWN = 3  #: shorter values occur by chance in any text
DEEPEST = 6

_HIDDEN = r"pass(?:word|wd|phrase)?|pwd|session|token|secret|authorization|credentials?|cookie|api[_-]?key"
_PATTERNS = (
    (re.compile(r"(?<=://)[^/@\s]+@"), MASK + "@"),
    (re.compile(rf"(?i)([\w-]*(?:{_HIDDEN})[\w-]*[\"']?\s*[:=]\s*[\"']?)(?:(?:bearer|basic)\s+)?[^\s\"'&,;}}\]]+"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), MASK),
    (re.compile(r"(?<![\w.-])(?:\+?84|0)(?:[ .-]?\d){8,11}(?!\w|[.-]\w)"), MASK),  # telephone, or identity number in groups
    (re.compile(r"(?<![\w.-])\d{9,12}(?!\w|[.-]\w)"), MASK),  # identity number, 12 digits or the older 9, and tax codes between
)
_CODE = re.compile(r"[A-Za-z0-9.:_+/-]{0,40}")
_FILE = re.compile(r"(?i)[^/\\]{1,300}\.(?:pdf|docx?|xlsx?|pptx?|od[ts]|rtf|txt|jpe?g|png|gif|tiff?|bmp|heic|webp|zip|rar|7z|xml|html?)")
_PASSWORD = re.compile(r"^((?:[\w+.-]+://)?+[^:/?#@\s]*:)[^/?#]*@")
_DRIVERS_PASSWORD = re.compile(r"^((?!https?:)[\w+.-]+://[^:/?#@\s]*:)[^@]*@")  # may hold what ends one in an address
_SUSPECT = r"pass|pwd|secret|token|auth|cred|cookie|session(?:[_-]?id)?(?==)|key|sig|khoa|mat[_-]?khau"
_IN_QUERY = re.compile(rf"(?i)([?&](?![^=&#]*(?:file|path)=)[^=&#]*(?:{_SUSPECT})[^=&#]*=)[^&#]+")
_CROSSED = str.maketrans("đ", "d")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_PERSONAL = {"name", "fullname", "phone", "tel", "telephone", "fax", "email", "mail", "identity", "address", "owner", "applicant", "officer", "birthday"}
_SECRETS = {"password", "passwd", "passphrase", "pwd", "session", "token", "secret", "authorization", "credential", "credentials", "cookie", "apikey"}
_QUOTING = {"body", "text", "payload"}  #: hold what was sent or answered, with all of the above in it
_PLAIN = (bool, int, float, date, datetime, time, timedelta, UUID, PurePath)


def redact(text: str, known: Iterable[str] = ()) -> str:
    """`text` without secrets, e-mail addresses, telephone and identity numbers, and without the `known` values, in whatever
    case, spacing and Unicode form they stand there, with or without their accents. Dossier codes, dates and times stay."""
    if not text:
        return ""
    clean = _without(unicodedata.normalize("NFC", text), known)
    for pattern, instead in _PATTERNS:
        clean = pattern.sub(instead, clean)
    return clean


def code(text: str) -> str:
    """A code that a far end gave, as it may be shown: one word of at most 40 letters, digits and . : _ + - /, without the shape of personal
    data. Anything else is "text"."""
    return text if _CODE.fullmatch(text) and redact(text) == text else "text"


def address(text: str) -> str:
    """An address as it may be shown: without its password, with or without a scheme before it, and without what its query holds under a name
    that sounds secret."""
    for password in (_PASSWORD, _DRIVERS_PASSWORD):
        text = password.sub(rf"\1{MASK}@", text)
    return _IN_QUERY.sub(rf"\1{MASK}", text)


def names_file(text: str) -> bool:
    """Whether the text is the name of a file. People put their own names into those; what goes by the kind of a paper is nobody's."""
    return _FILE.fullmatch(text) is not None


def _without(text: str, known: Iterable[str]) -> str:
    """`text` with a mask where a known value stood, the longest first where several begin at one place."""
    told = [unicodedata.normalize("NFC", value.strip()) for value in known]
    values = sorted({_bare(value).strip() for value in told if len(value) >= SHORTEST_KNOWN} - {""}, key=len, reverse=True)
    if not values:
        return text
    bare = [_bare(character) for character in text]
    places = [place for place, letters in enumerate(bare) for _ in letters]
    pieces, done = [], 0
    for found in re.finditer("|".join(r"\s+".join(map(re.escape, value.split())) for value in values), "".join(bare)):
        pieces += [text[done : places[found.start()]], MASK]
        done = places[found.end() - 1] + 1
    return "".join([*pieces, text[done:]])


def _bare(text: str) -> str:
    """The letters alone: without case, accents, and what Unicode keeps apart for their looks."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(part for part in parts if not unicodedata.combining(part)).translate(_CROSSED)


def personal_values(dossier: Dossier) -> tuple[str, ...]:
    """The texts of this dossier that say whom it is about: what to leave out of an answer to it."""
    owner = dossier.owner
    files = (paper.name for paper in (*dossier.papers, *dossier.results) if names_file(paper.name))
    told = (owner.name, owner.identity, owner.account, owner.email, owner.phone, owner.address, dossier.note, dossier.abstract, *files)
    return tuple(value for value in told if value and value != dossier.procedure_name)


def sensitive(key: str) -> bool:
    """Whether a value under this key is a secret or a citizen's, by the words the key is made of."""
    words = {word.lower() for word in _WORDS.findall(key)}
    return not words.isdisjoint(_PERSONAL | _SECRETS | _QUOTING)


def mask(value: Any, depth: int = 0) -> Any:
    """`value` with everything under a sensitive key hidden and all text scrubbed. Of objects only the type remains."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return _mask_parts(value, depth + 1) if depth < DEEPEST else MASK
    return value if value is None or isinstance(value, _PLAIN) else f"<{type(value).__name__}>"


def _mask_parts(value: Mapping[Any, Any] | Iterable[Any], depth: int) -> Any:
    if isinstance(value, Mapping):
        return {str(key): MASK if sensitive(str(key)) else mask(part, depth) for key, part in value.items()}
    return [mask(part, depth) for part in value]


def describe(error: BaseException, known: Iterable[str] = ()) -> str:
    """The type of `error` and the first line of its message, scrubbed. Later lines are left out: drivers put statements, rows
    and parameters there, and validators the value they refused."""
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {redact(first, known)[:300]}" if first else type(error).__name__

"""What the national portal's answers mean. Pure.

    error_code   a number, a text, "00"; 0 is success unless the text tells of a failure
    message      Vietnamese, composed or decomposed, in any case
    result       a list; `data` in sister services; a list under `data` within `result`

The words and codes are data of the mapping, for their full table is not public. A code that is not known is a refusal and
kept with its text; what has no code at all is no answer, so nothing is known of what was done. A 4xx without one was not passed on:
a proxy that dislikes every call must not make a refused dossier of each. A relay that answers steps in words alone is read by these.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec.structs import replace

from connectors._dvcqg.mapping import CREATE, STATUS, Words
from connectors._http.outcomes import Answered, Trouble, refused
from syncd.calls import Outcome
from syncd.model import Value

_NUMBER = re.compile(r"[+-]?[0-9]+")
_BOM = b"\xef\xbb\xbf"
_BETWEEN = "see what stands between us and the portal"
_LONGEST_WORDS = 1000  #: characters of an answer in words
_SHORT = 1000  #: bytes of an answer that is remembered
REMEMBERED = 64  #: answers
IN_WORDS = "text"  #: code of an answer that has none, and tells in words that something was not done


class Answer(Value, eq=False):
    """An answer of the portal itself. One that comes again word for word, as most do, is the same object."""

    code: str  #: "0" however it was spelt
    message: str  #: may quote personal data
    body: Mapping[str, Any]

    @property
    def found(self) -> Sequence[Any] | None:
        """The entries that the answer lists; None where it says nothing of any."""
        listed = [self.body[key] for key in ("result", "data") if key in self.body]
        if not listed:
            return None
        value = next(filter(None, listed), None) or []
        if isinstance(value, dict):
            inner = value.get("data", [value])
            value = inner or []
        return value if isinstance(value, list) else None


def read(answered: Answered) -> Answer | Trouble:
    """The portal's answer in a body, or why it is none."""
    return _read_once(answered) if len(answered.body) <= _SHORT else _read(answered)


def _read(answered: Answered) -> Answer | Trouble:
    body = _decoded(answered.body)
    code = spelt(body.get("error_code")) if isinstance(body, dict) else ""
    failed = answered.status >= 400  # noqa: PLR2004 the classes of HTTP
    if failed and code == "0":
        return Trouble(Outcome.UNKNOWN, "unreadable", f"the portal says success with HTTP {answered.status}", _BETWEEN, body=answered.body)
    if isinstance(body, dict) and code:
        message = body.get("message")
        return Answer(code=code, message="" if message is None else " ".join(str(message).split()), body=body)
    if failed:
        return _between(answered)
    return Trouble(Outcome.UNKNOWN, "unreadable", f"no answer of the portal: {_shape(answered.body, body)}", _BETWEEN, body=answered.body)


_read_once = lru_cache(REMEMBERED)(_read)


def _between(answered: Answered) -> Trouble:
    """A status that says no without the portal's own words: somebody in between. Only its size tells of the call itself."""
    trouble = refused(answered)
    if trouble.outcome is Outcome.REJECTED and answered.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return trouble._replace(outcome=Outcome.UNAVAILABLE, hint=_BETWEEN)
    return trouble


def _decoded(raw: bytes) -> object:
    try:
        return msgspec.json.decode(raw.removeprefix(_BOM))
    except (msgspec.DecodeError, RecursionError):
        return None


def _words(raw: bytes) -> str:
    """The text of a body that is nothing but text; "" where it is a page or data."""
    body = _decoded(raw)
    text = body if isinstance(body, str) else raw.removeprefix(_BOM).decode("utf-8", "replace") if body is None else ""
    return "" if text.lstrip().startswith("<") or len(text) > _LONGEST_WORDS else " ".join(text.split())


def _shape(raw: bytes, body: object) -> str:
    if not raw.strip():
        return "an empty body"
    return "no JSON" if body is None else "no error_code"


def spelt(code: object) -> str:
    """One spelling for a code: 0, 0.0, "0" and "00" are "0"; "" for what is none."""
    if isinstance(code, bool) or not isinstance(code, (int, float, str)):
        return ""
    text = str(int(code)) if isinstance(code, float) and code.is_integer() else str(code).strip()
    return str(int(text)) if _NUMBER.fullmatch(text) else text


class Answers:
    """Judges answers by the words of a mapping."""

    def __init__(self, words: Words) -> None:
        self._success = _any_of(words.success)
        self._failure = _any_of(words.failure)
        self._exists = _any_of(words.exists)
        self._missing = _any_of(words.missing)
        self._session = _any_of(words.session)
        self._exists_codes = {spelt(code) for code in words.exists_codes}
        self._judged = lru_cache(REMEMBERED)(self._judge)

    def fine(self, answer: Answer) -> bool:
        """Whether the portal did what it was asked."""
        return answer.code == "0" and not _says(self._failure, answer)

    def worded(self, answered: Answered) -> Answer | Trouble:
        """The answer in a body that may be words alone, plain or as a JSON string, as relays tell of steps: code 0 where they tell of
        success, `IN_WORDS` where of anything else we know, and no answer otherwise."""
        answer = read(answered)
        text = _words(answered.body) if isinstance(answer, Trouble) and answered.status < 400 else ""  # noqa: PLR2004
        said = Answer(code="0", message=text, body={"message": text})
        if _says(self._failure, said) or _says(self._missing, said):
            return replace(said, code=IN_WORDS)
        return said if _says(self._success, said) else answer

    def sessionless(self, answer: Answer) -> bool:
        """Whether the portal does not know our session any more."""
        return answer.code != "0" and _says(self._session, answer)

    def absent(self, answer: Answer) -> bool:
        """Whether the portal says that it has no such dossier."""
        return _says(self._missing, answer)

    def judge(self, answer: Answer, lane: str) -> tuple[Outcome, bool | None]:
        """What became of a call of that lane, and whether the portal has the dossier, where the answer says so."""
        return self._judged(answer, lane)

    def _judge(self, answer: Answer, lane: str) -> tuple[Outcome, bool | None]:
        if lane == CREATE and answer.code in self._exists_codes and _says(self._exists, answer):
            return Outcome.CROSSED, True
        if lane not in (CREATE, STATUS) and self.absent(answer):
            return Outcome.CROSSED, False
        return (Outcome.DELIVERED, True) if self.fine(answer) else (Outcome.REJECTED, None)


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b" if patterns else r"(?!)", re.IGNORECASE)


def _says(pattern: re.Pattern[str], answer: Answer) -> bool:
    return pattern.search(unicodedata.normalize("NFC", answer.message)) is not None

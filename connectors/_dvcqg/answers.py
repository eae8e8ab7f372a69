"""What the national portal's answers mean. Pure.

    error_code   a number, a text, "00"; 0 is success unless the text tells of a failure
    message      Vietnamese, composed or decomposed, in any case
    result       a list; `data` in sister services; a list under `data` within `result`

The words and codes are data of the mapping, for their full table is not public. A code that is not known is a refusal and
kept with its text; what has no code at all is no answer, so nothing is known of what was done.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from connectors._dvcqg.mapping import CREATE, STATUS, Words
from connectors._http.outcomes import Answered, Trouble, refused
from syncd.calls import Outcome
from syncd.model import Value

_NUMBER = re.compile(r"[+-]?[0-9]+")
_BOM = b"\xef\xbb\xbf"
_SHORT = 1000  #: bytes of an answer that is remembered
REMEMBERED = 64  #: answers


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
    try:
        body = msgspec.json.decode(answered.body.removeprefix(_BOM))
    except (msgspec.DecodeError, RecursionError):
        body = None
    code = spelt(body.get("error_code")) if isinstance(body, dict) else ""
    if code:
        message = body.get("message")
        return Answer(code=code, message="" if message is None else " ".join(str(message).split()), body=body)
    if answered.status >= 400:  # noqa: PLR2004 the classes of HTTP
        return refused(answered)
    return Trouble(
        Outcome.UNKNOWN,
        "unreadable",
        f"no answer of the portal: {_shape(answered.body, body)}",
        "see what stands between us and the portal",
        body=answered.body,
    )


_read_once = lru_cache(REMEMBERED)(_read)


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
        self._failure = _any_of(words.failure)
        self._exists = _any_of(words.exists)
        self._missing = _any_of(words.missing)
        self._session = _any_of(words.session)
        self._exists_codes = {spelt(code) for code in words.exists_codes}
        self._judged = lru_cache(REMEMBERED)(self._judge)

    def fine(self, answer: Answer) -> bool:
        """Whether the portal did what it was asked."""
        return answer.code == "0" and not _says(self._failure, answer)

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

"""What the answers of Tân Dân's document axis mean. Pure.

    {"data": …, "error": {"code": 200, "internalMessage": "…", "userMessage": "…"}}

The code within says what became of a call, whatever the status of HTTP; it is a number or a text. Only 200 is public, so what
the others mean is a table of the mapping. A body without such a code is no answer of the axis: nothing is known of what was done.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError

from connectors._http.outcomes import Answered, Trouble, refused
from syncd.calls import Outcome
from syncd.mapping import Codes
from syncd.mapping_file import Patterns, mistakes
from syncd.model import Problem

MISSING = "missing"
_BOM = b"\xef\xbb\xbf"
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


class Words(BaseModel):
    """[settings.answers]: how the texts of answers are read; regular expressions."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    missing: Patterns = ()
    about: tuple[str, ...] = ()  #: plain words, not expressions

    @classmethod
    def of(cls, given: object, where: str, problems: list[Problem]) -> Words:
        """The words as given; what is wrong with them is added to `problems`."""
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            problems += mistakes(error, f"{where}.")
            return cls()


class Answer(NamedTuple):
    """An answer of the axis itself."""

    code: str  #: in one spelling
    message: str  #: may quote personal data
    data: Any
    body: bytes  #: as it came


class Answers:
    """Judges answers by the table and the words of a mapping."""

    WORDS: ClassVar = frozenset({*Outcome} - {Outcome.CROSSED, Outcome.DEFERRED}) | {MISSING}

    def __init__(self, codes: Codes, words: Words) -> None:
        self._codes = codes
        self._missing = re.compile(rf"\b(?:{'|'.join(words.missing)})\b" if words.missing else r"(?!)", re.IGNORECASE)

    def meaning(self, answer: Answer) -> str:
        """The word of the table for the answer; "" where it has none."""
        code = answer.code
        word = self._codes.find(code) or (self._codes.find(f"{code[0]}xx") if re.fullmatch("[0-9]{3}", code) else None) or ""
        if word != Outcome.DELIVERED and self._missing.search(unicodedata.normalize("NFC", answer.message)):
            return MISSING
        return word

    def judge(self, answer: Answer) -> Outcome:
        """What became of a call that changes something."""
        word = self.meaning(answer)
        return Outcome(word) if word and word != MISSING else Outcome.REJECTED


def read(answered: Answered | Trouble) -> Answer | Trouble:
    """The answer of the axis in a body, whatever status it came with, or why it is none. Who asks to wait says how long."""
    if isinstance(answered, Trouble) and answered.outcome is Outcome.BUSY:
        return answered
    body = _decoded(answered.body)
    error = field(body, "error")
    code = spelt(field(error, "code"))
    if code:
        told = field(error, "internalMessage") or field(error, "userMessage") or ""
        return Answer(code, " ".join(str(told).split()), field(body, "data"), answered.body)
    if isinstance(answered, Trouble):
        return answered
    if answered.status >= 400:  # noqa: PLR2004 the classes of HTTP
        return refused(answered)
    hint = "see what stands between us and the axis"
    return Trouble(Outcome.UNKNOWN, "unreadable", f"no answer of the axis: {_shape(answered.body, body)}", hint, body=answered.body)


def _decoded(raw: bytes) -> Any:
    """The JSON in a body, also where a gateway has put it into a string; None where there is none."""
    try:
        body = msgspec.json.decode(raw.removeprefix(_BOM))
        return msgspec.json.decode(body) if isinstance(body, str) else body
    except (msgspec.DecodeError, RecursionError):
        return None


def _shape(raw: bytes, body: object) -> str:
    if not raw.strip():
        return "an empty body"
    return "no JSON" if body is None else "no error.code"


def field(value: object, name: str) -> Any:
    """The field of that name, however its letters are written; None where there is none or `value` is no object."""
    if not isinstance(value, Mapping):
        return None
    return value[name] if name in value else next((part for key, part in value.items() if str(key).lower() == name.lower()), None)


def spelt(code: object) -> str:
    """One spelling for a code: 200, 200.0, "200" and " 0200" are "200"; "" for what is none."""
    if isinstance(code, bool) or not isinstance(code, (int, float, str)):
        return ""
    text = str(int(code)) if isinstance(code, float) and code.is_integer() else str(code).strip()
    return str(int(text)) if _NUMBER.fullmatch(text) else text[:60]

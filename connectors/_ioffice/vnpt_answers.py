"""What VNPT iOffice's answers mean, by the words of a mapping. Pure.

No answer of it is public, and the one client that was seen reads none. So an answer is taken as success where it is JSON and neither
its code nor its words say otherwise; without a code, words about our token are a refusal too. HTML from a proxy says nothing,
whatever its status, and neither does a success that comes with a 4xx.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError

from connectors._http.outcomes import Answered, Trouble, refused
from syncd.calls import Outcome
from syncd.errors import ConfigurationError
from syncd.mapping_file import Patterns, locate, mistakes, parse

_BOM = b"\xef\xbb\xbf"
_NOTHING = object()


class Words(BaseModel):
    """[settings.answers] of the mapping."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    places: tuple[str, ...]
    done: tuple[str, ...]
    messages: tuple[str, ...]
    failure: Patterns
    token: Patterns
    token_codes: tuple[str, ...]
    empty: Literal["unknown", "delivered"]


class Answer(NamedTuple):
    """An answer of iOffice."""

    code: str  #: "" where it has none
    message: str  #: may quote personal data
    said: Any  #: the whole of it, as decoded
    body: bytes


class Answers:
    """Reads and judges answers."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._failure = _any_of(words.failure)
        self._token = _any_of(words.token)

    def read(self, answered: Answered) -> Answer | Trouble:
        """The answer in a body, or why it is none."""
        said = _decoded(answered.body) if answered.body.strip() else None
        code = "" if said is _NOTHING else self._code(said)
        answer = Answer(code, self._message(said), said, answered.body)
        if answered.status >= 400:  # noqa: PLR2004 the classes of HTTP
            if code and self.fine(answer):
                return _unreadable(answered.body, f"iOffice says success with HTTP {answered.status}")
            trouble = refused(answered)
            return answer if code and trouble.outcome is Outcome.REJECTED else trouble
        if said is _NOTHING or (said is None and self._words.empty == "unknown"):
            return _unreadable(answered.body, f"no answer of iOffice: {'no JSON' if answered.body.strip() else 'an empty body'}")
        return answer

    def _code(self, said: object) -> str:
        return spelt(said if isinstance(said, (bool, int, float)) else _first(said, self._words.places))

    def _message(self, said: object) -> str:
        return str((said if isinstance(said, str) else _first(said, self._words.messages)) or "")

    def fine(self, answer: Answer) -> bool:
        """Whether iOffice did what it was asked."""
        well = answer.code in self._words.done if answer.code else not _says(self._token, answer.message)
        return well and not _says(self._failure, answer.message)

    def tokenless(self, answer: Answer) -> bool:
        """Whether it refuses for the token's sake."""
        return not self.fine(answer) and (answer.code in self._words.token_codes or _says(self._token, answer.message))


def _decoded(raw: bytes) -> Any:
    """The JSON in a body, also where a gateway has put it into a string; a plain string stays one."""
    try:
        said = msgspec.json.decode(raw.removeprefix(_BOM))
    except (msgspec.DecodeError, RecursionError):
        return _NOTHING
    if isinstance(said, str):
        inner = _decoded(said.encode("utf-8", "replace"))
        return said if inner is _NOTHING else inner
    return said


def _unreadable(raw: bytes, message: str) -> Trouble:
    return Trouble(Outcome.UNKNOWN, "unreadable", message, "see what stands between us and iOffice", body=raw)


def _first(said: object, places: Sequence[str]) -> object:
    """What stands at the first of these places that holds a plain value."""
    found = (at(said, place) for place in places)
    return next((value for value in found if isinstance(value, (str, int, float)) and value != ""), None)


def at(said: object, place: str) -> object:
    """What stands at a place, its dots leading into objects; None where nothing does."""
    for name in place.split("."):
        said = said.get(name) if isinstance(said, Mapping) else None
    return said


def spelt(code: object) -> str:
    """A code as text: true and false in small letters, whole numbers without a point."""
    if code is None:
        return ""
    if isinstance(code, bool):
        return str(code).lower()
    return str(int(code)) if isinstance(code, float) and code.is_integer() else str(code).strip()[:60]


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b" if patterns else r"(?!)", re.IGNORECASE)


def _says(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.search(unicodedata.normalize("NFC", text)) is not None


def load(overlay: Path | None) -> Answers:
    """The words of the mapping `vnpt`. Raises `ConfigurationError` with everything wrong."""
    where, text = locate("vnpt", "ioffice", overlay)
    try:
        return Answers(Words.model_validate(parse(text, where).settings.get("answers", {})))
    except ValidationError as error:
        faults = mistakes(error, f"{where}: settings.answers.")
        raise ConfigurationError(faults) from None

"""The transforms that every mapping may name: small pure functions of one value.

A transform raises `ValueError` with a reason fit for a person (and free of the value, which may be a citizen's).
Connectors add their own, for the formats of their wire.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

Transform = Callable[[Any], Any]

PLAUSIBLE_YEARS = range(1990, 2100)
REMEMBERED = 2048  #: texts whose cleaned form is kept: names of officers, units and procedures come again and again


@lru_cache(REMEMBERED, typed=True)
def text(value: Any) -> str:
    """Text in Unicode NFC without surrounding space. Control characters and marks of a broken conversion are refused:
    a name that lost its letters must not be published."""
    result = unicodedata.normalize("NFC", str(value)).strip()
    if ("\ufffd" in result or not result.isprintable()) and any(_broken(character) for character in result):
        raise ValueError("holds broken text (control or replacement characters)")
    return result


def _broken(character: str) -> bool:
    return character == "\ufffd" or (unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\r\t")


@lru_cache(REMEMBERED, typed=True)
def line(value: Any) -> str:
    """Text on one line: every run of white space becomes one space."""
    return " ".join(text(value).split())


def upper(value: Any) -> str:
    """Text in capitals."""
    return text(value).upper()


def digits(value: Any) -> str:
    """The digits of the text, everything else left out."""
    return "".join(character for character in str(value) if character.isdecimal())


def whole(value: Any) -> int:
    """A whole number."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("is not a whole number") from None


def flag(value: Any) -> bool:
    """Whether the value is set: not 0, not empty."""
    return bool(value)


def plausible(value: Any) -> Any:
    """An instant no sane record leaves: from 1990 to 2100."""
    if isinstance(value, datetime) and value.year not in PLAUSIBLE_YEARS:
        raise ValueError(f"the year {value.year} cannot be right")
    return value


STANDARD: Mapping[str, Transform] = {
    "text": text,
    "line": line,
    "upper": upper,
    "digits": digits,
    "whole": whole,
    "flag": flag,
    "plausible": plausible,
    "string": str,
}

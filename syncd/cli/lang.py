"""English and Vietnamese: the English text is the key, `vi.toml` beside this file has the Vietnamese one.

`t` is for texts written in the commands, which all have a translation (a test sees to it). `sentence` is for texts that come
from deeper down, such as the message of an error: they are recognised as a whole or by a template of the table whose
`{}` stand for the changing parts, and stay English where the table has nothing. JSON is never translated.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("vi", "en")
_spoken = ["en"]


def use(language: str) -> None:
    """Speak `vi` or `en` from now on."""
    _spoken[0] = language


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak `vi` or `en` for a while."""
    before = _spoken[0]
    use(language)
    try:
        yield
    finally:
        use(before)


def of_environment(environment: Mapping[str, str] = os.environ) -> str:
    """The language the locale asks for."""
    named = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "vi" if named.lower().startswith("vi") else "en"


def t(text: str, /, **values: Any) -> str:
    """`text` in the language spoken, with `values` filled in."""
    found = table().get(text, text) if _spoken[0] == "vi" else text
    return found.format(**values) if values else found


def sentence(text: str) -> str:
    """A text from elsewhere in the language spoken, as far as the table knows it; of several problems in one text, each."""
    if _spoken[0] != "vi":
        return text
    return _whole(text) or "; ".join(map(_problem, text.split("; ")))


def _problem(text: str) -> str:
    """A problem as `Unmappable` writes it, `field: reason`."""
    field, colon, reason = text.partition(": ")
    return _whole(text) or f"{field}{colon}{_whole(reason) or reason}"


def _whole(text: str) -> str | None:
    if text in table():
        return table()[text]
    return next((translation.format(*match.groups()) for pattern, translation in _templates() if (match := pattern.fullmatch(text))), None)


@lru_cache(1)
def table() -> dict[str, str]:
    """The Vietnamese of every English text."""
    return {
        english: vietnamese
        for part in tomllib.loads(files(__package__).joinpath("vi.toml").read_text("utf-8")).values()
        for english, vietnamese in part.items()
    }


@lru_cache(1)
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """Texts with changing parts, the most particular first."""
    texts = sorted((text for text in table() if "{}" in text), key=lambda text: -len(text))
    return [(re.compile("(.+?)".join(map(re.escape, text.split("{}"))), re.DOTALL), table()[text]) for text in texts]

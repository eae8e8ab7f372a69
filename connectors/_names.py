"""Names of files, cleaned of what they must not hold: folders, control characters, another file's name. Pure.

They come from outside and go to places where a file is made of them. The name keeps its letters, in composed form, and its
ending; content decides what a file is, never its name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

LONGEST = 120
_RESERVED = frozenset('<>:"|?*')


def bare(given: str) -> str:
    """The last part of a path of either notation, fit for a file system; "" where nothing is left."""
    last = unicodedata.normalize("NFC", given).replace("\\", "/").rstrip("/").rpartition("/")[2]
    clean = " ".join("".join("_" if letter in _RESERVED else letter for letter in last if _shown(letter)).split())
    return _shortened(clean.strip(". ")) if clean.strip("._ ") else ""


def _shown(letter: str) -> bool:
    return unicodedata.category(letter)[0] != "C" or letter.isspace()


def _shortened(name: str) -> str:
    ending = PurePosixPath(name).suffix[:20]
    return name if len(name) <= LONGEST else name[: LONGEST - len(ending)].rstrip() + ending


def ending(name: str) -> str:
    """What stands behind the last full stop, in small letters; "" where nothing does."""
    return PurePosixPath(name).suffix[1:].lower()


def distinct(names: Iterable[str]) -> list[str]:
    """The names, each once: a later one of the same spelling gets a number before its ending."""
    taken: set[str] = set()
    return [_free(name, taken) for name in names]


def _free(name: str, taken: set[str]) -> str:
    path, number, free = PurePosixPath(name), 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{path.stem} ({number}){path.suffix}"
    taken.add(free.casefold())
    return free

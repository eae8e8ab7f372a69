"""Which agencies a scope covers. Two notations of one code are in use, read from opposite ends.

`000.00.14.H03` is read from the right, its empty groups are zeros; `H03.14` from the left. Codes are compared as
groups from the top, and a code covers every unit whose groups begin with its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_TOP = re.compile(r"[A-Z]\d+")


def groups(code: str) -> tuple[str, ...]:
    """The groups of a code from the top down, zeros left out; a code of neither notation is one group."""
    parts = code.strip().upper().split(".")
    if not _TOP.fullmatch(parts[0]):
        parts = parts[::-1] if _TOP.fullmatch(parts[-1]) else [".".join(parts)]
    return tuple(part for part in parts if part.strip("0"))


def covers(scope: Iterable[str]) -> Callable[[str], bool]:
    """Whether a unit is under one of the agencies of `scope`; an empty scope covers everything."""
    tops = [groups(code) for code in scope]
    return lambda code: not tops or any(groups(code)[: len(top)] == top for top in tops)

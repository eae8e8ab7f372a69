"""Which texts of what is sent are a citizen's or an officer's: those in the fields that a mapping calls personal, and names of files. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from syncd.redact import names_file


def texts(value: Any, personal: Collection[str], field: str = "") -> Iterator[str]:
    """The texts in decoded JSON that stand in fields of these names, at whatever depth; and names of files, wherever they stand."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from texts(part, personal, name)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part, personal, field)
    elif isinstance(value, str) and value and (field in personal or names_file(value)):
        yield value

"""How pages write numbers, times and texts, and their words for syncd's own."""

from __future__ import annotations

import re
from datetime import datetime

KINDS = {
    "missing": "thiếu",
    "stale": "khác nội dung",
    "steps": "khác tiến trình",
    "extra": "thừa",
    "unknown": "không hỏi được",
}
# What XML has no place for, and what turns the direction of writing.
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """A text without the characters that have no place in a document."""
    return _UNFIT.sub("", text)


def per_mille(rate: float) -> int:
    """The rate rounded, but never whole where something is missing, and never nothing where something is there."""
    rounded = round(rate * 1000)
    rounded = min(rounded, 999) if rate < 1 else rounded
    return max(rounded, 1) if rate > 0 else rounded


def percent(rate: float | None) -> str:
    """97,5 %; a dash where there is no rate."""
    if rate is None:
        return "–"
    whole, tenths = divmod(per_mille(rate), 10)
    return f"{whole},{tenths} %"


def number(value: int) -> str:
    """A number with its thousands set apart: 1.234.567."""
    return f"{value:,}".replace(",", ".")


def month(text: str) -> str:
    """07/2025, of 2025-07; a dash where it is not known."""
    year, dash, of_year = text.partition("-")
    return f"{of_year}/{year}" if dash else text or "–"


def moment(at: datetime | None) -> str:
    """08:30 ngày 01/07/2025; a dash where there is no time."""
    return f"{at:%H:%M ngày %d/%m/%Y}" if at else "–"

"""Dates as document systems write them: the national format, the daily one, ISO, digits alone, seconds since 1970."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

from syncd.transforms import PLAUSIBLE_YEARS

ZONE = timezone(timedelta(hours=7))  #: local time of all of them
_YEAR_FIRST = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})(?![\d/])(?:[T ]\S.*)?")
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?![\d/])(?: \S.*)?")
_DIGITS = re.compile(r"(\d{4})(\d\d)(\d\d)(?:\d{6})?")
_EPOCH = re.compile(r"\d{10}(?:\d{3})?")


def lenient(text: str) -> date | None:
    """The day meant, in Vietnamese time; None where none can be read or no document can be of it."""
    told = text.strip()
    try:
        found = _read(told)
    except (ValueError, OverflowError):
        return None
    return found if found is not None and found.year in PLAUSIBLE_YEARS else None


def _read(text: str) -> date | None:
    if _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(text) / (1000 if len(text) > 10 else 1), ZONE).date()  # noqa: PLR2004 digits of seconds
    if found := _YEAR_FIRST.fullmatch(text):
        return _instant(text) or date(int(found[1]), int(found[2]), int(found[3]))
    if found := _DAY_FIRST.fullmatch(text):
        return date(int(found[3]), int(found[2]), int(found[1]))
    if found := _DIGITS.fullmatch(text):
        return date(int(found[1]), int(found[2]), int(found[3]))
    return None


def _instant(text: str) -> date | None:
    """The Vietnamese day of an ISO instant that names its zone."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if instant.tzinfo is None else instant.astimezone(ZONE).date()

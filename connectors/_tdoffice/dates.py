"""Dates as document systems write them: the contract's form, and every other that was seen. Pure; nothing here ever fails.

    dd/MM/yyyy      the axis's own, also without leading zeros, with - or . between, and with a time behind
    yyyy/MM/dd      edXML; yyyy-MM-dd, with a time and a zone behind: ISO
    yyyyMMdd…       as syncd itself sends times
    1741600000      seconds since 1970, or milliseconds

A time with a zone counts by its day in Việt Nam. A date that cannot be, or that no document bears, is none.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

from syncd.transforms import PLAUSIBLE_YEARS

ZONE = timezone(timedelta(hours=7))
_DAY_FIRST = re.compile(r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})(?:[ T,].*)?")
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})[/.-](?P<month>\d{1,2})[/.-](?P<day>\d{1,2})(?:[ T,].*)?")
_RUN_ON = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?:\d{4}|\d{6})?")
_EPOCH = re.compile(r"\d{10}(?:\d{3})?")


def lenient(given: object) -> date | None:
    """The day that is meant; None where none is, or none that can be."""
    text = str(given).strip() if isinstance(given, (str, int)) and not isinstance(given, bool) else ""
    try:
        found = _zoned(text) or _written(text)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found is not None and found.year in PLAUSIBLE_YEARS else None


def _zoned(text: str) -> date | None:
    """Of a point in time, the day it was in Việt Nam."""
    if _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), UTC).astimezone(ZONE).date()
    if _YEAR_FIRST.fullmatch(text) and "T" in text:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return (moment.astimezone(ZONE) if moment.tzinfo else moment).date()
    return None


def _written(text: str) -> date | None:
    for pattern in (_DAY_FIRST, _YEAR_FIRST, _RUN_ON):
        if found := pattern.fullmatch(text):
            return date(int(found["year"]), int(found["month"]), int(found["day"]))
    return None

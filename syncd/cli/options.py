"""Options and parameter types that several commands take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import click

from syncd.cli.lang import t

as_json = click.option("--json", "as_json", is_flag=True, help="one JSON document on standard output, nothing else")
dry_run = click.option("--dry-run", is_flag=True, help="only say what would be done")


def moment(text: str) -> datetime | timedelta:
    """A moment as people write it: a date, a date and time, or how long ago (`2h`, `3d`)."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        passed = _duration(text)
    if passed is None:
        raise click.BadParameter(t("{text} is neither a moment (2025-07-01, 2025-07-01T08:00) nor a time that has passed (2h, 3d)", text=repr(text)))
    return passed


def span(text: str) -> timedelta:
    """A duration: `15m`, `1h30m`."""
    found = _duration(text)
    if found is None:
        raise click.BadParameter(t("{text} is not a duration (15m, 1h)", text=repr(text)))
    return found


def _duration(text: str) -> timedelta | None:
    from syncd.options import duration

    try:
        found = duration(text)
    except ValueError:
        return None
    return found if isinstance(found, timedelta) else None


def instant(given: datetime | timedelta | None, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The instant meant by a `moment`; a time without offset is local."""
    if given is None:
        return None
    if isinstance(given, timedelta):
        return now - given
    return (given if given.tzinfo else given.replace(tzinfo=zone)).astimezone(UTC)


since = click.option("--since", type=moment, metavar="MOMENT", help="from this moment on: a date, a date and time, or how long ago (2h, 3d)")

"""What of the overlap has been read already, so that a poll reads no dossier in full twice without need, and when the overlap is
to be listed whole.

A row is passed over if its modification time is the one it was read with. That is safe only when the clock that wrote the time has
left that tick, or a second change within it would carry the same time and be lost. So a sight *settles* first: when something a
tick newer has been read, or when the same time is found again at a poll a tick later. A tick is two seconds where the time may be of
whole seconds, and a tenth of one where it has a fraction. Only what is committed downstream is ever noted.

While the overlap holds no more than a page it is listed whole at each poll. Beyond that only its last twentieth is, and the whole of it once
in as long (`whole_due`), back to where it began the last time; see `poll` for what that promises.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from connectors._onestop.database import stamp_text

TICK = timedelta(seconds=2)
FINE_TICK = timedelta(milliseconds=100)
_FRACTION = re.compile(r"\.0*[1-9]")


class Sight(NamedTuple):
    """A row as it was last read."""

    stamp: str
    since: datetime  #: the source's time when it was first read with this stamp
    settled: bool


class Window:
    """Rows of the overlap by their keys."""

    def __init__(self, page: int) -> None:
        self._page = page
        self._seen: dict[int, Sight] = {}
        self._newest = ""
        self._prune_at = 2 * page
        self._crowded = False
        self._whole_at: datetime | None = None
        self._round: tuple[int, list[int]] = (0, [])

    def unread(self, keys: Iterable[tuple[int, Any]]) -> list[int]:
        """The keys whose rows must be read in full."""
        return [key for key, modified in keys if not self._settled(key, stamp_text(modified))]

    def note(self, stamps: Mapping[int, str], present: datetime) -> None:
        """These rows, read with these stamps when the source's time was `present`, are committed."""
        now = stamp_text(present)
        self._newest = max((stamp for stamp in (*stamps.values(), self._newest) if stamp <= now), default="")
        limits = {tick: _before(self._newest, tick) for tick in (TICK, FINE_TICK)}
        for key, stamp in stamps.items():
            before = self._seen.get(key)
            since, tick = before.since if before and before.stamp == stamp else present, _tick(stamp)
            self._seen[key] = Sight(stamp, since, stamp < limits[tick] or present - since >= tick)

    def whole_due(self, present: datetime, span: timedelta) -> bool:
        """Whether the overlap is to be listed whole: it is not crowded, that was a `span` ago, or the source's clock was set back."""
        return not self._crowded or self._whole_at is None or not timedelta() <= present - self._whole_at < span

    def note_whole(self, present: datetime, keys: int) -> None:
        """The overlap was listed whole by a poll that began at `present`: so many keys."""
        self._whole_at, self._crowded = present, keys > self._page

    def ahead(self, place: int) -> list[int]:
        """Of the rows without a time that were listed, those beyond `place`; nothing where they must be listed anew."""
        after, keys = self._round
        return keys[bisect_right(keys, place) :] if after + place > 0 and after <= place else []

    def note_round(self, after: int, keys: list[int]) -> None:
        """These rows without a time follow `after`."""
        self._round = (after, keys)

    def prune(self, start: str) -> None:
        """Forget what lies before the window, when there is much of it."""
        if len(self._seen) > self._prune_at:
            self._seen = {key: sight for key, sight in self._seen.items() if sight.stamp >= start}
            self._prune_at = 2 * (len(self._seen) + self._page)

    def __len__(self) -> int:
        return len(self._seen)

    def _settled(self, key: int, stamp: str) -> bool:
        sight = self._seen.get(key)
        return sight is not None and sight.settled and sight.stamp == stamp


def _tick(stamp: str) -> timedelta:
    """How long a clock that writes such times may have stood still."""
    return FINE_TICK if _FRACTION.search(stamp) else TICK


def _before(stamp: str, span: timedelta) -> str:
    """That much before a time, as text; empty where it is no time."""
    try:
        return stamp_text(datetime.fromisoformat(stamp) - span)
    except (ValueError, OverflowError):
        return ""

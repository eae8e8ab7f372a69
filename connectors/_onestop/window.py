"""What of the overlap has been read already, so that a poll reads no dossier in full twice without need.

The window behind the cursor is listed anew at each poll; a row is passed over if its modification time is the one it was read with.
That is safe only when the clock that wrote the time has left that tick, or a second change within it would carry the same time and be
lost. So a sight *settles* first: when something two seconds newer has been read, or when the same time is found again
at a poll two seconds later. Only what is committed downstream is ever noted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from connectors._onestop.database import stamp_text

TICK = timedelta(seconds=2)


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

    def unread(self, keys: Iterable[tuple[int, Any]]) -> list[int]:
        """The keys whose rows must be read in full."""
        return [key for key, modified in keys if not self._settled(key, stamp_text(modified))]

    def note(self, stamps: Mapping[int, str], present: datetime) -> None:
        """These rows, read with these stamps when the source's time was `present`, are committed."""
        limit = self._limit(stamps.values(), present)
        for key, stamp in stamps.items():
            before = self._seen.get(key)
            since = before.since if before and before.stamp == stamp else present
            self._seen[key] = Sight(stamp, since, stamp < limit or present - since >= TICK)

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

    def _limit(self, stamps: Iterable[str], present: datetime) -> str:
        now = stamp_text(present)
        self._newest = max((stamp for stamp in (*stamps, self._newest) if stamp <= now), default="")
        try:
            return stamp_text(datetime.fromisoformat(self._newest) - TICK)
        except (ValueError, OverflowError):
            return ""

"""Foreign: which dossiers a target has that nobody here knows.

A target that can list what it has is asked for it, some days at a time, so that neither side holds a long list. A code that no
dossier of the state has is looked up in the one-stop itself, which may have it since a moment ago; and a dossier that was filed on
the national portal may stand there under the portal's own code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.ports import Source, Target
from syncd.store.readback import ReadBack

DAYS = 31  #: asked for at once
_CHUNK = 500
_THEIR_DAYS = ZoneInfo("Asia/Ho_Chi_Minh")


class Foreign:
    """Questions for what one target has on its own."""

    def __init__(self, target: Target, source: Source, rows: ReadBack) -> None:
        self._target = target
        self._source = source
        self._rows = rows
        self.listed = 0  #: dossiers that the target has told of

    def codes(self, since: datetime, until: datetime) -> list[str] | None:
        """The codes of foreign dossiers received between these moments; None where the target does not tell what it has."""
        strange: set[str] = set()
        for first, last in _spans(since.astimezone(_THEIR_DAYS).date(), until.astimezone(_THEIR_DAYS).date()):
            held = self._target.holdings(first, last)
            if held is None:
                return None
            self.listed += len(held)
            for some in (held[start : start + _CHUNK] for start in range(0, len(held), _CHUNK)):
                strange |= self._rows.unknown(some)
        return self._nobodys(sorted(strange))

    def _nobodys(self, codes: Sequence[str]) -> list[str]:
        absent = {code for code in codes if not any(page.snapshots for page in self._source.fetch(code))}
        if absent:
            absent.difference_update(self._rows.portal_codes())
        return sorted(absent)


def _spans(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        end = min(first + timedelta(days=DAYS - 1), last)
        yield first, end
        first = end + timedelta(days=1)

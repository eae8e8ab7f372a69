"""Tally: the figures of each agency, counted in the one-stop and put on the line to the targets that take them.

Counted is what ended yesterday: its month so far and its year so far, so that the count on the first of a month is the whole
month before. Where that count was missed, the next one makes it up: it counts each month that has ended since the last. Figures
that differ from those counted last become due like any other change; the target replaces what it had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from syncd.clock import Clock
from syncd.model import Snapshot
from syncd.ports import Source
from syncd.statistics import statistics
from syncd.store.board import Board, Fence
from syncd.store.intake import Intake

log = structlog.get_logger()

NAME = "tally"  #: of the board's note on when the one-stop was last counted
_DAY = timedelta(days=1)


class _Interrupted(Exception):
    """The count was told to stop."""


class Tally:
    """Counts one source."""

    def __init__(self, source: Source, intake: Intake, board: Board, clock: Clock, zone: ZoneInfo) -> None:
        self.source = source
        self.intake = intake
        self.board = board
        self.clock = clock
        self.zone = zone

    def last(self) -> datetime | None:
        """When the last count began, by whichever node."""
        return self.board.source(NAME).swept_at

    def count(self, fence: Fence | None = None, proceed: Callable[[], bool] = lambda: True) -> int:
        """Read every dossier once and make due the figures that differ; how many do. `proceed` is asked after each page; where it
        says no, nothing is written. Raises `SourceError`, and `LeaseLost` where another node has taken that over."""
        now, last = self.clock.now(), self.last()
        today = now.astimezone(self.zone).date()
        days = ended(last.astimezone(self.zone).date() if last else today, today)
        try:
            figures = statistics(self._snapshots(proceed), days, now, self.zone)
        except _Interrupted:
            return 0
        raised = self.intake.take_statistics(figures, fence)
        self.board.note_source(NAME, fence, swept_at=now)
        log.info("statistics_counted", agencies=len({each.agency.code for each in figures}), count=len(figures), due=raised)
        return raised

    def _snapshots(self, proceed: Callable[[], bool]) -> Iterator[Snapshot]:
        for page in self.source.sweep():
            yield from page.snapshots
            if not proceed():
                raise _Interrupted


def ended(last: date, today: date) -> list[date]:
    """What to count today, after a count of that day: the last day of each month that ended since, and yesterday."""
    days, month = [today - _DAY], (today - _DAY).replace(day=1)
    while month > last:
        days.append(month - _DAY)
        month = (month - _DAY).replace(day=1)
    return days[::-1]

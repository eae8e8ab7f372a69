"""Tally: the figures of each agency, counted in the one-stop and put on the line to the targets that take them.

Counted is what ended yesterday: its month so far and its year so far, so that the count on the first of a month is the whole
month before. Where that count was missed, the next one makes it up: it counts each month that has ended since the last. Figures
that differ from those counted last become due like any other change; the target replaces what it had.
A node that was down at the hour counts when it is up again; one that finds the others' count of this hour leaves it at that.
"""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import structlog

from syncd.clock import Clock
from syncd.ports import Source
from syncd.statistics import statistics
from syncd.store.board import Board, Fence
from syncd.store.intake import Intake

log = structlog.get_logger()


NAME = "tally"  #: of the board's note on when the one-stop was last counted
_DAY = timedelta(days=1)
_OVERDUE = timedelta(hours=25)
_LATELY = timedelta(hours=1)


class Tally:
    """Counts one source."""

    def __init__(self, source: Source, intake: Intake, board: Board, clock: Clock, zone: ZoneInfo) -> None:
        self.source = source
        self.intake = intake
        self.board = board
        self.clock = clock
        self.zone = zone

    def overdue(self) -> bool:
        """Whether a day has passed without a count."""
        last = self.board.source(NAME).swept_at
        return last is None or self.clock.now() - last > _OVERDUE

    def lately(self) -> bool:
        """Whether a count has just been made, by whichever node."""
        last = self.board.source(NAME).swept_at
        return last is not None and self.clock.now() - last < _LATELY

    def count(self, fence: Fence | None = None) -> int:
        """Read every dossier once and make due the figures that differ; how many do. Raises `SourceError`, and `LeaseLost` where
        another node has taken that over."""
        now, last = self.clock.now(), self.board.source(NAME).swept_at
        today = now.astimezone(self.zone).date()
        days = ended(last.astimezone(self.zone).date() if last else today, today)
        snapshots = (each for page in self.source.sweep() for each in page.snapshots)
        figures = statistics(snapshots, days, now, self.zone)
        raised = self.intake.take_statistics(figures, fence)
        self.board.note_source(NAME, fence, swept_at=now)
        log.info("statistics_counted", agencies=len({each.agency.code for each in figures}), count=len(figures), due=raised)
        return raised


def ended(last: date, today: date) -> list[date]:
    """What to count today, after a count of that day: the last day of each month that ended since, and yesterday."""
    days, month = [today - _DAY], (today - _DAY).replace(day=1)
    while month > last:
        days.append(month - _DAY)
        month = (month - _DAY).replace(day=1)
    return days[::-1]

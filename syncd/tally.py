"""Tally: the figures of each agency, counted in the one-stop and put on the line to the targets that take them.

Counted is what ended yesterday: its month so far and its year so far, so that the count on the first of a month is the whole
month before. Figures that differ from those counted last become due like any other change; the target replaces what it had.
A node that was down at the hour counts when it is up again; one that finds the others' count of this hour leaves it at that.
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog

from syncd.clock import Clock
from syncd.ports import Source
from syncd.statistics import statistics
from syncd.store.board import Board, Fence
from syncd.store.intake import Intake

log = structlog.get_logger()


NAME = "tally"  #: of the board's note on when the one-stop was last counted
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
        now = self.clock.now()
        yesterday = now.astimezone(self.zone).date() - timedelta(days=1)
        snapshots = (each for page in self.source.sweep() for each in page.snapshots)
        figures = statistics(snapshots, yesterday, now, self.zone)
        raised = self.intake.take_statistics(figures, fence)
        self.board.note_source(NAME, fence, swept_at=now)
        log.info("statistics_counted", agencies=len({each.agency.code for each in figures}), count=len(figures), due=raised)
        return raised

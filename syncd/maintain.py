"""Maintain: the chores that keep the state as it should be.

Leases whose term has passed are ended, so that what a dead process held goes on; the figures are brought up to date; the
journal is cut, a little at a time, so that no other writer waits for long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from syncd.clock import Clock
from syncd.metrics import Metrics
from syncd.store.board import Board
from syncd.store.ledger import Ledger

log = structlog.get_logger()

PRUNED_AT_ONCE = 2000


class Maintainer:
    """The chores of one node."""

    def __init__(self, ledger: Ledger, board: Board, clock: Clock, metrics: Metrics, targets: Sequence[str]) -> None:
        self.ledger = ledger
        self.board = board
        self.clock = clock
        self.metrics = metrics
        self.targets = tuple(targets)

    def tend(self) -> None:
        """End expired leases and bring the figures up to date."""
        expired = self.ledger.expire(self.clock.now())
        if expired:
            log.warning("leases_expired", count=expired)
        for name in self.targets:
            self._measure(name)

    def _measure(self, name: str) -> None:
        counts = self.board.counts(name)
        age = None if counts.oldest_due is None else max(0.0, (self.clock.now() - counts.oldest_due).total_seconds())
        self.metrics.backlog(name, due=counts.due, dead=counts.dead, oldest_due_seconds=age)

    def prune(self, keep: timedelta, proceed: Callable[[], bool] = lambda: True) -> int:
        """Cut the journal to `keep`, as long as `proceed` says so; how many rows went."""
        before, total = self.clock.now() - keep, 0
        while proceed() and (gone := self.board.prune(before, PRUNED_AT_ONCE)):
            total += gone
        log.info("journal_pruned", count=total)
        return total

"""Maintain: the chores that keep the state as it should be.

Leases whose term has passed are ended, so that what a dead process held goes on; the figures are brought up to date; the
journal and the files of the inbox are cut, a little at a time, so that no other writer waits for long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from syncd.clock import Clock
from syncd.metrics import Metrics
from syncd.store.board import Board
from syncd.store.inbox import Inbox
from syncd.store.ledger import Ledger

log = structlog.get_logger()

PRUNED_AT_ONCE = 2000
FILES_AT_ONCE = 50


class Maintainer:
    """The chores of one node."""

    def __init__(self, ledger: Ledger, board: Board, inbox: Inbox, clock: Clock, metrics: Metrics, targets: Sequence[str]) -> None:
        self.ledger = ledger
        self.board = board
        self.inbox = inbox
        self.clock = clock
        self.metrics = metrics
        self.targets = tuple(targets)

    def tend(self) -> None:
        """End expired leases and bring the figures up to date."""
        expired = self.ledger.expire(self.clock.now())
        if expired:
            log.warning("leases_expired", count=expired)
        self.metrics.sweep_age(self._age(self.board.swept()))
        waiting = self.inbox.counts()
        for name in self.targets:
            self._measure(name)
            self.metrics.inbox(name, waiting.get(name, {}))

    def _measure(self, name: str) -> None:
        waits = self.board.backlog(name)
        self.metrics.backlog(name, due=waits.due, dead=waits.dead, oldest_due_seconds=self._age(waits.oldest_due))

    def _age(self, since: datetime | None) -> float:
        return 0.0 if since is None else max(0.0, (self.clock.now() - since).total_seconds())

    def prune(self, keep: timedelta, keep_files: timedelta, proceed: Callable[[], bool] = lambda: True) -> int:
        """Cut the journal to `keep`, and let go of the files that have been in the one-stop for `keep_files`, as long as
        `proceed` says so; how many rows went."""
        now = self.clock.now()
        attempts = self._cut(lambda: self.board.prune(now - keep, PRUNED_AT_ONCE), proceed)
        files = self._cut(lambda: self.inbox.prune_files(now - keep_files, FILES_AT_ONCE), proceed)
        log.info("journal_pruned", count=attempts, files=files)
        return attempts + files

    @staticmethod
    def _cut(some: Callable[[], int], proceed: Callable[[], bool]) -> int:
        total = 0
        while proceed() and (gone := some()):
            total += gone
        return total

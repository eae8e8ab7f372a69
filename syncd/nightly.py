"""Nightly: the reconciliation of one target as a chore of the daemon.

One node does it at a time, whoever holds the named lease; it is renewed before each few calls, and where it is lost the run stops
there. What is found goes to the log and to the metrics, and is made due again only where the settings say so. A run of a daemon that
was interrupted is gone on with at once, by whichever node; not where the target was silent: that one is left alone until the next
night or start. One that a person interrupted is left to that person until then.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from syncd.clock import Clock
from syncd.drift import Drift
from syncd.errors import TargetSilent
from syncd.metrics import Metrics
from syncd.ports import Target
from syncd.reconcile import Reconciling
from syncd.repair_drafts import repairing
from syncd.store.board import Board, Fence
from syncd.store.evidence import DONE, Run, Scope

log = structlog.get_logger()

_TERM = timedelta(minutes=2)
_LOOKED_EVERY = 1.0  #: seconds


class Holding:
    """The right to the only reconciliation of a target. What is written under it carries its fence, so that nothing is once
    another node goes on with the run."""

    def __init__(self, board: Board, target: Target, holder: str, clock: Clock) -> None:
        self.fence: Fence | None = None
        self._board = board
        self._name = f"reconcile:{target.name}"
        self._term = max(_TERM, target.longest * 2)
        self._holder = holder
        self._clock = clock

    def take(self) -> bool:
        """Begin; False while another node has it."""
        self.fence = self._lease()
        return self.fence is not None

    def __call__(self) -> bool:
        """Whether it is held without a break since it was taken; asking renews that."""
        return self.fence is not None and self._lease() == self.fence

    def _lease(self) -> Fence | None:
        return self._board.lease(self._name, self._holder, self._clock.now(), self._term)


def delivering(reconciling: Reconciling) -> Callable[[], bool]:
    """Whether somebody delivers to the target at the moment, looked at once a second. Dossiers that only wait, for a person or for
    another try, hold nobody up."""
    clock, looked, found = reconciling.clock, float("-inf"), False

    def busy() -> bool:
        nonlocal looked, found
        if clock.monotonic() - looked >= _LOOKED_EVERY:
            looked, found = clock.monotonic(), reconciling.rows.delivering(clock.now())
        return found

    return busy


class Nightly:
    """The chore of one target."""

    def __init__(self, reconciling: Reconciling, board: Board, metrics: Metrics, node: str) -> None:
        self.name = reconciling.target.name
        self._reconciling = reconciling
        self._board = board
        self._metrics = metrics
        self._node = node
        self._silent_at: datetime | None = None  #: when the target was last asked, where it said nothing
        self._held = Holding(board, reconciling.target, node, reconciling.clock)
        self.proceed: Callable[[], bool] = lambda: True  #: asked before each few calls; no = stop here
        reconciling.proceed = lambda: self.proceed() and self._held()
        reconciling.evidence.fence = lambda: self._held.fence
        reconciling.asking.busy = delivering(reconciling)
        reconciling.found = self._found

    def run(self) -> Run | None:
        """Compare, and repair where the settings say so; None while another node does. Raises `TargetSilent` and `SourceError`."""
        if not self._held.take():
            return None
        run = self._compare()
        if run.state == DONE and self._reconciling.options.repair:
            run = repairing(self._reconciling).repair(run)
        self.show()
        return run

    def last(self) -> datetime | None:
        """When this was last done, or given up; before the first time, when there was first something to compare. None where a run waits to be
        gone on with."""
        if self._silent_at is not None:
            return self._silent_at
        return None if self._unfinished() else self._reconciling.evidence.settled(self.name) or self._board.began()

    def show(self) -> None:
        """Tell the metrics what the last run that came to its end has left."""
        if last := self._reconciling.evidence.last(self.name):
            self._metrics.drift(self.name, self._reconciling.evidence.kinds(last.id))

    def _compare(self) -> Run:
        self._silent_at = None
        try:
            return self._reconciling.compare(self._node, Scope())
        except TargetSilent:
            self._silent_at = self._reconciling.clock.now()
            raise

    def _unfinished(self) -> bool:
        run = self._reconciling.evidence.interrupted(self.name, Scope())
        return run is not None and "@" not in run.who  # that would be a person's

    def _found(self, each: Drift) -> None:
        log.warning("drift_found", target=self.name, dossier=each.dossier, kind=each.kind.value)

"""Asking: questions to one target about dossiers it was told of, at a pace it can bear.

Calls keep to a budget and go after deliveries. A target that asks for patience is asked once more afterwards; one that says nothing
for a while, or does not know us, is asked nothing further.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import structlog

from syncd.calls import Claim, Outcome, Standing
from syncd.clock import Clock
from syncd.config import Reconcile
from syncd.errors import TargetSilent
from syncd.policy import Pace
from syncd.ports import Target
from syncd.turns import look_up

log = structlog.get_logger()

SILENCE = 10  #: questions without any answer in a row, after which the target counts as silent
_YIELD = 0.5  #: seconds
_YIELDS = 10  #: times that deliveries go first, before each few calls
_LONGEST_WAIT = 60.0  #: seconds that a target may ask for
_AGAIN = "the run goes on where it stopped: give the same command again"


class Asking:
    """Questions to one target; `look_up` may be called by several threads."""

    def __init__(self, target: Target, options: Reconcile, clock: Clock, stopping: threading.Event) -> None:
        self.target = target
        self.options = options
        self.clock = clock
        self.stopping = stopping
        self.busy: Callable[[], bool] = lambda: False  #: whether deliveries are under way at the target, which go first
        self.silent = 0  #: questions without an answer since the last one
        self._pacing = threading.Lock()
        self._pace = Pace(interval=60 / options.budget if options.budget else 0.0)

    def look_up(self, claim: Claim) -> Standing | None:
        """What the target says of one dossier; None where it cannot be asked at all. A connector's bug is a question without an
        answer."""
        standing = self._look_up(claim)
        if standing is not None and standing.outcome is Outcome.BUSY and not self.stopping.wait(min(standing.retry_after or 1.0, _LONGEST_WAIT)):
            return self._look_up(claim)
        return standing

    def _look_up(self, claim: Claim) -> Standing | None:
        self.stopping.wait(self._wait())
        try:
            return self.target.look_up(look_up(claim))
        except Exception as error:
            log.error("connector_failed", target=self.target.name, dossier=claim.subject, error=type(error).__name__, exc_info=error)
            return Standing(outcome=Outcome.UNKNOWN, message=f"the connector failed: {type(error).__name__}")

    def _wait(self) -> float:
        """Seconds until the next call may go, to keep the budget."""
        if not self._pace.interval:
            return 0.0
        with self._pacing:
            self._pace, seconds = self._pace.take(self.clock.monotonic())
            return seconds

    def listen(self, answers: Sequence[Standing]) -> None:
        """Take note of these answers. Raises `TargetSilent` where the target does not know us, or has said nothing for a while."""
        if any(each.outcome is Outcome.DELIVERED for each in answers):
            self.silent = 0
            return
        self.silent += len(answers)
        last = next((each for each in answers if each.outcome is Outcome.UNAUTHORISED), answers[-1] if answers else None)
        if last is not None and (self.silent >= SILENCE or last.outcome is Outcome.UNAUTHORISED):
            said = f": {last.message}" if last.message else ""
            raise TargetSilent(f"{self.target.name} does not answer ({last.outcome.value}){said}", hint=_AGAIN)

    def give_way(self) -> None:
        """Let deliveries go first, for a while."""
        for _ in range(_YIELDS):
            if not self.busy() or self.stopping.wait(_YIELD):
                return

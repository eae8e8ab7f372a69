"""The gate of one target: whether a call may go out now, and what an answer says of the target's health.

Closed by the breaker, by a wait the target asked for, by quiet hours, while this node drains, or (at the board, for every node)
by a pause. A closed gate costs no dossier anything; it simply stays due. When the breaker closes again after having been open, the
target is back, and everything that waited only for it becomes due at once: an outage of a day must not be followed by
the longest wait of the retry schedule.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from zoneinfo import ZoneInfo

import structlog

from syncd.calls import Outcome, Receipt
from syncd.clock import Clock
from syncd.options import TargetOptions
from syncd.policy import Breaker, BreakerState, Pace, asked, quiet
from syncd.store.board import Board

log = structlog.get_logger()

_SUCCESS_NOTED_EVERY = 2.0
_CLAIMED_GO_BACK = 5.0  #: seconds in which what was claimed before a pause is given back


class Gate:
    """One target's gate, shared by its workers."""

    def __init__(self, name: str, options: TargetOptions, board: Board, clock: Clock, zone: ZoneInfo, on_return: Callable[[], None]) -> None:
        self.name = name
        self._options = options
        self.board = board
        self._clock = clock
        self._zone = zone
        self._on_return = on_return
        self._lock = threading.Lock()
        self._breaker = Breaker(pause=options.breaker_pause)
        self._probing = False
        self._free_at = float("-inf")
        self._told = self._breaker
        self._pace = Pace(interval=1 / options.rate if options.rate else 0.0)
        self._noted = float("-inf")
        self.drained = False  #: nothing is claimed, and what is claimed goes back

    def room(self, most: int) -> int:
        """How many dossiers may be claimed now: `most`, one probe, or none."""
        now = self._clock.now()
        if self.drained or self._clock.monotonic() < self._free_at or quiet(self._options.quiet, now.astimezone(self._zone).time()):
            return 0
        with self._lock:
            self._breaker = self._breaker.seen_at(now)
            match self._breaker.state:
                case BreakerState.CLOSED:
                    return most
                case BreakerState.HALF_OPEN if not self._probing:
                    self._probing = True
                    return 1
                case _:
                    return 0

    def spare(self) -> None:
        """Nothing was claimed, or nothing sent, of what `room` allowed: somebody else may probe."""
        with self._lock:
            self._probing = False

    def shut(self) -> bool:
        """Whether calls of turns already begun must stop too."""
        with self._lock:
            return self.drained or self._breaker.state is BreakerState.OPEN or self._clock.monotonic() < self._free_at

    def pace(self) -> float:
        """Seconds to wait before the next call, to keep the rate."""
        if not self._pace.interval:
            return 0.0
        with self._lock:
            self._pace, seconds = self._pace.take(self._clock.monotonic())
            return seconds

    def learn(self, receipt: Receipt) -> None:
        """Draw the conclusions of one answer for the target as a whole. To be repeated where the board could not be written."""
        if receipt.outcome is Outcome.DEFERRED:
            return
        now = self._clock.now()
        with self._lock:
            self._breaker = self._breaker.after(receipt.outcome, now, self._options.breaker_failures, self._options.breaker_pause)
            now_is, self._probing = self._breaker, False
        if (now_is.state, now_is.until) != (self._told.state, self._told.until):
            self._turned(now_is)
            self._told = now_is
        if receipt.outcome is Outcome.UNAUTHORISED:
            self._free_at = self._clock.monotonic() + _CLAIMED_GO_BACK
            self.board.pause(self.name, receipt.message or "the target does not accept our credentials")
            log.error(
                "target_paused",
                target=self.name,
                outcome=receipt.outcome.value,
                error_code=receipt.code,
                hint="correct the credentials, then: syncd target resume",
            )
        elif receipt.outcome is Outcome.BUSY:
            patience = asked(receipt.retry_after)
            self._free_at = self._clock.monotonic() + patience.total_seconds()
            self.board.ask_to_wait(self.name, now + patience)
        elif receipt.outcome is Outcome.DELIVERED:
            self._note_success()

    def _turned(self, breaker: Breaker) -> None:
        self.board.breaker(self.name, breaker)
        if breaker.state is BreakerState.OPEN:
            log.warning("breaker_opened", target=self.name, failures=breaker.failures, until=breaker.until and breaker.until.isoformat())
        elif breaker.state is BreakerState.CLOSED:
            log.info("breaker_closed", target=self.name)
            self._on_return()

    def _note_success(self) -> None:
        if self._clock.monotonic() - self._noted >= _SUCCESS_NOTED_EVERY:
            self._noted = self._clock.monotonic()
            self.board.success(self.name, self._clock.now())

    @property
    def breaker(self) -> Breaker:
        """The breaker as of now."""
        return self._breaker.seen_at(self._clock.now())

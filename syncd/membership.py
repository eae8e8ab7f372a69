"""Membership: this node among those that share the state.

Every few seconds it is heard of (`store.nodes`), and learns whether it drains, whether another daemon has begun under its name,
and whether the state has been brought to a schema that its code does not know; in the last two cases it must stop. It holds its
place against a second daemon of its name (`store.single`), and keeps the time of the state (`clock.StateClock`).

How far the machine's own clock is off does no harm to leases, to the hours of the day or to the order of anything, since all that is
written and compared there is the state's time. It is told all the same: the log and TLS go by the machine's clock.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, suppress
from types import TracebackType
from typing import Self

import structlog

from syncd.clock import Clock, StateClock
from syncd.errors import AlreadyRunning, StoreUnavailable
from syncd.metrics import Metrics
from syncd.store import migrations
from syncd.store.database import Database
from syncd.store.nodes import SKEW_LIMIT, Nodes, read_clock
from syncd.store.single import Single

log = structlog.get_logger()


class Membership(AbstractContextManager["Membership"]):
    """One node's daemon, from its beginning to its end. Raises `AlreadyRunning` on entering."""

    def __init__(self, database: Database, node: str, clock: Clock, metrics: Metrics) -> None:
        self.draining = False
        self.lost = False  #: to another daemon of this name
        self.nodes = Nodes(database, node)
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._place = Single(database, node)
        self._skewed = False
        self._left = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as entered:
            entered.enter_context(self._place)
            self.draining = self.nodes.enter(self._clock.now(), self._skew())
            self._left = entered.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._left, suppress(StoreUnavailable):
            self.nodes.leave(self._clock.now())

    def beat(self) -> None:
        """Be heard of. Raises `AlreadyRunning` or `SchemaMismatch` where this daemon must stop."""
        read_clock(self._database, self._clock)
        try:
            self.draining = self.nodes.beat(self._clock.now(), self._skew())
        except AlreadyRunning:
            self.lost = True
            raise
        self._place.keep()
        migrations.demand(self._database)

    def _skew(self) -> float | None:
        """How far the machine's clock is ahead of the state's; said where that begins or ends to be too far."""
        if not isinstance(self._clock, StateClock):
            return None
        skew = self._clock.skew
        self._metrics.clock_skew(skew)
        if self._skewed is not (abs(skew) > SKEW_LIMIT):
            self._skewed = not self._skewed
            if self._skewed:
                log.warning("clock_skewed", seconds=round(skew, 1), limit=SKEW_LIMIT, hint="let this machine and the database's follow one time server")
            else:
                log.info("clock_agrees", seconds=round(skew, 1))
        return skew

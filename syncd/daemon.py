"""The daemon: starts the loops, tells the service manager how they are, and lets them end in order.

On SIGTERM or SIGINT nothing new is begun; calls under way may end (`daemon.drain`), what was claimed and not begun is given
back, the leases of this node are yielded, and the process ends with 0. Killed instead, it loses nothing: at the next start
its own leases are reclaimed, and what may have been on its way is settled with the target first. Where another daemon has begun
under its name, or the state was brought to a schema it does not know, it ends by itself in the same order, and with an error.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import msgspec
import structlog

from syncd import notify, signals
from syncd.chores import Chores, Parts
from syncd.clock import Clock
from syncd.config import Settings
from syncd.errors import LeaseLost, SourceError, StoreUnavailable, SyncdError
from syncd.health import Health
from syncd.leases import SILENCE
from syncd.metrics import Metrics
from syncd.model import Value
from syncd.poll import Polled
from syncd.schedule import Timetable
from syncd.waking import Waking

log = structlog.get_logger()

_LOOKED_EVERY = 1.0


class Remaining(Value):
    """What is left at a target."""

    due: int = 0
    dead: int = 0


class OnceReport(Value):
    """What one pass did."""

    polled: int
    changes: int
    delivered: dict[str, int]
    remaining: dict[str, Remaining]
    collected: dict[str, int] = msgspec.field(default_factory=dict)  #: documents that came back and were written to the one-stop


class Daemon:
    """Everything that moves, for one node."""

    def __init__(self, settings: Settings, parts: Parts, clock: Clock, metrics: Metrics) -> None:
        self.settings = settings
        self.parts = parts
        self.board = parts.poller.board
        self.ledger = parts.maintainer.ledger
        self.workers = parts.workers
        self.stopping = parts.stopping
        self.clock = clock
        self.metrics = metrics
        self.chores = Chores(settings, parts, clock)

    def run(self) -> int:
        """Work until told to stop; the exit code. Raises `AlreadyRunning` or `SchemaMismatch`, also where that becomes so later."""
        with self.parts.membership, signals.setting(self.stopping):
            self._begin()
            self.chores.heed()
            health = self._health()
            timetable, waking = self.chores.timetable(), Waking(partial(self.chores.run, "poll", self.chores.poll), self.stopping)
            for workers in self.workers:
                workers.start()
            for way_back in self.parts.collecting:
                way_back.collector.listen(way_back.take)
            timetable.start()
            waking.start()
            self.parts.poller.source.listen(waking.ring)
            notify.ready("delivering")
            log.info("daemon_started", targets=[workers.name for workers in self.workers])
            self._watch()
            self._end(timetable, waking, health)
        if self.chores.failure is not None:
            raise self.chores.failure
        return 0

    def once(self, *, force: bool = False) -> OnceReport:
        """Poll until the source is exhausted, unless another node polls; deliver until nothing can go now; collect once. Raises
        `SourceError` after that."""
        with self.parts.membership, self.chores.beating():
            self._begin()
            self.chores.heed()
            polled, failure = self._poll_once(force=force)
            for workers in self.workers:
                workers.start(until_idle=True)
            for workers in self.workers:
                workers.join()
            collected = {way_back.name: self.chores.collect(way_back) for way_back in self.parts.collecting}
            if not self.parts.membership.lost:
                self.chores.leases.give_back()
        if problem := self.chores.failure or failure:
            raise problem
        counts = {workers.name: self.board.counts(workers.name) for workers in self.workers}
        return OnceReport(
            polled=polled.rows,
            changes=polled.new + polled.changed,
            delivered={workers.name: workers.delivery.books.settled for workers in self.workers},
            remaining={name: Remaining(due=count.due + count.leased, dead=count.dead) for name, count in counts.items()},
            collected=collected,
        )

    def _poll_once(self, *, force: bool) -> tuple[Polled, SyncdError | None]:
        """What a poll brought, and what kept it from its end; nothing of either where another node polls."""
        with self.chores.leases.working("poll") as fence:
            try:
                return (self.parts.poller.poll(force=force, fence=fence) if fence else Polled()), None
            except SourceError as error:
                return Polled(), error
            except LeaseLost:
                return Polled(), None

    def live(self) -> bool | str:
        """Whether the loops move, or which one does not."""
        now = self.clock.monotonic()
        working = (beat for workers in self.workers if not workers.delivery.books.waiting for beat in workers.beats.items())
        beats = {**self.chores.beats, **dict(working)}
        spans = [self.settings.source.poll, *(workers.delivery.lease_term for workers in self.workers)]
        patience = SILENCE + 2 * max(span.total_seconds() for span in spans)
        stuck = [name for name, beat in beats.items() if now - beat > patience]
        return f"stuck: {', '.join(sorted(stuck))}" if stuck else True

    def _begin(self) -> None:
        self.ledger.check_keys()
        self.board.enlist([workers.name for workers in self.workers])
        reclaimed = self.ledger.reclaim() + self.ledger.expire(self.clock.now())
        for workers in self.workers:
            self.ledger.wake(workers.name, self.clock.now(), asked=False)  # for an outage may have ended meanwhile
        adopted = self.parts.poller.intake.adopt()
        if reclaimed or adopted:
            log.info("ledger_reclaimed", leases=reclaimed, adopted=adopted)

    def _health(self) -> Health | None:
        if not self.settings.daemon.http:
            return None
        health = Health(self.settings.daemon.http, live=self.live, ready=self.chores.ready, metrics=self._metrics)
        health.start()
        return health

    def _metrics(self) -> bytes:
        for workers in self.workers:
            self.metrics.breaker(workers.name, workers.gate.breaker.state.value)
        return self.metrics.render()

    def _watch(self) -> None:
        """Until told to stop, tell the service manager that the loops move, as long as they do."""
        interval = notify.watchdog_interval() or _LOOKED_EVERY
        while not self.stopping.wait(min(interval, _LOOKED_EVERY)):
            if self.live() is True:
                notify.alive()

    def _end(self, timetable: Timetable, waking: Waking, health: Health | None) -> None:
        notify.stopping("ending calls under way")
        self.chores.ring()
        waking.stop()
        timetable.stop()
        end = self.clock.monotonic() + self.settings.daemon.drain.total_seconds()
        ended = [workers.join(max(0.0, end - self.clock.monotonic())) for workers in self.workers]
        for way_back in self.parts.collecting:
            way_back.collector.close()
        if not self.parts.membership.lost:  # then they are another's by now
            with suppress(StoreUnavailable):  # then they end by their term
                self.chores.leases.give_back()
        if health is not None:
            health.stop()
        log.info("daemon_stopped", drained=all(ended))

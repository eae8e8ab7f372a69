"""The daemon: starts the loops, tells the service manager how they are, and lets them end in order.

On SIGTERM or SIGINT nothing new is begun; calls under way may end (`daemon.drain`), what was claimed and not begun is given
back, the leases of this node are yielded, and the process ends with 0. Killed instead, it loses nothing: at the next start
its own leases are reclaimed, and what may have been on its way is settled with the target first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import structlog

from syncd import notify, signals
from syncd.clock import Clock
from syncd.collect import Collecting
from syncd.config import Settings
from syncd.errors import SourceError, StoreUnavailable, SyncdError
from syncd.health import Health
from syncd.maintain import Maintainer
from syncd.metrics import Metrics
from syncd.model import Value
from syncd.nightly import Nightly
from syncd.poll import Polled, Poller
from syncd.schedule import Timetable
from syncd.store.board import Fence
from syncd.store.single import Single
from syncd.workers import Workers

if TYPE_CHECKING:
    from syncd.tally import Tally

log = structlog.get_logger()

TEND_EVERY = timedelta(seconds=5)
LOOP_SILENCE = 600.0  #: seconds after which a loop that says nothing counts as stuck
_BEAT = 1.0


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


class Parts(NamedTuple):
    """What one node moves."""

    poller: Poller
    maintainer: Maintainer
    workers: Sequence[Workers]
    collecting: Sequence[Collecting] = ()
    tally: Tally | None = None
    nightly: Sequence[Nightly] = ()


class Daemon:
    """Everything that moves, for one node."""

    def __init__(self, settings: Settings, parts: Parts, stopping: threading.Event, clock: Clock, metrics: Metrics) -> None:
        self.settings = settings
        self.poller = parts.poller
        self.board = parts.poller.board
        self.maintainer = parts.maintainer
        self.ledger = parts.maintainer.ledger
        self.workers = parts.workers
        self.collecting = parts.collecting
        self.tally = parts.tally
        self.nightly = parts.nightly
        self.stopping = stopping
        self.clock = clock
        self.metrics = metrics
        self._beats = dict.fromkeys(("poll", "tend"), clock.monotonic())
        self.poller.proceed = self._proceed
        self._source_answers = False

    def run(self) -> int:
        """Work until told to stop; the exit code. Raises `AlreadyRunning`."""
        with Single(self.ledger.database, self.ledger.node), signals.setting(self.stopping):
            self._begin()
            health = self._health()
            timetable = self._timetable()
            for workers in self.workers:
                workers.start()
            for way_back in self.collecting:
                way_back.collector.listen(way_back.take)
            timetable.start()
            notify.ready("delivering")
            log.info("daemon_started", targets=[workers.name for workers in self.workers])
            self._watch()
            self._end(timetable, health)
        return 0

    def once(self, *, force: bool = False) -> OnceReport:
        """Poll until the source is exhausted, unless another node polls; deliver until nothing can go now; collect once. Raises
        `SourceError` after that."""
        with Single(self.ledger.database, self.ledger.node):
            self._begin()
            failure, polled = None, Polled()
            try:
                if fence := self._lease("poll"):
                    polled = self.poller.poll(force=force, fence=fence)
            except SourceError as error:
                failure = error
            for workers in self.workers:
                workers.start(until_idle=True)
            for workers in self.workers:
                workers.join()
            collected = {way_back.name: self._collect(way_back) for way_back in self.collecting}
            self.board.yield_lease(self.ledger.node, self.clock.now())
            if failure is not None:
                raise failure
        counts = {workers.name: self.board.counts(workers.name) for workers in self.workers}
        return OnceReport(
            polled=polled.rows,
            changes=polled.new + polled.changed,
            delivered={workers.name: workers.delivery.books.settled for workers in self.workers},
            remaining={name: Remaining(due=count.due + count.leased, dead=count.dead) for name, count in counts.items()},
            collected=collected,
        )

    def live(self) -> bool | str:
        """Whether the loops move, or which one does not."""
        now = self.clock.monotonic()
        beats = {**self._beats, **{name: beat for workers in self.workers if not workers.delivery.books.waiting for name, beat in workers.beats.items()}}
        spans = [self.settings.source.poll, *(workers.delivery.lease_term for workers in self.workers)]
        patience = LOOP_SILENCE + 2 * max(span.total_seconds() for span in spans)
        stuck = [name for name, beat in beats.items() if now - beat > patience]
        return f"stuck: {', '.join(sorted(stuck))}" if stuck else True

    def ready(self) -> bool | str:
        """Whether state and source answer."""
        self.board.source()
        return True if self._source_answers else "the source did not answer the last poll"

    def _begin(self) -> None:
        self.ledger.check_keys()
        self.board.enlist([workers.name for workers in self.workers])
        reclaimed = self.ledger.reclaim()
        adopted = self.poller.intake.adopt()
        if reclaimed or adopted:
            log.info("ledger_reclaimed", leases=reclaimed, adopted=adopted)

    def _timetable(self) -> Timetable:
        timetable = Timetable(self.settings.zone)
        timetable.every(self.settings.source.poll, "poll", lambda: self._chore("poll", self._poll))
        timetable.every(TEND_EVERY, "tend", lambda: self._chore("tend", self.maintainer.tend))
        timetable.daily(self.settings.schedule.reconcile, "sweep", self._night)
        timetable.daily(self.settings.schedule.prune, "prune", lambda: self._chore("prune", self._prune))
        if self.tally is not None:
            timetable.daily(self.settings.schedule.statistics, "statistics", lambda: self._chore("statistics", self._count))
            if self.tally.overdue():
                timetable.soon("statistics", lambda: self._chore("statistics", self._count))
        for each in self.nightly:
            each.show()
            if each.unfinished():
                timetable.soon(f"reconcile:{each.name}", partial(self._chore, "reconcile", each.run))
        for way_back in self.collecting:
            timetable.every(way_back.options.collect, f"collect:{way_back.name}", partial(self._chore, "collect", partial(self._collect, way_back)))
        return timetable

    def _health(self) -> Health | None:
        if not self.settings.daemon.http:
            return None
        health = Health(self.settings.daemon.http, live=self.live, ready=self.ready, metrics=self._metrics)
        health.start()
        return health

    def _metrics(self) -> bytes:
        for workers in self.workers:
            self.metrics.breaker(workers.name, workers.gate.breaker.state.value)
        return self.metrics.render()

    def _chore(self, name: str, chore: Callable[[], object]) -> None:
        """Run a chore; what goes wrong is said once, here, and the next tick tries again."""
        if self.stopping.is_set():
            return
        if name in self._beats:
            self._beats[name] = self.clock.monotonic()
        event = f"{name}_failed"
        try:
            chore()
        except SyncdError as error:
            log.error(event, error=error.message, hint=error.hint)
        except Exception as error:
            log.error(event, error=type(error).__name__, exc_info=error)

    def _proceed(self) -> bool:
        """A page was taken in: there may be something to deliver, the loop moves, and goes on unless syncd is told to stop."""
        self._beats["poll"] = self.clock.monotonic()
        self.ring()
        return not self.stopping.is_set()

    def _poll(self) -> None:
        fence = self._lease("poll")
        if fence is None:
            return
        self._source_answers = False
        self.poller.poll(fence=fence)
        self._source_answers = True

    def _sweep(self) -> None:
        fence = self._lease("poll")  # the same one: what one node read must not replace what another has read since
        if fence is not None:
            self.poller.sweep(fence=fence)

    def _night(self) -> None:
        """Read everything once more, then hold it against each target."""
        self._chore("sweep", self._sweep)
        for each in self.nightly:
            self._chore("reconcile", each.run)

    def _collect(self, way_back: Collecting) -> int:
        """One run of the way back from a target, while this node holds its lease; how many documents were written."""

        def held() -> bool:
            return self._lease(f"collect:{way_back.name}") is not None

        way_back.proceed = held
        return way_back.run().written if held() else 0

    def _count(self) -> None:
        if self.tally is not None and self._lease("statistics"):
            self.tally.count()
            self.ring()

    def _prune(self) -> None:
        daemon = self.settings.daemon
        self.maintainer.prune(daemon.retain_attempts, daemon.retain_files, lambda: not self.stopping.is_set())

    def _lease(self, name: str) -> Fence | None:
        return self.board.lease(name, self.ledger.node, self.clock.now(), self.settings.source.poll * 4 + timedelta(minutes=1))

    def ring(self) -> None:
        """Wake every worker that rests."""
        for workers in self.workers:
            workers.ring()

    def _watch(self) -> None:
        """Until told to stop, tell the service manager that the loops move, as long as they do."""
        interval = notify.watchdog_interval() or _BEAT
        while not self.stopping.wait(min(interval, _BEAT)):
            if self.live() is True:
                notify.alive()

    def _end(self, timetable: Timetable, health: Health | None) -> None:
        notify.stopping("ending calls under way")
        self.ring()
        timetable.stop()
        end = self.clock.monotonic() + self.settings.daemon.drain.total_seconds()
        ended = [workers.join(max(0.0, end - self.clock.monotonic())) for workers in self.workers]
        for way_back in self.collecting:
            way_back.collector.close()
        with suppress(StoreUnavailable):  # then it ends by its term
            self.board.yield_lease(self.ledger.node, self.clock.now())
        if health is not None:
            health.stop()
        log.info("daemon_stopped", drained=all(ended))

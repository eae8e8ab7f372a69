"""The chores of one node: what it does by the clock, besides delivering.

    beat         every 5 s, each node    be heard of, keep the leases of what is under way
    tend         every 5 s, each node    end expired leases of the ledger (one look into an index), bring the figures up to date
    poll         source.poll             lease `poll`; also when the source wakes us (`waking`)
    night        schedule.reconcile      the node that polls: sweep under `poll`, then each target under `reconcile:<target>`
    collect      of each target          lease `collect:<target>`
    statistics   schedule.statistics     lease `statistics`, and nobody has just counted
    prune        schedule.prune          lease `prune`, kept for an hour so that it is done once a night

What goes wrong is said once, here, and the next tick tries again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import structlog

from syncd.clock import Clock
from syncd.collect import Collecting
from syncd.config import Settings
from syncd.errors import AlreadyRunning, SchemaMismatch, SyncdError
from syncd.leases import Leases
from syncd.maintain import Maintainer
from syncd.membership import Membership
from syncd.nightly import Nightly
from syncd.poll import Poller
from syncd.schedule import Timetable
from syncd.workers import Workers

if TYPE_CHECKING:
    from syncd.tally import Tally

log = structlog.get_logger()

BEAT_EVERY = timedelta(seconds=5)
_TERM = timedelta(seconds=20)  #: of a named lease, and four polls more
_PRUNED = timedelta(hours=1)


class Parts(NamedTuple):
    """What one node moves."""

    stopping: threading.Event
    membership: Membership
    poller: Poller
    maintainer: Maintainer
    workers: Sequence[Workers]
    collecting: Sequence[Collecting] = ()
    tally: Tally | None = None
    nightly: Sequence[Nightly] = ()


class Chores:
    """What one node does by the clock."""

    def __init__(self, settings: Settings, parts: Parts, clock: Clock) -> None:
        self.settings = settings
        self.parts = parts
        self.membership = parts.membership
        self.clock = clock
        self.board = parts.poller.board
        self.node = parts.maintainer.ledger.node
        self.leases = Leases(self.board, self.node, clock, settings.source.poll * 4 + _TERM)
        self.beats = dict.fromkeys(("beat", "poll", "tend"), clock.monotonic())
        self.failure: SyncdError | None = None  #: why this daemon must not go on
        self._polling = threading.Lock()
        self._source_answers = False
        parts.poller.proceed = self._proceed
        for each in parts.nightly:
            each.proceed = lambda: not self.membership.draining

    def timetable(self) -> Timetable:
        """All of them, with their times."""
        timetable, parts, schedule = Timetable(self.settings.zone), self.parts, self.settings.schedule
        timetable.every(BEAT_EVERY, "beat", partial(self.run, "beat", self.beat))
        timetable.every(BEAT_EVERY, "tend", partial(self.run, "tend", parts.maintainer.tend))
        timetable.every(self.settings.source.poll, "poll", partial(self.run, "poll", self.poll))
        timetable.daily(schedule.reconcile, "night", partial(self.run, "night", self.night))
        timetable.daily(schedule.prune, "prune", partial(self.run, "prune", self.prune))
        for way_back in parts.collecting:
            timetable.every(way_back.options.collect, f"collect:{way_back.name}", partial(self.run, "collect", partial(self.collect, way_back)))
        if parts.tally is not None:
            timetable.daily(schedule.statistics, "statistics", partial(self.run, "statistics", self.count))
        self._catch_up(timetable)
        return timetable

    def _catch_up(self, timetable: Timetable) -> None:
        """What was missed or interrupted while this node was down is done at once."""
        if self.parts.tally is not None and self.parts.tally.overdue():
            timetable.soon("statistics", partial(self.run, "statistics", self.count))
        for each in self.parts.nightly:
            each.show()
            if each.unfinished():
                timetable.soon(f"reconcile:{each.name}", partial(self.run, "reconcile", each.run))

    def run(self, name: str, chore: Callable[[], object]) -> None:
        """Run a chore."""
        if self.parts.stopping.is_set():
            return
        if name in self.beats:
            self.beats[name] = self.clock.monotonic()
        event = f"{name}_failed"
        try:
            chore()
        except SyncdError as error:
            log.error(event, error=error.message, hint=error.hint)
        except Exception as error:
            log.error(event, error=type(error).__name__, exc_info=error)

    def beat(self) -> None:
        """Be heard of and keep what is under way; do what an administrator says of this node."""
        try:
            self.membership.beat()
        except (AlreadyRunning, SchemaMismatch) as error:
            self.failure = error
            self.parts.stopping.set()
            raise
        self.heed()
        self.leases.keep()

    def heed(self) -> None:
        """Drain or resume, where that was ordered."""
        if self.leases.draining is self.membership.draining:
            return
        self.leases.draining = self.membership.draining
        for workers in self.parts.workers:
            workers.gate.drained = self.leases.draining
        log.info("node_draining" if self.leases.draining else "node_resumed")
        self.ring()

    def ring(self) -> None:
        """Wake every worker that rests."""
        for workers in self.parts.workers:
            workers.ring()

    def poll(self) -> None:
        """Take in what changed, where this node polls."""
        with self._polling, self.leases.working("poll") as fence:  # its time may come, and the source ring, at once
            if fence is not None:
                self._source_answers = False
                self.parts.poller.poll(fence=fence)
                self._source_answers = True

    def _proceed(self) -> bool:
        """A page was taken in: there may be something to deliver, the loop moves, and goes on unless syncd stops or drains."""
        self.beats["poll"] = self.clock.monotonic()
        self.leases.moved()
        self.ring()
        return not (self.parts.stopping.is_set() or self.membership.draining)

    def ready(self) -> bool | str:
        """Whether the state answers, and the source the last poll of this node; another node that polls answers for itself."""
        self.board.source()
        if self.membership.draining:
            return "this node drains"
        if self.board.holder("poll", self.clock.now()) not in (None, self.node):
            return True
        return True if self._source_answers else "the source did not answer the last poll"

    def night(self) -> None:
        """Read everything once more, under the lease of the poll: what one node read must not replace what another has read
        since. Then hold it against each target."""
        with self.leases.working("poll") as fence:
            if fence is None:
                return
            self.run("sweep", partial(self.parts.poller.sweep, fence=fence))
        for each in self.parts.nightly:
            self.run("reconcile", each.run)

    def collect(self, way_back: Collecting) -> int:
        """One run of the way back from a target, while this node holds its lease; how many documents were written."""
        with self.leases.working(f"collect:{way_back.name}") as fence:
            if fence is None:
                return 0
            way_back.proceed = partial(self.leases.held, fence)
            return way_back.run().written

    def count(self) -> None:
        """Count the figures of each agency, unless another node has."""
        tally = self.parts.tally
        with self.leases.working("statistics") as fence:
            if tally is not None and fence is not None and not tally.lately():
                tally.count(fence)
                self.ring()

    def prune(self) -> None:
        """Cut what has been kept long enough."""
        daemon = self.settings.daemon
        if self.leases.take("prune", _PRUNED):
            self.parts.maintainer.prune(daemon.retain_attempts, daemon.retain_files, lambda: not self.parts.stopping.is_set())
            self.membership.nodes.forget(self.clock.now())

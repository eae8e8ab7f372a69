"""The chores of one node: what it does by the clock, besides delivering.

    beat         every 5 s, each node    be heard of, keep the leases of what is under way
    tend         every 5 s, each node    end expired leases of the ledger (one look into an index), bring the figures up to date
    poll         source.poll             lease `poll`; also when the source wakes us (`waking`)
    collect      of each target          lease `collect:<target>`
    night        schedule.reconcile      the node that polls: sweep under `poll`, then each target under `reconcile:<target>`
    statistics   schedule.statistics     lease `statistics`
    prune        schedule.prune          lease `prune`

The last three are looked at again and again, and due by what the state says of when they were last done: an hour that was missed is made
up, by whichever node is there. What goes wrong is said once, here, and the next tick tries again; with these, an hour later.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
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
from syncd.schedule import Daily, Timetable
from syncd.store.board import Fence
from syncd.workers import Workers

if TYPE_CHECKING:
    from syncd.tally import Tally

log = structlog.get_logger()

BEAT_EVERY = timedelta(seconds=5)
PRUNED = "prune"  #: of the board's note on when that was last done
_LOOKED_EVERY = timedelta(minutes=1)
_TERM = timedelta(seconds=20)  #: of a named lease, and four polls more


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
        self._sweeping, self._counting, self._pruning = map(self._daily, (settings.schedule.reconcile, settings.schedule.statistics, settings.schedule.prune))
        self._comparing = {each.name: self._daily(settings.schedule.reconcile) for each in parts.nightly}
        parts.poller.proceed = self._proceed
        for each in parts.nightly:
            each.proceed = lambda: not self.membership.draining

    def _daily(self, when: str) -> Daily:
        return Daily(when, self.settings.zone, self.clock)

    def timetable(self) -> Timetable:
        """All of them, with their times."""
        timetable = self.beating()
        timetable.every(BEAT_EVERY, "tend", partial(self.run, "tend", self.parts.maintainer.tend))
        timetable.every(self.settings.source.poll, "poll", partial(self.run, "poll", self.poll))
        timetable.every(BEAT_EVERY, "night", partial(self.run, "night", self.night))
        timetable.every(_LOOKED_EVERY, "statistics", partial(self.run, "statistics", self.count))
        timetable.every(_LOOKED_EVERY, "prune", partial(self.run, "prune", self.prune))
        for way_back in self.parts.collecting:
            timetable.every(way_back.options.collect, f"collect:{way_back.name}", partial(self.run, "collect", partial(self.collect, way_back)))
        for each in self.parts.nightly:
            each.show()
        return timetable

    def beating(self) -> Timetable:
        """Only what keeps this node's place and its leases."""
        timetable = Timetable(self.clock)
        timetable.every(BEAT_EVERY, "beat", partial(self.run, "beat", self.beat))
        return timetable

    def run(self, name: str, chore: Callable[[], object]) -> bool:
        """Run a chore; whether nothing went wrong."""
        if self.parts.stopping.is_set():
            return True
        if name in self.beats:
            self.beats[name] = self.clock.monotonic()
        event = f"{name}_failed"
        try:
            chore()
        except SyncdError as error:
            log.error(event, error=error.message, hint=error.hint)
        except Exception as error:
            log.error(event, error=type(error).__name__, exc_info=error)
        else:
            return True
        return False

    def _run_daily(self, daily: Daily, name: str, chore: Callable[[], object]) -> None:
        if not self.run(name, chore):
            daily.put_off()

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
                try:
                    self.parts.poller.poll(fence=fence)
                except Exception:
                    self._source_answers = False
                    raise
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
        since. Then hold it against each target. All of it where it is due, and the last poll of this node went well."""
        if not self._source_answers:
            return
        sweep = self._sweeping.due(self.board.swept())
        targets = [each for each in self.parts.nightly if self._comparing[each.name].due(each.last())]
        if not (sweep or targets):
            return
        with self.leases.working("poll") as fence:
            if fence is None:
                return
            if sweep:
                self._run_daily(self._sweeping, "sweep", partial(self.parts.poller.sweep, fence=fence))
        for each in targets:
            self._run_daily(self._comparing[each.name], "reconcile", each.run)

    def collect(self, way_back: Collecting) -> int:
        """One run of the way back from a target, while this node holds its lease; how many documents were written."""
        with self.leases.working(f"collect:{way_back.name}") as fence:
            if fence is None:
                return 0
            way_back.proceed = partial(self.leases.held, fence)
            return way_back.run().written

    def count(self) -> None:
        """Count the figures of each agency, where that is due."""
        if (tally := self.parts.tally) is not None:
            self._do_alone("statistics", self._counting, tally.last, tally.count)

    def prune(self) -> None:
        """Cut what has been kept long enough, where that is due."""
        self._do_alone("prune", self._pruning, self._pruned, self._cut)

    def _do_alone(self, name: str, daily: Daily, last: Callable[[], datetime | None], work: Callable[[Fence, Callable[[], bool]], object]) -> None:
        """Do what is due once a day, unless another node does or just has. The work asks now and then whether to go on."""
        if not daily.due(last()):
            return
        with self.leases.working(name) as fence:
            if fence is not None and daily.due(last()):
                held = partial(self.leases.held, fence)
                self._run_daily(daily, name, partial(work, fence, lambda: not self.parts.stopping.is_set() and held()))

    def _pruned(self) -> datetime:
        """When that was last done; before the first time, since when there is something to cut."""
        return self.board.source(PRUNED).swept_at or self.board.began() or self.clock.now()

    def _cut(self, fence: Fence, proceed: Callable[[], bool]) -> None:
        daemon = self.settings.daemon
        self.parts.maintainer.prune(daemon.retain_attempts, daemon.retain_files, proceed)
        self.membership.nodes.forget(self.clock.now())
        if proceed():
            self.board.note_source(PRUNED, fence, swept_at=self.clock.now())

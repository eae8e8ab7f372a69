"""The workers of one target, strands of one thread or a thread each (`strands`): they claim, take turns, and wait when there is nothing to do.

Whichever worker finds little left of what was claimed claims for all of them, in one transaction, while the others go on. A few more
rows are claimed than there are workers; as many as go within a moment and no more, since what is claimed when a process is killed has
to be settled afterwards.

Idle workers sleep until the bell rings (a poll brought something, a person gave an order) or, at most, a second: other
nodes and the command line change the same ledger. What was put off for less than that has one of them wait for its moment.
"""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime
from functools import partial

import structlog

from syncd.calls import Claim
from syncd.clock import Clock
from syncd.deliver import Delivery
from syncd.errors import StoreUnavailable
from syncd.gate import Gate
from syncd.loom import Loom
from syncd.store.ledger import Ledger
from syncd.strands import Latch, Turn

log = structlog.get_logger()

IDLE_SECONDS = 1.0
FEWEST, MOST = 2, 8  #: claims for each worker, in calls
MOMENT = 0.2  #: seconds: where what was claimed lasted no longer, twice as much is claimed next; else half as much


class Workers:
    """All that deliver to one target."""

    def __init__(self, delivery: Delivery, ledger: Ledger, gate: Gate, clock: Clock) -> None:
        self.name = delivery.target.name
        self.delivery = delivery
        self.gate = gate
        self.beats: dict[str, float] = {}
        self._ledger = ledger
        self._clock = clock
        self._stopping = delivery.stopping
        self._batch = delivery.target.batch
        self._ahead = FEWEST if delivery.target.replaces else 1  # each in doubt after a kill is for a person to settle
        self._claimed_at = float("-inf")
        self._round = delivery.options.workers * delivery.target.batch  #: dossiers that go at the same time
        self._more = False  #: the last claim was full
        self._queue: deque[Claim] = deque()
        self._hand, self._claiming = threading.Lock(), Turn()
        self._bell = Latch()
        self._threads: list[threading.Thread] = []

    def start(self, *, until_idle: bool = False) -> None:
        """Begin. With `until_idle`, each worker ends when nothing can be delivered now."""
        names = [f"{self.name}-{number}" for number in range(self.delivery.options.workers)]
        self.beats = dict.fromkeys(names, self._clock.monotonic())
        works = {name: partial(self._run, name, until_idle) for name in names}
        if getattr(self.delivery.target, "gives_way", False):  # a connector of others may not say
            works = {self.name: partial(Loom().run, list(works.values()))}
        self._threads = [threading.Thread(target=work, name=name, daemon=True) for name, work in works.items()]
        for thread in self._threads:
            thread.start()

    def ring(self) -> None:
        """There may be something to do."""
        bell, self._bell = self._bell, Latch()
        bell.open()

    def join(self, seconds: float | None = None) -> bool:
        """Wait until all have ended, then give back what was claimed and not begun; whether all ended in time."""
        end = None if seconds is None else self._clock.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if end is None else max(0.0, end - self._clock.monotonic()))
        with self._hand:
            rest = list(self._queue)
            self._queue.clear()
        try:
            self._ledger.release(rest)
        except StoreUnavailable as error:
            log.error("state_unavailable", target=self.name, error=error.message, hint=error.hint)
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self, name: str, until_idle: bool) -> None:
        while not self._stopping.is_set():
            self.beats[name] = self._clock.monotonic()
            bell, began = self._bell, self._clock.now()
            try:
                if self._take_turn():
                    continue
            except StoreUnavailable as error:
                log.error("state_unavailable", target=self.name, error=error.message, hint=error.hint)
            except Exception as error:
                log.error("worker_failed", target=self.name, error=type(error).__name__, exc_info=error)
            else:
                if until_idle:
                    return
            if not self._stopping.is_set():
                self._rest(bell, began)

    def _rest(self, bell: Latch, began: datetime) -> None:
        """Wait, after a look that began then and found nothing; never longer than a second, whatever becomes of the clock."""
        books = self.delivery.books
        moment = books.put_off.next(began)
        left = IDLE_SECONDS if moment is None else (moment - self._clock.now()).total_seconds()
        if bell.wait(min(max(0.0, left), IDLE_SECONDS)) and moment is not None:
            books.put_off.add(moment)

    def _take_turn(self) -> bool:
        claims = self._next()
        if claims:
            try:
                self.delivery.turn(claims)
            finally:
                self.gate.spare()
        return bool(claims)

    def _next(self) -> list[Claim]:
        """What this worker does next; nothing where nothing can be claimed."""
        while not (claims := self._taken()):
            with self._claiming:
                if not self._queue and not self._claim():
                    return []
        self._fill(claims)
        return claims

    def _taken(self) -> list[Claim]:
        with self._hand:
            return [self._queue.popleft() for _ in range(min(self._batch, len(self._queue)))]

    def _fill(self, claims: list[Claim]) -> None:
        """Claim before the last is taken, so that one worker waits for the database and not all. Not where each claim that is in doubt
        after a kill is for a person to settle."""
        if self._more and self.delivery.target.replaces and len(self._queue) < self._round and not self._claiming.taken:
            try:
                with self._claiming:
                    self._claim()
            except BaseException:
                self._queue.extendleft(reversed(claims))
                raise

    def _claim(self) -> bool:
        """Whether anything was claimed."""
        room = self.gate.room(self._round * self._calls_ahead())
        found: list[Claim] = []
        if room:
            try:
                found = self._ledger.claim(self.name, room, self._clock.now(), self.delivery.lease_term)
                self._queue.extend(found)
            finally:
                if not found:
                    self.gate.spare()
        self._more = len(found) == room > 0
        return bool(found)

    def _calls_ahead(self) -> int:
        """How many calls to claim for each worker, by how long the last ones lasted."""
        now = self._clock.monotonic()
        if self.delivery.target.replaces:
            brief = now - self._claimed_at < MOMENT
            self._ahead = min(2 * self._ahead, MOST) if brief else max(self._ahead // 2, FEWEST)
        self._claimed_at = now
        return self._ahead

"""A year of a province in random order: whatever happens, the portal ends as the map of the one-stop.

The rules are what an operator, an officer or bad luck does: edits, deliveries, workers that stall past their lease and wake,
crashes, faults of the target, clocks set back and forth. The end condition is the whole promise of syncd: every dossier at
the portal, as the one-stop has it, each step once and in order; a step stands there twice only where an answer was lost
and the journal says so.
"""

from __future__ import annotations

import tempfile
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import update

from syncd.calls import Claim, Element
from syncd.deliver import Delivery
from syncd.model import Dossier, Step
from syncd.store.ledger import Ledger
from syncd.store.schema import ledger
from tests.engine.engine import CIPHER, Engine, dossier, step
from tests.engine.target import RecordingTarget, busy, down, lost, vanished
from tests.examples import examples

DOSSIERS = 4
NOTES = st.sampled_from(["a", "b", "c", "d"])
FAULTS = {"down": down, "lost": lost, "vanished": vanished, "busy": busy}


class Crash(BaseException):
    """The process is gone, at this instant."""


class Province(RuleBasedStateMachine):
    """One one-stop, one node, one portal."""

    @initialize(steps_per_call=st.integers(1, 3), batch=st.integers(1, 2))
    def open(self, steps_per_call: int, batch: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.target = RecordingTarget(batch=batch, steps_per_call=steps_per_call)
        self.engine = Engine(f"sqlite:///{Path(self.folder.name)}/state.db", self.target)
        self.onestop: dict[int, tuple[Dossier, list[Step]]] = {}
        self.stalled: list[tuple[Claim, ...]] = []
        self.last_step = 0
        self.acknowledged: dict[str, set[int]] = {}
        self.arrived: dict[str, int] = {}

    def teardown(self) -> None:
        if not hasattr(self, "engine"):
            return
        self.target.faults.clear()
        self.target.always = None
        self.engine.pass_time(timedelta(days=2))
        self.poll()
        for _ in range(3):  # a person looks at what stopped meanwhile, too
            self.retry_dead()
            self.engine.settle()
        self.check_portal()
        self.engine.close()
        self.folder.cleanup()

    @rule(number=st.integers(1, DOSSIERS), note=NOTES, steps=st.integers(0, 3), seen=st.booleans())
    def officer_edits(self, number: int, note: str, steps: int, *, seen: bool) -> None:
        self.edit(number, note, steps)
        if seen:
            self.poll()

    def edit(self, number: int, note: str, steps: int) -> None:
        _, history = self.onestop.get(number, (None, []))
        for _ in range(steps):
            self.last_step += 1
            history = [*history, step(self.last_step)]
        self.onestop[number] = (dossier(f"000.00.14.H03-250303-{number:04}", number, note=note), history)

    @rule()
    def poll(self) -> None:
        for record, history in self.onestop.values():
            self.engine.see(record, history)

    @rule()
    def deliver(self) -> None:
        self.engine.deliver()

    @rule(kinds=st.lists(st.sampled_from(sorted(FAULTS)), min_size=1, max_size=4))
    def fault(self, kinds: list[str]) -> None:
        self.target.faults.extend(FAULTS[kind] for kind in kinds)

    @rule(hours=st.sampled_from([0, 1, 30]))
    def pass_time(self, hours: int) -> None:
        self.engine.pass_time(timedelta(hours=hours, seconds=40))

    @rule(minutes=st.sampled_from([-90, -5, 5, 90]))
    def set_clock(self, minutes: int) -> None:
        self.engine.clock.step(timedelta(minutes=minutes))

    @rule()
    def stall(self) -> None:
        """A worker claims and is stopped before it sends."""
        claims = self.engine.ledger.claim("portal", self.target.batch, self.engine.clock.now(), self.engine.delivery.lease_term)
        if claims:
            self.stalled.append(tuple(claims))

    @precondition(lambda self: self.stalled)
    @rule()
    def wake(self) -> None:
        """It goes on where it was, with what it had read."""
        self.engine.delivery.turn(self.stalled.pop(0))

    @rule(number=st.integers(1, DOSSIERS), first=NOTES, then=NOTES, steps=st.integers(0, 2))
    def stall_in_a_call(self, number: int, first: str, then: str, steps: int) -> None:
        """A worker is stopped as its request leaves, past its lease; the officer edits, others deliver; then it arrives."""
        self.edit(number, first, steps)
        self.poll()

        def sleep(lane: str, elements: object) -> None:
            self.target.before = lambda lane, elements: None
            self.engine.pass_time(timedelta(hours=1))
            self.edit(number, then, 0)
            self.poll()
            self.engine.deliver()

        self.target.before = sleep
        self.engine.deliver()
        self.target.before = lambda lane, elements: None

    @rule(after=st.booleans())
    def crash_in_a_call(self, after: bool) -> None:
        """The process dies in the middle of a turn: before the request leaves, or after it was processed."""
        original = self.target._apply

        def die(lane: str, elements: list[Element]) -> object:
            if after:
                original(lane, elements)
            raise Crash

        self.target._apply = die  # type: ignore[method-assign, assignment]
        with suppress(Crash):
            self.engine.deliver()
        self.target._apply = original  # type: ignore[method-assign]
        self.restart()

    @rule()
    def restart(self) -> None:
        self.stalled.clear()
        engine = self.engine
        engine.ledger = Ledger(engine.database, CIPHER, "n1")
        engine.stopping = threading.Event()
        engine.delivery = Delivery(self.target, engine.options, engine.ledger, engine.gate, engine.clock, engine.metrics, engine.stopping)
        engine.ledger.reclaim()

    @rule()
    def retry_dead(self) -> None:
        """A person looked, and says: again."""
        with self.engine.database.write() as connection:
            connection.execute(update(ledger).where(ledger.c.state == "dead").values(state="due", doubts=1, failures=0, due_at=self.engine.clock.now()))

    @invariant()
    def acknowledged_steps_are_never_sent_again(self) -> None:
        if not hasattr(self, "engine"):
            return
        for code, sent in self.target.steps.items():
            fresh = sent[self.arrived.get(code, 0) :]
            assert not self.acknowledged.get(code, set()) & set(fresh), f"{code}: an acknowledged step was sent again"
            self.arrived[code] = len(sent)
            self.acknowledged[code] = set(self.engine.acknowledged_steps(code))

    def check_portal(self) -> None:
        assert {record.code for record, _ in self.onestop.values()} == set(self.target.records)
        for record, history in self.onestop.values():
            assert self.target.records[record.code] == record
            arrived = self.target.steps.get(record.code, [])
            assert list(dict.fromkeys(arrived)) == [each.id for each in history]
            again = {(int(str(made["first_step"])), int(str(made["last_step"]))) for made in self.engine.attempts(record.code) if made["again"]}
            doubled = {number for number in arrived if arrived.count(number) > 1}
            flagged = {each.id for first, last in again for place, each in enumerate(history, 1) if first <= place <= last}
            assert doubled <= flagged, f"steps {doubled - flagged} arrived twice without a word in the journal"


Province.TestCase.settings = settings(max_examples=examples(120), stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
TestProvince = Province.TestCase

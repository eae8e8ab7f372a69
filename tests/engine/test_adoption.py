"""A target that had our dossiers before this state: nothing of it is created or told twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from syncd.calls import Outcome, Portion, Standing, StepsFound
from syncd.model import Origin, Status, Step
from syncd.store.board import Board
from syncd.store.orders import Orders
from syncd.turns import ALREADY_THERE, STRANGE_TARGET
from tests.clocks import TurnedClock
from tests.engine.conftest import Make
from tests.engine.engine import Engine, dossier, step
from tests.engine.target import Fault, RecordingTarget, lost, vanished

CODE = "000.00.14.H03-250303-0001"
HISTORY = [step(1, status=Status.RECEIVED), step(2, status=Status.PROCESSING), step(3, status=Status.PROCESSED)]


class KnowingTarget(RecordingTarget):
    """A target that had records and steps before, and says of a dossier what it is told to."""

    def __init__(self, tell: Callable[[Portion], Standing | None]) -> None:
        super().__init__()
        self.tell = tell

    def look_up(self, portion: Portion) -> Standing | None:
        self.lookups += 1
        if portion.subject not in self.records:
            return Standing(outcome=Outcome.DELIVERED, exists=False)
        return self.tell(portion)


def shows(status: Status | None = None, steps: StepsFound | None = None) -> Callable[[Portion], Standing | None]:
    return lambda portion: Standing(outcome=Outcome.DELIVERED, exists=True, status=status, steps=steps)


def lost_state(make: Make, tell: Callable[[Portion], Standing | None], clock: TurnedClock | None = None) -> Engine:
    """An engine with an empty state, before a target that has one dossier of it."""
    target = KnowingTarget(tell)
    target.records[CODE] = dossier(note="from before")
    target.steps[CODE] = [1, 2]
    engine = make(target, clock=clock)
    Board(engine.database).settle_origin("portal", "")
    engine.see(dossier(), HISTORY)
    return engine


def begin(engine: Engine) -> None:
    """The first turn of all."""
    engine.delivery.turn(engine.ledger.claim("portal", 8, engine.clock.now(), engine.delivery.lease_term))


def adopt(engine: Engine, *codes: str) -> int:
    return Orders(engine.database, engine.clock, "admin@node-1").adopt("portal", codes).count


def test_nothing_goes_to_a_target_that_shows_dossiers_we_never_told_it_of(make: Make) -> None:
    engine = lost_state(make, shows(Status.PROCESSING))
    begin(engine)
    assert engine.target.calls_made == []
    assert engine.board.target("portal").paused
    assert engine.row(CODE)["state"] == "due"


def test_what_it_shows_is_adopted_up_to_its_status_once_an_administrator_has_said_so(make: Make) -> None:
    engine = lost_state(make, shows(Status.PROCESSING))
    begin(engine)
    assert adopt(engine) == 1
    engine.settle()
    assert [lane for lane, _ in engine.target.calls_made] == ["update", "steps"]
    assert engine.target.steps[CODE] == [1, 2, 3]
    assert (engine.row(CODE)["adopted"], engine.row(CODE)["state"]) == (2, "idle")
    engine.see(dossier(note="later"), [*HISTORY, step(4, status=Status.RETURNED)])
    engine.settle()
    assert engine.target.steps[CODE] == [1, 2, 3, 4]


def test_steps_that_it_shows_and_lacks_are_owed_and_go_alone(make: Make) -> None:
    engine = lost_state(make, shows(steps=StepsFound(missing=(0,))))
    begin(engine)
    adopt(engine)
    engine.settle()
    assert engine.target.steps[CODE] == [1, 2, 1]
    assert (engine.row(CODE)["owed"], engine.row(CODE)["steps_sent"]) == ("", 3)


def test_where_it_shows_no_status_the_steps_before_that_moment_are_taken_as_sent(make: Make) -> None:
    clock = TurnedClock()
    target = KnowingTarget(shows())
    target.records[CODE] = dossier(note="from before")
    engine = make(target, clock=clock)
    Board(engine.database).settle_origin("portal", "")
    old, late = clock.now() - timedelta(days=1), clock.now() + timedelta(days=1)
    engine.see(dossier(), [step(1, at=old), step(2, at=old), step(3, at=late)])
    begin(engine)
    adopt(engine)
    engine.settle()
    assert engine.target.steps[CODE] == [3]


def test_dossiers_read_for_the_first_time_afterwards_are_asked_for_too_and_new_ones_are_new(make: Make) -> None:
    engine = lost_state(make, shows(Status.PROCESSED))
    begin(engine)
    adopt(engine)
    second, third = "000.00.14.H03-250303-0002", "000.00.14.H03-250303-0003"
    engine.target.records[second] = dossier(second, 2)
    engine.see(dossier(second, 2), HISTORY)
    engine.see(dossier(third, 3, received_at=engine.clock.now() + timedelta(hours=1)), HISTORY)
    engine.settle()
    assert engine.target.steps.get(second) is None
    assert engine.target.steps[third] == [1, 2, 3]
    assert ("create", (third,)) in engine.target.calls_made


def test_a_target_that_has_none_of_them_is_fresh(make: Make) -> None:
    engine = make(KnowingTarget(shows()))
    Board(engine.database).settle_origin("portal", "")
    engine.see(dossier(), HISTORY)
    engine.settle()
    assert engine.board.target("portal").origin == "fresh"
    assert engine.target.steps[CODE] == [1, 2, 3]


@pytest.mark.parametrize("outcome", [Outcome.UNAVAILABLE, Outcome.BUSY])
def test_a_target_that_does_not_answer_is_asked_again(make: Make, outcome: Outcome) -> None:
    engine = lost_state(make, lambda _: Standing(outcome=outcome))
    begin(engine)
    assert engine.target.calls_made == []
    assert (engine.board.target("portal").origin, engine.board.target("portal").paused) == ("", False)


def test_one_dossier_that_it_had_before_us_waits_with_its_steps_for_a_person(make: Make) -> None:
    engine = lost_state(make, shows(Status.PROCESSED))
    Board(engine.database).settle_origin("portal", "fresh")
    engine.deliver()
    assert engine.target.records[CODE].note == ""
    assert (engine.row(CODE)["state"], engine.row(CODE)["error_code"]) == ("dead", ALREADY_THERE)
    assert engine.target.steps[CODE] == [1, 2]
    assert adopt(engine, CODE) == 1
    engine.settle()
    assert engine.target.steps[CODE] == [1, 2]
    assert engine.row(CODE)["state"] == "idle"


def test_a_person_who_knows_better_sends_all_its_steps(make: Make) -> None:
    engine = lost_state(make, shows())
    Board(engine.database).settle_origin("portal", "fresh")
    engine.deliver()
    Orders(engine.database, engine.clock, "admin@node-1").retry([f"portal:{CODE}"])
    engine.settle()
    assert engine.target.steps[CODE] == [1, 2, 1, 2, 3]


# ---- a state that is an older copy


def older_state(make: Make, tell: Callable[[Portion], Standing | None], *later: Step) -> Engine:
    """An engine that told the target of two steps, and does not remember that it told it of `later` ones."""
    engine = make(KnowingTarget(tell))
    engine.see(dossier(), HISTORY[:2])
    engine.settle()
    engine.target.steps[CODE] += [each.id for each in later]
    assert adopt(engine) == 0
    return engine


@pytest.mark.parametrize("status", [None, Status.PROCESSED])
def test_what_an_older_copy_does_not_remember_is_not_told_again(make: Make, status: Status | None) -> None:
    engine = older_state(make, shows(status), HISTORY[2])
    engine.see(dossier(note="changed meanwhile"), HISTORY)
    engine.settle()
    assert engine.target.steps[CODE] == [1, 2, 3]
    assert (engine.row(CODE)["adopted"], engine.row(CODE)["adopting"], engine.row(CODE)["state"]) == (3, None, "idle")
    assert engine.target.records[CODE].note == "changed meanwhile"


def test_what_was_made_after_that_moment_is_told(make: Make) -> None:
    engine = older_state(make, shows(Status.PROCESSED), HISTORY[2])
    late = step(4, status=Status.PROCESSED, at=engine.clock.now() + timedelta(minutes=1))
    engine.see(dossier(), [*HISTORY, late])
    engine.settle()
    assert engine.target.steps[CODE] == [1, 2, 3, 4]
    assert engine.row(CODE)["adopted"] == 3


def test_a_late_step_amid_those_that_are_there_is_owed(make: Make) -> None:
    engine = older_state(make, shows(), HISTORY[2])
    engine.see(dossier(), [*HISTORY[:2], step(9, at=engine.clock.now() + timedelta(minutes=1))])
    engine.see(dossier(), [*HISTORY[:2], step(9, at=engine.clock.now() + timedelta(minutes=1)), HISTORY[2]])
    engine.settle()
    assert engine.target.steps[CODE] == [1, 2, 3, 9]


def test_nothing_new_is_taken_as_sent_where_the_status_is_of_what_was_told_before(make: Make) -> None:
    engine = older_state(make, shows(Status.PROCESSING))
    engine.see(dossier(), HISTORY)
    engine.settle()
    assert engine.target.steps[CODE] == [1, 2, 3]
    assert engine.row(CODE)["adopted"] == 0


def test_steps_that_the_target_shows_settle_it_whatever_was_remembered(make: Make) -> None:
    engine = older_state(make, shows(steps=StepsFound(missing=(1,), foreign=2)), HISTORY[2])
    engine.see(dossier(), [*HISTORY, step(4, status=Status.RETURNED)])
    engine.settle()
    assert engine.target.steps[CODE] == [1, 2, 3, 4]
    assert engine.row(CODE)["adopted"] == 3


# ---- before the first call


def test_some_are_asked_about_that_are_not_due_first(make: Make) -> None:
    engine = lost_state(make, shows())
    first = "000.00.14.H03-250303-0000"
    engine.see(dossier(first, 2), HISTORY)
    claims = [claim for claim in engine.ledger.claim("portal", 8, engine.clock.now(), engine.delivery.lease_term) if claim.subject == first]
    engine.delivery.turn(claims)
    assert (engine.target.calls_made, engine.board.target("portal").paused) == ([], True)


def test_a_dossier_filed_at_the_target_says_nothing_of_its_past(make: Make) -> None:
    engine = make(KnowingTarget(shows()))
    engine.board.settle_origin("portal", "")
    engine.target.records[CODE] = dossier()
    engine.see(dossier(origin=Origin.PORTAL, portal_code="G22-1"))
    engine.settle()
    assert (engine.board.target("portal").origin, engine.board.target("portal").paused) == ("", False)
    engine.see(dossier("000.00.14.H03-250303-0002", 2), HISTORY)
    engine.settle()
    assert engine.board.target("portal").origin == "fresh"


@pytest.mark.parametrize(("missing", "arrived", "kept"), [((), lost, [1, 2, 3]), ((0, 1, 2), vanished, [1, 2, 3]), ((2,), lost, [1, 2, 3, 3])])
def test_a_target_that_shows_its_steps_settles_which_of_them_arrived(make: Make, missing: tuple[int, ...], arrived: Fault, kept: list[int]) -> None:
    engine = make(KnowingTarget(shows(steps=StepsFound(missing=missing))))
    engine.see(dossier())
    engine.deliver()
    engine.target.faults.append(arrived)
    engine.see(dossier(), HISTORY)
    engine.settle()
    assert engine.target.steps[CODE] == kept
    assert any(attempt["again"] for attempt in engine.attempts(CODE)) is bool(missing)


class SlowlyAskedTarget(RecordingTarget):
    """Something happens while a node asks it for the first time."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def look_up(self, portion: Portion) -> Standing | None:
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        if self.lookups == 0:
            meanwhile()
        return super().look_up(portion)


def test_what_another_node_has_told_a_target_meanwhile_is_nothing_strange(make: Make) -> None:
    target, clock = SlowlyAskedTarget(), TurnedClock()
    slow, other = make(target, clock=clock), make(target, clock=clock, node="n2")
    slow.board.settle_origin("portal", "")
    slow.see(dossier(), HISTORY)
    slow.see(dossier("000.00.14.H03-250303-0002", source_id=2), HISTORY)
    target.meanwhile = other.deliver
    claims = slow.ledger.claim("portal", 1, clock.now(), slow.delivery.lease_term)
    slow.delivery.turn(claims)
    other.deliver()
    assert (slow.board.target("portal").paused, slow.board.target("portal").origin) == (False, "fresh")
    assert {code: sorted(steps) for code, steps in target.steps.items()} == {each.code: [1, 2, 3] for each in target.records.values()}
    assert len(target.records) == 2


def test_a_node_that_finds_nothing_does_not_overrule_one_that_found_something(make: Make) -> None:
    target, clock = SlowlyAskedTarget(), TurnedClock()
    slow, other = make(target, clock=clock), make(target, clock=clock, node="n2")
    slow.board.settle_origin("portal", "")
    slow.see(dossier(), HISTORY)
    target.meanwhile = lambda: other.board.find_strange("portal", STRANGE_TARGET)
    begin(slow)
    assert (slow.board.target("portal").paused, slow.board.target("portal").origin) == (True, "")
    assert target.calls_made == []

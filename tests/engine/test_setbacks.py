"""Setbacks that come at the wrong moment: nothing is lost, swallowed, left stale or sent twice by them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from syncd.calls import Operation, Outcome, Portion, Receipt, Standing
from syncd.crypto import KEY_BYTES, Cipher
from syncd.errors import StoreUnavailable
from syncd.model import Page
from syncd.policy import Next
from syncd.store.entries import Entry, Lease, Line
from syncd.store.ledger import Ledger
from syncd.store.outcomes import apart
from syncd.store.schema import ledger, snapshot
from syncd.turns import ENDS_ALLOWED
from tests.engine.conftest import Make
from tests.engine.engine import CIPHER, Engine, dossier, step
from tests.engine.target import RecordingTarget, busy, down, lost, stranger
from tests.engine.test_poll import poller_of, shelf_of

CODE = "000.00.14.H03-250303-0001"


def test_an_update_in_doubt_that_the_officer_takes_back_is_put_right_at_the_target(make: Make) -> None:
    engine = make()
    engine.see(dossier(note="right"))
    engine.settle()
    engine.see(dossier(note="wrong"))
    engine.target.faults.append(lost)
    engine.deliver()
    engine.see(dossier(note="right"))
    engine.settle()
    assert engine.target.records[CODE].note == "right"


def test_an_update_cut_off_by_a_crash_that_the_officer_takes_back_is_put_right_at_the_target(make: Make) -> None:
    engine = make()
    engine.see(dossier(note="right"))
    engine.settle()
    engine.see(dossier(note="wrong"))
    (claim,) = engine.ledger.claim("portal", 1, engine.clock.now(), engine.delivery.lease_term)
    engine.target.send([engine.target.compose(Portion(operation=Operation.UPDATE, dossier=claim.dossier))])
    engine.see(dossier(note="right"))
    engine.ledger.reclaim()
    engine.settle()
    assert engine.target.records[CODE].note == "right"


def test_a_step_taken_back_while_it_is_on_its_way_does_not_swallow_the_next_one(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])
    engine.settle()
    engine.see(dossier(), [step(1), step(2)])

    def take_back(_lane: str, _elements: object) -> None:
        engine.target.before = lambda lane, elements: None
        engine.see(dossier(), [step(1)])
        engine.see(dossier(), [step(1), step(3)])

    engine.target.before = take_back
    engine.settle()
    assert engine.target.steps[CODE] == [1, 2, 3]


def test_a_step_taken_back_comes_again_when_it_is_there_again(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1), step(2)])
    engine.see(dossier(), [step(1)])
    engine.see(dossier(), [step(1), step(3)])
    engine.settle()
    engine.see(dossier(), [step(1), step(2), step(3)])
    engine.settle()
    assert engine.target.steps[CODE] == [1, 3, 2]


def test_what_was_acknowledged_during_a_long_absence_of_the_state_is_not_sent_again(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])
    engine.target.faults.extend([lambda apply: apply(), lambda apply: absent(engine, apply)])
    engine.settle()
    assert engine.target.steps[CODE] == [1]
    assert engine.target.lookups == 0


def absent(engine: Engine, apply: Callable[[], Receipt]) -> Receipt:
    """The answer is there, but before it can be written the lease has ended."""
    receipt = apply()
    engine.pass_time(engine.delivery.lease_term * 2)
    return receipt


def test_a_sweep_cannot_put_back_what_a_poll_has_read_since(make: Make) -> None:
    engine, shelf = make(), shelf_of(2)
    poller = poller_of(engine, shelf)
    poller.poll()
    real, polls = shelf.sweep, []

    def sweep(after: int = 0) -> Iterator[Page]:
        for page in real(after):
            shelf.dossiers[0] = dossier(CODE, 1, note="newest")
            polls.append(threading.Thread(target=poller.poll))
            polls[-1].start()
            polls[-1].join(0.2)
            yield page

    shelf.sweep = sweep  # type: ignore[method-assign]
    poller.sweep()
    for thread in polls:
        thread.join()
    engine.settle()
    assert engine.target.records[CODE].note == "newest"


def test_an_accepted_poll_that_is_told_to_stop_stays_accepted(make: Make) -> None:
    engine, shelf = make(), shelf_of(6)
    poller = poller_of(engine, shelf)
    engine.board.note_source(accepted=True)
    poller.proceed = lambda: False
    poller.poll()
    assert engine.board.source().accepted
    poller.proceed = lambda: True
    poller.poll()
    assert not engine.board.source().accepted
    assert engine.board.dossiers() == 6


def test_a_change_of_a_dossier_whose_key_is_gone_is_taken_in_and_revives_it(make: Make) -> None:
    engine = make()
    engine.see(dossier())
    engine.intake.cipher = Cipher([b"n" * KEY_BYTES])
    engine.ledger = engine.delivery.ledger = engine.delivery.books._ledger = Ledger(engine.database, engine.intake.cipher, "n1")
    engine.see(dossier(note="changed"))
    engine.settle()
    assert engine.target.records[CODE].note == "changed"


def test_a_dossier_that_another_version_wrote_holds_nobody_up(make: Make) -> None:
    engine = make()
    engine.see(dossier())
    engine.see(dossier("000.00.14.H03-250303-0002", 2))
    with engine.database.write() as connection:
        strange = CIPHER.seal(b'{"code":"x","source_id":1,"status":"unheard of"}')
        connection.execute(update(snapshot).where(snapshot.c.subject == CODE).values(body=strange))
    engine.settle()
    assert list(engine.target.records) == ["000.00.14.H03-250303-0002"]
    assert engine.row(CODE)["error_code"] == "undecipherable"
    assert "unheard" not in str(engine.row(CODE))


@pytest.mark.parametrize("odd", ["nul \x00 in it", "half a \ud800 pair"])
def test_an_answer_in_broken_text_is_booked_like_any_other(make: Make, odd: str) -> None:
    engine = make()
    engine.see(dossier())
    engine.target.faults.append(lambda _: Receipt(outcome=Outcome.REJECTED, code=odd, message=odd, hint=odd, text=odd))
    engine.deliver()
    assert engine.row(CODE)["state"] == "dead"
    assert " in it" in str(engine.row(CODE)["error_message"]) or " pair" in str(engine.row(CODE)["error_message"])


def test_a_target_that_is_back_while_the_state_is_away_wakes_everything_afterwards(make: Make) -> None:
    engine = make(breaker_failures=2)
    engine.see(dossier())
    engine.see(dossier("000.00.14.H03-250303-0002", 2))
    engine.target.faults.extend([down, down])
    engine.deliver()
    with engine.database.write() as connection:
        connection.execute(update(ledger).where(ledger.c.subject != CODE).values(due_at=engine.clock.now() + timedelta(days=1)))
    engine.clock.turn(timedelta(minutes=2))
    real, failures = engine.ledger.wake, [StoreUnavailable("deadlock detected")]

    def wake(name: str, now: datetime, *, asked: bool = True) -> int:
        if failures:
            raise failures.pop()
        return real(name, now, asked=asked)

    engine.ledger.wake = wake  # type: ignore[method-assign]
    engine.deliver()
    engine.deliver()
    assert len(engine.target.records) == 2


def test_an_answer_is_written_down_though_syncd_was_told_to_stop_and_the_state_stumbled(make: Make) -> None:
    engine = make()
    engine.see(dossier())
    engine.target.before = lambda lane, elements: engine.stopping.set()
    real, failures = engine.ledger.record, [StoreUnavailable("deadlock detected")]

    def record(lines: Sequence[Line], *, again: bool = False) -> set[Lease]:
        if failures:
            raise failures.pop()
        return real(lines, again=again)

    engine.ledger.record = record  # type: ignore[method-assign]
    engine.delivery.turn(engine.ledger.claim("portal", 1, engine.clock.now(), engine.delivery.lease_term))
    assert engine.row(CODE)["state"] == "idle"


def test_wrong_credentials_are_not_tried_again_with_what_was_already_claimed(make: Make) -> None:
    engine = make()
    for n in range(4):
        engine.see(dossier(f"000.00.14.H03-250303-{n:04}", n))
    engine.target.always = stranger
    for claim in engine.ledger.claim("portal", 4, engine.clock.now(), engine.delivery.lease_term):
        engine.delivery.turn([claim])
    assert len(engine.target.calls_made) == 1
    assert engine.board.counts("portal").due == 4


def test_a_clock_set_back_does_not_shut_the_gate(make: Make) -> None:
    engine = make(breaker_failures=1)
    engine.see(dossier())
    engine.target.faults.append(down)
    engine.deliver()
    engine.clock.step(-timedelta(hours=7))
    assert engine.gate.room(1) == 1
    assert make(clock=engine.clock).gate.room(1) == 1
    engine.clock.step(-timedelta(hours=7))
    assert engine.gate.breaker.until is None


class Unanswering(RecordingTarget):
    """A target that cannot be asked."""

    def look_up(self, portion: Portion) -> Standing | None:
        return None


@pytest.mark.parametrize("kind", [RecordingTarget, Unanswering])
def test_steps_that_end_syncd_each_time_wait_for_a_person(make: Make, kind: type[RecordingTarget]) -> None:
    engine, ended = make(kind()), []

    def end(lane: str, _elements: object) -> None:
        if lane == "steps":
            ended.append(lane)
            raise KeyboardInterrupt

    engine.target.before = end
    engine.see(dossier(), [step(1)])
    for _ in range(ENDS_ALLOWED + 3):
        with suppress(KeyboardInterrupt):
            engine.deliver()
        engine.ledger.reclaim()
    assert len(ended) == ENDS_ALLOWED + 1
    row, last = engine.row(CODE), engine.attempts(CODE)[-1]
    assert (row["state"], row["error_code"]) == ("dead", "unknown_twice")
    assert (last["operation"], last["again"], last["last_step"]) == ("steps", True, 1)


def test_who_lost_a_lease_does_not_speak_for_who_has_it(make: Make) -> None:
    engine = make()
    engine.see(dossier())
    (late,) = engine.ledger.claim("portal", 1, engine.clock.now(), engine.delivery.lease_term)
    engine.pass_time(timedelta(hours=1))
    (held,) = engine.ledger.claim("portal", 1, engine.clock.now(), engine.delivery.lease_term)
    now = engine.clock.now()
    lines = [engine.ledger.ready(Entry(claim=claim, next=Next.GO_ON, at=now, due_at=now)) for claim in (late, held)]
    assert [engine.ledger.record(group) for group in apart(lines)] == [{(CODE, late.token)}, set()]


def test_waiting_for_a_target_that_came_back_while_syncd_was_down_ends_at_its_start(make: Make) -> None:
    engine = make()
    engine.see(dossier())
    engine.target.always = down
    engine.deliver()
    engine.target.always = None
    assert engine.deliver() == 0
    assert engine.ledger.wake("portal", engine.clock.now(), asked=False) == 1
    assert engine.deliver() == 1


def test_what_a_target_asked_to_wait_with_waits_over_a_restart(make: Make) -> None:
    engine = make()
    engine.see(dossier())
    engine.target.faults.append(busy)
    engine.deliver()
    assert engine.ledger.wake("portal", engine.clock.now(), asked=False) == 0
    assert engine.ledger.wake("portal", engine.clock.now()) == 1

"""Rare circumstances in which a dossier could be left behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from syncd.calls import Receipt
from syncd.crypto import KEY_BYTES, Cipher
from syncd.errors import NotFound, StoreUnavailable, UndecipherableError
from syncd.store.intake import Intake
from syncd.store.ledger import Ledger
from syncd.store.matters import Routes
from syncd.store.orders import Orders, Selection
from syncd.workers import Workers
from tests.engine.conftest import Make
from tests.engine.engine import CIPHER, dossier, step
from tests.engine.target import down, lost, vanished
from tests.engine.test_poll import poller_of, shelf_of

CODE = "000.00.14.H03-250303-0001"


def test_a_target_that_was_left_out_for_a_while_gets_what_changed_meanwhile(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])
    engine.settle()
    others = Intake(engine.database, CIPHER, engine.clock, Routes(["other"]))
    engine.intake, kept = others, engine.intake
    engine.see(dossier(note="changed while it was left out"), [step(1), step(2)])
    engine.intake = kept
    assert engine.row_of("portal", CODE)["state"] == "idle"
    assert engine.intake.adopt() == 1
    engine.settle()
    assert engine.target.records[CODE].note == "changed while it was left out"
    assert engine.target.steps[CODE] == [1, 2]
    assert engine.intake.adopt() == 0


def test_a_probe_that_could_not_be_claimed_lets_another_one_go(make: Make) -> None:
    engine = make(breaker_failures=1)
    engine.see(dossier())
    engine.target.always = down
    engine.deliver()
    engine.target.always = None
    engine.pass_time(engine.options.breaker_pause * 10)
    workers = Workers(engine.delivery, engine.ledger, engine.gate, engine.clock)

    def away(*_given: object) -> list[object]:
        raise StoreUnavailable

    real, engine.ledger.claim = engine.ledger.claim, away  # type: ignore[method-assign, assignment]
    with pytest.raises(StoreUnavailable):
        workers._next()
    engine.ledger.claim = real  # type: ignore[method-assign]
    engine.settle()
    assert CODE in engine.target.records


def test_a_poll_that_is_told_to_stop_ends_after_the_page_it_has_committed(make: Make) -> None:
    engine, shelf = make(), shelf_of(6)
    poller = poller_of(engine, shelf)
    poller.proceed = lambda: False
    assert poller.poll().rows == 2
    assert engine.board.dossiers() == 2
    assert poller.sweep().rows == 2
    assert engine.board.source().sweep_after == 2
    poller.proceed = lambda: True
    assert poller.sweep().rows == 4
    assert engine.board.dossiers() == 6


def test_a_sweep_says_which_dossiers_have_vanished_and_tells_no_target(make: Make) -> None:
    engine, shelf = make(), shelf_of(7)
    poller = poller_of(engine, shelf)
    poller.poll()
    engine.settle()
    gone = [shelf.dossiers.pop(6).code, shelf.dossiers.pop(2).code]
    with capture_logs() as said:
        poller.sweep()
    assert sorted(event["dossier"] for event in said if event["event"] == "dossier_vanished") == sorted(gone)
    assert engine.deliver() == 0


def test_a_dossier_whose_key_is_gone_waits_for_a_person_alone(make: Make) -> None:
    engine = make()
    engine.see(dossier())
    engine.ledger = engine.delivery.ledger = Ledger(engine.database, Cipher([b"n" * KEY_BYTES]), "n1")
    with pytest.raises(UndecipherableError):
        engine.ledger.check_keys()
    assert engine.ledger.claim("portal", 5, engine.clock.now(), engine.delivery.lease_term) == []
    row = engine.row(CODE)
    assert (row["state"], row["error_code"]) == ("dead", "undecipherable")
    assert "payload_key_file" in str(row["error_hint"])


def test_steps_that_a_person_saw_at_the_target_are_not_sent_a_third_time(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])
    engine.target.faults.extend([lambda apply: apply(), lost, lost])
    engine.settle()
    assert engine.row(CODE)["error_code"] == "unknown_twice"
    orders = Orders(engine.database, engine.clock, "an administrator")
    assert orders.arrived([f"portal:{CODE}"], "seen on the portal").count == 1
    engine.see(dossier(), [step(1), step(2)])
    engine.settle()
    assert engine.target.steps[CODE] == [1, 1, 2]
    with pytest.raises(NotFound):
        orders.arrived([f"portal:{CODE}"], "again")


def test_steps_that_went_twice_wait_for_a_person_whatever_the_officer_does(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])
    engine.target.faults.extend([lambda apply: apply(), lost, lost])
    engine.settle()
    engine.see(dossier(note="later"), [step(1), step(2)])
    orders = Orders(engine.database, engine.clock, "an administrator")
    assert orders.resync("portal", Selection()).count == 0
    engine.settle()
    assert (engine.row(CODE)["state"], engine.row(CODE)["error_code"]) == ("dead", "unknown_twice")
    assert engine.target.steps[CODE] == [1, 1]
    orders.arrived([f"portal:{CODE}"], "seen on the portal")
    engine.settle()
    assert engine.target.steps[CODE] == [1, 1, 2]
    assert engine.target.records[CODE].note == "later"


def test_a_change_read_while_the_second_answer_is_lost_does_not_send_the_steps_a_third_time(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])

    def overtaken(apply: Callable[[], Receipt]) -> Receipt:
        engine.see(dossier(), [step(1), step(2)])
        return lost(apply)

    engine.target.faults.extend([lambda apply: apply(), lost, overtaken])
    engine.settle()
    assert engine.target.steps[CODE] == [1, 1]
    Orders(engine.database, engine.clock, "an administrator").arrived([f"portal:{CODE}"], "seen on the portal")
    engine.settle()
    assert engine.target.steps[CODE] == [1, 1, 2]


def test_a_retry_after_two_lost_answers_is_still_flagged_in_the_journal(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])
    engine.target.faults.extend([lambda apply: apply(), lost, vanished])
    engine.settle()
    Orders(engine.database, engine.clock, "an administrator").retry([f"portal:{CODE}"])
    engine.settle()
    assert engine.attempts(CODE)[-1]["again"]
    assert engine.row(CODE)["state"] == "idle"

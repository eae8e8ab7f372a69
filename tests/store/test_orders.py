"""What an administrator orders: each in one transaction with its audit row, each able to only count."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from syncd.calls import Operation, Outcome, Receipt
from syncd.errors import NotFound
from syncd.model import Status
from syncd.policy import Next
from syncd.store.board import Board
from syncd.store.intake import Intake
from syncd.store.journal import Journal
from syncd.store.matters import Routes
from syncd.store.orders import Orders, Selection
from syncd.store.schema import audit
from syncd.turns import UNKNOWN_TWICE, next_portion
from tests.store.state import State


@pytest.fixture
def orders(state: State) -> Orders:
    return Orders(state.database, state.clock, "admin@node-1")


@pytest.fixture
def rehearsal(state: State) -> Orders:
    return Orders(state.database, state.clock, "admin@node-1", rehearse=True)


def audited(state: State) -> list[tuple[str, str, str, str]]:
    with state.database.read() as connection:
        return [(row.action, row.target, row.subject, row.detail) for row in connection.execute(select(audit).order_by(audit.c.id))]


def test_a_paused_target_is_given_nothing_until_it_is_resumed(state: State, orders: Orders) -> None:
    state.take("H03-1")
    assert orders.pause("portal", "maintenance at the portal").count == 1
    assert state.claim() == []
    assert Board(state.database).target("portal").reason == "maintenance at the portal"
    assert orders.resume("portal").count == 1
    assert state.deliver() == ["H03-1"]
    assert audited(state) == [("pause", "portal", "", "maintenance at the portal"), ("resume", "portal", "", "")]


def test_pausing_twice_is_one_order(state: State, orders: Orders) -> None:
    orders.pause("portal", "first")
    assert orders.pause("portal", "second").count == 0
    assert Board(state.database).target("portal").reason == "first"
    assert len(audited(state)) == 1


def test_resuming_ends_the_wait_the_target_asked_for(state: State, orders: Orders) -> None:
    orders.pause("portal", "")
    Board(state.database).ask_to_wait("portal", state.clock.now() + timedelta(hours=1))
    orders.resume("portal")
    assert Board(state.database).target("portal").wait_until is None


def test_a_rehearsed_order_counts_and_changes_nothing(state: State, rehearsal: Orders) -> None:
    state.take("H03-1", "H03-2")
    state.deliver()
    state.take("H03-3")
    state.refuse()
    assert rehearsal.pause("portal", "").count == 1
    assert rehearsal.resume("portal").count == 0
    assert rehearsal.retry(["portal:H03-3"]).count == 1
    assert rehearsal.retry_all().count == 1
    assert rehearsal.discard(["portal:H03-3"], "").count == 1
    assert rehearsal.resync("portal", Selection(codes=("H03-1",))).count == 1
    assert rehearsal.resync("portal", Selection()).count == 3
    assert state.claim() == []
    assert audited(state) == []
    assert rehearsal.retry_all().rehearsed


def test_a_retried_letter_is_due_now_as_if_nothing_had_failed(state: State, orders: Orders) -> None:
    state.take("H03-1", "H03-2")
    state.refuse()
    state.clock.turn(timedelta(minutes=1))
    assert orders.retry(["portal:H03-1"]).count == 1
    (claim,) = state.claim()
    assert (claim.subject, claim.failures, claim.doubts) == ("H03-1", 0, 0)
    assert audited(state) == [("retry", "portal", "H03-1", "")]


def test_unknown_letters_are_named_and_then_nothing_is_retried(state: State, orders: Orders) -> None:
    state.take("H03-1")
    state.refuse()
    with pytest.raises(NotFound, match="portal:H03-2"):
        orders.retry(["portal:H03-1", "portal:H03-2"])
    assert state.claim() == []
    assert audited(state) == []


def test_all_dead_letters_of_a_target_are_retried_by_one_order(state: State, orders: Orders) -> None:
    state.take("H03-1", "H03-2")
    state.refuse()
    assert orders.retry_all("elsewhere").count == 0
    assert orders.retry_all("portal").count == 2
    assert audited(state) == [("retry", "portal", "", "2 dead letters")]


def test_a_discarded_letter_waits_for_the_source_or_for_a_person(state: State, orders: Orders) -> None:
    state.take("H03-1", "H03-2")
    state.refuse()
    assert orders.discard(["portal:H03-1", "portal:H03-2"], "double entry").count == 2
    assert orders.retry_all().count == 0
    state.take("H03-1", status=Status.PROCESSING)
    assert state.deliver() == ["H03-1"]
    orders.retry(["portal:H03-2"])
    assert state.deliver() == ["H03-2"]
    assert audited(state)[0] == ("discard", "portal", "H03-1", "double entry")


def test_a_resync_sends_the_record_as_an_update_and_no_step(state: State, orders: Orders) -> None:
    state.take("H03-1", "H03-2", steps=2)
    state.deliver()
    assert orders.resync("portal", Selection(codes=("H03-1",))).count == 1
    (claim,) = state.claim()
    portion = next_portion(claim, 10, takes_steps=True)
    assert portion is not None
    assert (claim.subject, portion.operation, claim.steps) == ("H03-1", Operation.UPDATE, ())
    assert audited(state) == [("resync", "portal", "H03-1", "")]


def test_a_resync_reaches_what_was_acknowledged_since_a_moment(state: State, orders: Orders) -> None:
    state.take("H03-1")
    state.deliver()
    since = state.clock.turn(timedelta(hours=1))
    state.take("H03-2")
    state.deliver()
    assert orders.resync("portal", Selection(since=since)).count == 1
    assert state.deliver() == ["H03-2"]


def test_a_resync_reaches_the_dossiers_of_a_status(state: State, orders: Orders) -> None:
    state.take("H03-1")
    state.take("H03-2", status=Status.RETURNED)
    state.deliver()
    assert orders.resync("portal", Selection(status=Status.RETURNED)).count == 1
    assert state.deliver() == ["H03-2"]


def test_a_resync_of_all_leaves_discarded_dossiers_aside(state: State, orders: Orders) -> None:
    state.take("H03-1")
    state.refuse()
    orders.discard(["portal:H03-1"], "double entry")
    state.take("H03-2")
    state.deliver()
    assert orders.resync("portal", Selection()).count == 1
    assert audited(state)[-1] == ("resync", "portal", "", "1 dossiers")


def test_a_resync_leaves_what_is_being_delivered_to_its_worker(state: State, orders: Orders) -> None:
    state.take("H03-1")
    state.claim()
    for which in (Selection(), Selection(codes=("H03-1",))):
        done = orders.resync("portal", which)
        assert (done.count, done.busy) == (0, ("H03-1",))


def test_a_resync_of_unknown_codes_names_them(state: State, orders: Orders) -> None:
    state.take("H03-1")
    with pytest.raises(NotFound, match="H03-8, H03-9"):
        orders.resync("portal", Selection(codes=("H03-1", "H03-8", "H03-9")))


def test_an_accepted_source_is_no_longer_suspicious(state: State, orders: Orders, rehearsal: Orders) -> None:
    board = Board(state.database)
    board.note_source(suspicion="everything changed at once")
    assert rehearsal.accept_source().count == 1
    assert board.source().suspicion
    assert orders.accept_source().count == 1
    assert (board.source().suspicion, board.source().accepted) == ("", True)
    assert orders.accept_source().count == 0
    assert audited(state) == [("accept", "", "", "everything changed at once")]


def test_what_is_done_outside_the_state_is_noted_in_it(state: State, orders: Orders) -> None:
    orders.note("key rotate", "/etc/syncd/payload.key")
    assert audited(state) == [("key rotate", "", "", "/etc/syncd/payload.key")]
    assert Journal(state.database, lambda: state.cipher).dead() == []


def lost_twice(state: State, *codes: str) -> None:
    """Dossiers that are dead because the answer to their first two steps was lost twice."""
    state.take(*codes, steps=3)
    for claim in state.claim():
        receipt = Receipt(outcome=Outcome.UNKNOWN, code=UNKNOWN_TWICE)
        told = replace(claim, created=True, sent_version=claim.version, sent_digest=claim.digest, unsure=True, doubts=2)
        state.answer(told, receipt, Next.DEAD, steps=(1, 2))


def test_steps_a_person_saw_at_the_target_are_not_sent_a_third_time(state: State, orders: Orders) -> None:
    lost_twice(state, "H03-1")
    assert orders.arrived(["portal:H03-1"], "seen on the portal").count == 1
    (claim,) = state.claim()
    assert ([place for place, _ in claim.steps], claim.steps_sent, claim.unsure, claim.doubts) == ([3], 2, False, 0)
    assert audited(state) == [("arrived", "portal", "H03-1", "seen on the portal")]


def test_only_steps_whose_answer_was_lost_can_have_arrived(state: State, orders: Orders, rehearsal: Orders) -> None:
    state.take("H03-1")
    state.refuse()
    with pytest.raises(NotFound, match="portal:H03-1"):
        orders.arrived(["portal:H03-1"], "seen on the portal")
    lost_twice(state, "H03-2")
    assert rehearsal.arrived(["portal:H03-2"], "seen on the portal").count == 1
    assert state.claim() == []


def test_a_draft_is_sent_again_only_by_name(state: State, orders: Orders) -> None:
    state.intake = Intake(state.database, state.cipher, state.clock, Routes(["portal"], {"office": ()}))
    state.take("H03-1", drafts=("17", "18"))
    assert len(state.deliver("office")) == 2
    assert orders.resync("office", Selection()).count == 0
    assert orders.resync("office", Selection(codes=("H03-1/17",))).count == 1
    assert orders.resync("office", Selection(codes=("H03-1",))).count == 2
    with pytest.raises(NotFound):
        orders.resync("office", Selection(codes=("H03-1/19",)))

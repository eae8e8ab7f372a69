"""Reading back: stories, attempts and dead letters."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from syncd.calls import Outcome, Receipt
from syncd.errors import NotFound
from syncd.model import Status
from syncd.policy import Next
from syncd.store.intake import Intake
from syncd.store.journal import AttemptFilter, Journal
from syncd.store.matters import Routes
from syncd.store.orders import Orders, Selection
from tests.store.state import START, State


@pytest.fixture
def journal(state: State) -> Journal:
    return Journal(state.database, lambda: state.cipher)


def test_a_story_tells_everything_in_the_order_of_time(state: State, journal: Journal) -> None:
    state.take("H03-1", steps=2)
    state.clock.turn(timedelta(minutes=1))
    state.refuse()
    state.clock.turn(timedelta(minutes=1))
    Orders(state.database, state.clock, "quản trị").retry(["portal:H03-1"])
    state.clock.turn(timedelta(minutes=1))
    state.deliver()
    state.clock.turn(timedelta(minutes=1))
    state.take("H03-1", status=Status.PROCESSING, steps=3)
    events = journal.story("H03-1")
    assert [(event.kind, event.target, event.outcome) for event in events] == [
        ("change", None, None),
        ("attempt", "portal", "rejected"),
        ("admin", "portal", None),
        ("attempt", "portal", "delivered"),
        ("change", None, None),
    ]
    assert events[0].detail == {"version": 1, "fields": ["new"], "new_steps": 2}
    assert events[2].detail == {"action": "retry", "who": "quản trị", "detail": ""}
    assert events[4].detail == {"version": 2, "fields": ["status"], "new_steps": 1}


def test_a_story_holds_no_personal_data_unless_it_is_revealed(state: State, journal: Journal) -> None:
    state.take("H03-1")
    state.deliver()
    assert "Sâm" not in str(journal.story("H03-1"))
    detail = journal.story("H03-1", reveal=True)[1].detail
    assert detail["request"] == {"ChuHoSo": "Lý Thị Sâm"}
    assert detail["answer"] == {"error_code": "0"}


def test_an_answer_that_is_not_json_is_revealed_as_its_text(state: State, journal: Journal) -> None:
    state.take("H03-1")
    (claim,) = state.claim()
    state.answer(claim, Receipt(outcome=Outcome.UNAVAILABLE, code="502", text="<html>"), Next.LATER)
    assert journal.story("H03-1", reveal=True)[1].detail["answer"] == "<html>"


def test_an_order_for_many_shows_in_the_story_of_each(state: State, journal: Journal) -> None:
    state.take("H03-1")
    state.deliver()
    Orders(state.database, state.clock, "admin").resync("portal", Selection())
    assert [event.kind for event in journal.story("H03-1")] == ["change", "attempt", "admin"]


def test_an_order_given_before_a_dossier_was_known_is_not_its_story(state: State, journal: Journal) -> None:
    state.take("H03-1")
    state.deliver()
    Orders(state.database, state.clock, "admin").resync("portal", Selection())
    state.clock.turn(timedelta(seconds=1))
    state.take("H03-2")
    assert [event.kind for event in journal.story("H03-2")] == ["change"]


def test_a_dossier_stands_at_each_target(state: State, journal: Journal) -> None:
    state.take("H03-1", steps=3)
    place = journal.places("H03-1")["portal"]
    assert (place.state, place.due_at, place.sent_at, place.steps_sent, place.steps_wanted) == ("due", START, None, 0, 3)
    state.deliver()
    place = journal.places("H03-1")["portal"]
    assert (place.state, place.due_at, place.sent_at, place.steps_sent) == ("idle", None, START, 3)


def test_a_code_that_was_never_seen_is_not_found(journal: Journal) -> None:
    with pytest.raises(NotFound, match="H03-9"):
        journal.places("H03-9")


def test_attempts_are_filtered_and_come_newest_last(state: State, journal: Journal) -> None:
    state.take("H03-1", "H03-2", "H03-3")
    state.deliver()
    later = state.clock.turn(timedelta(hours=1))
    state.take("H03-1", status=Status.PROCESSING)
    state.refuse()
    everything = journal.attempts(AttemptFilter(), 10)
    assert [line.id for line in everything] == sorted(line.id for line in everything)
    assert len(everything) == 4
    assert journal.attempts(AttemptFilter(), 2) == everything[-2:]
    assert journal.attempts(AttemptFilter(dossier="H03-1"), 10) == [line for line in everything if line.dossier == "H03-1"]
    assert journal.attempts(AttemptFilter(outcome="rejected"), 10) == everything[-1:]
    assert journal.attempts(AttemptFilter(since=later), 10) == everything[-1:]
    assert journal.attempts(AttemptFilter(target="elsewhere"), 10) == []


def test_attempts_are_followed_by_their_id(state: State, journal: Journal) -> None:
    state.take("H03-1", "H03-2")
    state.deliver()
    first, second = journal.attempts(AttemptFilter(), 10)
    assert journal.attempts_after(AttemptFilter(), first.id) == [second]
    assert journal.attempts_after(AttemptFilter(), second.id) == []


def test_any_number_of_attempts_is_read_a_page_at_a_time(state: State, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.store.journal.PAGE", 2)
    state.take(*(f"H03-{number}" for number in range(5)))
    state.deliver()
    assert list(journal.every_attempt(AttemptFilter())) == journal.attempts(AttemptFilter(), 10)


def test_dead_letters_say_what_went_wrong_and_what_to_do(state: State, journal: Journal) -> None:
    state.take("H03-1")
    state.refuse()
    state.clock.turn(timedelta(hours=1))
    state.take("H03-2")
    state.refuse()
    first, second = journal.dead()
    assert (first.id, first.target, first.dossier, first.since, first.attempts) == ("portal:H03-1", "portal", "H03-1", START, 1)
    assert (first.error.kind, first.error.code, first.error.message, first.error.hint) == (
        "rejected",
        "-7",
        "MaTTHC is not known",
        "correct the procedure code",
    )
    assert second.dossier == "H03-2"
    assert journal.dead("elsewhere") == []


def test_a_discarded_letter_is_off_the_list_but_can_still_be_read(state: State, journal: Journal) -> None:
    state.take("H03-1")
    state.refuse()
    Orders(state.database, state.clock, "admin").discard(["portal:H03-1"], "double entry")
    assert journal.dead() == []
    assert journal.dead_letter("portal:H03-1").state == "held"


@pytest.mark.parametrize("letter", ["portal:H03-1", "portal", ":", "portal:"])
def test_what_is_not_dead_is_no_dead_letter(state: State, journal: Journal, letter: str) -> None:
    state.take("H03-1")
    with pytest.raises(NotFound, match="No such dead letter"):
        journal.dead_letter(letter)


def test_attempts_count_even_where_the_lease_was_lost(state: State, journal: Journal) -> None:
    state.take("H03-1")
    (claim,) = state.claim()
    state.answer(replace(claim, token="stale"), Receipt(outcome=Outcome.UNKNOWN), Next.LATER)
    assert [line.outcome for line in journal.attempts(AttemptFilter(), 10)] == ["unknown"]


def test_the_drafts_of_a_dossier_are_part_of_its_story(state: State, journal: Journal) -> None:
    state.intake = Intake(state.database, state.cipher, state.clock, Routes(["portal"], {"office": ()}))
    state.take("H03-1", drafts=("17",))
    state.deliver()
    state.refuse(target="office")
    assert [*journal.places("H03-1")] == ["office/17", "portal"]
    (refusal,) = [event for event in journal.story("H03-1") if event.target == "office"]
    assert (refusal.outcome, refusal.detail["draft"]) == ("rejected", "17")
    assert [letter.id for letter in journal.dead()] == ["office:H03-1/17"]

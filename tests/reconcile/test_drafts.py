"""Drafts at a document system: every kind of difference is named, nothing else is, and nothing is handed over twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from syncd.asking import SILENCE
from syncd.calls import Outcome, Portion, Receipt, Standing
from syncd.documents import Listing, Stage
from syncd.errors import TargetSilent
from syncd.model import Problem
from syncd.nightly import Nightly
from syncd.repair import Repairing
from syncd.repair_drafts import DraftRepairing, repairing
from syncd.store.board import Board
from syncd.store.evidence import Scope
from syncd.store.matters import Routes, subject_of
from syncd.store.schema import ledger, matter
from tests.engine.conftest import Make
from tests.engine.engine import draft
from tests.engine.target import Fault, lost, refused, vanished
from tests.reconcile.conftest import Build
from tests.reconcile.offices import PRESENT, Archive, Office, subject
from tests.reconcile.sides import code


@pytest.fixture
def hall(make: Make) -> Archive:
    made = Archive(make(Office(), routes=Routes([], {"office": ()})), 4)
    made.deliver()
    return made


def test_where_every_draft_was_handed_over_nothing_is_found(hall: Archive) -> None:
    run = hall.compare()
    assert (hall.found(run), run.state) == ([], "done")
    assert sorted(hall.office.asked) == [subject(number) for number in range(1, 5)]
    assert {name: run.counts[name] for name in ("checked", "asked", "drifted", "askable")} == {"checked": 4, "asked": 4, "drifted": 0, "askable": 1}
    assert "uncollected" not in run.counts
    assert sum(each.checked for each in hall.evidence.totals(run.id)) == 4
    assert hall.evidence.sealed(run.id) == run.seal


def test_a_draft_that_the_office_lost_is_missing_and_goes_again(hall: Archive) -> None:
    hall.office.lost.add(subject(2))
    run = hall.compare()
    assert hall.found(run) == [(subject(2), "missing")]
    assert hall.detail(run) == {"target": "does not have it"}
    hall.office.answer = lambda portion: hall.office.truth(portion) if hall.office.times(2) < 2 else PRESENT
    assert hall.repair(run) == "resolved"
    assert hall.office.taken[-1][:2] == (subject(2), "create")
    assert hall.office.times(2) == 2
    assert hall.found(hall.compare()) == []


def test_a_draft_that_the_office_loses_again_persists(hall: Archive) -> None:
    hall.office.lost.add(subject(2))
    assert hall.repair(hall.compare()) == "persists"


def test_one_that_the_office_turns_out_to_have_is_left(hall: Archive) -> None:
    hall.office.lost.add(subject(2))
    run = hall.compare()
    hall.office.lost.clear()
    assert hall.repair(run) == "resolved"
    assert hall.office.times(2) == 1


def test_a_draft_that_waits_is_missing_and_goes_by_itself(hall: Archive) -> None:
    hall.put(1, draft(1), draft(9))
    hall.read()
    run = hall.compare()
    assert hall.found(run) == [(subject_of(code(1), "9"), "missing")]
    assert hall.detail(run) == {"ledger": "due"}
    assert hall.repair(run) == "resolved"


def test_a_refused_draft_is_missing_and_tried_again(hall: Archive) -> None:
    hall.office.faults += [refused]
    hall.put(1, draft(1), draft(9))
    hall.deliver()
    run = hall.compare()
    assert hall.detail(run) == {"ledger": "dead", "error_code": "-1"}
    assert hall.repair(run) == "resolved"
    assert hall.office.taken[-1][0] == subject_of(code(1), "9")


def test_a_broken_draft_persists(hall: Archive) -> None:
    hall.put(1, draft(1), draft(9, problems=(Problem(field="drafts.file", reason="is missing"),)))
    hall.deliver()
    hall.office.answer = lambda portion: None
    assert hall.repair(hall.compare()) == "persists"


@pytest.mark.parametrize(("state", "became"), [("dead", "resolved"), ("held", "cannot")])
def test_a_draft_that_was_never_acknowledged_goes_again_unless_a_person_set_it_aside(hall: Archive, state: str, became: str) -> None:
    hall.put(1, draft(1), draft(9))
    hall.read()
    with hall.engine.database.write() as connection:
        connection.execute(update(ledger).where(ledger.c.subject == subject_of(code(1), "9")).values(state=state))
    hall.office.answer = lambda portion: None
    run = hall.compare()
    assert hall.detail(run) == {"ledger": state}
    assert hall.repair(run) == became


@pytest.mark.parametrize("had", [True, False])
def test_a_row_that_was_lost_comes_back_and_the_office_is_asked_before_anything_goes(hall: Archive, had: bool) -> None:
    hall.forget(3)
    if not had:
        hall.office.taken = [each for each in hall.office.taken if each[0] != subject(3)]
    run = hall.compare()
    assert hall.found(run) == [(subject(3), "missing")]
    assert hall.detail(run) == {"ledger": "none"}
    assert hall.repair(run) == "resolved"
    assert hall.office.times(3) == 1


def test_a_row_that_was_lost_waits_for_a_person_where_the_office_cannot_be_asked(hall: Archive) -> None:
    hall.office.answer = lambda portion: None
    hall.forget(3)
    run = hall.compare()
    assert hall.repair(run) == "persists"
    assert hall.office.times(3) == 1
    again = hall.compare()
    assert hall.detail(again) == {"ledger": "dead", "error_code": "unknown_sent"}
    assert hall.repair(again) == "cannot"
    assert hall.office.times(3) == 1


@pytest.mark.parametrize("fault", [lost, vanished])
def test_a_lost_answer_is_settled_by_asking(make: Make, fault: Fault) -> None:
    hall = Archive(make(Office(), routes=Routes([], {"office": ()})), 1)
    hall.office.answer = lambda portion: None
    hall.office.faults.append(fault)
    hall.deliver()
    run = hall.compare()
    assert hall.found(run) == [(subject(1), "missing")]
    hall.office.answer = hall.office.truth
    assert hall.repair(run) == "resolved"
    assert hall.office.times(1) == 1


def test_another_file_that_is_not_sent_yet_is_stale_and_goes_by_itself(hall: Archive) -> None:
    hall.put(2, draft(2, revision="78"))
    hall.read()
    run = hall.compare()
    assert hall.found(run) == [(subject(2), "stale")]
    assert subject(2) not in hall.office.asked
    assert hall.repair(run) == "resolved"
    assert [operation for told, operation, _ in hall.office.taken if told == subject(2)] == ["create", "update"]


def test_a_stale_one_that_stands_still_is_made_due_unless_its_answer_was_lost(hall: Archive) -> None:
    hall.forge(2, sent_digest="other")
    run = hall.compare()
    assert hall.found(run) == [(subject(2), "stale")]
    assert hall.repair(run) == "resolved"
    hall.forge(2, sent_digest="", unsure=True, state="dead", error_code="unknown_sent")
    run = hall.compare()
    assert hall.repair(run) == "cannot"
    assert hall.office.times(2) == 2


def test_one_that_was_taken_back_is_extra_and_never_recalled(hall: Archive) -> None:
    hall.put(2)
    hall.read()
    run = hall.compare()
    assert hall.found(run) == [(subject(2), "extra")]
    assert hall.detail(run) == {"source": "has taken it back"}
    assert (run.counts["checked"], run.counts["drifted"]) == (3, 0)
    calls = len(hall.office.taken)
    assert hall.repair(run) == ""
    assert len(hall.office.taken) == calls


def test_one_that_was_taken_back_before_it_went_is_nothing(hall: Archive) -> None:
    hall.put(1, draft(1), draft(9))
    hall.read()
    hall.put(1, draft(1))
    hall.deliver()
    assert hall.found(hall.compare()) == []


def test_one_taken_back_since_it_was_found_missing_is_left_alone(hall: Archive) -> None:
    hall.office.lost.add(subject(2))
    run = hall.compare()
    hall.put(2)
    assert hall.repair(run) == ""
    assert hall.office.times(2) == 1


@pytest.mark.parametrize("stage", [Stage.ISSUED, Stage.UNNUMBERED, Stage.REJECTED])
def test_what_came_back_is_in_order_and_not_asked_for(hall: Archive, stage: Stage) -> None:
    hall.came_back(2, stage)
    hall.came_back(3, stage, "written")
    hall.office.lost |= {subject(2), subject(3)}
    hall.put(3)
    hall.read()
    assert hall.found(hall.compare()) == []
    assert sorted(hall.office.asked) == [subject(1), subject(4)]


@pytest.mark.parametrize(("stage", "state", "written"), [(Stage.SIGNED, "done", True), (Stage.ISSUED, "arrived", False), (Stage.REJECTED, "done", False)])
def test_what_the_one_stop_has_not_got_and_word_on_the_way_are_no_result(hall: Archive, stage: Stage, state: str, written: bool) -> None:
    hall.came_back(2, stage, state, written=written)
    hall.office.lost.add(subject(2))
    assert hall.found(hall.compare()) == [(subject(2), "missing")]


def test_after_a_refusal_a_new_file_opens_a_new_round(hall: Archive) -> None:
    hall.engine.clock.turn(timedelta(hours=1))
    hall.came_back(2, Stage.REJECTED)
    hall.put(2, draft(2, revision="78"))
    hall.read()
    assert hall.found(hall.compare()) == [(subject(2), "stale")]
    hall.engine.clock.turn(timedelta(hours=1))
    hall.deliver()
    assert hall.found(hall.compare()) == []
    assert subject(2) in hall.office.asked


def test_a_draft_that_came_back_meanwhile_needs_no_repair(hall: Archive) -> None:
    hall.office.lost.add(subject(2))
    run = hall.compare()
    hall.came_back(2, Stage.ISSUED)
    assert hall.repair(run) == ""


def test_an_office_that_cannot_be_asked_is_compared_with_the_ledger_and_what_it_lists_is_counted(hall: Archive) -> None:
    hall.office.answer = lambda portion: None
    hall.came_back(1, Stage.SIGNED)
    hall.office.desk.listing = lambda: Listing(receipt=Receipt(outcome=Outcome.DELIVERED), documents=("package-1-signed", "new", "newer"))
    hall.forge(3, created=False, sent_digest="")
    run = hall.compare()
    assert hall.found(run) == [(subject(3), "missing")]
    assert (run.counts["askable"], run.counts["asked"], run.counts["uncollected"]) == (0, 0, 2)


@pytest.mark.parametrize("fault", ["down", "bug"])
def test_where_it_lists_nothing_nothing_is_counted(hall: Archive, fault: str) -> None:
    def broken() -> Listing:
        if fault == "bug":
            raise KeyError(fault)
        return Listing(receipt=Receipt(outcome=Outcome.UNAVAILABLE))

    hall.office.answer = lambda portion: None
    hall.office.desk.listing = broken
    run = hall.compare()
    assert ("uncollected" in run.counts, run.state) == (False, "done")
    hall.office.collector = None
    assert "uncollected" not in hall.compare().counts


def test_one_that_cannot_be_told_of_is_unknown_and_left(hall: Archive) -> None:
    answers = {subject(2): None, subject(3): Standing(outcome=Outcome.UNAVAILABLE, message="closed")}
    hall.office.answer = lambda portion: answers.get(portion.subject, PRESENT)
    run = hall.compare()
    assert hall.found(run) == [(subject(2), "unknown"), (subject(3), "unknown")]
    assert [each.drift.detail for each in hall.evidence.findings(run.id)] == [
        {"error": "the target cannot tell"},
        {"outcome": "unavailable", "error": "closed"},
    ]
    assert repairing(hall.side).repair(run).counts["due"] == 0


def test_an_answer_that_fails_during_a_repair_leaves_the_finding(hall: Archive) -> None:
    hall.office.lost.add(subject(2))
    run = hall.compare()
    hall.office.answer = lambda portion: Standing(outcome=Outcome.UNAVAILABLE)
    assert hall.repair(run) == ""


def test_a_silent_office_ends_the_run_which_goes_on_from_its_last_answer(make: Make) -> None:
    hall = Archive(make(Office(), routes=Routes([], {"office": ()})), 30, workers=2)
    hall.deliver()
    hall.office.answer = lambda portion: Standing(outcome=Outcome.UNAVAILABLE, message="closed") if portion.subject > subject(8) else PRESENT
    with pytest.raises(TargetSilent, match="closed"):
        hall.compare()
    assert len(hall.office.asked) <= 8 + SILENCE
    hall.office.answer = hall.office.truth
    hall.office.asked.clear()
    run = hall.compare()
    assert (run.id, hall.found(run), run.counts["checked"]) == (1, [], 30)
    assert sorted(hall.office.asked) == [subject(number) for number in range(9, 31)]


def test_an_interrupted_run_asks_nobody_twice(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.store.readback.PAGE", 3)
    monkeypatch.setattr("syncd.reconcile_drafts.AT_ONCE", 2)
    hall = Archive(make(Office(), routes=Routes([], {"office": ()})), 7, workers=1)
    hall.put(4, draft(4), draft(44))
    hall.deliver()
    hall.office.lost.add(subject(2))
    left = iter([True, True, True, True, False])
    hall.side.proceed = lambda: next(left)
    assert hall.compare().state == "comparing"
    before = list(hall.office.asked)
    hall.side.proceed = lambda: True
    run = hall.compare()
    assert (run.id, run.counts["checked"], hall.found(run)) == (1, 8, [(subject(2), "missing")])
    assert before
    assert len(hall.office.asked) == len(set(hall.office.asked)) == 8


def test_a_run_that_is_told_to_stop_stops(hall: Archive) -> None:
    def stop(portion: Portion) -> Standing | None:
        hall.side.stopping.set()
        return PRESENT

    hall.office.answer = stop
    assert hall.compare().state == "comparing"


def test_drafts_of_other_offices_and_times_are_not_compared(make: Make) -> None:
    hall = Archive(make(Office(), routes=Routes([], {"office": ("elsewhere",), "other": ()})), 3)
    hall.read()
    assert hall.compare().counts["checked"] == 0
    hall.side.routes = Routes([], {"office": ()})
    assert hall.compare(Scope(since=hall.engine.clock.now() + timedelta(days=9), full=True)).counts["checked"] == 0
    assert hall.compare(Scope()).counts["checked"] == 3


def test_a_draft_stays_with_the_office_that_has_it_whatever_the_settings_say(make: Make) -> None:
    hall = Archive(make(Office(), routes=Routes([], {"office": ()})), 2)
    hall.read()
    with hall.engine.database.write() as connection:
        connection.execute(update(ledger).where(ledger.c.subject == subject(1)).values(target="other", created=True))
    assert hall.found(hall.compare()) == [(subject(2), "missing")]


def test_the_night_asks_a_share_and_repairs_where_the_settings_say_so(make: Make) -> None:
    hall = Archive(make(Office(), routes=Routes([], {"office": ()})), 30, repair=True)
    hall.deliver()
    hall.engine.clock.turn(timedelta(days=5))
    hall.forge(3, created=False, sent_digest="")
    nightly = Nightly(hall.side, Board(hall.engine.database), hall.engine.metrics, "n1")
    run = nightly.run()
    assert run is not None
    assert hall.found(run)[0] == (subject(3), "missing")
    assert len(hall.office.asked) < 12
    assert 'syncd_drift{kind="missing",target="office"} 1.0' in hall.engine.metrics.render().decode()


def test_what_changed_since_is_read_before_it_is_repaired(hall: Archive) -> None:
    hall.put(2, draft(2, revision="78"))
    hall.office.lost.add(subject(2))
    run = hall.compare()
    assert hall.found(run) == [(subject(2), "missing")]
    mending = repairing(hall.side)
    mending.repair(run)
    hall.engine.settle()
    assert hall.office.times(2) == 2


def test_dossiers_are_repaired_as_ever(build: Build) -> None:
    side = build(1).side
    assert type(repairing(side)) is Repairing


def test_a_draft_whose_dossier_is_gone_is_left_alone(hall: Archive) -> None:
    assert isinstance(repairing(hall.side), DraftRepairing)
    assert hall.side.rows.known() == 4
    hall.office.lost.add(subject(2))
    run = hall.compare()
    with hall.engine.database.write() as connection:
        connection.execute(delete(matter).where(matter.c.subject == subject(2)))
    hall.source.rows.clear()
    assert repairing(hall.side).repair(run).counts["due"] == 0

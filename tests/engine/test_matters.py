"""Drafts and statistics on the same line as dossiers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from syncd.calls import Outcome, Receipt, Standing
from syncd.crypto import KEY_BYTES, Cipher
from syncd.model import GREATEST, LONGEST_AGENCY, LONGEST_CODE, LONGEST_DRAFT, Agency, Problem, Snapshot, Statistic
from syncd.store.intake import Intake
from syncd.store.ledger import Ledger
from syncd.store.matters import Routes, subject_of
from syncd.store.orders import Orders
from syncd.store.schema import ledger
from syncd.turns import UNKNOWN_SENT
from tests.engine.conftest import Make
from tests.engine.engine import CIPHER, Engine, dossier, draft, step
from tests.engine.target import Fault, RecordingOffice, down, lost, refused, vanished

CODE = "000.00.14.H03-250303-0001"
DRAFT = subject_of(CODE, "17")
OFFICE = Routes(["portal"], {"office": ()})


def office(make: Make, routes: Routes = OFFICE) -> tuple[Engine, RecordingOffice]:
    target = RecordingOffice()
    return make(target, routes=routes), target


def rows(engine: Engine) -> set[tuple[str, str]]:
    with engine.database.read() as connection:
        return {(row.target, row.subject) for row in connection.execute(select(ledger.c.target, ledger.c.subject))}


def orders(engine: Engine) -> Orders:
    return Orders(engine.database, engine.clock, "admin@node-1")


def test_a_draft_is_handed_over_once_whatever_becomes_of_its_dossier(make: Make) -> None:
    engine, target = office(make)
    engine.see(dossier(), [step(1)], [draft()])
    engine.deliver()
    engine.see(dossier(note="corrected"), [step(1), step(2)], [draft(title="Giấy chứng nhận (sửa)")])
    engine.deliver()
    assert target.taken == [(DRAFT, "create", "Giấy chứng nhận")]
    assert engine.row_of("office", DRAFT)["state"] == "idle"
    assert engine.row_of("office", DRAFT)["memo"] == "doc-1"
    assert rows(engine) == {("portal", CODE), ("office", DRAFT)}


def test_another_file_is_another_document_to_sign(make: Make) -> None:
    engine, target = office(make)
    engine.see(dossier(), drafts=[draft()])
    engine.deliver()
    engine.see(dossier(), drafts=[draft(revision="78")])
    engine.deliver()
    assert [operation for _, operation, _ in target.taken] == ["create", "update"]


def test_a_draft_taken_back_before_it_was_sent_goes_nowhere(make: Make) -> None:
    engine, target = office(make)
    engine.see(dossier(), drafts=[draft()])
    engine.see(dossier())
    engine.settle()
    assert target.taken == []
    assert engine.row_of("office", DRAFT)["state"] == "idle"
    engine.see(dossier(), drafts=[draft()])
    engine.deliver()
    assert len(target.taken) == 1


def withdrawn_while_away(make: Make) -> tuple[Engine, RecordingOffice]:
    """A draft that could not be handed over, and was taken back meanwhile."""
    engine, target = office(make)
    target.always = down
    engine.see(dossier(), drafts=[draft()])
    engine.deliver()
    engine.see(dossier())
    target.always = None
    return engine, target


def test_a_draft_taken_back_while_the_office_was_away_is_not_sent_when_it_returns(make: Make) -> None:
    engine, target = withdrawn_while_away(make)
    engine.settle()
    assert target.taken == []


def test_a_draft_corrected_after_it_was_refused_goes_again(make: Make) -> None:
    engine, target = office(make)
    engine.see(dossier(), drafts=[draft(problems=(Problem(field="drafts.file", reason="is missing"),))])
    engine.deliver()
    assert engine.row_of("office", DRAFT)["state"] == "dead"
    engine.see(dossier(), drafts=[draft()])
    engine.deliver()
    assert len(target.taken) == 1


def test_a_lost_answer_waits_for_a_person_where_the_office_cannot_be_asked(make: Make) -> None:
    engine, target = office(make)
    target.faults += [lost]
    engine.see(dossier(), drafts=[draft()])
    engine.deliver()
    engine.pass_time(timedelta(hours=1))
    engine.deliver()
    row = engine.row_of("office", DRAFT)
    assert (row["state"], row["error_code"]) == ("dead", UNKNOWN_SENT)
    assert len(target.taken) == 1
    orders(engine).arrived([f"office:{DRAFT}"], "seen in the office's list")
    engine.settle()
    assert len(target.taken) == 1
    settled = engine.row_of("office", DRAFT)
    assert (settled["state"], settled["sent_at"]) == ("idle", row["stopped_at"]), "what is refused after that is refused of this one"


def asked(target: RecordingOffice, *, exists: bool) -> None:
    """From now on this office can tell whether it has a draft."""
    target.tell = lambda: Standing(outcome=Outcome.DELIVERED, exists=exists)


def test_an_office_that_has_the_draft_is_not_sent_it_again(make: Make) -> None:
    engine, target = office(make)
    asked(target, exists=True)
    target.faults += [lost]
    engine.see(dossier(), drafts=[draft()])
    engine.settle()
    assert len(target.taken) == 1
    assert engine.row_of("office", DRAFT)["state"] == "idle"


def test_an_office_that_has_it_not_is_sent_it_again(make: Make) -> None:
    engine, target = office(make)
    asked(target, exists=False)
    target.faults += [vanished]
    engine.see(dossier(), drafts=[draft()])
    engine.settle()
    assert len(target.taken) == 1


def test_an_office_that_may_speak_of_the_draft_before_leaves_it_to_a_person(make: Make) -> None:
    engine, target = office(make)
    asked(target, exists=True)
    engine.see(dossier(), drafts=[draft()])
    engine.deliver()
    target.faults += [lost]
    engine.see(dossier(), drafts=[draft(revision="78")])
    engine.deliver()
    engine.pass_time(timedelta(hours=1))
    engine.deliver()
    assert engine.row_of("office", DRAFT)["error_code"] == UNKNOWN_SENT


def test_a_person_who_found_nothing_sends_it_again(make: Make) -> None:
    engine, target = office(make)
    target.faults += [vanished]
    engine.see(dossier(), drafts=[draft()])
    engine.deliver()
    engine.pass_time(timedelta(hours=1))
    engine.deliver()
    orders(engine).retry([f"office:{DRAFT}"])
    engine.settle()
    assert len(target.taken) == 1


def test_a_process_killed_with_the_draft_in_hand_asks_a_person_too(make: Make) -> None:
    engine, target = office(make)
    engine.see(dossier(), drafts=[draft()])
    engine.ledger.claim("office", 1, engine.clock.now(), engine.delivery.lease_term)
    engine.ledger.reclaim()
    engine.deliver()
    assert engine.row_of("office", DRAFT)["error_code"] == UNKNOWN_SENT
    assert target.taken == []


def test_a_file_that_is_not_to_be_had_delays_its_draft_and_blames_nobody(make: Make) -> None:
    engine, target = office(make)
    target.always = lambda apply: Receipt(outcome=Outcome.DEFERRED, code="file_unavailable", message="the file server is away")
    engine.see(dossier(), drafts=[draft(number) for number in range(10)])
    engine.deliver()
    assert engine.gate.breaker.failures == 0
    target.always = None
    engine.settle()
    assert len(target.taken) == 10


def test_drafts_go_by_the_agency_to_one_office_and_stay_where_they_may_be(make: Make) -> None:
    routes = Routes([], {"office": (), "other": ("000.00.14.H03",)})
    engine, target = office(make, routes)
    engine.see(dossier(), drafts=[draft()])
    elsewhere = replace(dossier("000.00.15.H03-250303-0001", 2), agency=Agency(code="H03.15"))
    engine.see(elsewhere, drafts=[draft(18)])
    engine.deliver()
    assert rows(engine) == {("other", DRAFT), ("office", subject_of(elsewhere.code, "18"))}
    moved = Intake(engine.database, CIPHER, engine.clock, Routes([], {"other": ()}))
    assert moved.adopt() == 0
    assert len(target.taken) == 1


BY_AGENCY = Routes([], {"office": (), "other": ("000.00.15.H03",)})
MOVED = Agency(code="000.00.15.H03", name="UBND phường Mẫu")


@pytest.mark.parametrize("hindrance", [down, refused])
def test_a_draft_that_waits_at_one_office_leaves_it_with_its_dossier(make: Make, hindrance: Fault) -> None:
    engine, target = office(make, BY_AGENCY)
    target.always = hindrance
    engine.see(dossier(), drafts=[draft()])
    engine.deliver()
    engine.see(dossier(agency=MOVED), drafts=[draft(submitter="another")])
    assert rows(engine) == {("other", DRAFT)}
    target.always = None
    orders(engine).retry_all()
    engine.pass_time(timedelta(days=2))
    engine.deliver()
    assert target.taken == []


def test_a_draft_that_an_office_may_have_stays_there(make: Make) -> None:
    engine, target = office(make, BY_AGENCY)
    target.faults += [lost]
    engine.see(dossier(), drafts=[draft()])
    engine.deliver()
    engine.see(dossier(agency=MOVED), drafts=[draft(submitter="another")])
    assert rows(engine) == {("office", DRAFT)}


def test_drafts_that_wait_follow_the_settings(make: Make) -> None:
    engine, target = office(make, Routes([], {"office": ()}))
    target.always = down
    engine.see(dossier(agency=MOVED), drafts=[draft()])
    engine.deliver()
    assert Intake(engine.database, CIPHER, engine.clock, BY_AGENCY).adopt() == 1
    assert rows(engine) == {("other", DRAFT)}


def test_a_draft_put_back_while_its_withdrawal_is_booked_goes(make: Make) -> None:
    engine, target = withdrawn_while_away(make)
    engine.pass_time(timedelta(hours=25))
    (claim,) = engine.ledger.claim("office", 1, engine.clock.now(), engine.delivery.lease_term)
    engine.see(dossier(), drafts=[draft()])
    engine.delivery.turn([claim])
    assert target.taken == []
    engine.deliver()
    assert [subject for subject, _, _ in target.taken] == [DRAFT]


def test_a_draft_that_goes_out_late_is_not_handed_over_again(make: Make) -> None:
    engine, target = office(make)
    engine.see(dossier(), drafts=[draft()])
    (late,) = engine.ledger.claim("office", 1, engine.clock.now(), engine.delivery.lease_term)
    asked(target, exists=True)

    def stall(apply: Callable[[], Receipt]) -> Receipt:
        answer = apply()
        engine.pass_time(timedelta(hours=1))
        engine.deliver()
        return answer

    target.faults += [stall]
    engine.delivery.turn([late])
    engine.settle()
    assert len(target.taken) == 1
    assert engine.row_of("office", DRAFT)["state"] == "idle"


def test_a_stored_draft_that_no_key_opens_stops_nobody(make: Make) -> None:
    engine, target = office(make)
    engine.see(dossier(), drafts=[draft()])
    engine.deliver()
    other = Cipher([b"n" * KEY_BYTES])
    engine.intake = Intake(engine.database, other, engine.clock, OFFICE)
    engine.ledger = engine.delivery.ledger = Ledger(engine.database, other, "n1")
    assert engine.see(dossier(note="later"), drafts=[draft()]).subjects == (CODE,)
    engine.deliver()
    assert (len(target.taken), engine.row_of("office", DRAFT)["state"]) == (1, "idle")


def test_a_document_system_that_came_later_gets_the_drafts_that_still_wait(make: Make) -> None:
    engine, target = office(make, Routes(["portal"]))
    engine.see(dossier(), drafts=[draft(), draft(18)])
    engine.see(dossier(), drafts=[draft()])
    later = Intake(engine.database, CIPHER, engine.clock, OFFICE)
    assert (later.adopt(), later.adopt()) == (1, 0)
    engine.deliver()
    assert [subject for subject, _, _ in target.taken] == [DRAFT]


def test_figures_go_when_they_differ(make: Make) -> None:
    engine, _ = office(make, Routes([], {}, ["portal"]))
    figures = Statistic(agency=Agency(code="H03.14", name="UBND phường Đức Xuân"), year=2025, month=3, received=5, pending=5)
    assert [engine.intake.take_statistics([each]) for each in (figures, figures, replace(figures, received=6, pending=6))] == [1, 0, 1]
    (claim,) = engine.ledger.claim("portal", 5, engine.clock.now(), timedelta(minutes=5))
    assert (claim.subject, claim.dossier.code, claim.record_due) == ("statistic:2025-03:H03.14", "", True)
    assert claim.matter == replace(figures, received=6, pending=6)


def test_what_a_source_may_name_at_most_is_kept_whole(make: Make) -> None:
    engine, _ = office(make, Routes(["portal"], {"office": ()}, ["portal"]))
    code, key, agency = "C" * LONGEST_CODE, "k" * LONGEST_DRAFT, Agency(code="A" * LONGEST_AGENCY)
    first = Snapshot(dossier=dossier(code, agency=agency), steps=(step(GREATEST),), drafts=(replace(draft(), id=key),))
    figures = Statistic(agency=agency, year=2025, month=12)
    engine.read(first, Snapshot(dossier=dossier(code, GREATEST)))
    engine.intake.take_statistics([figures])
    assert rows(engine) == {("portal", code), ("portal", f"{code}#{GREATEST}"), ("office", subject_of(code, key)), ("portal", figures.key)}

"""Every kind of difference, from each of the three sides: it is named, nothing else is, and repaired where that can be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import delete

from syncd.calls import Outcome, Portion, Standing
from syncd.drift import DriftKind
from syncd.model import Origin, Page
from syncd.repair import Repairing
from syncd.store.schema import ledger, snapshot
from syncd.store.schema import step as step_table
from tests.engine.engine import dossier, step
from tests.reconcile.conftest import Build
from tests.reconcile.sides import START, Hall, code


def all_is_well(hall: Hall) -> None:
    run = hall.compare()
    assert hall.found(run) == []
    assert (run.counts["checked"], run.counts["drifted"], run.state) == (len(hall.source.rows), 0, "done")


def test_where_nothing_differs_nothing_is_found_and_nothing_is_changed(build: Build) -> None:
    hall = build()
    before = [hall.engine.row(code(number)) for number in range(1, 6)]
    all_is_well(hall)
    assert sorted(hall.target.asked) == [code(number) for number in range(1, 6)]
    after = [hall.engine.row(code(number)) for number in range(1, 6)]
    assert [{**row, "asked_at": None} for row in after] == [{**row, "asked_at": None} for row in before]


def test_a_dossier_that_the_target_lost_is_missing_and_goes_again_with_all_its_steps(build: Build) -> None:
    hall = build()
    del hall.target.records[code(2)], hall.target.steps[code(2)]
    run = hall.compare()
    assert hall.found(run) == [(code(2), "missing")]
    assert hall.became(hall.repair(run)) == {(code(2), "missing"): "resolved"}
    assert hall.target.steps[code(2)] == [20, 21, 22]
    all_is_well(hall)


def test_a_record_that_was_altered_at_the_target_is_stale_field_by_field(build: Build) -> None:
    hall = build()
    hall.target.records[code(3)] = replace(hall.record(3), note="altered")
    run = hall.compare()
    assert hall.found(run) == [(code(3), "stale")]
    assert hall.detail(run, 3, DriftKind.STALE) == {"fields": {"note": {"expected": "", "found": "altered"}}}
    calls = len(hall.target.calls_made)
    assert hall.became(hall.repair(run)) == {(code(3), "stale"): "resolved"}
    assert hall.target.calls_made[calls:] == [("update", (code(3),))], "no step went again"
    all_is_well(hall)


@pytest.mark.parametrize(("lost", "sent"), [(41, [41]), (40, [40]), (42, [42])])
def test_a_step_missing_at_the_target_goes_alone(build: Build, lost: int, sent: list[int]) -> None:
    hall = build()
    hall.target.steps[code(4)].remove(lost)
    run = hall.compare()
    assert hall.found(run) == [(code(4), "steps")]
    before = list(hall.target.steps[code(4)])
    assert hall.became(hall.repair(run)) == {(code(4), "steps"): "resolved"}
    assert hall.target.steps[code(4)] == before + sent
    all_is_well(hall)


def test_a_step_that_is_there_twice_is_reported_and_never_repaired(build: Build) -> None:
    hall = build()
    hall.target.steps[code(1)].append(11)
    hall.target.steps[code(2)].append(99)
    run = hall.compare()
    assert hall.found(run) == [(code(1), "steps"), (code(2), "steps")]
    assert hall.detail(run, 1, DriftKind.STEPS) == {"doubled": 1}
    assert hall.detail(run, 2, DriftKind.STEPS) == {"foreign": 1}
    calls = len(hall.target.calls_made)
    run = hall.repair(run)
    assert set(hall.became(run).values()) == {"cannot"}
    assert len(hall.target.calls_made) == calls
    assert hall.found(hall.compare()) == [(code(1), "steps"), (code(2), "steps")]


def test_a_missing_step_is_sent_beside_a_doubled_one_which_stays_listed(build: Build) -> None:
    hall = build()
    hall.target.steps[code(1)] = [10, 11, 11]
    run = hall.repair(hall.compare())
    assert hall.became(run) == {(code(1), "steps"): "cannot"}
    assert hall.target.steps[code(1)] == [10, 11, 11, 12]


def test_what_only_the_target_has_is_extra_and_left_alone(build: Build) -> None:
    hall = build()
    hall.target.records["foreign"] = dossier("foreign", 77, received_at=START - timedelta(days=3))
    run = hall.compare()
    assert hall.found(run) == [("foreign", "extra")]
    assert (run.counts["held"], run.counts["drifted"]) == (6, 0)
    assert hall.became(hall.repair(run)) == {("foreign", "extra"): ""}
    assert "foreign" in hall.target.records


def test_what_was_filed_on_the_portal_stands_there_under_its_own_code_and_is_not_foreign(build: Build) -> None:
    hall = build()
    hall.source.change(2, origin=Origin.PORTAL, portal_code="G22-1")
    hall.deliver()
    hall.target.records["G22-1"] = dossier("G22-1", 2, received_at=START)
    assert ("G22-1", "extra") not in hall.found(hall.compare())


def test_a_dossier_that_the_one_stop_has_since_a_moment_ago_is_not_foreign(build: Build) -> None:
    hall = build()
    hall.source.rows[6] = replace_code(hall, 1, 6)
    hall.target.records[code(6)] = hall.source.rows[6].dossier
    assert hall.found(hall.compare()) == [(code(6), "missing")]


def replace_code(hall: Hall, of: int, number: int) -> Any:
    row = hall.source.rows[of]
    return type(row)(dossier=replace(row.dossier, code=code(number), source_id=number), steps=())


@pytest.mark.parametrize("number", [2, 5])
def test_what_the_one_stop_no_longer_publishes_is_extra_and_nothing_is_withdrawn(build: Build, number: int) -> None:
    hall = build()
    del hall.source.rows[number]
    run = hall.compare()
    assert hall.found(run) == [(code(number), "extra")]
    assert (run.counts["checked"], run.counts["gone"]) == (4, 1)
    calls = len(hall.target.calls_made)
    assert hall.became(hall.repair(run)) == {(code(number), "extra"): ""}
    assert len(hall.target.calls_made) == calls


def test_a_row_that_bears_another_code_now_leaves_the_old_one_as_extra(build: Build) -> None:
    hall = build()
    hall.source.change(2, code=code(8))
    run = hall.compare()
    assert hall.found(run) == [(code(2), "extra"), (code(8), "missing")]


def test_what_changed_in_the_one_stop_unnoticed_is_named_and_read_again(build: Build) -> None:
    hall = build()
    hall.source.change(2, note="changed")
    hall.source.add_step(3)
    hall.source.rows[6] = replace_code(hall, 1, 6)
    run = hall.compare()
    assert hall.found(run) == [(code(2), "stale"), (code(3), "steps"), (code(6), "missing")]
    assert set(hall.became(hall.repair(run)).values()) == {"resolved"}
    assert (hall.record(2).note, hall.target.steps[code(3)]) == ("changed", [30, 31, 32, 33])
    all_is_well(hall)


def test_a_repair_leaves_what_a_poll_has_read_meanwhile(build: Build) -> None:
    hall = build()
    hall.source.change(2, note="older")
    run = hall.compare()
    fetch = hall.source.fetch

    def slow(code: str) -> tuple[Page, ...]:
        read = fetch(code)
        hall.source.change(2, note="newest")
        hall.engine.read(hall.source.rows[2])
        return read

    hall.source.fetch = slow  # type: ignore[method-assign]
    assert hall.became(hall.repair(run)) == {(code(2), "stale"): "resolved"}
    assert hall.record(2).note == "newest"
    all_is_well(hall)


def test_ledger_rows_that_were_deleted_come_back_and_nothing_is_sent_twice(build: Build) -> None:
    hall = build()
    with hall.engine.database.write() as connection:
        connection.execute(delete(ledger).where(ledger.c.subject.in_([code(1), code(4)])))
    run = hall.compare()
    assert hall.found(run) == [(code(1), "missing"), (code(4), "missing")]
    run = hall.repair(run)
    assert hall.became(run) == {(code(1), "missing"): "adopted", (code(4), "missing"): "adopted"}
    assert (hall.target.steps[code(1)], hall.target.steps[code(4)]) == ([10, 11, 12], [40, 41, 42])
    all_is_well(hall)


def test_rows_that_were_falsely_marked_as_sent_are_found_by_the_targets_word(build: Build) -> None:
    hall = build()
    hall.source.change(1, note="never sent")
    hall.source.add_step(2)
    for page in hall.source.sweep():
        changed, known = hall.engine.intake.compare(page)
        hall.engine.intake.take(changed, known, None)
    one, two = hall.engine.row(code(1)), hall.engine.row(code(2))
    hall.forge(1, state="idle", sent_digest=one["wanted_digest"], sent_version=one["wanted_version"])
    hall.forge(2, state="idle", sent_digest=two["wanted_digest"], sent_version=two["wanted_version"], steps_sent=4)
    run = hall.compare()
    assert hall.found(run) == [(code(1), "stale"), (code(2), "steps")]
    assert set(hall.became(hall.repair(run)).values()) == {"resolved"}
    assert (hall.record(1).note, hall.target.steps[code(2)]) == ("never sent", [20, 21, 22, 23])


def test_a_state_restored_from_an_older_copy_agrees_again_without_a_doubled_step(build: Build) -> None:
    hall = build()
    tables = (snapshot, step_table, ledger)
    with hall.engine.database.read() as connection:
        copy = [(table, [dict(row._mapping) for row in connection.execute(table.select())]) for table in tables]
    hall.source.change(1, note="since then")
    hall.source.add_step(2)
    hall.source.rows[6] = hall.source._made(6)
    hall.deliver()
    with hall.engine.database.write() as connection:
        for table in reversed(tables):
            connection.execute(table.delete())
        for table, rows in copy:
            connection.execute(table.insert(), rows)
    run = hall.compare()
    assert hall.found(run) == [(code(1), "stale"), (code(2), "steps"), (code(6), "missing")]
    assert set(hall.became(hall.repair(run)).values()) <= {"resolved", "adopted"}
    assert hall.target.steps == {code(number): [number * 10 + place for place in range(4 if number == 2 else 3)] for number in range(1, 7)}
    all_is_well(hall)


def test_what_the_target_has_and_not_from_us_is_adopted_where_it_tells_no_steps(build: Build) -> None:
    hall = build()
    new = hall.source.rows[6] = hall.source._made(6)
    hall.target.records[code(6)], hall.target.steps[code(6)] = new.dossier, [60, 61, 62]

    def silent(portion: Portion) -> Standing | None:
        told = hall.target.truth(portion)
        return replace(told, steps=None) if told else None

    hall.target.answer = silent
    run = hall.compare()
    assert hall.found(run) == [(code(6), "missing")]
    assert hall.became(hall.repair(run)) == {(code(6), "missing"): "adopted"}
    assert hall.target.steps[code(6)] == [60, 61, 62]


def test_a_dossier_that_could_not_be_asked_is_unknown_and_the_next_run_asks_again(build: Build) -> None:
    hall = build()

    def torn(portion: Portion) -> Standing | None:
        return Standing(outcome=Outcome.UNAVAILABLE, message="reset") if portion.subject == code(2) else hall.target.truth(portion)

    hall.target.answer = torn
    run = hall.compare()
    assert hall.found(run) == [(code(2), "unknown")]
    assert hall.detail(run, 2, DriftKind.UNKNOWN) == {"outcome": "unavailable", "error": "reset"}
    assert hall.became(hall.repair(run)) == {(code(2), "unknown"): ""}
    hall.target.answer = hall.target.truth
    all_is_well(hall)


def test_a_bug_of_a_connector_is_a_dossier_that_could_not_be_asked(build: Build) -> None:
    hall = build()

    def broken(portion: Portion) -> Standing | None:
        if portion.subject == code(2):
            raise KeyError(portion.subject)
        return hall.target.truth(portion)

    hall.target.answer = broken
    assert hall.found(hall.compare()) == [(code(2), "unknown")]


def test_a_target_that_asks_for_patience_is_asked_once_more(build: Build) -> None:
    hall = build()
    waited: set[str] = set()

    def busy(portion: Portion) -> Standing | None:
        if portion.subject in waited:
            return hall.target.truth(portion)
        waited.add(portion.subject)
        return Standing(outcome=Outcome.BUSY, retry_after=0.001)

    hall.target.answer = busy
    all_is_well(hall)
    assert len(hall.target.asked) == 10


def test_a_target_without_read_back_is_compared_with_the_ledger_only(build: Build) -> None:
    hall = build()
    hall.target.answer = lambda _portion: None
    hall.target.lists = False
    hall.source.change(2, note="changed")
    del hall.target.records[code(3)]
    hall.forge(4, sent_digest="")
    run = hall.compare()
    assert (run.counts["askable"], run.counts["asked"], "held" in run.counts) == (0, 0, False)
    assert hall.found(run) == [(code(2), "stale"), (code(4), "stale")]
    assert len(hall.target.asked) <= hall.options.workers
    hall.forge(4, state="due")
    assert set(hall.became(hall.repair(run)).values()) == {"resolved"}


def test_a_dead_letter_is_asked_about_and_stays_with_its_reason(build: Build) -> None:
    hall = build()
    hall.source.change(2, note="refused")
    hall.engine.read(hall.source.rows[2])
    hall.forge(2, state="dead", error_code="invalid:note")
    run = hall.compare(full=False)
    assert hall.found(run) == [(code(2), "stale")]
    hall.target.answer = lambda _portion: None
    assert hall.became(Repairing(hall.side).repair(run)) == {(code(2), "stale"): "cannot"}


def test_what_a_person_set_aside_is_named_and_not_taken_up_again(build: Build) -> None:
    hall = build()
    hall.forge(2, state="held")
    del hall.target.records[code(2)], hall.target.steps[code(2)]
    calls = len(hall.target.calls_made)
    run = hall.repair(hall.compare())
    assert hall.became(run) == {(code(2), "missing"): "cannot"}
    assert (hall.engine.row(code(2))["state"], hall.target.calls_made[calls:]) == ("held", [])


def test_steps_whose_answer_was_lost_twice_do_not_go_a_third_time_where_the_target_does_not_tell(build: Build) -> None:
    hall = build()
    hall.source.add_step(2)
    hall.engine.read(hall.source.rows[2])
    hall.forge(2, state="dead", error_code="unknown_twice", doubts=2)
    hall.target.answer = lambda portion: Standing(outcome=Outcome.DELIVERED, exists=portion.subject in hall.target.records)
    run = Repairing(hall.side).repair(hall.compare())
    assert hall.became(run) == {(code(2), "steps"): "cannot"}
    hall.target.answer = hall.target.truth
    assert hall.became(hall.repair(hall.compare())) == {(code(2), "steps"): "resolved"}
    assert hall.target.steps[code(2)] == [20, 21, 22, 23]


def test_only_the_dossiers_received_within_the_scope_are_compared(build: Build) -> None:
    hall = build(6)
    for number in range(1, 7):
        del hall.target.records[code(number)]
    run = hall.compare(since=START - timedelta(days=4), until=START - timedelta(days=2))
    assert hall.found(run) == [(code(3), "missing"), (code(4), "missing")]
    assert (run.counts["checked"], run.counts["listed"]) == (2, 6)


def test_totals_are_told_by_agency_and_month(build: Build) -> None:
    hall = build()
    del hall.target.records[code(1)], hall.target.steps[code(1)]
    del hall.source.rows[5]
    hall.target.steps[code(4)].append(40)
    run = hall.repair(hall.compare())
    (march, february) = sorted(hall.evidence.totals(run.id), key=lambda each: each.month, reverse=True)
    assert (march.agency, march.month, march.checked, march.agreeing, march.drifting, march.settled) == ("000.00.14.H03", "2025-03", 2, 1, 1, 1)
    assert (february.month, february.checked, february.agreeing, february.drifting, february.settled) == ("2025-02", 2, 1, 2, 0)
    assert hall.evidence.kinds(run.id) == {"missing": 0, "stale": 0, "steps": 1, "extra": 1, "unknown": 0}


def test_repair_leaves_a_row_alone_that_has_moved_on(build: Build) -> None:
    hall = build()
    hall.target.records[code(2)] = replace(hall.record(2), note="altered")
    run = hall.compare()

    def meanwhile(portion: Portion) -> Standing | None:
        hall.forge(2, sent_digest="another")
        return hall.target.truth(portion)

    hall.target.answer = meanwhile
    run = Repairing(hall.side).repair(run)
    assert hall.became(run) == {(code(2), "stale"): ""}
    assert hall.engine.row(code(2))["state"] == "idle"


def test_verify_tells_what_was_resolved_and_what_persists(build: Build) -> None:
    hall = build()
    hall.target.records[code(1)] = replace(hall.record(1), note="altered")
    hall.target.records[code(2)] = replace(hall.record(2), note="altered")
    repairing = Repairing(hall.side)
    run = repairing.repair(hall.compare())
    assert set(hall.became(run).values()) == {"due"}
    hall.engine.settle()
    hall.target.records[code(2)] = replace(hall.record(2), note="altered again")
    run = repairing.verify(run, 0)
    assert hall.became(run) == {(code(1), "stale"): "resolved", (code(2), "stale"): "persists"}
    assert (run.counts["resolved"], run.counts["persists"], run.counts["due"], run.counts["drifted"]) == (1, 1, 0, 1)


def test_steps_of_a_dossier_taken_in_late_are_compared_in_their_places(build: Build) -> None:
    hall = build(1)
    before = hall.source.rows[1]
    hall.source.rows[1] = type(before)(dossier=before.dossier, steps=(*before.steps[:1], step(9), *before.steps[1:]))
    hall.deliver()
    all_is_well(hall)
    hall.target.steps[code(1)].remove(11)
    hall.repair(hall.compare())
    assert sorted(hall.target.steps[code(1)]) == [9, 10, 11, 12]


def test_verify_waits_as_long_as_something_is_delivered(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.repair._PAUSE", 0.001)
    hall = build()
    del hall.target.records[code(1)], hall.target.steps[code(1)]
    hall.target.records[code(2)] = replace(hall.record(2), note="altered")
    repairing = Repairing(hall.side)
    run = repairing.repair(hall.compare())
    waiting: list[int] = []

    def delivered(left: int) -> None:
        waiting.append(left)
        hall.engine.settle()

    repairing.told = delivered
    assert set(hall.became(repairing.verify(run, 10)).values()) == {"resolved"}
    assert waiting == [2, 0]


def test_verify_does_not_wait_for_ever(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.repair._PAUSE", 0.001)
    hall = build()
    hall.target.records[code(2)] = replace(hall.record(2), note="altered")
    repairing = Repairing(hall.side)
    run = repairing.repair(hall.compare())
    repairing.told = lambda _left: hall.engine.clock.turn(timedelta(seconds=6))
    assert hall.became(repairing.verify(run, 10)) == {(code(2), "stale"): "persists"}

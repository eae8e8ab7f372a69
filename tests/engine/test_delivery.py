"""One dossier at one target: what goes, in which order, and what an answer does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from msgspec.structs import replace

from syncd.calls import Claim, Operation, Outcome, Receipt
from syncd.model import Origin, Problem, Status
from tests.engine.conftest import Make
from tests.engine.engine import Engine, dossier, step
from tests.engine.target import RecordingTarget, busy, down, lost, refused, stranger, vanished

CODE = "000.00.14.H03-250303-0001"


def test_the_record_goes_before_the_steps_and_each_step_once_in_order(make: Make) -> None:
    engine = make(RecordingTarget(steps_per_call=2))
    engine.see(dossier(), [step(n) for n in (11, 12, 13, 14, 15)])
    engine.deliver()
    assert [lane for lane, _ in engine.target.calls_made] == ["create", "steps", "steps", "steps"]
    assert engine.target.steps[CODE] == [11, 12, 13, 14, 15]
    assert engine.row(CODE)["state"] == "idle"


def test_nothing_is_sent_where_nothing_changed(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])
    engine.deliver()
    assert engine.see(dossier(), [step(1)]).subjects == ()
    assert engine.deliver() == 0


def test_ten_changes_while_the_target_is_away_cost_one_record_call_and_every_step(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])
    engine.deliver()
    engine.target.calls_made.clear()
    for n in range(2, 12):
        engine.see(dossier(note=f"change {n}"), [step(m) for m in range(1, n + 1)])
    engine.deliver()
    assert [lane for lane, _ in engine.target.calls_made] == ["update", "steps"]
    assert engine.target.steps[CODE] == list(range(1, 12))


def test_a_change_undone_before_it_was_sent_costs_nothing(make: Make) -> None:
    engine = make()
    engine.see(dossier())
    engine.deliver()
    engine.see(dossier(note="typed in error"))
    engine.see(dossier())
    assert engine.row(CODE)["state"] == "idle"
    assert engine.deliver() == 0


def test_a_record_whose_answer_was_lost_is_looked_up_and_becomes_an_update(make: Make) -> None:
    engine = make()
    engine.target.faults.append(lost)
    engine.see(dossier(), [step(1)])
    engine.deliver()
    assert engine.row(CODE)["unsure"]
    engine.settle()
    assert [lane for lane, _ in engine.target.calls_made] == ["create", "update", "steps"]
    assert engine.target.lookups == 1
    assert engine.target.steps[CODE] == [1]


def test_a_record_that_never_arrived_is_created_after_the_look_up(make: Make) -> None:
    engine = make()
    engine.target.faults.append(vanished)
    engine.see(dossier())
    engine.settle()
    assert [lane for lane, _ in engine.target.calls_made] == ["create", "create"]


def test_steps_without_an_answer_are_sent_once_more_and_flagged(make: Make) -> None:
    engine = make()
    engine.see(dossier())
    engine.deliver()
    engine.target.faults.append(lost)
    engine.see(dossier(), [step(1)])
    engine.settle()
    assert engine.target.steps[CODE] == [1, 1]
    flags = [(made["operation"], made["again"]) for made in engine.attempts(CODE) if made["operation"] == Operation.STEPS]
    assert flags == [("steps", False), ("steps", True)]


def test_a_second_lost_answer_for_the_same_steps_goes_to_a_person(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])
    engine.target.faults.extend([lambda apply: apply(), lost, lost])
    engine.settle()
    row = engine.row(CODE)
    assert (row["state"], row["error_code"]) == ("dead", "unknown_twice")
    assert engine.target.steps[CODE] == [1, 1]


def test_an_unreachable_target_is_not_blamed_on_the_steps(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])
    engine.target.faults.extend([lambda apply: apply(), lost])
    engine.deliver()
    engine.target.always = down
    for _ in range(8):
        engine.pass_time(timedelta(hours=25))
        engine.deliver()
    assert engine.row(CODE)["state"] == "due"
    engine.target.always = None
    engine.settle()
    assert engine.target.steps[CODE] == [1, 1]


def test_already_exists_turns_a_create_into_an_update_in_the_same_turn(make: Make) -> None:
    engine = make()
    engine.target.records[CODE] = dossier(note="from before")
    engine.see(dossier())
    engine.deliver()
    assert [lane for lane, _ in engine.target.calls_made] == ["create", "update"]
    assert engine.target.records[CODE].note == ""


def test_a_dossier_that_the_target_lost_gets_its_record_and_all_its_steps_again(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1), step(2)])
    engine.deliver()
    engine.target.records.clear()
    engine.target.steps.clear()
    engine.see(dossier(note="later"), [step(1), step(2), step(3)])
    engine.settle()
    assert engine.target.steps[CODE] == [1, 2, 3]
    assert engine.row(CODE)["state"] == "idle"


def test_a_refusal_is_dead_at_once_and_a_correction_at_the_source_revives_it(make: Make) -> None:
    engine = make()
    engine.target.faults.append(refused)
    engine.see(dossier())
    engine.settle()
    assert engine.row(CODE)["state"] == "dead"
    engine.see(dossier(note="corrected"))
    engine.settle()
    assert engine.row(CODE)["state"] == "idle"


def test_a_dossier_that_cannot_be_put_into_the_targets_terms_names_the_field_and_holds_nobody_up(make: Make) -> None:
    engine = make()
    bad = dossier(problems=(Problem(field="dossierStatus", reason="'odd' has no code", hint="add it to the status table"),))
    engine.see(bad)
    engine.see(dossier("000.00.14.H03-250303-0002", 2))
    engine.settle()
    row = engine.row(CODE)
    assert (row["state"], row["error_code"]) == ("dead", "invalid:dossierStatus")
    assert "add it to the status table" in str(row["error_hint"])
    assert list(engine.target.records) == ["000.00.14.H03-250303-0002"]


def test_being_asked_to_wait_costs_no_failure_and_stops_the_whole_target(make: Make) -> None:
    engine = make()
    engine.target.faults.append(busy)
    engine.see(dossier())
    engine.see(dossier("000.00.14.H03-250303-0002", 2))
    engine.deliver()
    assert len(engine.target.calls_made) == 1
    assert [engine.row(c)["failures"] for c in (CODE, "000.00.14.H03-250303-0002")] == [0, 0]
    engine.clock.turn(timedelta(seconds=6))
    engine.deliver()
    assert len(engine.target.records) == 2


def test_a_target_that_does_not_know_us_is_paused_until_a_person_has_looked(make: Make) -> None:
    engine = make()
    engine.target.faults.append(stranger)
    engine.see(dossier())
    engine.deliver()
    engine.pass_time(timedelta(days=3))
    assert engine.deliver() == 0
    assert engine.board.target("portal").paused
    assert len(engine.target.calls_made) == 1


def test_an_outage_opens_the_breaker_and_its_end_makes_everything_due_at_once(make: Make) -> None:
    engine = make()
    for n in range(40):
        engine.see(dossier(f"000.00.14.H03-250303-{n:04}", n))
    engine.target.always = down
    engine.deliver()
    assert len(engine.target.calls_made) == 5
    for _ in range(10):
        engine.clock.turn(timedelta(minutes=31))
        engine.deliver()
    assert len(engine.target.calls_made) == 15, "one probe each half hour"
    engine.target.always = None
    engine.clock.turn(timedelta(minutes=31))
    engine.deliver()
    assert len(engine.target.records) == 40


def test_a_change_that_arrives_during_the_call_makes_the_row_due_again(make: Make) -> None:
    engine = make()
    engine.see(dossier())

    def correct(lane: str, elements: object) -> None:
        engine.see(dossier(note="meanwhile"))

    engine.target.before = correct
    claims = engine.ledger.claim("portal", 1, engine.clock.now(), engine.delivery.lease_term)
    engine.delivery.turn(claims)
    engine.target.before = lambda lane, elements: None
    assert engine.row(CODE)["state"] == "due"
    engine.deliver()
    assert engine.target.records[CODE].note == "meanwhile"


def test_a_worker_that_slept_past_its_lease_in_a_call_cannot_leave_old_data_at_the_target(make: Make) -> None:
    engine = make()
    engine.see(dossier())
    slow = engine.ledger.claim("portal", 1, engine.clock.now(), engine.delivery.lease_term)

    def sleep(lane: str, elements: object) -> None:
        engine.target.before = lambda lane, elements: None
        engine.pass_time(timedelta(hours=1))
        engine.see(dossier(note="newer"))
        engine.deliver()

    def empty_first(apply: Callable[[], Receipt]) -> Receipt:
        engine.target.records.clear()
        return apply()

    engine.target.before = sleep
    engine.target.faults.extend([lambda apply: apply(), empty_first])
    engine.delivery.turn(slow)
    assert engine.target.records[CODE].note == "", "the old record came last"
    assert engine.row(CODE)["state"] == "due"
    engine.settle()
    assert engine.target.records[CODE].note == "newer"


def test_a_lost_lease_found_while_another_worker_is_at_it_is_made_good_by_that_one(make: Make) -> None:
    engine = make()
    engine.see(dossier())
    engine.deliver()
    engine.see(dossier(note="old"))
    slow = engine.ledger.claim("portal", 1, engine.clock.now(), engine.delivery.lease_term)

    def sleep(lane: str, elements: object) -> None:
        engine.target.before = meanwhile
        engine.pass_time(timedelta(hours=1))
        engine.see(dossier(note="newer"))

    def meanwhile(lane: str, elements: object) -> None:
        """The new owner is in its call when the old one books its own."""
        engine.target.before = lambda lane, elements: None

    engine.target.before = sleep
    owner: list[Claim] = []

    def taken_over(apply: Callable[[], Receipt]) -> Receipt:
        owner.extend(engine.ledger.claim("portal", 1, engine.clock.now(), engine.delivery.lease_term))
        return apply()

    engine.target.faults.append(taken_over)
    engine.delivery.turn(slow)
    assert engine.row(CODE)["overtaken"]
    engine.delivery.turn(owner)
    assert engine.row(CODE)["state"] == "due"
    engine.settle()
    assert engine.target.records[CODE].note == "newer"
    assert not engine.row(CODE)["overtaken"]


def test_no_call_begins_that_could_outlast_its_lease(make: Make) -> None:
    engine = make()
    engine.see(dossier())
    claims = engine.ledger.claim("portal", 1, engine.clock.now(), engine.delivery.lease_term)
    engine.clock.turn(engine.delivery.lease_term - timedelta(seconds=20))
    engine.delivery.turn(claims)
    assert engine.target.calls_made == []
    assert engine.row(CODE)["state"] == "due"


def test_a_refused_batch_is_sent_one_by_one_so_that_only_the_culprit_is_dead(make: Make) -> None:
    engine = make(RecordingTarget(batch=5))
    for n in range(5):
        engine.see(dossier(f"000.00.14.H03-250303-{n:04}", n))
    engine.target.records["000.00.14.H03-250303-0003"] = dossier()
    engine.settle()
    assert len(engine.target.records) == 5
    assert engine.board.counts("portal").in_sync == 5


def batched(make: Make) -> tuple[Engine, list[str]]:
    """Five dossiers with a step each, which go in one call."""
    engine, codes = make(RecordingTarget(batch=5)), [f"000.00.14.H03-250303-{n:04}" for n in range(5)]
    for n, code in enumerate(codes):
        engine.see(dossier(code, n), [step(10 + n)])
    return engine, codes


def test_what_is_there_already_does_not_speak_for_those_it_travels_with(make: Make) -> None:
    engine, codes = batched(make)
    engine.target.records[codes[2]] = dossier(codes[2], 2, note="from before")
    engine.settle()
    assert [engine.row(code)["error_code"] for code in codes] == ["", "", "already_there", "", ""]
    assert engine.target.steps == {code: [10 + n] for n, code in enumerate(codes) if n != 2}
    first = [engine.attempts(code)[0] for code in codes]
    assert {(made["operation"], made["outcome"]) for made in first} == {("create", "crossed")}, "the call of all five is kept"


def test_what_the_target_lost_does_not_cost_the_others_their_steps(make: Make) -> None:
    engine, codes = batched(make)
    engine.settle()
    del engine.target.records[codes[4]], engine.target.steps[codes[4]]
    for n, code in enumerate(codes):
        engine.see(dossier(code, n, note="later"), [step(10 + n), step(20 + n)])
    engine.settle()
    assert engine.target.steps == {code: [10 + n, 20 + n] for n, code in enumerate(codes)}
    assert {record.note for record in engine.target.records.values()} == {"later"}


def test_steps_refused_together_go_one_by_one_and_flagged(make: Make) -> None:
    engine, codes = batched(make)
    engine.target.faults.extend([lambda apply: apply(), refused])
    engine.settle()
    assert engine.target.steps == {code: [10 + n] for n, code in enumerate(codes)}
    assert engine.target.lookups == 5, "each is asked about first"
    assert [[made["again"] for made in engine.attempts(code) if made["operation"] == "steps"] for code in codes] == [[False, True]] * 5


def test_a_dossier_from_the_portal_has_no_steps_to_send(make: Make) -> None:
    engine = make()
    engine.see(dossier(origin=Origin.PORTAL, portal_code="G22-1", status=Status.PROCESSING), [step(1)])
    engine.settle()
    assert engine.target.steps == {}
    assert engine.row(CODE)["state"] == "idle"


def test_a_restarted_node_settles_what_it_had_leased(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])
    engine.ledger.claim("portal", 1, engine.clock.now(), engine.delivery.lease_term)
    assert engine.ledger.reclaim() == 1
    engine.settle()
    assert engine.target.lookups == 1
    assert engine.target.steps[CODE] == [1]


def test_an_answer_that_cannot_be_written_is_booked_by_its_outcome(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])

    def unspeakable(apply: Callable[[], Receipt]) -> Receipt:
        return replace(apply(), code=None)

    engine.target.faults.append(unspeakable)
    engine.deliver()
    assert engine.row(CODE)["state"] == "idle"
    assert [(made["operation"], made["outcome"], made["code"]) for made in engine.attempts(CODE)] == [
        ("create", "delivered", "internal"),
        ("steps", "delivered", ""),
    ]


def test_a_connectors_bug_is_contained(make: Make) -> None:
    engine = make()

    def explode(lane: str, elements: object) -> None:
        engine.target.before = lambda lane, elements: None
        raise RuntimeError("a bug")

    engine.target.before = explode
    engine.see(dossier())
    engine.settle()
    assert engine.attempts(CODE)[0]["outcome"] == Outcome.UNKNOWN
    assert engine.row(CODE)["state"] == "idle"

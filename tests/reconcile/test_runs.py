"""Runs: guarded against a one-stop that is not itself, interrupted and gone on with, sealed, and affordable."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from syncd.asking import SILENCE
from syncd.calls import Outcome, Portion, Standing
from syncd.course import FEW
from syncd.drift import Held, Tiers, counted, lost_too_many, month_of, to_ask
from syncd.errors import NotFound, SuspiciousSource, TargetSilent
from syncd.model import Snapshot
from syncd.store.evidence import Scope
from syncd.store.prepared import FEW_BACK
from syncd.store.schema import audit, finding, ledger, run, total
from tests.reconcile.conftest import Build
from tests.reconcile.sides import START, Hall, code

PERIOD = timedelta(days=30)

# ---- a one-stop that is not itself


def stopped(hall: Hall, said: str) -> None:
    """The run stops with its reason, nothing becomes due, nothing is sent."""
    calls = len(hall.target.calls_made)
    with pytest.raises(SuspiciousSource, match=said) as raised:
        hall.compare()
    assert raised.value.hint
    last = hall.evidence.runs("portal")[0]
    assert (last.state, last.seal != "") == ("stopped", True)
    assert hall.engine.deliver() == 0
    assert len(hall.target.calls_made) == calls


def test_an_empty_one_stop_stops_the_run(build: Build) -> None:
    hall = build()
    hall.source.rows.clear()
    stopped(hall, "lists no dossier")
    assert hall.compare(force=True).state == "done"


def test_a_truncated_one_stop_stops_the_run(build: Build) -> None:
    hall = build(FEW_BACK + 6)
    hall.source.rows = {number: row for number, row in hall.source.rows.items() if number < 4}
    stopped(hall, "went back")


def test_a_one_stop_that_lost_dossiers_amid_others_stops_the_run_and_a_forced_one_makes_that_the_usual(build: Build) -> None:
    hall = build(FEW + 30)
    hall.source.rows = {number: row for number, row in hall.source.rows.items() if number in (1, FEW + 30) or number % 12 == 0}
    stopped(hall, "are no longer in the one-stop")
    forced = hall.compare(force=True, full=False)
    assert forced.counts["gone"] > FEW
    assert hall.compare(full=False).counts["gone"] == forced.counts["gone"], "they are gone for good, and known to be"


def test_a_mostly_changed_one_stop_stops_the_run(build: Build) -> None:
    hall = build(FEW + 20)
    for number in range(1, FEW + 15):
        hall.source.change(number, note="another life")
    stopped(hall, "differ from what was read")


def test_a_one_stop_restored_from_a_backup_stops_the_run(build: Build) -> None:
    hall = build(FEW_BACK + 10)
    for number in range(1, FEW_BACK + 3):
        before = hall.source.rows[number]
        hall.source.rows[number] = Snapshot(dossier=before.dossier, steps=before.steps[:-1])
    stopped(hall, "went back")


# ---- interrupted


@pytest.mark.parametrize("after", [0, 1, 4, 5, 8, 11])
def test_an_interrupted_run_goes_on_and_asks_nobody_twice_but_those_in_flight(build: Build, after: int) -> None:
    hall = build(12, workers=2)
    del hall.target.records[code(2)], hall.target.records[code(11)]

    def stop(portion: Portion) -> Standing | None:
        if len(hall.target.asked) > after:
            hall.side.stopping.set()
        return hall.target.truth(portion)

    hall.target.answer = stop
    first = hall.compare()
    assert first.state == ("done" if after == 11 and len(hall.target.asked) == 12 and first.ended_at else "comparing")
    hall.again()
    hall.target.answer = hall.target.truth
    second = hall.compare()
    assert second.id == first.id
    assert Counter(hall.target.asked) == Counter(code(number) for number in range(1, 13)), "every look-up ended, so none is made again"
    assert hall.found(second) == [(code(2), "missing"), (code(11), "missing")]
    assert (second.counts["checked"], second.counts["listed"], second.counts["asked"]) == (12, 12, 12)
    assert sum(each.checked for each in hall.evidence.totals(second.id)) == 12


def test_a_run_that_nobody_will_go_on_with_is_ended_by_the_next(build: Build) -> None:
    hall = build(4)
    hall.side.stopping.set()
    left = hall.compare()
    hall.side.stopping.clear()
    other = hall.compare(full=False)
    assert other.id != left.id
    assert [each.state for each in hall.evidence.runs()] == ["done", "stopped"]
    hall.side.stopping.set()
    old = hall.compare()
    hall.side.stopping.clear()
    hall.engine.clock.turn(timedelta(days=8))
    assert hall.compare().id != old.id


def test_a_difference_that_went_away_before_the_run_was_gone_on_with_is_not_in_the_evidence(build: Build) -> None:
    hall = build(3, workers=1)
    hall.forge(3, sent_digest="")

    def stop(portion: Portion) -> Standing | None:
        hall.side.stopping.set()
        return hall.target.truth(portion)

    hall.target.answer = stop
    first = hall.compare()
    assert (code(3), "stale") in hall.found(first)
    hall.forge(3, state="due")
    hall.engine.settle()
    hall.again()
    hall.target.answer = hall.target.truth
    assert hall.found(hall.compare()) == []


def test_a_run_whose_turn_is_taken_away_stops_there(build: Build) -> None:
    hall = build(6, workers=1)
    left = iter([True, True, True, False])
    hall.side.proceed = lambda: next(left)
    assert hall.compare().state == "comparing"
    assert len(hall.target.asked) == 2


@pytest.mark.parametrize("outcome", [Outcome.UNAVAILABLE, Outcome.UNAUTHORISED])
def test_a_silent_target_is_not_asked_a_million_times(build: Build, outcome: Outcome) -> None:
    hall = build(30, workers=2)
    hall.target.answer = lambda portion: Standing(outcome=outcome, message="closed") if portion.subject > code(8) else hall.target.truth(portion)
    with pytest.raises(TargetSilent, match="closed"):
        hall.compare()
    assert len(hall.target.asked) <= 8 + (SILENCE if outcome is Outcome.UNAVAILABLE else 2)
    hall.target.answer = hall.target.truth
    hall.target.asked.clear()
    done = hall.compare()
    assert hall.found(done) == []
    assert set(hall.target.asked) == {code(number) for number in range(9, 31)}


# ---- the seal


def test_a_change_behind_its_back_breaks_the_seal(build: Build) -> None:
    hall = build()
    del hall.target.records[code(2)], hall.target.records[code(3)]
    done = hall.repair(hall.compare())
    assert hall.evidence.sealed(done.id) == done.seal
    changes = (
        finding.update().where(finding.c.dossier == code(2)).values(became="persists"),
        finding.delete().where(finding.c.dossier == code(3)),
        total.update().values(checked=total.c.checked + 1),
        run.update().values(ended_at=START),
        run.update().values(counts='{"checked":9}'),
        run.update().values(who="somebody@else"),
    )
    seals = {done.seal}
    for change in changes:
        with hall.engine.database.write() as connection:
            connection.execute(change)
        seals.add(hall.evidence.sealed(done.id))
    assert len(seals) == 1 + len(changes)
    with hall.engine.database.read() as connection:
        told = connection.execute(select(audit.c.detail).where(audit.c.action == "reconcile")).scalars().all()
    assert len(told) == 3
    assert told[-1] == f"run {done.id}: {done.seal}"


def test_many_findings_are_read_a_page_at_a_time(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.store.evidence.PAGE", 2)
    monkeypatch.setattr("syncd.store.readback.PAGE", 2)
    hall = build(7)
    hall.target.records.clear()
    assert hall.found(hall.compare()) == [(code(number), "missing") for number in range(1, 8)]
    with pytest.raises(NotFound):
        hall.evidence.run(99)


# ---- whom to ask


def held(subject: str = code(1), **changes: object) -> Held:
    given: dict[str, object] = {
        "source_id": 1, "subject": subject, "agency": "", "received_at": None, "state": "idle", "created": True, "record_due": False, "steps_sent": 0,
        "steps_wanted": 0, "owed": 0, "doubtful": False, "error_code": "", "sent_at": START, "asked_at": START, **changes,
    }  # fmt: skip
    return Held(**given)  # type: ignore[arg-type]


def asked_on(each: Held, day: int, *, full: bool = False) -> bool:
    now = START + timedelta(days=day)
    return to_ask(each, Tiers(since=now - timedelta(days=3), period=PERIOD, full=full), now)


@given(st.text(min_size=1, max_size=40), st.integers(0, 5000))
def test_within_a_period_every_dossier_has_its_turn(subject: str, start: int) -> None:
    days = [day for day in range(start, start + PERIOD.days) if asked_on(held(subject, sent_at=None, asked_at=START + timedelta(days=day)), day)]
    assert len(days) == 1


def test_the_doubtful_are_asked_each_time_and_the_others_in_their_turn() -> None:
    quiet = next(day for day in range(5, 9) if not asked_on(held(), day))
    assert asked_on(held(), quiet, full=True)
    assert asked_on(held(doubtful=True), quiet)
    assert asked_on(held(state="dead"), quiet)
    assert asked_on(held(sent_at=START + timedelta(days=quiet - 2)), quiet)
    assert not asked_on(held(state="", doubtful=True), quiet, full=True)
    assert not asked_on(held(state="leased", doubtful=True), quiet, full=True)


def test_one_whose_turns_were_missed_is_asked() -> None:
    day = next(day for day in range(61, 70) if not asked_on(held(sent_at=None, asked_at=START + timedelta(days=60)), day))
    assert asked_on(held(), day)


def test_a_nightly_run_asks_a_share_and_a_full_one_everybody(build: Build) -> None:
    hall = build(40)
    hall.engine.clock.turn(timedelta(days=5))
    hall.compare(full=False)
    nightly = len(hall.target.asked)
    assert nightly < 12
    hall.target.asked.clear()
    hall.compare()
    assert len(hall.target.asked) == 40


def test_one_that_crossed_is_asked_about_until_the_target_has_confirmed(build: Build) -> None:
    hall = build(1)
    hall.engine.clock.turn(timedelta(days=5))
    day = next(day for day in range(40) if not asked_on(held(sent_at=None, asked_at=START + timedelta(days=5 + day)), 5 + day))
    hall.engine.clock.turn(timedelta(days=day))
    hall.forge(1, doubtful=True)
    hall.compare(full=False)
    assert hall.target.asked == [code(1)]
    assert hall.engine.row(code(1))["doubtful"] is False


def test_deliveries_go_first_and_the_budget_is_kept(build: Build) -> None:
    hall = build(4, workers=1)
    answers = iter([True, True])
    looks: list[bool] = []

    def busy() -> bool:
        looks.append(next(answers, False))
        return looks[-1]

    hall.side.asking.busy = busy
    hall.compare()
    assert looks == [True, True, False, False, False, False], "before each few calls, and again while deliveries go on"
    paced = Hall(hall.engine, hall.source)
    paced.options = paced.options.model_copy(update={"budget": 6000})
    paced.again()
    paced.compare()
    assert paced.side.asking._pace.free_at == pytest.approx(hall.engine.clock.monotonic() + 4 * 60 / 6000)


def test_words_and_months() -> None:
    assert month_of(datetime(2025, 2, 28, 18, tzinfo=UTC), ZoneInfo("Asia/Ho_Chi_Minh")) == "2025-03"
    assert month_of(None, ZoneInfo("UTC")) == ""
    assert counted([]) == {}
    assert lost_too_many(11, 100, 0.1, 5)
    assert not lost_too_many(10, 100, 0.1, 5)


def test_the_state_tells_whether_somebody_delivers(build: Build) -> None:
    hall = build(2)
    now = hall.engine.clock.now()
    assert not hall.side.rows.delivering(now)
    hall.forge(1, state="leased", lease_until=now + timedelta(minutes=1))
    assert hall.side.rows.delivering(now)
    assert not hall.side.rows.delivering(now + timedelta(hours=1))
    with hall.engine.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(ledger)).scalar_one() == 2


def test_the_fields_that_changed_since_are_named(build: Build) -> None:
    hall = build(1)
    hall.source.change(1, note="a")
    hall.engine.read(hall.source.rows[1])
    hall.source.change(1, note="a", abstract="b")
    hall.engine.read(hall.source.rows[1])
    assert hall.side.rows.changed_fields(code(1)) == ["note", "abstract"]


def test_the_last_run_and_the_runs_of_a_target(build: Build) -> None:
    hall = build(1)
    assert hall.evidence.last("portal") is None
    done = hall.compare()
    assert hall.evidence.last("portal") == done
    assert hall.evidence.runs("elsewhere") == []
    assert hall.evidence.interrupted("portal", Scope(full=True)) is None

"""The reconciliation of the night: one node at a time, told in the log and to the metrics, repaired where the settings say so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from syncd.calls import Outcome, Portion, Standing
from syncd.errors import SuspiciousSource, TargetSilent
from syncd.nightly import Nightly, delivering
from syncd.store.board import Board
from syncd.store.evidence import Scope
from tests.reconcile.conftest import Build
from tests.reconcile.sides import START, Hall, code


def nightly_of(hall: Hall, node: str = "n1") -> Nightly:
    hall.engine.clock.turn(timedelta(minutes=1))
    return Nightly(hall.side, Board(hall.engine.database), hall.engine.metrics, node)


def drift(hall: Hall) -> dict[str, str]:
    lines = (line for line in hall.engine.metrics.render().decode().splitlines() if line.startswith("syncd_drift{"))
    return {line.partition('kind="')[2].partition('"')[0]: line.rpartition(" ")[2] for line in lines}


def test_what_it_finds_is_told_and_not_repaired_unless_that_is_wanted(build: Build) -> None:
    hall = build(3)
    del hall.target.records[code(2)]
    nightly = nightly_of(hall)
    nightly.show()
    assert drift(hall) == {}
    with capture_logs() as logs:
        run = nightly.run()
    assert run is not None
    assert [(each["dossier"], each["kind"], each["log_level"]) for each in logs if each["event"] == "drift_found"] == [(code(2), "missing", "warning")]
    assert [each["run"] for each in logs if each["event"] == "reconcile_done"] == [run.id]
    assert drift(hall) == {"missing": "1.0", "stale": "0.0", "steps": "0.0", "extra": "0.0", "unknown": "0.0"}
    assert hall.engine.row(code(2))["state"] == "idle"
    assert (run.who, run.scope.full) == ("n1", False)


def test_it_repairs_where_the_settings_say_so(build: Build) -> None:
    hall = build(3, repair=True)
    del hall.target.records[code(2)]
    nightly_of(hall).run()
    assert hall.engine.row(code(2))["state"] == "due"
    hall.engine.settle()
    nightly_of(hall).run()
    assert drift(hall)["missing"] == "0.0"


def test_a_long_repair_keeps_its_right_to_the_target(build: Build) -> None:
    hall = build(6, repair=True)
    board, lost = Board(hall.engine.database), [2, 3, 4, 5]
    for number in lost:
        del hall.target.records[code(number)]

    def slowly(portion: Portion) -> Standing | None:
        if len(hall.target.asked) > 6:
            hall.engine.clock.turn(timedelta(seconds=90))
            assert board.lease("reconcile:portal", "n2", hall.engine.clock.now(), timedelta(minutes=2)) is None
        return hall.target.truth(portion)

    hall.target.answer = slowly
    run = nightly_of(hall).run()
    assert run is not None
    assert len(hall.target.asked) == 6 + len(lost)
    assert [hall.engine.row(code(number))["state"] for number in lost] == ["due"] * len(lost)


def test_another_node_leaves_it_to_the_one_that_has_begun(build: Build) -> None:
    hall = build(3)
    first, second = nightly_of(hall), nightly_of(hall, "n2")
    assert first.run() is not None
    assert second.run() is None
    hall.engine.clock.turn(timedelta(minutes=5))
    assert second.run() is not None


def test_a_run_that_was_interrupted_waits_to_be_gone_on_with(build: Build) -> None:
    hall = build(30)
    hall.target.answer = lambda portion: Standing(outcome=Outcome.UNAVAILABLE)
    with pytest.raises(TargetSilent):
        nightly_of(hall).run()
    hall.again()
    nightly = nightly_of(hall)
    assert nightly.last() is None
    hall.target.answer = hall.target.truth
    run = nightly.run()
    assert run is not None
    assert (run.id, nightly.last()) == (1, run.ended_at)


def test_a_target_that_was_silent_is_not_asked_all_day(build: Build) -> None:
    hall = build(30)
    hall.target.answer = lambda portion: Standing(outcome=Outcome.UNAVAILABLE)
    nightly = nightly_of(hall)
    with pytest.raises(TargetSilent):
        nightly.run()
    assert nightly.last() == hall.engine.clock.now()


def test_a_run_that_a_person_interrupted_is_left_to_that_person(build: Build) -> None:
    hall = build(30)
    hall.target.answer = lambda portion: Standing(outcome=Outcome.UNAVAILABLE)
    with pytest.raises(TargetSilent):
        hall.side.compare("admin@node-1", Scope())
    assert nightly_of(hall).last() == hall.engine.board.began()


def test_it_was_last_done_when_a_run_over_every_dossier_ended(build: Build) -> None:
    hall = build(3)
    nightly = nightly_of(hall)
    assert nightly.last() == hall.engine.board.began()
    run = nightly.run()
    assert run is not None
    hall.engine.clock.turn(timedelta(hours=1))
    hall.side.compare("admin@node-1", Scope(since=START - timedelta(days=2)))
    assert nightly.last() == run.ended_at
    whole = hall.side.compare("admin@node-1", Scope(full=True))
    assert nightly.last() == whole.ended_at != run.ended_at


def test_a_run_for_which_a_person_must_look_is_not_begun_again_all_day(build: Build) -> None:
    hall = build(3)
    hall.source.rows.clear()
    nightly = nightly_of(hall)
    with pytest.raises(SuspiciousSource):
        nightly.run()
    assert nightly.last() == hall.engine.clock.now()


def test_it_ends_when_the_daemon_stops(build: Build) -> None:
    hall = build(9, repair=True)

    def stop(portion: Portion) -> Standing | None:
        hall.side.stopping.set()
        return hall.target.truth(portion)

    hall.target.answer = stop
    del hall.target.records[code(1)]
    run = nightly_of(hall).run()
    assert run is not None
    assert run.state == "comparing"
    assert hall.engine.row(code(1))["state"] == "idle", "only a run that came to its end is repaired"


def test_it_looks_for_deliveries_once_a_second(build: Build) -> None:
    hall = build(1)
    busy = delivering(hall.side)
    assert not busy()
    hall.forge(1, state="leased", lease_until=hall.engine.clock.now() + timedelta(hours=1))
    assert not busy()
    hall.engine.clock.turn(timedelta(seconds=1))
    assert busy()

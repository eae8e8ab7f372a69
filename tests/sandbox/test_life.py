"""Dossiers move on as officers would move them, and every move leaves its traces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, Engine

from syncd.sandbox.catalogue import PROCEDURES
from syncd.sandbox.flow import MOVES
from syncd.sandbox.life import EDITS, MISHAPS, Change, Life
from syncd.sandbox.onestop import build, connect, local_now, publishable
from syncd.sandbox.schema import tables_in
from tests.clocks import TurnedClock
from tests.examples import examples

#: columns of a step that only keep the one-stop's own books
BOOKS = {"nextActionId", "pending", "eventStatus", "modifiedDate"}
KEYS = {"dossier": "dossierId", "action": "dossierActionId", "file": "dossierFileId", "payment": "paymentFileId"}
State = dict[str, dict[int, dict[str, Any]]]


def state(engine: Engine) -> State:
    """Everything in the one-stop, by table and key."""
    layout = tables_in(engine)
    found: State = {}
    with engine.connect() as connection:
        for name, key in KEYS.items():
            table = getattr(layout, name)
            rows = (dict(zip(table.c.keys(), row, strict=True)) for row in connection.execute(table.select()))
            found[name] = {row[key]: row for row in rows}
    return found


def changed(before: State, after: State) -> set[int]:
    """The dossiers in which anything differs."""
    return {
        row["dossierId"] for name in KEYS for key in before[name].keys() | after[name].keys() if before[name].get(key) != after[name].get(key)
        for row in [after[name][key]]
    }  # fmt: skip


@contextmanager
def office(dossiers: int, seed: int, clock: TurnedClock) -> Iterator[tuple[Engine, Life, list[str]]]:
    with TemporaryDirectory() as folder:
        engine = connect(URL.create("sqlite", database=str(Path(folder) / "onestop.db")))
        build(engine, dossiers=dossiers, seed=seed, clock=clock)
        filed: list[str] = []
        yield engine, Life(engine, clock, Random(seed), filed=filed.append), filed
        engine.dispose()


@pytest.fixture
def life(onestop: Engine, clock: TurnedClock) -> Life:
    return Life(onestop, clock, Random(4))


def check(before: State, after: State, change: Change) -> None:
    """What must hold of any one change."""
    assert changed(before, after) == {change.dossier_id}
    old, new = before["dossier"].get(change.dossier_id), after["dossier"][change.dossier_id]
    assert change.code == (new["dossierNo"] or "")
    assert old is None or old["modifiedDate"] is None or new["modifiedDate"] > old["modifiedDate"]
    assert before["action"].keys() <= after["action"].keys()
    for key, row in before["action"].items():
        assert {name: value for name, value in row.items() if name not in BOOKS} == {
            name: value for name, value in after["action"][key].items() if name not in BOOKS
        }
    added = sorted(after["action"].keys() - before["action"].keys())
    history = [row for _, row in sorted(after["action"].items()) if row["dossierId"] == change.dossier_id]
    assert added == [] or (added[0] > max(before["action"], default=0) and added == [row["dossierActionId"] for row in history[-len(added) :]])
    seconds = [row["createDate"].replace(microsecond=0) for row in history]
    assert seconds == sorted(set(seconds))
    assert before["file"].keys() <= after["file"].keys()


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000), waits=st.lists(st.integers(-600, 86_400), min_size=5, max_size=25))
def test_every_change_touches_one_dossier_raises_its_time_and_only_adds_steps(seed: int, waits: list[int]) -> None:
    clock = TurnedClock()
    with office(15, seed, clock) as (engine, life, filed):
        before = state(engine)
        for wait in waits:
            clock.step(timedelta(seconds=wait))
            (change,) = life.move()
            after = state(engine)
            check(before, after, change)
            before = after
        life.settle()
        rows = state(engine)["dossier"].values()
        assert not [row for row in rows if row["dossierStatus"] == "handover"]
        codes = [row["dossierNo"] for row in rows if row["dossierNo"]]
        assert len(set(codes)) == len(codes)
        assert set(filed) <= {row["referenceUid"] for row in rows if row["systemId"] == 5}


def test_the_same_seed_lives_the_same_life(clock: TurnedClock) -> None:
    lives = []
    for _ in range(2):
        with office(30, 9, clock) as (engine, life, _filed):
            lives.append((life.move(60), state(engine)))
    assert lives[0] == lives[1]


def test_in_a_long_life_everything_happens(clock: TurnedClock) -> None:
    with office(250, 1, clock) as (_engine, life, filed):
        kinds = {change.kind for change in life.move(1200)}
    assert {move.kind for move in MOVES} <= kinds
    assert set(EDITS) <= kinds
    assert {"unmapped", "repaired", "arrived_portal", "arrived_child", "arrived_unreceived"} <= kinds
    assert filed


def test_an_unreceived_dossier_gets_its_code_at_reception(life: Life, onestop: Engine) -> None:
    arrived = life.arrive("unreceived")
    assert arrived.code == ""
    assert not publishable(state(onestop)["dossier"][arrived.dossier_id])
    received = life.advance(arrived.dossier_id, "receive")
    assert received is not None
    assert received.code
    assert publishable(state(onestop)["dossier"][arrived.dossier_id])


@pytest.mark.parametrize("channel", ["portal", "child", "draft"])
def test_some_arrivals_are_never_published_as_records(life: Life, onestop: Engine, channel: str) -> None:
    arrived = life.arrive(channel)
    row = state(onestop)["dossier"][arrived.dossier_id]
    assert row["dossierNo"]
    assert not publishable(row)


def test_a_move_that_does_not_lead_on_changes_nothing(life: Life, onestop: Engine) -> None:
    arrived = life.arrive("counter")
    before = state(onestop)
    assert life.advance(arrived.dossier_id, "return") is None
    assert state(onestop) == before


def test_a_dossier_can_be_led_through_supplement_payment_and_return(life: Life, onestop: Engine) -> None:
    key = life.arrive("counter").dossier_id
    statuses = []
    for kind in ("assign", "supplement", "supplied", "appraise", "charge", "pay", "finish", "return"):
        assert life.advance(key, kind)
        statuses.append(state(onestop)["dossier"][key]["dossierStatus"])
    assert statuses == ["processing", "waiting", "processing", "processing", "paying", "processing", "releasing", "done"]
    after = state(onestop)
    row = after["dossier"][key]
    assert row["extendDate"] > row["dueDate"]
    assert row["receiveDate"] < row["releaseDate"] < row["finishDate"]
    assert all(payment["confirmDatetime"] for payment in after["payment"].values() if payment["dossierId"] == key)
    assert [file["dossierPartType"] for file in after["file"].values() if file["dossierId"] == key].count(2) == 1
    assert life.advance(key) is None


@pytest.mark.parametrize("kind", MISHAPS)
def test_a_mishap_is_put_right_exactly(life: Life, onestop: Engine, kind: str) -> None:
    key = life.arrive("counter").dossier_id
    before = state(onestop)["dossier"][key]
    life.spoil(key, kind)
    assert MISHAPS[kind].items() <= state(onestop)["dossier"][key].items()
    life.edit(key, "correct")  # a spoilt dossier keeps its broken name until it is repaired
    assert [change.kind for change in life.settle()] == ["repaired"]
    after = state(onestop)["dossier"][key]
    assert {name: after[name] for name in MISHAPS[kind]} == {name: before[name] for name in MISHAPS[kind]}
    assert life.settle() == []


def test_two_mishaps_of_one_dossier_are_put_right_together(life: Life, onestop: Engine) -> None:
    key = life.arrive("counter").dossier_id
    before = state(onestop)["dossier"][key]
    for kind in ("agency", "unmapped", "agency"):
        life.spoil(key, kind)
    life.settle()
    after = state(onestop)["dossier"][key]
    assert {name: value for name, value in after.items() if name != "modifiedDate"} == {name: value for name, value in before.items() if name != "modifiedDate"}


def test_a_step_puts_an_unknown_status_right(life: Life, onestop: Engine) -> None:
    key = life.arrive("counter").dossier_id
    life.spoil(key)
    life.advance(key, "assign")
    life.settle()
    assert state(onestop)["dossier"][key]["dossierStatus"] == "processing"


def test_edits_without_anything_to_edit_leave_a_note(life: Life, onestop: Engine) -> None:
    key = life.arrive("counter").dossier_id
    for _ in range(8):
        life.edit(key, "paper_removed")
    assert all(file["removed"] for file in state(onestop)["file"].values() if file["dossierId"] == key)
    assert state(onestop)["dossier"][key]["applicantNote"]


def test_life_begins_in_an_empty_one_stop(empty: Engine, clock: TurnedClock) -> None:
    build(empty, dossiers=0, clock=clock)
    life = Life(empty, clock, Random(1))
    life.move(5)
    rows = state(empty)["dossier"]
    assert rows
    assert all(row["serviceCode"] in {procedure.local for procedure in PROCEDURES} for row in rows.values())
    assert max(row["modifiedDate"] for row in rows.values()) < local_now(clock) + timedelta(hours=1)


@pytest.mark.parametrize("server", ["postgresql", "mariadb"])
def test_life_goes_on_in_every_database(request: pytest.FixtureRequest, clock: TurnedClock, server: str) -> None:
    engine = connect(request.getfixturevalue(f"{server}_url"))
    build(engine, dossiers=10, clock=clock)
    life = Life(engine, clock, Random(2))
    before = state(engine)
    for _ in range(15):
        (change,) = life.move()
        after = state(engine)
        check(before, after, change)
        before = deepcopy(after)
    engine.dispose()

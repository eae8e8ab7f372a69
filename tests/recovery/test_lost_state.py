"""A state that is lost, or an older copy of it: nothing is created again and no step is told twice, whatever the portal tells of what
it has. The commands are those of the documentation."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from syncd.clock import SystemClock
from syncd.sandbox.onestop import local_now
from syncd.sandbox.services import Lookup
from tests.daemon.rehearsal import Rehearsal
from tests.recovery.comparing import for_a_person, kinds, reconcile
from tests.recovery.conftest import Rehearse
from tests.recovery.surgery import begin, copy, created, lose_state, paused, rest, restore, rows, sent
from tests.waiting import wait_for

LOOKUPS = ("full", "mixed", *(pytest.param(lookup, marks=pytest.mark.long) for lookup in ("pascal", "bare")))  # mixed: all of them in turn
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD__RECONCILE__BUDGET", "0")


def run(made: Rehearsal, moves: int) -> None:
    """Deliver everything while the one-stop lives on, and stop."""
    begin(made)
    made.world.life.move(moves)
    made.world.life.settle()
    rest(made)
    assert made.stop() == 0
    newest = select(func.max(made.world.life.layout.action.c.createDate))
    with made.world.engine.connect() as connection:
        last: datetime = connection.execute(newest).scalar_one()
    wait_for(lambda: local_now(SystemClock()) > last + timedelta(seconds=1))  # where much happens at once, the one-stop's clock runs ahead


def agrees(made: Rehearsal) -> None:
    comparison = made.world.compare()
    assert comparison.differences == ()
    assert comparison.excused == 0


def is_said_to_agree(made: Rehearsal) -> None:
    """The comparison that an administrator makes afterwards finds nothing but what a person must correct."""
    waiting = for_a_person(made)
    assert kinds(reconcile(made, code=3 if waiting else 0)["drift"]) == waiting


@pytest.mark.parametrize("lookup", LOOKUPS)
def test_a_lost_state_is_filled_again_from_what_the_portal_has(rehearse: Rehearse, lookup: Lookup) -> None:
    made = rehearse(dossiers=150, lookup=lookup)
    run(made, 60)
    agrees(made)
    before, number, had = sent(made), made.world.portal.calls()[-1].number, set(made.world.portal.holdings.records())
    agreed = local_now(SystemClock())
    lose_state(made)

    begin(made)
    wait_for(lambda: paused(made) != "")
    made.world.life.move(10)
    wait_for(lambda: made.standing().get("due", 0) > len(had))
    assert made.stop() == 0
    assert sent(made) == before
    listed = json.loads(made.syncd("target", "list", "--json"))
    assert "this state never told it of" in listed[0]["reason"]

    made.syncd("target", "adopt", "dvcqg", "--until", f"{agreed:%Y-%m-%dT%H:%M:%S}")
    assert paused(made) == ""
    run(made, 30)
    agrees(made)
    assert created(made, number).isdisjoint(had)
    books = rows(made)
    stepped = [code for code in had if made.world.portal.holdings.steps(code)]
    assert all(books[code].adopted > 0 for code in stepped)
    assert {row.state for row in books.values()} <= {"idle", "dead"}
    is_said_to_agree(made)


@pytest.mark.parametrize("lookup", LOOKUPS)
def test_a_state_restored_from_a_backup_tells_nothing_twice(rehearse: Rehearse, lookup: Lookup) -> None:
    made = rehearse(dossiers=150, lookup=lookup)
    run(made, 20)
    backup = copy(made)
    run(made, 80)
    agrees(made)
    number, had = made.world.portal.calls()[-1].number, set(made.world.portal.holdings.records())

    restore(made, backup)
    made.syncd("target", "adopt", "dvcqg")
    run(made, 30)
    agrees(made)
    assert created(made, number).isdisjoint(had)
    assert any(row.adopted for row in rows(made).values())
    is_said_to_agree(made)


def test_a_target_that_was_never_used_is_simply_filled(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=40, lookup="full")
    run(made, 10)
    agrees(made)
    assert not any(row.adopted for row in rows(made).values())

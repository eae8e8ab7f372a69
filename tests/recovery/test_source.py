"""A one-stop that does not look like itself: emptied, cut to half, or an older copy of itself. Everything stops and says why, and not one
call goes to the portal, neither from the daemon nor from a reconciliation."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from syncd.store.schema import source_cursor
from tests.daemon.rehearsal import Rehearsal
from tests.recovery.comparing import reconcile
from tests.recovery.conftest import Rehearse
from tests.recovery.surgery import begin, copy, rest, restore, rows, sent
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


def suspicion(made: Rehearsal) -> str:
    """What looks wrong, as the board has it."""
    with made.state.connect() as connection:
        return str(connection.execute(select(source_cursor.c.suspicion)).scalar_one())


def emptied(made: Rehearsal) -> None:
    """A restore has begun: the tables are there, and nothing is in them."""
    layout = made.world.life.layout
    with made.world.engine.begin() as connection:
        for table in (layout.dossier, layout.action, layout.file, layout.payment):
            connection.execute(table.delete())


def halved(made: Rehearsal) -> None:
    """Every other dossier is gone, the newest is not."""
    layout = made.world.life.layout
    with made.world.engine.begin() as connection:
        keys = list(connection.scalars(select(layout.dossier.c.dossierId).order_by(layout.dossier.c.dossierId.desc())))
        for table in (layout.dossier, layout.action):
            connection.execute(table.delete().where(table.c.dossierId.in_(keys[1::2])))


def in_sync(made: Rehearsal) -> None:
    """Everything is delivered, and nobody runs."""
    begin(made)
    rest(made)
    assert made.stop() == 0
    assert made.world.compare().differences == ()


def stops(made: Rehearsal, why: str) -> None:
    """A full reconciliation stops before it has asked or repaired anything."""
    asked, books = made.world.portal.counts(), rows(made)
    said = reconcile(made, "--repair", code=1)
    assert (said["state"], said["asked"], said["repaired"]) == ("stopped", 0, 0)
    assert why in said["error"]
    assert said["hint"]
    assert made.world.portal.counts() == asked
    assert rows(made) == books


def sends_nothing(made: Rehearsal) -> None:
    """Neither the daemon nor a single pass tells the portal anything."""
    before = sent(made)
    begin(made)
    polled = made.polled()
    wait_for(lambda: suspicion(made) != "" or made.polled() != polled)
    assert made.stop() == 0
    made.syncd("run", "--once", code=1 if suspicion(made) else 0)
    assert sent(made) == before


def is_trusted_again(made: Rehearsal, right: Path) -> None:
    """The right database is back and an administrator says so: it is read anew, and there is nothing to tell."""
    before = sent(made)
    restore(made, right)
    made.syncd("source", "accept")
    in_sync(made)
    assert suspicion(made) == ""
    assert sent(made) == before


def test_an_emptied_one_stop_stops_everything(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=300, lookup="full")
    in_sync(made)
    backup = copy(made, "onestop")
    emptied(made)
    sends_nothing(made)
    assert "holds no dossier" in suspicion(made)
    stops(made, "lists no dossier")
    is_trusted_again(made, backup)


def test_a_one_stop_cut_to_half_is_not_reconciled(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=600, lookup="full")
    in_sync(made)
    halved(made)
    sends_nothing(made)
    stops(made, "are no longer in the one-stop")


def test_a_one_stop_restored_from_a_backup_stops_everything(rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD__SOURCE__OVERLAP", "1s")
    made = rehearse(dossiers=300, lookup="full")
    in_sync(made)
    backup = copy(made, "onestop")
    moved = {change.dossier_id for change in made.world.life.move(120)}
    made.world.life.settle()
    assert len(moved) > 40
    in_sync(made)
    now = copy(made, "onestop", "after")

    restore(made, backup)
    sends_nothing(made)
    assert "older than what was read" in suspicion(made)
    stops(made, "went back to what they were")
    is_trusted_again(made, now)

"""`syncd reconcile` for document systems, on a sandbox with all targets, after one pass."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from syncd.cli import exits
from syncd.sandbox.office_clerk import Clerk
from syncd.sandbox.world import TARGETS, World
from tests.cli.calling import Caller
from tests.cli.reconcile_schema import schema

VALID = Draft202012Validator(schema())

pytestmark = pytest.mark.usefixtures("delivered")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("SYNCD__RECONCILE__BUDGET", "0")
    folder = tmp_path / "world"
    folder.mkdir()
    with World(folder, dossiers=25, targets=TARGETS) as world:
        world.ioffice.desk.clerk = Clerk(())  # drafts lie there unsigned
        yield world


def order(world: World, statement: str) -> list[Any]:
    with sqlite3.connect(world.folder / "state.db") as state:
        rows = state.execute(statement).fetchall()
    state.close()
    return rows


def waiting(world: World, target: str) -> list[str]:
    """The drafts that were handed over, and of which nothing came back."""
    came = "SELECT dossier || '/' || draft FROM inbox WHERE stage IN ('issued', 'unnumbered', 'rejected')"
    query = f"SELECT subject FROM ledger JOIN matter USING (subject) WHERE target = '{target}' AND standing AND subject NOT IN ({came}) ORDER BY subject"  # noqa: S608
    return [subject for (subject,) in order(world, query)]


def test_the_drafts_of_ioffice_are_compared_asked_for_and_repaired(syncd: Caller, world: World) -> None:
    shown = syncd("reconcile", "--target", "ioffice", "--full", "--json")
    VALID.validate(shown.json)
    part = shown.json["targets"]["ioffice"]
    assert (shown.code, part["drift"], part["state"], part["askable"]) == (exits.DONE, [], "done", True)
    assert part["checked"] == part["in_sync"] > 0
    subject = waiting(world, "ioffice")[0]
    order(world, f"UPDATE ledger SET created = 0, sent_digest = '', state = 'dead', error_code = 'x' WHERE subject = '{subject}'")  # noqa: S608
    repaired = syncd("reconcile", "--target", "ioffice", "--full", "--repair", "--verify", "--json")
    VALID.validate(repaired.json)
    assert [(each["dossier"], each["kind"], each["became"]) for each in repaired.json["targets"]["ioffice"]["drift"]] == [(subject, "missing", "resolved")]
    assert repaired.code == exits.DONE


def test_the_axis_cannot_be_asked_and_that_is_said(syncd: Caller, world: World) -> None:
    order(world, "DELETE FROM inbox WHERE target = 'tdoffice'")
    shown = syncd("reconcile", "--target", "tdoffice", "--full", "--json")
    VALID.validate(shown.json)
    part = shown.json["targets"]["tdoffice"]
    assert (shown.code, part["drift"], part["asked"], part["askable"]) == (exits.DONE, [], 0, False)
    assert "compared with the ledger only" in syncd("reconcile", "--target", "tdoffice", "--full").out


def test_what_was_taken_back_is_told_and_what_waits_is_counted(syncd: Caller, world: World) -> None:
    subject = waiting(world, "ioffice")[0]
    order(world, f"UPDATE matter SET standing = 0 WHERE subject = '{subject}'")  # noqa: S608
    shown = syncd("reconcile", "--full")
    assert all(name in shown.out for name in TARGETS)
    assert subject in shown.out
    assert "Drafts that were taken back stay at ioffice" in shown.out
    order(world, "UPDATE run SET counts = json_set(counts, '$.uncollected', 3)")
    assert syncd("reconcile", "list", "--json").json[0]["target"] in TARGETS
    assert syncd("reconcile", "show", "1", "--json").json["targets"]["dvcqg"]["uncollected"] == 3

"""`syncd reconcile` for document systems, on a sandbox with all targets, after one pass."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
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
from tests.daemon.rehearsal import submit
from tests.waiting import wait_for

VALID = Draft202012Validator(schema())

pytestmark = pytest.mark.usefixtures("delivered")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("SYNCD__RECONCILE__BUDGET", "0")
    folder = tmp_path / "world"
    folder.mkdir()
    with World(folder, dossiers=25, targets=TARGETS) as world:
        world.ioffice.desk.clerk = Clerk(())  # drafts lie there unsigned
        submit(world, 8)
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


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_among_the_drafts_it_goes_on_where_it_stopped(syncd: Caller, world: World, sign: signal.Signals) -> None:
    office = world.ioffice
    handed_over, before = office.counts()["SendDossierDocument"], office.counts()["GetDocumentStatus"]
    command = [sys.executable, "-m", "syncd", "--config", str(world.config), "reconcile", "--target", "ioffice", "--full", "--json"]
    environment = {**os.environ, "SYNCD__RECONCILE__BUDGET": "120", "SYNCD__RECONCILE__WORKERS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        wait_for(lambda: office.counts()["GetDocumentStatus"] - before >= 2)
        process.send_signal(sign)
        process.communicate()
    assert process.returncode == (-sign if sign is signal.SIGKILL else exits.FAILED)
    shown = syncd("reconcile", "--target", "ioffice", "--full", "--json")
    part = shown.json["targets"]["ioffice"]
    assert (shown.code, part["run"], part["state"], part["drift"]) == (exits.DONE, 1, "done", [])
    assert part["asked"] == part["checked"] == len(waiting(world, "ioffice")) > 5
    assert part["checked"] <= office.counts()["GetDocumentStatus"] - before <= part["checked"] + 1, "about nobody twice but who was in flight"
    assert office.counts()["SendDossierDocument"] == handed_over

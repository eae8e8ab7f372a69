"""What a person orders: it is said, rehearsed, done and audited."""

from __future__ import annotations

import sqlite3

import pytest

from syncd.cli import exits
from syncd.sandbox.world import World
from syncd.store.board import Board
from syncd.store.database import open_database
from tests.cli.calling import Caller, Result

pytestmark = pytest.mark.usefixtures("delivered")


@pytest.fixture
def spoilt(syncd: Caller, world: World) -> str:
    """The id of a dead letter."""
    next(change for change in (world.life.spoil(number) for number in range(1, 26)) if change.code in world.portal.holdings.records())
    assert syncd("run", "--once").code == exits.FAILED
    return str(syncd("dead", "list", "--json").json[0]["id"])


def test_a_dead_letter_says_what_to_do(syncd: Caller, spoilt: str) -> None:
    letter = syncd("dead", "list", "--json").json[0]
    assert set(letter) >= {"id", "target", "dossier", "since", "attempts", "error"}
    assert set(letter["error"]) == {"kind", "code", "message", "hint"}
    assert letter["id"] == f"{letter['target']}:{letter['dossier']}"
    assert syncd("dead", "show", spoilt, "--json").json == letter
    shown = syncd("dead", "show", spoilt).out
    assert letter["error"]["message"] in shown
    assert f"syncd dead retry {spoilt}" in shown
    assert spoilt in syncd("dead", "list", "--target", "dvcqg").out


def test_dead_letters_are_retried_and_discarded(syncd: Caller, spoilt: str) -> None:
    assert syncd("dead", "retry", spoilt, "--dry-run").out == "1 dead letters would be due now.\n"
    assert syncd("dead", "retry", "--all").out == "1 dead letters are due now.\n"
    assert syncd("status", "--json").json["targets"]["dvcqg"]["due"] == 1
    syncd("run", "--once")
    assert syncd("dead", "discard", spoilt, "--reason", "double entry", "--dry-run").code == exits.DONE
    assert len(syncd("dead", "list", "--json").json) == 1
    assert syncd("dead", "discard", spoilt, "--reason", "double entry").code == exits.DONE
    assert syncd("dead", "list", "--json").json == []
    story = syncd("show", spoilt.partition(":")[2])
    assert "double entry" in story.out


@pytest.mark.parametrize("which", [(), ("--all", "--target", "dvcqg"), ("dvcqg:H03-1", "--all")])
def test_which_letters_to_retry_must_be_said_once(syncd: Caller, which: tuple[str, ...]) -> None:
    assert syncd("dead", "retry", *which).code == exits.USAGE


def test_a_target_is_paused_and_resumed(syncd: Caller) -> None:
    assert syncd("target", "pause", "dvcqg", "--dry-run").out == "dvcqg would be paused.\n"
    assert syncd("target", "pause", "dvcqg", "--reason", "maintenance").out == "dvcqg is paused.\n"
    assert syncd("target", "pause", "dvcqg").out == "dvcqg is paused already.\n"
    listed = syncd("target", "list", "--json").json[0]
    assert (listed["paused"], listed["reason"]) == (True, "maintenance")
    assert syncd("target", "resume", "dvcqg", "--dry-run").out == "dvcqg would be resumed.\n"
    assert syncd("target", "resume", "dvcqg").out == "dvcqg is resumed.\n"
    assert syncd("target", "resume", "dvcqg").out == "dvcqg is not paused.\n"


def test_a_resync_sends_records_again_and_no_step(syncd: Caller, world: World) -> None:
    code = next(iter(world.portal.holdings.records()))
    steps = world.portal.holdings.count()[1]
    before = world.portal.counts()
    assert syncd("resync", code, "--target", "dvcqg", "--dry-run").out == "1 dossiers would go to dvcqg again.\n"
    assert syncd("resync", code).out == "1 dossiers go to dvcqg again.\n"
    assert syncd("preview", code, "--json").json["due"]
    syncd("run", "--once")
    assert world.portal.counts()["DongBoHoSoMC"] == before["DongBoHoSoMC"] + 1
    assert world.portal.holdings.count()[1] == steps


def test_a_resync_of_many_is_chosen_by_time_status_or_all(syncd: Caller) -> None:
    everything = syncd("status", "--json").json["source"]["dossiers"]
    assert syncd("resync", "--since", "1h", "--dry-run").out.startswith(f"{everything} ")
    assert syncd("resync", "--all").out.startswith(f"{everything} ")
    assert syncd("resync", "--status", "returned", "--since", "2020-01-01", "--dry-run").code == exits.DONE


@pytest.mark.parametrize("which", [(), ("--all", "--since", "1h"), ("H03-1", "--all"), ("--status", "lost")])
def test_what_to_send_again_must_be_said_clearly(syncd: Caller, which: tuple[str, ...]) -> None:
    assert syncd("resync", *which).code == exits.USAGE


def test_there_is_nothing_to_accept_in_a_source_that_is_trusted(syncd: Caller, delivered: Result) -> None:
    assert "nothing to accept" in syncd("source", "accept").out


def test_a_suspicious_source_is_shown_and_accepted(syncd: Caller, world: World) -> None:
    database = open_database(f"sqlite:///{world.folder}/state.db")
    Board(database).note_source(suspicion="9 known dossiers changed at once (more than 5)")
    database.close()
    assert "9 known dossiers" in syncd("status").out
    assert syncd("status", "--check").code == exits.FAILED
    assert "would" in syncd("source", "accept", "--dry-run").out
    assert "takes everything in" in syncd("source", "accept").out
    assert syncd("status", "--check").code == exits.DONE


def leased(world: World, state: str) -> str:
    """A dossier, made one that is being delivered or no longer is."""
    with sqlite3.connect(world.folder / "state.db") as connection:
        code: str = connection.execute("SELECT min(subject) FROM ledger").fetchone()[0]
        connection.execute("UPDATE ledger SET state = ? WHERE subject = ?", (state, code))
    connection.close()
    return code


def test_a_dossier_that_is_being_delivered_is_waited_for(syncd: Caller, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    code = leased(world, "leased")
    monkeypatch.setattr("syncd.cli.resync.time.sleep", lambda _seconds: leased(world, "idle"))
    assert syncd("resync", code) == (exits.DONE, "1 dossiers go to dvcqg again.\n", "")


def test_a_dossier_that_stays_busy_is_named(syncd: Caller, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    code = leased(world, "leased")
    monkeypatch.setattr("syncd.cli.resync._PATIENCE", 0)
    shown = syncd("resync", code)
    assert shown.code == exits.FAILED
    assert code in shown.err
    assert code in syncd("resync", code, "--dry-run").err


def test_with_several_targets_one_must_be_named(syncd: Caller, world: World) -> None:
    text = world.config.read_text("utf-8")
    world.config.write_text(text + text[text.index("[targets.dvcqg]") :].replace("[targets.dvcqg]", "[targets.second]\nenabled = false"), "utf-8")
    shown = syncd("resync", "--all")
    assert shown.code == exits.USAGE
    assert "dvcqg|second" in shown.err
    assert [(each["name"], each["enabled"]) for each in syncd("target", "list", "--json").json] == [("dvcqg", True), ("second", False)]
    assert "switched off" in syncd("target", "list").out


def test_steps_whose_answer_was_lost_are_taken_as_arrived(syncd: Caller, world: World, spoilt: str) -> None:
    refused = syncd("dead", "arrived", spoilt, "--reason", "seen on the portal")
    assert refused.code == exits.NOT_FOUND
    with sqlite3.connect(world.folder / "state.db") as state:
        state.execute("UPDATE ledger SET error_code = 'unknown_twice' WHERE state = 'dead'")
    state.close()
    assert "would go on" in syncd("dead", "arrived", spoilt, "--reason", "seen on the portal", "--dry-run").out
    assert syncd("dead", "arrived", spoilt, "--reason", "seen on the portal").code == exits.DONE
    assert "seen on the portal" in syncd("show", spoilt.partition(":")[2]).out

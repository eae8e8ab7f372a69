"""What a person or a script reads, after one pass over a small one-stop."""

from __future__ import annotations

import csv
import io
import signal
import sqlite3
import subprocess
import sys
from datetime import datetime

import msgspec
import pytest
from sqlalchemy import text

from syncd.cli import exits
from syncd.sandbox.world import World
from tests.cli.calling import Caller, Result, process

FILLED = pytest.mark.usefixtures("delivered")


@pytest.fixture
def code(world: World, delivered: Result) -> str:
    """A dossier with steps that the portal has."""
    assert delivered.code == exits.DONE
    return next(code for code in sorted(world.portal.holdings.records()) if world.portal.holdings.steps(code))


@FILLED
def test_status_has_the_documented_shape(syncd: Caller, world: World) -> None:
    shown = syncd("status", "--json")
    assert (shown.code, shown.err) == (exits.DONE, "")
    status = shown.json
    assert datetime.fromisoformat(status["at"]).utcoffset() is not None
    assert set(status) >= {"at", "node", "source", "targets"}
    assert set(status["source"]) >= {"cursor", "last_poll", "last_sweep", "lag_seconds", "dossiers"}
    portal = status["targets"]["dvcqg"]
    assert set(portal) >= {"due", "leased", "dead", "in_sync", "oldest_due_seconds", "breaker", "paused", "last_success"}
    assert (portal["due"], portal["leased"], portal["dead"]) == (0, 0, 0)
    assert portal["in_sync"] == status["source"]["dossiers"] == world.compare().dossiers + world.compare().filed


@FILLED
def test_status_is_told_to_people_in_their_language(syncd: Caller) -> None:
    assert "in sync" in syncd("status").out
    assert "đã khớp" in syncd("--lang", "vi", "status").out


@FILLED
def test_status_can_watch(syncd: Caller, world: World) -> None:
    assert syncd("status", "--check").code == exits.DONE
    spoilt = next(change for change in (world.life.spoil(number) for number in range(1, 26)) if change.code in world.portal.holdings.records())
    assert syncd("run", "--once").code == exits.FAILED
    assert syncd("status", "--check").code == exits.FAILED
    assert syncd("dead", "list", "--json").json[0]["dossier"] == spoilt.code


def test_asking_leaves_no_state_behind(syncd: Caller, world: World) -> None:
    shown = syncd("status")
    assert (shown.code, shown.out) == (exits.FAILED, "")
    assert "syncd run" in shown.err
    assert not (world.folder / "state.db").exists()


def test_a_story_has_the_documented_shape_and_nobody_in_it(syncd: Caller, world: World, code: str) -> None:
    story = syncd("show", code, "--json").json
    assert story["dossier"] == code
    assert [event["kind"] for event in story["events"]][:2] == ["change", "attempt"]
    assert all(set(event) == {"at", "kind", "target", "outcome", "detail"} for event in story["events"])
    assert story["targets"]["dvcqg"]["state"] == "idle"
    owner = world.portal.holdings.records()[code]["ChuHoSo"]
    assert owner not in syncd("show", code, "--json").out
    assert owner not in syncd("show", code).out
    assert owner in syncd("show", code, "--reveal").out
    assert owner in syncd("show", code, "--reveal", "--json").out


def test_whoever_has_personal_data_shown_leaves_a_row(syncd: Caller, world: World, delivered: Result) -> None:
    code = next(iter(world.portal.holdings.records()))
    with sqlite3.connect(world.folder / "state.db") as state:
        syncd("show", code)
        assert state.execute("SELECT count(*) FROM audit").fetchone() == (0,)
        syncd("show", code, "--reveal")
        assert state.execute("SELECT action, detail FROM audit").fetchall() == [("reveal", code)]


@FILLED
@pytest.mark.parametrize(
    "command",
    [("show", "nowhere"), ("preview", "nowhere"), ("dead", "show", "dvcqg:nowhere"), ("dead", "retry", "dvcqg:nowhere"), ("target", "pause", "nowhere")],
)
def test_what_is_not_known_is_not_found(syncd: Caller, command: tuple[str, ...]) -> None:
    shown = syncd(*command)
    assert (shown.code, shown.out) == (exits.NOT_FOUND, "")
    assert "nowhere" in shown.err


def test_a_preview_of_what_is_not_due_shows_what_a_resync_would_send(syncd: Caller, code: str) -> None:
    seen = syncd("preview", code, "--target", "dvcqg", "--json").json
    assert (seen["target"], seen["operation"], seen["due"]) == ("dvcqg", "update", False)
    assert [call["service"] for call in seen["calls"]] == ["DongBoHoSoMC"]
    assert seen["calls"][0]["body"]["data"][0]["MaHoSo"] == code
    assert "resync" in syncd("preview", code).out


def test_a_preview_is_what_is_sent(syncd: Caller, world: World, code: str) -> None:
    syncd("target", "pause", "dvcqg")
    world.life.edit(_key(world, code), "note")
    syncd("run", "--once")
    previewed = syncd("preview", code, "--json").json
    syncd("target", "resume", "dvcqg")
    before = len(world.portal.calls())
    syncd("run", "--once")
    sent = [call for call in world.portal.calls()[before:] if code in msgspec.json.encode(call.body).decode()]
    assert previewed["due"]
    assert [{**call.body, "session": ""} for call in sent] == [{**call["body"], "session": ""} for call in previewed["calls"]]


def _key(world: World, code: str) -> int:
    with world.engine.connect() as connection:
        return int(connection.execute(text("SELECT dossierId FROM opencps_dossier WHERE dossierNo = :code"), {"code": code}).scalar_one())


def test_an_unmappable_dossier_names_its_fields(syncd: Caller, world: World, code: str) -> None:
    world.life.spoil(_key(world, code), "agency")
    syncd("run", "--once")
    shown = syncd("preview", code)
    assert shown.code == exits.FAILED
    assert "DonViXuLy" in shown.err


def test_the_log_shows_attempts_newest_last(syncd: Caller, code: str) -> None:
    lines = syncd("log", "--dossier", code, "--json").json
    assert [line["operation"] for line in lines][:2] == ["create", "steps"]
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert len(syncd("log", "--limit", "3", "--json").json) == 3
    assert syncd("log", "--outcome", "rejected", "--json").json == []
    assert syncd("log", "--since", "2h", "--target", "dvcqg", "--limit", "1000", "--json").json == syncd("log", "--limit", "1000", "--json").json
    assert code in syncd("log", "--dossier", code).out


def test_the_log_is_written_as_comma_separated_values_whole(syncd: Caller, code: str) -> None:
    rows = list(csv.DictReader(io.StringIO(syncd("log", "--csv", "--limit", "1").out)))
    assert len(rows) == len(syncd("log", "--limit", "1000", "--json").json)
    assert code in {row["dossier"] for row in rows}
    assert all(row["at"].endswith("+07:00") for row in rows)


def test_the_log_can_be_followed(syncd: Caller, world: World, code: str) -> None:
    command = [sys.executable, "-m", "syncd", "--config", str(world.config), "log", "--follow", "--json", "--limit", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        try:
            assert following.stdout is not None
            first = msgspec.json.decode(following.stdout.readline())
            world.life.edit(_key(world, code), "note")
            assert syncd("run", "--once").code == exits.DONE
            second = msgspec.json.decode(following.stdout.readline())
        finally:
            following.send_signal(signal.SIGINT)
        assert following.wait() == exits.DONE
    assert (second["dossier"], second["operation"]) == (code, "update")
    assert second["id"] > first["id"]


@FILLED
def test_nothing_dead_is_an_empty_list(syncd: Caller) -> None:
    assert syncd("dead", "list", "--json").json == []
    assert syncd("dead", "list").out == "There are no dead letters.\n"


@FILLED
def test_targets_are_listed_and_probed(syncd: Caller, world: World) -> None:
    assert syncd("target", "list", "--json").json[0]["name"] == "dvcqg"
    assert "dvcqg" in syncd("target", "list").out
    assert syncd("target", "probe", "dvcqg", "--json").json["outcome"] == "delivered"
    assert syncd("target", "probe", "dvcqg").code == exits.DONE
    world.portal.close()
    gone = syncd("target", "probe", "dvcqg")
    assert gone.code == exits.FAILED
    assert "unavailable" in gone.out


@FILLED
def test_standard_output_is_pure_json_in_a_process_of_its_own(world: World) -> None:
    ended = process("--config", str(world.config), "--lang", "vi", "status", "--json")
    assert (ended.returncode, ended.stderr) == (exits.DONE, "")
    assert "targets" in msgspec.json.decode(ended.stdout)


@FILLED
def test_a_question_imports_nothing_it_does_not_need(world: World) -> None:
    heavy = ("alembic", "apscheduler", "rich", "zeep", "structlog", "prometheus_client")
    called = f"call(['--config', {str(world.config)!r}, 'status'])"
    program = f"import sys; from syncd.cli.main import call; {called}; print([name for name in {heavy} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"

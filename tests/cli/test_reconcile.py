"""`syncd reconcile` on a small sandbox, after one pass."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from lxml import etree
from sqlalchemy import text

from syncd.cli import exits, lang, reconcile_words
from syncd.cli.reconcile_run import _dead
from syncd.cli.reconcile_values import Reconciled
from syncd.sandbox.damage import Damage
from syncd.sandbox.world import World
from syncd.store.database import open_database
from syncd.store.single import Single
from tests.cli import figures
from tests.cli.calling import Caller, process
from tests.cli.reconcile_schema import document, schema
from tests.waiting import wait_for

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "reconcile.schema.json"
VALID = Draft202012Validator(schema())

pytestmark = pytest.mark.usefixtures("telling", "delivered")


@pytest.fixture
def telling(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The portal tells all it holds, as often as it is asked."""
    monkeypatch.setenv("SYNCD__RECONCILE__BUDGET", "0")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "world"
    folder.mkdir()
    with World(folder, dossiers=25, lookup="full") as world:
        yield world


@pytest.fixture
def damage(world: World) -> Damage:
    return Damage(world.portal.holdings, Random(3))


def told(result: Any) -> Any:
    """The part of dvcqg in a document that is valid."""
    VALID.validate(result.json)
    msgspec.json.decode(result.out, type=Reconciled)
    return result.json["targets"]["dvcqg"]


def drift(part: Any) -> dict[str, str]:
    return {each["dossier"]: each["kind"] for each in part["drift"]}


def audit(world: World) -> list[tuple[str, str]]:
    with sqlite3.connect(world.folder / "state.db") as state:
        rows = state.execute("SELECT action, who FROM audit").fetchall()
    state.close()
    return rows


def order(world: World, statement: str) -> None:
    with sqlite3.connect(world.folder / "state.db") as state:
        state.execute(statement)
    state.close()


def test_the_schema_in_the_documents_is_that_of_the_answer() -> None:
    assert SCHEMA.read_text("utf-8") == document(), "make it anew: python -m tests.cli.reconcile_schema > docs/schemas/reconcile.schema.json"
    Draft202012Validator.check_schema(schema())


def test_where_nothing_differs_the_exit_code_says_so(syncd: Caller, world: World) -> None:
    shown = syncd("reconcile", "--full", "--json")
    part = told(shown)
    assert (shown.code, part["drift"], part["repaired"], part["state"]) == (exits.DONE, [], 0, "done")
    assert part["checked"] == part["in_sync"] == part["asked"] > 0
    assert part["listed"]
    assert ("reconcile", part["who"]) in audit(world)
    table = syncd("reconcile", "--target", "dvcqg")
    assert table.code == exits.DONE
    assert "in sync" in table.out


def test_every_injury_is_named_repaired_and_verified(syncd: Caller, world: World, damage: Damage, monkeypatch: pytest.MonkeyPatch) -> None:
    blows = damage.all()
    shown = syncd("reconcile", "--full", "--json")
    assert shown.code == exits.DRIFT
    assert drift(told(shown)) == {blow.dossier: blow.drift for blow in blows}

    preview = syncd("reconcile", "--full", "--repair", "--dry-run")
    assert preview.code == exits.DRIFT
    assert "5 dossiers would be made due again." in preview.out
    assert "instead of" in preview.out
    assert syncd("status", "--json").json["targets"]["dvcqg"]["due"] == 0

    repaired = syncd("reconcile", "--full", "--repair", "--verify", "--json")
    part = told(repaired)
    assert repaired.code == exits.DRIFT
    became = {each["dossier"]: each["became"] for each in part["drift"]}
    assert became == {blow.dossier: {"plant": "", "double_step": "cannot"}.get(blow.kind, "resolved") for blow in blows}
    assert part["left"] == {"missing": 0, "stale": 0, "steps": 1, "extra": 1, "unknown": 0}
    assert part["repaired"] == 4
    assert "reconcile repair" in {action for action, _ in audit(world)}

    again = told(syncd("reconcile", "--full", "--json"))
    assert drift(again) == {blow.dossier: blow.drift for blow in blows if blow.kind in ("plant", "double_step")}


def test_a_repair_without_verify_leaves_the_sending_to_the_daemon(syncd: Caller, damage: Damage) -> None:
    blow = damage.delete()
    shown = syncd("reconcile", "--full", "--repair")
    assert shown.code == exits.DRIFT
    assert "1 dossiers were made due again." in shown.out
    assert "made due" in shown.out
    assert syncd("status", "--json").json["targets"]["dvcqg"]["due"] == 1
    syncd("run", "--once")
    assert blow.dossier not in drift(told(syncd("reconcile", "--full", "--json")))


def test_where_a_daemon_runs_it_is_waited_for(syncd: Caller, world: World, damage: Damage, monkeypatch: pytest.MonkeyPatch) -> None:
    damage.delete()
    monkeypatch.setattr("syncd.cli.reconcile_run.PATIENCE", 0.0)
    database = open_database(f"sqlite:///{world.folder}/state.db")
    node = next(line for line in world.config.read_text("utf-8").splitlines() if line.startswith("node")).partition('"')[2].strip('"')
    with Single(database, node):
        part = told(syncd("reconcile", "--full", "--repair", "--verify", "--json"))
    database.close()
    assert [each["became"] for each in part["drift"]] == ["persists"]


def test_what_the_ledger_knows_to_have_changed_is_previewed(syncd: Caller, world: World) -> None:
    syncd("target", "pause", "dvcqg")
    world.life.move(5)
    syncd("run", "--once")
    shown = syncd("reconcile", "--repair", "--dry-run", "--json")
    stale = [each for each in told(shown)["drift"] if each["kind"] == "stale"]
    assert stale
    assert all(each["detail"].get("fields") or each["detail"]["changed"] for each in stale)


def test_runs_are_listed_and_shown(syncd: Caller, damage: Damage) -> None:
    blow = damage.alter()
    syncd("reconcile", "--full", "--since", "2000-01-01", "--until", "2100-01-01")
    listed = syncd("reconcile", "list", "--json").json
    assert [(each["run"], each["state"], each["left"]["stale"]) for each in listed] == [(1, "done", 1)]
    assert "dvcqg" in syncd("reconcile", "list", "--target", "dvcqg").out
    shown = syncd("reconcile", "show", "1")
    assert shown.code == exits.DONE
    for part in ("received from 2000-01-01", "received before 2100-01-01", "SHA-256", blow.dossier):
        assert part in shown.out
    assert drift(told(syncd("reconcile", "show", "1", "--json"))) == {blow.dossier: "stale"}
    assert syncd("reconcile", "show", "9").code == exits.NOT_FOUND
    assert syncd("reconcile", "list", "--target", "nowhere").code == exits.NOT_FOUND


def test_a_change_of_the_evidence_is_noticed(syncd: Caller, world: World, damage: Damage) -> None:
    damage.alter()
    syncd("reconcile", "--full")
    sound = syncd("reconcile", "show", "1", "--check")
    assert (sound.code, "as it was sealed" in sound.err) == (exits.DONE, True)
    order(world, "UPDATE finding SET became = 'resolved'")
    spoilt = syncd("reconcile", "show", "1", "--check", "--json")
    assert (spoilt.code, "was changed" in spoilt.err) == (exits.FAILED, True)
    told(spoilt)


def names(world: World) -> set[str]:
    with world.engine.connect() as connection:
        return set(connection.execute(text("SELECT applicantName FROM opencps_applicant")).scalars())


def test_the_evidence_goes_to_a_table_and_to_a_page_without_any_name(syncd: Caller, world: World, damage: Damage, tmp_path: Path) -> None:
    blows = damage.all()
    table, page = tmp_path / "drift.csv", tmp_path / "drift.html"
    shown = syncd("reconcile", "--full", "--csv", str(table), "--html", str(page))
    assert str(table) in shown.err
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["dossier"]: row["kind"] for row in rows} == {blow.dossier: blow.drift for blow in blows}
    written = page.read_text("utf-8")
    etree.fromstring(written.encode(), etree.HTMLParser())
    run = told(syncd("reconcile", "show", "1", "--json"))
    assert run["seal"] in written
    assert "UBND" in written or "Sở" in written, "agencies by their names"
    for text_of in (written, table.read_text("utf-8-sig")):
        assert [name for name in names(world) if name in text_of] == []
    on_output = syncd("reconcile", "show", "1", "--csv", "-")
    assert on_output.out.splitlines()[0] == "run,target,dossier,agency,month,kind,detail,became"
    assert syncd("reconcile", "show", "1", "--html", str(tmp_path / "no" / "where.html")).code == exits.FAILED


def test_a_cell_is_never_a_formula(syncd: Caller, world: World) -> None:
    order(world, "INSERT INTO run (id, target, who, began_at, state, scope, position, counts, seal) VALUES (7, 'dvcqg', 'x', 0, 'done', '{}', 0, '{}', '')")
    order(world, "INSERT INTO finding (run, dossier, kind, agency, month, detail, became) VALUES (7, '=1+1', 'extra', '', '', '{}', '')")
    assert "'=1+1" in syncd("reconcile", "show", "7", "--csv", "-").out


def test_a_portal_that_is_down_leaves_it_open_and_the_run_goes_on_afterwards(syncd: Caller, world: World) -> None:
    world.config.write_text(world.config.read_text("utf-8").replace(world.portal.adapter_url, "http://127.0.0.1:9/"), "utf-8")
    shown = syncd("reconcile", "--full", "--json")
    part = told(shown)
    assert shown.code == exits.FAILED
    assert "does not answer" in part["error"]
    assert part["state"] == "comparing"
    assert "does not answer" in syncd("reconcile", "--full").out


def test_a_one_stop_that_is_away_or_not_itself_is_told(syncd: Caller, world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(text("DELETE FROM opencps_dossier"))
    shown = syncd("reconcile", "--json")
    assert (shown.code, told(shown)["state"]) == (exits.FAILED, "stopped")
    assert "no dossier" in told(shown)["error"]
    assert syncd("reconcile", "--force", "--json").code == exits.DRIFT


@pytest.mark.parametrize(
    "given",
    [
        ("--verify",),
        ("--json", "--csv", "-"),
        ("--full", "list"),
    ],
)
def test_mistakes_of_use(syncd: Caller, given: tuple[str, ...]) -> None:
    assert syncd("reconcile", *given).code == exits.USAGE
    assert syncd("reconcile", "show", "1", "--json", "--csv", "-").code == exits.USAGE
    assert syncd("reconcile", "--target", "nowhere").code == exits.NOT_FOUND


def test_where_no_target_takes_anything_there_is_nothing_to_do(syncd: Caller, world: World) -> None:
    world.config.write_text(world.config.read_text("utf-8").replace("[targets.dvcqg]", "[targets.dvcqg]\nenabled = false"), "utf-8")
    assert syncd("reconcile").code == exits.USAGE


def test_a_target_that_takes_neither_dossiers_nor_drafts_cannot_be_compared(world: World, tmp_path: Path) -> None:
    figures.install(tmp_path)
    with world.config.open("a", encoding="utf-8") as config:
        config.write('\n[targets.ministry]\nconnector = "figures"\n')
    order = partial(process, "--config", str(world.config), "reconcile", "--json", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    named = order("--target", "ministry")
    assert (named.returncode, named.stdout) == (exits.USAGE, "")
    assert "ministry takes neither dossiers nor drafts" in named.stderr
    every = order()
    assert (every.returncode, list(json.loads(every.stdout)["targets"])) == (exits.DONE, ["dvcqg"]), "the others are compared as ever"


def test_a_second_one_of_the_same_target_is_refused(syncd: Caller, world: World) -> None:
    syncd("reconcile")
    order(world, "UPDATE lease SET until = 2305843009213693952, holder = 'elsewhere' WHERE name = 'reconcile:dvcqg'")
    shown = syncd("reconcile")
    assert shown.code == exits.FAILED
    assert "elsewhere" in shown.err


def test_a_command_that_was_killed_holds_nobody_up() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert _dead(f"n#{ended.pid}", "n")
    assert not _dead(f"n#{os.getpid()}", "n")
    assert not _dead("n#1", "n")
    assert not _dead(f"m#{ended.pid}", "n")
    assert not _dead("n", "n")


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_it_goes_on_where_it_stopped(syncd: Caller, world: World, sign: signal.Signals) -> None:
    seen: list[int] = []
    slow = [sys.executable, "-m", "syncd", "--config", str(world.config), "reconcile", "--full", "--json"]
    before = world.portal.counts()["TraCuuHoSo"]
    environment = {**os.environ, "SYNCD__RECONCILE__BUDGET": "600", "SYNCD__RECONCILE__WORKERS": "1"}
    with subprocess.Popen(slow, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        wait_for(lambda: world.portal.counts()["TraCuuHoSo"] - before >= 5)
        process.send_signal(sign)
        out, err = process.communicate()
    assert process.returncode == (-sign if sign is signal.SIGKILL else exits.FAILED)
    if sign is not signal.SIGKILL:
        assert "the same command goes on from there" in err
        assert json.loads(out)["targets"]["dvcqg"]["state"] == "comparing"
    seen.append(world.portal.counts()["TraCuuHoSo"] - before)
    part = told(syncd("reconcile", "--full", "--json"))
    assert (part["run"], part["state"], part["drift"]) == (1, "done", [])
    asked = world.portal.counts()["TraCuuHoSo"] - before
    assert part["checked"] <= asked <= part["checked"] + 1, "nobody twice but who was in flight"


def test_it_speaks_vietnamese(syncd: Caller, damage: Damage) -> None:
    damage.all()
    shown = syncd("--lang", "vi", "reconcile", "--full", "--repair")
    assert "thiếu" in shown.out
    assert "would" not in shown.out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "–"),
        ({"fields": {"note": {"expected": "", "found": "x"}}}, "note: x instead of –"),
        ({"missing": 2, "doubled": 1, "foreign": 3}, "2 steps are not there; 1 steps are there twice; 3 steps are none of ours"),
        ({"ledger": "dead", "error_code": "invalid:note"}, "waits in the ledger for a person; invalid:note"),
        ({"ledger": "none"}, "no row in the ledger"),
        ({"ledger": "idle", "unsent": 2}, "the ledger holds it as sent; 2 steps are unsent"),
        ({"ledger": "due", "changed": ["note"]}, "waits in the ledger; changed since: note"),
        ({"target": "does not have it"}, "the target does not have it"),
        ({"source": "does not know it"}, "the one-stop does not know it"),
        ({"source": "has taken it back"}, "the one-stop has taken it back"),
        ({"outcome": "unavailable", "error": "reset"}, "unavailable; reset"),
    ],
)
def test_what_differs_is_said_in_words(given: dict[str, Any], said: str) -> None:
    assert reconcile_words.detail(given) == said
    with lang.speaking("vi"):
        assert given == {} or reconcile_words.detail(given) != ""


def test_what_became_of_a_difference_is_said_in_words() -> None:
    assert [reconcile_words.became(word) for word in ("", "due", "cannot")] == ["–", "made due", "cannot be repaired"]

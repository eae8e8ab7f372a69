"""Configuration, state, keys, mappings, and the doctor that looks at all of them."""

from __future__ import annotations

import sqlite3
import tomllib
from pathlib import Path

import pytest
from sqlalchemy import URL, text

from syncd.cli import doctor, exits
from syncd.sandbox.onestop import build, connect
from syncd.sandbox.world import World
from syncd.store.schema import VERSION
from tests.cli.calling import Caller, Result


def test_the_example_is_a_configuration(bare: Caller, tmp_path: Path) -> None:
    shown = bare("config", "example")
    assert {"daemon", "source", "targets"} <= set(tomllib.loads(shown.out))


def test_a_configuration_is_checked(syncd: Caller, world: World) -> None:
    shown = syncd("config", "check")
    assert (shown.code, shown.out) == (exits.DONE, f"{world.config} can be used.\n")
    assert syncd("config", "check", "--json").json == {"file": str(world.config), "usable": True, "problems": [], "warnings": []}


def test_an_inline_secret_is_a_warning(syncd: Caller, world: World) -> None:
    world.config.write_text(world.config.read_text("utf-8").replace(f'password_file = "{world.folder}/portal.password"', 'password = "sandbox"'), "utf-8")
    checked = syncd("config", "check", "--json")
    assert checked.code == exits.DONE
    assert checked.json["warnings"][0]["field"] == "targets.dvcqg.password"
    assert "warning: targets.dvcqg.password" in syncd("config", "check").out


def test_a_broken_configuration_is_told_as_json_too(syncd: Caller, world: World) -> None:
    world.config.write_text(world.config.read_text("utf-8").replace('poll = "1s"', 'poll = "often"\nquick = true'), "utf-8")
    checked = syncd("config", "check", "--json")
    assert (checked.code, checked.json["usable"]) == (exits.CONFIGURATION, False)
    assert {problem["field"] for problem in checked.json["problems"]} == {"source.poll", "source.quick"}


def test_without_a_file_the_check_says_so(bare: Caller) -> None:
    checked = bare("config", "check", "--json")
    assert (checked.code, checked.json["file"]) == (exits.CONFIGURATION, None)
    assert "error: --config" in bare("config", "check").out


@pytest.mark.parametrize("text", ["a = [", None])
def test_a_file_that_cannot_be_read_is_told_as_json_too(bare: Caller, tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "own.toml").write_text(text, "utf-8")
    checked = bare("--config", "own.toml", "config", "check", "--json")
    assert (checked.code, checked.json["usable"], checked.json["problems"][0]["field"]) == (exits.CONFIGURATION, False, "own.toml")


def test_settings_are_shown_with_their_secrets_masked(syncd: Caller, world: World) -> None:
    shown = syncd("config", "show")
    assert 'source.poll = "1s"' in shown.out
    assert 'targets.dvcqg.password = "********"' in shown.out
    assert world.portal.terms.password not in syncd("config", "show", "--json").out.replace(str(world.folder), "")


def test_the_state_is_laid_out_and_checked(syncd: Caller, world: World) -> None:
    assert syncd("db", "check", "--json").json["usable"] is False
    assert syncd("db", "check").code == exits.FAILED
    assert "needs" in syncd("db", "upgrade", "--dry-run").out
    assert syncd("db", "check").code == exits.FAILED
    assert syncd("db", "upgrade").code == exits.DONE
    assert syncd("db", "check").code == exits.DONE


@pytest.mark.parametrize("question", [("db", "check"), ("db", "upgrade", "--dry-run")])
def test_asking_for_the_schema_leaves_no_state_behind(syncd: Caller, world: World, question: tuple[str, ...]) -> None:
    syncd(*question)
    assert not (world.folder / "state.db").exists()


def test_a_key_is_made_once_and_rotated(syncd: Caller, world: World) -> None:
    path = world.folder / "payload.key"
    assert syncd("key", "new", "--dry-run").code == exits.DONE
    assert not path.exists()
    assert syncd("key", "new").code == exits.DONE
    assert path.stat().st_mode & 0o777 == 0o600
    first = path.read_text("ascii")
    again = syncd("key", "new")
    assert (again.code, path.read_text("ascii")) == (exits.FAILED, first)
    assert "syncd key rotate" in again.err
    assert "would have 2 keys" in syncd("key", "rotate", "--dry-run").out
    assert path.read_text("ascii") == first
    assert "2 keys" in syncd("key", "rotate").out
    assert path.read_text("ascii").endswith(first)


def test_what_an_old_key_sealed_can_still_be_read(syncd: Caller, world: World, delivered: Result) -> None:
    assert syncd("key", "rotate").err == ""
    code = next(iter(world.portal.holdings.records()))
    assert syncd("show", code, "--reveal").code == exits.DONE


def test_a_key_that_cannot_be_written_says_why(syncd: Caller, world: World) -> None:
    world.config.write_text(world.config.read_text("utf-8").replace("payload.key", "nowhere/payload.key"), "utf-8")
    shown = syncd("key", "new")
    assert shown.code == exits.FAILED
    assert "nowhere/payload.key" in shown.err


def test_every_mapping_is_checked(syncd: Caller) -> None:
    names = {found["name"]: found["usable"] for found in syncd("mapping", "check", "--json").json}
    assert set(names) >= {"source", "targets.dvcqg", "mappings/onestop/opencps-v2.toml", "mappings/dvcqg/dvcqg.toml"}
    assert all(names.values())


def test_a_mistake_in_the_administrators_mapping_is_found(syncd: Caller, world: World) -> None:
    own = world.folder / "mappings" / "dvcqg"
    own.mkdir(parents=True)
    (own / "dvcqg.toml").write_text('[mapping]\nname = "dvcqg"\nsurprise = 1\n', "utf-8")
    world.config.write_text(world.config.read_text("utf-8").replace("[daemon]", f'[daemon]\nmappings = "{world.folder}/mappings"'), "utf-8")
    checked = syncd("mapping", "check")
    assert checked.code == exits.CONFIGURATION
    assert "mapping.surprise" in checked.out


@pytest.mark.parametrize("name", ["opencps-v2", "onestop/opencps-v2"])
def test_a_mapping_is_shown(syncd: Caller, name: str) -> None:
    assert tomllib.loads(syncd("mapping", "show", name).out)["mapping"]["name"] == "opencps-v2"
    assert syncd("mapping", "show", name, "--json").json["mapping"]["name"] == "opencps-v2"


def test_a_mapping_nobody_knows_is_not_found(syncd: Caller) -> None:
    shown = syncd("mapping", "show", "nowhere")
    assert shown.code == exits.NOT_FOUND
    assert "onestop/opencps-v2" in shown.err


def test_the_doctor_finds_a_healthy_installation_healthy(syncd: Caller, delivered: Result) -> None:
    shown = syncd("doctor", "--json")
    assert (shown.code, [check["name"] for check in shown.json if not check["ok"]]) == (exits.DONE, [])
    assert {"configuration", "key", "state", "source", "dvcqg"} <= {check["name"] for check in shown.json}


def test_the_doctor_says_of_each_trouble_what_to_do(syncd: Caller, world: World, delivered: Result) -> None:
    world.portal.close()
    (world.folder / "payload.key").chmod(0o644)
    world.engine.dispose()
    (world.folder / "onestop.db").unlink()
    (world.folder / "onestop.db").touch()
    shown = syncd("doctor", "--json")
    assert shown.code == exits.FAILED
    troubled = {check["name"]: check["hint"] for check in shown.json if not check["ok"]}
    assert set(troubled) == {"key", "source", "dvcqg"}
    assert all(troubled.values())
    assert len([line for line in syncd("doctor").out.splitlines() if line.startswith("trouble")]) == 3


def test_the_doctor_names_the_index_that_a_poll_lacks(syncd: Caller, world: World, delivered: Result) -> None:
    with world.engine.begin() as connection:
        names = connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'opencps_dossier' AND sql IS NOT NULL")).all()
        for name in names:
            connection.exec_driver_sql(f'DROP INDEX "{name}"')
    troubled = [check for check in syncd("doctor", "--json").json if not check["ok"]]
    assert {check["message"] for check in troubled} == {"a poll reads the whole table"}
    assert all(check["hint"].startswith("CREATE INDEX") for check in troubled)


def test_the_doctor_says_what_keeps_a_one_stop_from_waking_syncd(syncd: Caller, world: World, delivered: Result, postgresql_url: URL) -> None:
    engine = connect(postgresql_url)
    build(engine, dossiers=1, signing=False)
    address = postgresql_url.render_as_string(hide_password=False)
    config = world.config.read_text("utf-8").replace(f"sqlite:///{world.folder}/onestop.db", address).replace('poll = "1s"', 'poll = "1s"\nwake = "syncd"')
    world.config.write_text(config, "utf-8")
    troubled = [check for check in syncd("doctor", "--json").json if not check["ok"]]
    assert [check["name"] for check in troubled] == ["source wake", "source wake"]
    with engine.begin() as connection:
        connection.exec_driver_sql((Path(__file__).parents[2] / "config/wake/postgresql.sql").read_text("utf-8"))
    engine.dispose()
    assert [check for check in syncd("doctor", "--json").json if not check["ok"]] == []


def test_the_doctor_compares_clocks_with_the_server_of_the_state(syncd: Caller, world: World, postgresql_url: URL) -> None:
    address = postgresql_url.render_as_string(hide_password=False)
    world.config.write_text(world.config.read_text("utf-8").replace(f"sqlite:///{world.folder}/state.db", address), "utf-8")
    names = {check["name"]: check["ok"] for check in syncd("doctor", "--json").json}
    assert names["state clock"] is True
    assert names["state"] is True
    assert names["key"] is True


def test_the_doctor_sees_a_clock_that_is_off_and_a_disk_that_is_filling(syncd: Caller, delivered: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor._clock("state", -3600).hint
    monkeypatch.setattr(doctor, "_ROOM", 1 << 62)
    assert [check["hint"] for check in syncd("doctor", "--json").json if not check["ok"]] == ["make room; a full disk stops everything"]


def test_the_doctor_tells_of_inline_secrets_and_of_mappings_that_do_not_compile(syncd: Caller, world: World, delivered: Result) -> None:
    config = world.config.read_text("utf-8").replace(f'password_file = "{world.folder}/portal.password"', 'password = "sandbox"\nmapping = "nowhere"')
    world.config.write_text(config, "utf-8")
    checks = {check["name"]: check for check in syncd("doctor", "--json").json}
    assert checks["targets.dvcqg.password"]["ok"]
    assert "move it into a file" in checks["targets.dvcqg.password"]["hint"]
    assert "nowhere" in checks["dvcqg"]["message"]


def test_a_state_of_a_newer_syncd_is_told(syncd: Caller, world: World, delivered: Result) -> None:
    with sqlite3.connect(world.folder / "state.db") as state:
        state.execute("UPDATE schema_info SET version = 99, compatible = 99")
    state.close()
    assert f"newer than this syncd knows ({VERSION})" in syncd("db", "check").out
    assert "schema 99" in syncd("status").err


def test_a_key_folder_that_cannot_be_written_to_says_why(syncd: Caller, world: World) -> None:
    syncd("key", "new")
    (world.folder / "payload.key.new").mkdir()
    shown = syncd("key", "rotate")
    assert shown.code == exits.FAILED
    assert "payload.key" in shown.err

"""`syncd node`, and the nodes in `syncd status`, `syncd doctor` and `syncd db upgrade`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import URL, update

from syncd.cli import exits
from syncd.clock import SystemClock
from syncd.sandbox.world import World
from syncd.store import migrations, schema
from syncd.store.board import Board
from syncd.store.database import Database, open_database
from syncd.store.nodes import GONE_AFTER, Nodes
from tests.cli.calling import Caller

MINUTE = timedelta(minutes=1)
CLOCK = SystemClock()


@pytest.fixture
def state(world: World, postgresql_url: URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A state on PostgreSQL that two nodes share; one was last heard of a minute ago, the other has a clock that is off."""
    url = postgresql_url.render_as_string(hide_password=False)
    monkeypatch.setenv("SYNCD__DAEMON__STATE", url)
    database = open_database(url)
    migrations.ensure(database)
    Nodes(database, "hcm-1").enter(CLOCK.now(), 7.5)
    Nodes(database, "hcm-2").enter(CLOCK.now() - MINUTE, 0.0)
    yield database
    database.close()


def test_nodes_are_shown_with_what_they_hold(syncd: Caller, state: Database) -> None:
    Board(state).lease("poll", "hcm-1", CLOCK.now(), MINUTE)
    listed = syncd("node", "list", "--json").json
    assert listed == syncd("status", "--json").json["nodes"]
    assert set(listed[0]) == {"node", "version", "since", "last_seen", "state", "clock_skew_seconds", "leases", "deliveries"}
    assert [(each["node"], each["state"], each["clock_skew_seconds"], each["leases"]) for each in listed] == [
        ("hcm-1", "active", 7.5, ["poll"]),
        ("hcm-2", "gone", 0.0, []),
    ]
    for shown in (syncd("node", "list").out, syncd("status").out):
        assert "+7.5 s" in shown
        assert "poll" in shown
    assert "không còn tín hiệu" in syncd("--lang", "vi", "status").out


def test_a_node_is_drained_and_resumed(syncd: Caller, state: Database) -> None:
    assert syncd("node", "drain", "hcm-1", "--dry-run").out == "hcm-1 would drain.\n"
    assert syncd("node", "resume", "hcm-1").out == "hcm-1 does not drain.\n"
    assert syncd("node", "drain", "hcm-1").out == "hcm-1 drains.\n"
    assert syncd("node", "drain", "hcm-1").out == "hcm-1 drains already.\n"
    assert [each["state"] for each in syncd("node", "list", "--json").json] == ["draining", "gone"]
    assert syncd("node", "resume", "hcm-1").out == "hcm-1 is resumed.\n"
    missing = syncd("node", "drain", "hcm-3")
    assert (missing.code, "hcm-1, hcm-2" in missing.err) == (exits.NOT_FOUND, True)


def test_draining_can_be_waited_for(syncd: Caller, state: Database) -> None:
    Board(state).lease("poll", "hcm-1", CLOCK.now(), timedelta(seconds=3))
    held = syncd("node", "drain", "hcm-1", "--wait", "0s")
    assert (held.code, held.err) == (exits.FAILED, "hcm-1 still holds something.\n")
    assert syncd("node", "drain", "hcm-1", "--wait", "1m").code == exits.DONE
    Board(state).lease("poll", "hcm-2", CLOCK.now(), MINUTE)
    assert syncd("node", "drain", "hcm-2", "--wait", "0s").code == exits.DONE


def test_the_doctor_names_the_node_whose_clock_is_off(syncd: Caller, state: Database) -> None:
    checks = {check["name"]: check["ok"] for check in syncd("doctor", "--json").json if "clock" in check["name"]}
    assert checks == {"state clock": True, "node hcm-1 clock": False}


def test_the_schema_is_not_raised_over_the_head_of_a_node_that_runs(syncd: Caller, state: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    monkeypatch.setattr(schema, "COMPATIBLE", schema.VERSION)
    refused = syncd("db", "upgrade")
    assert refused.code == exits.FAILED
    assert "hcm-1" in refused.err
    assert "hcm-2" not in refused.err
    nodes = Nodes(state, "hcm-1")
    nodes.enter(CLOCK.now() - GONE_AFTER - MINUTE, None)
    assert syncd("db", "upgrade").code == exits.DONE


def test_an_administrator_whose_clock_is_wrong_leaves_no_node_behind_either(syncd: Caller, state: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    monkeypatch.setattr(schema, "COMPATIBLE", schema.VERSION)
    monkeypatch.setattr(SystemClock, "now", lambda _clock: datetime.now(UTC) + timedelta(hours=1))
    refused = syncd("db", "upgrade")
    assert (refused.code, "hcm-1" in refused.err) == (exits.FAILED, True)


def test_an_upgrade_is_finished_when_no_older_node_runs(syncd: Caller, state: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with state.write() as connection:
        connection.execute(update(schema.schema_info).values(compatible=schema.COMPATIBLE))
    monkeypatch.setattr(schema, "COMPACT", schema.VERSION)
    assert syncd("db", "upgrade", "--finish", "--dry-run").code == exits.DONE
    assert not migrations.compact(state)
    with monkeypatch.context() as newer:
        newer.setattr(schema, "VERSION", schema.VERSION + 1)
        assert syncd("db", "upgrade", "--finish").code == exits.FAILED
    assert syncd("db", "upgrade", "--finish").code == exits.DONE
    assert migrations.compact(state)

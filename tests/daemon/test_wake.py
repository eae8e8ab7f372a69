"""A one-stop on PostgreSQL that says when something was committed: it is delivered at once, though polls are an hour apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import URL, Engine, text

from syncd.clock import SystemClock
from syncd.sandbox.life import Life
from syncd.sandbox.onestop import build, connect, portal_codes
from tests.daemon.conftest import Rehearse
from tests.waiting import wait_for

DDL = (Path(__file__).parents[2] / "config/wake/postgresql.sql").read_text("utf-8")
LISTENING = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'"


@pytest.fixture
def onestop(postgresql_url: URL) -> Iterator[Engine]:
    """A one-stop on PostgreSQL whose administrator let it wake syncd."""
    engine = connect(postgresql_url)
    build(engine, dossiers=20, signing=False)
    with engine.begin() as connection:
        connection.exec_driver_sql(DDL)
    yield engine
    engine.dispose()


def test_a_commit_is_delivered_at_once_also_after_the_connection_was_cut(rehearse: Rehearse, onestop: Engine) -> None:
    made = rehearse()
    portal, config = made.world.portal, made.world.config
    portal.file(*portal_codes(onestop))
    address = onestop.url.render_as_string(hide_password=False)
    written = config.read_text("utf-8").replace('poll = "1s"', 'poll = "1h"\nwake = "syncd"')
    config.write_text(re.sub(r'url = "sqlite:[^"]+onestop.db"', lambda _: f'url = "{address}"', written), "utf-8")
    life = Life(onestop, SystemClock(), Random(1), filed=portal.file, signing=False)
    made.start()
    wait_for(lambda: listening(onestop) and made.at_rest())
    for _ in range(2):
        code = life.arrive("counter").code
        wait_for(lambda code=code: portal.holdings.record(code) is not None)  # type: ignore[misc]
    cut(onestop)
    wait_for(lambda: '"event":"wake_restored"' in made.log.read_text())
    code = life.arrive("counter").code
    wait_for(lambda: portal.holdings.record(code) is not None)
    assert made.stop() == 0
    assert [made.log.read_text().count(f'"event":"wake_{what}"') for what in ("lost", "restored")] == [1, 1]


def listening(onestop: Engine) -> bool:
    """Whether somebody listens there."""
    with onestop.connect() as connection:
        return bool(connection.execute(text(f"SELECT 1 {LISTENING}")).scalar())


def cut(onestop: Engine) -> None:
    """End the connection that listens."""
    with onestop.connect() as connection:
        assert connection.execute(text(f"SELECT pg_terminate_backend(pid) {LISTENING}")).scalar()

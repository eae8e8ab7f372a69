"""A one-stop on PostgreSQL wakes whoever listens, as long as its administrator let it, and heals by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool
from structlog.testing import capture_logs

from connectors._onestop.bell import Bell
from syncd.errors import ConfigurationError
from tests.databases import administer, new_name
from tests.source.opencps import Province
from tests.waiting import wait_for

DDL = (Path(__file__).parents[2] / "config/wake/postgresql.sql").read_text("utf-8")


class Rings:
    """Counts, and waits."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Condition()

    def __call__(self) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def reach(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.count >= count, 60), f"{self.count} rings, not {count}"


@pytest.fixture
def reader(postgresql_url: URL) -> Iterator[URL]:
    """The database for a role that may only SELECT: every connection takes it on before its first statement."""
    name = new_name()
    administer(postgresql_url, f"CREATE ROLE {name} NOSUPERUSER", f"GRANT pg_read_all_data TO {name}")
    yield postgresql_url.update_query_dict({"options": f"-c role={name}"})
    administer(postgresql_url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


@pytest.fixture
def listening(postgresql_province: Province) -> Iterator[Callable[[URL], Rings]]:
    """Listens with an account; closed after the test."""
    bells: list[Bell] = []

    def listen(url: URL) -> Rings:
        rings = Rings()
        bells.append(Bell(url.render_as_string(hide_password=False), "", "syncd", rings))
        return rings

    yield listen
    for bell in bells:
        bell.close()
        bell.close()


def test_each_commit_that_touches_dossiers_or_steps_rings_once(postgresql_province: Province, listening: Callable[[URL], Rings]) -> None:
    province = postgresql_province
    province.execute(DDL)
    rings = listening(province.url)
    rings.reach(1)
    key = province.dossier()
    rings.reach(2)
    province.update(key, dossierStatus="done")
    rings.reach(3)
    province.step(key)
    rings.reach(4)
    province.paper(key)
    with province.transaction() as connection:
        for _ in range(5):
            province.dossier(connection)
    rings.reach(5)
    assert rings.count == 5


def test_an_account_that_may_only_read_suffices(postgresql_province: Province, reader: URL, listening: Callable[[URL], Rings]) -> None:
    province = postgresql_province
    province.execute(DDL)
    with create_engine(reader, poolclass=NullPool).connect() as connection, pytest.raises(ProgrammingError, match="denied"):
        connection.exec_driver_sql("DELETE FROM opencps_dossier")
    rings = listening(reader)
    rings.reach(1)
    province.dossier()
    rings.reach(2)


def test_a_connection_that_is_cut_comes_back_and_is_told_of_once(postgresql_province: Province, listening: Callable[[URL], Rings]) -> None:
    province = postgresql_province
    province.execute(DDL)
    server, gate = province.url.set(database="postgres"), f"ALTER DATABASE {province.url.database} ALLOW_CONNECTIONS"
    with capture_logs() as logs:
        rings = listening(province.url)
        rings.reach(1)
        administer(server, f"{gate} false")
        cut(province)
        wait_for(lambda: [entry["event"] for entry in logs] == ["wake_lost"])
        administer(server, f"{gate} true")
        rings.reach(2)
        province.dossier()
        rings.reach(3)
    assert [entry["event"] for entry in logs] == ["wake_lost", "wake_restored"]


def test_the_administrator_is_told_which_table_rings_for_nobody(postgresql_province: Province) -> None:
    province = postgresql_province
    assert province.source().unwatched() == []
    source = province.source(wake="syncd")
    assert [problem.reason.rpartition(" ")[2] for problem in source.unwatched()] == ["opencps_dossier", "opencps_dossieraction"]
    assert {problem.hint for problem in source.unwatched()} == {"have the one-stop's administrator run config/wake/postgresql.sql"}
    province.execute(DDL)
    assert source.unwatched() == []
    assert len(province.source(wake="another").unwatched()) == 2
    province.execute("ALTER TABLE opencps_dossier DISABLE TRIGGER syncd_wake")
    assert len(source.unwatched()) == 1


def test_a_view_is_watched_where_a_table_behind_it_is(postgresql_province: Province) -> None:
    province = postgresql_province
    province.execute("ALTER TABLE opencps_dossier RENAME TO ho_so; CREATE VIEW opencps_dossier AS SELECT * FROM ho_so")
    source = province.source(wake="syncd")
    assert len(source.unwatched()) == 2
    province.execute(DDL.replace("ON opencps_dossier FOR", "ON ho_so FOR"))
    assert source.unwatched() == []


def test_only_postgresql_can_wake(sqlite_province: Province) -> None:
    with pytest.raises(ConfigurationError, match=r"source\.wake"):
        sqlite_province.source(wake="syncd")


def test_a_source_listens_as_it_is_configured_and_stops_when_closed(postgresql_province: Province) -> None:
    province, rings = postgresql_province, Rings()
    with closing(province.source(wake="syncd")) as source:
        source.listen(rings)
        rings.reach(1)
        assert listeners(province) == 1
    wait_for(lambda: listeners(province) == 0)
    with closing(province.source()) as silent:
        silent.listen(rings)
        assert listeners(province) == 0


def listeners(province: Province) -> int:
    """How many connections to this database listen."""
    with province.engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'")).scalar_one())


def cut(province: Province) -> None:
    """End the connections that listen."""
    with province.engine.connect() as connection:
        ended = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'")
        assert connection.execute(ended).scalars().all() == [True]

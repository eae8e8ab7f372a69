"""The source's suite runs on SQLite, PostgreSQL and MariaDB, each test in a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from sqlalchemy import URL

from tests.databases import mariadb_server, mariadb_url, postgresql_database, postgresql_server, postgresql_url, sqlite_url
from tests.source.opencps import Province

__all__ = ["mariadb_server", "mariadb_url", "postgresql_database", "postgresql_server", "postgresql_url", "sqlite_url"]


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database_url(request: pytest.FixtureRequest) -> URL:
    """An empty database of each product."""
    return cast("URL", request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def province(database_url: URL) -> Iterator[Province]:
    """A one-stop on each product."""
    with Province(database_url) as made:
        yield made


@pytest.fixture
def sqlite_province(sqlite_url: URL) -> Iterator[Province]:
    """A one-stop on SQLite, for what does not depend on the database."""
    with Province(sqlite_url) as made:
        yield made


@pytest.fixture
def postgresql_province(postgresql_url: URL) -> Iterator[Province]:
    """A one-stop on PostgreSQL, for what only PostgreSQL can hold."""
    with Province(postgresql_url) as made:
        yield made

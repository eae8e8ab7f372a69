"""Both databases that can hold the state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from syncd.store import schema
from syncd.store.database import Database, open_database
from tests.databases import postgresql_database, postgresql_server, postgresql_url, sqlite_url
from tests.store.state import State

__all__ = ["postgresql_database", "postgresql_server", "postgresql_url", "sqlite_url"]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty state."""
    url = request.getfixturevalue(f"{request.param}_url")
    opened = open_database(url.render_as_string(hide_password=False))
    schema.metadata.create_all(opened.engine)
    yield opened
    opened.close()


@pytest.fixture
def state(database: Database) -> State:
    """A state with the tools to fill it."""
    return State(database)

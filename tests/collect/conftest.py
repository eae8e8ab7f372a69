"""A station on each database that can hold the state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collect.station import Station
from tests.collect.station import station as opened
from tests.databases import postgresql_database, postgresql_server, postgresql_url

__all__ = ["postgresql_database", "postgresql_server", "postgresql_url"]


@pytest.fixture(params=["sqlite", "postgresql"])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty state database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    return str(request.getfixturevalue("postgresql_url").render_as_string(hide_password=False))


@pytest.fixture
def station(tmp_path: Path, state_url: str) -> Iterator[Station]:
    """A station that knows three dossiers."""
    with opened(tmp_path, state_url) as made:
        made.dossiers(1, 2, 3)
        yield made


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Station]:
    """The same on SQLite, for what does not depend on the database."""
    with opened(tmp_path, f"sqlite:///{tmp_path}/state.db") as made:
        made.dossiers(1, 2, 3)
        yield made

"""The engine's suite runs on both databases that can hold the state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncd.store.matters import Routes
from tests.clocks import TurnedClock
from tests.databases import postgresql_database, postgresql_server, postgresql_url
from tests.engine.engine import Engine
from tests.engine.target import RecordingTarget

__all__ = ["postgresql_database", "postgresql_server", "postgresql_url"]

Make = Callable[..., Engine]


@pytest.fixture(params=["sqlite", "postgresql"])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty state database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    url = request.getfixturevalue("postgresql_url")
    return str(url.render_as_string(hide_password=False))


@pytest.fixture
def make(state_url: str) -> Iterator[Make]:
    """Builds engines on one state."""
    engines: list[Engine] = []

    def build(
        target: RecordingTarget | None = None, *, clock: TurnedClock | None = None, node: str = "n1", routes: Routes | None = None, **options: object
    ) -> Engine:
        engines.append(Engine(state_url, target or RecordingTarget(), clock, node, routes, **options))
        return engines[-1]

    yield build
    for engine in engines:
        engine.close()

"""A one-stop with a few dossiers, a portal, and someone who speaks its contract well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import URL, Engine

from syncd.sandbox.onestop import build, connect
from syncd.sandbox.portal import Portal, Terms
from tests.clocks import TurnedClock
from tests.databases import mariadb_server, mariadb_url, postgresql_database, postgresql_server, postgresql_url, sqlite_url
from tests.sandbox.caller import Caller

__all__ = ["mariadb_server", "mariadb_url", "postgresql_database", "postgresql_server", "postgresql_url", "sqlite_url"]


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def empty(sqlite_url: URL) -> Iterator[Engine]:
    """A one-stop without tables."""
    engine = connect(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture
def onestop(empty: Engine, clock: TurnedClock) -> Engine:
    """A one-stop with sixty dossiers."""
    build(empty, dossiers=60, seed=3, clock=clock)
    return empty


@pytest.fixture
def portal(clock: TurnedClock) -> Iterator[Portal]:
    with Portal(Terms(lookup="pascal"), clock=clock) as running:
        yield running


@pytest.fixture
def caller(portal: Portal) -> Iterator[Caller]:
    with Caller(portal) as someone:
        yield someone

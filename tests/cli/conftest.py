"""Settings, state and a caller for the commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.cli import lang
from syncd.sandbox.world import World
from tests.cli.calling import Caller, Result
from tests.databases import postgresql_database, postgresql_server, postgresql_url

__all__ = ["postgresql_database", "postgresql_server", "postgresql_url"]


@pytest.fixture(autouse=True)
def english_afterwards() -> Iterator[None]:
    yield
    lang.use("en")


@pytest.fixture
def bare(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Caller:
    """Syncd called in an empty folder, without a configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SYNCD_CONFIG", raising=False)
    return Caller(capsys)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An invented one-stop with a few dossiers, and a portal."""
    folder = tmp_path / "world"
    folder.mkdir()
    with World(folder, dossiers=25) as world:
        yield world


@pytest.fixture
def syncd(world: World, capsys: pytest.CaptureFixture[str]) -> Caller:
    """Syncd called with the configuration of `world`."""
    return Caller(capsys, "--config", str(world.config))


@pytest.fixture
def delivered(syncd: Caller) -> Result:
    """The first pass over `world`."""
    return syncd("run", "--once", "--json")

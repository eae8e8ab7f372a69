"""A world and a daemon for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.daemon.rehearsal import Rehearsal, rehearsal_in
from tests.databases import postgresql_database, postgresql_server, postgresql_url

__all__ = ["postgresql_database", "postgresql_server", "postgresql_url"]

Rehearse = Callable[..., Rehearsal]
Several = Callable[..., list[Rehearsal]]


@pytest.fixture
def rehearse(tmp_path: Path) -> Iterator[Rehearse]:
    """Builds a world and a daemon that is not started yet."""
    with ExitStack() as stack:

        def build(dossiers: int = 60, *, state: str = "", **given: object) -> Rehearsal:
            world = stack.enter_context(rehearsal_in(tmp_path / "world", dossiers=dossiers, **given))
            made = Rehearsal(world, state)
            stack.callback(made.close)
            return made

        yield build


@pytest.fixture
def several(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Several]:
    """Builds a world whose portal takes 20 ms over each answer, and daemons on one PostgreSQL, paused and not started yet. A short
    `timeout` makes short leases: 18 s."""
    with ExitStack() as stack:

        def build(
            nodes: int = 2, dossiers: int = 120, state: URL | None = None, timeout: str = "500ms", code: Path | None = None, **given: object
        ) -> list[Rehearsal]:
            world = stack.enter_context(rehearsal_in(tmp_path / "world", dossiers=dossiers, latency=0.02, **given))
            url = (state or request.getfixturevalue("postgresql_url")).render_as_string(hide_password=False)
            made = [Rehearsal(world, url, f"n{number}", code, SYNCD__TARGETS__DVCQG__TIMEOUT=timeout) for number in range(1, nodes + 1)]
            for each in made:
                stack.callback(each.close)
            made[0].syncd("target", "pause", "dvcqg")
            return made

        yield build

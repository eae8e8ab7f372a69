"""A world and a daemon for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.daemon.rehearsal import Rehearsal, rehearsal_in
from tests.databases import postgresql_server, postgresql_url

__all__ = ["postgresql_server", "postgresql_url"]

Rehearse = Callable[..., Rehearsal]


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

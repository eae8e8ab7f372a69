"""Reconciliations run on both databases that can hold the state."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.databases import postgresql_database, postgresql_server, postgresql_url
from tests.engine.conftest import Make, make, state_url
from tests.reconcile.sides import Hall, Oracle, Province

__all__ = ["make", "postgresql_database", "postgresql_server", "postgresql_url", "state_url"]

Build = Callable[..., Hall]


@pytest.fixture
def build(make: Make) -> Build:
    """A province of so many dossiers that were all delivered, and what compares them."""

    def built(count: int = 5, **options: object) -> Hall:
        hall = Hall(make(Oracle()), Province(count), **options)
        hall.deliver()
        return hall

    return built

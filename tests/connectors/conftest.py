"""A scripted portal, and targets that speak to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors._dvcqg.options import DvcqgOptions
from connectors.dvcqg import DvcqgConnector, connector
from syncd.ports import Target
from tests.clocks import TurnedClock
from tests.connectors.portal import PASSWORD, ScriptedPortal

Make = Callable[..., Target]


@pytest.fixture
def portal() -> Iterator[ScriptedPortal]:
    """A portal that serves; nothing it is asked may break the contract's form."""
    with ScriptedPortal() as serving:
        yield serving
    assert serving.violations == []


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def sleeps() -> list[float]:
    """How long the connector wanted to wait; it did not."""
    return []


@pytest.fixture
def make(portal: ScriptedPortal, clock: TurnedClock, sleeps: list[float]) -> Iterator[Make]:
    """Makes targets that speak to the portal."""
    made: list[Target] = []
    own: DvcqgConnector = connector

    def build(mappings: Path | None = None, **given: Any) -> Target:
        defaults = {
            "connector": "dvcqg",
            "adapter_url": portal.adapter_url,
            "agency_code": "000.00.00.H03",
            "username": "bk",
            "password": PASSWORD,
            "timeout": "5s",
        }
        made.append(own.build("portal", DvcqgOptions.model_validate(defaults | given), clock=clock, mappings=mappings, sleep=sleeps.append))
        return made[-1]

    yield build
    for target in made:
        target.close()
        target.close()


@pytest.fixture
def target(make: Make) -> Target:
    """The portal as a target, with the usual options."""
    return make()

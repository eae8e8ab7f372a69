"""How far the ledger is, read from its database while the daemon writes into it, and waiting for that."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import create_engine, text

from benchmarks.ground import Ground

_PATIENCE = 900.0
_LOOK = 0.2
_STANDING = text("""
    SELECT count(*), sum(steps_wanted), sum(CASE WHEN state IN ('due', 'leased') THEN 1 ELSE 0 END),
        sum(CASE WHEN state IN ('dead', 'held') THEN 1 ELSE 0 END), (SELECT max(polled_at) FROM source_cursor)
    FROM ledger
""")


class Standing(NamedTuple):
    """How far the ledger is."""

    dossiers: int
    steps: int  #: that the target should have
    open: int  #: dossiers that are due or leased
    stopped: int  #: dossiers that wait for a person
    polled: str  #: when the last poll ended


def standing(place: Ground) -> Standing:
    """How far the ledger is now."""
    engine = create_engine(place.state)
    with engine.connect() as connection:
        found = Standing(*connection.execute(_STANDING).one())
    engine.dispose()
    return found


def settled(place: Ground) -> Standing:
    """How it stands once no dossier is open."""
    until(lambda: not standing(place).open)
    return standing(place)


def until(condition: Callable[[], bool], every: float = _LOOK) -> None:
    """Wait for it, not for ever."""
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(every)

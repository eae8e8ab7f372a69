"""Many rows at once are stored as they are given, whichever way the database takes them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from syncd.errors import StoreUnavailable
from syncd.store import bulk
from syncd.store.schema import snapshot
from tests.engine.conftest import Make
from tests.engine.engine import Engine


def row(engine: Engine, number: int, **changes: Any) -> dict[str, Any]:
    now = engine.clock.now()
    usual = {
        "subject": f"H-{number}",
        "source_id": number,
        "version": 1,
        "digest": "d",
        "agency": "",
        "received_at": None,
        "changed_at": now,
        "body": b"\0\xff",
    }
    return {**usual, **changes}


def stored(engine: Engine) -> list[tuple[Any, ...]]:
    columns = (snapshot.c.subject, snapshot.c.version, snapshot.c.agency, snapshot.c.received_at, snapshot.c.body)
    with engine.database.read() as connection:
        return [tuple(each) for each in connection.execute(select(*columns).order_by(snapshot.c.source_id))]


def test_rows_are_inserted_and_those_that_are_there_replaced(make: Make) -> None:
    engine = make()
    now = engine.clock.now()
    with engine.database.write() as connection:
        bulk.upsert(connection, snapshot, [])
        bulk.upsert(connection, snapshot, [row(engine, 2), row(engine, 1, received_at=now)])
    assert stored(engine) == [("H-1", 1, "", now, b"\0\xff"), ("H-2", 1, "", None, b"\0\xff")]
    with engine.database.write() as connection:
        bulk.upsert(connection, snapshot, [row(engine, 2, version=2, agency="{a,\"b\\'", received_at=now), row(engine, 3)])
    assert stored(engine)[1:] == [("H-2", 2, "{a,\"b\\'", now, b"\0\xff"), ("H-3", 1, "", None, b"\0\xff")]


def test_what_is_too_long_is_refused_and_not_cut(make: Make) -> None:
    engine = make()
    long = row(engine, 1, agency="a" * 65)
    if engine.database.sqlite:  # it has no limits
        with engine.database.write() as connection:
            bulk.upsert(connection, snapshot, [long])
        assert stored(engine)[0][2] == "a" * 65
        return
    with pytest.raises(StoreUnavailable, match="too long"), engine.database.write() as connection:
        bulk.upsert(connection, snapshot, [row(engine, 2), long])
    assert stored(engine) == []

"""A page is read by the index of the dossiers, and the ledger by its key, however large they are."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, insert, text

from syncd.store.schema import ledger, snapshot
from tests.engine.conftest import Make

ROWS = 20_000


@pytest.mark.slow
def test_a_page_reads_only_its_own_rows(make: Make) -> None:
    from syncd.store.readback import ReadBack

    engine = make()
    now = engine.clock.now()
    codes = [f"000.00.14.H03-250303-{n:06}" for n in range(ROWS)]
    common: dict[str, Any] = {"version": 1, "digest": "d", "changed_at": now, "body": b""}
    due: dict[str, Any] = {"target": "portal", "state": "idle", "due_at": now, "wanted_version": 1, "wanted_digest": "d", "steps_wanted": 0}
    with engine.database.write() as connection:
        connection.execute(insert(snapshot), [{**common, "subject": code, "source_id": n} for n, code in enumerate(codes)])
        connection.execute(insert(ledger), [{**due, "subject": code} for code in codes])
    with engine.database.write() as connection:
        connection.execute(text("ANALYZE"))
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(engine.database.engine, "before_cursor_execute", note)
    rows = next(ReadBack(engine.database, engine.ledger, "portal").within(9_000, 9_010))
    event.remove(engine.database.engine, "before_cursor_execute", note)
    assert [row.source_id for row in rows] == list(range(9_001, 9_011))
    statement, parameters = seen[-1]
    with engine.database.read() as connection:
        explain = "EXPLAIN QUERY PLAN " if engine.database.sqlite else "EXPLAIN "
        plan = str(connection.exec_driver_sql(explain + statement, parameters).all())
    assert "ix_snapshot_source_id" in plan
    assert "Seq Scan on ledger" not in plan
    assert "SCAN ledger" not in plan

"""A page is read by the index of the dossiers, and the ledger by its key, however large they are."""

from __future__ import annotations

import re
from typing import Any, Self

import pytest
from sqlalchemy import event, insert, text

from syncd.store.readback import ReadBack
from syncd.store.readback_drafts import DraftRows
from syncd.store.schema import inbox, ledger, matter, snapshot
from tests.engine.conftest import Make
from tests.engine.engine import Engine

ROWS = 5_000


def code(number: int) -> str:
    return f"000.00.14.H03-250303-{number:06}"


@pytest.fixture
def large(make: Make) -> Engine:
    """A state of many dossiers, each with a draft at an office, which came back."""
    engine = make()
    now = engine.clock.now()
    common: dict[str, Any] = {"version": 1, "digest": "d", "body": b""}
    due: dict[str, Any] = {"state": "idle", "due_at": now, "wanted_version": 1, "wanted_digest": "d", "steps_wanted": 0, "created": True}
    came: dict[str, Any] = {"target": "office", "digest": "d", "state": "done", "stage": "issued", "draft": "1", "body": b""}
    came |= dict.fromkeys(("received_at", "written_at", "due_at"), now)
    tables: dict[Any, list[dict[str, Any]]] = {snapshot: [], matter: [], ledger: [], inbox: []}
    for number in range(ROWS):
        dossier = code(number)
        tables[snapshot].append({**common, "subject": dossier, "source_id": number, "changed_at": now})
        tables[matter].append({**common, "subject": f"{dossier}/1", "kind": "draft", "dossier": dossier})
        tables[ledger] += [{**due, "target": "portal", "subject": dossier}, {**due, "target": "office", "subject": f"{dossier}/1"}]
        tables[inbox].append({**came, "document": str(number), "dossier": dossier})
    with engine.database.write() as connection:
        for table, rows in tables.items():
            connection.execute(insert(table), rows)
    if not engine.database.sqlite:  # which would count for itself after a while; SQLite goes by the estimates of the layout
        with engine.database.write() as connection:
            connection.execute(text("ANALYZE"))
    return engine


class Plans:
    """The plan of each statement that is executed."""

    def __init__(self, engine: Engine) -> None:
        self.database = engine.database
        self.seen: list[tuple[str, Any]] = []

    def __enter__(self) -> Self:
        event.listen(self.database.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self.database.engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        self.seen.append((statement, parameters))

    def last(self) -> str:
        """How the database carries out the last one."""
        statement, parameters = self.seen[-1]
        explain = "EXPLAIN QUERY PLAN " if self.database.sqlite else "EXPLAIN "
        with self.database.read() as connection:
            return "\n".join(map(str, connection.exec_driver_sql(explain + statement, parameters).all()))


def scanned(plan: str) -> list[str]:
    """What the plan reads from end to end."""
    made = re.findall(r"CO-ROUTINE (\w+)", plan)
    return [*re.findall(r"Seq Scan on (\w+)", plan), *(name for name in re.findall(r"SCAN (\w+)(?! USING)\b", plan) if name not in made)]


def test_a_page_reads_only_its_own_rows(large: Engine) -> None:
    with Plans(large) as plans:
        rows = next(ReadBack(large.database, large.ledger, "portal").within(2_000, 2_010))
    assert [row.source_id for row in rows] == list(range(2_001, 2_011))
    plan = plans.last()
    assert "ix_snapshot_source_id" in plan
    assert scanned(plan) == [], plan


def test_a_page_of_drafts_reads_only_its_own_rows(large: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.store.readback.PAGE", 100)
    with Plans(large) as plans:
        first = next(DraftRows(large.database, large.ledger, "office").drafts(2_000))
    assert (first.held.subject, first.issued) == (f"{code(2_001)}/1", True)
    plan = plans.last()
    assert "ix_snapshot_source_id" in plan
    assert scanned(plan) == [], plan

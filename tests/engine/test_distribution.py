"""Should the state outgrow one PostgreSQL, its large tables are distributed by the dossier: every statement of the delivery path names
it, so that one shard answers. What is read here are the statements as they reach the driver, of a province's day in small."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, event

from syncd.store.statements import CLAIM, RECORD, RECORD_HELD
from tests.engine.engine import Engine, dossier, draft, step
from tests.engine.target import RecordingTarget

DISTRIBUTED = ("ledger", "snapshot", "step", "change", "attempt", "matter")
KEY = re.compile(r"\b(?:subject|dossier) (?:= |IN |NOT IN )(?:\(?[?%(]|given\.s\b)")  # with what is given, not with another table
EVERY_SHARD = {
    "a page's rows that bear another code now, by an index, once a page": "FROM snapshot \nWHERE snapshot.source_id IN",
    "which rows of a target are due, by a partial index, once for a handful of calls": "WITH picked",
}
PARTITIONS = re.findall(r"```sql\n(.*?)```", (Path(__file__).parents[2] / "docs/scale.md").read_text("utf-8"), re.DOTALL)[0]
CODES = [f"000.00.14.H03-250303-{number:04}" for number in range(1, 6)]


@contextmanager
def listening(engine: Engine) -> Iterator[set[str]]:
    """The statements that reach the driver meanwhile, with those that go there by themselves."""
    seen = {str(statement.compile(dialect=engine.database.writing.dialect)) for statement in (CLAIM, RECORD_HELD, RECORD)}

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.add(statement)

    connections = {engine.database.engine, engine.database.writing}
    for each in connections:
        event.listen(each, "before_cursor_execute", note)
    yield seen
    for each in connections:
        event.remove(each, "before_cursor_execute", note)


def distributed(statement: str) -> bool:
    """Whether it touches a table that would be distributed."""
    return any(re.search(rf"\b(?:FROM|JOIN|INTO|UPDATE) {table}\b", statement) for table in DISTRIBUTED)


def names_the_dossier(statement: str) -> bool:
    """Whether one shard, or one for each dossier named, can answer it."""
    if statement.startswith("WITH picked"):
        return False  # it finds the dossiers first
    inserted = re.match(r"INSERT INTO \w+ \(([^)]*)\)", statement)
    return "subject" in inserted[1] if inserted else bool(KEY.search(statement))


def a_day(engine: Engine) -> None:
    """Dossiers come, change, are sent in batches and alone, are refused, get lost on the way, and are put right."""
    for number, code in enumerate(CODES, 1):
        engine.see(dossier(code, number), [step(number * 10)], [draft(number)])
    engine.deliver()
    for number, code in enumerate(CODES, 1):
        engine.see(dossier(code, number, note="changed"), [step(number * 10), step(number * 10 + 1)])
    claims = engine.ledger.claim(engine.target.name, 2, engine.clock.now(), engine.delivery.lease_term)
    engine.ledger.release(claims)
    engine.deliver()
    engine.see(dossier("000.00.14.H03-250303-9999", 1, note="renamed"))
    engine.deliver()


@pytest.fixture
def engine(postgresql_url: URL) -> Iterator[Engine]:
    """One that could be distributed."""
    made = Engine(postgresql_url.render_as_string(hide_password=False), RecordingTarget(batch=3))
    yield made
    made.close()


def test_every_statement_of_the_delivery_path_names_the_dossier(engine: Engine) -> None:
    with listening(engine) as seen:
        a_day(engine)
    touched = sorted(filter(distributed, seen))
    assert {table for table in DISTRIBUTED if any(re.search(rf"\b{table}\b", statement) for statement in touched)} == set(DISTRIBUTED)
    strays = [statement for statement in touched if not names_the_dossier(statement) and not any(part in statement for part in EVERY_SHARD.values())]
    assert strays == []


@pytest.mark.parametrize("part", EVERY_SHARD.values(), ids=list(EVERY_SHARD))
def test_what_asks_every_shard_is_still_there(engine: Engine, part: str) -> None:
    with listening(engine) as seen:
        a_day(engine)
    assert any(part in statement for statement in seen)


def test_reading_statements_tells_one_from_the_other() -> None:
    assert names_the_dossier("UPDATE ledger SET state=%(s)s WHERE ledger.target = %(t)s AND ledger.subject = %(k)s")
    assert names_the_dossier("INSERT INTO attempt (at, target, subject) VALUES (1, 2, 3)")
    assert not names_the_dossier("UPDATE ledger SET due_at=%(n)s WHERE ledger.target = %(t)s AND ledger.state = 'due'")
    assert not names_the_dossier("SELECT count(*) FROM snapshot")
    assert not names_the_dossier("SELECT step.body FROM ledger JOIN step ON step.subject = ledger.subject WHERE ledger.target = %(t)s")
    assert not distributed("SELECT * FROM source_cursor")


def test_a_day_is_the_same_on_the_partitions_of_the_documentation(engine: Engine) -> None:
    engine.see(dossier("000.00.14.H03-250303-0500", 500), [step(5000)])
    engine.deliver()
    with engine.database.write() as connection:
        connection.exec_driver_sql(re.sub(r"BEGIN;|COMMIT;", "", PARTITIONS).replace("%", "%%"))
    a_day(engine)
    with engine.database.read() as connection:
        counts = {table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() for table in ("snapshot", "ledger")}  # noqa: S608
    assert counts == {"snapshot": 7, "ledger": 7}
    assert len(engine.attempts("000.00.14.H03-250303-0500")) == 2
    assert engine.board.counts(engine.target.name).due == 0

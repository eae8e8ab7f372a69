"""The hot statements: each names target and dossier, and each database finds its rows by an index."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, Select, event, insert, text
from sqlalchemy.dialects import postgresql, sqlite

from syncd.store import statements
from syncd.store.matters import Routes
from syncd.store.schema import ledger, metadata
from tests.engine.conftest import Make
from tests.engine.engine import Engine, dossier, draft
from tests.engine.target import RecordingTarget

HOT = {
    "LEASE": statements.LEASE,
    "CLAIM": statements.CLAIM,
    "HELD": statements.HELD,
    "OUTCOME": statements.OUTCOME,
    "RELEASE": statements.RELEASE,
    "OVERTAKEN": statements.OVERTAKEN,
}
ROWS = 20_000


@pytest.mark.parametrize("name", sorted(HOT))
def test_each_names_the_target_and_the_dossier(name: str) -> None:
    dialect = sqlite.dialect() if name == "LEASE" else postgresql.dialect()  # type: ignore[no-untyped-call]
    condition = str(HOT[name].compile(dialect=dialect)).partition("WHERE")[2]
    assert "ledger.target = " in condition
    assert "ledger.subject" in condition


def plan_of(engine: Engine, statement: str, parameters: Any) -> str:
    explain = "EXPLAIN QUERY PLAN " if engine.database.sqlite else "EXPLAIN "
    with engine.database.read() as connection:
        return str(connection.exec_driver_sql(explain + statement, parameters).all())


@pytest.fixture
def many(make: Make) -> Engine:
    """A ledger of which a few rows are due."""
    engine = make()
    now = engine.clock.now()
    rows: list[dict[str, Any]] = [
        {
            "target": "portal",
            "subject": f"000.00.14.H03-250303-{n:06}",
            "state": "due" if n % 1000 == 0 else "idle",
            "due_at": now,
            "wanted_version": 1,
            "wanted_digest": "d",
            "steps_wanted": 0,
        }
        for n in range(ROWS)
    ]
    with engine.database.write() as connection:
        connection.execute(insert(ledger), rows)
    if not engine.database.sqlite:  # which would count for itself after a while; SQLite goes by the estimates of the layout
        with engine.database.write() as connection:
            connection.execute(text("ANALYZE"))
    return engine


def test_the_figures_are_read_where_only_those_are_that_wait(many: Engine) -> None:
    seen: list[tuple[str, Any]] = []
    event.listen(many.database.engine, "before_cursor_execute", lambda *given: seen.append((given[2], given[3])))
    assert many.board.backlog("portal").due == ROWS / 1000
    plans = [plan_of(many, statement, parameters) for statement, parameters in list(seen) if "FROM ledger" in statement]
    assert [each for plan in plans for each in ("ix_ledger_due", "ix_ledger_stopped") if each in plan] == ["ix_ledger_due", "ix_ledger_stopped"]


def test_claiming_from_many_rows_reads_only_those_that_are_due_or_claimed(many: Engine) -> None:
    if many.database.sqlite:
        plans = [plan_of(many, *each) for each in claiming(many) if "ledger" in each[0]]
        indexes = ["ix_ledger_due", "ix_ledger_leased", "ix_ledger_leased"]
        assert len(plans) == len(indexes)
        for plan, index in zip(plans, indexes, strict=True):
            assert index in plan
            assert "SCAN ledger" not in plan
            assert "PRIMARY KEY (target=?)" not in plan, "all dossiers of a target"
    else:
        given = {"t": "portal", "n": 3, "now": many.clock.now(), "term": many.clock.now(), "token": "", "node": ""}
        parts = list(nodes(planned(many, statements.CLAIM, given)))
        assert "ix_ledger_due" in [node.get("Index Name") for node in parts]
        assert [node["Relation Name"] for node in parts if node["Node Type"] == "Seq Scan"] == ["source_cursor"], "a row for each one-stop"


def test_a_claim_that_finds_nothing_does_not_look_for_steps(sqlite_engine: Engine) -> None:
    assert not [statement for statement, _ in claiming(sqlite_engine) if "step" in statement.partition("FROM")[2]]


@pytest.fixture
def sqlite_engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty state."""
    engine = Engine(f"sqlite:///{tmp_path}/state.db", RecordingTarget())
    yield engine
    engine.close()


def claiming(engine: Engine) -> list[tuple[str, Any]]:
    """The statements of a claim on SQLite and their parameters, as they reach the driver."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(engine.database.writing, "before_cursor_execute", note)
    engine.ledger.claim("portal", 3, engine.clock.now(), timedelta(minutes=1))
    event.remove(engine.database.writing, "before_cursor_execute", note)
    return seen


def test_what_targets_lack_at_the_start_is_looked_up_for_each_row(make: Make) -> None:
    """Also where nothing is known of the tables yet, as after a restart within the first load."""
    engine = make(routes=Routes(["portal"], {"office": (), "other": ("H03.15",)}, ["portal"]))
    engine.see(dossier(), drafts=[draft()])
    seen: list[tuple[str, Any]] = []
    event.listen(engine.database.writing, "before_cursor_execute", lambda *given: seen.append((given[2], given[3])))
    assert engine.intake.adopt() == 0
    about = [each for each in list(seen) if "ledger" in each[0]]
    assert len(about) == 5, "two that leave, and what three lack"
    explain = "EXPLAIN QUERY PLAN " if engine.database.sqlite else "EXPLAIN "
    with engine.database.write() as connection:
        plans = [str(connection.exec_driver_sql(explain + statement, parameters).all()) for statement, parameters in about]
    assert not [plan for plan in plans if "Join Filter" in plan or "Materialize" in plan or "SCAN ledger" in plan or "SCAN other" in plan]


@pytest.mark.parametrize(("statement", "times"), [(statements.RECORD_HELD, 1), (statements.RECORD, 3)], ids=["RECORD_HELD", "RECORD"])
def test_outcomes_of_many_dossiers_are_not_held_each_against_each(postgresql_url: URL, statement: Select[Any], times: int) -> None:
    """Joins by hashing are off where outcomes are written, so that a loop over two lists would be quadratic."""
    engine = Engine(postgresql_url.render_as_string(hide_password=False), RecordingTarget())
    plan = planned(engine, statement, {"rows": "[]"})
    engine.close()
    loops = [[each.get("CTE Name") or each.get("Relation Name") for each in node["Plans"]] for node in nodes(plan) if node["Node Type"] == "Nested Loop"]
    assert loops == [["given", "ledger"]] * times, "in the order of what is given"


def planned(engine: Engine, statement: Select[Any], given: dict[str, Any]) -> dict[str, Any]:
    """What PostgreSQL means to do."""
    compiled = statement.compile(dialect=engine.database.writing.dialect)
    with engine.database.write() as connection:
        found: dict[str, Any] = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {compiled}", {**compiled.params, **given}).scalar_one()[0]["Plan"]
    return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan and all that it is made of."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def test_the_layout_of_a_fresh_state_is_the_one_described(make: Make) -> None:
    engine = make()
    with engine.database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "schema_revision"})
        assert compare_metadata(context, metadata) == []

"""What a target has acknowledged, read beside a sweep."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from sqlalchemy import URL

from syncd.model import Cursor, Page, Snapshot
from syncd.store import schema
from syncd.store.acknowledged import PAGE_OF, Merge, acknowledged
from syncd.store.database import Database, open_database
from tests.store.state import START, State, dossier


def test_it_streams_in_the_order_of_the_keys_whatever_the_page(state: State) -> None:
    codes = [f"HS-{number}" for number in (10, 9, 2, 1)]
    state.take(*codes)
    state.deliver()
    whole = list(acknowledged(state.database, "portal"))
    assert [(entry.source_id, entry.subject) for entry in whole] == [(1, "HS-1"), (2, "HS-2"), (9, "HS-9"), (10, "HS-10")]
    assert {(entry.created, entry.sent_at, entry.fault) for entry in whole} == {(True, START, "")}
    for page in (1, 2, 3, 4, 5):
        assert list(acknowledged(state.database, "portal", page)) == whole


def test_it_is_of_one_target(database: Database) -> None:
    state = State(database, ["portal", "lgsp"])
    state.take("HS-1")
    state.deliver("lgsp")
    assert [entry.created for entry in acknowledged(database, "portal")] == [False]
    assert [entry.created for entry in acknowledged(database, "lgsp")] == [True]
    assert list(acknowledged(database, "nobody")) == []


def test_a_dossier_is_absent_until_it_was_acknowledged_and_stays_when_it_changes(state: State) -> None:
    state.take("HS-1", "HS-3")
    state.deliver()
    state.take("HS-3", steps=2)
    state.refuse()
    state.take("HS-4")
    state.refuse()
    state.take("HS-6")
    merge = Merge(acknowledged(state.database, "portal"))
    told = {number: merge.absent(dossier(f"HS-{number}")) for number in range(8)}
    assert told == {0: "", 1: None, 2: "", 3: None, 4: "MaTTHC is not known", 5: "", 6: "", 7: ""}


def test_a_dossier_may_be_asked_about_again_but_not_one_before_it(state: State) -> None:
    state.take("HS-1", "HS-2")
    state.deliver()
    merge = Merge(acknowledged(state.database, "portal"))
    assert [merge.absent(dossier("HS-2")) for _ in range(2)] == [None, None]
    with pytest.raises(ValueError, match="order of their keys"):
        merge.absent(dossier("HS-1"))


def test_two_rows_that_share_a_code_or_a_key_are_told_apart(state: State) -> None:
    state.take("HS-1")
    state.deliver()
    same_code, same_key = replace(dossier("HS-1"), source_id=7), replace(dossier("HS-9"), source_id=1)
    page = Page(snapshots=(Snapshot(dossier=same_code), Snapshot(dossier=same_key)), cursor=Cursor(id=7))
    changed, known = state.intake.compare(page)
    state.intake.take(changed, known, page.cursor)
    assert [(entry.source_id, entry.subject) for entry in acknowledged(state.database, "portal")] == [(1, "HS-1"), (1, "HS-9"), (7, "HS-1#7")]
    merge = Merge(acknowledged(state.database, "portal"))
    assert merge.absent(dossier("HS-1")) is None
    assert merge.absent(same_key) == ""
    assert merge.absent(same_code) == ""


def test_a_page_is_found_by_the_index_on_the_keys(sqlite_url: URL) -> None:
    database = open_database(sqlite_url.render_as_string(hide_password=False))
    schema.metadata.create_all(database.engine)
    statement = str(PAGE_OF.params(t="portal", id=5, subject="HS-5", n=100).compile(database.engine, compile_kwargs={"literal_binds": True}))
    with database.read() as connection:
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
    database.close()
    assert any("snapshot USING INDEX ix_snapshot_source_id (source_id>?)" in line for line in plan), plan

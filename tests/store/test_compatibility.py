"""A rolling upgrade: what `schema.COMPATIBLE` promises to code that is older than the state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import URL, Connection, inspect, select, text
from sqlalchemy.engine.interfaces import ReflectedColumn

from syncd.store import migrations, schema
from syncd.store.database import Database, open_database

Layout = dict[str, dict[str, ReflectedColumn]]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Nothing yet."""
    opened = open_database(request.getfixturevalue(f"{request.param}_url").render_as_string(hide_password=False))
    yield opened
    opened.close()


def layout(connection: Connection) -> Layout:
    found = inspect(connection)
    return {name: {column["name"]: column for column in found.get_columns(name)} for name in found.get_table_names() if name != "schema_revision"}


def test_every_statement_of_the_oldest_code_that_may_go_on_still_has_its_columns(database: Database) -> None:
    with database.write() as connection:
        migrations.run(connection, f"{schema.COMPATIBLE:04}")
        before = layout(connection)
    migrations.upgrade(database)
    with database.read() as connection:
        after = layout(connection)
    for name, columns in before.items():
        kept = {column: (str(after[name][column]["type"]), after[name][column]["nullable"]) for column in columns}
        assert kept == {column: (str(told["type"]), told["nullable"]) for column, told in columns.items()}, name
        unsaid = [column for column, told in after[name].items() if column not in columns and not (told["nullable"] or told["default"])]
        assert unsaid == [], f"{name}: an insert of the older code would leave out {unsaid}"


def older(database: Database) -> None:
    """Lay the state out as the oldest code that may go on would have."""
    with database.write() as connection:
        migrations.run(connection, f"{schema.COMPATIBLE:04}")


def said(database: Database) -> tuple[int, int]:
    with database.read() as connection:
        version, compatible = connection.execute(select(schema.schema_info.c.version, schema.schema_info.c.compatible)).one()
    return version, compatible


def test_the_older_code_takes_the_state_as_usable_and_any_before_it_does_not(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    older(database)
    migrations.upgrade(database)
    assert said(database) == (schema.VERSION, schema.COMPATIBLE)
    for version in range(schema.COMPATIBLE - 1, schema.VERSION + 1):
        monkeypatch.setattr(schema, "VERSION", version)
        assert migrations.check(database).usable is (version >= schema.COMPATIBLE)


def test_what_older_code_cannot_read_is_written_only_when_none_is_left(database: Database) -> None:
    older(database)
    migrations.upgrade(database)
    assert not migrations.compact(database)
    migrations.finish(database)
    assert migrations.compact(database)
    migrations.upgrade(database)
    assert said(database) == (schema.VERSION, schema.VERSION)


def test_a_state_that_began_with_this_code_has_no_older_one_to_heed(database: Database) -> None:
    migrations.ensure(database)
    assert said(database) == (schema.VERSION, schema.VERSION)


def test_sqlite_is_told_of_every_index_how_many_rows_it_leads_to(sqlite_url: URL) -> None:
    """Or it takes a target to have ten dossiers, and reads all of them at each claim."""
    database = open_database(sqlite_url.render_as_string(hide_password=False))
    older(database)
    with database.write() as connection:
        connection.execute(text("ANALYZE"))  # an administrator's
    migrations.upgrade(database)
    with database.read() as connection:
        told = connection.execute(text("SELECT tbl, idx FROM sqlite_stat1")).all()
    database.close()
    for table, key in ((schema.ledger, "ledger"), (schema.snapshot, "sqlite_autoindex_snapshot_1")):
        indexes = {key, *(str(index.name) for index in table.indexes)}
        assert {index for of, index in told if of == table.name} == indexes
    assert "schema_info" in {of for of, _ in told}, "what was known of other tables stays"

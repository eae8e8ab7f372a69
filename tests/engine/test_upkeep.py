"""The chores, the layout of the state, and who may open it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text, update

from syncd.documents import Attachment, IssuedDocument, Stage
from syncd.errors import AlreadyRunning, ConfigurationError, SchemaMismatch, StoreUnavailable
from syncd.maintain import Maintainer
from syncd.store import migrations, schema
from syncd.store.database import open_database
from syncd.store.inbox import Inbox
from syncd.store.inbox_arrivals import Arrivals
from syncd.store.single import Single
from syncd.store.types import UtcDateTime
from tests.clocks import TurnedClock
from tests.engine.conftest import Make
from tests.engine.engine import CIPHER, Engine, dossier, step

CODE = "000.00.14.H03-250303-0001"


def maintainer_of(engine: Engine) -> Maintainer:
    return Maintainer(engine.ledger, engine.board, Inbox(engine.database, CIPHER), engine.clock, engine.metrics, ["portal"])


def test_leases_whose_term_has_passed_are_ended_and_the_figures_follow(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])
    engine.ledger.claim("portal", 1, engine.clock.now(), timedelta(minutes=1))
    maintainer_of(engine).tend()
    assert engine.row(CODE)["state"] == "leased"
    engine.clock.turn(timedelta(minutes=2))
    maintainer_of(engine).tend()
    assert engine.row(CODE)["state"] == "due"
    assert engine.row(CODE)["unsure"]
    shown = engine.metrics.render().decode()
    assert 'syncd_due{target="portal"} 1.0' in shown
    assert 'syncd_oldest_due_seconds{target="portal"} 120.0' in shown


def test_it_shows_how_long_ago_every_dossier_was_read(make: Make) -> None:
    engine = make()

    def age() -> str:
        maintainer_of(engine).tend()
        return next(line for line in engine.metrics.render().decode().splitlines() if line.startswith("syncd_sweep_age_seconds"))

    assert age() == "syncd_sweep_age_seconds 0.0"
    engine.see(dossier())
    engine.clock.turn(timedelta(hours=30))
    assert age() == "syncd_sweep_age_seconds 108000.0"
    engine.board.note_source(swept_at=engine.clock.now() - timedelta(minutes=1))
    assert age() == "syncd_sweep_age_seconds 60.0"


def test_the_journal_is_cut_and_the_ledger_is_not(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])
    engine.settle()
    engine.clock.turn(timedelta(days=500))
    engine.see(dossier(note="new"), [step(1)])
    engine.settle()
    assert maintainer_of(engine).prune(timedelta(days=400), timedelta(days=30)) == 3
    with engine.database.read() as connection:
        left = connection.execute(select(func.count()).select_from(schema.attempt)).scalar_one()
    assert left == 1
    assert engine.row(CODE)["created"]
    assert engine.row(CODE)["steps_sent"] == 1


def test_one_daemon_a_node(make: Make) -> None:
    engine, other = make(), make()
    with Single(engine.database, "n1"), pytest.raises(AlreadyRunning), Single(other.database, "n1"):
        raise AssertionError
    with Single(other.database, "n1"):
        pass


def test_a_state_of_a_newer_syncd_is_refused_unless_it_says_it_is_compatible(make: Make) -> None:
    engine = make()
    for version, compatible, usable in ((99, 99, False), (99, 1, True)):
        with engine.database.write() as connection:
            connection.execute(update(schema.schema_info).values(version=version, compatible=compatible))
        assert migrations.check(engine.database).usable is usable
    migrations.ensure(engine.database)
    with engine.database.write() as connection:
        connection.execute(update(schema.schema_info).values(version=99, compatible=99))
    with pytest.raises(SchemaMismatch, match="schema 99"):
        migrations.ensure(engine.database)
    with pytest.raises(SchemaMismatch):
        migrations.upgrade(engine.database)


def test_a_state_of_an_older_syncd_waits_for_an_upgrade(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make()
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    with pytest.raises(SchemaMismatch) as raised:
        migrations.ensure(engine.database)
    assert "db upgrade" in raised.value.hint


@pytest.mark.parametrize("url", ["postgresql://x/y", "mysql+pymysql://x/y", "nonsense", "sqlite+aiosqlite:///x", "postgresql+asyncpg://x/y"])
def test_a_url_that_cannot_hold_the_state_is_refused_with_the_key(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        open_database(url)
    assert raised.value.problems[0].field == "daemon.state"


def test_a_state_that_does_not_answer_says_what_to_do_without_its_password() -> None:
    database = open_database("postgresql+psycopg://u:hidden@127.0.0.1:1/nothing")
    with pytest.raises(StoreUnavailable) as raised, database.read():
        raise AssertionError
    assert "hidden" not in str(raised.value)
    assert raised.value.hint


def test_what_a_transaction_did_is_undone_whole(make: Make) -> None:
    engine = make()

    def half() -> None:
        with engine.database.write() as connection:
            connection.execute(update(schema.target).values(paused=True))
            connection.execute(text("SELECT * FROM nothing_of_that_name"))

    with pytest.raises(StoreUnavailable):
        half()
    assert not engine.board.target("portal").paused


def test_a_time_without_its_offset_is_refused(make: Make) -> None:
    with pytest.raises(ValueError, match="offset"):
        UtcDateTime().process_bind_param(datetime(2025, 1, 1), make().database.engine.dialect)  # noqa: DTZ001


def test_a_state_of_the_version_before_is_brought_up_with_all_it_holds(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/state.db")
    with database.write() as connection:
        migrations.run(connection, "0001")
        connection.execute(schema.lease.insert().values(name="poll", holder="kept", term=1, until=TurnedClock().now()))
    assert not migrations.check(database).usable
    migrations.upgrade(database)
    with database.read() as connection:
        laid_out = {table: {column["name"] for column in inspect(connection).get_columns(table)} for table in inspect(connection).get_table_names()}
        assert connection.execute(select(schema.lease.c.holder)).scalar_one() == "kept"
    assert {name: {column.name for column in table.c} for name, table in schema.metadata.tables.items()}.items() <= laid_out.items()
    assert migrations.check(database).usable


def test_the_figures_say_how_much_waits_where(make: Make) -> None:
    engine = make()
    engine.see(dossier())
    document = IssuedDocument(id="r1", stage=Stage.ISSUED, number="12/QĐ-UBND", files=(Attachment(name="a.pdf", content=b"%PDF-1.7"),))
    Arrivals(engine.database, CIPHER).keep("portal", document, engine.clock.now(), None)
    maintainer_of(engine).tend()
    figures = engine.metrics.render().decode()
    assert 'syncd_due{target="portal"} 1.0' in figures
    assert 'syncd_inbox{state="held",target="portal"} 1.0' in figures
    assert 'syncd_inbox{state="arrived",target="portal"} 0.0' in figures

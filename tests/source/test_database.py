"""The one-stop is never written to, and what goes wrong with it is told without anything private."""

from __future__ import annotations

import traceback
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError, SQLAlchemyError

from connectors._onestop.database import Database, stamp_text, unreadable
from connectors._onestop.writing import Writing
from connectors.onestop import connector, open_source
from syncd.errors import ConfigurationError, SourceError
from syncd.mapping_file import locate
from tests.clocks import TurnedClock
from tests.databases import administer, new_name
from tests.source.opencps import ZONE, Follower, Province, only, options
from tests.waiting import wait_for

SECRET = "mat-khau-bi-mat"
PORT_OF_NOBODY = 9


@pytest.mark.parametrize(("zone", "hour"), [("Asia/Ho_Chi_Minh", 8), ("Asia/Tokyo", 10)])
def test_a_timestamp_of_mariadb_is_read_in_the_one_stops_zone(mariadb_url: URL, zone: str, hour: int) -> None:
    with Province(mariadb_url) as province:
        key = province.dossier()
        province.execute("ALTER TABLE opencps_dossier MODIFY finishDate TIMESTAMP NULL")
        with province.transaction() as connection:
            connection.exec_driver_sql("SET SESSION time_zone = '+00:00'")
            connection.exec_driver_sql(f"UPDATE opencps_dossier SET finishDate = '2026-03-02 01:30:00' WHERE dossierId = {key}")  # noqa: S608
        dossier = only(province.source(timezone=zone)).dossier
    assert dossier.returned_at == datetime(2026, 3, 2, hour, 30, tzinfo=ZoneInfo(zone))
    assert dossier.problems == ()


@pytest.mark.parametrize("statement", ["UPDATE opencps_dossier SET originality = 0", "DELETE FROM opencps_dossier", "CREATE TABLE syncd_was_here (id int)"])
def test_a_write_through_the_sources_connection_is_refused(province: Province, statement: str) -> None:
    key = province.dossier()
    source = province.source()
    with source._tables.reading() as (connection, _), pytest.raises(SQLAlchemyError, match=r"(?i)read.?only"):
        connection.execute(text(statement))
    assert Follower(source).ids() == [key]


def test_the_source_works_for_an_account_that_may_only_select(postgresql_province: Province, postgresql_server: URL) -> None:
    key = postgresql_province.dossier()
    role = new_name()
    administer(
        postgresql_province.url,
        f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
    )
    try:
        source = open_source(
            options(url=postgresql_province.url.set(username=role).render_as_string(hide_password=False), password=SecretStr(SECRET)),
            clock=postgresql_province.clock,
        )
        assert Follower(source).ids() == [key]
        source.close()
    finally:
        administer(postgresql_province.url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_sqlite_file_that_is_not_there_is_not_made(sqlite_url: URL) -> None:
    source = open_source(options(url=str(sqlite_url)), clock=TurnedClock())
    with pytest.raises(SourceError, match="cannot be read"):
        next(source.poll(None))
    source.close()
    assert not Path(str(sqlite_url.database)).exists()


@pytest.mark.parametrize(("product", "slow"), [("postgresql", "SELECT pg_sleep(20)"), ("mariadb", "SELECT SLEEP(20) FROM opencps_processstep")])
def test_a_statement_that_takes_too_long_is_ended(request: pytest.FixtureRequest, product: str, slow: str) -> None:
    source = open_source(options(url=str(made_on(request, product)), statement_timeout="200ms"), clock=TurnedClock())
    with pytest.raises(SourceError, match="statement_timeout") as caught, source._tables.reading() as (connection, _):
        connection.execute(text(slow)).all()
    source.close()
    assert "doctor" in caught.value.hint


@pytest.mark.parametrize(
    ("product", "own", "there"),
    [
        ("postgresql", "SELECT pg_backend_pid()", "SELECT count(*) FROM pg_stat_activity WHERE pid = :own"),
        ("mariadb", "SELECT connection_id()", "SELECT count(*) FROM information_schema.processlist WHERE id = :own"),
    ],
)
@pytest.mark.parametrize("writes", [False, True], ids=["reading", "writing"])
def test_a_transaction_that_stands_still_is_ended(request: pytest.FixtureRequest, product: str, own: str, there: str, *, writes: bool) -> None:
    url, soon = made_on(request, product), timedelta(milliseconds=200)
    writing, reading = Writing(str(url), "", timeout=soon), Database(str(url), zone=ZONE, timeout=soon, clock=TurnedClock())
    watching = create_engine(url, isolation_level="AUTOCOMMIT")

    def stand_still() -> None:
        with writing.transaction() if writes else reading.reading() as connection:
            number = connection.execute(text(own)).scalar_one()
            connection.execute(text("SELECT count(*) FROM opencps_dossier"))
            with watching.connect() as other:
                wait_for(lambda: other.execute(text(there), {"own": number}).scalar_one() == 0)
            connection.execute(text(own))

    with pytest.raises(SourceError, match="cannot be"):
        stand_still()
    with writing.transaction() if writes else reading.reading() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    for each in (writing, reading):
        each.close()
    watching.dispose()


def made_on(request: pytest.FixtureRequest, product: str) -> URL:
    """The address of a one-stop on this product."""
    url: URL = request.getfixturevalue(f"{product}_url")
    Province(url).close()
    return url


@pytest.mark.parametrize("driver", ["postgresql+psycopg", "mysql+pymysql"])
def test_a_database_that_does_not_answer_is_told_without_its_password(driver: str) -> None:
    source = open_source(options(url=f"{driver}://syncd_ro:{SECRET}@127.0.0.1:{PORT_OF_NOBODY}/opencps"), clock=TurnedClock())
    with pytest.raises(SourceError, match="cannot be read") as caught:
        next(source.poll(None))
    assert caught.value.hint
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    source.close()


def test_an_account_that_may_not_read_is_told_so(mariadb_url: URL) -> None:
    url = mariadb_url.set(username="nobody_at_all", password=SECRET)
    source = open_source(options(url=url.render_as_string(hide_password=False)), clock=TurnedClock())
    with pytest.raises(SourceError, match="does not let this account in") as caught:
        next(source.poll(None))
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    source.close()


def test_a_driver_error_is_told_without_the_values_it_quotes(postgresql_province: Province) -> None:
    source = postgresql_province.source()
    with pytest.raises(SourceError) as caught, source._tables.reading() as (connection, _):
        connection.execute(text("SELECT CAST(:name AS integer)"), {"name": "Nông Văn Thử"})
    assert "Nông" not in "".join(traceback.format_exception(caught.value))
    assert "22P02" in caught.value.message


def test_an_error_that_is_no_drivers_is_told_by_its_kind() -> None:
    assert "InvalidRequestError" in unreadable(InvalidRequestError("…")).message
    assert "ValueError" in unreadable(DBAPIError("SELECT", {}, ValueError("Nông Văn Thử"))).message


def test_everything_that_is_missing_in_the_database_is_named_together(province: Province) -> None:
    province.execute("DROP TABLE opencps_applicant")
    name = "domainname" if province.url.get_backend_name() == "postgresql" else "domainName"
    province.execute(f"ALTER TABLE opencps_serviceinfo DROP COLUMN {name}")
    source = province.source()
    with pytest.raises(SourceError, match=r"has no opencps_serviceinfo\.domainName, opencps_applicant") as caught:
        next(source.poll(None))
    assert "source.mapping" in caught.value.hint


def test_table_names_in_another_case_are_found(mariadb_url: URL) -> None:
    with Province(mariadb_url) as province:
        key = province.dossier()
        province.execute("RENAME TABLE opencps_dossier TO OPENCPS_Dossier")
        assert Follower(province.source()).ids() == [key]


def test_a_scan_column_of_many_values_is_refused(sqlite_province: Province) -> None:
    for number in range(205):
        sqlite_province.dossier(dossierStatus=f"s{number:03d}")
    with pytest.raises(SourceError, match="more than 200 values"):
        next(sqlite_province.source().poll(None))


@pytest.mark.parametrize("url", ["", "nonsense", "nosuchdatabase://host/db", "mysql+nosuchdriver://host/db"])
def test_an_address_that_cannot_be_used_is_a_mistake_of_the_configuration(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_source(options(url=url), clock=TurnedClock())
    assert [problem.field for problem in caught.value.problems] == ["source.url"]


def test_options_have_the_documented_defaults_and_hide_the_password() -> None:
    given = options(url=f"mysql+pymysql://syncd_ro:{SECRET}@db/opencps", agency="H03")
    assert given.agency == ("H03",)
    assert options(url="sqlite:///x", agency=["H03", "H55"]).agency == ("H03", "H55")
    assert options(url="sqlite:///x").agency == ()
    assert SECRET not in repr(given)
    with pytest.raises(ValueError, match="no time zone"):
        options(url="sqlite:///x", timezone="Asia/Bac_Kan")


def test_the_present_of_a_database_is_local_and_naive(province: Province) -> None:
    source = province.source()
    with source._tables.reading() as (connection, _):
        present = source._database.present(connection)
    assert present.tzinfo is None
    assert abs((present - province.now()).total_seconds()) < 30


def test_a_product_that_does_not_compare_times_with_text_gets_a_time() -> None:
    database = Database.__new__(Database)
    database.product = "oracle"
    assert database.stamp("2026-03-02 08:30:00") == datetime(2026, 3, 2, 8, 30)  # noqa: DTZ001
    assert database.stamp(database.floor) == datetime(1900, 1, 1)  # noqa: DTZ001


def test_stamps_sort_like_the_times_they_stand_for() -> None:
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    times = [datetime(2026, 3, 2, 8, 30, second, micro, zone) for second, micro in ((0, 0), (0, 5), (0, 500000), (1, 0), (9, 1), (10, 0))]
    assert [stamp_text(time) for time in times] == sorted(stamp_text(time) for time in reversed(times))
    assert (stamp_text(None), stamp_text("infinity")) == ("", "infinity")


def test_an_administrators_mapping_goes_before_the_shipped_one(sqlite_province: Province, tmp_path: Path) -> None:
    (tmp_path / "onestop").mkdir()
    shipped = locate("opencps-v2", "onestop")[1].decode()
    (tmp_path / "onestop" / "opencps-v2.toml").write_text(shipped.replace('processing = "processing"', 'processing = "payment"', 1), encoding="utf-8")
    sqlite_province.dossier()
    source = connector.build(connector.options.model_validate({"url": str(sqlite_province.url)}), clock=sqlite_province.clock, mappings=tmp_path)
    assert [snapshot.dossier.status for page in source.sweep() for snapshot in page.snapshots] == ["payment"]
    source.close()

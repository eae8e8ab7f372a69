"""The invented one-stop is whole: references, states, and the same again for the same seed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import URL, Engine, func, inspect, select

from syncd.clock import SystemClock
from syncd.sandbox.catalogue import PROCEDURES, SECTORS, STATUS_DEFAULTS, STATUS_ROWS
from syncd.sandbox.flow import STAGES
from syncd.sandbox.onestop import build, connect, local_now, portal_codes, publishable
from syncd.sandbox.places import COMMUNES, UNITS
from syncd.sandbox.schema import tables_in
from tests.clocks import TurnedClock

CODE = re.compile(r"\d{3}\.\d{2}\.\d{2}\.H03-\d{6}-\d{4}")


def rows(engine: Engine, name: str) -> list[dict[str, Any]]:
    """All rows of one of the tables, by the names of the real schema."""
    table = getattr(tables_in(engine), name)
    with engine.connect() as connection:
        return [dict(zip(table.c.keys(), row, strict=True)) for row in connection.execute(table.select().order_by(*table.primary_key))]


@pytest.fixture
def big(empty: Engine, clock: TurnedClock) -> Engine:
    """A one-stop with 1,500 dossiers."""
    build(empty, dossiers=1500, seed=11, clock=clock)
    return empty


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def anywhere(request: pytest.FixtureRequest) -> Iterator[Engine]:
    engine = connect(request.getfixturevalue(f"{request.param}_url"))
    yield engine
    engine.dispose()


def test_every_database_gets_the_same_dossiers(anywhere: Engine, clock: TurnedClock) -> None:
    contents = build(anywhere, dossiers=40, seed=2, clock=clock)
    dossiers = rows(anywhere, "dossier")
    assert len(dossiers) == contents.dossiers == 40
    assert sum(map(publishable, dossiers)) == contents.publishable
    assert len(rows(anywhere, "action")) == contents.steps
    first = dossiers[0]["dossierNo"], dossiers[0]["createDate"], dossiers[0]["online_"]
    assert first == (
        "000.00.07.H03-250116-0001",
        datetime.fromisoformat("2025-01-16T15:33:23.599"),
        False,
    )


def test_only_the_real_indexes_are_there(anywhere: Engine) -> None:
    build(anywhere, dossiers=1, folded=False)
    indexes = {tuple(index["column_names"]) for index in inspect(anywhere).get_indexes("opencps_dossier")}
    assert indexes == {("dossierStatus", "modifiedDate"), ("groupId", "dossierNo"), ("groupId", "dossierId")}
    for child in ("dossieraction", "dossierfile", "paymentfile"):
        assert ["dossierId"] in [index["column_names"] for index in inspect(anywhere).get_indexes(f"opencps_{child}")]


def test_postgresql_folds_names_unless_told_otherwise(postgresql_url: URL) -> None:
    engine = connect(postgresql_url)
    build(engine, dossiers=3)
    assert "dossierstatus" in {column["name"] for column in inspect(engine).get_columns("opencps_dossier")}
    assert rows(engine, "dossier")[0]["dossierStatus"]
    engine.dispose()


def test_the_same_seed_gives_the_same_one_stop(sqlite_url: URL, clock: TurnedClock) -> None:
    found = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        engine = connect(sqlite_url.set(database=f"{sqlite_url.database}.{name}"))
        build(engine, dossiers=50, seed=seed, clock=clock)
        found.append([rows(engine, table) for table in ("dossier", "action", "file", "payment", "applicant")])
        engine.dispose()
    assert found[0] == found[1] != found[2]


def test_children_belong_to_dossiers_and_keys_to_catalogues(big: Engine) -> None:
    dossiers = {row["dossierId"]: row for row in rows(big, "dossier")}
    for child in ("action", "file", "payment"):
        assert {row["dossierId"] for row in rows(big, child)} <= dossiers.keys()
    stages = {(row["serviceProcessId"], row["stepCode"]) for row in rows(big, "step")}
    assert {(row["serviceProcessId"], row["stepCode"]) for row in rows(big, "action")} <= stages
    assert {row["serviceCode"] for row in dossiers.values()} <= {row["serviceCode"] for row in rows(big, "service")}
    assert {row["applicantIdNo"] for row in dossiers.values()} <= {row["applicantIdNo"] for row in rows(big, "applicant")}
    assert all(row["originDossierId"] in dossiers for row in dossiers.values() if row["originDossierId"])


def test_a_dossier_is_where_its_last_step_left_it(big: Engine) -> None:
    actions: dict[int, list[dict[str, Any]]] = {}
    for row in rows(big, "action"):
        actions.setdefault(row["dossierId"], []).append(row)
    for dossier in rows(big, "dossier"):
        history = actions[dossier["dossierId"]]
        last = history[-1]
        stage = STAGES[last["stepCode"]]
        assert dossier["dossierActionId"] == last["dossierActionId"]
        assert (dossier["dossierStatus"], dossier["dossierSubStatus"]) == (stage.status, stage.substatus)
        assert [one["createDate"] for one in history] == sorted({one["createDate"] for one in history})
        assert [one["nextActionId"] for one in history[:-1]] == [one["dossierActionId"] for one in history[1:]]
        assert last["nextActionId"] == 0
        assert dossier["modifiedDate"] in (None, last["createDate"])


def test_codes_are_unique_and_dated_by_reception(big: Engine) -> None:
    units = {unit.code: unit.name for unit in UNITS}
    codes = [row for row in rows(big, "dossier") if row["dossierNo"]]
    assert len({row["dossierNo"] for row in codes}) == len(codes)
    for row in codes:
        assert CODE.fullmatch(row["dossierNo"])
        assert row["dossierNo"].startswith(f"{row['govAgencyCode']}-{row['receiveDate']:%y%m%d}-")
        assert units[row["govAgencyCode"]] == row["govAgencyName"]


def test_every_state_and_every_kind_of_dossier_occurs(big: Engine) -> None:
    dossiers = rows(big, "dossier")
    assert {row["dossierStatus"] for row in dossiers} == {stage.status for stage in STAGES.values()}
    assert 0.8 < sum(map(publishable, dossiers)) / len(dossiers) < 0.95
    assert {row["systemId"] for row in dossiers} == {0, 5}
    assert any(row["originDossierId"] for row in dossiers)
    assert any(row["originality"] == 0 for row in dossiers)
    assert any(row["dossierNo"] is None and row["receiveDate"] is None for row in dossiers)
    assert any(row["modifiedDate"] is None for row in dossiers)
    assert any(row["extendDate"] for row in dossiers)
    assert any(row["releaseDate"] and row["releaseDate"] > row["dueDate"] for row in dossiers), "late"
    assert any(row["removed"] for row in rows(big, "file"))
    assert {row["paymentMethod"] for row in rows(big, "payment")} == {"", "Keypay", "Tiền mặt"}


def test_nothing_is_from_the_future_or_older_than_asked(empty: Engine, clock: TurnedClock) -> None:
    build(empty, dossiers=300, clock=clock, days=20)
    now = local_now(clock)
    for table in ("dossier", "action", "file", "payment"):
        dates = [row["createDate"] for row in rows(empty, table)]
        assert now - timedelta(days=23) < min(dates) <= max(dates) <= now


def test_the_present_is_that_of_the_province(clock: TurnedClock) -> None:
    assert local_now(clock) == datetime.fromisoformat("2025-03-03T08:00")
    assert local_now(SystemClock()).tzinfo is None


def test_people_are_plainly_invented(big: Engine) -> None:
    for row in rows(big, "applicant"):
        assert re.fullmatch(r"006\d{9}|095\d{6}" if row["applicantIdType"] == "citizen" else r"4700\d{6}", row["applicantIdNo"])
        assert re.fullmatch(r"0900\d{6}", row["contactTelNo"])
        assert row["contactEmail"] == "" or re.fullmatch(r"[a-z.\-]+\d+@example\.vn", row["contactEmail"])


def test_the_catalogue_agrees_with_itself() -> None:
    assert len(PROCEDURES) == 25 == len({procedure.code for procedure in PROCEDURES})
    assert {procedure.sector for procedure in PROCEDURES} == set(SECTORS)
    assert all(re.fullmatch(r"\d\.\d{6}", procedure.code) for procedure in PROCEDURES)
    assert {procedure.mapped for procedure in PROCEDURES} == {True, False}
    assert {stage.status for stage in STAGES.values()} <= STATUS_DEFAULTS.keys()
    assert {code for _, _, code in STATUS_ROWS} == {str(code) for code in range(1, 11)}
    assert len(COMMUNES) == 8
    assert len({unit.code for unit in UNITS}) == len(UNITS)


def test_dossiers_of_the_portal_are_told_by_their_national_code(big: Engine) -> None:
    codes = portal_codes(big)
    assert codes == [row["referenceUid"] for row in rows(big, "dossier") if row["systemId"] == 5]
    assert len(set(codes)) == len(codes) > 0


def test_sub_statuses_have_rows_of_their_own(big: Engine) -> None:
    with big.connect() as connection:
        table = tables_in(big).status
        assert connection.scalar(select(func.count()).select_from(table)) == len(STATUS_ROWS)
        assert connection.scalar(select(table.c.statusCodeDVCQG).where(table.c.subStatusCode == "processing_tax")) == "6"

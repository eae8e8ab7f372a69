"""What an administrator is told about the index behind the poll."""

from __future__ import annotations

import pytest
from sqlalchemy import URL

from connectors._onestop.plan import plan
from tests.source.opencps import Province


def test_the_products_own_indexes_serve_every_statement(province: Province) -> None:
    for status in ("new", "processing", "done"):
        province.dossier(dossierStatus=status)
    plans = province.source().plan()
    assert [row.statement for row in plans] == ["changed", "unstamped", "steps", "papers", "fees"]
    assert [row for row in plans if row.scans or row.ddl] == []
    assert all(row.plan for row in plans)


def test_a_missing_index_is_named_with_the_ddl_that_helps(database_url: URL) -> None:
    with Province(database_url, indexed=False) as province:
        for _ in range(30):
            province.dossier()
        plans = {row.statement: row for row in province.source().plan()}
        assert plans["changed"].scans
        assert plans["changed"].ddl.lower() == "create index syncd_changes on opencps_dossier (dossierstatus, modifieddate)"
        assert plans["steps"].scans
        for ddl in {row.ddl for row in plans.values() if row.ddl}:
            province.execute(ddl)
        assert [row.statement for row in province.source().plan() if row.scans] == []


@pytest.mark.parametrize("product", ["oracle", "mssql"])
def test_a_product_whose_plans_are_not_understood_says_nothing(sqlite_province: Province, product: str) -> None:
    source = sqlite_province.source()
    source._database.product = product
    assert plan(source._tables, source._mapping.settings) == []

"""The cost of a poll that finds nothing does not grow with the one-stop: on a million dossiers it reads a handful of rows.

The databases say so themselves: by the plans they choose, by the pages and rows they count, and by what they count as written: nothing.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import URL, text

from connectors._onestop.plan import Explain
from connectors.onestop import OneStop
from syncd.model import Cursor
from tests.databases import administer
from tests.source.opencps import Follower, Province

DOSSIERS = 1_000_000
STATUSES = ("new", "receiving", "processing", "waiting", "paying", "releasing", "done", "denied", "cancelled", "unresolved")
STILL = 2.5  # seconds
FEW_ROWS = 200
FEW_PAGES = 500  #: of about 20,000 that the table has

pytestmark = [pytest.mark.big, pytest.mark.slow]

ROWS = """
INSERT INTO opencps_dossier (dossierId, groupId, modifiedDate, dossierNo, dossierStatus, receiveDate, originality)
SELECT {n}, 35417, {at}, CONCAT('A-', {n}), {status}, {at}, 1 FROM {numbers}
"""


@pytest.fixture
def big_postgresql(postgresql_url: URL) -> Iterator[Province]:
    """A million dossiers of two years on PostgreSQL."""
    with Province(postgresql_url) as province:
        status = f"(ARRAY{list(STATUSES)})[1 + MOD(n, {len(STATUSES)})]"
        at = f"TIMESTAMP '{province.ago(hours=1)}' - ({DOSSIERS} - n) * INTERVAL '63 seconds'"
        province.execute(ROWS.format(n="n", at=at, status=status, numbers=f"generate_series(1, {DOSSIERS}) AS n"))
        administer(postgresql_url, "VACUUM ANALYZE opencps_dossier")
        yield province


@pytest.fixture
def big_mariadb(mariadb_url: URL) -> Iterator[Province]:
    """A million dossiers of two years on MariaDB."""
    with Province(mariadb_url) as province:
        status = f"ELT(1 + seq MOD {len(STATUSES)}, {', '.join(map(repr, STATUSES))})"
        at = f"TIMESTAMP'{province.ago(hours=1)}' - INTERVAL (({DOSSIERS} - seq) * 63) SECOND"
        province.execute(ROWS.format(n="seq", at=at, status=status, numbers=f"seq_1_to_{DOSSIERS}"))
        province.execute("ANALYZE TABLE opencps_dossier")
        yield province


def up_to_date(province: Province) -> Follower:
    """A poller that has read everything, each row's time settled."""
    with province.engine.connect() as connection:
        modified = connection.execute(text("SELECT MAX(modifiedDate) FROM opencps_dossier")).scalar_one()
    follower = Follower(province.source(), Cursor(modified=str(modified), id=DOSSIERS, top=DOSSIERS))
    follower.poll()
    return follower


def test_a_poll_that_finds_nothing_reads_few_pages_of_a_million_on_postgresql(big_postgresql: Province) -> None:
    follower = up_to_date(big_postgresql)
    follower.source.close()
    before = settled_counts(big_postgresql)
    assert len(follower.ids()) <= 1
    follower.source.close()
    after = settled_counts(big_postgresql, more_than=before["idx_scan"])
    assert after["seq_scan"] == before["seq_scan"]
    assert after["idx_scan"] - before["idx_scan"] < FEW_ROWS
    assert after["rows_read"] - before["rows_read"] < FEW_ROWS
    assert after["pages"] - before["pages"] < FEW_PAGES
    assert after["written"] == before["written"]
    the_plan_touches_few_pages(big_postgresql, follower.source)


def test_a_poll_that_finds_nothing_reads_few_rows_of_a_million_on_mariadb(big_mariadb: Province) -> None:
    follower = up_to_date(big_mariadb)
    source = follower.source
    assert [row for row in source.plan() if row.scans] == []
    own = handler_counts(source._tables.reading)
    before = handler_counts(source._tables.reading)
    assert len(follower.ids()) <= 1
    after = handler_counts(source._tables.reading)
    cost_of_counting = before["read"] - own["read"]
    assert after["read"] - before["read"] - cost_of_counting < FEW_ROWS
    assert after["written"] == 0


def the_plan_touches_few_pages(province: Province, source: OneStop) -> None:
    """PostgreSQL's own plan, run: every part of the poll's statement goes through the index."""
    assert [row for row in source.plan() if row.scans] == []
    with source._tables.reading() as (connection, queries):
        values = queries.scan_values(connection)
        assert set(values) == {*STATUSES, None}
        explained = Explain(queries.changed(values), "EXPLAIN (ANALYZE, BUFFERS)")
        plan = "\n".join(row[0] for row in connection.execute(explained, {"stamp": str(province.ago(minutes=65)), "after": 0}))
    assert "Seq Scan" not in plan
    touched = re.findall(r"Buffers: (?:shared )?(.*)", plan)[0]
    assert sum(int(pages) for pages in re.findall(r"=(\d+)", touched)) < FEW_PAGES


def settled_counts(province: Province, more_than: int = 0) -> dict[str, int]:
    """PostgreSQL's counters of the dossier table, once they show what was done before and have stood still: a connection
    reports within a second or two of its end, the one that filled the table too."""
    province.engine.dispose()
    statement = text(
        "SELECT t.seq_scan, t.idx_scan, t.seq_tup_read + i.fetched AS rows_read, "
        "o.heap_blks_read + o.heap_blks_hit + o.idx_blks_read + o.idx_blks_hit AS pages, t.n_tup_ins + t.n_tup_upd + t.n_tup_del AS written "
        "FROM pg_stat_user_tables t JOIN pg_statio_user_tables o USING (relid) "
        "JOIN (SELECT relid, sum(idx_tup_read) AS fetched FROM pg_stat_user_indexes GROUP BY relid) i USING (relid) WHERE t.relname = 'opencps_dossier'"
    )
    until, last, since = time.monotonic() + 30, None, time.monotonic()
    while True:
        with province.engine.connect() as connection:
            counts = {name: int(value) for name, value in connection.execute(statement).mappings().one().items()}
        if counts != last:
            last, since = counts, time.monotonic()
        elif counts["idx_scan"] > more_than and time.monotonic() - since > STILL:
            return counts
        assert time.monotonic() < until, "the counters never came"
        threading.Event().wait(0.1)


def handler_counts(reading: object) -> dict[str, int]:
    """What MariaDB counts for the source's own connection: rows read, rows written."""
    assert callable(reading)
    with reading() as (connection, _):
        rows = {name: int(value) for name, value in connection.execute(text("SHOW SESSION STATUS LIKE 'Handler\\_%'"))}
    written = sum(rows[f"Handler_{kind}"] for kind in ("write", "update", "delete"))
    return {"read": sum(count for name, count in rows.items() if name.startswith("Handler_read")), "written": written}

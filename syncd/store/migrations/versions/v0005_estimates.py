"""What SQLite should think of the size of the ledger and of the snapshots. Nothing changes for code that does not know of it, nor on
PostgreSQL, which counts for itself.

Without statistics SQLite takes a target to have ten rows, and reads all of them where a partial index would lead to a few. Statistics of its own
(`ANALYZE`) would come too late, for a state begins empty, and could change a plan at any time. So they are given: a large province, most of it in sync.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

#: by table and index (of a primary key without one: the table), the rows in it, and how many of them share the first column, the first two …
ESTIMATES = {
    "ledger": {
        "ledger": "1000000 500000 1",
        "ix_ledger_due": "10000 5000 2",
        "ix_ledger_leased": "1000 500 100",
        "ix_ledger_stopped": "1000 500 1",
        "ix_ledger_subject": "1000000 2 1",
    },
    "snapshot": {
        "sqlite_autoindex_snapshot_1": "500000 1",
        "ix_snapshot_source_id": "500000 1",
        "ix_snapshot_changed_at": "500000 2",
    },
}


def upgrade() -> None:
    """Write them down; connections that are made from now on know them."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute("ANALYZE schema_info")  # makes the table of statistics
    for table, indexes in ESTIMATES.items():
        op.execute(f"DELETE FROM sqlite_stat1 WHERE tbl = '{table}'")  # noqa: S608 the words above
        for index, rows in indexes.items():
            op.execute(f"INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('{table}', '{index}', '{rows}')")  # noqa: S608
    op.execute("ANALYZE sqlite_schema")  # reads them again

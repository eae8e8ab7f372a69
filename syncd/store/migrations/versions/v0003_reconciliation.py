"""What reconciliation needs: what is owed, adopted or doubtful, and the record of its runs."""

import sqlalchemy as sa
from alembic import op

from syncd.store.types import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and tables of schema version 3."""
    op.add_column("ledger", sa.Column("owed", sa.Text(), nullable=False, server_default=""))
    op.add_column("ledger", sa.Column("strange", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("ledger", sa.Column("adopting", UtcDateTime(), nullable=True))
    op.add_column("ledger", sa.Column("adopted", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("ledger", sa.Column("doubtful", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("ledger", sa.Column("asked_at", UtcDateTime(), nullable=True))
    op.add_column("target", sa.Column("origin", sa.String(length=8), nullable=False, server_default=""))
    op.add_column("target", sa.Column("origin_at", UtcDateTime(), nullable=True))
    op.execute("UPDATE target SET origin = 'fresh' WHERE EXISTS (SELECT 1 FROM ledger WHERE ledger.target = target.name AND ledger.sent_version > 0)")
    op.create_table(
        "run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index(op.f("ix_run_target_began_at"), "run", ["target", "began_at"], unique=False)
    op.create_table(
        "finding",
        sa.Column("run", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("dossier", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("agency", sa.String(length=64), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("became", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "dossier", "kind", name=op.f("pk_finding")),
    )
    op.create_table(
        "total",
        sa.Column("run", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(length=64), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("checked", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "agency", "month", name=op.f("pk_total")),
    )

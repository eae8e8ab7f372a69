"""The daemons that share a state. Code of version 3 knows nothing of them and goes on as it did."""

import sqlalchemy as sa
from alembic import op

from syncd.store.types import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table that schema version 4 adds."""
    op.create_table(
        "node",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("incarnation", sa.String(length=16), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("schema", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("last_seen", UtcDateTime(), nullable=False),
        sa.Column("draining", sa.Boolean(), nullable=False),
        sa.Column("clock_skew", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_node")),
    )

"""Drafts and statistics beside the dossiers, and what comes back."""

import sqlalchemy as sa
from alembic import op

from syncd.store.types import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_OPEN = sa.text("state NOT IN ('done', 'void')")


def upgrade() -> None:
    """Create the tables that schema version 2 adds."""
    op.create_table(
        "matter",
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("dossier", sa.String(length=160), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_matter")),
    )
    op.create_index(op.f("ix_matter_dossier"), "matter", ["dossier"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("document", sa.String(length=160), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("dossier", sa.String(length=160), nullable=False),
        sa.Column("draft", sa.String(length=75), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.Column("error_hint", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("target", "document", "digest", name=op.f("uq_inbox_target_document_digest")),
    )
    op.create_index(op.f("ix_inbox_dossier"), "inbox", ["dossier"], unique=False)
    op.create_index("ix_inbox_open", "inbox", ["target", "due_at"], unique=False, sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_table(
        "inbox_file",
        sa.Column("inbox", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(length=128), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["inbox"], ["inbox.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("inbox", "place", name=op.f("pk_inbox_file")),
    )

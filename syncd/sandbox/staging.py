"""The staging table of the invented one-stop: into it syncd writes what came back, and from it the one-stop's vendor reads.

Its columns are what an administrator is given to create (`config/inbox`); a test holds both to the same.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Date, DateTime, ForeignKey, Integer, LargeBinary, MetaData, String, Table, Text, UniqueConstraint
from sqlalchemy.dialects.mysql import DATETIME, LONGBLOB

_METADATA: Final = MetaData()
_TIME: Final = DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb")

inbox: Final = Table(
    "syncd_inbox",
    _METADATA,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("target", String(64), nullable=False),
    Column("document", String(160), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("dossier_code", String(160), nullable=False),
    Column("dossier_id", BigInteger),
    Column("draft", String(160)),
    Column("stage", String(16), nullable=False),
    *(Column(name, Text) for name in ("code", "code_number", "code_notation")),
    Column("issued_on", Date),
    Column("signed_on", Date),
    *(Column(name, Text) for name in ("signer", "signer_position", "agency_code", "agency_name", "abstract", "document_type", "reason")),
    Column("file_count", Integer, nullable=False),
    Column("received_at", _TIME, nullable=False),
    Column("written_at", _TIME, nullable=False),
    Column("taken_at", _TIME),
    UniqueConstraint("target", "document", "digest"),
)
inbox_file: Final = Table(
    "syncd_inbox_file",
    _METADATA,
    Column("inbox_id", BigInteger, ForeignKey("syncd_inbox.id"), primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("content", LargeBinary().with_variant(LONGBLOB(), "mysql", "mariadb"), nullable=False),
)
tables: Final = _METADATA

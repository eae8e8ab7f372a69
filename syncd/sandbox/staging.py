"""The staging table of the invented one-stop: into it syncd writes what came back, and from it the one-stop's vendor reads.

Its columns are what an administrator is given to create (`config/inbox`); a test holds both to the same.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Date, DateTime, ForeignKeyConstraint, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.dialects.mysql import DATETIME, LONGBLOB

_METADATA: Final = MetaData()
_TIME: Final = DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb")

inbox: Final = Table(
    "syncd_inbox",
    _METADATA,
    Column("target", String(64), primary_key=True),
    Column("document", String(160), primary_key=True),
    Column("digest", String(32), primary_key=True),
    Column("stage", String(16), nullable=False),
    Column("dossier", String(160), nullable=False),
    Column("dossier_id", BigInteger, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("draft", "number", "code_number", "code_notation")),
    Column("issued_on", Date),
    Column("signed_on", Date),
    *(Column(name, Text, nullable=False) for name in ("signer", "position", "agency_code", "agency_name", "kind", "abstract", "reason")),
    Column("received_at", _TIME, nullable=False),
    Column("written_at", _TIME, nullable=False),
    Column("read_at", _TIME),
)
inbox_file: Final = Table(
    "syncd_inbox_file",
    _METADATA,
    Column("target", String(64), primary_key=True),
    Column("document", String(160), primary_key=True),
    Column("digest", String(32), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("content", LargeBinary().with_variant(LONGBLOB(), "mysql", "mariadb"), nullable=False),
    ForeignKeyConstraint(["target", "document", "digest"], ["syncd_inbox.target", "syncd_inbox.document", "syncd_inbox.digest"]),
)
tables: Final = _METADATA

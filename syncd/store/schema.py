"""The tables of the state.

    source_cursor   how far the one-stop has been read, and whether it looks suspicious
    snapshot        one row a dossier: its record as last read, sealed
    step            its steps, sealed, each with its place in the history (places are given on arrival and never change)
    change          what was seen to change, by field name, without values
    matter          what is sent besides dossiers: drafts for signing, statistics; sealed
    ledger          one row for each target and subject (a dossier, or a matter): what the target should have, what it has
                    acknowledged, and who is at work on it now
    inbox           what came back from document systems, one row a document: where it stands on its way into the one-stop
    inbox_file      its files, sealed, until they have been there long enough
    attempt         append-only: one row a call and dossier
    target          what an administrator or the breaker says of a target
    run, finding    reconciliations: their scope, how far they came, and every difference found
    total           how many dossiers a run has compared, by agency and month
    lease           who polls, collects, reconciles and maintains, in which term
    node            the daemons that share this state: since when, when last heard of, whether one drains
    audit           what administrators did
    schema_info     the version of all this

States of a ledger row:

    idle ──a change──▶ due ──claim──▶ leased ──acknowledged──▶ idle        (due again if the source has moved on meanwhile)
                        ▲              ├─ failed, will be tried again ──▶ due, later
                        │              └─ a person must look ──▶ dead ──discard──▶ held
                        └── a change of the source, or `dead retry`, brings dead and held back

Nearly every hot statement names (target, subject): the distribution key, should the state outgrow one PostgreSQL. `docs/scale.md` has the
two that do not.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from syncd.store.types import UtcDateTime

VERSION = 5  #: of this schema
COMPATIBLE = 3  #: the oldest code that may still use it
COMPACT = 4  #: the oldest code that reads compact seals (see `crypto`)

metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"})

_OPEN = "state NOT IN ('done', 'void')"
_counted = BigInteger().with_variant(Integer, "sqlite")

schema_info = Table(
    "schema_info",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("compatible", Integer, nullable=False),
)

source_cursor = Table(
    "source_cursor",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("cursor", Text, nullable=False, default=""),
    Column("polled_at", UtcDateTime),
    Column("lag", Float),
    Column("sweep_after", BigInteger, nullable=False, default=0),
    Column("swept_at", UtcDateTime),
    Column("suspicion", Text, nullable=False, default=""),
    Column("accepted", Boolean, nullable=False, default=False),
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("subject", String(160), primary_key=True),
    Column("source_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("steps", Integer, nullable=False, default=0),
    Column("steps_digest", String(32), nullable=False, default=""),
    Column("status", String(16), nullable=False, default=""),
    Column("agency", String(64), nullable=False, default=""),
    Column("received_at", UtcDateTime),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "source_id"),
    Index(None, "changed_at"),
)

step = Table(
    "step",
    metadata,
    Column("subject", String(160), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("step_id", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    ForeignKeyConstraint(["subject"], ["snapshot.subject"], ondelete="CASCADE"),
    sqlite_with_rowid=False,
)

change = Table(
    "change",
    metadata,
    Column("id", _counted, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("subject", String(160), nullable=False),
    Column("version", Integer, nullable=False),
    Column("fields", Text, nullable=False, default=""),
    Column("new_steps", Integer, nullable=False, default=0),
    Index(None, "subject"),
    Index(None, "at"),
)

matter = Table(
    "matter",
    metadata,
    Column("subject", String(160), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("dossier", String(160), nullable=False, default=""),
    Column("version", Integer, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("standing", Boolean, nullable=False, default=True),
    Column("body", LargeBinary, nullable=False),
    Index(None, "dossier"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("target", String(64), primary_key=True),
    Column("subject", String(160), primary_key=True),
    Column("state", String(8), nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("wanted_version", Integer, nullable=False),
    Column("wanted_digest", String(32), nullable=False),
    Column("steps_wanted", Integer, nullable=False),
    Column("created", Boolean, nullable=False, default=False),
    Column("sent_version", Integer, nullable=False, default=0),
    Column("sent_digest", String(32), nullable=False, default=""),
    Column("steps_sent", Integer, nullable=False, default=0),
    Column("sent_at", UtcDateTime),
    Column("failures", Integer, nullable=False, default=0),
    Column("unsure", Boolean, nullable=False, default=False),
    Column("doubts", Integer, nullable=False, default=0),
    Column("lease_token", String(32), nullable=False, default=""),
    Column("lease_until", UtcDateTime),
    Column("lease_node", String(64), nullable=False, default=""),
    Column("overtaken", Boolean, nullable=False, default=False),
    Column("owed", Text, nullable=False, default=""),
    Column("strange", Boolean, nullable=False, default=False),
    Column("adopting", UtcDateTime),
    Column("adopted", Integer, nullable=False, default=0),
    Column("doubtful", Boolean, nullable=False, default=False),
    Column("asked_at", UtcDateTime),
    Column("stopped_at", UtcDateTime),
    Column("outcome", String(16), nullable=False, default=""),
    Column("error_code", String(64), nullable=False, default=""),
    Column("error_message", Text, nullable=False, default=""),
    Column("error_hint", Text, nullable=False, default=""),
    Column("memo", Text, nullable=False, default=""),
    Index("ix_ledger_due", "target", "due_at", sqlite_where=text("state = 'due'"), postgresql_where=text("state = 'due'")),
    Index("ix_ledger_leased", "target", "lease_until", sqlite_where=text("state = 'leased'"), postgresql_where=text("state = 'leased'")),
    Index("ix_ledger_stopped", "target", "subject", sqlite_where=text("state IN ('dead', 'held')"), postgresql_where=text("state IN ('dead', 'held')")),
    Index("ix_ledger_subject", "subject"),
    sqlite_with_rowid=False,
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", _counted, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("target", String(64), nullable=False),
    Column("subject", String(160), nullable=False),
    Column("node", String(64), nullable=False),
    Column("operation", String(16), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("code", String(64), nullable=False, default=""),
    Column("message", Text, nullable=False, default=""),
    Column("duration_ms", Integer, nullable=False),
    Column("version", Integer, nullable=False, default=0),
    Column("first_step", Integer, nullable=False, default=0),
    Column("last_step", Integer, nullable=False, default=0),
    Column("again", Boolean, nullable=False, default=False),
    Column("request", LargeBinary),
    Column("answer", LargeBinary),
    Index(None, "subject"),
    Index(None, "at"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", _counted, primary_key=True, autoincrement=True),
    Column("target", String(64), nullable=False),
    Column("document", String(160), nullable=False),
    Column("digest", String(32), nullable=False),
    Column("state", String(12), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("dossier", String(160), nullable=False, default=""),
    Column("draft", String(75), nullable=False, default=""),
    Column("received_at", UtcDateTime, nullable=False),
    Column("written_at", UtcDateTime),
    Column("acknowledged_at", UtcDateTime),
    Column("due_at", UtcDateTime, nullable=False),
    Column("failures", Integer, nullable=False, default=0),
    Column("error_code", String(64), nullable=False, default=""),
    Column("error_message", Text, nullable=False, default=""),
    Column("error_hint", Text, nullable=False, default=""),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("target", "document", "digest"),
    Index("ix_inbox_open", "target", "due_at", sqlite_where=text(_OPEN), postgresql_where=text(_OPEN)),
    Index(None, "dossier"),
)

inbox_file = Table(
    "inbox_file",
    metadata,
    Column("inbox", _counted, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("name", LargeBinary, nullable=False),
    Column("kind", String(128), nullable=False, default=""),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("body", LargeBinary),
    ForeignKeyConstraint(["inbox"], ["inbox.id"], ondelete="CASCADE"),
)

target = Table(
    "target",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("paused", Boolean, nullable=False, default=False),
    Column("reason", Text, nullable=False, default=""),
    Column("breaker", String(16), nullable=False, default="closed"),
    Column("breaker_until", UtcDateTime),
    Column("wait_until", UtcDateTime),
    Column("last_success", UtcDateTime),
    Column("origin", String(8), nullable=False, default=""),
    Column("origin_at", UtcDateTime),
)

run = Table(
    "run",
    metadata,
    Column("id", _counted, primary_key=True, autoincrement=True),
    Column("target", String(64), nullable=False),
    Column("who", String(128), nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("state", String(12), nullable=False),
    Column("scope", Text, nullable=False),
    Column("position", BigInteger, nullable=False, default=0),
    Column("counts", Text, nullable=False, default="{}"),
    Column("seal", String(64), nullable=False, default=""),
    Index(None, "target", "began_at"),
)

finding = Table(
    "finding",
    metadata,
    Column("run", _counted, primary_key=True, autoincrement=False),
    Column("dossier", String(160), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("agency", String(64), nullable=False, default=""),
    Column("month", String(7), nullable=False, default=""),
    Column("detail", Text, nullable=False),
    Column("became", String(12), nullable=False, default=""),
    ForeignKeyConstraint(["run"], ["run.id"], ondelete="CASCADE"),
)

total = Table(
    "total",
    metadata,
    Column("run", _counted, primary_key=True, autoincrement=False),
    Column("agency", String(64), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("checked", Integer, nullable=False),
    ForeignKeyConstraint(["run"], ["run.id"], ondelete="CASCADE"),
)

lease = Table(
    "lease",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("term", Integer, nullable=False),
    Column("until", UtcDateTime, nullable=False),
)

node = Table(
    "node",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("incarnation", String(16), nullable=False, default=""),
    Column("version", String(32), nullable=False, default=""),
    Column("schema", Integer, nullable=False, default=0),
    Column("since", UtcDateTime, nullable=False),
    Column("last_seen", UtcDateTime, nullable=False),
    Column("draining", Boolean, nullable=False, default=False),
    Column("clock_skew", Float),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _counted, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("who", String(128), nullable=False),
    Column("action", String(64), nullable=False),
    Column("target", String(64), nullable=False, default=""),
    Column("subject", String(160), nullable=False, default=""),
    Column("detail", Text, nullable=False, default=""),
    Index(None, "subject"),
)

"""Bringing a state database to the schema this code needs (Alembic), and refusing one it does not understand.

`schema_info` says which version wrote the state and which is the oldest code that may still use it. A state that is newer
than this code is refused: an older syncd would overwrite what it does not know. A state that is older is brought up by
`syncd db upgrade`; an empty one is laid out on the spot. Alembic is imported only when there is work for it.

So a rolling upgrade is possible where `schema.COMPATIBLE` is no newer than the code that runs: the state is brought up while
the old nodes work, and then one node after the other. A migration that keeps it so adds tables, or columns that code which
does not name them can leave out. When the last of them is done, `finish` says so, and what older code could not read may be
written; in a state that began with this code it may from the first row.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any

from sqlalchemy import Connection, case, inspect, select, text, update

from syncd.errors import SchemaMismatch
from syncd.model import Value
from syncd.store import schema
from syncd.store.database import Database


class Version(Value):
    """How the state and this code stand to each other."""

    found: int  #: schema version of the state, 0 = empty
    wanted: int
    usable: bool


def check(database: Database) -> Version:
    """The version of a state, without touching it."""
    with database.read() as connection:
        if not inspect(connection).has_table("schema_info"):
            return Version(found=0, wanted=schema.VERSION, usable=False)
        found, compatible = connection.execute(select(schema.schema_info.c.version, schema.schema_info.c.compatible)).one()
    return Version(found=found, wanted=schema.VERSION, usable=found == schema.VERSION or (found > schema.VERSION >= compatible))


def ensure(database: Database) -> None:
    """Lay out an empty state; refuse one that this code cannot use. Raises `SchemaMismatch`."""
    if check(database).found == 0:
        upgrade(database)
    else:
        demand(database)


def demand(database: Database) -> None:
    """Refuse a state that this code cannot use. Raises `SchemaMismatch`."""
    version = check(database)
    if not version.usable:
        older = version.found < version.wanted
        hint = "back the state up, then: syncd db upgrade" if older else "install the version of syncd that wrote this state, or a newer one"
        raise SchemaMismatch(f"The state has schema {version.found}, this syncd needs {version.wanted}.", hint=hint)


def upgrade(database: Database) -> Version:
    """Bring the state to the schema of this code: all of it or nothing."""
    if (found := check(database).found) > schema.VERSION:
        ensure(database)
    oldest = schema.COMPATIBLE if found else schema.VERSION
    with database.write() as connection:
        if not database.sqlite:  # two nodes that find a state empty lay it out once; SQLite queues writers anyway
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('syncd'), hashtext('schema'))"))
        run(connection, "head")
        _allow(connection, oldest)
    return check(database)


def finish(database: Database) -> None:
    """No older code will use this state again. Raises `SchemaMismatch`."""
    demand(database)
    with database.write() as connection:
        _allow(connection, schema.VERSION)


def _allow(connection: Connection, oldest: int) -> None:
    """Write down the version, and the oldest code that may use it: never an older one than before."""
    said = schema.schema_info.c.compatible
    connection.execute(update(schema.schema_info).values(version=schema.VERSION, compatible=case((said > oldest, said), else_=oldest)))


def compact(database: Database) -> bool:
    """Whether all code that may use this state reads compact seals."""
    with database.read() as connection:
        return bool(connection.execute(select(schema.schema_info.c.compatible >= schema.COMPACT)).scalar())


def run(connection: Connection, revision: str) -> None:
    """Run the migrations up to a revision, inside a transaction."""
    from alembic import command
    from alembic.config import Config

    with as_file(files(__package__)) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def migrate(connection: Any) -> None:
    """Run the pending migrations on a connection: what Alembic's environment calls."""
    from alembic import context

    context.configure(connection=connection, target_metadata=schema.metadata, version_table="schema_revision")
    context.run_migrations()

"""One-stops of any size in little time: some dossiers are grown as in an office, the rest are copies of them with keys, codes and
times of their own, made by the database itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, Table, text

from benchmarks.ground import POSTGRESQL, SERVER, administer
from syncd.sandbox.onestop import build, connect
from syncd.sandbox.schema import tables_in

GROWN = 2000
APART = 1_000_000  #: between the keys of a row and those of its next copy
_KEYS = ("dossierId", "dossierActionId", "dossierFileId", "paymentFileId")
_EARLIER = {
    "postgresql": "{column} - copy.n * INTERVAL '7 minutes'",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', {column}, '-' || (copy.n * 7) || ' minutes')",
}


@contextmanager
def onestop_of(kind: str, dossiers: int, folder: Path) -> Iterator[tuple[Engine, int]]:
    """A one-stop, deleted afterwards."""
    name = f"bench_{uuid.uuid4().hex[:12]}"
    if kind == POSTGRESQL:
        administer(f'CREATE DATABASE "{name}"')
    engine = connect(SERVER.set(database=name) if kind == POSTGRESQL else f"sqlite:///{folder}/onestop.db")
    try:
        yield engine, fill(engine, dossiers)
    finally:
        engine.dispose()
        if kind == POSTGRESQL:
            administer(f'DROP DATABASE "{name}" WITH (FORCE)')


def fill(engine: Engine, dossiers: int) -> int:
    """Make the tables and so many dossiers, a multiple of those that are grown; how many there are."""
    build(engine, dossiers=min(GROWN, dossiers), signing=False)
    layout, copies = tables_in(engine), max(0, dossiers // GROWN - 1)
    if copies:
        with engine.begin() as connection:
            for table in (layout.dossier, layout.action, layout.file, layout.payment):
                connection.execute(text(_copying(engine, table)), {"copies": copies})
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE")
    return min(GROWN, dossiers) * (copies + 1)


def _copying(engine: Engine, table: Table) -> str:
    names = [engine.dialect.identifier_preparer.quote(column.name) for column in table.columns]
    values = [_value(engine, str(column.key), name) for column, name in zip(table.columns, names, strict=True)]
    numbers = "WITH RECURSIVE copy(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < :copies)"
    return f"INSERT INTO {table.name} ({', '.join(names)}) {numbers} SELECT {', '.join(values)} FROM {table.name}, copy"  # noqa: S608 our own names


def _value(engine: Engine, key: str, column: str) -> str:
    if key in _KEYS:
        return f"{column} + copy.n * {APART}"
    if key == "dossierNo":
        return f"{column} || '-' || copy.n"
    return _EARLIER[engine.dialect.name].format(column=column) if key == "modifiedDate" else column

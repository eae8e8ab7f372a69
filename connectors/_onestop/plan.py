"""What the database would do for the statements of a poll, and the index to add where it would read a whole table.

Sequential reading is made unattractive first where the product can do that: a nearly empty table is read whole whatever
its indexes, and says nothing about the same table in five years.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ClauseElement, Connection, Executable
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from connectors._onestop.catalogue import Relation
from connectors._onestop.database import stamp_text
from connectors._onestop.queries import PART, Queries, Statement
from connectors._onestop.settings import Children, Settings, Table
from connectors._onestop.tables import Tables

LARGE = 100_000  #: estimated rows from which MariaDB's choice against an index counts as a scan
CHEAP = 1000.0  #: PostgreSQL's cost up to which searching another index than expected is no scan but a small table


@dataclass(frozen=True)
class PlanRow:
    """One statement of a poll as the database would run it."""

    statement: str  #: changed | unstamped | steps | papers | fees
    scans: bool  #: it would read a whole table
    plan: tuple[str, ...]  #: the database's own words
    ddl: str = ""  #: what to add where it scans


class Explain(Executable, ClauseElement):
    """A statement with the product's word for "do not run it, tell me how"."""

    inherit_cache = False

    def __init__(self, statement: Statement, word: str) -> None:
        self.statement = statement
        self.word = word


@compiles(Explain)
def _explain(element: Explain, compiler: SQLCompiler, **options: Any) -> str:
    return f"{element.word} {compiler.process(element.statement, **options)}"


def plan(tables: Tables, settings: Settings) -> list[PlanRow]:
    """The statements of a poll, explained; empty for a product whose plans are not understood. Raises `SourceError`."""
    read = {"postgresql": _postgresql, "mysql": _mysql, "mariadb": _mysql, "sqlite": _sqlite}.get(tables.database.product)
    if read is None:
        return []
    start = tables.start()
    found = []
    with tables.reading() as (connection, queries):
        place = tables.database.stamp(stamp_text(start.present))
        for name, statement, parameters in _statements(queries, start.values, place):
            lines, scans = read(connection, statement, parameters, _searched(name, settings, queries))
            found.append(PlanRow(name, scans, tuple(lines), index_for(name, settings, queries) if scans else ""))
    return found


def _searched(name: str, settings: Settings, queries: Queries) -> str:
    """The column by which an index must be searched; unknown behind a view."""
    table = _table(name, settings)
    relation = queries.relations[table.table]
    column = table.dossier if isinstance(table, Children) else settings.dossier.modified
    return "" if relation.is_view else str(relation[column].name)


def _table(name: str, settings: Settings) -> Table:
    return {"steps": settings.steps, "papers": settings.papers, "fees": settings.fees}.get(name, settings.dossier)


def index_for(name: str, settings: Settings, queries: Queries) -> str:
    """The DDL that makes the statement `name` cheap."""
    table, dossier = _table(name, settings), settings.dossier
    by_time = (dossier.scan, dossier.modified) if dossier.scan else (dossier.modified, dossier.key)
    columns = (table.dossier,) if isinstance(table, Children) else by_time
    relation = queries.relations[table.table]
    if relation.is_view:
        return f"index the columns behind {', '.join(columns)} of the view {relation.clause.name}"
    return _create_index(relation, f"syncd_{name if isinstance(table, Children) else 'changes'}", columns)


def _create_index(relation: Relation, name: str, columns: tuple[str, ...]) -> str:
    return f"CREATE INDEX {name} ON {relation.clause.name} ({', '.join(relation[column].name for column in columns)})"


def _statements(queries: Queries, values: tuple[str | None, ...], place: object) -> Iterator[tuple[str, Statement, dict[str, Any]]]:
    yield "changed", queries.changed(values), {"stamp": place, "after": 0}
    yield "unstamped", queries.unstamped(values), {"after": 0}
    for kind, (statement, _, _) in queries.children.items():
        yield kind, statement, {"ids": [1, 2, 3]}


def _postgresql(connection: Connection, statement: Statement, parameters: dict[str, Any], searched: str) -> tuple[list[str], bool]:
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    lines = [row[0] for row in connection.execute(Explain(statement, "EXPLAIN"), parameters)]
    tree: Any = connection.execute(Explain(statement, "EXPLAIN (FORMAT JSON)"), parameters).scalar_one()
    return lines, any(_reads_all(node, searched) for node in _nodes((json.loads(tree) if isinstance(tree, str) else tree)[0]["Plan"]))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _reads_all(node: dict[str, Any], searched: str) -> bool:
    kind = node["Node Type"]
    if kind == "Seq Scan":
        return True
    by_index = kind in ("Index Scan", "Index Only Scan", "Bitmap Index Scan")
    return by_index and searched not in node.get("Index Cond", "") and node["Total Cost"] > CHEAP


def _mysql(connection: Connection, statement: Statement, parameters: dict[str, Any], searched: str) -> tuple[list[str], bool]:
    result = connection.execute(Explain(statement, "EXPLAIN"), parameters)
    names = [column[0] for column in result.cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in result]
    scans = any(_mysql_scans(row) for row in rows if row["table"] and not row["table"].startswith("<"))
    return [" ".join(f"{name}={value}" for name, value in row.items() if value is not None) for row in rows], scans


def _mysql_scans(row: dict[str, Any]) -> bool:
    """Whether the whole table is read: for want of an index, or although there is one and many rows."""
    reads_all = row["type"] in ("ALL", "index") or (row["type"] == "range" and row["key"] == "PRIMARY")
    others = set((row["possible_keys"] or "PRIMARY").split(",")) - {"PRIMARY"}
    return reads_all and (not others or int(row["rows"]) > LARGE)


def _sqlite(connection: Connection, statement: Statement, parameters: dict[str, Any], searched: str) -> tuple[list[str], bool]:
    lines = [str(row[3]) for row in connection.execute(Explain(statement, "EXPLAIN QUERY PLAN"), parameters)]
    reads_all = (line.startswith("SCAN ") or (line.startswith("SEARCH ") and searched not in line) for line in lines if not line.startswith(f"SCAN {PART}"))
    return lines, any(reads_all)

"""Finds the mapping's tables and columns in the database, however it spells them.

One product keeps `opencps_dossier.dossierStatus` as written, another in lower case, a third depends on the file system.
Names are compared without case, once; what is missing is reported all together, by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnClause, Connection, TableClause, column, inspect, table
from sqlalchemy.types import TypeEngine

from syncd.errors import SourceError


@dataclass(frozen=True)
class Relation:
    """A table or view as the database spells it; its columns by the names the mapping uses."""

    clause: TableClause
    columns: Mapping[str, ColumnClause[Any]]
    kinds: Mapping[str, TypeEngine[Any]]  #: what the database says they hold
    is_view: bool

    def __getitem__(self, name: str) -> ColumnClause[Any]:
        return self.columns[name]


def find(connection: Connection, wanted: Mapping[str, Iterable[str]], keys: Iterable[str]) -> dict[str, Relation]:
    """The relations of `wanted`, a table's name to its columns; `keys` are the columns that hold whole numbers.
    Raises `SourceError` naming everything that is not there."""
    inspector = inspect(connection)
    views = {name.lower(): name for name in inspector.get_view_names()}
    names = {name.lower(): name for name in inspector.get_table_names()} | views
    numbers, missing, found = set(keys), list[str](), dict[str, Relation]()
    for name, columns in wanted.items():
        real = names.get(name.lower())
        if real is None:
            missing.append(name)
            continue
        entries = {str(entry["name"]).lower(): entry for entry in inspector.get_columns(real)}
        spelt = {lower: str(entry["name"]) for lower, entry in entries.items()}
        missing += [f"{name}.{wish}" for wish in sorted(columns) if wish.lower() not in spelt]
        there: dict[str, ColumnClause[Any]] = {
            wish: column(spelt[wish.lower()], BigInteger() if wish in numbers else None) for wish in columns if wish.lower() in spelt
        }
        kinds = {wish: entries[wish.lower()]["type"] for wish in there}
        found[name] = Relation(table(real, *there.values()), there, kinds, name.lower() in views)
    if missing:
        raise SourceError(
            f"the one-stop database has no {', '.join(missing)}",
            hint="the mapping is for another product or version, or the account may not see them: see source.mapping and the account's grants",
        )
    return found

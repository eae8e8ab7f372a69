"""The statements, built once: keys by modification time, rows by key, children of a page, look-ups.

The one index that helps a reader of changes is (status, modified): there is none on the modification time alone. So keys are read
status by status, each from its own place in that index, and merged: as many short index reads as there are statuses,
however large the table. The statuses themselves are found by stepping through the index from one to the next; afterwards one
statement looks into the gaps between those that are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeAlias

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    TableValuedAlias,
    Unicode,
    and_,
    any_,
    bindparam,
    func,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.types import NULLTYPE, NullType

from connectors._onestop.catalogue import find
from connectors._onestop.mapping import SourceMapping, lookup_columns
from connectors._onestop.settings import Children
from syncd.errors import SourceError

MOST_VALUES = 200
PART = "syncd_part"  #: how the parts of a merged read are called, to know them in a plan

Statement: TypeAlias = "Select[*tuple[Any, ...]]"
Key = tuple[int, Any]
Values = tuple[str | None, ...]

_after, _upto = bindparam("after", type_=BigInteger()), bindparam("upto", type_=BigInteger())
_ids, _array = bindparam("ids", type_=BigInteger(), expanding=True), bindparam("ids", type_=ARRAY(BigInteger()))
_stamp = bindparam("stamp", type_=NULLTYPE)


class Queries:
    """The statements for one database and mapping."""

    def __init__(self, connection: Connection, mapping: SourceMapping, page: int) -> None:
        self._mapping = mapping
        self._page = page
        self._postgresql = connection.dialect.name == "postgresql"
        settings = mapping.settings
        children = [table for table in (settings.steps, settings.papers, settings.fees, settings.drafts) if table]
        keys = {table.key for table in (settings.dossier, *children)} | {table.dossier for table in children}
        self.relations = find(connection, mapping.tables(), keys)
        self._names = settings.dossier
        self._dossier = self.relations[settings.dossier.table]
        self._key, self._modified = self._dossier[self._names.key], self._dossier[self._names.modified]
        # PostgreSQL would look for the few rows without a time along the whole primary key, lest it sort them: its index has no key.
        self._apart = self._key + 0 if self._postgresql else self._key
        self._arrays = self._postgresql and bool(self._names.scan) and not isinstance(self._dossier.kinds[self._names.scan], NullType)
        self._rows = select(*(self._dossier[name] for name in mapping.dossier))
        self.by_ids = self._rows.where(self._among(self._key))
        self.onwards = self._rows.where(self._key > _after).order_by(self._key).limit(page)
        self.new = select(self._key, self._modified).where(self._key > _after, self._key <= _upto).order_by(self._key).limit(page)
        self._prepare_children()
        self.marks = lru_cache(maxsize=8)(self._build_marks)
        self.changed = lru_cache(maxsize=8)(self._build_changed)
        self.unstamped = lru_cache(maxsize=8)(self._build_unstamped)
        self._newest = lru_cache(maxsize=8)(self._build_newest)

    def _prepare_children(self) -> None:
        settings, mapping = self._mapping.settings, self._mapping
        self.children: dict[str, tuple[Statement, Sequence[str], Children]] = {
            "steps": (self._children(settings.steps, mapping.steps), mapping.steps, settings.steps),
            "papers": (self._children(settings.papers, mapping.papers), mapping.papers, settings.papers),
            "fees": (self._children(settings.fees, mapping.fees), mapping.fees, settings.fees),
        }
        if settings.drafts and (settings.drafts.steps or not settings.drafts.step):
            self.children["drafts"] = (self._children(settings.drafts, mapping.drafts), mapping.drafts, settings.drafts)
        steps = self.relations[settings.steps.table]
        key = steps[settings.steps.key]
        self._step_key = key
        self.new_steps = select(key, steps[settings.steps.dossier]).where(key > _after, key <= _upto).order_by(key).limit(self._page)

    def _children(self, table: Children, columns: Sequence[str]) -> Statement:
        relation = self.relations[table.table]
        return select(*(relation[name] for name in columns)).where(self._among(relation[table.dossier]))

    def _among(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether a key is one of `ids`: one parameter where the product knows arrays, else as many as there are."""
        return column == any_(_array) if self._postgresql else column.in_(_ids)

    @property
    def no_values(self) -> Values:
        """The branches as long as no value of the scan column is known."""
        return (None,) if self._names.scan else ()

    def scan_values(self, connection: Connection) -> Values:
        """The branches of a read by modification time: each value of the scan column, and none at all."""
        return (*self._values(connection, self._names.scan), None) if self._names.scan else ()

    def newest(self, connection: Connection, values: Values, present: object) -> Any:
        """The last modification time up to the present, or None: what is stamped in the future says nothing about now."""
        return connection.execute(self._newest(values), {"stamp": present}).scalar()

    def by_code(self, connection: Connection) -> Statement:
        """The rows of one `code`, the oldest first, through the index that leads to it."""
        under = self._names.code_under
        statement = self._rows.where(self._dossier[self._names.code] == bindparam("code", type_=Unicode())).order_by(self._key)
        if under:
            statement = statement.where(self._dossier[under].in_(self._values(connection, under)))
        return statement

    def lookup(self, name: str) -> Statement:
        """A look-up's rows; those of the given `keys` where it is not cached."""
        lookup = self._mapping.settings.lookups[name]
        relation = self.relations[lookup.table]
        columns = [relation[column] for column in lookup_columns(self._mapping.settings, name)]
        statement = select(*columns).order_by(*columns)
        return statement if lookup.cached else statement.where(relation[lookup.by[0]].in_(bindparam("keys", type_=Unicode(), expanding=True)))

    def _values(self, connection: Connection, name: str) -> list[Any]:
        """Every value of a column that leads an index, one index probe each."""
        column = self._dossier[name]
        first, following = select(func.min(column)), select(func.min(column)).where(column > bindparam("value", type_=NULLTYPE))
        values, value = [], connection.execute(first).scalar()
        while value is not None:
            values.append(value)
            if len(values) > MOST_VALUES:
                raise SourceError(f"{name} has more than {MOST_VALUES} values", hint="name a column of few values in the mapping, or none")
            value = connection.execute(following, {"value": value}).scalar()
        return values

    def _in_branches(self, base: Statement, values: Values) -> list[Statement]:
        """What together reads `base` in each branch, a short read of the index for each. PostgreSQL takes the values as an array, and plans
        the read once for all: with a part for each it took longer to plan than to read."""
        if not values:
            return [_part(base, 0)]
        column, known = self._dossier[self._names.scan], [value for value in values if value is not None]
        if known and self._arrays:
            given = self._listed(value=known)
            each = base.where(column == given.c.value).lateral(PART)
            return [select(*each.c).select_from(given.join(each, true())), _part(base.where(column.is_(None)), 0)]
        branches = (column.is_(None) if value is None else column == _fixed(value) for value in values)
        return [_part(base.where(branch), number) for number, branch in enumerate(branches)]

    def _build_marks(self, values: Values) -> Statement:
        """The highest keys of dossiers and steps, and of the gaps between the known values of the scan column the first values in them."""
        tops = (select(func.max(key)).scalar_subquery() for key in (self._key, self._step_key))
        return select(*tops, *(found.scalar_subquery() for found in self._in_gaps(values)))

    def _in_gaps(self, values: Values) -> Iterator[Statement]:
        known = [value for value in values if value is not None]
        if not values:
            return
        column = self._dossier[self._names.scan]
        first = select(func.min(column).label("found"))
        if not known:
            yield first
            return
        yield first.where(column < _fixed(known[0]))
        yield first.where(column > _fixed(known[-1]))
        if self._arrays:
            edges = self._listed(after=known[:-1], before=known[1:])
            each = first.where(column > edges.c.after, column < edges.c.before).lateral(PART)
            yield select(func.min(each.c.found)).select_from(edges.join(each, true()))
        else:
            yield from (first.where(column > _fixed(after), column < _fixed(before)) for after, before in pairwise(known))

    def _listed(self, **columns: Sequence[str]) -> TableValuedAlias:
        """Rows of values of the scan column, given as an array for each column."""
        kind = ARRAY(self._dossier.kinds[self._names.scan])
        arrays = (bindparam(None, list(values), type_=kind, unique=True) for values in columns.values())
        return func.unnest(*arrays).table_valued(*columns).render_derived(name="given")

    def _build_newest(self, values: Values) -> Statement:
        base = select(self._modified.label("modified")).where(self._modified <= _stamp).order_by(self._modified.desc()).limit(1)
        return select(func.max(union_all(*self._in_branches(base, values)).subquery(PART).c.modified))

    def _build_changed(self, values: Values) -> Statement:
        beyond = and_(self._modified >= _stamp, or_(self._modified > _stamp, self._key > _after))
        return self._merged(values, beyond, by_time=True)

    def _build_unstamped(self, values: Values) -> Statement:
        return self._merged(values, and_(self._modified.is_(None), self._apart > _after), by_time=False)

    def _merged(self, values: Values, beyond: ColumnElement[bool], *, by_time: bool) -> Statement:
        """Keys beyond a place, the first page of them, merged from a short read in each branch."""
        order = (self._modified, self._key) if by_time else (self._apart,)
        base = select(self._key.label("id"), self._modified.label("modified")).where(beyond).order_by(*order).limit(self._page)
        merged = union_all(*self._in_branches(base, values)).subquery(PART)
        places = (merged.c.modified, merged.c.id) if by_time else (merged.c.id,)
        return select(merged.c.id, merged.c.modified).order_by(*places).limit(self._page)


def _part(base: Statement, number: int) -> Statement:
    part = base.subquery(f"{PART}_{number}")
    return select(*part.c)


def _fixed(value: str) -> ColumnElement[Any]:
    return bindparam(None, value, type_=NULLTYPE, unique=True)

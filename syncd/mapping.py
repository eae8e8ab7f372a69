"""Declarative mappings, compiled once into fast closures: a record goes in, its fields in other terms come out. Pure.

What a file may say is told in `mapping_file`, and what becomes of each rule in `filling`. Here they are put together, after everything in the file that
does not fit together has been found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from syncd import filling
from syncd.errors import ConfigurationError, Unmappable
from syncd.filling import Fill, Get
from syncd.mapping_file import Dated, MappingFile, Rule
from syncd.model import Problem
from syncd.transforms import STANDARD, Transform


class Codes:
    """A code table, some of its codes perhaps in force only for a time."""

    def __init__(self, entries: Mapping[str, str | tuple[Dated, ...]]) -> None:
        self._entries = dict(entries)

    def find(self, key: str, day: date | None = None) -> str | None:
        """The code of `key`, on `day` where it changes with time; None where there is none."""
        entry = self._entries.get(key)
        if entry is None or isinstance(entry, str):
            return entry
        for dated in entry:
            if day is None or dated.holds(day):
                return dated.code
        return None

    def keys(self) -> tuple[str, ...]:
        """Every key, in the order of the file."""
        return tuple(self._entries)


class Shape:
    """A compiled shape: a record goes in, a dictionary in the order of the file comes out."""

    def __init__(self, name: str, fields: Mapping[str, Any], fills: Sequence[tuple[str, Fill]]) -> None:
        """`fields` are all of them, with what is constant; `fills` make the others."""
        self.name = name
        self._fields = dict(fields)
        self._fills = tuple(fills)

    def read(self, record: Any, problems: list[Problem], path: str = "") -> dict[str, Any]:
        """The fields of `record`; what is wrong with it is added to `problems`."""
        found = self._fields.copy()
        for field, fill in self._fills:
            found[field] = fill(record, problems, path)
        return found

    def apply(self, record: Any) -> dict[str, Any]:
        """The fields of `record`. Raises `Unmappable` naming every field at fault."""
        problems: list[Problem] = []
        result = self.read(record, problems)
        if problems:
            raise Unmappable(problems)
        return result


class CompiledMapping:
    """A mapping ready for use: `shapes` to apply, `tables` to look in, `settings` for the connector."""

    def __init__(self, file: MappingFile, shapes: Mapping[str, Shape]) -> None:
        self.name = file.mapping.name
        self.file = file
        self.shapes = dict(shapes)
        self.tables = {name: Codes(entries) for name, entries in file.tables.items()}
        self.settings = file.settings


def compile_mapping(file: MappingFile, *, transforms: Mapping[str, Transform] | None = None, profile: str = "", items: bool = False) -> CompiledMapping:
    """Closures for every shape of `file`. With `items` the input is a dictionary (a database row), otherwise an object.
    Raises `ConfigurationError` with everything that does not fit together."""
    return CompiledMapping(file, _Compiler(file, {**STANDARD, **(transforms or {})}, profile, items).shapes())


class _Compiler:
    """Compiles one file; shapes may use shapes that stand later in it."""

    def __init__(self, file: MappingFile, transforms: Mapping[str, Transform], profile: str, items: bool) -> None:
        self.file = file
        self.transforms = transforms
        self.profile = profile
        self.items = items
        self.tables = {name: Codes(entries) for name, entries in file.tables.items()}
        self.done: dict[str, Shape] = {}

    def shapes(self) -> dict[str, Shape]:
        problems = [
            problem for shape, rules in self.file.shapes.items() for field, rule in rules.items() for problem in self._mistakes(f"shapes.{shape}.{field}", rule)
        ]
        problems += self._circles()
        if problems:
            raise ConfigurationError(problems)
        return {name: self._shape(name) for name in self.file.shapes}

    def _mistakes(self, path: str, rule: Rule) -> list[Problem]:
        found = [Problem(field=path, reason=f"there is no transform {name!r}") for name in rule.transforms if name not in self.transforms]
        if rule.table and rule.table not in self.tables:
            found.append(Problem(field=path, reason=f"there is no table {rule.table!r}"))
        if rule.each and rule.each not in self.file.shapes:
            found.append(Problem(field=path, reason=f"there is no shape {rule.each!r}"))
        if rule.profile and rule.profile not in self.file.mapping.profiles:
            found.append(Problem(field=path, reason=f"there is no profile {rule.profile!r}"))
        if bool(rule.source) == (rule.value is not None):
            found.append(Problem(field=path, reason="needs either 'from' or 'value'"))
        return found

    def _circles(self) -> list[Problem]:
        uses = {name: {rule.each for rule in rules.values() if rule.each} for name, rules in self.file.shapes.items()}
        reached = {name: self._reach(uses, name) for name in uses}
        return [Problem(field=f"shapes.{name}", reason="a shape cannot contain itself") for name in uses if name in reached[name]]

    @staticmethod
    def _reach(uses: Mapping[str, set[str]], start: str) -> set[str]:
        found: set[str] = set()
        waiting = list(uses.get(start, ()))
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(uses.get(name, ()))
        return found

    def _shape(self, name: str) -> Shape:
        if name not in self.done:
            rules = {field: rule for field, rule in self.file.shapes[name].items() if rule.profile in ("", self.profile)}
            fills = [(field, self._fill(field, rule)) for field, rule in rules.items() if rule.value is None]
            self.done[name] = Shape(name, {field: rule.value for field, rule in rules.items()}, fills)
        return self.done[name]

    def _fill(self, field: str, rule: Rule) -> Fill:
        get = self._at(rule.source)
        if rule.each:
            wanted = self._at((rule.where.lstrip("!"),)) if rule.where else None
            return filling.listing(field, rule, get, wanted, self._shape(rule.each).read)
        empty = self.file.mapping.empty if rule.default is None else rule.default

        def fill_on(day: date | None) -> Fill:
            return filling.scalar(field, rule, get, filling.joined(self._changes(rule, day)), empty)

        return filling.on_its_day(fill_on, self._at((rule.on,))) if rule.table and rule.on else fill_on(None)

    def _at(self, paths: Sequence[str]) -> Get:
        return filling.at(paths, items=self.items)

    def _changes(self, rule: Rule, day: date | None) -> list[Transform]:
        """Transforms, then the code table, then the checks of length and pattern."""
        changes = [self.transforms[name] for name in rule.transforms]
        if rule.table:
            changes.append(filling.coded(rule, self.tables[rule.table].find, day))
        if rule.max or rule.pattern:
            changes.append(filling.checked(rule))
        return changes

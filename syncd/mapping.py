"""Declarative mappings, compiled once into fast closures: a record goes in, its fields in other terms come out. Pure.

What a file may say is told in `mapping_file`. Here its rules become functions, after everything in it that does not fit
together has been found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import reduce
from operator import attrgetter, itemgetter
from typing import Any

from syncd.errors import ConfigurationError, Unmappable
from syncd.mapping_file import Dated, MappingFile, Rule
from syncd.model import Problem
from syncd.transforms import STANDARD, Transform

Get = Callable[[Any], Any]
Fill = Callable[[Any, list[Problem], str], Any]

ABSENT: tuple[Any, ...] = (None, "", (), [])  # what counts as true is none of it, and sooner seen than four comparisons


class Codes:
    """A code table, some of its codes perhaps in force only for a time."""

    def __init__(self, entries: Mapping[str, str | tuple[Dated, ...]]) -> None:
        self._entries = dict(entries)

    def find(self, key: str, day: date | None = None) -> str | None:
        """The code of `key`, on `day` where it changes with time; None where there is none."""
        entry = self._entries.get(key)
        if entry is None or isinstance(entry, str):
            return entry
        return next((dated.code for dated in entry if day is None or dated.holds(day)), None)

    def keys(self) -> tuple[str, ...]:
        """Every key, in the order of the file."""
        return tuple(self._entries)


class Shape:
    """A compiled shape: a record goes in, a dictionary in the order of the file comes out."""

    def __init__(self, name: str, fields: Sequence[tuple[str, Fill]]) -> None:
        self.name = name
        self._fields = tuple(fields)

    def read(self, record: Any, problems: list[Problem], path: str = "") -> dict[str, Any]:
        """The fields of `record`; what is wrong with it is added to `problems`."""
        return {field: fill(record, problems, path + field) for field, fill in self._fields}

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
            self.done[name] = Shape(name, [(field, self._fill(rule)) for field, rule in rules.items()])
        return self.done[name]

    def _fill(self, rule: Rule) -> Fill:
        if rule.value is not None:
            constant = rule.value
            return lambda record, problems, path: constant
        return self._list(rule) if rule.each else self._scalar(rule)

    def _list(self, rule: Rule) -> Fill:
        get, shape = self._get(rule.source), self._shape(rule.each)
        wanted, keep = self._get((rule.where.lstrip("!"),)) if rule.where else None, not rule.where.startswith("!")

        def fill(record: Any, problems: list[Problem], path: str) -> list[Any]:
            entries = [e for e in get(record) or () if wanted is None or bool(wanted(e)) is keep]
            if rule.required and not entries:
                problems.append(Problem(field=path, reason="is required and empty", hint=rule.hint))
            return [shape.read(entry, problems, f"{path}[{n}].") for n, entry in enumerate(entries)]

        return fill

    def _scalar(self, rule: Rule) -> Fill:
        get, change, only = self._get(rule.source), self._change(rule), self._only(rule)
        empty = self.file.mapping.empty if rule.default is None else rule.default

        def fill(record: Any, problems: list[Problem], path: str) -> Any:
            found = get(record)
            try:
                result = found if not found and found in ABSENT else change(found, record) if only is None else only(found)
            except ValueError as error:
                problems.append(Problem(field=path, reason=str(error), hint=rule.hint))
                return empty
            if result or result not in ABSENT:
                return result
            if rule.required and empty in ABSENT:
                problems.append(Problem(field=path, reason=f"is required and empty ({' or '.join(rule.source)})", hint=rule.hint))
            return empty

        return fill

    def _get(self, paths: Sequence[str]) -> Get:
        getters = [self._path(path) for path in paths]
        if len(getters) == 1:
            return getters[0]

        def first(record: Any) -> Any:
            for get in getters:
                if (found := get(record)) or found not in ABSENT:
                    return found
            return None

        return first

    def _path(self, path: str) -> Get:
        if path == ".":
            return lambda record: record
        if self.items:
            keys = [itemgetter(key) for key in path.split(".")]
            return keys[0] if len(keys) == 1 else lambda record: reduce(lambda part, key: key(part), keys, record)
        return attrgetter(path)

    def _change(self, rule: Rule) -> Callable[[Any, Any], Any]:
        """Transforms, then the code table, then the checks of length and pattern."""
        transforms = [self.transforms[name] for name in rule.transforms]
        coded = self._coded(rule) if rule.table else None
        checked = self._checked(rule) if rule.max or rule.pattern else None

        def change(value: Any, record: Any) -> Any:
            for transform in transforms:
                value = transform(value)
            if not value and value in ABSENT:
                return value
            if coded is not None:
                value = coded(value, record)
            return value if checked is None else checked(value)

        return change

    def _only(self, rule: Rule) -> Transform | None:
        """The one transform of a rule that asks for nothing else: most do."""
        alone = len(rule.transforms) == 1 and not (rule.table or rule.max or rule.pattern)
        return self.transforms[rule.transforms[0]] if alone else None

    def _coded(self, rule: Rule) -> Callable[[Any, Any], str]:
        codes = self.tables[rule.table]
        day_of = self._get((rule.on,)) if rule.on else None

        def coded(value: Any, record: Any) -> str:
            moment = day_of(record) if day_of else None
            code = codes.find(str(value), moment.date() if isinstance(moment, datetime) else moment)
            if code is None:
                shown = "this value" if rule.personal else repr(str(value)[:60])
                raise ValueError(f"{shown} has no code in table {rule.table!r}")
            return code

        return coded

    def _checked(self, rule: Rule) -> Transform:
        matches = re.compile(rule.pattern).fullmatch if rule.pattern else None

        def checked(value: Any) -> Any:
            text = value if isinstance(value, str) else str(value)
            if rule.max and len(text) > rule.max:
                if not rule.cut:
                    raise ValueError(f"has {len(text)} characters, at most {rule.max} are allowed")
                return text[: rule.max - 1] + "…"
            if matches and not matches(text):
                raise ValueError("does not have the form the target demands" if rule.personal else f"{text[:60]!r} does not have the form the target demands")
            return value

        return checked

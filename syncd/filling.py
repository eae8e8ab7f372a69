"""Rules of a mapping as functions: each fills one field. Pure.

Every field of every dossier goes through here, when it is read and again for each target. So what a rule asks for is decided once, when it is
compiled, and a rule that asks for little is little work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import lru_cache, reduce
from operator import attrgetter, itemgetter
from typing import Any

from syncd.mapping_file import Rule
from syncd.model import Problem
from syncd.transforms import Transform

Get = Callable[[Any], Any]
Fill = Callable[[Any, list[Problem], str], Any]  #: from a record, what is wrong with it so far, and where the record stands
Read = Callable[[Any, list[Problem], str], Any]  #: the same, of an entry of a list
Find = Callable[[str, date | None], str | None]

ABSENT: tuple[Any, ...] = (None, "", (), [])  # what counts as true is none of it, and sooner seen than four comparisons
_SHOWN = 60  #: characters of a value that does not fit
_DAYS = 64  #: of which a field with dated codes is kept compiled


def at(paths: Sequence[str], *, items: bool) -> Get:
    """What stands at the first of these paths that leads to something; with `items` in dictionaries, otherwise in objects."""
    getters = [_at(path, items=items) for path in paths]
    if len(getters) == 1:
        return getters[0]

    def first(record: Any) -> Any:
        for get in getters:
            if (found := get(record)) or found not in ABSENT:
                return found
        return None

    return first


def _at(path: str, *, items: bool) -> Get:
    if path == ".":
        return lambda record: record
    if not items:
        return attrgetter(path)
    keys = [itemgetter(key) for key in path.split(".")]
    return keys[0] if len(keys) == 1 else lambda record: reduce(lambda part, key: key(part), keys, record)


def listing(field: str, rule: Rule, get: Get, wanted: Get | None, read: Read) -> Fill:
    """A field that is a list, each entry read by `read`; of those `wanted` says yes to, or no where the rule says so."""
    keep = not rule.where.startswith("!")

    def fill(record: Any, problems: list[Problem], path: str) -> list[Any]:
        entries = get(record) or ()
        if wanted is not None:
            entries = [entry for entry in entries if bool(wanted(entry)) is keep]
        if rule.required and not entries:
            problems.append(Problem(field=path + field, reason="is required and empty", hint=rule.hint))
        return [read(entry, problems, f"{path}{field}[{n}].") for n, entry in enumerate(entries)]

    return fill


def scalar(field: str, rule: Rule, get: Get, change: Transform, empty: Any) -> Fill:
    """A field that is one value, changed by `change`; `empty` where there is none."""
    missed = rule.required and empty in ABSENT

    def fill(record: Any, problems: list[Problem], path: str) -> Any:
        found = get(record)
        if found or found not in ABSENT:
            try:
                found = change(found)
            except ValueError as error:
                problems.append(Problem(field=path + field, reason=str(error), hint=rule.hint))
                return empty
            if found or found not in ABSENT:
                return found
        if missed:
            problems.append(Problem(field=path + field, reason=f"is required and empty ({' or '.join(rule.source)})", hint=rule.hint))
        return empty

    return fill


def on_its_day(fill_on: Callable[[date | None], Fill], day_of: Get) -> Fill:
    """A field whose codes change with time: filled as on the day that the record gives."""
    fill_on = lru_cache(_DAYS)(fill_on)

    def fill(record: Any, problems: list[Problem], path: str) -> Any:
        moment = day_of(record)
        day = moment.date() if isinstance(moment, datetime) else moment
        return fill_on(day if isinstance(day, date) else None)(record, problems, path)

    return fill


def joined(changes: Sequence[Transform]) -> Transform:
    """One after the other, until nothing is left of the value."""
    if not changes:
        return lambda value: value
    if len(changes) == 1:
        return changes[0]
    first, then = changes[0], joined(changes[1:])

    def both(value: Any) -> Any:
        value = first(value)
        return then(value) if value or value not in ABSENT else value

    return both


def coded(rule: Rule, find: Find, day: date | None) -> Transform:
    """The code that a table has for the value on that day."""

    def change(value: Any) -> str:
        code = find(str(value), day)
        if code is None:
            shown = "this value" if rule.personal else repr(str(value)[:_SHOWN])
            raise ValueError(f"{shown} has no code in table {rule.table!r}")
        return code

    return change


def checked(rule: Rule) -> Transform:
    """The value, if its length and form are what the rule says; cut, where the rule says that."""
    longest, matches = rule.max, re.compile(rule.pattern).fullmatch if rule.pattern else None

    def change(value: Any) -> Any:
        text = value if isinstance(value, str) else str(value)
        if 0 < longest < len(text):
            if not rule.cut:
                raise ValueError(f"has {len(text)} characters, at most {longest} are allowed")
            return text[: longest - 1] + "…"
        if matches and not matches(text):
            raise ValueError("does not have the form the target demands" if rule.personal else f"{text[:_SHOWN]!r} does not have the form the target demands")
        return value

    return change

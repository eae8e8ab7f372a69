"""Reads a one-stop mapping file and finds everything wrong with it before a single row is read.

The shapes `dossier`, `owner`, `agency`, `step`, `paper` and `fee` fill the model's values of those names; `portal`, where
there is one, adds to a dossier that was filed on the national portal. What the connector adds itself (status, papers,
fees …) is no field of a shape. The columns to select follow from the rules, so a mapping never lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from pydantic import ValidationError

from connectors._onestop.settings import Condition, Settings
from syncd.errors import ConfigurationError
from syncd.mapping import CompiledMapping, Shape, compile_mapping
from syncd.mapping_file import MappingFile, locate, mistakes, parse
from syncd.model import Agency, Dossier, Draft, Fee, Origin, Owner, Paper, Problem, Status, Step
from syncd.transforms import Transform

KIND = "onestop"

SHAPES: Mapping[str, type[msgspec.Struct]] = {"dossier": Dossier, "owner": Owner, "agency": Agency, "step": Step, "paper": Paper, "fee": Fee}
DOSSIER_SHAPES = ("dossier", "owner", "agency", "portal")
OWN = {
    "dossier": {"source_id", "origin", "owner", "agency", "status", "papers", "results", "fees", "problems"},
    "step": {"status", "problems"},
    "fee": {"amount"},
    "draft": {"id", "file", "problems"},
}
EXTRA = {"step": {"note"}}


@dataclass(frozen=True)
class SourceMapping:
    """A one-stop mapping ready for use, and the columns it reads of each table."""

    compiled: CompiledMapping
    settings: Settings
    dossier: tuple[str, ...]
    steps: tuple[str, ...]
    papers: tuple[str, ...]
    fees: tuple[str, ...]
    drafts: tuple[str, ...] = ()

    def shape(self, name: str) -> Shape:
        """The compiled shape of that name."""
        return self.compiled.shapes[name]

    def tables(self) -> dict[str, set[str]]:
        """Every table to be read, with the columns needed of it."""
        settings, found = self.settings, dict[str, set[str]]()
        for table, columns in (
            (settings.dossier.table, self.dossier),
            (settings.steps.table, self.steps),
            (settings.papers.table, self.papers),
            (settings.fees.table, self.fees),
            *(((settings.drafts.table, self.drafts),) if settings.drafts else ()),
            *((lookup.table, lookup_columns(settings, name)) for name, lookup in settings.lookups.items()),
        ):
            found.setdefault(table, set()).update(columns)
        return found


def load(name: str, *, overlay: Path | None, zone: ZoneInfo) -> SourceMapping:
    """The mapping `name`, compiled for a database whose times are local to `zone`. Raises `ConfigurationError`."""
    where, text = locate(name, KIND, overlay)
    return build(parse(text, where), zone=zone, where=where)


def build(file: MappingFile, *, zone: ZoneInfo, where: str) -> SourceMapping:
    """Compile a parsed file. Raises `ConfigurationError` with everything that does not fit together."""
    compiled = compile_mapping(file, transforms=transforms(zone), items=True)
    try:
        settings = Settings.model_validate(file.settings)
    except ValidationError as error:
        raise ConfigurationError(mistakes(error, f"{where}: settings.")) from None
    problems = [*_shape_mistakes(file), *_setting_mistakes(settings), *_code_mistakes(file)]
    if problems:
        raise ConfigurationError(problems)
    return SourceMapping(compiled, settings, **_columns(file, settings))


def transforms(zone: ZoneInfo) -> dict[str, Transform]:
    """The transforms only this connector has: `local`, a time of the database as an instant."""

    def local(value: Any) -> datetime:
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                raise ValueError("is not a date") from None
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=zone)
        if isinstance(value, date):
            return datetime.combine(value, time(), zone)
        raise ValueError("is not a date")

    return {"local": local}


def lookup_columns(settings: Settings, name: str) -> tuple[str, ...]:
    """The columns read of a look-up's table."""
    lookup = settings.lookups[name]
    return _unique(*lookup.by, *lookup.take, *_of(lookup.where))


def _shape_mistakes(file: MappingFile) -> Iterator[Problem]:
    for name, model in SHAPES.items():
        if name not in file.shapes:
            yield Problem(field=f"shapes.{name}", reason="is missing")
            continue
        known = set(model.__struct_fields__) - OWN.get(name, set()) | EXTRA.get(name, set())
        for field in file.shapes[name].keys() - known:
            yield Problem(field=f"shapes.{name}.{field}", reason="is no field of syncd's model", hint=f"known: {', '.join(sorted(known))}")
    if "drafts" in file.settings and "draft" not in file.shapes:
        yield Problem(field="shapes.draft", reason="is missing")
    known = set(Draft.__struct_fields__) - OWN["draft"]
    for field in file.shapes.get("draft", {}).keys() - known:
        yield Problem(field=f"shapes.draft.{field}", reason="is no field of syncd's model", hint=f"known: {', '.join(sorted(known))}")
    for field in file.shapes.get("portal", {}).keys() - {"portal_code"}:
        yield Problem(field=f"shapes.portal.{field}", reason="is no field of a dossier from the portal", hint="known: portal_code")


def _setting_mistakes(settings: Settings) -> Iterator[Problem]:
    for field, name in (("status.lookup", settings.status.lookup), ("steps.after.lookup", settings.steps.after.lookup)):
        if name and name not in settings.lookups:
            yield Problem(field=f"settings.{field}", reason=f"there is no look-up {name!r}")
    for name, lookup in settings.lookups.items():
        if not lookup.cached and (len(lookup.by) != 1 or len(lookup.of) != 1):
            yield Problem(field=f"settings.lookups.{name}", reason="a look-up that is not cached needs exactly one column in `by` and in `of`")
    known = {field for field in Dossier.__struct_fields__ if field not in OWN["dossier"]} | {"origin"}
    for field in settings.choices.keys() - known:
        yield Problem(field=f"settings.choices.{field}", reason="is no field of a dossier")
    for choice in settings.choices.get("origin", ()):
        if choice.value not in set(Origin):
            yield Problem(field="settings.choices.origin", reason=f"there is no origin {choice.value!r}", hint=f"known: {', '.join(Origin)}")


def _code_mistakes(file: MappingFile) -> Iterator[Problem]:
    for table in ("status", "codes"):
        for word, code in file.tables.get(table, {}).items():
            if not isinstance(code, str) or code not in set(Status):
                yield Problem(field=f"tables.{table}.{word}", reason="is none of the ten states", hint=f"known: {', '.join(Status)}")


def _columns(file: MappingFile, settings: Settings) -> dict[str, tuple[str, ...]]:
    dossier, steps, papers, fees, status = settings.dossier, settings.steps, settings.papers, settings.fees, settings.status
    after, payment = steps.after, fees.payment
    read = _unique(
        *(dossier.key, dossier.modified, dossier.code, dossier.scan, dossier.code_under, dossier.agency),
        *(status.column, status.sub, *status.needs.values()),
        *_of(settings.publish),
        *_of(choice.when for choices in settings.choices.values() for choice in choices if choice.when),
        *(column for lookup in settings.lookups.values() for column in lookup.of),
        *_paths(file, *DOSSIER_SHAPES),
    )
    drafts = settings.drafts
    return {
        "dossier": tuple(column for column in read if column not in settings.lookups),
        "steps": _unique(
            *(steps.key, steps.dossier, *(after.of if after.lookup else (after.column, after.sub)), drafts.step if drafts else ""), *_paths(file, "step")
        ),
        "drafts": _unique(
            *((drafts.key, drafts.dossier, *drafts.file_columns(), *_of(drafts.where), *_paths(file, "draft")) if drafts else ()),
        ),
        "papers": _unique(papers.key, papers.dossier, *_of(papers.submitted), *_of(papers.results), *papers.link_columns(), *_paths(file, "paper")),
        "fees": _unique(
            *(fees.key, fees.dossier, *(amount.column for amount in (*fees.amounts, fees.otherwise) if amount)),
            *((payment.paid.column, payment.method) if payment else ()),
            *_paths(file, "fee"),
        ),
    }


def _paths(file: MappingFile, *shapes: str) -> Iterator[str]:
    for shape in shapes:
        for rule in file.shapes.get(shape, {}).values():
            yield from (path.split(".")[0] for path in (*rule.source, rule.on) if path)


def _of(conditions: Iterable[Condition]) -> Iterator[str]:
    return (condition.column for condition in conditions)


def _unique(*columns: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column for column in columns if column))

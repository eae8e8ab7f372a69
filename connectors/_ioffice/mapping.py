"""Drafts in I-office's terms. Pure: a mapping file and a portion in, a `Dispatch` out; and the tables by which answers are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from connectors._edxml.dates import ZONE
from connectors._edxml.issued import Meanings
from connectors._edxml.values import Organ
from connectors._ioffice.options import IofficeOptions
from connectors._ioffice.wire import Dispatch
from syncd.calls import Element, Outcome, Portion
from syncd.documents import Stage
from syncd.errors import ConfigurationError, Unmappable
from syncd.mapping import CompiledMapping, compile_mapping
from syncd.mapping_file import MappingFile, locate, mistakes, parse
from syncd.model import Dossier, Draft, Problem
from syncd.redact import personal_values

_TABLES: Mapping[str, type[StrEnum] | None] = {"document_type": None, "result_type": Stage, "status": Stage, "result": Outcome, "fault": Outcome}
_PLACES = {"ReferenceCodes", "Bussiness/DocumentId", "ResponseFor/Code"}
W = TypeVar("W", bound=StrEnum)


class Told(BaseModel):
    """An agency of [settings.organs]."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = ""
    in_charge: str = ""
    address: str = ""
    email: str = ""
    telephone: str = ""
    fax: str = ""
    website: str = ""


class Settings(BaseModel):
    """[settings] of the mapping."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    missing: tuple[str, ...] = ()
    bad_credentials: tuple[str, ...] = ()
    dossier_code: str
    dossier_in: tuple[str, ...]
    organs: dict[str, Told] = {}

    @field_validator("dossier_code", "bad_credentials")
    @classmethod
    def _compiles(cls, given: str | tuple[str, ...]) -> str | tuple[str, ...]:
        try:
            for pattern in (given,) if isinstance(given, str) else given:
                re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return given

    @field_validator("dossier_in")
    @classmethod
    def _known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := set(given) - _PLACES:
            raise ValueError(f"{', '.join(sorted(unknown))} is none of {', '.join(sorted(_PLACES))}")
        return given


class _Record(NamedTuple):
    dossier: Dossier
    draft: Draft
    issuer: str
    issuer_name: str
    submitter: str
    kind: str


class OfficeMapping:
    """A compiled mapping of I-office."""

    def __init__(self, compiled: CompiledMapping, settings: Settings, options: IofficeOptions) -> None:
        self._shape = compiled.shapes["draft"]
        self._options = options
        self.settings = settings
        self.results = words(compiled.file, "result", Outcome)
        self.faults = words(compiled.file, "fault", Outcome)
        self.result_types = words(compiled.file, "result_type", Stage)
        self.meanings = Meanings(words(compiled.file, "status", Stage), re.compile(settings.dossier_code), settings.dossier_in)
        self.bad_credentials = re.compile("|".join(settings.bad_credentials) or r"(?!)", re.IGNORECASE)

    def compose(self, portion: Portion) -> Element:
        """The draft of the portion, all but its file's content. Raises `Unmappable` with every field at fault."""
        draft, dossier = portion.matter, portion.dossier
        if not isinstance(draft, Draft):
            raise Unmappable([Problem(field="draft", reason="is missing: I-office takes nothing but drafts")])
        if known := [*dossier.problems, *draft.problems]:
            raise Unmappable(known)
        options = self._options
        issuer = options.issuing_organ or dossier.agency.code
        name = dossier.agency.name if issuer == dossier.agency.code else ""
        record = _Record(dossier, draft, issuer, name, draft.submitter or options.submitter, draft.kind or options.document_type)
        subject = portion.subject or f"{dossier.code}/{draft.id}"
        told = self._shape.apply(record) | {"subject": subject, "before": portion.memo, "personal": personal_values(dossier)}
        return Element(subject=subject, lane="", body=msgspec.json.encode(msgspec.convert(told, Dispatch)))

    def organ(self, code: str, name: str = "") -> Organ:
        """An agency with all that is known of it."""
        told = self.settings.organs.get(code, Told())
        return Organ(id=code, **told.model_dump() | {"name": told.name or name})


def lower(value: object) -> str:
    """Text without capitals."""
    return str(value).lower()


def day(value: object) -> str:
    """The Vietnamese day of an instant, as edXML writes it."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("is no instant with a time zone")
    return value.astimezone(ZONE).strftime("%Y/%m/%d")


def words(file: MappingFile, table: str, kind: type[W]) -> dict[str, W]:
    """A table whose codes are syncd's own words."""
    return {key: kind(word) for key, word in file.tables[table].items() if isinstance(word, str)}


def load(options: IofficeOptions, overlay: Path | None) -> OfficeMapping:
    """The mapping of these options. Raises `ConfigurationError` with everything wrong."""
    where, text = locate(options.mapping, "ioffice", overlay)
    compiled = compile_mapping(parse(text, where), transforms={"lower": lower, "day": day}, profile=options.dialect)
    problems = [] if "draft" in compiled.shapes else [Problem(field=f"{where}: shapes.draft", reason="is missing")]
    problems += [problem for table, kind in _TABLES.items() for problem in _mistakes(compiled.file, where, table, kind)]
    try:
        settings = Settings.model_validate(compiled.settings)
    except ValidationError as error:
        problems += mistakes(error, f"{where}: settings.")
    if problems:
        raise ConfigurationError(problems)
    return OfficeMapping(compiled, settings, options)


def _mistakes(file: MappingFile, where: str, table: str, kind: type[StrEnum] | None) -> Sequence[Problem]:
    if table not in file.tables:
        return [Problem(field=f"{where}: tables.{table}", reason="is missing")]
    known = [str(word) for word in kind] if kind else []
    wrong = [key for key, word in file.tables[table].items() if kind and word not in known]
    return [Problem(field=f"{where}: tables.{table}.{key}", reason="is none of the words of the code", hint=", ".join(known)) for key in wrong]

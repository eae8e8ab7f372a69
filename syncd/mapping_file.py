"""Mapping files: what an administrator can say about the fields of a record, and reading it.

A mapping is TOML, so that an administrator can change a code without a programmer:

    [mapping]
    name = "dvcqg"
    about = "…"

    [tables.status]                     # a code table: canonical word or foreign code → code
    received = "2"
    [[tables.agency."000.00.00.H03"]]   # a code that changes by law: entries with validity, both days included
    code = "000.00.00.H03"
    until = 2025-06-30

    [shapes.record.Code]                # a shape is an ordered set of fields; each field is a rule
    from = "code"                       # path in the input; a list = the first that is present
    required = true
    max = 50

The keys of a rule:

    from        path or list of paths (dots lead into parts; `.` is the input itself)
    value       a constant, instead of `from`
    default     what stands where nothing is present; only where the contract allows it
    as          transform or list of transforms, by name
    table       code table the value is looked up in; a value without a code is a problem, never a blank
    on          path of the date by which a dated code is chosen
    each        name of a shape: `from` is a list, the field becomes a list of that shape
    where       with `each`: path that must be truthy for an entry to be taken (`!path`: falsy)
    required    absent is a problem
    max, cut    longest text; longer is a problem, or cut with an ellipsis where `cut = true`
    pattern     regular expression the whole text must match
    profile     the field exists only under this profile
    personal    the value is a citizen's: it never appears in a problem's text
    hint        what a person should do about a problem here

Nothing is invented (law L9): where a rule finds nothing and has no default, the field is the mapping's `empty` value, or
a problem if it is required. All problems of a record are found in one pass, all mistakes of a file likewise.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from syncd.errors import ConfigurationError
from syncd.model import Problem


def _expressions(given: tuple[str, ...]) -> tuple[str, ...]:
    try:
        for pattern in given:
            re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return tuple(unicodedata.normalize("NFC", pattern) for pattern in given)


Patterns = Annotated[tuple[str, ...], AfterValidator(_expressions)]  #: regular expressions that texts of a far end are searched for, in NFC


class Dated(BaseModel):
    """One entry of a code that changes by law."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    code: str
    since: date | None = None
    until: date | None = None

    def holds(self, day: date) -> bool:
        """Whether the code is in force on that day."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


class Rule(BaseModel):
    """How one field is made; see the module's text."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: tuple[str, ...] = Field((), alias="from")
    value: Any = None
    default: Any = None
    transforms: tuple[str, ...] = Field((), alias="as")
    table: str = ""
    on: str = ""
    each: str = ""
    where: str = ""
    required: bool = False
    max: int = Field(0, ge=0)
    cut: bool = False
    pattern: str = ""
    profile: str = ""
    personal: bool = False
    hint: str = ""

    @field_validator("source", "transforms", mode="before")
    @classmethod
    def _one_or_many(cls, given: object) -> object:
        return (given,) if isinstance(given, str) else given

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, given: str) -> str:
        try:
            re.compile(given)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return given


class Meta(BaseModel):
    """The head of a mapping file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    about: str = ""
    empty: Any = None
    profiles: tuple[str, ...] = ()


class MappingFile(BaseModel):
    """A mapping as written; `settings` belongs to the connector that reads it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    mapping: Meta
    tables: dict[str, dict[str, str | tuple[Dated, ...]]] = {}
    shapes: dict[str, dict[str, Rule]] = {}
    settings: dict[str, Any] = {}


def locate(name: str, kind: str, overlay: Path | None = None) -> tuple[str, bytes]:
    """Where the mapping `name` of `kind` (a folder of `mappings/`) stands, and what is written there. A name with a
    slash or an ending is a path; an administrator's folder goes before the shipped one."""
    if "/" in name or name.endswith(".toml"):
        return name, _read(Path(name))
    if overlay is not None and (own := overlay / kind / f"{name}.toml").is_file():
        return str(own), _read(own)
    shipped = files("mappings").joinpath(kind, f"{name}.toml")
    if not shipped.is_file():
        raise ConfigurationError([Problem(field="mapping", reason=f"there is no mapping {kind}/{name}.toml", hint="see: syncd mapping check")])
    return f"mappings/{kind}/{name}.toml", shipped.read_bytes()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError([Problem(field=str(path), reason=error.strerror or "cannot be read", hint="check the path and its permissions")]) from None


def parse(text: bytes, where: str) -> MappingFile:
    """The mapping written in `text`. Raises `ConfigurationError` with every mistake, each with its path in the file."""
    try:
        return MappingFile.model_validate(tomllib.loads(text.decode("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError([Problem(field=where, reason=f"not TOML: {error}")]) from None
    except ValidationError as error:
        raise ConfigurationError(mistakes(error, f"{where}: ")) from None


def mistakes(error: ValidationError, where: str) -> list[Problem]:
    """What is wrong with a part of a file that stands under `where`, each with its path."""
    return [Problem(field=f"{where}{'.'.join(map(str, fault['loc']))}", reason=fault["msg"]) for fault in error.errors()]

"""Dossiers and steps in the terms of the national portal. Pure: a mapping file and a portion in, JSON out.

What the portal needs that is no plain field of the model is worked out here, so that the mapping can stay data: which
papers to tell of, the kind of an identity number, whether anything is digitised. A paper that was removed is told of, as
deleted, only on an update and only if it had been sent; the memo of the delivery, a list of paper ids, remembers that.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError

from connectors._personal import texts
from syncd.calls import Element, Operation, Portion
from syncd.errors import ConfigurationError, Unmappable
from syncd.mapping import CompiledMapping, compile_mapping
from syncd.mapping_file import Patterns, locate, mistakes, parse
from syncd.model import Dossier, Origin, Paper, Problem, Status, Step

ZONE = timezone(timedelta(hours=7))  #: Asia/Ho_Chi_Minh since 1975, without summer time; the mapping admits no earlier year
CREATE, UPDATE, STEPS, STATUS = "DongBoHoSoMC:False", "DongBoHoSoMC:True", "CapNhatTienDoHoSoMC", ""  #: lanes; the last one travels alone
_SHAPES = ("record", "step", "status")
_TABLES = ("status", "identity", "agency")


class Words(BaseModel):
    """[settings.answers]: how the portal's texts are read; regular expressions."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    success: Patterns = ()
    failure: Patterns
    exists: Patterns
    exists_codes: tuple[str, ...]
    missing: Patterns
    session: Patterns
    steps: tuple[str, ...] = ()  #: names of the list of steps in what a look-up answers; no regular expressions


class Sent(msgspec.Struct, rename={"code": "MaHoSo", "procedure": "MaTTHC", "papers": "TaiLieuNop"}):
    """What must be known again of a record once it is JSON."""

    code: str
    procedure: str = ""
    papers: list[SentPaper] = []

    @property
    def memo(self) -> str:
        """The papers the portal has, once it has taken this record."""
        return ",".join(paper.id for paper in self.papers if paper.id and paper.deleted != "True")


class SentPaper(msgspec.Struct, rename={"id": "TepDinhKemId", "deleted": "IsDeleted"}):
    """And of its papers."""

    id: str = ""
    deleted: str = "False"


class _Identity(NamedTuple):
    digits: str
    number: str


class _Record(NamedTuple):
    dossier: Dossier
    papers: tuple[Paper, ...]
    identities: tuple[_Identity, ...]
    digitised: bool


class _Event(NamedTuple):
    dossier: Dossier
    step: Step


class PortalMapping:
    """A compiled mapping, and how to apply it to a portion."""

    def __init__(self, compiled: CompiledMapping, words: Words, unsupported: Problem | None = None) -> None:
        self.words = words
        self._tables = compiled.tables
        self._shapes = compiled.shapes
        self._unsupported = unsupported
        self._encode = msgspec.json.Encoder().encode
        self.personal_fields = frozenset(field for rules in compiled.file.shapes.values() for field, rule in rules.items() if rule.personal)
        self.dates = frozenset(field for rules in compiled.file.shapes.values() for field, rule in rules.items() if "instant" in rule.transforms)

    def compose(self, portion: Portion) -> Element:
        """The portion as JSON, ready to stand in a call. Raises `Unmappable` with every field at fault."""
        dossier = portion.dossier
        known = [*dossier.problems, *(problem for step in portion.steps for problem in step.problems)]
        if known:
            raise Unmappable(known)
        if portion.operation is Operation.STEPS:
            return Element(subject=portion.subject or dossier.code, lane=STEPS, body=self._steps(dossier, portion.steps))
        record = self._record(portion)
        if dossier.origin is Origin.PORTAL:
            return Element(subject=portion.subject or dossier.code, lane=STATUS, body=self._status(record))
        lane = UPDATE if portion.operation is Operation.UPDATE else CREATE
        return Element(subject=portion.subject or dossier.code, lane=lane, body=self._encode(self._shapes["record"].apply(record)))

    def record(self, portion: Portion) -> dict[str, Any] | None:
        """The record that the portal should have; None where the dossier cannot be put into its terms."""
        if portion.dossier.problems:
            return None
        problems: list[Problem] = []
        record = self._shapes["record"].read(self._record(portion), problems)
        return None if problems else record

    def steps(self, portion: Portion) -> list[dict[str, Any] | None]:
        """The portion's steps as the portal should have them; None for one that cannot be put into its terms."""
        return [None if step.problems else self._step(portion.dossier, step) for step in portion.steps]

    def _step(self, dossier: Dossier, step: Step) -> dict[str, Any] | None:
        problems: list[Problem] = []
        event = self._shapes["step"].read(_Event(dossier, step), problems)
        return None if problems else event

    def _record(self, portion: Portion) -> _Record:
        dossier = portion.dossier
        sent = set(portion.memo.split(",")) if portion.operation is Operation.UPDATE else set()
        papers = tuple(paper for paper in dossier.papers if not paper.removed or paper.id in sent)
        number = "".join(dossier.owner.identity.split())
        known = number.isascii() and number.isdecimal() and self._tables["identity"].find(str(len(number))) is not None
        identities = (_Identity(str(len(number)), number),) if known else ()
        return _Record(dossier, papers, identities, any(paper.digitised and not paper.removed for paper in dossier.papers))

    def _status(self, record: _Record) -> bytes:
        if self._unsupported is not None:
            raise Unmappable([self._unsupported])
        return self._encode(self._shapes["status"].apply(record))

    def _steps(self, dossier: Dossier, steps: Iterable[Step]) -> bytes:
        problems: list[Problem] = []
        shape = self._shapes["step"]
        events = [shape.read(_Event(dossier, step), problems, f"step[{step.id}].") for step in steps]
        if problems:
            raise Unmappable(problems)
        return b",".join(map(self._encode, events))

    def agency(self, code: str, now: datetime) -> str:
        """The code by which the agency goes at the portal on that day; the code itself where the table has none."""
        return self._tables["agency"].find(code, now.astimezone(ZONE).date()) or code

    def status(self, code: object) -> Status | None:
        """The status the portal means; None where its word is none of the table's, or stands for several."""
        return self._statuses.get(str(code).strip().lstrip("0"))

    @cached_property
    def _statuses(self) -> dict[str, Status | None]:
        table, back = self._tables["status"], dict[str, Status | None]()
        for status in Status:
            if code := table.find(status.value):
                back[code] = None if code in back else status
        return back

    def personal(self, elements: Iterable[Element]) -> set[str]:
        """The texts in these elements that are a citizen's or an officer's, by the fields that the mapping calls personal."""
        return set(texts(msgspec.json.decode(b"[" + b",".join(element.body for element in elements) + b"]"), self.personal_fields))


def instant(value: Any) -> str:
    """An instant as the portal writes it: yyyyMMddHHmmss in Vietnamese time."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("is no instant with a time zone")
    here = value.astimezone(ZONE)
    day, time = (here.year * 100 + here.month) * 100 + here.day, (here.hour * 100 + here.minute) * 100 + here.second
    return f"{day * 1_000_000 + time:014}"  # a third of what strftime takes, and each record has four of them


def moment(text: object) -> datetime | None:
    """The instant that the portal wrote so; None for anything else."""
    try:
        return datetime.strptime(str(text), "%Y%m%d%H%M%S").replace(tzinfo=ZONE)
    except ValueError:
        return None


def load(name: str, profile: str, overlay: Path | None, unsupported: Problem | None = None) -> PortalMapping:
    """The mapping of that name, compiled. `unsupported` is why the status of dossiers from the portal cannot be sent.
    Raises `ConfigurationError` with everything wrong."""
    where, text = locate(name, "dvcqg", overlay)
    compiled = compile_mapping(parse(text, where), transforms={"instant": instant}, profile=profile)
    problems = [Problem(field=f"{where}: shapes.{shape}", reason="is missing") for shape in _SHAPES if shape not in compiled.shapes]
    problems += [Problem(field=f"{where}: tables.{table}", reason="is missing") for table in _TABLES if table not in compiled.tables]
    try:
        words = Words.model_validate(compiled.settings.get("answers", {}))
    except ValidationError as error:
        problems += mistakes(error, f"{where}: settings.answers.")
    if problems:
        raise ConfigurationError(problems)
    return PortalMapping(compiled, words, unsupported)

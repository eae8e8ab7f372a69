"""Dossiers, steps and statistics in the terms of an LGSP. Pure: a mapping file and a portion in, JSON out.

Unlike the national portal, the platform wants numbers and truth values as such. Code tables hold text, so the mapping says
which fields become numbers (`[settings.types]`). What is absent and not text is left out. A paper that was removed is told
of, as deleted, only on an update and only if it had been sent; the memo of the delivery, a list of paper ids, remembers that.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors._personal import texts
from syncd.calls import Element, Operation, Portion
from syncd.errors import ConfigurationError, Unmappable
from syncd.mapping import CompiledMapping, compile_mapping
from syncd.mapping_file import MappingFile, locate, mistakes, parse
from syncd.model import Dossier, Paper, Problem, Statistic, Status, Step

ZONE = timezone(timedelta(hours=7))  #: Asia/Ho_Chi_Minh since 1975, without summer time; the mapping admits no earlier year
DOCUMENT, TRACES, STATISTIC = "SyncDocument", "UpdateDocumentTraces", "UpdateStatistic"  #: lanes
_SHAPES = {DOCUMENT: "document", TRACES: "trace", STATISTIC: "statistic"}
_NEEDED = {"document": ("Attachments",), "attachment": ("AttachmentId", "IsDeleted", "Base64")}  #: read again before sending


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Dates(_Strict):
    """[settings.dates]: how an instant is written."""

    offset: Literal["+0700", "+07:00"]


class Types(_Strict):
    """[settings.types]: fields of a table that are no text."""

    whole: tuple[str, ...] = ()


class Replies(_Strict):
    """[settings.answers]: how a reply is read."""

    success: dict[str, tuple[str, ...]] = Field(min_length=1)  #: by the field that tells it, the first that is there


class Settings(_Strict):
    """[settings]"""

    dates: Dates
    types: Types
    answers: Replies


class _Paper(NamedTuple):
    id: str
    name: str
    removed: bool
    link: str  #: where its content is to be fetched; empty where it is not sent


class _Document(NamedTuple):
    dossier: Dossier
    papers: tuple[_Paper, ...]
    succeeded: bool
    succeeded_at: datetime | None
    returned: bool
    returned_at: datetime | None
    supplement: bool
    nothing: None = None


class _Event(NamedTuple):
    dossier: Dossier
    step: Step


class _Figures(NamedTuple):
    """A statistic with its sums and shares."""

    statistic: Statistic
    monthly: bool
    total: int
    solved: int
    pending: int
    on_time_share: float
    late_share: float
    pending_share: float
    overdue_share: float


class LgspMapping:
    """A compiled mapping, and how to apply it to a portion."""

    def __init__(self, compiled: CompiledMapping, settings: Settings, *, contents: bool) -> None:
        """`contents`: whether papers are sent with their content."""
        self.settings = settings
        self._shapes = {lane: compiled.shapes[shape] for lane, shape in _SHAPES.items()}
        self._contents = contents
        self._encode = msgspec.json.Encoder().encode
        self._personal = {field for rules in compiled.file.shapes.values() for field, rule in rules.items() if rule.personal}

    def compose(self, portion: Portion) -> Element:
        """The portion as JSON, the address of each file in place of its content. Raises `Unmappable` with every field at fault."""
        dossier = portion.dossier
        if isinstance(portion.matter, Statistic):
            return self._element(portion, STATISTIC, figures(portion.matter), [])
        known = [*dossier.problems, *(problem for step in portion.steps for problem in step.problems)]
        if known:
            raise Unmappable(known)
        if portion.operation is Operation.STEPS:
            return self._element(portion, TRACES, _Event(dossier, portion.steps[0]), [])
        sent = set(portion.memo.split(",")) if portion.operation is Operation.UPDATE else set()
        papers = tuple(self._paper(paper) for paper in dossier.papers if not paper.removed or paper.id in sent)
        record = _document(dossier, papers)
        return self._element(portion, DOCUMENT, record, self._unreachable(record.papers))

    def _paper(self, paper: Paper) -> _Paper:
        return _Paper(paper.id, paper.name, paper.removed, paper.link if self._contents and not paper.removed else "")

    def _unreachable(self, papers: Iterable[_Paper]) -> list[Problem]:
        """Papers whose content is wanted and has no address."""
        return [
            Problem(field=f"Attachments[{number}].Base64", reason="the paper has no address to fetch it from", hint="see the links of papers in the mapping")
            for number, paper in enumerate(papers)
            if self._contents and not paper.removed and not paper.link.startswith(("http://", "https://"))
        ]

    def _element(self, portion: Portion, lane: str, record: Any, problems: list[Problem]) -> Element:
        fields = self._shapes[lane].read(record, problems)
        if problems:
            raise Unmappable(problems)
        body = {field: self._typed(field, value) for field, value in fields.items() if value is not None}
        return Element(subject=portion.subject or portion.dossier.code, lane=lane, body=self._encode(body))

    def _typed(self, field: str, value: Any) -> Any:
        return int(value) if isinstance(value, str) and field in self.settings.types.whole else value

    def personal(self, element: Element) -> set[str]:
        """The texts in an element that are a citizen's or an officer's, by the fields that the mapping calls personal."""
        return set(texts(msgspec.json.decode(element.body), self._personal))


def _document(dossier: Dossier, papers: tuple[_Paper, ...]) -> _Document:
    """A dossier with what has become of it: nothing is dated that has not happened."""
    returned = dossier.status is Status.RETURNED
    succeeded = returned or dossier.status is Status.PROCESSED
    return _Document(
        dossier=dossier,
        papers=papers,
        succeeded=succeeded,
        succeeded_at=dossier.processed_at if succeeded else None,
        returned=returned,
        returned_at=dossier.returned_at if returned else None,
        supplement=dossier.status is Status.SUPPLEMENT,
    )


def figures(statistic: Statistic) -> _Figures:
    """A statistic with what is computed from it: sums, and shares in per cent with two decimals."""
    solved, pending = statistic.on_time + statistic.late, statistic.pending + statistic.overdue
    return _Figures(
        statistic=statistic,
        monthly=statistic.month > 0,
        total=statistic.received + statistic.carried_over,
        solved=solved,
        pending=pending,
        on_time_share=_share(statistic.on_time, solved),
        late_share=_share(statistic.late, solved),
        pending_share=_share(statistic.pending, pending),
        overdue_share=_share(statistic.overdue, pending),
    )


def _share(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


def instant(offset: str, value: Any) -> str:
    """An instant as the platform writes it: ISO with milliseconds, in Vietnamese time, the offset always there."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("is no instant with a time zone")
    local = value.astimezone(ZONE)
    return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03}{offset}"


def load(name: str, overlay: Path | None, *, contents: bool) -> LgspMapping:
    """The mapping of that name, compiled; `contents`: whether papers are sent with their content. Raises `ConfigurationError` with everything wrong."""
    where, text = locate(name, "lgsp", overlay)
    file = parse(text, where)
    try:
        settings = Settings.model_validate(file.settings)
    except ValidationError as error:
        raise ConfigurationError(mistakes(error, f"{where}: settings.")) from None
    compiled = compile_mapping(file, transforms={"instant": partial(instant, settings.dates.offset)})
    problems = [Problem(field=f"{where}: shapes.{shape}", reason="is missing") for shape in _SHAPES.values() if shape not in compiled.shapes]
    problems += [
        Problem(field=f"{where}: shapes.{shape}.{field}", reason="is missing")
        for shape, fields in _NEEDED.items()
        for field in fields
        if field not in file.shapes.get(shape, {})
    ]
    problems += [Problem(field=f"{where}: {place}", reason=reason) for place, reason in _mistyped(file, settings.types)]
    if problems:
        raise ConfigurationError(problems)
    return LgspMapping(compiled, settings, contents=contents)


def _mistyped(file: MappingFile, types: Types) -> Iterable[tuple[str, str]]:
    """Codes that cannot become what their field wants."""
    for shape, rules in file.shapes.items():
        for field, rule in rules.items():
            texts = [code for code in file.tables.get(rule.table, {}).values() if isinstance(code, str)]
            if field in types.whole and not all(code.isascii() and code.isdecimal() for code in texts):
                yield f"tables.{rule.table}", f"{shape}.{field} wants whole numbers"

"""A draft for signing in the terms of Tân Dân's document axis. Pure: a mapping file and a portion in, JSON out.

What the axis needs that is no plain field of the model is worked out here, so that the mapping can stay data: the accounts of
those who sign and submit, the abstract, the name of the file, and the text that the axis echoes. The file itself is not read
here; the element names it beside the call, and whoever sends puts its content in.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

from connectors._names import bare
from connectors._tdoffice.answers import Answers, Words
from syncd.calls import Element, Portion
from syncd.documents import Stage
from syncd.errors import ConfigurationError, Unmappable
from syncd.mapping import Codes, CompiledMapping, compile_mapping
from syncd.mapping_file import locate, parse
from syncd.model import Agency, Dossier, Draft, Paper, Problem

ZONE = timezone(timedelta(hours=7))  #: Asia/Ho_Chi_Minh since 1975, without summer time; the mapping admits no earlier year
OUR_KEY = "syncd"  #: in the echoed text: the ledger's subject, by which it is known as ours
FILES = ("VanBanDuThao", "DinhKem")  #: where the content of the files goes
DEADLINE = "HanXuLyVanBan"
_SHAPES = ("send", "echo", "file", "paper")
_TABLES = ("codes", "results", "acknowledged", "accounts", "agency")
_SEVERAL = frozenset(" ,;|")


class Sent(msgspec.Struct, frozen=True):
    """The body of an element: the call without the content of its files, and where that is."""

    files: tuple[str, ...]
    call: dict[str, Any]


class _Person(NamedTuple):
    name: str
    account: str


class _File(NamedTuple):
    name: str


class _Draft(NamedTuple):
    dossier: Dossier
    draft: Draft
    signer: _Person
    submitter: _Person
    agency: Agency
    abstract: str
    files: tuple[_File, ...]
    papers: tuple[Paper, ...]
    echo: str


class _Echo(NamedTuple):
    dossier: Dossier
    draft: Draft
    subject: str


class OfficeMapping:
    """A compiled mapping, and how to apply it to a portion."""

    def __init__(self, compiled: CompiledMapping, words: Words, *, append_code: bool) -> None:
        self.answers = Answers(compiled.tables["codes"], words)
        self._about = {_plain(word) for word in words.about}
        self._shapes = compiled.shapes
        self._tables = compiled.tables
        self._append_code = append_code
        self._personal = {field for rules in compiled.file.shapes.values() for field, rule in rules.items() if rule.personal}

    def compose(self, portion: Portion) -> Element:
        """The call without file contents, ready to be completed. Raises `Unmappable` with every field at fault."""
        draft = portion.matter
        if not isinstance(draft, Draft):
            raise Unmappable([Problem(field="draft", reason="is missing: a document system takes nothing but drafts")])
        if known := [*portion.dossier.problems, *draft.problems]:
            raise Unmappable(known)
        problems: list[Problem] = []
        flat = self._shapes["send"].read(self._record(portion, draft, problems), problems)
        if problems:
            raise Unmappable(problems)
        return Element(subject=_subject(portion, draft), lane="", body=msgspec.json.encode(Sent((draft.file,), _finished(nested(flat)))))

    def _record(self, portion: Portion, draft: Draft, problems: list[Problem]) -> _Draft:
        dossier = portion.dossier
        return _Draft(
            dossier,
            draft,
            self._person(draft.signer, draft.signer_name),
            self._person(draft.submitter, draft.submitter_name),
            Agency(code=self._own("agency", dossier.agency.code), name=dossier.agency.name),
            self._abstract(dossier, draft),
            (_File(bare(draft.file_name) or bare(unquote(urlsplit(draft.file).path))),) if draft.file.strip() else (),
            tuple(paper for paper in dossier.papers if paper.link.strip() and not paper.removed),
            msgspec.json.encode(self._shapes["echo"].read(_Echo(dossier, draft, _subject(portion, draft)), problems, "ThamSoAn.")).decode(),
        )

    def _person(self, account: str, name: str) -> _Person:
        """The person, by the account that the table has for the user name, or for the name where there is no user name."""
        return _Person(name, self._own("accounts", account.strip()) or self._tables["accounts"].find(name.strip()) or "")

    def _own(self, table: str, key: str) -> str:
        return self._tables[table].find(key) or key

    def _abstract(self, dossier: Dossier, draft: Draft) -> str:
        abstract = next((text for text in (draft.title, dossier.abstract) if text.strip()), dossier.code)
        return f"{abstract} ({dossier.code})" if self._append_code and dossier.code not in abstract else abstract

    def stage(self, code: str) -> Stage | None:
        """What a result type means; None where the table does not have it."""
        found = self._tables["results"].find(code)
        return None if found is None else Stage(found)

    def concerns_us(self, about: str) -> bool:
        """Whether a package about such a draft brings a result; one that does not say is taken to."""
        return not about or _plain(about) in self._about

    def acknowledged(self, *, taken: bool) -> str:
        """The state by which a package is acknowledged."""
        return self._tables["acknowledged"].find("done" if taken else "failed") or ""

    def personal(self, call: Mapping[str, Any]) -> set[str]:
        """The texts of a call that are a citizen's or an officer's, by the fields that the mapping calls personal."""
        code = str(call.get("MaHoSo", ""))
        names = {str(entry.get("Ten", "")) for entry in call[FILES[0]][FILES[1]]}
        return names | {text.removesuffix(f" ({code})") for text in self._told(call, "")} - {code}

    def _told(self, value: Any, field: str) -> Iterable[str]:
        if isinstance(value, Mapping):
            for name, part in value.items():
                yield from self._told(part, f"{field}.{name}" if field else name)
        elif field in self._personal:
            yield str(value)


def _subject(portion: Portion, draft: Draft) -> str:
    return portion.subject or f"{portion.dossier.code}/{draft.id}"


def _plain(word: str) -> str:
    return unicodedata.normalize("NFC", word).casefold()


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """`{"a.b": 1}` as `{"a": {"b": 1}}`, order kept."""
    result: dict[str, Any] = {}
    for path, value in flat.items():
        *folders, name = path.split(".")
        part = result
        for folder in folders:
            part = part.setdefault(folder, {})
        part[name] = value
    return result


def _finished(call: dict[str, Any]) -> dict[str, Any]:
    """The call with what no mapping file can say: nulls, and the places for contents."""
    attached = call[FILES[0]][FILES[1]]
    call[FILES[0]][FILES[1]] = [{**entry, "Base64": "", "Link": None} for entry in attached]
    return {name: None if name == DEADLINE and not value else value for name, value in call.items()}


def instant(value: Any) -> str:
    """An instant as the axis writes it: yyyyMMddHHmmss in Vietnamese time."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("is no instant with a time zone")
    return value.astimezone(ZONE).strftime("%Y%m%d%H%M%S")


def single(value: Any) -> str:
    """One account, not a list of them."""
    if not _SEVERAL.isdisjoint(text := str(value)):
        raise ValueError("names more than one account")
    return text


def load(name: str, overlay: Path | None, *, append_code: bool) -> OfficeMapping:
    """The mapping of that name, compiled. Raises `ConfigurationError` with everything wrong."""
    where, text = locate(name, "tdoffice", overlay)
    compiled = compile_mapping(parse(text, where), transforms={"instant": instant, "single": single})
    problems = [Problem(field=f"{where}: shapes.{shape}", reason="is missing") for shape in _SHAPES if shape not in compiled.shapes]
    problems += [Problem(field=f"{where}: tables.{table}", reason="is missing") for table in _TABLES if table not in compiled.tables]
    if problems:
        raise ConfigurationError(problems)
    problems += _wrong_words(where, compiled.tables)
    if ".".join(FILES) not in compiled.file.shapes["send"]:
        problems.append(Problem(field=f"{where}: shapes.send", reason=f"has no {'.'.join(FILES)}"))
    words = Words.of(compiled.settings.get("answers", {}), f"{where}: settings.answers", problems)
    if problems:
        raise ConfigurationError(problems)
    return OfficeMapping(compiled, words, append_code=append_code)


def _wrong_words(where: str, tables: Mapping[str, Codes]) -> list[Problem]:
    """What in the tables is no word that syncd knows."""
    known = {"codes": Answers.WORDS, "results": frozenset(Stage)}
    wrong = [
        Problem(field=f"{where}: tables.{table}.{code}", reason="is no word for this table", hint=f"write one of {', '.join(sorted(words))}")
        for table, words in known.items()
        for code in tables[table].keys()  # noqa: SIM118 a table is no dictionary
        if tables[table].find(code) not in words
    ]
    return wrong + [
        Problem(field=f"{where}: tables.acknowledged.{key}", reason="is missing") for key in ("done", "failed") if not tables["acknowledged"].find(key)
    ]

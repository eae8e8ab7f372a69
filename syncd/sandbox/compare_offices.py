"""The referee of the document systems: whether each draft came once to the right one, and each answer to it back once.

A draft that waited since the rehearsal began has a file on the shelf, by which it is known here and there. What a document
system made of it must stand once in the staging table, and, where it is a result, with the dossier and on the portal: that
is the full round. Only a document system that knows a repeated draft by its key may have been sent one more than once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, String, select

from syncd.sandbox.expectation import clean
from syncd.sandbox.holdings import Holdings
from syncd.sandbox.journey import RESULT, SIGNED, Row
from syncd.sandbox.office_desk import Desk, Draft, Issued
from syncd.sandbox.onestop import publishable
from syncd.sandbox.people import SIGNER, account
from syncd.sandbox.referee import Difference, dossiers
from syncd.sandbox.schema import tables_in
from syncd.sandbox.shelf import Shelf
from syncd.sandbox.staging import inbox, inbox_file

_TEXTS: Final = frozenset(column.name for column in inbox.c if isinstance(column.type, String))
_CLOSING: Final = ("issued", "unnumbered", "rejected")  #: stages that end the wait of a draft


class OfficeTarget(NamedTuple):
    """A document system of the rehearsal."""

    name: str
    desk: Desk
    scope: Sequence[str] = ()  #: agencies whose drafts go there; empty: all others
    officers: bool = True  #: whether a draft on its desk says which officer submitted it


class Wanted(NamedTuple):
    """A draft that a document system should have had."""

    office: str
    dossier: Row
    file: Row
    sha256: str

    @property
    def code(self) -> str:
        """Of the dossier."""
        return clean(self.dossier["dossierNo"])


class Written(NamedTuple):
    """A row of the staging table."""

    row: Mapping[str, Any]
    files: tuple[str, ...]  #: SHA-256 of each


@dataclass(slots=True)
class OfficeComparison:
    """What the referee found of one document system."""

    drafts: int = 0  #: that should have come
    equal: int = 0  #: of them, without any difference all the way
    repeats: int = 0  #: drafts that came again under their key
    issued: int = 0  #: results given back
    rejected: int = 0
    rounds: int = 0  #: results that the portal shows
    differences: list[Difference] = field(default_factory=list)

    @property
    def in_sync(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def compare_offices(engine: Engine, shelf: Shelf, offices: Sequence[OfficeTarget], holdings: Holdings) -> dict[str, OfficeComparison]:
    """Compare every document system with the one-stop and the portal."""
    with engine.connect() as connection:
        wanted = list(_wanted(connection, engine, shelf, offices))
        written = _written(connection)
    return {
        office.name: _Referee(office, shelf, holdings, written.get(office.name, [])).judge([one for one in wanted if one.office == office.name])
        for office in offices
    }


class _Referee:
    def __init__(self, office: OfficeTarget, shelf: Shelf, holdings: Holdings, written: list[Written]) -> None:
        self._desk = office.desk
        self._officers = office.officers
        self._shelf = shelf
        self._holdings = holdings
        self._written = written
        self._sheet = OfficeComparison()

    def judge(self, wanted: Sequence[Wanted]) -> OfficeComparison:
        by_key = {(one.code, one.sha256): one for one in wanted}
        answers = {issued.result.doc_id: issued for issued in self._desk.issued()}
        self._arrivals(by_key)
        spoilt = {difference.dossier for difference in self._sheet.differences}
        for draft in self._desk.drafts():
            if (one := by_key.get(_key(draft))) is not None and one.code not in spoilt:
                found = [*_field_differences(one, draft, officers=self._officers), *self._answered(one, answers.get(draft.doc_id))]
                self._sheet.equal += not found
                self._sheet.differences += found
        self._sheet.drafts = len(wanted)
        self._sheet.differences += [Difference(package.draft.dossier, "unacknowledged", package.id) for package in self._desk.waiting()]
        left = (one.row for one in self._written if one.row["stage"] in _CLOSING)
        self._sheet.differences += [Difference(row["dossier_code"], "result_extra", row["stage"], found=row["document"]) for row in left]
        return self._sheet

    def _arrivals(self, wanted: Mapping[tuple[str, str], Wanted]) -> None:
        drafts = self._desk.drafts()
        found = Counter(map(_key, drafts))
        self._sheet.repeats = sum(draft.times - 1 for draft in drafts)
        self._sheet.differences += [Difference(code, "draft_missing", expected=sha256) for code, sha256 in wanted.keys() - found.keys()]
        self._sheet.differences += [Difference(code, "draft_extra", found=sha256) for code, sha256 in found.keys() - wanted.keys()]
        self._sheet.differences += [Difference(key[0], "draft_repeated", found=f"{times} times") for key, times in found.items() if times > 1]

    def _answered(self, one: Wanted, issued: Issued | None) -> list[Difference]:
        if issued is None:
            return [Difference(one.code, "draft_unanswered")]
        if issued.result.deed == "rejected":
            self._sheet.rejected += 1
            return list(self._rejected(one, issued))
        self._sheet.issued += 1
        found = [*self._staged(one, issued), *self._filed(one, issued)]
        self._sheet.rounds += not found and self._shown(one)
        if not found and not self._shown(one) and publishable(one.dossier):
            found.append(Difference(one.code, "result_paper", "DanhSachGiayToKetQua", clean(one.file["displayName"])))
        return found

    def _staged(self, one: Wanted, issued: Issued) -> Iterator[Difference]:
        """The one row that holds the result's file."""
        result = issued.result
        rows = self._taken(lambda written: result.sha256 in written.files and written.row["stage"] != "rejected")
        yield from _once(one, rows)
        number, _, notation = result.number.partition("/")
        expected = {
            "stage": result.deed, "dossier_code": one.code, "dossier_id": one.dossier["dossierId"], "code": result.number, "code_number": number,
            "code_notation": notation, "signer": result.signer, "issued_on": result.on if issued.dated and result.number else None,
        }  # fmt: skip
        for written in rows[:1]:
            yield from (
                Difference(one.code, "result_field", name, str(value), str(written.row[name])) for name, value in expected.items() if written.row[name] != value
            )

    def _rejected(self, one: Wanted, issued: Issued) -> Iterator[Difference]:
        key = str(one.file["dossierFileId"])
        rows = self._taken(lambda written: written.row["stage"] == "rejected" and written.row["dossier_code"] == one.code and written.row["draft"] in ("", key))
        yield from _once(one, rows)
        if rows and rows[0].row["reason"] != issued.result.reason:
            yield Difference(one.code, "result_field", "reason", issued.result.reason, rows[0].row["reason"])
        if not one.file["removed"]:
            yield Difference(one.code, "result_file", "removed")

    def _filed(self, one: Wanted, issued: Issued) -> Iterator[Difference]:
        """The result as it stands with the dossier."""
        expected = {"signCheck": 1, "deliverableCode": issued.result.number, "removed": False}
        yield from (Difference(one.code, "result_file", name, str(value), str(one.file[name])) for name, value in expected.items() if one.file[name] != value)
        found = self._shelf.sha256(one.file["fileEntryId"])
        if found != issued.result.sha256:
            yield Difference(one.code, "result_file", "content", issued.result.sha256, found)

    def _shown(self, one: Wanted) -> bool:
        record = self._holdings.record(one.code) or {}
        return clean(one.file["displayName"]) in [clean(paper["TenGiayTo"]) for paper in record.get("DanhSachGiayToKetQua", ())]

    def _taken(self, fits: Any) -> list[Written]:
        """The rows that fit; they are accounted for from now on."""
        rows = [written for written in self._written if fits(written)]
        self._written = [written for written in self._written if written not in rows]
        return rows


def _once(one: Wanted, rows: Sequence[Written]) -> Iterator[Difference]:
    if len(rows) != 1:
        yield Difference(one.code, "result_repeated" if rows else "result_missing", found=str(len(rows)))
    elif rows[0].row["taken_at"] is None:
        yield Difference(one.code, "result_unread", found=rows[0].row["document"])


def _field_differences(one: Wanted, draft: Draft, *, officers: bool) -> Iterator[Difference]:
    """What the document system was told of a draft."""
    matter, title = draft.matter, clean(one.file["displayName"]).partition(" số ")[0]
    told = {"agency": matter.agency, "signer": matter.signer, "submitter": matter.submitter}
    expected = {"agency": one.dossier["govAgencyCode"], "signer": SIGNER, **({"submitter": account(one.file["userName"])} if officers else {})}
    yield from (Difference(one.code, "draft_field", name, value, told[name]) for name, value in expected.items() if told[name] != value)
    if title not in clean(matter.abstract):
        yield Difference(one.code, "draft_field", "abstract", title, matter.abstract)


def _wanted(connection: Connection, engine: Engine, shelf: Shelf, offices: Sequence[OfficeTarget]) -> Iterator[Wanted]:
    for rows in dossiers(connection, tables_in(engine)):
        row = rows.dossier
        if publishable({**row, "systemId": 0}):  # those from the portal too
            office = office_of(row["govAgencyCode"], offices)
            for file in rows.files:
                entry = file["fileEntryId"] - (SIGNED if file["signCheck"] else 0)
                if file["dossierPartType"] == RESULT and (sha256 := shelf.sha256(entry)):
                    yield Wanted(office, row, file, sha256)


def office_of(agency: str, offices: Sequence[OfficeTarget]) -> str:
    """The document system for an agency: of which it, or one above it, is in the scope; else the one for all others."""
    named = (office.name for office in offices if any(_levels(agency)[: len(_levels(top))] == _levels(top) for top in office.scope))
    return next(named, next((office.name for office in offices if not office.scope), ""))


def _levels(code: str) -> list[str]:
    """A code from the province down, in whichever of its two notations."""
    levels = code.split(".") if code[:1].isalpha() else code.split(".")[::-1]
    return [level for level in levels if level.strip("0")]


def _written(connection: Connection) -> dict[str, list[Written]]:
    """The staging table by target, without the contents of its files."""
    files: dict[int, list[str]] = defaultdict(list)
    for number, sha256 in connection.execute(select(inbox_file.c.inbox_id, inbox_file.c.sha256).order_by(inbox_file.c.place)):
        files[number].append(sha256)
    found: dict[str, list[Written]] = defaultdict(list)
    for row in connection.execute(select(inbox).order_by(inbox.c.id)).mappings():
        found[row["target"]].append(Written({name: "" if value is None and name in _TEXTS else value for name, value in row.items()}, tuple(files[row["id"]])))
    return found


def _key(draft: Draft) -> tuple[str, str]:
    return draft.dossier, draft.matter.files[0].sha256

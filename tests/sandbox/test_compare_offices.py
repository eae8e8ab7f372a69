"""The referee of the document systems finds each kind of injury on the way out and back, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine

from syncd.sandbox.compare_offices import OfficeComparison, OfficeTarget, compare_offices
from syncd.sandbox.expectation import is_draft
from syncd.sandbox.holdings import Holdings
from syncd.sandbox.life import Life
from syncd.sandbox.office_clerk import Act, BadDayClerk, Clerk
from syncd.sandbox.office_desk import Desk, File, Issued, Matter
from syncd.sandbox.onestop import build, local_now, publishable
from syncd.sandbox.people import SIGNER, account
from syncd.sandbox.referee import dossiers, references
from syncd.sandbox.schema import tables_in
from syncd.sandbox.shelf import Shelf
from syncd.sandbox.staging import inbox, inbox_file
from syncd.sandbox.vendor import Vendor
from tests.clocks import TurnedClock
from tests.sandbox.caller import publish_all

SCOPE = ("000.00.12.H03", "H03.14", "000.00.31.H03", "000.00.32.H03", "000.00.33.H03")
MINE = ("000.00.31.H03", "000.03.32.H03")  # a unit of the scope, and one below


class Round:
    """A one-stop, two document systems and a portal, and everybody in between doing what they should."""

    def __init__(self, engine: Engine, clock: TurnedClock, folder: Path, clerk: Clerk | None = None) -> None:
        self.engine = engine
        self.clock = clock
        self.shelf = Shelf(folder)
        build(engine, dossiers=300, seed=3, clock=clock, shelf=self.shelf)
        self.life = Life(engine, clock, Random(1), shelf=self.shelf)
        self.vendor = Vendor(self.life)
        self.holdings = Holdings()
        self.desks = {name: Desk(clerk or Clerk(), clock, prefix=name) for name in ("ioffice", "tdoffice")}
        self.offices = [OfficeTarget("ioffice", self.desks["ioffice"]), OfficeTarget("tdoffice", self.desks["tdoffice"], SCOPE)]
        self.drafts: dict[str, int] = {}

    def send(self) -> None:
        """Each draft goes to its document system."""
        with self.engine.connect() as connection:
            for rows in dossiers(connection, tables_in(self.engine)):
                for draft in (file for file in rows.files if is_draft(file) and not file["removed"]):
                    if publishable({**rows.dossier, "systemId": 0}):
                        content = self.shelf.path(draft["fileEntryId"]).read_bytes()
                        self.drafts[rows.dossier["dossierNo"]] = draft["dossierFileId"]
                        self.desk_of(rows.dossier["govAgencyCode"]).receive(matter(rows.dossier, draft, content))

    def desk_of(self, agency: str) -> Desk:
        groups = agency.split(".")
        mine = agency in ("000.00.12.H03", "000.00.14.H03") or groups[2] in ("31", "32", "33")
        return self.desks["tdoffice" if mine else "ioffice"]

    def write(self) -> None:
        """What was issued goes to the staging table, and everything is acknowledged."""
        for name, desk in self.desks.items():
            for issued in desk.issued():
                self.stage(name, issued)
                for key in issued.packages:
                    desk.acknowledge(key, "03")
            for package in desk.waiting():
                desk.acknowledge(package.id, "03")

    def stage(self, target: str, issued: Issued, digest: str = "d", **changes: Any) -> None:
        result = issued.result
        number, _, notation = result.number.partition("/")
        row = {
            "target": target, "document": result.doc_id, "digest": digest, "dossier_code": result.dossier, "dossier_id": self.key(result.dossier),
            "draft": str(self.drafts[result.dossier]), "stage": result.deed, "code": result.number or None, "code_number": number, "code_notation": notation,
            "issued_on": result.on if issued.dated and result.number else None, "signer": result.signer, "reason": result.reason, "file_count": 1,
            "received_at": local_now(self.clock), "written_at": local_now(self.clock), **changes,
        }  # fmt: skip
        with self.engine.begin() as connection:
            key = connection.execute(inbox.insert().returning(inbox.c.id), row).scalar_one()
            if result.content:
                file = {"inbox_id": key, "place": 1, "name": result.file, "bytes": len(result.content), "sha256": result.sha256, "content": result.content}
                connection.execute(inbox_file.insert(), file)

    def key(self, code: str) -> int:
        table = tables_in(self.engine).dossier
        with self.engine.connect() as connection:
            return int(connection.execute(table.select().with_only_columns(table.c.dossierId).where(table.c.dossierNo == code)).scalar_one())

    def publish(self) -> None:
        """The portal shows what the one-stop has."""
        with self.engine.connect() as connection:
            layout = tables_in(self.engine)
            publish_all(dossiers(connection, layout), references(connection, layout), self.holdings)

    def complete(self) -> None:
        self.send()
        self.write()
        self.vendor.read()
        self.publish()

    def compare(self) -> dict[str, OfficeComparison]:
        return compare_offices(self.engine, self.shelf, self.offices, self.holdings)

    def found(self) -> list[tuple[str, str, str]]:
        """Office, kind and field of each difference."""
        return [(name, each.kind, each.field) for name, comparison in self.compare().items() for each in comparison.differences]

    def first(self, office: str = "tdoffice") -> Issued:
        """A result whose dossier has a record of its own on the portal."""
        return next(one for one in self.desks[office].issued() if self.holdings.record(one.dossier))

    def change(self, issued: Issued, **values: Any) -> None:
        """Change the staging row of a result."""
        with self.engine.begin() as connection:
            assert connection.execute(inbox.update().where(inbox.c.document == issued.result.doc_id).values(values)).rowcount == 1

    def change_file(self, issued: Issued, **values: Any) -> None:
        """Change the result as it stands with its dossier."""
        table = tables_in(self.engine).file
        with self.engine.begin() as connection:
            connection.execute(table.update().where(table.c.dossierFileId == self.drafts[issued.dossier]).values(values))


def matter(dossier: dict[str, Any], draft: dict[str, Any], content: bytes) -> Matter:
    return Matter(
        dossier["dossierNo"],
        (File.of(f"{draft['fileEntryId']}.pdf", content),),
        abstract=draft["displayName"],
        signer=SIGNER,
        submitter=account(draft["userName"]),
        agency=dossier["govAgencyCode"],
    )


@pytest.fixture
def made(empty: Engine, clock: TurnedClock, tmp_path: Path) -> Round:
    """A round that went well."""
    made = Round(empty, clock, tmp_path / "files")
    made.complete()
    return made


def test_a_round_that_went_well_is_in_sync_and_counted(made: Round) -> None:
    for name, comparison in made.compare().items():
        assert comparison.in_sync, comparison.differences
        assert comparison.drafts == comparison.equal == comparison.issued == len(made.desks[name].drafts()) > 1
        assert 0 < comparison.rounds <= comparison.issued
        assert (comparison.repeats, comparison.rejected) == (0, 0)


def test_a_bad_day_of_the_officials_is_in_sync_too(empty: Engine, clock: TurnedClock, tmp_path: Path) -> None:
    made = Round(empty, clock, tmp_path, BadDayClerk(7))
    made.complete()
    assert made.found() == []


def test_a_rejected_draft_counts_for_itself_and_so_does_the_next(empty: Engine, clock: TurnedClock, tmp_path: Path) -> None:
    class Moody(Clerk):
        def course(self, dossier: str, nth: int) -> tuple[Act, ...]:
            return (Act("rejected" if nth == 1 else "issued"),)

    made = Round(empty, clock, tmp_path, Moody())
    made.send()
    made.write()
    made.vendor.read()
    before = sum(len(desk.drafts()) for desk in made.desks.values())
    code = next(iter(made.drafts))
    assert made.life.advance(made.key(code), "submit")
    made.send()
    again = made.desks["ioffice"].issued(code) + made.desks["tdoffice"].issued(code)
    office = "ioffice" if made.desks["ioffice"].issued(code) else "tdoffice"
    made.stage(office, again[-1])
    for package in made.desks[office].waiting():
        made.desks[office].acknowledge(package.id, "03")
    made.vendor.read()
    made.publish()
    found = made.compare()
    assert made.found() == []
    assert sum(one.rejected for one in found.values()) == before
    assert sum(one.issued for one in found.values()) == 1


def test_an_office_that_has_nothing_misses_everything(made: Round, clock: TurnedClock) -> None:
    made.offices = [office._replace(desk=Desk(Clerk(), clock)) for office in made.offices]
    kinds = {kind for _, kind, _ in made.found()}
    assert kinds == {"draft_missing", "result_extra"}


def test_a_draft_in_the_wrong_office_is_missing_here_and_too_much_there(made: Round) -> None:
    made.offices = [office._replace(desk=made.desks["tdoffice" if office.name == "ioffice" else "ioffice"]) for office in made.offices]
    assert {kind for _, kind, _ in made.found()} == {"draft_missing", "draft_extra", "result_extra"}


def test_a_draft_that_came_twice_is_a_difference_unless_it_was_recognised(made: Round) -> None:
    draft = made.desks["tdoffice"].drafts()[0]
    made.desks["tdoffice"].receive(draft.matter)
    made.write = lambda: None  # type: ignore[method-assign]
    assert ("tdoffice", "draft_repeated", "") in made.found()
    made.desks["ioffice"].receive(made.desks["ioffice"].drafts()[0].matter._replace(dossier="H03-1"), "key")
    known = made.compare()["ioffice"].repeats
    made.desks["ioffice"].receive(made.desks["ioffice"].drafts()[0].matter._replace(dossier="H03-1"), "key")
    assert made.compare()["ioffice"].repeats == known + 1


@pytest.mark.parametrize("name", ["agency", "submitter", "signer", "abstract"])
def test_what_an_office_was_told_wrongly_is_named(made: Round, name: str) -> None:
    desk = made.desks["tdoffice"]
    draft = desk.drafts()[0]
    desk._drafts[draft.doc_id] = draft._replace(matter=draft.matter._replace(**{name: "khác"}))  # type: ignore[arg-type]
    assert made.found() == [("tdoffice", "draft_field", name)]


def test_a_draft_that_nobody_answered_is_told(empty: Engine, clock: TurnedClock, tmp_path: Path) -> None:
    made = Round(empty, clock, tmp_path, Clerk("waiting"))
    made.complete()
    assert {kind for _, kind, _ in made.found()} == {"draft_unanswered"}


def test_a_package_that_was_not_acknowledged_is_told(made: Round) -> None:
    issued = made.first()
    made.desks["tdoffice"].requeue(issued.packages[0])
    assert made.found() == [("tdoffice", "unacknowledged", issued.packages[0])]


INJURIES: dict[str, tuple[Callable[[Round, Issued], None], tuple[str, str]]] = {
    "number": (lambda made, issued: made.change(issued, code="9/X"), ("result_field", "code")),
    "part of the number": (lambda made, issued: made.change(issued, code_notation="X"), ("result_field", "code_notation")),
    "date": (lambda made, issued: made.change(issued, issued_on=None), ("result_field", "issued_on")),
    "signer": (lambda made, issued: made.change(issued, signer="khác"), ("result_field", "signer")),
    "stage": (lambda made, issued: made.change(issued, stage="unnumbered"), ("result_field", "stage")),
    "dossier": (lambda made, issued: made.change(issued, dossier_code="H03-1"), ("result_field", "dossier_code")),
    "key of the dossier": (lambda made, issued: made.change(issued, dossier_id=1), ("result_field", "dossier_id")),
    "unread": (lambda made, issued: made.change(issued, taken_at=None), ("result_unread", "")),
    "written twice": (lambda made, issued: made.stage("tdoffice", issued, digest="e"), ("result_repeated", "")),
    "number of the result": (lambda made, issued: made.change_file(issued, deliverableCode="X"), ("result_file", "deliverableCode")),
    "removed": (lambda made, issued: made.change_file(issued, removed=True), ("result_file", "removed")),
    "not on the portal": (
        lambda made, issued: made.holdings._records[issued.dossier].update(DanhSachGiayToKetQua=[]),
        ("result_paper", "DanhSachGiayToKetQua"),
    ),
}


@pytest.mark.parametrize("kind", INJURIES)
def test_an_injury_on_the_way_back_is_found(made: Round, kind: str) -> None:
    injure, expected = INJURIES[kind]
    before = made.compare()["tdoffice"]
    injure(made, made.first())
    assert made.found() == [("tdoffice", *expected)]
    after = made.compare()["tdoffice"]
    assert (after.equal, after.rounds) == (before.equal - 1, before.rounds - 1)


def test_bytes_that_changed_on_the_way_are_found(made: Round) -> None:
    issued = made.first()
    entry = next(row["fileEntryId"] for row in _files(made) if row["dossierFileId"] == made.drafts[issued.dossier])
    made.shelf.keep(entry, issued.result.content + b"\n")
    assert made.found() == [("tdoffice", "result_file", "content")]


def test_a_result_that_was_not_written_is_missing(made: Round) -> None:
    issued = made.first()
    with made.engine.begin() as connection:
        connection.execute(inbox_file.delete().where(inbox_file.c.sha256 == issued.result.sha256))
        connection.execute(inbox.delete().where(inbox.c.document == issued.result.doc_id))
    assert made.found() == [("tdoffice", "result_missing", "")]


def test_a_refusal_that_was_told_otherwise_is_found(empty: Engine, clock: TurnedClock, tmp_path: Path) -> None:
    made = Round(empty, clock, tmp_path, Clerk("rejected"))
    made.complete()
    assert made.found() == []
    issued = made.desks["tdoffice"].issued()[0]
    made.change(issued, reason="khác")
    made.change_file(issued, removed=False)
    assert made.found() == [("tdoffice", "result_field", "reason"), ("tdoffice", "result_file", "removed")]


def _files(made: Round) -> list[dict[str, Any]]:
    table = tables_in(made.engine).file
    with made.engine.connect() as connection:
        return [dict(zip(table.c.keys(), row, strict=True)) for row in connection.execute(table.select())]

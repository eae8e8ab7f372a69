"""The vendor takes what was written to the staging table into the dossiers, each row once."""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, inspect, select

from syncd.sandbox.flow import SIGNING
from syncd.sandbox.life import Life
from syncd.sandbox.onestop import build, connect
from syncd.sandbox.shelf import Shelf, page
from syncd.sandbox.staging import inbox, inbox_file
from syncd.sandbox.vendor import Taken, Vendor
from tests.clocks import TurnedClock
from tests.sandbox.test_life import state

AT = datetime.fromisoformat("2025-03-03T08:00")
SIGNED = page("da ky")


class Desk:
    """A one-stop with one dossier that waits for its signature, and someone who writes to the staging table."""

    def __init__(self, engine: Engine, clock: TurnedClock, folder: Path) -> None:
        build(engine, dossiers=3, clock=clock)
        self.engine = engine
        self.shelf = Shelf(folder)
        self.life = Life(engine, clock, Random(1), shelf=self.shelf)
        self.vendor = Vendor(self.life)
        self.key = self.life.arrive("counter").dossier_id
        self.life.advance(self.key, "assign")
        self.submit()

    def submit(self) -> None:
        self.life.advance(self.key, "submit")
        self.draft = max(key for key, row in state(self.engine)["file"].items() if row["dossierId"] == self.key)

    def write(self, stage: str, *, document: str = "GOI-1", files: tuple[bytes, ...] = (), **given: Any) -> None:
        """What syncd would write."""
        given = {"draft": str(self.draft), "file_count": len(files), "received_at": AT, "written_at": AT, "dossier_id": self.key, **given}
        row = {"target": "tdoffice", "document": document, "digest": "d", "stage": stage, "dossier_code": "H03-1", **given}
        with self.engine.begin() as connection:
            number = connection.execute(inbox.insert().returning(inbox.c.id), row).scalar_one()
            for place, content in enumerate(files):
                file = {"place": place, "name": f"{place}.pdf", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                connection.execute(inbox_file.insert(), {"inbox_id": number, **file, "content": content})

    @property
    def row(self) -> dict[str, Any]:
        return state(self.engine)["dossier"][self.key]

    @property
    def file(self) -> dict[str, Any]:
        return state(self.engine)["file"][self.draft]

    @property
    def steps(self) -> list[dict[str, Any]]:
        return [row for row in state(self.engine)["action"].values() if row["dossierId"] == self.key]


@pytest.fixture
def desk(empty: Engine, clock: TurnedClock, tmp_path: Path) -> Desk:
    return Desk(empty, clock, tmp_path / "files")


def test_an_issued_document_becomes_the_result_and_moves_the_dossier_on(desk: Desk) -> None:
    desk.write("issued", code="123/QĐ-UBND", issued_on=date(2025, 3, 2), files=(b"PK..", SIGNED))
    assert desk.vendor.unread() == 1
    assert desk.vendor.read() == [Taken("issued", desk.key, "123/QĐ-UBND")]
    assert (desk.row["dossierStatus"], desk.row["dossierSubStatus"]) == ("releasing", "")
    assert desk.row["releaseDate"]
    assert (desk.file["signCheck"], desk.file["deliverableCode"], desk.file["removed"]) == (1, "123/QĐ-UBND", False)
    assert desk.file["displayName"].endswith("số 123/QĐ-UBND")
    assert desk.shelf.path(desk.file["fileEntryId"]).read_bytes() == SIGNED
    assert (desk.steps[-1]["actionCode"], desk.steps[-1]["actionNote"], desk.steps[-1]["stepCode"]) == ("issued", "123/QĐ-UBND", "400")
    assert desk.life.advance(desk.key), "officers take it up again"


def test_what_was_read_is_not_read_again(desk: Desk) -> None:
    desk.write("issued", code="1/QĐ", files=(SIGNED,))
    desk.vendor.read()
    before = state(desk.engine)
    assert desk.vendor.read() == []
    assert desk.vendor.unread() == 0
    assert state(desk.engine) == before
    with desk.engine.connect() as connection:
        assert connection.scalar(select(inbox.c.taken_at)) == AT


def test_a_result_without_number_keeps_its_name(desk: Desk) -> None:
    name = desk.file["displayName"]
    desk.write("unnumbered", files=(SIGNED,))
    assert desk.vendor.read() == [Taken("issued", desk.key, "")]
    assert (desk.file["displayName"], desk.file["deliverableCode"], desk.file["signCheck"]) == (name, "", 1)


def test_a_signature_is_only_noted(desk: Desk) -> None:
    before = desk.file
    desk.write("signed")
    assert desk.vendor.read() == [Taken("signed", desk.key, "")]
    assert (desk.steps[-1]["actionCode"], desk.steps[-1]["stepCode"]) == ("signed", SIGNING)
    assert desk.file == before


def test_a_refusal_takes_the_draft_away_and_a_new_one_may_follow(desk: Desk) -> None:
    first = desk.draft
    desk.write("rejected", reason="sai thể thức")
    assert desk.vendor.read() == [Taken("rejected", desk.key, "")]
    assert (desk.file["removed"], desk.file["signCheck"]) == (True, 0)
    assert (desk.steps[-1]["stepCode"], desk.steps[-1]["actionNote"]) == ("210", "sai thể thức")
    desk.submit()
    assert desk.draft > first
    desk.write("issued", document="GOI-2", code="5/QĐ", files=(SIGNED,))
    assert [taken.kind for taken in desk.vendor.read()] == ["issued"]


@pytest.mark.parametrize(("stage", "draft"), [("issued", "999"), ("delivered", ""), ("recall_asked", "")])
def test_what_fits_no_draft_changes_nothing(desk: Desk, stage: str, draft: str) -> None:
    before = state(desk.engine)
    desk.write(stage, draft=draft, code="9/QĐ")
    assert desk.vendor.read() == [Taken("", desk.key, "9/QĐ")]
    assert state(desk.engine) == before
    assert desk.vendor.unread() == 0


def test_a_document_that_names_no_draft_answers_the_only_one(desk: Desk) -> None:
    desk.write("issued", draft="", code="9/QĐ")
    assert desk.vendor.read() == [Taken("issued", desk.key, "9/QĐ")]
    desk.write("issued", document="GOI-2", draft="", code="9/QĐ")
    assert desk.vendor.read() == [Taken("", desk.key, "9/QĐ")]


def test_a_spoilt_dossier_is_put_right_by_its_answer(desk: Desk) -> None:
    desk.life.spoil(desk.key)
    desk.write("issued", code="9/QĐ")
    desk.vendor.read()
    desk.life.settle()
    assert desk.row["dossierStatus"] == "releasing"


@pytest.mark.parametrize("server", ["postgresql", "mariadb"])
def test_every_database_has_a_staging_table(request: pytest.FixtureRequest, clock: TurnedClock, tmp_path: Path, server: str) -> None:
    desk = Desk(connect(request.getfixturevalue(f"{server}_url")), clock, tmp_path)
    desk.write("issued", code="123/QĐ-UBND", signed_on=date(2025, 3, 2), files=(SIGNED,))
    assert [taken.kind for taken in desk.vendor.read()] == ["issued"]
    assert desk.shelf.path(desk.file["fileEntryId"]).read_bytes() == SIGNED
    desk.engine.dispose()


def test_the_tables_are_those_an_administrator_is_given() -> None:
    script = Path(__file__).parents[2] / "config" / "inbox" / "sqlite.sql"
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        for statement in re.sub("--.*", "", script.read_text("utf-8")).split(";"):
            connection.exec_driver_sql(statement)
        given = inspect(connection)
        for table in (inbox, inbox_file):
            assert {column["name"] for column in given.get_columns(table.name)} == set(table.c.keys())
            assert given.get_pk_constraint(table.name)["constrained_columns"] == [column.name for column in table.primary_key]
    engine.dispose()

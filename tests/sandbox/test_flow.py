"""Drafts: who makes them, where they wait, and that nobody in the office leads them on."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import Engine

from syncd.sandbox.catalogue import PROCEDURES
from syncd.sandbox.expectation import is_draft
from syncd.sandbox.flow import ANSWERS, LEADING_ON, MOVES, MOVES_FROM, SIGNING, STAGES, moves_from
from syncd.sandbox.life import Life
from syncd.sandbox.onestop import build
from syncd.sandbox.people import OFFICERS
from syncd.sandbox.shelf import Shelf, page
from tests.clocks import TurnedClock
from tests.sandbox.test_life import state


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "files")


@pytest.fixture
def life(empty: Engine, clock: TurnedClock, shelf: Shelf) -> Life:
    build(empty, dossiers=300, seed=3, clock=clock, shelf=shelf)
    return Life(empty, clock, Random(4), shelf=shelf)


def files(life: Life, key: int) -> list[dict[str, Any]]:
    return [row for row in state(life.engine)["file"].values() if row["dossierId"] == key]


def test_some_procedures_are_signed_and_some_are_not() -> None:
    signed = {procedure.signed for procedure in PROCEDURES}
    assert signed == {True, False}


def test_a_draft_is_submitted_where_another_result_would_be_finished() -> None:
    for stage in ("200", "210"):
        kinds = {signed: {move.kind for move in moves_from(stage, signed=signed)} for signed in (True, False)}
        assert kinds[True] - kinds[False] == {"submit"}
        assert kinds[False] - kinds[True] == {"finish"}


def test_only_an_answer_leads_on_from_the_stage_of_signing() -> None:
    assert MOVES_FROM[SIGNING] == ()
    assert SIGNING in LEADING_ON
    assert moves_from(SIGNING, signed=True) == ()
    assert set(moves_from(SIGNING, signed=True, answers=True)) == set(ANSWERS.values())
    assert {move.to for move in (*MOVES, *ANSWERS.values()) if move.to} <= STAGES.keys()


def test_submitting_makes_a_draft_of_an_officer_with_a_file(life: Life, shelf: Shelf) -> None:
    key = life.arrive("counter").dossier_id
    assert life.advance(key, "assign")
    submitted = life.advance(key, "submit")
    assert submitted is not None
    row = state(life.engine)["dossier"][key]
    assert (row["dossierStatus"], row["dossierSubStatus"]) == ("processing", "processing_signing")
    draft = files(life, key)[-1]
    assert is_draft(draft)
    assert (draft["dossierPartType"], draft["signCheck"], draft["removed"]) == (2, 0, False)
    assert draft["userName"] in OFFICERS
    assert PdfReader(shelf.path(draft["fileEntryId"])).pages[0].extract_text().startswith("DU THAO")
    assert life.advance(key) is None


def test_every_draft_that_waits_has_a_file_and_its_dossier_stands_there(life: Life, shelf: Shelf) -> None:
    found = state(life.engine)
    drafts = [row for row in found["file"].values() if is_draft(row) and not row["removed"]]
    assert drafts
    for draft in drafts:
        dossier = found["dossier"][draft["dossierId"]]
        assert found["action"][dossier["dossierActionId"]]["stepCode"] == SIGNING
        assert shelf.path(draft["fileEntryId"]).is_file()
    assert {row["dossierId"] for row in drafts} == {row["dossierId"] for row in found["dossier"].values() if row["dossierSubStatus"] == "processing_signing"}


def test_what_was_issued_before_has_a_number_and_what_was_rejected_is_gone(life: Life) -> None:
    found = state(life.engine)
    issued = [row for row in found["file"].values() if row["deliverableCode"]]
    assert issued
    assert all(row["signCheck"] == 1 and row["deliverableCode"] in row["displayName"] for row in issued)
    rejected = [row for row in found["action"].values() if row["actionCode"] == "rejected"]
    assert rejected
    for action in rejected:
        assert any(is_draft(row) and row["removed"] for row in files(life, action["dossierId"]))


def test_a_file_says_its_title_and_a_bracket_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(page("Quyết định (lần 1) \\ đ"))
    assert PdfReader(tmp_path / "a.pdf", strict=True).pages[0].extract_text() == "Quyet dinh [lan 1]  d"

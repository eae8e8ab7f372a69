"""Which results wait for a signature, who signs them, and where their files are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncd.errors import ConfigurationError
from syncd.mapping_file import locate
from syncd.model import Draft
from tests.source.opencps import Province, only


def mapping(folder: Path, *changes: tuple[str, str]) -> str:
    """The path of the shipped mapping with drafts at step 380, files in a folder, and a few changes."""
    shipped = locate("opencps-v2", "onestop")[1].decode()
    for old, new in (("steps = []", 'steps = ["380"]'), ('root = ""', 'root = "/srv/files"'), *changes):
        assert old in shipped
        shipped = shipped.replace(old, new)
    copy = folder / "own.toml"
    copy.write_text(shipped, encoding="utf-8")
    return str(copy)


def draft_row(province: Province, dossier: int, **columns: Any) -> int:
    given = {"dossierPartType": 2, "displayName": "Giấy chứng nhận", "fileEntryId": 77, "userName": "canbo.a", "fileTemplateNo": "GCN", "signCheck": 0}
    return province.paper(dossier, **{**given, **columns})


def drafts(province: Province, name: str) -> tuple[Draft, ...]:
    return only(province.source(mapping=name)).drafts


def test_a_result_that_waits_for_its_signature_is_a_draft_and_no_result(province: Province, tmp_path: Path) -> None:
    dossier = province.dossier()
    province.step(dossier, "200")
    province.step(dossier, "380")
    key = draft_row(province, dossier)
    signed = draft_row(province, dossier, signCheck=1, displayName="Quyết định")
    draft_row(province, dossier, removed=True)
    people = (("[tables.signers]\n", '[tables.signers]\n"000.10.14.H03" = "lanhdao.b"\n'), ("[tables.accounts]\n", '[tables.accounts]\n"canbo.a" = "cba"\n'))
    snapshot = only(province.source(mapping=mapping(tmp_path, *people)))
    assert snapshot.drafts == (
        Draft(
            id=str(key),
            revision="77",
            title="Giấy chứng nhận",
            kind="GCN",
            file="/srv/files/77",
            file_name="77",
            signer="lanhdao.b",
            signer_name="lanhdao.b",
            submitter="cba",
            submitter_name="canbo.a",
        ),
    )
    assert [paper.id for paper in snapshot.dossier.results] == [str(signed)]


def test_at_any_other_step_it_is_none(province: Province, tmp_path: Path) -> None:
    dossier = province.dossier()
    province.step(dossier, "380")
    province.step(dossier, "400")
    draft_row(province, dossier)
    assert drafts(province, mapping(tmp_path)) == ()
    assert drafts(province, "opencps-v2") == ()


@pytest.mark.parametrize(
    ("changes", "columns", "file", "field"),
    [
        ((), {"fileEntryId": None}, "", "drafts.file"),
        ((('root = "/srv/files"', 'root = ""'),), {}, "", "drafts.root"),
        ((('file = "{fileEntryId}"', 'file = "{displayName}"'),), {"displayName": "../../etc/passwd"}, "", "drafts.file"),
        ((('file = "{fileEntryId}"', 'file = "{displayName}"'),), {"displayName": "a/../b c"}, "/srv/files/b c", None),
        ((('file = "{fileEntryId}"', 'file = "{displayName}"'),), {"displayName": "https://kho.example/7"}, "https://kho.example/7", None),
        ((('file = "{fileEntryId}"', 'file = "{displayName}"'),), {"displayName": "https://[kho.example/7"}, "", "drafts.file"),
        ((('root = "/srv/files"', 'root = "https://kho.example/f/"'),), {}, "https://kho.example/f/77", None),
    ],
)
def test_where_the_file_is_and_what_is_wrong_with_it(
    sqlite_province: Province, tmp_path: Path, changes: tuple[tuple[str, str], ...], columns: dict[str, Any], file: str, field: str | None
) -> None:
    dossier = sqlite_province.dossier()
    sqlite_province.step(dossier, "380")
    draft_row(sqlite_province, dossier, **columns)
    (draft,) = drafts(sqlite_province, mapping(tmp_path, *changes))
    assert draft.file == file
    assert [problem.field for problem in draft.problems] == ([field] if field else [])
    assert all(problem.hint for problem in draft.problems)


def test_its_identity_is_the_row_and_the_file(sqlite_province: Province, tmp_path: Path) -> None:
    dossier = sqlite_province.dossier()
    sqlite_province.step(dossier, "380")
    draft_row(sqlite_province, dossier)
    name = mapping(tmp_path)
    (before,) = drafts(sqlite_province, name)
    sqlite_province.execute("UPDATE opencps_dossierfile SET displayName = 'Tên khác'")
    (renamed,) = drafts(sqlite_province, name)
    sqlite_province.execute("UPDATE opencps_dossierfile SET fileEntryId = 78")
    (replaced,) = drafts(sqlite_province, name)
    assert before.identity == renamed.identity != replaced.identity


def test_a_mapping_with_drafts_needs_their_shape(sqlite_province: Province, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"shapes\.draft"):
        sqlite_province.source(mapping=mapping(tmp_path, ("[shapes.draft]", "[shapes.nothing]")))

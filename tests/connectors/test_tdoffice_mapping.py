"""A draft in the axis's terms: the golden file, the field table of the contract, and what cannot be put so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from connectors._tdoffice.mapping import OfficeMapping, Sent, load
from syncd.calls import Element, Operation, Portion
from syncd.errors import ConfigurationError, Unmappable
from syncd.model import Agency, Dossier, Draft, Owner, Paper, Problem, Statistic
from tests.connectors.axis import DRAFT, SUBJECT, portion
from tests.connectors.dossiers import CODE, DOSSIER
from tests.examples import examples

GOLDEN = Path(__file__).parents[1] / "golden" / "tdoffice" / "guihoso.json"
MAPPING = load("tdoffice", None, append_code=False)


class Field(NamedTuple):
    """A field of the contract: what it may be where it is filled, and whether it must be."""

    name: str
    form: str = r"(?s:.*)"
    required: bool = False
    entries: str = ""
    part: str = ""
    nothing: bool = False  #: may be null


PERSON = [Field("Ten"), Field("CMND"), Field("SoDienThoai"), Field("DiaChi")]
ACCOUNT = [Field("Ten"), Field("TaiKhoan", r"[^\s,;]+", required=True)]
TABLE: dict[str, list[Field]] = {
    "GuiHoSo": [
        Field("IDHoSo", required=True),
        Field("MaHoSo", r"\S+", required=True),
        Field("TenHoSo"),
        Field("ThuTuc"),
        Field("ChuHoSo", part="person"),
        Field("NguoiNop", part="person"),
        Field("NguoiKy", part="account"),
        Field("NguoiTrinhKy", part="account"),
        Field("DonVi", part="unit"),
        Field("VanBanDuThao", part="draft"),
        Field("ThanhPhanHoSo", entries="paper"),
        Field("ThamSoAn", r"\{.*\}", required=True),
        Field("HccLinkAPI", re.escape("/apifile?url="), required=True),
        Field("LoaiHSLienthong"),
        Field("SoKyHieuVanBan"),
        Field("NguoiKyVanBan"),
        Field("HanXuLyVanBan", r"[0-9]{14}", required=True, nothing=True),
    ],
    "person": PERSON,
    "account": ACCOUNT,
    "unit": [Field("Ten"), Field("MaDinhDanh", required=True)],
    "draft": [Field("TrichYeu", required=True), Field("LoaiVanBan"), Field("NgayTao", ""), Field("DinhKem", entries="file", required=True)],
    "file": [Field("Ten", r"[^/\\]+", required=True), Field("Base64"), Field("Link", "never", required=True, nothing=True)],
    "paper": [Field("Ten", required=True), Field("Base64", ""), Field("Link", r"\S.*", required=True)],
}


def faults(value: Any, shape: str) -> list[str]:
    """What of the object is not as the contract says, order and completeness included."""
    fields = TABLE[shape]
    found = [] if list(value) == [field.name for field in fields] else [f"{shape}: fields {list(value)}"]
    return found + [fault for field in fields for fault in _faults(value.get(field.name), field)]


def _faults(value: Any, field: Field) -> list[str]:
    if field.part:
        return faults(value, field.part)
    if field.entries:
        return [f"{field.name} is empty"] if field.required and not value else [fault for entry in value for fault in faults(entry, field.entries)]
    if value is None and field.nothing:
        return []
    if not isinstance(value, str):
        return [f"{field.name} is no text"]
    if not value:
        return [f"{field.name} is empty"] if field.required else []
    return [] if re.fullmatch(field.form, value) else [f"{field.name}: {value!r}"]


def sent(draft: Draft = DRAFT, dossier: Dossier = DOSSIER, mapping: OfficeMapping = MAPPING) -> Sent:
    return msgspec.json.decode(mapping.compose(portion(draft, dossier)).body, type=Sent)


def call(draft: Draft = DRAFT, dossier: Dossier = DOSSIER, mapping: OfficeMapping = MAPPING) -> dict[str, Any]:
    return sent(draft, dossier, mapping).call


def problems(draft: Draft = DRAFT, dossier: Dossier = DOSSIER) -> dict[str, Problem]:
    with pytest.raises(Unmappable) as caught:
        MAPPING.compose(portion(draft, dossier))
    return {problem.field: problem for problem in caught.value.problems}


def test_what_is_sent_is_as_the_golden_file_shows_and_as_the_contract_says() -> None:
    written = json.loads(GOLDEN.read_text("utf-8"))
    assert call() == written
    assert list(call()) == list(written)
    assert faults(written, "GuiHoSo") == []


def test_a_draft_is_an_element_of_its_own_that_names_its_file() -> None:
    element: Element = MAPPING.compose(portion())
    assert (element.subject, element.lane) == (SUBJECT, "")
    assert sent().files == (DRAFT.file,)
    assert MAPPING.compose(portion(operation=Operation.UPDATE)) == element


@pytest.mark.parametrize(
    ("title", "abstract", "append", "told"),
    [
        ("Dự thảo", "Khai sinh", False, "Dự thảo"),
        (" ", "Khai sinh", False, "Khai sinh"),
        ("", "", False, CODE),
        ("Dự thảo", "Khai sinh", True, f"Dự thảo ({CODE})"),
        ("", "", True, CODE),
        (f"Trích lục {CODE}", "", True, f"Trích lục {CODE}"),
    ],
)
def test_the_abstract_is_the_drafts_else_the_dossiers_else_the_code(title: str, abstract: str, append: bool, told: str) -> None:
    mapping = load("tdoffice", None, append_code=append)
    assert call(replace(DRAFT, title=title), replace(DOSSIER, abstract=abstract), mapping)["VanBanDuThao"]["TrichYeu"] == told


def test_what_is_echoed_says_whose_it_is_and_which_draft() -> None:
    echoed = json.loads(call()["ThamSoAn"])
    assert echoed == {"LaHoSoLienThong": False, "DuThao": "Kết quả", "DuThaoId": "501", "NgayHenTraMoi": "", "syncd": SUBJECT}


@pytest.mark.parametrize(
    ("account", "name"),
    [("", ""), ("", "Hoàng Thị Lan"), ("lan,son", ""), ("lan; son", ""), ("lan son", "")],
)
def test_exactly_one_person_signs_and_one_submits(account: str, name: str) -> None:
    for role, field in (("signer", "NguoiKy.TaiKhoan"), ("submitter", "NguoiTrinhKy.TaiKhoan")):
        found = problems(replace(DRAFT, **{role: account, f"{role}_name": name}))
        assert list(found) == [field]
        assert "[tables.accounts]" in found[field].hint
        assert account.strip() not in found[field].reason or not account


def test_accounts_and_agencies_go_by_the_tables_of_the_mapping(tmp_path: Path) -> None:
    mapping = overlaid(
        tmp_path,
        ("[tables.accounts]\n", '[tables.accounts]\n"hoang.lan" = "lanht.ubnd"\n"Triệu Văn Sơn" = "sontv.ubnd"\n'),
        ("[tables.agency]\n", '[tables.agency]\n"000.00.14.H03" = "H03.14"\n'),
    )
    made = call(replace(DRAFT, submitter=""), mapping=mapping)
    assert made["NguoiKy"] == {"Ten": "Hoàng Thị Lan", "TaiKhoan": "lanht.ubnd"}
    assert made["NguoiTrinhKy"] == {"Ten": "Triệu Văn Sơn", "TaiKhoan": "sontv.ubnd"}
    assert made["DonVi"] == {"Ten": "UBND phường Đức Xuân", "MaDinhDanh": "H03.14"}


@pytest.mark.parametrize(
    ("file", "name", "told"),
    [
        ("/srv/tep/a.pdf", "C:\\van ban\\Dự thảo.pdf", "Dự thảo.pdf"),
        ("/srv/tep/a.pdf", "../../x.pdf", "x.pdf"),
        ("/srv/tep/a.pdf", "", "a.pdf"),
        ("https://mc.vidu.example/f/D%E1%BB%B1%20th%E1%BA%A3o.docx?v=1", " ", "Dự thảo.docx"),
        ("/srv/a.pdf", "b?.pdf", "b_.pdf"),
    ],
)
def test_the_files_name_is_bare(file: str, name: str, told: str) -> None:
    assert call(replace(DRAFT, file=file, file_name=name))["VanBanDuThao"]["DinhKem"] == [{"Ten": told, "Base64": "", "Link": None}]


def test_papers_go_along_as_links_only() -> None:
    papers = (
        Paper(id="1", name="Tờ khai", link="https://mc.vidu.example/1"),
        Paper(id="2", name="Bản giấy"),
        Paper(id="3", name="Rút", link="https://mc.vidu.example/3", removed=True),
    )
    assert call(dossier=replace(DOSSIER, papers=papers))["ThanhPhanHoSo"] == [{"Ten": "Tờ khai", "Base64": "", "Link": "https://mc.vidu.example/1"}]


def test_a_draft_without_a_deadline_says_so() -> None:
    assert call(replace(DRAFT, due_at=None))["HanXuLyVanBan"] is None


def test_everything_that_is_wrong_is_named_at_once() -> None:
    found = problems(Draft(id=" "), Dossier(code="", source_id=1))
    assert set(found) == {
        "MaHoSo",
        "NguoiKy.TaiKhoan",
        "NguoiTrinhKy.TaiKhoan",
        "DonVi.MaDinhDanh",
        "VanBanDuThao.TrichYeu",
        "VanBanDuThao.DinhKem",
        "ThamSoAn.DuThaoId",
    }


def test_what_the_source_could_not_read_is_not_sent() -> None:
    told = Problem(field="file", reason="is not there")
    assert problems(replace(DRAFT, problems=(told,))) == {"file": told}
    assert problems(dossier=replace(DOSSIER, problems=(told,))) == {"file": told}


def test_nothing_but_drafts_is_taken() -> None:
    for matter in (None, Statistic(agency=Agency(code="H03"), year=2025)):
        with pytest.raises(Unmappable):
            MAPPING.compose(Portion(operation=Operation.CREATE, dossier=DOSSIER, matter=matter))


def test_what_is_a_citizens_or_an_officers_is_known_from_the_call() -> None:
    told = MAPPING.personal(call(mapping=load("tdoffice", None, append_code=True)))
    owner = DOSSIER.owner
    assert told >= {owner.name, owner.identity, owner.phone, owner.address, DOSSIER.abstract, DRAFT.title, DRAFT.signer_name, DRAFT.submitter}
    assert CODE not in told


texts = st.text(st.characters(codec="utf-8"), max_size=40)


@settings(max_examples=examples(150), deadline=None)
@given(
    draft=st.builds(
        Draft,
        id=texts,
        title=texts,
        kind=texts,
        file=texts,
        file_name=texts,
        signer=texts,
        signer_name=texts,
        submitter=texts,
        due_at=st.datetimes() | st.none(),
    ),
    owner=st.builds(Owner, name=texts, identity=texts, phone=texts, address=texts),
    abstract=texts,
)
def test_whatever_comes_is_either_as_the_contract_says_or_a_problem(draft: Draft, owner: Owner, abstract: str) -> None:
    assert outcome(draft, replace(DOSSIER, owner=owner, abstract=abstract)) == []


def outcome(draft: Draft, dossier: Dossier) -> list[str]:
    """What is wrong with what the draft becomes; a problem that names its field and reason is as good as no fault."""
    try:
        return faults(call(draft, dossier), "GuiHoSo")
    except Unmappable as error:
        return [str(problem) for problem in error.problems if not (problem.field and problem.reason)]


# ---- the file


def overlaid(folder: Path, *changes: tuple[str, str]) -> OfficeMapping:
    """The shipped mapping with changes, as an administrator's."""
    text = (Path(__file__).parents[2] / "mappings" / "tdoffice" / "tdoffice.toml").read_text("utf-8")
    for old, new in changes:
        place = text.rindex(old)
        text = text[:place] + new + text[place + len(old) :]
    (folder / "tdoffice").mkdir()
    (folder / "tdoffice" / "tdoffice.toml").write_text(text, "utf-8")
    return load("tdoffice", folder, append_code=False)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("\n[tables.accounts]", "\n[tables.people]", "tables.accounts"),
        ('"04" = "signed"', '"04" = "nearly"', "tables.results.04"),
        ('429 = "busy"', '429 = "tired"', "tables.codes.429"),
        ('failed = "04"', "", "tables.acknowledged.failed"),
        ('missing = ["không tồn tại", "không tìm thấy"]', 'missing = ["("]', "settings.answers.missing"),
        ('[shapes.send."VanBanDuThao.DinhKem"]', '[shapes.send."VanBanDuThao.Tep"]', "shapes.send"),
    ],
)
def test_a_file_that_lacks_what_the_connector_needs_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        overlaid(tmp_path, (old, new))
    assert told in "\n".join(problem.field for problem in caught.value.problems)

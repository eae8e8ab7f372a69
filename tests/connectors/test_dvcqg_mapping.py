"""A dossier in the portal's terms: the golden files, the field table, and whatever hypothesis can think of."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from connectors._dvcqg.mapping import PortalMapping, load
from syncd.calls import Operation, Portion
from syncd.errors import ConfigurationError, Unmappable
from syncd.model import Agency, Dossier, Fee, Origin, Owner, Paper, Problem, Status, Step
from tests.connectors.dossiers import AT, CODE, DOSSIER, OWNER, PORTALS, STEPS
from tests.connectors.fields import faults
from tests.examples import examples

GOLDEN = Path(__file__).parents[1] / "golden" / "dvcqg"
MAPPINGS = {profile: load("dvcqg", profile, None) for profile in ("base27", "extended")}
PORTIONS = {
    "create": (Portion(operation=Operation.CREATE, dossier=DOSSIER), "record"),
    "update": (Portion(operation=Operation.UPDATE, dossier=DOSSIER, memo="701,702"), "record"),
    "steps": (Portion(operation=Operation.STEPS, dossier=DOSSIER, steps=STEPS), "step"),
    "status": (Portion(operation=Operation.CREATE, dossier=PORTALS), "status"),
}


def objects(portion: Portion, profile: str = "extended") -> list[dict[str, Any]]:
    """What the portion becomes."""
    found: list[dict[str, Any]] = msgspec.json.decode(b"[" + MAPPINGS[profile].compose(portion).body + b"]")
    return found


def record(dossier: Dossier, operation: Operation = Operation.CREATE, memo: str = "", profile: str = "extended") -> dict[str, Any]:
    return objects(Portion(operation=operation, dossier=dossier, memo=memo), profile)[0]


def problems(dossier: Dossier, steps: tuple[Step, ...] = ()) -> dict[str, Problem]:
    """Why it cannot be put so, by field."""
    operation = Operation.STEPS if steps else Operation.CREATE
    with pytest.raises(Unmappable) as caught:
        MAPPINGS["extended"].compose(Portion(operation=operation, dossier=dossier, steps=steps))
    return {problem.field: problem for problem in caught.value.problems}


@pytest.mark.parametrize("profile", MAPPINGS)
@pytest.mark.parametrize("name", PORTIONS)
def test_what_is_sent_is_as_the_golden_file_shows_and_as_the_contract_says(name: str, profile: str) -> None:
    portion, shape = PORTIONS[name]
    written = msgspec.json.decode((GOLDEN / f"{name}.{profile}.json").read_bytes())
    assert objects(portion, profile) == written
    assert [list(sent) for sent in objects(portion, profile)] == [list(sent) for sent in written]
    assert [fault for sent in written for fault in faults(sent, shape, profile)] == []


@pytest.mark.parametrize(
    ("name", "lane"),
    [("create", "DongBoHoSoMC:False"), ("update", "DongBoHoSoMC:True"), ("steps", "CapNhatTienDoHoSoMC"), ("status", "")],
)
def test_what_may_travel_together_has_one_lane(name: str, lane: str) -> None:
    element = MAPPINGS["extended"].compose(PORTIONS[name][0])
    assert (element.subject, element.lane) == (CODE, lane)


def test_the_status_of_a_dossier_from_the_portal_goes_alone_also_when_it_changes() -> None:
    element = MAPPINGS["extended"].compose(Portion(operation=Operation.UPDATE, dossier=PORTALS))
    assert element.lane == ""
    assert msgspec.json.decode(element.body)["MaHoSoDonVi"] == CODE


@pytest.mark.parametrize(("status", "code"), [(status, str(code)) for code, status in enumerate(Status, start=1)])
def test_every_status_has_its_code_and_is_folded_only_for_the_portals_own(status: Status, code: str) -> None:
    folded = {"4": "2", "6": "2", "9": "2", "10": "2", "3": "5", "7": "5", "8": "5"}.get(code, code)
    assert record(replace(DOSSIER, status=status))["TrangThaiHoSo"] == code
    assert objects(Portion(operation=Operation.STEPS, dossier=DOSSIER, steps=(replace(STEPS[0], status=status),)))[0]["TrangThai"] == code
    assert record(replace(PORTALS, status=status))["TrangThai"] == folded
    assert MAPPINGS["extended"].status(code) is status


@pytest.mark.parametrize(
    ("identity", "entries"),
    [
        ("006088001234", [{"LoaiDinhDanh": "1", "SoDinhDanh": "006088001234"}]),
        ("006 088 001 234", [{"LoaiDinhDanh": "1", "SoDinhDanh": "006088001234"}]),
        ("095123456", [{"LoaiDinhDanh": "2", "SoDinhDanh": "095123456"}]),
        ("", []),
        ("4700123456", []),
        ("B12345678", []),
        ("٠٠٦٠٨٨٠٠١٢٣٤", []),
    ],
)
def test_an_identity_number_has_an_entry_only_where_its_kind_is_known(identity: str, entries: list[dict[str, str]]) -> None:
    assert record(replace(DOSSIER, owner=replace(OWNER, identity=identity)))["DinhDanhCHS"] == entries


@pytest.mark.parametrize(
    ("operation", "memo", "papers"),
    [
        (Operation.CREATE, "", [("701", "False")]),
        (Operation.CREATE, "701,702", [("701", "False")]),
        (Operation.UPDATE, "", [("701", "False")]),
        (Operation.UPDATE, "701", [("701", "False")]),
        (Operation.UPDATE, "701,702", [("701", "False"), ("702", "True")]),
    ],
)
def test_a_removed_paper_is_told_of_only_where_it_had_been_sent(operation: Operation, memo: str, papers: list[tuple[str, str]]) -> None:
    sent = record(DOSSIER, operation, memo)["TaiLieuNop"]
    assert [(paper["TepDinhKemId"], paper["IsDeleted"]) for paper in sent] == papers


def test_results_that_were_removed_are_left_out() -> None:
    assert [result["GiayToId"] for result in record(DOSSIER)["DanhSachGiayToKetQua"]] == ["801"]


def test_whether_anything_is_digitised_counts_the_papers_that_stand() -> None:
    gone = tuple(replace(paper, removed=True) for paper in DOSSIER.papers)
    assert [record(replace(DOSSIER, papers=papers))["HoSoCoThanhPhanSoHoa"] for papers in (DOSSIER.papers, gone, ())] == ["1", "0", "0"]


def test_times_are_vietnamese_wherever_they_were_written() -> None:
    for zone in (UTC, timezone(timedelta(hours=-5)), timezone(timedelta(hours=7))):
        assert record(replace(DOSSIER, received_at=AT.astimezone(zone)))["NgayTiepNhan"] == "20250303083015"
    assert record(replace(DOSSIER, received_at=datetime(2024, 12, 31, 17, 0, tzinfo=UTC)))["NgayTiepNhan"] == "20250101000000"


def test_a_dossier_that_was_only_received_tells_when_it_was_filed() -> None:
    assert record(replace(DOSSIER, submitted_at=None))["NgayNopHoSo"] == "20250303083015"


def test_long_text_is_cut_where_it_is_only_text() -> None:
    long = record(replace(DOSSIER, abstract="ă" * 1001, note="ơ" * 2000, papers=(Paper(id="1", name="ư" * 4001),)))
    for text, longest in ((long["TrichYeuHoSo"], 1000), (long["GhiChu"], 1999), (long["TaiLieuNop"][0]["TenTepDinhKem"], 4000)):
        assert len(text) == longest
        assert text.endswith("…")


def test_codes_are_never_cut() -> None:
    assert "characters, at most 50" in problems(replace(DOSSIER, procedure_code="1" * 51))["MaTTHC"].reason


def test_everything_that_is_missing_is_told_at_once_with_what_to_do() -> None:
    found = problems(Dossier(code="", source_id=1))
    assert list(found) == [
        "MaHoSo",
        "MaTTHC",
        "TenTTHC",
        "MaLinhVuc",
        "TenLinhVuc",
        "LoaiDoiTuong",
        "NgayTiepNhan",
        "TrangThaiHoSo",
        "DonViXuLy",
        "NgayNopHoSo",
    ]
    assert all(problem.hint for problem in found.values())
    steps = problems(DOSSIER, (Step(id=7), replace(STEPS[0], content=" ")))
    assert list(steps) == ["step[7].NguoiXuLy", "step[7].ThoiDiemXuLy", "step[7].NoiDungXuLy", "step[7].TrangThai", "step[11].NoiDungXuLy"]
    assert all(problem.hint for problem in steps.values())
    assert list(problems(replace(PORTALS, portal_code="", status=None))) == ["MaHoSo", "TrangThai"]


def test_what_should_be_there_but_need_not_may_be_missing() -> None:
    bare = replace(DOSSIER, owner=Owner(kind="citizen"), abstract="", note="", channel="", paid_online="", due_at=None, processed_at=None, returned_at=None)
    sent = record(replace(bare, papers=(), results=(), fees=()))
    assert faults(sent, "record", "extended") == []
    assert {sent[name] for name in ("ChuHoSo", "Email", "SoDienThoai", "TrichYeuHoSo", "GhiChu", "KenhThucHien", "NgayHenTra")} == {""}
    assert sent["DuocThanhToanTrucTuyen"] == "0"


def test_what_the_source_could_not_read_is_not_sent() -> None:
    trouble = Problem(field="dossierStatus", reason="has no code", hint="add it")
    assert problems(replace(DOSSIER, problems=(trouble,))) == {"dossierStatus": trouble}
    assert problems(DOSSIER, (STEPS[0], replace(STEPS[1], problems=(trouble,)))) == {"dossierStatus": trouble}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"received_at": datetime(1900, 1, 1, tzinfo=UTC)}, "NgayTiepNhan"),
        ({"due_at": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)}, "NgayHenTra"),
        ({"received_at": datetime(2025, 3, 3)}, "NgayTiepNhan"),  # noqa: DTZ001
        ({"owner": replace(OWNER, name="Nông V\ufffdn Bình")}, "ChuHoSo"),
        ({"owner": replace(OWNER, kind="alien")}, "LoaiDoiTuong"),
        ({"fees": (Fee(name="Phí", amount=-5),)}, "DanhSachLePhi[0].Gia"),
        ({"code": "HS-1"}, "MaHoSo"),
    ],
)
def test_what_cannot_be_right_is_a_problem_without_the_citizens_data(change: dict[str, Any], field: str) -> None:
    found = problems(replace(DOSSIER, **change))
    assert list(found) == [field]
    assert "Bình" not in found[field].reason


@pytest.mark.parametrize("code", ["000.00.14.H03-250225-0001", "H03.14.05-250225-00012", "H56-20260609-0092637", "G09.20-20260609-0092637"])
def test_dossier_codes_of_every_order_are_taken(code: str) -> None:
    assert record(replace(DOSSIER, code=code))["MaHoSo"] == code


@pytest.mark.parametrize(
    ("code", "day", "sent"),
    [
        ("000.00.00.H03", "2025-06-30T16:59:59+00:00", "000.00.00.H03"),
        ("000.00.00.H03", "2025-06-30T17:00:00+00:00", "000.00.00.H55"),
        ("H03", "2025-06-30T16:59:59+00:00", "H03"),
        ("H03", "2026-01-01T00:00:00+00:00", "H55"),
        ("000.00.00.H55", "2020-01-01T00:00:00+00:00", "000.00.00.H55"),
        ("H55", "2026-01-01T00:00:00+00:00", "H55"),
        ("000.00.00.H56", "2026-01-01T00:00:00+00:00", "000.00.00.H56"),
    ],
)
def test_the_agency_goes_by_the_code_of_the_day(code: str, day: str, sent: str) -> None:
    assert MAPPINGS["extended"].agency(code, datetime.fromisoformat(day)) == sent


def test_values_of_personal_fields_are_known_again_in_what_is_sent() -> None:
    elements = [MAPPINGS["extended"].compose(portion) for portion, _ in PORTIONS.values()]
    known = MAPPINGS["extended"].personal(elements)
    assert {OWNER.name, OWNER.identity, OWNER.email, OWNER.phone, OWNER.account, DOSSIER.note, DOSSIER.abstract, "Hoàng Thị Lan"} <= known
    assert not known & {CODE, DOSSIER.procedure_name, "UBND phường Đức Xuân"}


# ---- whatever there is

texts = st.text(max_size=30) | st.sampled_from(["ạă " * 667, "ơ" * 51, "0912345678", " "])
times = st.none() | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=7))])) | st.datetimes()
statuses = st.none() | st.sampled_from(Status)
papers = st.builds(Paper, id=texts, name=texts, component=texts, kind=texts, link=texts, digitised=st.booleans(), removed=st.booleans())
fees = st.builds(
    Fee, name=texts, amount=st.integers(), code=texts, kind=st.sampled_from(["", "charge", "fee", "x"]), collected=st.sampled_from(["", "result", "x"])
)
owners = st.builds(
    Owner,
    kind=st.sampled_from(["citizen", "business", "", "x"]),
    name=texts,
    identity=texts | st.text("0123456789", min_size=9, max_size=12),
    account=texts,
    email=texts,
)
parts: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("code", "portal_code", "procedure_code", "procedure_name", "domain_code", "domain_name", "abstract", "note"), texts),
    **dict.fromkeys(("submitted_at", "received_at", "due_at", "processed_at", "returned_at", "refused_at"), times),
    "owner": owners,
    "agency": st.builds(Agency, code=texts, name=texts),
    "status": statuses,
    "channel": st.sampled_from(["", "counter", "online", "post", "x"]),
    "return_by_post": st.booleans(),
    "paid_online": st.sampled_from(["", "portal", "gateway", "offline", "x"]),
    "papers": st.lists(papers, max_size=3).map(tuple),
    "results": st.lists(papers, max_size=2).map(tuple),
    "fees": st.lists(fees, max_size=2).map(tuple),
}
step_parts: dict[str, st.SearchStrategy[Any]] = {"at": times, "officer": texts, "unit": texts, "content": texts, "status": statuses, "due_at": times}


def changes(parts: dict[str, st.SearchStrategy[Any]], most: int) -> st.SearchStrategy[dict[str, Any]]:
    """A few of the parts, whatever they may be; the others stay as they were."""
    return st.lists(st.one_of([st.tuples(st.just(name), values) for name, values in parts.items()]), max_size=most).map(dict)


dossiers = st.builds(lambda whole, changed: replace(whole, **changed), st.sampled_from([DOSSIER, PORTALS]), changes(parts, 4))
steps = changes(step_parts, 2).map(lambda changed: replace(STEPS[0], **changed))


@given(dossiers, st.lists(steps, min_size=1, max_size=3), st.sampled_from(Operation), st.sampled_from(sorted(MAPPINGS)), texts)
@settings(max_examples=examples(200), deadline=None)
def test_a_dossier_becomes_what_the_contract_says_or_names_its_problems(
    dossier: Dossier, events: list[Step], operation: Operation, profile: str, memo: str
) -> None:
    is_steps = operation is Operation.STEPS
    shape = "step" if is_steps else "status" if dossier.origin is Origin.PORTAL else "record"
    portion = Portion(operation=operation, dossier=dossier, steps=tuple(events) if is_steps else (), memo=memo)
    assert outcome(portion, shape, profile) == []


def outcome(portion: Portion, shape: str, profile: str) -> list[str]:
    """What is wrong with what the portion becomes; a problem that names its field and reason is as good as no fault."""
    try:
        sent = objects(portion, profile)
    except Unmappable as error:
        return [str(problem) for problem in error.problems if not (problem.field and problem.reason)]
    return [fault for one in sent for fault in faults(one, shape, profile)]


# ---- the file


def overlaid(folder: Path, old: str, new: str) -> PortalMapping:
    """The shipped mapping with one change, as an administrator's."""
    shipped = (Path(__file__).parents[2] / "mappings" / "dvcqg" / "dvcqg.toml").read_text("utf-8")
    assert re.search(old, shipped, re.MULTILINE)
    (folder / "dvcqg").mkdir()
    (folder / "dvcqg" / "dvcqg.toml").write_text(re.sub(old, new, shipped, flags=re.MULTILINE), "utf-8")
    return load("dvcqg", "extended", folder)


def test_an_administrators_table_goes_before_the_shipped_one(tmp_path: Path) -> None:
    mapping = overlaid(tmp_path, r'^refused = "5"', 'refused = "11"')
    element = mapping.compose(Portion(operation=Operation.CREATE, dossier=replace(PORTALS, status=Status.REFUSED)))
    assert msgspec.json.decode(element.body)["TrangThai"] == "11"


def test_a_code_that_stands_for_two_statuses_is_not_read_back(tmp_path: Path) -> None:
    mapping = overlaid(tmp_path, r'^stopped = "8"', 'stopped = "7"')
    assert [mapping.status(code) for code in ("7", "8", 9, " 09 ", "", None, "Đang xử lý")] == [
        None,
        None,
        Status.PROCESSED,
        Status.PROCESSED,
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (r"tables\.agency", "tables.agencies", "tables.agency"),
        (r"^\[settings\.answers\]", "[settings.replies]", "settings.answers.failure"),
        (r'"thất bại"', '"("', "settings.answers.failure"),
        (r"shapes\.step\.", "shapes.stage.", "shapes.step"),
    ],
)
def test_a_file_that_lacks_what_the_connector_needs_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        overlaid(tmp_path, old, new)
    assert told in "\n".join(problem.field for problem in caught.value.problems)

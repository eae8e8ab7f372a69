"""What becomes of the columns of OpenCPS, and of rows that cannot be understood."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from syncd.mapping_file import locate
from syncd.model import LONGEST_AGENCY, LONGEST_CODE, Agency, Fee, Origin, Owner, Paper, Status
from syncd.transforms import text
from tests.source.opencps import ZONE, Follower, Province, code, only, reasons

RECEIVED = datetime(2026, 3, 2, 8, 30)  # noqa: DTZ001 - the one-stop keeps local times without a zone
LATER = datetime(2026, 3, 9, 17, 0)  # noqa: DTZ001


def local(moment: datetime) -> datetime:
    """A time of the database as an instant."""
    return moment.replace(tzinfo=ZONE)


def overlaid(folder: Path, old: str, new: str) -> str:
    """The path of a copy of the shipped mapping with one place changed."""
    shipped = locate("opencps-v2", "onestop")[1].decode()
    assert old in shipped
    copy = folder / "own.toml"
    copy.write_text(shipped.replace(old, new), encoding="utf-8")
    return str(copy)


def test_the_columns_of_a_dossier_become_the_model(province: Province) -> None:
    key = province.dossier(
        receiveDate=RECEIVED,
        submitDate=None,
        dueDate=LATER,
        releaseDate=LATER,
        finishDate=LATER,
        dossierName="Đăng ký kết hôn có yếu tố nước ngoài",
        applicantNote="Nộp\nbổ sung",
    )
    province.insert("opencps_applicant", applicantId=1, applicantIdNo="006099000123", mappingClassName="dvcqg", mappingClassPK="7f0e-tech")
    province.insert("opencps_applicant", applicantId=2, applicantIdNo="006099000123", mappingClassName="facebook", mappingClassPK="no")
    dossier = only(province.source()).dossier
    assert dossier.code == code(key)
    assert (dossier.source_id, dossier.origin, dossier.status) == (key, Origin.ONESTOP, Status.PROCESSING)
    assert (dossier.procedure_code, dossier.procedure_name) == ("1.000894.000.00.00.H03", "Đăng ký kết hôn")
    assert (dossier.domain_code, dossier.domain_name) == ("G22-HT01", "Hộ tịch")
    assert dossier.owner == Owner(
        kind="citizen",
        name="Nông Văn Thử",
        identity="006099000123",
        account="7f0e-tech",
        email="thu@example.vn",
        phone="0209000123",
        address="Thôn Nà Thử",
    )
    assert dossier.agency == Agency(code="000.10.14.H03", name="UBND xã Bộc Bố")
    assert (dossier.abstract, dossier.note) == ("Đăng ký kết hôn có yếu tố nước ngoài", "Nộp\nbổ sung")
    assert (dossier.channel, dossier.return_by_post, dossier.paid_online) == ("counter", False, "")
    assert (dossier.submitted_at, dossier.received_at) == (local(RECEIVED), local(RECEIVED))
    assert (dossier.due_at, dossier.processed_at, dossier.returned_at, dossier.refused_at) == (local(LATER), local(LATER), local(LATER), None)
    assert (dossier.papers, dossier.results, dossier.fees, dossier.problems) == ((), (), (), ())


def test_a_procedure_without_a_national_code_keeps_its_local_one(province: Province) -> None:
    province.dossier(serviceCode="BK-12")
    dossier = only(province.source()).dossier
    assert (dossier.procedure_code, dossier.domain_code) == ("BK-12", "")


@pytest.mark.parametrize(
    ("columns", "abstract"),
    [({"dossierName": "Tên", "briefNote": "Ngắn"}, "Tên"), ({"dossierName": "", "briefNote": "Ngắn"}, "Ngắn"), ({"dossierName": None}, "Đăng ký kết hôn")],
)
def test_the_abstract_is_the_first_text_there_is(sqlite_province: Province, columns: dict[str, Any], abstract: str) -> None:
    sqlite_province.dossier(**columns)
    assert only(sqlite_province.source()).dossier.abstract == abstract


def test_an_extended_deadline_goes_before_the_promised_one(sqlite_province: Province) -> None:
    sqlite_province.dossier(dueDate=RECEIVED, extendDate=LATER)
    assert only(sqlite_province.source()).dossier.due_at == local(LATER)


@pytest.mark.parametrize(
    ("columns", "channel", "by_post"),
    [
        ({"online_": True, "fromViaPostal": 2, "viaPostal": 2}, "online", True),
        ({"online_": False, "fromViaPostal": 2, "viaPostal": 1}, "post", False),
        ({"online_": None, "fromViaPostal": 1, "viaPostal": 3}, "counter", True),
        ({"online_": False, "fromViaPostal": None, "viaPostal": None}, "counter", False),
    ],
)
def test_channel_and_way_of_return(province: Province, columns: dict[str, Any], channel: str, by_post: bool) -> None:
    province.dossier(**columns)
    dossier = only(province.source()).dossier
    assert (dossier.channel, dossier.return_by_post) == (channel, by_post)


@pytest.mark.parametrize(
    "columns", [{"dossierNo": None}, {"dossierNo": ""}, {"receiveDate": None}, {"originality": 0}, {"originality": None}, {"originDossierId": 12}]
)
def test_what_is_not_to_be_published_is_not(province: Province, columns: dict[str, Any]) -> None:
    province.dossier(**columns)
    (page,) = province.source().sweep()
    assert (page.snapshots, page.rows, page.unpublished) == ((), 1, 1)


def test_a_dossier_without_an_origin_is_published(sqlite_province: Province) -> None:
    sqlite_province.dossier(originDossierId=None)
    assert only(sqlite_province.source()).dossier.problems == ()


def test_a_dossier_from_the_portal_carries_the_portals_code(province: Province) -> None:
    province.dossier(systemId=5, referenceUid="G22-2026-77")
    dossier = only(province.source()).dossier
    assert (dossier.origin, dossier.portal_code) == (Origin.PORTAL, "G22-2026-77")


def test_a_dossier_from_the_portal_without_its_code_is_a_problem(sqlite_province: Province) -> None:
    sqlite_province.dossier(systemId=5, referenceUid="")
    assert "portal_code" in reasons(only(sqlite_province.source()).dossier)


def test_a_dossier_of_the_one_stop_has_no_portal_code(sqlite_province: Province) -> None:
    sqlite_province.dossier(systemId=1, referenceUid="a-b-c")
    assert only(sqlite_province.source()).dossier.portal_code == ""


def test_only_dossiers_of_the_agencies_in_scope_are_published(sqlite_province: Province) -> None:
    for number, agency in enumerate(["000.10.14.H03", "H03.15", "000.00.14.H03", "000.00.00.H49", None], 1):
        sqlite_province.dossier(govAgencyCode=agency, dossierNo=f"A-{number}")

    def published(agency: object) -> list[str]:
        return [snapshot.dossier.code for page in sqlite_province.source(agency=agency).sweep() for snapshot in page.snapshots]

    assert published("") == ["A-1", "A-2", "A-3", "A-4", "A-5"]
    assert published("H03") == ["A-1", "A-2", "A-3"]
    assert published("000.00.14.H03") == ["A-1", "A-3"]
    assert published(["H03.15", "000.00.00.H49"]) == ["A-2", "A-4"]


def test_papers_and_results_are_told_apart(province: Province) -> None:
    key = province.dossier()
    submitted, group = province.paper(key, displayName="Tờ  khai"), province.paper(key, dossierPartType=6, displayName="Bảng kê")
    removed = province.paper(key, removed=True, displayName="Ảnh cũ")
    province.paper(key, dossierPartType=3)
    result, shared = province.paper(key, dossierPartType=2, displayName="Giấy chứng nhận"), province.paper(key, dossierPartType=7, removed=None)
    province.paper(key, dossierPartType=2, removed=True)
    province.paper(4711)
    dossier = only(province.source()).dossier
    assert dossier.papers == (
        Paper(id=str(submitted), name="Tờ khai"),
        Paper(id=str(group), name="Bảng kê"),
        Paper(id=str(removed), name="Ảnh cũ", removed=True),
    )
    assert dossier.results == (Paper(id=str(result), name="Giấy chứng nhận"), Paper(id=str(shared), name="Tờ khai"))


def test_papers_are_linked_by_the_mappings_template(sqlite_province: Province, tmp_path: Path) -> None:
    key = sqlite_province.dossier()
    sqlite_province.paper(key, fileEntryId=77, uuid_="a b/c")
    sqlite_province.paper(key, fileEntryId=0)
    mapping = overlaid(tmp_path, 'link = ""', 'link = "https://motcua.example.vn/f/{fileEntryId}/{uuid_}"')
    papers = only(sqlite_province.source(mapping=mapping)).dossier.papers
    assert [paper.link for paper in papers] == ["https://motcua.example.vn/f/77/a%20b%2Fc", ""]


def test_each_amount_of_a_payment_is_a_fee(province: Province) -> None:
    key = province.dossier()
    province.payment(key, feeAmount=8000, serviceAmount=15000, shipAmount=30000, paymentAmount=53000)
    province.payment(key, feeAmount=0, serviceAmount=None, paymentAmount=0)
    province.payment(key, feeAmount=None, paymentAmount=120000, paymentFee="Phí thẩm định")
    dossier = only(province.source()).dossier
    assert dossier.fees == (
        Fee(name="Lệ phí hộ tịch", amount=8000, kind="fee"),
        Fee(name="Lệ phí hộ tịch", amount=15000, kind="charge"),
        Fee(name="Phí thẩm định", amount=120000, kind="fee"),
    )
    assert dossier.paid_online == "offline"


@pytest.mark.parametrize(
    ("payments", "paid"),
    [
        ([], ""),
        ([(0, 3, "Keypay")], ""),
        ([(8000, 1, "Keypay")], "offline"),
        ([(8000, 3, "Tiền mặt")], "offline"),
        ([(8000, 3, None)], "offline"),
        ([(8000, 2, "KEYPAY ")], "gateway"),
        ([(8000, 3, "PayPlat")], "portal"),
        ([(8000, 3, "PayPlat"), (5000, 2, "Keypay")], "portal"),
        ([(8000, 3, "PayPlat"), (5000, 1, "PayPlat")], "offline"),
        ([(8000, 3, "Keypay"), (5000, 3, "Tiền mặt")], "offline"),
    ],
)
def test_paid_online_only_where_everything_was(sqlite_province: Province, payments: list[tuple[int, int, str]], paid: str) -> None:
    key = sqlite_province.dossier()
    for amount, status, method in payments:
        sqlite_province.payment(key, feeAmount=amount, paymentStatus=status, paymentMethod=method)
    assert only(sqlite_province.source()).dossier.paid_online == paid


def test_an_amount_that_cannot_be_is_a_problem(sqlite_province: Province) -> None:
    key = sqlite_province.dossier()
    sqlite_province.payment(key, feeAmount=-5)
    payment = sqlite_province.payment(key)
    sqlite_province.execute(f"UPDATE opencps_paymentfile SET feeAmount = 'tám nghìn' WHERE paymentFileId = {payment}")  # noqa: S608
    found = reasons(only(sqlite_province.source()).dossier)
    assert found == {"fees[0].amount": "feeAmount is below 0", "fees[1].amount": "feeAmount is not a whole number"}


def test_bad_rows_become_problems_without_the_citizens_data_and_disturb_nobody(province: Province) -> None:
    good = province.dossier(dossierNo="A-1")
    bad = province.dossier(
        dossierNo="A-2",
        dossierStatus="archiving",
        applicantName="Nông V\ufffdn Thử",
        applicantIdType="alien",
        receiveDate=datetime(1026, 3, 2),  # noqa: DTZ001
        contactEmail="thu\x07@example.vn",
    )
    paper = province.paper(bad, displayName="Tờ\x01khai")
    snapshots = {snapshot.dossier.source_id: snapshot.dossier for snapshot in Follower(province.source()).poll()}
    assert snapshots[good].problems == ()
    found = snapshots[bad]
    assert found.status is None
    assert set(reasons(found)) == {"status", "received_at", "owner.kind", "owner.name", "owner.email", "papers[0].name"}
    assert found.papers == (Paper(id=str(paper), name=""),)
    assert all(problem.hint for problem in found.problems)
    told = " ".join(f"{problem.reason} {problem.hint}" for problem in found.problems)
    assert not [private for private in ("Nông", "Thử", "thu", "example.vn", "khai") if private in told]


def test_a_dossier_whose_code_cannot_be_read_is_named_by_its_key(province: Province) -> None:
    key = province.dossier(dossierNo="A\x02-1")
    dossier = only(province.source()).dossier
    assert (dossier.code, set(reasons(dossier))) == (f"#{key}", {"code"})
    assert province.source().fetch(f"#{key}")[0].snapshots[0].dossier == dossier


@pytest.mark.parametrize(("column", "field", "longest"), [("dossierNo", "code", LONGEST_CODE), ("govAgencyCode", "agency.code", LONGEST_AGENCY)])
def test_a_code_that_the_state_cannot_keep_whole_counts_as_none(province: Province, column: str, field: str, longest: int) -> None:
    kept, broken = (province.dossier(None, **{column: "A" * length}) for length in (longest, longest + 1))
    dossiers = {snapshot.dossier.source_id: snapshot.dossier for snapshot in Follower(province.source()).poll()}
    assert reasons(dossiers[kept]) == {}
    assert reasons(dossiers[broken]) == {field: f"has {longest + 1} characters, at most {longest} are allowed"}
    assert dossiers[broken].code == (f"#{broken}" if field == "code" else code(broken))
    assert dossiers[broken].agency.code == ("" if field == "agency.code" else "000.10.14.H03")


@pytest.mark.parametrize("amount", ["Infinity", "NaN", "1e30"])
def test_an_amount_beyond_all_numbers_is_a_problem_of_its_own_dossier(postgresql_province: Province, amount: str) -> None:
    good, bad = postgresql_province.dossier(), postgresql_province.dossier()
    postgresql_province.execute("ALTER TABLE opencps_paymentfile ALTER feeamount TYPE numeric")
    payment = postgresql_province.payment(bad)
    postgresql_province.execute(f"UPDATE opencps_paymentfile SET feeamount = '{amount}' WHERE paymentfileid = {payment}")  # noqa: S608
    dossiers = {snapshot.dossier.source_id: snapshot.dossier for snapshot in Follower(postgresql_province.source()).poll()}
    assert (set(reasons(dossiers[good])), set(reasons(dossiers[bad]))) == (set(), {"fees[0].amount"})


@pytest.mark.parametrize(("product", "absurd"), [("postgresql", "'infinity'"), ("mariadb", "'0000-00-00 00:00:00'"), ("sqlite", "'hôm qua'")])
def test_a_time_that_python_cannot_hold_is_a_problem_of_its_own_dossier(request: pytest.FixtureRequest, product: str, absurd: str) -> None:
    name = "finishdate" if product == "postgresql" else "finishDate"
    with Province(request.getfixturevalue(f"{product}_url")) as province:
        good, bad = province.dossier(), province.dossier()
        province.execute(f"UPDATE opencps_dossier SET {name} = {absurd} WHERE dossierId = {bad}")  # noqa: S608 - the test's own words
        dossiers = {snapshot.dossier.source_id: snapshot.dossier for snapshot in Follower(province.source()).poll()}
    assert dossiers[good].problems == ()
    assert reasons(dossiers[bad]) == {"returned_at": "is not a date"}


def test_a_modification_time_that_python_cannot_hold_arrives(postgresql_province: Province) -> None:
    keys = [postgresql_province.dossier() for _ in range(3)]
    postgresql_province.execute(f"UPDATE opencps_dossier SET modifieddate = 'infinity' WHERE dossierid = {keys[0]}")  # noqa: S608
    postgresql_province.execute(f"UPDATE opencps_dossier SET modifieddate = '-infinity' WHERE dossierid = {keys[1]}")  # noqa: S608
    follower = Follower(postgresql_province.source(page=1))
    assert sorted(follower.ids()) == keys
    assert keys[0] in follower.ids()


def test_bytes_that_are_no_utf_8_are_a_problem_of_their_own_dossier(sqlite_province: Province) -> None:
    good, bad = sqlite_province.dossier(), sqlite_province.dossier()
    sqlite_province.execute(f"UPDATE opencps_dossier SET applicantName = CAST(X'4EF46E67' AS TEXT) WHERE dossierId = {bad}")  # noqa: S608
    dossiers = {snapshot.dossier.source_id: snapshot.dossier for snapshot in Follower(sqlite_province.source()).poll()}
    assert (set(reasons(dossiers[good])), set(reasons(dossiers[bad]))) == (set(), {"owner.name"})


def test_text_is_compared_and_published_in_nfc(sqlite_province: Province) -> None:
    decomposed = "No\u0302ng Va\u0306n Thu\u031b\u0309"
    sqlite_province.dossier(applicantName=decomposed)
    assert only(sqlite_province.source()).dossier.owner.name == text(decomposed) == "Nông Văn Thử"

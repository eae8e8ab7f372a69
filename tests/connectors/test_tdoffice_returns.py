"""What comes back from the axis, over real connections: listing, every kind of package, files, acknowledgement."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._http.outcomes import Trouble
from connectors._tdoffice.mapping import load
from connectors._tdoffice.returns import Returns
from syncd.calls import Outcome, Receipt
from syncd.documents import Attachment, IssuedDocument, Stage, Verdict
from syncd.model import Agency
from tests.connectors.axis import DONE, FETCH, LIST, SIGNED, TOKEN, Office, ScriptedAxis, attachment, envelope, package, told
from tests.connectors.dossiers import CODE
from tests.connectors.portal import Behaviour, ScriptedPortal, answer, cut, reset, silence
from tests.examples import examples

TAKEN, FAILED = Verdict(taken=True), Verdict(taken=False, reason="the package is empty")


@pytest.fixture
def axis() -> Iterator[ScriptedAxis]:
    with ScriptedAxis() as serving:
        yield serving
    assert serving.violations == []


@pytest.fixture
def office(axis: ScriptedAxis) -> Iterator[Office]:
    made = Office(axis)
    yield made
    made.collector.close()
    made.target.close()


def document(axis: ScriptedAxis, office: Office, content: Any) -> IssuedDocument:
    axis.packages["GOI-1"] = content
    found = office.collector.fetch("GOI-1")
    assert isinstance(found, IssuedDocument), found
    return found


def refusal(axis: ScriptedAxis, office: Office, content: Any) -> Receipt:
    axis.packages["GOI-1"] = content
    found = office.collector.fetch("GOI-1")
    assert isinstance(found, Receipt), found
    return found


# ---- listing


def test_a_package_is_listed_until_it_is_acknowledged(axis: ScriptedAxis, office: Office) -> None:
    axis.packages |= {"GOI-2": package(), "GOI-1": package("04")}
    for _ in range(2):
        assert office.collector.waiting(0).documents == ("GOI-2", "GOI-1")
    assert office.collector.acknowledge("GOI-2", TAKEN).outcome is Outcome.DELIVERED
    assert office.collector.waiting(0).documents == ("GOI-1",)
    assert axis.calls(LIST)[0].query == {"maDonViCha": "H03", "top": "100"}


def test_what_is_known_already_does_not_take_the_place_of_what_is_new(axis: ScriptedAxis) -> None:
    office = Office(axis, top=2, agency_code="H03 & Đ")
    axis.packages |= {f"GOI-{number}": package() for number in range(9)}
    assert len(office.collector.waiting(5).documents) == 7
    assert axis.calls(LIST)[0].query == {"maDonViCha": "H03 & Đ", "top": "7"}


@pytest.mark.parametrize(
    ("data", "documents"),
    [(None, ()), ([], ()), (["A", "A", " B ", "", None, 7, {"x": 1}], ("A", "B", "7"))],
)
def test_a_listing_is_read_for_what_it_is_worth(axis: ScriptedAxis, office: Office, data: object, documents: tuple[str, ...]) -> None:
    axis.will(LIST, told(data))
    listing = office.collector.waiting(0)
    assert (listing.receipt.outcome, listing.documents) == (Outcome.DELIVERED, documents)


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (told(None, 7, "Lỗi"), Outcome.UNAVAILABLE),
        (told(None, 404, "Gói tin không tồn tại"), Outcome.UNAVAILABLE),
        (told(None, "500"), Outcome.UNAVAILABLE),
        (told(None, 401), Outcome.UNAUTHORISED),
        (told(None, 429), Outcome.BUSY),
        (answer(b"<html>"), Outcome.UNAVAILABLE),
        (answer(b"", 500), Outcome.UNAVAILABLE),
        (answer(b"", 400), Outcome.UNAVAILABLE),
        (answer(b"", 401), Outcome.UNAUTHORISED),
        (answer(b"", 429, Retry_After="9"), Outcome.BUSY),
        (reset, Outcome.UNAVAILABLE),
        (cut, Outcome.UNAVAILABLE),
    ],
)
def test_trouble_in_reading_condemns_nothing(axis: ScriptedAxis, office: Office, behaviour: Behaviour, outcome: Outcome) -> None:
    axis.will(LIST, *[behaviour] * 3)
    axis.will(FETCH, *[behaviour] * 3)
    listing = office.collector.waiting(0)
    assert (listing.receipt.outcome, listing.documents) == (outcome, ())
    assert refusal(axis, office, package()).outcome is outcome


def test_a_listing_that_is_none_is_no_empty_one(axis: ScriptedAxis, office: Office) -> None:
    axis.will(LIST, told("x"))
    assert office.collector.waiting(0).receipt.outcome is Outcome.UNAVAILABLE


def test_a_listing_that_does_not_come_is_only_late(axis: ScriptedAxis) -> None:
    axis.will(LIST, *[silence] * 3)
    assert Office(axis, timeout="200ms").collector.waiting(0).receipt.outcome is Outcome.UNAVAILABLE


# ---- packages


def test_an_issued_document_with_all_that_is_said_of_it(axis: ScriptedAxis, office: Office) -> None:
    assert document(axis, office, package()) == IssuedDocument(
        id="GOI-1",
        stage=Stage.ISSUED,
        dossier=CODE,
        draft="501",
        number="123/2025/TL-UBND",
        issued_on=date(2025, 3, 5),
        signed_on=date(2025, 3, 4),
        signer="Hoàng Thị Lan",
        position="Chủ tịch",
        agency=Agency(code="000.00.14.H03", name="UBND phường Đức Xuân"),
        abstract="Trích lục khai sinh",
        kind="Trích lục",
        files=(Attachment(name="123-QD-UBND.pdf", content=SIGNED),),
    )
    assert axis.calls(FETCH)[0].query == {"MaVanBan": "GOI-1"}


def test_a_package_that_repeats_says_the_same(axis: ScriptedAxis, office: Office) -> None:
    first, second = document(axis, office, package()), document(axis, office, package())
    assert first == second
    axis.packages["GOI-2"] = package()
    again = office.collector.fetch("GOI-2")
    assert isinstance(again, IssuedDocument)
    assert (again.id, again.digest) == ("GOI-2", first.digest)


@pytest.mark.parametrize(
    ("kind", "stage"),
    [("01", Stage.ISSUED), ("02", Stage.UNNUMBERED), ("03", Stage.REJECTED), ("04", Stage.SIGNED), (1, Stage.ISSUED), (" 4 ", Stage.SIGNED)],
)
def test_every_kind_of_result_has_its_stage(axis: ScriptedAxis, office: Office, kind: object, stage: Stage) -> None:
    found = document(axis, office, package(kind))
    assert found.stage is stage
    assert found.reason == ("Trích lục khai sinh" if stage is Stage.REJECTED else "")
    assert bool(found.files) is (stage in (Stage.ISSUED, Stage.UNNUMBERED))


@pytest.mark.parametrize("kind", ["03", "04"])
@pytest.mark.parametrize("without", [None, ""])
def test_a_refusal_or_a_signature_needs_no_document(axis: ScriptedAxis, office: Office, kind: str, without: object) -> None:
    found = document(axis, office, package(kind, _VanBanDi=without))
    assert (found.dossier, found.draft, found.signed_on) == (CODE, "501", None)
    assert found.remarks == (("no reason is given (TrichYeu)",) if kind == "03" else ())


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (package("01", _VanBanDi=None), "no_document"),
        (package("02", _VanBanDi=None), "no_document"),
        (package("05"), "result_type"),
        (package(""), "result_type"),
        (package(None), "result_type"),
        (package("Nguyễn Văn A đã ký"), "result_type"),
        (None, "package_empty"),
        ("x", "package_empty"),
        (package(DinhKem=[attachment(b"")]), "file_empty"),
        (package(DinhKem=[attachment(), {"Ten": "b.pdf"}]), "file_empty"),
        (package(DinhKem=["x"]), "file_empty"),
        (package(DinhKem=[{"Ten": "a.pdf", "Base64": "không phải"}]), "file_broken"),
        (package(DinhKem=[{"Ten": "a.pdf", "Base64": "AAA"}]), "file_broken"),
        (package(DinhKem=[{"Ten": "a.pdf", "Base64": "", "Link": "file:///etc/hostname"}]), "link"),
        (package(DinhKem=[{"Ten": "a.pdf", "Link": "http://[vidu/a.pdf"}]), "link"),
        (package(DinhKem=[attachment(b"x" * 1_000_001)]), "file_too_large"),
    ],
)
def test_a_package_of_which_nothing_can_be_made_is_refused_for_good(axis: ScriptedAxis, content: object, code: str) -> None:
    receipt = refusal(axis, Office(axis, largest=1), content)
    assert (receipt.outcome, receipt.code) == (Outcome.REJECTED, code)
    assert receipt.message
    assert receipt.hint or code == "link"
    assert "Nguyễn" not in receipt.message


def test_a_result_without_files_is_handed_on_as_it_is(axis: ScriptedAxis, office: Office) -> None:
    for files in (None, [], [None]):
        assert document(axis, office, package("02", DinhKem=files)).files == ()


@pytest.mark.parametrize(
    ("written", "meant", "remarked"),
    [
        ("05/03/2025", date(2025, 3, 5), False),
        ("5/3/2025", date(2025, 3, 5), False),
        ("2025/03/05", date(2025, 3, 5), False),
        ("2025-03-05T18:30:00Z", date(2025, 3, 6), False),
        ("2025-03-05T00:00:00", date(2025, 3, 5), False),
        ("20250305", date(2025, 3, 5), False),
        (1741150800, date(2025, 3, 5), False),
        ("", None, False),
        (None, None, False),
        ("31/02/2025", None, True),
        ("00/00/0000", None, True),
        ("01/01/0001", None, True),
        ("hôm qua", None, True),
        ("03/2025", None, True),
    ],
)
def test_a_bad_date_is_remarked_upon_and_fails_nothing(axis: ScriptedAxis, office: Office, written: object, meant: date | None, remarked: bool) -> None:
    found = document(axis, office, package(NgayBanHanh=written, NgayKy=written))
    assert (found.issued_on, found.signed_on) == (meant, meant)
    assert found.remarks == (("NgayBanHanh is no date", "NgayKy is no date") if remarked else ())
    assert found.files


@pytest.mark.parametrize(
    ("echo", "dossier", "draft"),
    [
        ('{"DuThao":"Kết quả","DuThaoId":"77"}', "", "77"),
        ('{"DuThaoId":77,"syncd":"H03.1-250303-0002/77"}', "H03.1-250303-0002", "77"),
        ({"duthaoid": "77", "syncd": "H03.1-250303-0002/77"}, "H03.1-250303-0002", "77"),
        ('{"syncd":["x"]}', "", ""),
        ("lời nhắn của hệ thống khác", "", ""),
        ("[1", "", ""),
        ("null", "", ""),
        ("[" * 100_000, "", ""),
        (None, "", ""),
        ("", "", ""),
    ],
)
def test_what_was_given_along_says_which_draft_where_it_is_ours(axis: ScriptedAxis, office: Office, echo: object, dossier: str, draft: str) -> None:
    found = document(axis, office, package(_ThamSoAn=echo, _MaHoSo=""))
    assert (found.dossier, found.draft) == (dossier, draft)
    found = document(axis, office, package(_ThamSoAn="", ThamSoAn=echo))
    assert (found.dossier, found.draft) == (CODE, draft)


@pytest.mark.parametrize("about", ["Bổ sung", "Trả lại/Xin rút", "Xin lỗi"])
@pytest.mark.parametrize("kind", ["01", "03", "09"])
def test_a_package_about_another_kind_of_draft_stays_where_it_is(axis: ScriptedAxis, office: Office, about: str, kind: str) -> None:
    receipt = refusal(axis, office, package(kind, _ThamSoAn={"DuThao": about, "DuThaoId": "9"}))
    assert (receipt.outcome, receipt.code) == (Outcome.DEFERRED, "other_draft")
    assert receipt.hint
    ours = unicodedata.normalize("NFD", "KẾT QUẢ")
    assert document(axis, office, package(_ThamSoAn={"DuThao": ours, "DuThaoId": "9"})).draft == "9"


def test_text_in_whatever_form_comes_out_composed_and_files_untouched(axis: ScriptedAxis, office: Office) -> None:
    content = unicodedata.normalize("NFD", "Quyết định").encode()
    given = {"NguoiKy": " Hoàng Thị Lan ", "SoKyHieu": "12/QĐ-UBND", "TrichYeu": "Trích lục", "DinhKem": [attachment(content, "Quyết định.pdf")]}
    decomposed = msgspec.json.decode(unicodedata.normalize("NFD", msgspec.json.encode(package(**given)).decode()).encode())
    found = document(axis, office, decomposed)
    assert (found.signer, found.number, found.abstract) == ("Hoàng Thị Lan", "12/QĐ-UBND", "Trích lục")
    assert found.files == (Attachment(name="Quyết định.pdf", content=content),)


def test_a_file_of_20_mb_comes_back_whole(axis: ScriptedAxis, office: Office) -> None:
    content = os.urandom(20_000_000)
    found = document(axis, office, package(DinhKem=[attachment(content)]))
    assert found.files[0].sha256 == hashlib.sha256(content).hexdigest()


def test_a_package_beyond_every_limit_is_refused_for_good(axis: ScriptedAxis) -> None:
    receipt = refusal(axis, Office(axis, largest=1), package(DinhKem=[attachment(b"x" * 900_000)] * 8))
    assert (receipt.outcome, receipt.code) == (Outcome.REJECTED, "too_large")
    assert "largest" in receipt.hint


def test_names_of_files_are_bare_and_each_is_there_once(axis: ScriptedAxis, office: Office) -> None:
    files = [
        attachment(b"1", "C:\\tmp\\a.pdf"),
        attachment(b"2", "../A.pdf"),
        attachment(b"1", "a.pdf"),
        attachment(b"3", ""),
        attachment(b"4", "..") | {"Base64": "data:application/pdf;base64,NDQ="},
        attachment(b"5", "b\x00.pdf") | {"Base64": "N\r\nT U="},
    ]
    found = document(axis, office, package(DinhKem=files)).files
    assert [(file.name, file.content) for file in found] == [
        ("a.pdf", b"1"),
        ("A (2).pdf", b"2"),
        ("file-4", b"3"),
        ("file-5", b"44"),
        ("b.pdf", b"55"),
    ]


# ---- files by address


def test_a_file_that_is_only_named_is_fetched(axis: ScriptedAxis, office: Office) -> None:
    axis.will("tep ký.pdf", answer(SIGNED))
    found = document(axis, office, package(DinhKem=[{"Ten": "a.pdf", "Base64": None, "Link": "/tai ve/tep ký.pdf?x=%20"}]))
    assert found.files == (Attachment(name="a.pdf", content=SIGNED),)
    fetched = axis.calls("tep ký.pdf")[0]
    assert fetched.target == "/tai%20ve/tep%20k%C3%BD.pdf?x=%20"
    assert fetched.headers["authorization"] == f"Bearer {TOKEN}"


def test_the_token_is_not_shown_to_another_server(axis: ScriptedAxis, office: Office) -> None:
    with ScriptedPortal() as other:
        other.will("a.pdf", answer(SIGNED))
        assert document(axis, office, package(DinhKem=[{"Ten": "a.pdf", "Link": f"{other.root}/a.pdf"}])).files[0].content == SIGNED
        assert "authorization" not in other.calls("a.pdf")[0].headers


@pytest.mark.parametrize(
    ("behaviour", "outcome", "code"),
    [
        (answer(b"", 404), Outcome.DEFERRED, "file_missing"),
        (answer(b"", 401), Outcome.DEFERRED, "401"),
        (answer(b"", 503), Outcome.DEFERRED, "503"),
        (reset, Outcome.DEFERRED, "broken"),
        (answer(b"x" * 1_000_001), Outcome.REJECTED, "file_too_large"),
        (answer(b"x" * 9_000_001), Outcome.REJECTED, "too_large"),
    ],
)
def test_a_file_that_cannot_be_had_leaves_the_package_waiting(axis: ScriptedAxis, behaviour: Behaviour, outcome: Outcome, code: str) -> None:
    axis.will("a.pdf", *[behaviour] * 3)
    receipt = refusal(axis, Office(axis, largest=1), package(DinhKem=[{"Ten": "a.pdf", "Link": "a.pdf"}]))
    assert (receipt.outcome, receipt.code) == (outcome, code)


# ---- acknowledgement


def test_a_package_is_acknowledged_as_done_or_as_failed(axis: ScriptedAxis, office: Office) -> None:
    axis.packages |= {"GOI-1": package(), "GOI-2": None}
    assert office.collector.acknowledge("GOI-1", TAKEN).outcome is Outcome.DELIVERED
    assert office.collector.acknowledge("GOI-2", FAILED).outcome is Outcome.DELIVERED
    assert axis.acknowledged == [{"MaVanBan": "GOI-1", "TrangThai": "03"}, {"MaVanBan": "GOI-2", "TrangThai": "04", "Log": "the package is empty"}]


@pytest.mark.parametrize("body", [envelope(code=404), envelope(code="410"), envelope(code=1, message=unicodedata.normalize("NFD", "Gói tin KHÔNG TÌM THẤY"))])
def test_a_package_that_is_gone_needs_no_acknowledgement(axis: ScriptedAxis, office: Office, body: object) -> None:
    axis.will(DONE, answer(body))
    assert office.collector.acknowledge("GOI-1", TAKEN).outcome is Outcome.DELIVERED


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (told(None, 7, "Sai trạng thái"), Outcome.REJECTED),
        (told(None, 500), Outcome.UNAVAILABLE),
        (told(None, 401), Outcome.UNAUTHORISED),
        (answer(b"<html>"), Outcome.UNAVAILABLE),
        (answer(b"", 401), Outcome.UNAUTHORISED),
        (reset, Outcome.UNAVAILABLE),
    ],
)
def test_an_acknowledgement_may_be_repeated(axis: ScriptedAxis, office: Office, behaviour: Behaviour, outcome: Outcome) -> None:
    axis.packages["GOI-1"] = package()
    axis.will(DONE, *[behaviour] * 3)
    assert office.collector.acknowledge("GOI-1", TAKEN).outcome is outcome
    axis.scripts[DONE].clear()
    assert office.collector.acknowledge("GOI-1", TAKEN).outcome is Outcome.DELIVERED


def test_nothing_is_pushed(office: Office) -> None:
    office.collector.listen(lambda document: "")


# ---- whatever comes

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(["_MaHoSo", "_DonVi", "_VanBanDi", "_ThamSoAn", "TrichYeu", "NgayKy", "SoKyHieu", "NguoiKy", "DinhKem", "_LoaiKetQua"])


@settings(max_examples=examples(200), deadline=None)
@given(changes=st.dictionaries(fields, anything, max_size=4), kind=st.sampled_from(["01", "02", "03", "04"]))
def test_a_package_of_any_make_becomes_a_document_or_a_refusal(changes: dict[str, Any], kind: str) -> None:
    reading = Returns(load("tdoffice", None, append_code=False), 1000, lambda link: Trouble(Outcome.UNAVAILABLE, "x", "y"))
    found = reading.read("GOI", package(kind, **changes))
    assert isinstance(found, IssuedDocument | Trouble)

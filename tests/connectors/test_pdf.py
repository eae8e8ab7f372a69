"""What is read from a PDF: the head of its page and its signature, only where there is no doubt; and that no bytes upset it."""

from __future__ import annotations

import logging
import subprocess
import sys
import unicodedata
import zlib
from collections.abc import Iterator
from datetime import date
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from connectors import _pdf
from connectors._pdf import Printed, date_in, number_in, printed, read
from tests.connectors.papers import HEAD, contents, pdf
from tests.examples import examples

SIGNED_AT = "/M (D:20250312093000+07'00')"
WHOLE = Printed(number="123/QĐ-UBND", issued_on=date(2025, 3, 12))


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """The library tells at length what it dislikes; the child's words go nowhere, here they would go to the terminal."""
    logger = logging.getLogger("pypdf")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


# ---- the head of the page


def test_number_and_date_stand_at_the_head_of_the_page() -> None:
    assert printed(pdf()) == WHOLE


def test_a_child_process_reads_the_same() -> None:
    assert read(pdf(signatures=[f"/Name (Hoang Thi Lan) {SIGNED_AT}"])) == Printed(
        number="123/QĐ-UBND", issued_on=date(2025, 3, 12), signer="Hoang Thi Lan", signed_on=date(2025, 3, 12)
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Số: 123/QĐ-UBND", "123/QĐ-UBND"),
        ("UBND TỈNH\nSố : 123 / QĐ-UBND     Bắc Kạn, ngày 12", "123/QĐ-UBND"),
        ("Số:123/2025/QĐ-UBND.", "123/2025/QĐ-UBND"),
        ("Số: 07b/GP-SXD\nSố: 07b/GP-SXD", "07b/GP-SXD"),
        (unicodedata.normalize("NFD", "Số: 5/TL-UBND"), "5/TL-UBND"),
        ("Số:          /QĐ-UBND\nCăn cứ Giấy phép Số: 45/GP-UBND", ""),
        ("Số:\nBắc Kạn, ngày    tháng", ""),
        ("Số: 1/A-B\nSố: 2/A-B", ""),
        ("Căn cứ Nghị định số 61/2018/NĐ-CP", ""),
        ("Số: 12/2025", ""),
        ("HộSố: 12/QĐ", ""),
        ("", ""),
    ],
)
def test_a_number_is_taken_from_its_place_alone(text: str, number: str) -> None:
    assert number_in(text) == number


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Bắc Kạn, ngày 12 tháng 3 năm 2025", date(2025, 3, 12)),
        ("Bắc Kạn,  Ngày 05\ntháng 03 năm 2025", date(2025, 3, 5)),
        (unicodedata.normalize("NFD", "Bắc Kạn, ngày 12 tháng 3 năm 2025"), date(2025, 3, 12)),
        ("X, ngày 1 tháng 2 năm 2025\nX, ngày 1 tháng 2 năm 2025", date(2025, 2, 1)),
        ("X, ngày 1 tháng 2 năm 2025\nY, ngày 2 tháng 2 năm 2025", None),
        ("X, ngày    tháng    năm 2025\nhọp tại Y, ngày 2 tháng 2 năm 2025", None),
        ("Luật ngày 19 tháng 6 năm 2015", None),
        ("X, ngày 31 tháng 2 năm 2025", None),
        ("X, ngày 1 tháng 2 năm 1025", None),
        ("", None),
    ],
)
def test_a_date_is_taken_from_its_place_alone(text: str, day: date | None) -> None:
    assert date_in(text) == day


def test_a_page_without_a_head_says_nothing() -> None:
    assert printed(pdf(["Giấy khai sinh"])) == Printed()


# ---- signatures


@pytest.mark.parametrize(
    ("stamp", "day"),
    [
        ("D:20250312093000+07'00'", date(2025, 3, 12)),
        ("D:20250311180000Z", date(2025, 3, 12)),
        ("D:20250311180000Z00'00'", date(2025, 3, 12)),
        ("D:20250311180000-01'00", date(2025, 3, 12)),
        ("D:20250312093000", date(2025, 3, 12)),
        ("D:20251332093000", None),
        ("D:00010101000000", None),
        ("D:20250312093000+99'99'", None),
        ("hôm qua", None),
        ("", None),
    ],
)
def test_the_time_of_signing_is_a_day_in_viet_nam(stamp: str, day: date | None) -> None:
    assert printed(pdf(signatures=[f"/M ({stamp})"])).signed_on == day


def test_the_signer_is_named_in_the_certificate() -> None:
    found = printed(pdf(signatures=[f"{contents('Nguyễn Văn Ký')} {SIGNED_AT}"]))
    assert (found.signer, found.signed_on) == ("Nguyễn Văn Ký", date(2025, 3, 12))


def test_a_name_in_the_signature_goes_first() -> None:
    name = unicodedata.normalize("NFD", "Nguyễn  Văn A").encode("utf-16").hex()
    assert printed(pdf(signatures=[f"/Name <{name}> {contents('Người khác')}"])).signer == "Nguyễn Văn A"


def test_of_two_signatories_none_is_chosen() -> None:
    first, second = "/Name (Nguyen Van A) /M (D:20250312093000)", "/Name (UBND tinh) /M (D:20250312100000)"
    assert printed(pdf(signatures=[first, second])) == Printed(number="123/QĐ-UBND", issued_on=date(2025, 3, 12), signed_on=date(2025, 3, 12))
    assert printed(pdf(signatures=[first, first])).signer == "Nguyen Van A"
    assert printed(pdf(signatures=[first, "/M (D:20250313100000)"])) == WHOLE


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "/Contents <>",
        "/Contents <30>",
        "/Contents <3082ffff00>",
        "/Contents (khong phai)",
        "/Contents 7",
        "/Name 7 0 R",
        "/Name (a\x00b)",
    ],
)
def test_a_signature_that_cannot_be_read_names_nobody(inside: str) -> None:
    found = printed(pdf(signatures=[inside]))
    assert (found.number, found.issued_on, found.signed_on) == ("123/QĐ-UBND", date(2025, 3, 12), None)
    assert not found.signer or "/Name 7" in inside


def test_a_field_without_a_signature_is_none() -> None:
    assert printed(pdf(signatures=["/M (D:20250312093000)"]).replace(b"/FT /Sig", b"/FT /Btn")).signed_on is None
    assert printed(pdf().replace(b"/Fields []", b"/Fields 99")) == WHOLE


# ---- whatever the bytes


def protected(password: str, content: bytes | None = None) -> bytes:
    writer, out = PdfWriter(clone_from=PdfReader(BytesIO(content or pdf()))), BytesIO()
    writer.encrypt(password, "chu so huu", algorithm="AES-256")
    writer.write(out)
    return out.getvalue()


def test_a_file_that_is_locked_says_nothing_and_one_that_is_only_guarded_does() -> None:
    assert printed(protected("mat khau")) == Printed()
    assert printed(protected("")) == WHOLE


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"PK\x03\x04", b"%PDF-1.7\n%%EOF", pdf()[:300], pdf()[400:], b"%PDF-" + b"\x00" * 10_000])
def test_a_broken_file_says_nothing(content: bytes) -> None:
    assert read(content) == printed(content) == Printed()


def test_a_file_of_another_kind_or_beyond_the_limit_is_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", None)
    assert read(b"PK\x03\x04") == Printed()
    monkeypatch.setattr(_pdf, "LARGEST", 100)
    assert read(pdf()) == Printed()


def test_a_page_that_unfolds_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zlib.compress(b"BT (a) Tj ET " * 20_000_000, 9)
    page = b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(bomb) + bomb + b"\nendstream"
    whole = pdf()
    start, end = whole.index(b"4 0 obj\n") + 8, whole.index(b"\nendobj\n5 0 obj")
    monkeypatch.setattr(_pdf, "SECONDS", 5)
    assert read(whole[:start] + page + whole[end:]).number == ""


def test_a_child_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pdf, "SECONDS", 0.001)
    assert read(pdf()) == Printed()


def test_without_a_child_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/khong/co")
    assert read(pdf()) == Printed()


@settings(max_examples=examples(150), deadline=None)
@given(content=st.binary(max_size=400), place=st.integers(0, 3000), cut=st.booleans())
def test_no_bytes_upset_it(content: bytes, place: int, cut: bool) -> None:
    whole = pdf(HEAD, [f"/Name (A) {SIGNED_AT}"])
    for given_bytes in (b"%PDF-1.7\n" + content, whole[:place] + content + (b"" if cut else whole[place:])):
        assert isinstance(printed(given_bytes), Printed)


@settings(max_examples=examples(5), deadline=None)
@given(content=st.binary(max_size=400))
def test_no_bytes_upset_the_child(content: bytes) -> None:
    assert isinstance(read(b"%PDF-1.7\n" + content), Printed)

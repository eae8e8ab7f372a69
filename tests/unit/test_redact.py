"""Redaction: what must never get out, and what must stay readable."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from syncd.model import Dossier, Owner, Paper
from syncd.redact import DEEPEST, MASK, address, code, describe, mask, names_file, personal_values, redact, sensitive


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("số 006088001234 bị trùng", "006088001234"),
        ("CMND 095123456.", "095123456"),
        ("MST 4700123456", "4700123456"),
        ("006 088 001 234", "088"),
        ("gọi 0912345678, gấp", "0912345678"),
        ("gọi +84 912 345 678", "912"),
        ("gửi mai.hoang@vidu.example nhé", "hoang"),
        ("mysql://syncd:matkhau@db/opencps", "matkhau"),
        ("password=matkhau1 sai", "matkhau1"),
        ('{"session":"7f3a-99","madonvi":"000.00.00.H03"}', "7f3a"),
        ("dvcqg_password: hunter", "hunter"),
        ("Authorization: Bearer abc.def-ghi", "abc.def"),
        ("refused bearer abcdef012345", "abcdef012345"),
        ("https://x.example/f?token=abc123&page=2", "abc123"),
    ],
)
def test_data_with_a_shape_is_taken_out(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert MASK in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "000.00.14.H03-250225-0001",
        "H03.14.05-250225-00012",
        "G09.20-20260609-0092637",
        "1.006714.000.00.00.H03",
        "2026-03-01T08:30:00.123+07:00",
        "20260301083000",
        "rejected with error_code -3",
        "port 5432, 1500000 rows",
        "page=2&size=100",
    ],
)
def test_codes_and_times_stay_readable(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_known_values_are_found_in_any_case_spacing_and_unicode_form(form: str) -> None:
    text = unicodedata.normalize("NFC", "hồ sơ của HOÀNG  THỊ MẬN, tổ 4, đã tồn tại")
    known = [unicodedata.normalize("NFD", "Hoàng Thị Mận"), "Tổ 4", "", "ơ"]
    assert redact(unicodedata.normalize("NFD" if form == "NFC" else "NFC", text), known) == f"hồ sơ của {MASK}, {MASK}, đã tồn tại"


def test_a_longer_known_value_goes_before_the_shorter_one_inside_it() -> None:
    assert redact("Nông Văn Bình An", ["Nông Văn Bình", "Nông Văn Bình An"]) == MASK


def bare(text: str) -> str:
    """The text without case and accents, as somebody types it in a hurry."""
    letters = "".join(part for part in unicodedata.normalize("NFD", text) if not unicodedata.combining(part))
    return letters.replace("đ", "d").replace("Đ", "D")


def forms(text: str) -> list[str]:
    """The ways in which a target may write a value it was sent."""
    spelt = [unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text), bare(text)]
    return [*spelt, *(one.upper() for one in spelt), *(one.lower() for one in spelt)]


VIETNAMESE = "aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạấầẩẫậắằẳẵặéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ"
words = st.text(st.sampled_from(VIETNAMESE + VIETNAMESE.upper()), min_size=3, max_size=7)


@given(st.lists(words, min_size=1, max_size=4).map(" ".join))
def test_no_name_survives_in_any_form_a_target_may_write_it(name: str) -> None:
    for written in forms(name):
        rest = redact(f"<{written}>", [name]).replace(MASK, "")
        assert rest == "<>"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["M"]), min_size=3, max_size=20).map(str.strip).filter(lambda value: len(value) >= 3))
def test_no_known_value_survives(value: str) -> None:
    rest = redact(f"<{value}>", [value]).replace(MASK, "")
    assert unicodedata.normalize("NFC", value) not in rest


def test_the_values_to_leave_out_are_those_of_the_owner_and_the_free_texts() -> None:
    owner = Owner(kind="citizen", name="Nông Văn Bình", phone="0912345678", address="tổ 4, phường Đức Xuân")
    dossier = Dossier(code="H03.14-250225-0001", source_id=1, owner=owner, procedure_name="Khai sinh", abstract="Khai sinh", note="cho bé Mận")
    assert set(personal_values(dossier)) == {"Nông Văn Bình", "0912345678", "tổ 4, phường Đức Xuân", "cho bé Mận"}
    assert redact("Hồ sơ của nông văn bình đã tồn tại", personal_values(dossier)) == f"Hồ sơ của {MASK} đã tồn tại"


def test_the_name_of_a_file_is_left_out_and_a_kind_of_paper_is_not() -> None:
    papers = (Paper(id="1", name="CCCD Nguyễn Thị B.pdf"), Paper(id="2", name="Đơn đề nghị"))
    known = personal_values(Dossier(code="H03.14-250225-0001", source_id=1, papers=papers, results=(Paper(id="3", name="Trích lục Mận.DOCX"),)))
    assert redact("cccd nguyen thi b.PDF, Đơn đề nghị, Trích lục Mận.docx", known) == f"{MASK}, Đơn đề nghị, {MASK}"


@pytest.mark.parametrize("text", ["Đơn đề nghị", "1.006714.000.00.00.H03", "https://mc.vidu.example/f/1.pdf", ".pdf", "Giấy 1. Bản sao", ""])
def test_what_is_no_name_of_a_file(text: str) -> None:
    assert not names_file(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("may:bi mat@10.0.0.9:3128", "may:***@10.0.0.9:3128"),
        ("http://may:b@i@10.0.0.9:3128", "http://may:***@10.0.0.9:3128"),
        ("mysql+pymysql://ro:1/2?3#4@db/opencps?charset=utf8mb4", "mysql+pymysql://ro:***@db/opencps?charset=utf8mb4"),
        ("redis://:bi-mat@db/0", "redis://:***@db/0"),
        ("https://g.example/them?dv={agency}&access_key=bi-mat&ma={code}#a", "https://g.example/them?dv={agency}&access_key=***&ma={code}#a"),
        ("https://g.example/them?Token=a&sessionId=b&khoa=c&x=1", "https://g.example/them?Token=***&sessionId=***&khoa=***&x=1"),
        ("postgresql+psycopg:///s?host=a&password=bi-mat&sslpassword=c", "postgresql+psycopg:///s?host=a&password=***&sslpassword=***"),
    ],
)
def test_an_address_is_shown_without_its_secrets(text: str, shown: str) -> None:
    assert address(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "postgresql+psycopg://syncd@/syncd?host=a,b&port=5432,5432&target_session_attrs=read-write&passfile=/etc/syncd/pgpass",
        "sqlite:////var/lib/syncd/a@b.db",
        "https://g.example:8243/a@b?mail=c@d",
        "http://[::1]:80/a@b",
        "127.0.0.1:8470",
        "22:00-05:00",
        "",
    ],
)
def test_an_address_without_secrets_is_shown_as_it_is(text: str) -> None:
    assert address(text) == text


@pytest.mark.parametrize("text", ["", "0", "-3", "HSCV-7", "E_404.1", "edxml:no_base64", "fault:Client.BadXml", "a/b+c", "x" * 40])
def test_a_code_that_is_one_word_is_shown(text: str) -> None:
    assert code(text) == text


@pytest.mark.parametrize("text", ["Nông Văn Bình", "Bình", "thiếu giấy", "a b", "x" * 41, "006088001234", "0912345678", "a\n", "{}", MASK])
def test_what_is_no_code_is_not(text: str) -> None:
    assert code(text) == "text"


@pytest.mark.parametrize("key", ["name", "owner.name", "applicantIdentity", "contact_email", "PHONE", "dvcqg.password", "Session", "access-token", "text"])
def test_keys_that_hold_personal_data_or_secrets_are_known(key: str) -> None:
    assert sensitive(key)


@pytest.mark.parametrize("key", ["target", "dossier", "node", "hostname", "duration_ms", "error_code", "context", "tokens_left", "renamed"])
def test_other_keys_are_not_hidden(key: str) -> None:
    assert not sensitive(key)


class Colour(StrEnum):
    RED = "red"


def test_structures_keep_their_shape_and_lose_what_is_sensitive() -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    value = {
        "owner": {"name": "Nông Văn Bình"},
        "rows": [1, None, "gọi 0912345678", Colour.RED],
        "at": moment,
        "path": Path("x"),
        "deep": {"password": "x", "code": ("a",)},
    }
    assert mask(value) == {
        "owner": MASK,
        "rows": [1, None, f"gọi {MASK}", "red"],
        "at": moment,
        "path": Path("x"),
        "deep": {"password": MASK, "code": ["a"]},
    }


def test_of_objects_only_the_type_is_told() -> None:
    assert mask([SecretStr("matkhau"), object]) == ["<SecretStr>", "<type>"]


def test_a_bottomless_structure_ends() -> None:
    endless: list[object] = []
    endless.append(endless)
    text = str(mask(endless))
    assert text == "[" * DEEPEST + repr(MASK) + "]" * DEEPEST


def test_an_error_is_its_type_and_the_first_line_without_personal_data() -> None:
    error = ValueError("row of 006088001234 refused for Nông Văn Bình\n[parameters: ('Hoàng Thị Mận',)]")
    assert describe(error, ["Nông Văn Bình"]) == f"ValueError: row of {MASK} refused for {MASK}"
    assert describe(KeyboardInterrupt()) == "KeyboardInterrupt"
    assert len(describe(ValueError("x" * 1000))) < 400

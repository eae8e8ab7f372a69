"""Every text a person can see has a Vietnamese translation, and every translation fits its text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import pytest

from syncd.cli import lang
from tests.cli.texts import helps, hints, words, written


@pytest.fixture(autouse=True)
def english_afterwards() -> Iterator[None]:
    yield
    lang.use("en")


def test_every_text_has_a_vietnamese_translation() -> None:
    missing = [f"{place}: {text}" for collect in (written, helps, words) for text, place in collect() if text not in lang.table()]
    assert missing == []


def test_what_a_person_should_do_is_told_in_vietnamese_too() -> None:
    lang.use("vi")
    assert [f"{place}: {hint}" for hint, place in hints() if lang.sentence(hint) == hint] == []


def test_a_translation_keeps_the_parts_that_are_filled_in() -> None:
    def blanks(text: str) -> list[str]:
        return sorted(re.findall(r"\{\w*\}", text))

    assert [text for text, translation in lang.table().items() if blanks(text) != blanks(translation)] == []


def test_translations_are_vietnamese_in_composed_letters() -> None:
    table = lang.table()
    assert [text for text in table.values() if unicodedata.normalize("NFC", text) != text] == []
    assert table["owner"] == "chủ hồ sơ"


def test_a_text_is_filled_in_in_the_language_spoken() -> None:
    assert lang.t("{n} new steps", n=3) == "3 new steps"
    lang.use("vi")
    assert lang.t("{n} new steps", n=3) == "thêm 3 bước xử lý"


@pytest.mark.parametrize(
    ("english", "vietnamese"),
    [
        ("is missing", "bị thiếu"),
        ("The ledger of dvcqg has no dossier H03-1.", "Sổ theo dõi của dvcqg không có hồ sơ H03-1."),
        ("has 51 characters, at most 50 are allowed", "dài 51 ký tự, chỉ được phép 50"),
        ("DonViXuLy: is required and empty (dossier.agency.name)", "DonViXuLy: bắt buộc nhưng đang trống (dossier.agency.name)"),
        ("a.b: is missing; c: nobody knows", "a.b: bị thiếu; c: nobody knows"),
        ("something no table knows", "something no table knows"),
        ("", ""),
    ],
)
def test_a_sentence_from_elsewhere_is_translated_as_far_as_it_is_known(english: str, vietnamese: str) -> None:
    assert lang.sentence(english) == english
    lang.use("vi")
    assert lang.sentence(english) == vietnamese


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "vi_VN.UTF-8"}, "vi"),
        ({"LANG": "vi_VN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LC_MESSAGES": "vi_VN", "LANG": "en_US"}, "vi"),
        ({}, "en"),
    ],
)
def test_the_locale_names_the_language(environment: dict[str, str], language: str) -> None:
    assert lang.of_environment(environment) == language

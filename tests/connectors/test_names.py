"""Names of files from outside: bare, fit for a file system, each once."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._names import LONGEST, bare, distinct, ending


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("a.pdf", "a.pdf"),
        ("/etc/passwd", "passwd"),
        ("C:\\tmp\\Quyết định.pdf", "Quyết định.pdf"),
        ("../..", ""),
        ("..", ""),
        ("a/b/", "b"),
        (" . ", ""),
        ("a\x00\n\u202eb .pdf", "a b .pdf"),
        ('a<b>:"|?*.pdf', "a_b______.pdf"),
        (unicodedata.normalize("NFD", "Quyết.pdf"), "Quyết.pdf"),
        ("", ""),
    ],
)
def test_a_name_is_the_last_part_without_what_it_must_not_hold(written: str, name: str) -> None:
    assert bare(written) == name


def test_a_long_name_keeps_its_ending() -> None:
    assert bare("ấ" * 300 + ".docx") == "ấ" * (LONGEST - 5) + ".docx"
    assert ending("a.TAR.Gz") == "gz"
    assert ending("a") == ""


def test_a_name_that_is_taken_gets_a_number() -> None:
    assert distinct(["a.pdf", "A.pdf", "a (2).pdf", "b", "b"]) == ["a.pdf", "A (2).pdf", "a (2) (2).pdf", "b", "b (2)"]


@given(st.text(max_size=300))
def test_whatever_comes_is_one_name_or_none(written: str) -> None:
    name = bare(written)
    assert not set(name) & set('/\\\x00<>:"|?*')
    assert name not in (".", "..")
    assert len(name) <= LONGEST
    assert bare(name) == name

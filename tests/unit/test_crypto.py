"""Personal data at rest: sealed, readable with any key of the file, never altered unnoticed."""

from __future__ import annotations

import hashlib
import stat
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.crypto import KEY_BYTES, Cipher, cipher_of, create_key_file, read_keys, rotate_key_file
from syncd.errors import ConfigurationError, UndecipherableError
from syncd.model import encode
from tests.connectors.dossiers import DOSSIER

OLD, NEW = b"o" * KEY_BYTES, b"n" * KEY_BYTES


@given(st.binary(max_size=3000))
def test_what_is_sealed_opens_to_the_same(text: bytes) -> None:
    cipher = Cipher([NEW])
    assert cipher.open(cipher.seal(text)) == text


@given(st.binary(min_size=1, max_size=300), st.data())
def test_an_altered_text_does_not_open(text: bytes, data: st.DataObject) -> None:
    sealed = bytearray(Cipher([NEW]).seal(text))
    place = data.draw(st.integers(1, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(UndecipherableError):
        Cipher([NEW]).open(bytes(sealed))


@given(st.binary(max_size=3000))
def test_either_way_of_writing_is_read_by_both(text: bytes) -> None:
    plain, compact = Cipher([NEW]), Cipher([NEW], compact=True)
    assert plain.open(compact.seal(text)) == text
    assert compact.open(plain.seal(text)) == text


def test_compact_texts_of_dossiers_are_half_as_long() -> None:
    text = encode(DOSSIER)
    assert 2 * len(Cipher([NEW], compact=True).seal(text)) < len(text)


def test_the_dictionary_is_the_one_that_sealed_texts_were_written_with() -> None:
    words = files("mappings").joinpath("words", "1.txt").read_bytes()
    assert hashlib.sha256(words).hexdigest() == "13c5b17d0a571e5d0dda59a940be6d20a0d35796d5ec62045d3930bd397764d7"


def test_the_first_key_writes_and_every_key_reads() -> None:
    sealed = Cipher([OLD]).seal(b"text")
    both = Cipher([NEW, OLD])
    assert both.open(sealed) == b"text"
    assert Cipher([NEW]).open(both.seal(b"text")) == b"text"


def test_a_text_whose_key_is_gone_says_what_to_do() -> None:
    with pytest.raises(UndecipherableError) as raised:
        Cipher([NEW]).open(Cipher([OLD]).seal(b"text"))
    assert "payload_key_file" in raised.value.hint


def test_a_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "made" / "payload.key"
    sealed = cipher_of(path, create=True).seal(b"text")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert cipher_of(path, create=True).open(sealed) == b"text"
    with pytest.raises(FileExistsError):
        create_key_file(path)


def test_rotation_puts_a_key_on_top_and_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "payload.key"
    sealed = cipher_of(path, create=True).seal(b"text")
    rotate_key_file(path)
    assert len(read_keys(path)) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert cipher_of(path).open(sealed) == b"text"
    assert Cipher(read_keys(path)[:1]).open(cipher_of(path).seal(b"new")) == b"new"


@pytest.mark.parametrize(("content", "reason"), [("# only remarks\n", "holds no key"), ("bad\n", "line 1"), ("# x\n\nc2hvcnQ=\n", "line 3")])
def test_a_broken_key_file_names_the_line(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "payload.key"
    path.write_text(content)
    with pytest.raises(ConfigurationError) as raised:
        read_keys(path)
    assert reason in raised.value.problems[0].reason


def test_a_key_file_that_cannot_be_made_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError) as raised:
        cipher_of(tmp_path / "file" / "payload.key", create=True)
    assert raised.value.problems[0].field == "daemon.payload_key_file"


def test_a_missing_key_file_is_a_configuration_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        cipher_of(tmp_path / "absent.key")

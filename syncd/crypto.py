"""Personal data at rest: what the state database holds of citizens is compressed, then sealed with AES-256-GCM.

A key file has one key a line (32 bytes in base64; lines that begin with `#` are remarks). Every key opens, the first one
seals: to change keys, put a new one on top (`syncd key rotate`) and the old ones stay readable until pruning has passed
them. A sealed text names its key by four bytes of the key's fingerprint:

    version (1) · fingerprint (4) · nonce (12) · AES-256-GCM(compressed text) with its tag (16)

Version 1 is compressed by deflate. Version 2 by Zstandard with a dictionary of words that such texts are made of (`mappings/words/1.txt`,
which must therefore never change): half the size, and a fifth of the time. Both are always read; version 2 is written where no code
that does not know it can still use the state.

Nonces are random, 96 bits: one key is good for some 2^32 texts (NIST SP 800-38D, 8.3), decades of a province.
"""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import msgspec
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from syncd.errors import ConfigurationError, UndecipherableError
from syncd.model import Problem

KEY_BYTES = 32
_DEFLATE, _WORDS = b"\x01", b"\x02"
_LEVEL = 3

Decoded = TypeVar("Decoded")


class Cipher:
    """Seals with the first key, opens with any. Safe to use from every thread."""

    def __init__(self, keys: Sequence[bytes], *, compact: bool = False) -> None:
        """With `compact` it writes version 2."""
        self._keys = {_fingerprint(key): AESGCM(key) for key in keys}
        self._head = (_WORDS if compact else _DEFLATE) + _fingerprint(keys[0])
        self._seal = self._keys[_fingerprint(keys[0])].encrypt
        self._words = _Words()
        self._compact = compact

    def seal(self, text: bytes) -> bytes:
        """`text`, readable only with the key file."""
        nonce = os.urandom(12)
        return self._head + nonce + self._seal(nonce, self._words.press(text) if self._compact else zlib.compress(text), None)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed. Raises `UndecipherableError` where no key fits or the text was altered."""
        key = self._keys.get(sealed[1:5])
        if key is None:
            raise UndecipherableError(hint="put the key that wrote it back into the key file (daemon.payload_key_file)")
        try:
            pressed = key.decrypt(sealed[5:17], sealed[17:], None)
            return self._words.unpress(pressed) if sealed[:1] == _WORDS else zlib.decompress(pressed)
        except (InvalidTag, zlib.error, zstandard.ZstdError):
            raise UndecipherableError("Stored text was altered.", hint="restore the state database from a backup") from None

    def decoded(self, sealed: bytes, decode: Callable[[bytes], Decoded]) -> Decoded:
        """What was sealed, as a value. Raises `UndecipherableError`, also where `decode` does not know what it reads."""
        try:
            return decode(self.open(sealed))
        except msgspec.DecodeError:
            raise UndecipherableError("Stored text was written by another version of syncd.", hint="go back to the version that wrote it") from None


class _Words(threading.local):
    """Zstandard with the dictionary; its objects serve one thread each."""

    def __init__(self) -> None:
        words = _dictionary()
        self.press = zstandard.ZstdCompressor(level=_LEVEL, dict_data=words, write_checksum=False, write_dict_id=False).compress
        self.unpress = zstandard.ZstdDecompressor(dict_data=words).decompress


@cache
def _dictionary() -> zstandard.ZstdCompressionDict:
    found = zstandard.ZstdCompressionDict(files("mappings").joinpath("words", "1.txt").read_bytes(), dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    found.precompute_compress(level=_LEVEL)
    return found


def _fingerprint(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:4]


def new_key() -> str:
    """A fresh key, as a line of a key file."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def read_keys(path: Path) -> list[bytes]:
    """The keys of a key file, first one first. Raises `ConfigurationError` with the line at fault."""
    try:
        lines = path.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(path, f"cannot be read: {error}") from None
    numbered = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    keys = [_key(path, number, line) for number, line in numbered]
    if not keys:
        raise _refused(path, "holds no key")
    return keys


def _key(path: Path, number: int, line: str) -> bytes:
    try:
        key = base64.b64decode(line, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise _refused(path, f"line {number} is not {KEY_BYTES} bytes in base64")
    return key


def _refused(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError([Problem(field="daemon.payload_key_file", reason=f"{path} {reason}", hint="write one with: syncd key new")])


def create_key_file(path: Path) -> None:
    """Write a key file with one fresh key, readable by its owner only. Raises `FileExistsError` rather than replace one."""
    _write_new(path, f"# syncd: keys of personal data at rest; the first one writes, all of them read\n{new_key()}\n")


def rotate_key_file(path: Path) -> None:
    """Put a fresh key on top of a key file; the old keys stay readable. The file is replaced whole or not at all."""
    read_keys(path)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    _write_new(fresh, f"{new_key()}\n{path.read_text('ascii')}")
    owner = path.stat()
    os.chown(fresh, owner.st_uid, owner.st_gid)  # root may rotate the service's key
    fresh.replace(path)


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def cipher_of(path: Path, *, create: bool = False, compact: bool = False) -> Cipher:
    """The cipher of a key file; with `create`, one is made where none stands (the first run)."""
    try:
        if create and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            create_key_file(path)
    except OSError as error:
        raise _refused(path, f"cannot be made: {error.strerror}") from None
    return Cipher(read_keys(path), compact=compact)

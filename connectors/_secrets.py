"""Takes our secrets out of what a far end says, in whatever way of writing they stand there. Pure.

Servers and those in between quote what they were sent: headers in a page of HTML, a request within JSON within JSON, a form in
an address. There a password is not spelt as we know it, and yet is there to be read. Letters and digits of ASCII are written
the same everywhere; every other character has its spellings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from syncd.redact import MASK

_ROOM = 16  #: so much more than is wanted is looked at, for masks are short
_WIDEST = 12  #: characters that one of a secret may take
_SLASHES = r"\\{1,8}"  #: as many as JSON within JSON needs; without a bound a run of them would take for ever
_SHORT = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
_NAMED = {'"': "quot", "&": "amp", "<": "lt", ">": "gt", "'": "apos"}


def hide(text: str, secrets: Iterable[str]) -> str:
    """The text, a mask in place of each secret."""
    for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
        text = _pattern(secret).sub(MASK, text)
    return text


def beginning(said: bytes | str, secrets: Iterable[str], longest: int) -> str:
    """The first `longest` characters without secrets; nor with a part of one, where it goes on after what was looked at."""
    known, part = tuple(secrets), said[: longest * _ROOM]
    hidden = hide(part.decode("utf-8", "replace") if isinstance(part, bytes) else part, known)
    if len(part) < len(said):
        hidden = hidden[: max(0, len(hidden) - _WIDEST * max(map(len, known), default=0))]
    return hidden[:longest]


@lru_cache(maxsize=256)
def _pattern(secret: str) -> re.Pattern[str]:
    return re.compile("".join(map(_spellings, secret)))


def _spellings(letter: str) -> str:
    """The ways in which JSON, XML and addresses write a character, also one within the other."""
    if letter.isascii() and letter.isalnum():
        return letter
    number, units = ord(letter), letter.encode("utf-16-be")
    json = "".join(rf"{_SLASHES}u(?i:{units[place : place + 2].hex()})" for place in range(0, len(units), 2))
    address = "".join(f"%(?:25){{0,3}}(?i:{byte:02x})" for byte in letter.encode())
    entity = "|".join(filter(None, [rf"#0*{number};", rf"#[xX]0*(?i:{number:x});", _NAMED.get(letter, "") and f"{_NAMED[letter]};"]))
    bare = rf"\\{{0,8}}{re.escape(letter)}" if letter != "\\" else _SLASHES
    others = (r"|\+" if letter == " " else "") + (rf"|{_SLASHES}{_SHORT[letter]}" if letter in _SHORT else "")
    return rf"(?:{json}|{address}|&(?:amp;){{0,3}}(?:{entity})|{bare}{others})"

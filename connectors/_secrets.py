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
_PERCENT = "%(?:25){0,3}"
_SLASHES = rf"(?:\\{{1,8}}|(?:{_PERCENT}5[cC]){{1,8}})"  #: JSON within JSON has many; without a bound a run of them would take for ever
_AND = rf"(?:&(?:amp;){{0,3}}|{_PERCENT}26|{_SLASHES}u0026)"
_NUMBER = rf"(?:#|{_PERCENT}23)"
_END = rf"(?:;|{_PERCENT}3[bB]|{_SLASHES}u003[bB])"
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
    units = letter.encode("utf-16-be")
    json = "".join(rf"{_SLASHES}u(?i:{units[place : place + 2].hex()})" for place in range(0, len(units), 2))
    address = "".join(rf"{_PERCENT}(?i:{byte:02x})" for byte in letter.encode())
    entity = rf"{_NUMBER}0*{ord(letter)}|{_NUMBER}[xX]0*(?i:{ord(letter):x})" + (f"|{_NAMED[letter]}" if letter in _NAMED else "")
    short = rf"|{_SLASHES}{_SHORT[letter]}" if letter in _SHORT else r"|\+" if letter == " " else ""
    bare = rf"{_SLASHES}?(?:{address}|{re.escape(letter)}|{_AND}(?:{entity}){_END})" if letter != "\\" else rf"{_SLASHES}|{_AND}(?:{entity}){_END}"
    return rf"(?:{json}|{bare}{short})"

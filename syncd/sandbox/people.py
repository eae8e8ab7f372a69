"""The officers of the invented one-stop, and what they are called at the document systems."""

from __future__ import annotations

from random import Random
from typing import Final

from syncd.sandbox.names import person_name, unaccented

OFFICERS: Final = tuple(person_name(Random(number)) for number in range(40))  #: the same people, whatever the seed
SIGNER: Final = "lanh.dao"  #: account of who signs


def account(name: str) -> str:
    """The account of an officer at the document systems."""
    return unaccented(name).lower().replace(" ", ".")

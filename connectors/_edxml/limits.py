"""How much of a package is taken in, and the error that says why one is not."""

from __future__ import annotations

from typing import NamedTuple, Self

SLACK = 1_000_000  #: bytes of a package beside the content of its files
TOGETHER = 2  #: files of the largest size that one package may hold


class Unreadable(Exception):
    """A package that cannot be read and never will be. Its texts hold nothing of what stands in the package."""

    def __init__(self, code: str, message: str, hint: str = "ask the sender for it again, whole") -> None:
        self.code = code
        self.message = message
        self.hint = hint
        super().__init__(message)


class Limits(NamedTuple):
    """What a package may have at most."""

    package: int  #: bytes
    file: int  #: bytes of one file, unpacked
    together: int  #: bytes of all files, unpacked
    files: int = 50
    elements: int = 10_000
    depth: int = 64
    text: int = SLACK  #: characters beside the content of files

    @classmethod
    def of(cls, largest: int) -> Self:
        """For files of that many MB."""
        together = largest * 1_000_000 * TOGETHER
        return cls(package=encoded(together) + SLACK, file=largest * 1_000_000, together=together)


def encoded(size: int) -> int:
    """The length of so many bytes as base64 in lines."""
    return size * 4 // 3 + size // 40 + 4

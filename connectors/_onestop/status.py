"""Turns a one-stop's status words into the ten states of the portal, or says in plain words why it cannot.

Three places are asked, in this order: the one-stop's own table for (status, sub-status), its row for the status alone,
and the mapping's table. A word that none of them knows is a problem for a person; it is never guessed (law L9).
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors._onestop.mapping import SourceMapping
from connectors._onestop.settings import Row
from syncd.filling import ABSENT
from syncd.mapping import Codes
from syncd.model import Status

Found = Mapping[tuple[str, ...], Row]

HINT = "add the status to [tables.status] of the one-stop mapping, or to the one-stop's own status table"


class UnknownStatus(ValueError):
    """A status without a code; the text is fit for a person."""


class Statuses:
    """The meaning of status words under one mapping."""

    def __init__(self, mapping: SourceMapping) -> None:
        self._rule = mapping.settings.status
        self._words = mapping.compiled.tables.get("status", Codes({}))
        self._codes = mapping.compiled.tables.get("codes", Codes({}))

    def internal(self, word: str, sub: str) -> bool:
        """Whether a step that leads there is nobody's business but the agency's."""
        return word in self._rule.internal or f"{word}/{sub}" in self._rule.internal

    def read(self, word: str, sub: str, dossier: Row, lookups: Mapping[str, Found]) -> Status:
        """The state meant by `word` and `sub` on this dossier. Raises `UnknownStatus`."""
        if not word:
            raise UnknownStatus("is empty")
        if code := self._own_code(word, sub, lookups):
            return self._of_code(word, code)
        state = self._words.find(f"{word}/{sub}") or self._words.find(word)
        if state is None:
            raise UnknownStatus(f"{word[:60]!r} has no code")
        needed = self._rule.needs.get(word)
        if needed and dossier[needed] in ABSENT:
            raise UnknownStatus(f"{word[:60]!r} counts only where {needed} is filled")
        return Status(state)

    def _own_code(self, word: str, sub: str, lookups: Mapping[str, Found]) -> str:
        rows = lookups.get(self._rule.lookup, {})
        for key in ((word, sub), (word, "")):
            if (row := rows.get(key)) and (code := plain(row[self._rule.code])):
                return code
        return ""

    def _of_code(self, word: str, code: str) -> Status:
        state = self._codes.find(code)
        if state is None:
            raise UnknownStatus(f"{word[:60]!r} has the code {code[:20]!r} in the one-stop's own table, which is none of the ten")
        return Status(state)


def plain(value: object) -> str:
    """A key or code as text without surrounding space; nothing is the empty text."""
    return "" if value is None else str(value).strip()

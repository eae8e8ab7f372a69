"""What a look-up says of a dossier, held against the dossier as the portal should have it. Pure.

    fields   each scalar of the composed record whose name, in any case, stands in the answer; of the names that the sister
             service has for them too (`_ALSO`). What the answer leaves out, and a status or a date that cannot be read, is not
             compared, and nobody may call it equal.
    steps    where the answer lists what was done under one of the mapping's names. A step has no key at the portal, so it is
             known by when it was, what became of the dossier, what was done and by whom, as far as every entry says so.

Texts are compared after Unicode NFC and with single spaces, dates as far as the answer writes them, codes without leading zeros.
A difference in a field that the mapping calls personal says only that there is one.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from connectors._dvcqg.mapping import ZONE, PortalMapping
from syncd.calls import Difference, Portion, StepsFound
from syncd.redact import MASK

Entry = Mapping[str, object]  #: of an answer, its keys in capitals

_ALSO = {"TrangThaiHoSo": "MATRANGTHAI", "ChuHoSo": "HOTENNGUOINOP"}
_STATUSES = frozenset(("TrangThaiHoSo", "TrangThai"))
_WHEN = "ThoiDiemXuLy"
_KEY = (_WHEN, "TrangThai", "NoiDungXuLy", "NguoiXuLy")  #: what a step is known by
_DIGITS = re.compile(r"\d{8}|\d{12}|\d{14}")
_DAY_FIRST = re.compile(r"(\d\d?)/(\d\d?)/(\d{4})(?: +(\d\d):(\d\d)(?::(\d\d))?)?")
_DAY, _MINUTE = len("2025-03-06"), len("2025-03-06T08:30")


class Compared(NamedTuple):
    """What could be compared, and what differs."""

    fields: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    steps: StepsFound | None = None


class Comparing:
    """Compares answers with dossiers, by a mapping."""

    def __init__(self, mapping: PortalMapping) -> None:
        self._mapping = mapping
        self._lists = tuple(name.upper() for name in mapping.words.steps)

    def compare(self, portion: Portion, said: Entry) -> Compared:
        """The dossier and the steps of this portion, and the portal's entry of it."""
        fields, differences = self._fields(self._mapping.record(portion) or {}, said)
        return Compared(tuple(fields), tuple(differences), self._steps(portion, said))

    def _fields(self, record: Mapping[str, Any], said: Entry) -> tuple[list[str], list[Difference]]:
        fields, differences = [], []
        for field, wanted in record.items():
            found = self._said(field, said) if isinstance(wanted, str) else None
            if found is None:
                continue
            fields.append(field)
            expected = self._read(field, wanted) or ""
            if expected[: len(found)] != found if found and field in self._mapping.dates else expected != found:
                differences.append(self._difference(field, expected, found))
        return fields, differences

    def _said(self, field: str, said: Entry) -> str | None:
        """What the answer says of a field; None where it says nothing that can be compared."""
        told = (self._read(field, said[name]) for name in (field.upper(), _ALSO.get(field, "")) if name in said)
        return next((value for value in told if value is not None), None)

    def _read(self, field: str, value: object) -> str | None:
        """The value as it is compared; None for nothing, and for what cannot be read."""
        if not isinstance(value, (str, int, float)):
            return None
        text = " ".join(unicodedata.normalize("NFC", str(value)).split())
        if field in self._mapping.dates:
            return _date(text)
        if field in _STATUSES:
            return (text.lstrip("0") or None) if text.isdecimal() else None
        return text

    def _difference(self, field: str, expected: str, found: str) -> Difference:
        if field in self._mapping.personal_fields:
            expected, found = expected and MASK, found and MASK
        return Difference(field=field, expected=expected, found=found)

    def _steps(self, portion: Portion, said: Entry) -> StepsFound | None:
        listed = next((value for name in self._lists if isinstance(value := said.get(name), list)), None)
        if listed is None:
            return None
        entries = [{name.upper(): value for name, value in entry.items()} for entry in listed if isinstance(entry, dict)]
        told = [{field: self._read(field, entry.get(field.upper())) for field in _KEY} for entry in entries]
        known_by = tuple(field for field in _KEY if all(entry[field] is not None for entry in told))
        if _WHEN not in known_by or len(entries) < len(listed):
            return None
        precision = min((len(entry[_WHEN] or "") for entry in told), default=0)
        there = Counter(_key(entry, known_by, precision) for entry in told)
        steps = self._mapping.steps(portion)
        wanted = [_key({field: self._read(field, step[field]) for field in _KEY}, known_by, precision) if step else None for step in steps]
        return _matched(wanted, there)


def _key(step: Mapping[str, str | None], known_by: Sequence[str], precision: int) -> tuple[str, ...]:
    return tuple((step[field] or "")[: precision if field == _WHEN else None] for field in known_by)


def _matched(wanted: Sequence[tuple[str, ...] | None], there: Counter[tuple[str, ...]]) -> StepsFound:
    """Steps that are alike are told apart by their number only: of three of which the portal has two, the last one is missing. A
    step that cannot be put into the portal's terms was never sent."""
    places: dict[tuple[str, ...], list[int]] = defaultdict(list)
    missing = [position for position, key in enumerate(wanted) if key is None]
    for position, key in enumerate(wanted):
        if key is not None:
            places[key].append(position)
    for key, positions in places.items():
        missing += positions[there[key] :]
    doubled = sorted(positions[-1] for key, positions in places.items() if there[key] > len(positions))
    foreign = sum(count for key, count in there.items() if key not in places)
    return StepsFound(missing=tuple(sorted(missing)), doubled=tuple(doubled), foreign=foreign)


def _date(text: str) -> str | None:
    """The digits of a date in the portal's order, as far as it goes: to the day, the minute or the second."""
    if not text or _DIGITS.fullmatch(text):
        return text
    if found := _DAY_FIRST.fullmatch(text):
        day, month, year, *time = found.groups()
        return f"{year}{month:0>2}{day:0>2}" + "".join(part or "" for part in time)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    local = moment.astimezone(ZONE) if moment.tzinfo else moment
    return f"{local.year:04}" + local.strftime("%m%d" if len(text) == _DAY else "%m%d%H%M" if len(text) == _MINUTE else "%m%d%H%M%S")

"""What the sandbox portal holds: the records and steps it accepted, in the order in which they came.

An `Entry` remembers whether the portal's answer to it was whole; a step that comes again after an answer that was not
is no fault of the sender, and the referee must know. With a folder every change is also a line of a file there, so a
portal that was killed comes back with what it held.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from syncd.sandbox.checks import ABSENT, DUPLICATE, Refused

Body = dict[str, Any]


class Entry(NamedTuple):
    """A step as it came."""

    body: Body
    answered: bool  #: the answer was sent whole and in time


class Holdings:
    """Everything the portal has accepted. Thread-safe."""

    def __init__(self, folder: Path | None = None) -> None:
        self._records: dict[str, Body] = {}
        self._steps: dict[str, list[Entry]] = {}
        self._filed: set[str] = set()
        self._statuses: dict[str, list[Body]] = {}
        self._lock = threading.RLock()
        self._journal: BinaryIO | None = None
        if folder is not None:
            self._resume(folder / "holdings.jsonl")

    def record(self, code: str) -> Body | None:
        """The dossier as last sent."""
        with self._lock:
            return self._records.get(code)

    def records(self) -> dict[str, Body]:
        """All dossiers by their code."""
        with self._lock:
            return dict(self._records)

    def steps(self, code: str) -> tuple[Entry, ...]:
        """The steps of a dossier in order of arrival."""
        with self._lock:
            return tuple(self._steps.get(code, ()))

    def statuses(self, code: str) -> tuple[Body, ...]:
        """What was said about a dossier of the portal's own, in order of arrival."""
        with self._lock:
            return tuple(self._statuses.get(code, ()))

    def filed(self, code: str) -> bool:
        """Whether a citizen filed a dossier of that code on the portal itself."""
        with self._lock:
            return code in self._filed

    def count(self) -> tuple[int, int]:
        """How many dossiers, and how many steps."""
        with self._lock:
            return len(self._records), sum(map(len, self._steps.values()))

    def file(self, *codes: str) -> None:
        """A citizen filed these dossiers on the portal itself."""
        self._change("file", list(codes))

    def put(self, records: Sequence[Body], *, updating: bool) -> None:
        """Create or replace dossiers, all or none. Raises `Refused` where one exists, or does not."""
        with self._lock:
            for number, record in enumerate(records):
                known = record["MaHoSo"] in self._records
                if known and not updating:
                    raise Refused(f"Hồ sơ thứ {number + 1} của {record['ChuHoSo']} ({record['SoDienThoai']}) đã tồn tại trên hệ thống", code=DUPLICATE)
                if updating and not known:
                    raise Refused(f"Hồ sơ thứ {number + 1} không tồn tại trên hệ thống", code=ABSENT)
            self._change("put", records)

    def add(self, steps: Sequence[Body], *, answered: bool) -> None:
        """Append steps, all or none. Raises `Refused` where a dossier is not there."""
        with self._lock:
            for number, step in enumerate(steps):
                if step["MaHoSo"] not in self._records:
                    raise Refused(f"Hồ sơ của tiến độ thứ {number + 1} không tồn tại trên hệ thống", code=ABSENT)
            self._change("add" if answered else "add_unanswered", steps)

    def tell(self, status: Body) -> None:
        """Note the status of a dossier of the portal's own. Raises `Refused` where the portal has none of that code."""
        with self._lock:
            if status["MaHoSo"] not in self._filed:
                raise Refused("Hồ sơ không tồn tại trên Cổng", code=ABSENT)
            self._change("tell", [status])

    def injure(self, code: str, record: Body | None, steps: Sequence[Entry] = ()) -> None:
        """Overwrite what is held of a dossier, without any check: None takes it away."""
        self._change("injure", [{"MaHoSo": code, "record": record, "steps": steps}])

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        if self._journal is not None:
            self._journal.close()

    def _change(self, kind: str, values: Sequence[Any]) -> None:
        with self._lock:
            self._apply(kind, values)
            if self._journal is not None:
                self._journal.write(msgspec.json.encode((kind, values)) + b"\n")
                self._journal.flush()

    def _apply(self, kind: str, values: Sequence[Any]) -> None:
        for value in values:
            if kind == "file":
                self._filed.add(value)
            elif kind == "put":
                self._records[value["MaHoSo"]] = value
            elif kind == "tell":
                self._statuses.setdefault(value["MaHoSo"], []).append(value)
            elif kind == "injure":
                self._overwrite(value["MaHoSo"], value["record"], [Entry(*entry) for entry in value["steps"]])
            else:
                self._steps.setdefault(value["MaHoSo"], []).append(Entry(value, kind == "add"))

    def _overwrite(self, code: str, record: Body | None, steps: list[Entry]) -> None:
        self._records.pop(code, None)
        self._steps.pop(code, None)
        if record is not None:
            self._records[code], self._steps[code] = record, steps

    def _resume(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            *whole, _torn = path.read_bytes().split(b"\n")  # a kill may have cut the last line
            for line in whole:
                self._apply(*msgspec.json.decode(line, type=tuple[str, list[Any]]))
            path.write_bytes(b"".join(line + b"\n" for line in whole))
        self._journal = path.open("ab")

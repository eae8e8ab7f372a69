"""`kill -9` between every two stages: each document ends in the one-stop once, and its office is told what became of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from syncd.documents import Attachment, Stage
from tests.collect.mortal import MOMENTS
from tests.collect.station import PDF, ROOT, Station, document, pdf

EXPECTED = {
    1: [("a1", "signed", "77"), ("a2", "issued", "77")],
    2: [("b1", "rejected", ""), ("b2", "issued", "")],
    3: [("c2", "issued", "")],
}
TOLD = {"a1": "taken", "a2": "taken", "a3": "taken", "a4": "taken", "b1": "taken", "b2": "taken", "b3": "taken", "c1": "failed", "c2": "taken", "x1": "failed"}


def packages(station: Station) -> None:
    """Signed, issued, issued twice, signed late; refused, issued, refused late; no result, then with bad dates; and a broken one."""
    station.draft(1, "77")
    station.office.issue(
        document("a1", Stage.SIGNED),
        document("a2"),
        document("a3"),
        document("a4", Stage.SIGNED, reason="muộn"),
        document("b1", Stage.REJECTED, 2, reason="thiếu căn cứ"),
        document("b2", number=2, files=(pdf(PDF + b"b"), Attachment(name="kem.png", content=b"\x89PNG\r\n\x1a\nx"))),
        document("b3", Stage.REJECTED, 2, reason="muộn"),
        document("c1", number=3, files=()),
        document("c2", number=3, issued_on=None, remarks=("a date that is none",), files=(pdf(PDF + b"c"),)),
    )
    station.office.spoil("x1")


class Run(Protocol):
    """One run in a process of its own; its exit code."""

    def __call__(self, station: Station, moment: str = "", number: int = 1) -> int: ...


@pytest.fixture(scope="module")
def mortal() -> Iterator[subprocess.Popen[str]]:
    """What forks a process for each run."""
    command = [sys.executable, "-m", "tests.collect.mortal"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def run(mortal: subprocess.Popen[str], state_url: str) -> Run:

    def once(station: Station, moment: str = "", number: int = 1) -> int:
        assert mortal.stdin is not None
        assert mortal.stdout is not None
        print(json.dumps([str(station.folder), state_url, moment, number]), file=mortal.stdin, flush=True)
        return int(mortal.stdout.readline())

    return once


def told(folder: Path) -> dict[str, str]:
    """The last verdict the office has of each package."""
    return {path.stem: (path.read_text().split() or [""])[-1] for path in folder.glob("*.verdicts")}


def check(station: Station) -> None:
    for number, rows in EXPECTED.items():
        assert station.written(number) == rows
    assert len(station.written()) == len(set(station.written()))
    assert told(station.office.folder) == TOLD
    assert set(station.states().values()) == {"done", "void"}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_it_goes_on_and_ends_right(station: Station, run: Run, moment: str) -> None:
    packages(station)
    assert run(station, moment, 1 if moment.endswith("waiting") else 3) == -signal.SIGKILL, "it did not come there"
    assert run(station) == 0
    check(station)


def test_killed_at_every_moment_in_turn_it_ends_right(station: Station, run: Run) -> None:
    packages(station)
    killed = 0
    for moment in MOMENTS * 3:
        killed += run(station, moment) == -signal.SIGKILL
    assert killed >= len(MOMENTS)
    assert run(station) == 0
    check(station)

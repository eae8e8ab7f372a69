"""`kill -9` between every two stages: each document ends in the one-stop once, and its office is told what became of it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

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


def run(station: Station, state: str, moment: str = "", number: int = 1) -> int:
    """One run in a process of its own; its exit code."""
    command = [sys.executable, "-m", "tests.collect.mortal", str(station.folder), state, moment, str(number)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode


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
def test_killed_at_any_moment_it_goes_on_and_ends_right(station: Station, state_url: str, moment: str) -> None:
    packages(station)
    assert run(station, state_url, moment, 1 if moment.endswith("waiting") else 3) == -signal.SIGKILL, "it did not come there"
    assert run(station, state_url) == 0
    check(station)


@pytest.mark.slow
def test_killed_at_every_moment_in_turn_it_ends_right(station: Station, state_url: str) -> None:
    packages(station)
    killed = 0
    for moment in MOMENTS * 3:
        killed += run(station, state_url, moment) == -signal.SIGKILL
    assert killed >= len(MOMENTS)
    assert run(station, state_url) == 0
    check(station)

"""`kill -9` amid a reconciliation: the next run goes on there, asks about nobody twice but those in flight, and leaves none out."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from syncd.store.matters import Routes
from tests.engine.conftest import Make
from tests.reconcile.conftest import Build
from tests.reconcile.offices import Archive, Office, subject
from tests.reconcile.sides import code

ROOT = Path(__file__).parents[2]
WORKERS = 2


def killed(kind: str, state_url: str, asked: Path, count: int, moments: Sequence[int]) -> Counter[str]:
    """Kill a run when so many were asked about, for each of these moments, and let one end; how often each was asked about."""
    command = [sys.executable, "-m", "tests.reconcile.mortal", kind, state_url, str(asked), str(count)]
    asked.touch()
    for moment in moments:
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT) as process:
            while process.poll() is None and len(asked.read_text().splitlines()) < moment:
                threading.Event().wait(0.005)
            process.kill()
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert ended.stdout.splitlines()[-1] == f"1 {count} 0", "the same run, everything checked, nothing found"
    return Counter(asked.read_text().split())


@pytest.mark.slow
def test_a_run_over_dossiers(build: Build, state_url: str, tmp_path: Path) -> None:
    build(120)
    moments = (10, 40, 70)
    times = killed("dossiers", state_url, tmp_path / "asked", 120, moments)
    assert set(times) == {code(number) for number in range(1, 121)}, "none was left out"
    assert times.total() <= 120 + len(moments) * WORKERS


@pytest.mark.slow
def test_a_run_over_drafts(make: Make, state_url: str, tmp_path: Path) -> None:
    archive = Archive(make(Office(), routes=Routes([], {"office": ()})), 120)
    archive.deliver()
    calls = len(archive.office.taken)
    moments = (10, 50)
    times = killed("drafts", state_url, tmp_path / "asked", 120, moments)
    assert set(times) == {subject(number) for number in range(1, 121)}, "none was left out"
    assert times.total() <= 120 + len(moments) * WORKERS
    archive.engine.settle()
    assert len(archive.office.taken) == calls, "nothing is handed over again"

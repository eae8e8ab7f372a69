"""Progress on a terminal: drawn while work goes on, never where nobody looks."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading

import pytest

from syncd.cli.progress import Share, watching

PROGRAM = """
import threading
from syncd.cli.progress import Share, watching
from syncd.errors import StoreUnavailable
looked = threading.Event()
answers = [StoreUnavailable("locked"), [Share("dvcqg", 3, 7)], [Share("dvcqg", 7, 7)]]
def measure():
    answer = answers.pop(0) if answers else None
    if answer is None:
        looked.set()
        return []
    if isinstance(answer, StoreUnavailable):
        raise answer
    return answer
with watching(measure):
    assert looked.wait(20)
print("done")
"""


def test_bars_are_drawn_on_a_terminal_and_gone_from_standard_output() -> None:
    near, far = pty.openpty()
    ended = subprocess.run([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=far, check=True, env={**os.environ, "TERM": "xterm-256color"})
    os.close(far)
    drawn = os.read(near, 100_000).decode()
    os.close(near)
    assert ended.stdout == b"done\n"
    assert "3/7" in drawn
    assert "7/7" in drawn


def test_nothing_is_measured_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    measured = threading.Event()

    def measure() -> list[Share]:
        measured.set()
        return []

    with watching(measure):
        assert not measured.is_set()
    assert capsys.readouterr() == ("", "")

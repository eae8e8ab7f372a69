"""The rehearsal itself, small: the real daemon against an invented one-stop and all four targets."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.cli import exits
from syncd.sandbox.world import TARGETS
from tests.cli.calling import Caller, process


def rows(shown: str) -> dict[str, list[str]]:
    """The table of the comparison, by target."""
    lines = [line.split() for line in shown.partition("belongs there")[2].splitlines()]
    return {line[0]: line[1:] for line in lines if line and line[0] in TARGETS}


@pytest.mark.parametrize("faults", [(), ("--faults",)])
def test_a_rehearsal_ends_with_every_target_equal_to_the_one_stop(tmp_path: Path, faults: tuple[str, ...]) -> None:
    ended = process("--lang", "en", "demo", "--dossiers", "60", "--seconds", "2", "--keep", str(tmp_path / "kept"), *faults)
    assert ended.returncode == exits.DONE, ended.stdout + ended.stderr
    assert "Every target equals the one-stop" in ended.stdout
    compared = rows(ended.stdout)
    assert set(compared) == set(TARGETS)
    assert all(int(there) == int(equal) > 0 and differences == "0" for there, equal, *_, differences in compared.values())
    rounds = re.search(r"results that made the full round +(\d+)", ended.stdout)
    assert rounds is not None
    assert int(rounds[1]) > 3
    assert ("faults" in ended.stdout) == bool(faults)
    assert {"onestop.db", "state.db", "syncd.toml", "syncd.log", "files", "mappings"} <= {file.name for file in (tmp_path / "kept").iterdir()}


def test_a_rehearsal_does_not_begin_in_a_folder_that_is_used(bare: Caller, tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").touch()
    shown = bare("demo", "--keep", str(tmp_path))
    assert shown.code == exits.FAILED
    assert "not empty" in shown.err


def test_a_sandbox_runs_until_it_is_interrupted(tmp_path: Path) -> None:
    folder = tmp_path / "sandbox"
    command = [sys.executable, "-m", "syncd", "sandbox", "--dossiers", "20", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        config = running.stdout.readline().strip()
        assert config == str(folder / "syncd.toml")
        assert process("--config", config, "run", "--once").returncode in (exits.DONE, exits.FAILED)
        assert process("--config", config, "status").returncode == exits.DONE
        running.send_signal(signal.SIGINT)
        assert running.wait() == exits.DONE

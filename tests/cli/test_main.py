"""What becomes of errors: a sentence, what to do next, and the exit code of its class."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from syncd import __version__
from syncd.cli import exits
from tests.cli.calling import Caller, process

BROKEN = """
[daemon]
stat = "sqlite:///state.db"
[source]
poll = "often"
[target]
"""


def failing(error: BaseException) -> Callable[[object], Path]:
    def fail(_app: object) -> Path:
        raise error

    return fail


def test_the_version_is_told(bare: Caller) -> None:
    assert bare("--version")[:2] == (exits.DONE, f"syncd {__version__}\n")


def test_a_mistyped_command_is_a_mistake_of_use(bare: Caller) -> None:
    shown = bare("stats")
    assert (shown.code, shown.out) == (exits.USAGE, "")
    assert "stats" in shown.err


def test_mistakes_of_use_are_told_in_vietnamese_too(bare: Caller) -> None:
    shown = bare("--lang", "vi", "dead", "retry")
    assert shown.code == exits.USAGE
    assert "Lỗi: hãy nêu mã hồ sơ tắc" in shown.err


@pytest.mark.parametrize("arguments", [("--help",), ("status", "--help")])
def test_help_is_in_the_language_of_the_locale(bare: Caller, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    monkeypatch.setenv("LC_ALL", "vi_VN.UTF-8")
    assert bare(*arguments).out.startswith("Cách dùng:")


def test_without_a_configuration_the_way_to_one_is_told(bare: Caller) -> None:
    shown = bare("status")
    assert (shown.code, shown.out) == (exits.CONFIGURATION, "")
    assert "syncd config example > syncd.toml" in shown.err


def test_all_problems_of_a_configuration_come_at_once_each_on_its_line(bare: Caller, tmp_path: Path) -> None:
    (tmp_path / "syncd.toml").write_text(BROKEN, "utf-8")
    shown = bare("status")
    assert shown.code == exits.CONFIGURATION
    fields = [line.split(":")[0] for line in shown.err.splitlines()]
    assert {"daemon.stat", "source.poll", "target", "targets"} <= set(fields)


def test_the_configuration_may_be_named_by_the_environment(bare: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_CONFIG", str(tmp_path / "elsewhere.toml"))
    assert "elsewhere.toml" in bare("status").err


def test_the_unexpected_is_one_line_without_values(bare: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.cli.app.App.path", property(failing(KeyError("phone 0987000123"))))
    shown = bare("status")
    assert (shown.code, shown.out) == (exits.FAILED, "")
    assert "KeyError" in shown.err
    assert "0987000123" not in shown.err
    assert "Traceback" not in shown.err


def test_an_interrupted_command_has_failed(bare: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.cli.app.App.path", property(failing(KeyboardInterrupt())))
    assert bare("status") == (exits.FAILED, "", "\n")


def test_a_reader_who_has_seen_enough_ends_the_command_silently(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run([sys.executable, "-m", "syncd", "config", "example"], stdout=writing, stderr=subprocess.PIPE, cwd=tmp_path, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (exits.FAILED, b"")


def test_exit_codes_reach_the_shell(tmp_path: Path) -> None:
    assert process("--version", cwd=tmp_path).returncode == exits.DONE
    assert process("status", "--nonsense", cwd=tmp_path).returncode == exits.USAGE
    assert process("status", cwd=tmp_path).returncode == exits.CONFIGURATION


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = ("sqlalchemy", "pydantic", "requests", "rich", "alembic", "apscheduler")
    program = f"import sys; from syncd.cli.main import call; call(['--help']); print([name for name in {heavy} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ended.stdout.splitlines()[-1] == "[]"

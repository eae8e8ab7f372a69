"""Calling the command line in this process, and as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, NamedTuple

import msgspec
import pytest

from syncd.cli.main import call


class Result(NamedTuple):
    """What a call left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        return msgspec.json.decode(self.out)


class Caller:
    """Calls syncd with some arguments always in front."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *always: str) -> None:
        self._capsys = capsys
        self.always = always

    def __call__(self, *arguments: str) -> Result:
        self._capsys.readouterr()
        code = call([*self.always, *arguments])
        out, err = self._capsys.readouterr()
        return Result(code, out, err)


def process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Syncd as a process of its own."""
    return subprocess.run([sys.executable, "-m", "syncd", *arguments], capture_output=True, text=True, check=False, **options)

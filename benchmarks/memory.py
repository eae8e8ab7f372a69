"""The most memory that a process has held. Not `ru_maxrss`, which a process inherits from the one that started it."""

from __future__ import annotations

import re
from pathlib import Path

_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


def peak(process: int | str = "self") -> float:
    """In MB; 0 where the process is gone."""
    try:
        found = _PEAK.search(Path(f"/proc/{process}/status").read_text("ascii", "replace"))
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0

"""Runs of collecting in processes that die at a named moment: python -m tests.collect.mortal

Each line that comes in is a JSON list of folder, state, moment and number; a process is forked for it, and how that one ended is
the line that goes out. A moment is `before:write`, `after:acknowledge` and the like; the process kills itself the numberth time
it comes there, with SIGKILL, so that nothing of it is tidied up. Without a moment it lives, and ends with 0 once everything is
told. What is forked from has loaded everything and opened nothing, so a run costs no start of an interpreter.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tests.collect.station import station

CALLS = ("waiting", "fetch", "write", "acknowledge")
MOMENTS = tuple(f"{when}:{call}" for call in CALLS for when in ("before", "after"))


def run(folder: str, state: str, moment: str, number: int) -> None:
    """Run once."""
    left = [number]

    def dying(when: str) -> Callable[[str], None]:
        def come_to(call: str) -> None:
            if f"{when}:{call}" == moment:
                left[0] -= 1
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)

        return come_to

    with station(Path(folder), state) as made:
        for seam in (made.office, made.outlet):
            seam.before, seam.after = dying("before"), dying("after")
        made.collecting.run()


def forked(line: str) -> int:
    """Run in a process of its own; how that ended."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a run says is no answer
    run(*json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    for given in sys.stdin:
        sys.stdout.write(f"{forked(given)}\n")
        sys.stdout.flush()

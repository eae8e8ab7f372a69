"""One run of collecting in a process that dies at a named moment: python -m tests.collect.mortal FOLDER STATE MOMENT NUMBER

A moment is `before:write`, `after:acknowledge` and the like; the process kills itself the NUMBERth time it comes there, with
SIGKILL, so that nothing of it is tidied up. Without a moment it lives, and ends with 0 once everything is told.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tests.collect.station import station

CALLS = ("waiting", "fetch", "write", "acknowledge")
MOMENTS = tuple(f"{when}:{call}" for call in CALLS for when in ("before", "after"))


def main(folder: str, state: str, moment: str = "", number: str = "1") -> None:
    """Run once."""
    left = [int(number)]

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


if __name__ == "__main__":
    main(*sys.argv[1:])

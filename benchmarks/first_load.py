"""S5: the first load of a province: nothing has been told yet, a dossier has about five steps, and a call carries fifty dossiers.

Compared by dossiers a second with S1's deliveries of one dossier a call, which run in the same call. Memory is the most that the daemon
ever held, reading of the one-stop included.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks import memory
from benchmarks.figures import Figure, Scale
from benchmarks.ground import POSTGRESQL, SQLITE, ground
from benchmarks.one_a_call import WORKERS, deliver
from benchmarks.sink import Habits, sink
from benchmarks.watch import standing

BATCH = 50
STEPS = 10
_LOOK = 0.05


class Load(NamedTuple):
    """One first load."""

    dossiers: int
    calls: int
    delivering: float  #: seconds from the first call to the last
    whole: float  #: seconds of the command, from its start to its end
    peak: float  #: MB


def first_load(scale: Scale) -> Iterator[Figure]:
    """S5."""
    for kind in (SQLITE, POSTGRESQL):
        singly = deliver(kind, scale.dossiers(4000, 22_500)).pace.rate
        load = _load(kind, scale.dossiers(6000, 100_000))
        rate, name = load.dossiers / load.delivering, f"syncd, {kind}, {BATCH} a call"
        yield Figure("S5", name, rate, "dossiers/s", rate / singly, "S1")
        yield Figure("S5", f"{name}: calls", load.calls / load.delivering, "calls/s")
        yield Figure("S5", f"{name}: with the reading", load.dossiers / load.whole, "dossiers/s", load.dossiers / load.whole / singly, "S1")
        yield Figure("S5", f"{name}: memory at most", load.peak, "MB")


def _load(kind: str, dossiers: int) -> Load:
    with sink(Habits()) as portal, ground(kind, dossiers, portal.port, workers=WORKERS, batch=BATCH, steps_per_call=STEPS) as place:
        began, peak = time.monotonic(), 0.0
        with place.running("run", "--once") as (process, _):
            while process.poll() is None:
                peak = memory.peak(process.pid) or peak
                time.sleep(_LOOK)
            whole = time.monotonic() - began
        calls, now = portal.noted(), standing(place)
        assert now.open + now.stopped == 0, f"not all was told: {now}"
    return Load(now.dossiers, len(calls), calls[-1].ended - min(call.began for call in calls), whole, peak)

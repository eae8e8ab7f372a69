"""S4: `kill -9` under the load of S2, at random moments, and a new start each time.

Every dossier has a changed record and a new step to be told of. In the end the sink must have taken both of each, and what it took
twice may be no more than what was under way at a kill. The time from the start of a process to its first call says how long a crash
stops the deliveries; the time that `syncd --version` takes in the same run says what of it Python needs to begin.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from typing import NamedTuple

from benchmarks.figures import Figure, Scale
from benchmarks.ground import POSTGRESQL, SQLITE, Ground, ground
from benchmarks.marks import Said, date_all, mark_all, said
from benchmarks.one_a_call import LATENCY, WORKERS
from benchmarks.sink import Habits, Sink, sink
from benchmarks.watch import settled, standing, until

_SEED = 4


class Life(NamedTuple):
    """What one process did until it was killed, or until everything was told."""

    first: float  #: seconds from its start to its first call
    taken: Sequence[bytes]


def killed(scale: Scale) -> Iterator[Figure]:
    """S4."""
    for kind in (SQLITE, POSTGRESQL):
        habits = Habits(latency=LATENCY, keep=True, holds=True)
        with sink(habits) as portal, ground(kind, scale.dossiers(2000, 10_000), portal.port, workers=WORKERS) as place:
            date_all(place)
            place.settle()
            mark_all(place, 1)
            portal.noted()
            kills = scale.dossiers(4, 12)
            lives = _lives(place, portal, kills)
            yield from _figures(f"syncd, {kind}", place, lives)


def _lives(place: Ground, portal: Sink, kills: int) -> list[Life]:
    """One life after another, each killed while a good part is still to be told; the last one tells the rest."""
    random, lives = Random(_SEED), list[Life]()
    left = 2 * standing(place).dossiers
    for more in range(kills, 0, -1):
        lives.append(_life(place, portal, partial(_some_calls, portal, random, left // (more + 1))))
        left -= len(lives[-1].taken)
    lives.append(_life(place, portal, lambda: settled(place)))
    return lives


def _some_calls(portal: Sink, random: Random, most: int) -> None:
    count = random.randrange(WORKERS, most)
    until(lambda: portal.count() >= count, LATENCY)
    time.sleep(random.uniform(0, LATENCY))


def _life(place: Ground, portal: Sink, lasting: Callable[[], object]) -> Life:
    began = time.monotonic()
    with place.running("run") as (process, _):
        lasting()
        process.kill()
        process.wait()
    time.sleep(LATENCY * 5)  # what was under way arrives
    calls = portal.noted()
    return Life(min(call.began for call in calls) - began, [call.body for call in calls])


def _figures(name: str, place: Ground, lives: Sequence[Life]) -> Iterator[Figure]:
    seconds, twice = [life.first for life in lives], max(_twice(lives).values(), default=0)
    python = _version(place)
    yield Figure("S4", f"{name}: lost", _lost(place, lives), "dossiers")
    yield Figure("S4", f"{name}: left to a person", standing(place).stopped, "dossiers")
    yield Figure("S4", f"{name}: sent twice after a kill, at most", twice, "calls", twice / WORKERS, "workers")
    yield Figure("S4", f"{name}: start to first call", statistics.median(seconds), "s", statistics.median(seconds) / python, "syncd --version")
    yield Figure("S4", f"{name}: start to first call, the longest", max(seconds), "s", max(seconds) / python, "syncd --version")


def _twice(lives: Sequence[Life]) -> Counter[int]:
    """By the life that had them taken and was killed before it knew: how many calls were taken again."""
    taken_in, found = dict[bytes, int](), Counter[int]()
    for number, life in enumerate(lives):
        for body in life.taken:
            if body in taken_in:
                found[taken_in[body]] += 1
            taken_in[body] = number
    return found


def _lost(place: Ground, lives: Sequence[Life]) -> int:
    """Dossiers of which the sink does not have everything."""
    told: dict[str, list[Said]] = {}
    for life in lives:
        for body in life.taken:
            what = said(body)
            told.setdefault(what.code, []).append(what)
    return standing(place).dossiers - sum(map(_whole, told.values()))


def _whole(told: Sequence[Said]) -> bool:
    status_only = all(what.record is None and not what.steps for what in told)
    return status_only or (any(what.record == 1 for what in told) and any(1 in what.steps for what in told))


def _version(place: Ground) -> float:
    began = time.monotonic()
    place.syncd("--version")
    return time.monotonic() - began

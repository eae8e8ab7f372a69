"""S3: every dossier gets four changes and four steps while the daemon delivers, and every tenth call is answered 503.

One step a call, so that a dossier needs several calls in their order. What the sink kept is read afterwards: nothing may have been
overtaken, sent twice, or sent while another call of the same dossier was under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from benchmarks.figures import Figure, Scale
from benchmarks.ground import POSTGRESQL, SQLITE, Ground, ground
from benchmarks.marks import Said, date_all, mark_all, said
from benchmarks.one_a_call import LATENCY, WORKERS
from benchmarks.sink import Habits, Noted, sink
from benchmarks.watch import settled, standing, until

BURST = 4
_FAULT_EVERY = 10


class Order(NamedTuple):
    """What the sink saw of dossiers, where it should not have."""

    overtaken: int = 0  #: a step before its record, steps out of order, an older record after a newer one
    overlapping: int = 0  #: calls of a dossier during another of the same
    repeated: int = 0  #: steps sent although they had been taken
    unfinished: int = 0  #: dossiers whose last record or steps never came


def bursts(scale: Scale) -> Iterator[Figure]:
    """S3."""
    for kind in (SQLITE, POSTGRESQL):
        calls = _deliver(kind, scale.dossiers(1500, 5000))
        taken = [call for call in calls if call.taken]
        rate = len(taken) / (calls[-1].ended - calls[0].began)
        yield Figure("S3", f"syncd, {kind}, taken", rate, "calls/s", rate * LATENCY / WORKERS, "workers / latency")
        for name, value in order(calls, BURST)._asdict().items():
            yield Figure("S3", f"syncd, {kind}: {name}", value, "")


def _deliver(kind: str, dossiers: int) -> Sequence[Noted]:
    habits = Habits(latency=LATENCY, fault_every=_FAULT_EVERY, keep=True, holds=True)
    with sink(habits) as portal, ground(kind, dossiers, portal.port, workers=WORKERS, steps_per_call=1) as place:
        date_all(place)
        place.settle()
        before = standing(place)
        portal.noted()
        with place.running("run"):
            for number in range(1, BURST + 1):
                mark_all(place, number)
                _read(place, before.steps + number * before.dossiers)
            settled(place)
        return portal.noted()


def _read(place: Ground, steps: int) -> None:
    """Wait until the daemon has read so many steps, and ended that poll: one in which dossiers change twice would surprise it."""
    until(lambda: standing(place).steps >= steps)
    last = standing(place).polled
    until(lambda: standing(place).polled != last)


def order(calls: Iterable[Noted], last: int) -> Order:
    """What went wrong, over all dossiers. Each should end with the mark `last`."""
    dossiers: dict[str, list[tuple[Noted, Said]]] = {}
    for call in sorted(calls):
        what = said(call.body)
        dossiers.setdefault(what.code, []).append((call, what))
    return Order(*map(sum, zip(*(_order(told, last) for told in dossiers.values()), strict=True)))


def _order(told: Sequence[tuple[Noted, Said]], last: int) -> Order:
    overlapping = sum(later.began < earlier.ended for (earlier, _), (later, _) in pairwise(told))
    overtaken, repeated, record, steps = 0, 0, 0, set[int]()
    taken = [what for call, what in told if call.taken]
    for what in taken:
        overtaken += what.record is not None and what.record < record
        record = record if what.record is None else what.record
        for step in what.steps:
            repeated += step in steps
            overtaken += step > record or (step not in steps and step != len(steps) + 1)
            steps.add(step)
    noted = any(what.record is not None for what in taken)
    unfinished = noted and (record != last or len(steps) != last)
    return Order(overtaken, overlapping, repeated, int(unfinished))

"""S3: every dossier gets four changes and four steps while the daemon delivers, and every tenth call is answered 503.

One step a call, so that a dossier needs several calls in their order. What the sink kept is read afterwards: nothing may have been
overtaken, sent twice, or sent while another call of the same dossier was under way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import create_engine, text, update

from benchmarks.figures import Figure, Scale
from benchmarks.ground import POSTGRESQL, SQLITE, Ground, ground
from benchmarks.marks import Said, mark_all, said
from benchmarks.one_a_call import LATENCY, WORKERS
from benchmarks.sink import Habits, Noted, sink
from syncd.sandbox.schema import tables_in

BURST = 4
_FAULT_EVERY = 10
_PATIENCE = 900.0
_LOOK = 0.2
_STANDING = text("""
    SELECT count(*), sum(steps_wanted), sum(CASE WHEN state IN ('due', 'leased') THEN 1 ELSE 0 END),
        sum(CASE WHEN state IN ('dead', 'held') THEN 1 ELSE 0 END), (SELECT max(polled_at) FROM source_cursor)
    FROM ledger
""")


class Standing(NamedTuple):
    """How far the ledger is."""

    dossiers: int
    steps: int  #: that the target should have
    open: int  #: dossiers that are due or leased
    dead: int
    polled: str  #: when the last poll ended


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


def until(condition: Callable[[], bool]) -> None:
    """Wait for it, not for ever."""
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(_LOOK)


def date_all(place: Ground) -> None:
    """Give a date to the dossiers that have none, which no poll would find."""
    dossier = tables_in(place.onestop).dossier
    with place.onestop.begin() as connection:
        connection.execute(update(dossier).where(dossier.c.modifiedDate.is_(None)).values(modifiedDate=dossier.c.createDate))


def standing(place: Ground) -> Standing:
    """How far the ledger is now."""
    engine = create_engine(place.state)
    with engine.connect() as connection:
        found = Standing(*connection.execute(_STANDING).one())
    engine.dispose()
    return found


def settled(place: Ground) -> Standing:
    """How it stands once no dossier is open."""
    until(lambda: not standing(place).open)
    return standing(place)


def order(calls: Iterable[Noted], last: int) -> Order:
    """What went wrong, over all dossiers. Each should end with the mark `last`."""
    dossiers: dict[str, list[tuple[Noted, Said]]] = {}
    for call in sorted(calls):
        what = said(call.body)
        dossiers.setdefault(what.code, []).append((call, what))
    return Order(*map(sum, zip(*(_order(told, last) for told in dossiers.values()), strict=True)))


def _order(told: Sequence[tuple[Noted, Said]], last: int) -> Order:
    overlapping = sum(later.began < earlier.ended for (earlier, _), (later, _) in pairwise(told))
    overtaken, repeated, record, steps = 0, 0, 0, list[int]()
    taken = [what for call, what in told if call.taken]
    for what in taken:
        overtaken += what.record is not None and what.record < record
        record = record if what.record is None else what.record
        for step in what.steps:
            repeated += step in steps
            overtaken += step > record or (step not in steps and step != len(steps) + 1)
            steps.append(step)
    noted = any(what.record is not None for what in taken)
    unfinished = noted and (record != last or len(set(steps)) != last)
    return Order(overtaken, overlapping, repeated, int(unfinished))

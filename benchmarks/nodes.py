"""S8: one, two and four daemons on one PostgreSQL; then of four one is killed and one stands still past its leases, while dossiers change.

Each dossier has a changed record and a new step to be told of, so two calls in their order. All are due before the first goes, so
that what is measured is how the nodes share them; of the calls the middle four fifths count, for the nodes do not hear the bell at one instant.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import TextClause, create_engine, text

from benchmarks.bursts import order
from benchmarks.figures import Figure, Scale
from benchmarks.ground import POSTGRESQL, Ground, ground
from benchmarks.marks import date_all, mark_all
from benchmarks.one_a_call import LATENCY
from benchmarks.sink import Habits, Noted, Sink, sink
from benchmarks.terms import TARGET
from benchmarks.watch import settled, standing, until

WORKERS = 4  #: of each node
COUNTS = (1, 2, 4)
_EDGE = 10  #: a tenth of the calls at either end
_SHORT = "1s"  #: what a call may take, so that a lease ends after 26 s
_BEATING = text("SELECT count(*) FROM node WHERE incarnation <> ''")
_LEASED = text("SELECT count(*) FROM ledger WHERE state = 'leased' AND lease_node = :node")


def nodes(scale: Scale) -> Iterator[Figure]:
    """S8."""
    with sink(Habits(latency=LATENCY, keep=True, holds=True)) as portal:
        with ground(POSTGRESQL, scale.dossiers(1000, 8000), portal.port, workers=WORKERS, timeout=_SHORT) as place:
            _ready(place)
            rates = [_rate(_shared(place, portal, count, mark)) for mark, count in enumerate(COUNTS, 1)]
        yield Figure("S8", "1 node", rates[0], "calls/s", rates[0] * LATENCY / WORKERS, "workers / latency")
        for count, rate in zip(COUNTS[1:], rates[1:], strict=True):
            yield Figure("S8", f"{count} nodes", rate, "calls/s", rate / rates[0], "1 node")
        with ground(POSTGRESQL, scale.dossiers(800, 5000), portal.port, workers=WORKERS, timeout=_SHORT) as place:
            _ready(place)
            calls = _suffering(place, portal)
        for name, value in order(calls, 3)._asdict().items():
            yield Figure("S8", f"4 nodes, one killed, one stalled: {name}", value, "")


def _ready(place: Ground) -> None:
    date_all(place)
    place.settle()


def _rate(calls: Sequence[Noted]) -> float:
    edge = len(calls) // _EDGE
    middle = sorted(calls, key=lambda each: each.ended)[edge : len(calls) - edge]
    return (len(middle) - 1) / (middle[-1].ended - middle[0].ended)


def _shared(place: Ground, portal: Sink, count: int, mark: int) -> Sequence[Noted]:
    """What so many nodes tell when everything is due."""
    place.syncd("target", "pause", TARGET)
    with _running(place, count):
        portal.noted()
        _change(place, mark)
        place.syncd("target", "resume", TARGET)
        settled(place)
        return portal.noted()


def _change(place: Ground, mark: int) -> None:
    """Let something happen to every dossier, and wait until it is read: a poll in which dossiers change twice would surprise."""
    before = standing(place)
    mark_all(place, mark)
    until(lambda: standing(place).steps >= before.steps + before.dossiers)
    last = standing(place).polled
    until(lambda: standing(place).polled != last)


def _suffering(place: Ground, portal: Sink) -> Sequence[Noted]:
    """What four nodes tell when one of them is killed and one stands still in the midst of it."""
    portal.noted()
    with _running(place, 4) as (killed, stalled, *_):
        _change(place, 1)
        until(lambda: all(_asked(place, _LEASED, node=f"n{number}") for number in (1, 2)), LATENCY)
        killed.kill()
        stalled.send_signal(signal.SIGSTOP)
        _change(place, 2)
        settled(place)
        stalled.send_signal(signal.SIGCONT)
        _change(place, 3)
        settled(place)
        return portal.noted()


@contextmanager
def _running(place: Ground, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many nodes at work; those that are left are ended as systemd would."""
    names = [{"SYNCD__DAEMON__NODE": f"n{number}"} for number in range(1, count + 1)]
    processes = [subprocess.Popen(place.command("run"), stdout=subprocess.DEVNULL, env={**os.environ, **name}) for name in names]
    try:
        until(lambda: _asked(place, _BEATING) == count)
        yield processes
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(60)


def _asked(place: Ground, query: TextClause, **values: object) -> int:
    engine = create_engine(place.state)
    with engine.connect() as connection:
        found = connection.execute(query, values).scalar_one()
    engine.dispose()
    return int(found)

"""S1 and S2: every dossier of a province has changed, and each goes in a call of its own.

S1 has a target that answers at once, so that what syncd itself costs is what is measured: against a bare loop that posts the same
bytes, and against two queues on PostgreSQL that deliver them. S2 has 20 ms of latency and 16 workers, so that nothing can be faster than
workers / latency.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.figures import Figure, Scale
from benchmarks.ground import POSTGRESQL, SQLITE, ground
from benchmarks.loops import Pace, bare, with_requests, with_urllib3
from benchmarks.queues import Procrastinate, delivered, installed
from benchmarks.sink import Habits, sink

WORKERS = 16
LATENCY = 0.020
_MICRO = 1e6


class Delivered(NamedTuple):
    """One run of the daemon over all dossiers."""

    pace: Pace
    bodies: Sequence[bytes]


def deliver(kind: str, dossiers: int, *, latency: float = 0.0, keep: bool = False) -> Delivered:
    """Let the daemon tell the sink of every dossier once."""
    with sink(Habits(latency=latency, keep=keep)) as portal, ground(kind, dossiers, portal.port, workers=WORKERS) as place:
        place.settle()
        place.change_all("Đề nghị trả kết quả qua bưu điện")
        portal.noted()
        with place.running("run", "--once") as (process, meter):
            process.wait()
        calls = portal.noted()
    began, ended = calls[0].began, calls[-1].ended
    return Delivered(Pace(len(calls) / (ended - began), meter.between(began, ended) / len(calls)), [call.body for call in calls])


def without_latency(scale: Scale) -> Iterator[Figure]:
    """S1."""
    count = scale.dossiers(4000, 22_500)
    runs = {kind: deliver(kind, count, keep=True) for kind in (SQLITE, POSTGRESQL)}
    bodies = runs[SQLITE].bodies
    with sink(Habits()) as portal:
        loop, lean = bare(with_requests, portal.url, bodies), bare(with_urllib3, portal.url, bodies)
        queues = {queue.name: delivered(queue, portal, bodies) for queue in installed()}
    yield Figure("S1", "bare loop, requests", loop.rate, "calls/s")
    yield Figure("S1", "bare loop, requests: processor", loop.processor * _MICRO, "µs/call")
    yield Figure("S1", "bare loop, urllib3", lean.rate, "calls/s", lean.rate / loop.rate, "requests")
    for kind, run in runs.items():
        yield Figure("S1", f"syncd, {kind}", run.pace.rate, "calls/s", run.pace.rate / loop.rate, "requests")
        yield Figure("S1", f"syncd, {kind}: processor", run.pace.processor * _MICRO, "µs/call", run.pace.processor / loop.processor, "requests")
    for name, pace in queues.items():
        yield Figure("S1", name, pace.rate, "calls/s", pace.rate / loop.rate, "requests")
        yield Figure("S1", f"{name}: processor", pace.processor * _MICRO, "µs/call", pace.processor / loop.processor, "requests")
    if ordered := queues.get(Procrastinate.name):
        rate = runs[POSTGRESQL].pace.rate
        yield Figure("S1", f"syncd, {POSTGRESQL}, as against {Procrastinate.name}", rate, "calls/s", rate / ordered.rate, "procrastinate")


def with_latency(scale: Scale) -> Iterator[Figure]:
    """S2."""
    for kind in (SQLITE, POSTGRESQL):
        run = deliver(kind, scale.dossiers(6000, 22_500), latency=LATENCY)
        yield Figure("S2", f"syncd, {kind}, {WORKERS} workers", run.pace.rate, "calls/s", run.pace.rate * LATENCY / WORKERS, "workers / latency")

"""S6: what reading a one-stop costs, however large it is.

One-stops of two sizes are read: polls that find nothing and that find a hundred, the first load, the nightly sweep, the comparison of
ledger and one-stop; each in a process of its own, for its peak of memory. Of a poll that finds nothing the ratio is that of the larger
one-stop to the smaller. The database's time is what PostgreSQL's process for the connection used of a processor; SQLite works in our own
process, where a profile tells its functions from ours, and there the state's share is in it too.
"""

from __future__ import annotations

import cProfile
import multiprocessing
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import structlog
from sqlalchemy import create_engine, select, text, update

from benchmarks import memory, reconcile
from benchmarks.figures import Figure, Scale
from benchmarks.ground import POSTGRESQL, SQLITE, processor_seconds
from benchmarks.multitude import onestop_of
from benchmarks.terms import TARGET
from connectors.onestop import OneStop, OneStopOptions, open_source
from syncd.clock import SystemClock
from syncd.crypto import KEY_BYTES, Cipher
from syncd.metrics import Metrics
from syncd.options import SourceOptions
from syncd.poll import Poller
from syncd.sandbox.onestop import connect, local_now
from syncd.sandbox.schema import tables_in
from syncd.store import migrations
from syncd.store.board import Board
from syncd.store.database import open_database
from syncd.store.intake import Intake
from syncd.store.matters import Routes

POLLS, FOUND = 40, 100
SETTLING = 2.2  #: seconds after which what was read last need not be read again
_MILLI = 1e3


class Cost(NamedTuple):
    """What one kind of reading took."""

    seconds: float  #: of a poll the median, of a load the whole
    database: float  #: processor seconds of the database for a poll that finds nothing; of others none is told
    rows: int
    peak: float  #: MB that the process ever held


@contextmanager
def reading(onestop: str, state: str) -> Iterator[tuple[Poller, OneStop]]:
    """The engine that polls, and what it reads."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    clock = SystemClock()
    database, source = open_database(state), open_source(OneStopOptions.model_validate({"url": onestop}), clock=clock)
    migrations.ensure(database)
    intake = Intake(database, Cipher([b"k" * KEY_BYTES], compact=True), clock, Routes([TARGET]))

    with closing(database), closing(source):
        yield Poller(source, SourceOptions.model_validate({"surprise": 1}), intake, Board(database), clock, Metrics()), source


def database_seconds(source: OneStop, work: Callable[[], object]) -> float:
    """What the database uses of a processor for it: PostgreSQL in the process behind the one connection there is, SQLite in ours."""
    with source._tables.reading() as (connection, _):  # noqa: SLF001 it polls over this one
        info = getattr(connection.connection.driver_connection, "info", None)
    if info is not None:
        before = processor_seconds(info.backend_pid) or 0.0
        work()
        return (processor_seconds(info.backend_pid) or 0.0) - before
    profile = cProfile.Profile(time.process_time)
    profile.runcall(work)
    return sum(entry.inlinetime for entry in profile.getstats() if isinstance(entry.code, str) and "sqlite3." in entry.code)


def first_load(onestop: str, state: str) -> Cost:
    """Everything, into an empty state."""
    return _once(onestop, state, lambda poller: poller.poll().rows)


def sweep(onestop: str, state: str) -> Cost:
    """Everything again, by its key."""
    return _once(onestop, state, lambda poller: poller.sweep().rows)


def nothing(onestop: str, state: str) -> Cost:
    """Polls while nothing happens."""
    with _settled(onestop, state) as (poller, source):
        spans, rows = _polls(poller, lambda: None)
        used = database_seconds(source, lambda: _polls(poller, lambda: None))
        return Cost(statistics.median(spans), used / POLLS, rows, memory.peak())


def hundred(onestop: str, state: str) -> Cost:
    """Polls, before each of which a hundred dossiers have changed."""
    officer = connect(onestop)
    dossier = tables_in(officer).dossier
    with officer.connect() as connection:
        keys = connection.scalars(select(dossier.c.dossierId).order_by(dossier.c.dossierId).limit(FOUND)).all()

    def change() -> None:
        with officer.begin() as connection:
            values = {"applicantNote": uuid.uuid4().hex, "modifiedDate": local_now(SystemClock())}
            connection.execute(update(dossier).where(dossier.c.dossierId.in_(keys)).values(values))

    with _settled(onestop, state) as (poller, _):
        spans, rows = _polls(poller, change)
    officer.dispose()
    return Cost(statistics.median(spans), 0.0, rows, memory.peak())


def _once(onestop: str, state: str, read: Callable[[Poller], int]) -> Cost:
    with reading(onestop, state) as (poller, _):
        began = time.perf_counter()
        rows = read(poller)
        return Cost(time.perf_counter() - began, 0.0, rows, memory.peak())


@contextmanager
def _settled(onestop: str, state: str) -> Iterator[tuple[Poller, OneStop]]:
    """When what was read last need not be read again."""
    with reading(onestop, state) as (poller, source):
        poller.poll()
        time.sleep(SETTLING)
        poller.poll()
        yield poller, source


def _polls(poller: Poller, happen: Callable[[], None]) -> tuple[list[float], int]:
    """How long each of some polls took, before each of which something happens, and how many rows the last one read."""
    spans, rows = [], 0
    for _ in range(POLLS):
        happen()
        began = time.perf_counter()
        rows = poller.poll().rows
        spans.append(time.perf_counter() - began)
    return spans, rows


def _apart(read: Callable[[str, str], Cost], onestop: str, state: str) -> Cost:
    """In a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(read, (onestop, state))


class Read(NamedTuple):
    """All of it at one size."""

    dossiers: int
    load: Cost
    nothing: Cost
    hundred: Cost
    sweep: Cost
    state: float  #: bytes of a dossier


def read_all(kind: str, dossiers: int) -> Read:
    """Every kind of reading, of one one-stop into one state."""
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder, onestop_of(kind, dossiers, Path(folder)) as (engine, count):
        places = (engine.url.render_as_string(hide_password=False), f"sqlite:///{folder}/state.db")
        load, idle, found, swept = (_apart(read, *places) for read in (first_load, nothing, hundred, sweep))
        counting = create_engine(places[1])
        with counting.connect() as connection:
            known = int(connection.execute(text("SELECT count(*) FROM snapshot")).scalar_one())
            size = int(connection.execute(text("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")).scalar_one())
        counting.dispose()
    return Read(count, load, idle, found, swept, size / known)


def reading_a_one_stop(scale: Scale) -> Iterator[Figure]:
    """S6."""
    for kind in (SQLITE, POSTGRESQL):
        small, large = read_all(kind, scale.dossiers(2000, 10_000)), read_all(kind, scale.dossiers(10_000, 1_000_000))
        before = f"{small.dossiers:,} dossiers"
        for of in (small, large):
            what = f"{kind}, {of.dossiers:,}"
            ratio = of.nothing.seconds / small.nothing.seconds
            yield Figure("S6", f"{what}: poll that finds nothing", of.nothing.seconds * _MILLI, "ms", ratio, before)
            yield Figure("S6", f"{what}: of that, the database", of.nothing.database * _MILLI, "ms", of.nothing.database / small.nothing.database, before)
            yield Figure("S6", f"{what}: poll that finds {FOUND}", of.hundred.seconds * _MILLI, "ms", of.hundred.seconds / small.hundred.seconds, before)
            for name, cost, base in (("first load", of.load, small.load), ("nightly sweep", of.sweep, small.sweep)):
                each, each_before = cost.seconds / cost.rows, base.seconds / base.rows
                yield Figure("S6", f"{what}: {name}", 1 / each, "dossiers/s", each_before / each, before)
            for name, cost in (("first load", of.load), ("nightly sweep", of.sweep), ("polls", of.hundred)):
                yield Figure("S6", f"{what}: {name}, peak memory", cost.peak, "MB")
            yield Figure("S6", f"{what}: state on disk", of.state, "bytes/dossier")
    for count in (scale.dossiers(2000, 10_000), scale.dossiers(10_000, 1_000_000)):
        seconds, _, peak = reconcile.figures(count, profile=False)
        yield Figure("S6", f"comparison of {count:,}", count / seconds, "dossiers/s")
        yield Figure("S6", f"comparison of {count:,}, peak memory", peak, "MB")

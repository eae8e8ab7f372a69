"""The queues on PostgreSQL that deliveries are measured against: the same bodies, put in before the clock starts, sixteen calls at a time.

Each has what makes it fast: uvloop, connections kept alive with hardly anything above the socket, a table that has been analysed.
procrastinate keeps the order of a dossier by a lock that names it; PgQueuer keeps none. Their packages are the extra `bench`.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import uuid
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any, ClassVar, Protocol

from sqlalchemy import URL, create_engine, text

from benchmarks.ground import SERVER, Meter, administer
from benchmarks.loops import HEADERS, PATH, Pace
from benchmarks.marks import code
from benchmarks.sink import Sink

AT_ONCE = 16
_NAME = "deliver"
_POOL = AT_ONCE + 2
_TAKEN = 200  # jobs that PgQueuer takes with one statement


class Lines:
    """Connections to the sink, one for each call that is under way."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._head = "\r\n".join([f"POST {PATH} HTTP/1.1", f"Host: 127.0.0.1:{port}", *map(": ".join, HEADERS.items())]).encode()

    async def post(self, body: bytes) -> None:
        """One call, to its answer."""
        async with self._turn:
            reader, writer = self._free.pop() if self._free else await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(b"%b\r\nContent-Length: %d\r\n\r\n%b" % (self._head, len(body), body))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
            self._free.append((reader, writer))


class Queue(Protocol):
    """One of them."""

    name: ClassVar[str]
    table: ClassVar[str]

    @staticmethod
    async def fill(address: str, bodies: Sequence[bytes]) -> None:
        """Put all in with one statement."""
        ...

    @staticmethod
    async def work(address: str, lines: Lines) -> None:
        """Deliver until nothing is left."""
        ...


class Procrastinate(Queue):
    """A lock for each dossier."""

    name = "procrastinate, a lock for each dossier"
    table = "procrastinate_jobs"

    @staticmethod
    async def fill(address: str, bodies: Sequence[bytes]) -> None:
        """By its own statement for many."""
        from procrastinate import App, PsycopgConnector
        from procrastinate.jobs import Job

        async with App(connector=PsycopgConnector(conninfo=address)).open_async() as app:
            await app.schema_manager.apply_schema_async()
            terms: dict[str, Any] = {"id": None, "queue": "default", "queueing_lock": None, "task_name": _NAME}
            await app.job_manager.batch_defer_jobs_async([Job(**terms, lock=code(body), task_kwargs={"body": body.decode()}) for body in bodies])

    @staticmethod
    async def work(address: str, lines: Lines) -> None:
        """As its documentation has a worker that ends with the queue."""
        from procrastinate import App, PsycopgConnector

        async def deliver(body: str) -> None:
            await lines.post(body.encode())

        app = App(connector=PsycopgConnector(conninfo=address, min_size=_POOL, max_size=_POOL))
        app.task(name=_NAME)(deliver)
        async with app.open_async():
            left: Sequence[Any] = (None,)
            while left:  # a worker also ends where all that is left waits for a lock
                await app.run_worker_async(concurrency=AT_ONCE, wait=False)
                left = list(await app.job_manager.list_jobs_async(status="todo"))


class PgQueuer(Queue):
    """No order."""

    name = "PgQueuer, no order"
    table = "pgqueuer"

    @staticmethod
    async def fill(address: str, bodies: Sequence[bytes]) -> None:
        """By its own statement for many."""
        import asyncpg
        from pgqueuer import AsyncpgDriver, Queries

        connection = await asyncpg.connect(address)
        queries = Queries(AsyncpgDriver(connection))
        await queries.install()
        await queries.enqueue([_NAME] * len(bodies), list(bodies), [0] * len(bodies))
        await connection.close()

    @staticmethod
    async def work(address: str, lines: Lines) -> None:
        """As its documentation has a worker that ends with the queue."""
        import asyncpg
        from pgqueuer import PgQueuer
        from pgqueuer.types import QueueExecutionMode

        async def deliver(job: Any) -> None:
            await lines.post(job.payload)

        async with asyncpg.create_pool(address, min_size=_POOL, max_size=_POOL) as pool:
            queue = PgQueuer.from_asyncpg_pool(pool)
            queue.entrypoint(_NAME)(deliver)
            await queue.run(batch_size=_TAKEN, mode=QueueExecutionMode.drain)


def installed() -> Iterator[type[Queue]]:
    """Those whose packages are there; for the others a word on how to get them."""
    queues: dict[str, type[Queue]] = {"procrastinate": Procrastinate, "pgqueuer": PgQueuer}
    for package, queue in queues.items():
        if find_spec(package):
            yield queue
        else:
            print(f"left out: {queue.name}; it comes with the extra bench, as `make bench` installs it", flush=True)


def delivered(queue: type[Queue], portal: Sink, bodies: Sequence[bytes]) -> Pace:
    """The pace of a queue that delivers these bodies, in a process of its own."""
    database = SERVER.set(drivername="postgresql", database=f"bench_{uuid.uuid4().hex[:12]}")
    administer(f'CREATE DATABASE "{database.database}"')
    try:
        return _paced(queue, database, portal, bodies)
    finally:
        administer(f'DROP DATABASE "{database.database}" WITH (FORCE)')


def _paced(queue: type[Queue], database: URL, portal: Sink, bodies: Sequence[bytes]) -> Pace:
    address = database.render_as_string(hide_password=False)
    asyncio.run(queue.fill(address, bodies))
    engine = create_engine(database.set(drivername=SERVER.drivername), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"VACUUM ANALYZE {queue.table}"))
    engine.dispose()
    portal.noted()
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(queue, address, portal.port))
    process.start()
    assert process.pid
    with Meter(process.pid, str(database.database)) as meter:
        process.join()
    calls = portal.noted()
    assert len(calls) == len(bodies), f"{queue.name}: has delivered {len(calls)} of {len(bodies)}"
    began, ended = calls[0].began, calls[-1].ended
    return Pace(len(calls) / (ended - began), meter.between(began, ended) / len(calls))


def _work(queue: type[Queue], address: str, port: int) -> None:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(queue.work(address, Lines(port)))

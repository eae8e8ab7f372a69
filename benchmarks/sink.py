"""A portal that only takes: a keep-alive HTTP server on loopback that answers as fast as it can, after a latency, with faults.

It runs in a process of its own and notes of each call when it began, when it was answered, and with what; the bodies too where they
are wanted. What it does per call is as little as will do, so that it is never what is measured.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import NamedTuple

from benchmarks.terms import HELD, MISSING, SESSION, TAKEN

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class Habits(NamedTuple):
    """How the sink behaves."""

    latency: float = 0.0  #: seconds before each answer
    fault_every: int = 0  #: each so many calls one is answered 503 and not taken; 0 = none
    keep: bool = False  #: the bodies, to be looked at
    holds: bool = False  #: what it says of a dossier when it is asked: that it is there
    port: int = 0


class Noted(NamedTuple):
    """One call that brought dossiers."""

    began: float  #: on the monotonic clock, which all processes of a machine share
    ended: float
    taken: bool
    body: bytes


class Sink:
    """The sink as the benchmark sees it."""

    def __init__(self, port: int, control: Connection) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self._control = control

    def count(self) -> int:
        """How many calls were taken since the last `noted`."""
        self._control.send("count")
        return int(self._control.recv())

    def noted(self) -> list[Noted]:
        """The calls since it was asked last."""
        self._control.send("noted")
        return [Noted(*each) for each in self._control.recv()]


@contextmanager
def sink(habits: Habits) -> Iterator[Sink]:
    """A running sink."""
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_serve, args=(habits, theirs), daemon=True)
    process.start()
    try:
        yield Sink(ours.recv(), ours)
    finally:
        process.kill()
        process.join()


class _Notes:
    """What all connections note."""

    def __init__(self, habits: Habits) -> None:
        self.habits = habits
        self.calls: list[Noted] = []
        self.taken = 0
        self.number = 0


class _Caller(asyncio.Protocol):
    """One connection. Clients send the next request when they have the answer, so one request at a time is whole."""

    def __init__(self, notes: _Notes) -> None:
        self._notes = notes
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Answer when the request is whole."""
        self._buffer = self._buffer + data if self._buffer else data
        head = self._buffer.find(_END)
        if head < 0:
            return
        at = self._buffer[:head].lower().find(_LENGTH)
        length = int(self._buffer[at + len(_LENGTH) : head].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) >= head + 4 + length:
            body, self._buffer = self._buffer[head + 4 :], b""
            self._perform(body)

    def _perform(self, body: bytes) -> None:
        notes, began = self._notes, time.monotonic()
        if b'"data":' not in body[:400]:
            self._answer(SESSION if b'"password"' in body else HELD if notes.habits.holds else MISSING)
            return
        notes.number += 1
        taken = not (notes.habits.fault_every and notes.number % notes.habits.fault_every == 0)
        if notes.habits.latency:
            asyncio.get_running_loop().call_later(notes.habits.latency, self._take, began, taken, body)
        else:
            self._take(began, taken, body)

    def _take(self, began: float, taken: bool, body: bytes) -> None:
        notes = self._notes
        notes.calls.append(Noted(began, time.monotonic(), taken, body if notes.habits.keep else b""))
        notes.taken += taken
        self._answer(TAKEN if taken else _BUSY)

    def _answer(self, answer: bytes) -> None:
        if self._transport is not None:
            self._transport.write(answer)


def _serve(habits: Habits, control: Connection) -> None:
    with asyncio.Runner(loop_factory=_exact) as runner:
        runner.run(_run(habits, control))


def _exact() -> asyncio.AbstractEventLoop:
    """A loop that waits to the microsecond: the usual one rounds up to whole milliseconds, and 20 would be 21."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


async def _run(habits: Habits, control: Connection) -> None:
    notes, loop, ended = _Notes(habits), asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(lambda: _Caller(notes), "127.0.0.1", habits.port)

    def asked() -> None:
        try:
            word = control.recv()
        except EOFError:
            ended.set()
            return
        control.send(notes.taken if word == "count" else [tuple(each) for each in notes.calls])
        if word == "noted":
            notes.calls, notes.taken = [], 0

    loop.add_reader(control.fileno(), asked)
    control.send(server.sockets[0].getsockname()[1])
    await ended.wait()

"""Connections to PostgreSQL on which a strand that waits for the server lets the others go.

Each statement on them is a transaction of its own, begun and committed on its one way to the server. They are kept apart from SQLAlchemy's, whose
pool and whose compiler take longer than psycopg takes for the rest.
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait

from syncd.strands import attend

Result = TypeVar("Result")

_BROKEN = select.POLLERR | select.POLLHUP | select.POLLNVAL


class GivingWay(psycopg.Connection[Any]):
    """As psycopg's, in a strand and in a thread."""

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """Run what talks to the server and must wait for it now and then."""
        try:
            wanted, number = next(gen), self.pgconn.socket
            while True:
                seen = attend([number] if wanted & Wait.R else [], [number] if wanted & Wait.W else [], interval)
                wanted = gen.send(_ready(seen.get(number, 0)))
        except StopIteration as ended:
            found: Result = ended.value
            return found


def _ready(events: int) -> Ready:
    """What can be done now, by what poll has seen."""
    return Ready(Wait.R * bool(events & (select.POLLIN | _BROKEN)) | Wait.W * bool(events & (select.POLLOUT | _BROKEN)))


class Statements:
    """As many connections as are in use at one time."""

    def __init__(self, connect: Callable[[], GivingWay]) -> None:
        self._connect = connect
        self._idle: deque[GivingWay] = deque()
        self._closed = False

    @contextmanager
    def one(self) -> Iterator[GivingWay]:
        """A connection that nobody else uses meanwhile; where something is raised within, it is of no more use."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        if self._closed:
            self.drop()

    def close(self) -> None:
        """Close all: those in use when they are given back."""
        self._closed = True
        self.drop()

    def drop(self) -> None:
        """Close those that nobody uses."""
        while self._idle:
            self._idle.pop().close()

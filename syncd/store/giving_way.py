"""A connection to PostgreSQL on which a strand that waits for the server lets the others go."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait

from syncd.strands import attend

Result = TypeVar("Result")


class GivingWay(psycopg.Connection[Any]):
    """As psycopg's; it gives way only while it is told so."""

    _gives_way = False

    @contextmanager
    def giving_way(self) -> Iterator[Self]:
        """Within, each statement is a transaction of its own, whoever waits for the server lets the others go, and statements are as the server
        takes them: psycopg would look through a long one for `%s` each time, which takes as long as the server needs to carry it out.
        Where something is raised within, the connection is of no more use."""
        self.autocommit = True
        usual, self.cursor_factory, self._gives_way = self.cursor_factory, psycopg.RawCursor, True
        yield self
        self.cursor_factory, self._gives_way = usual, False
        self.autocommit = False

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """Run what talks to the server and must wait for it now and then."""
        if not self._gives_way:
            return super().wait(gen, interval, timeout)
        try:
            wanted, number = next(gen), self.pgconn.socket
            while True:
                attend([number] if wanted & Wait.R else [], [number] if wanted & Wait.W else [], interval)
                wanted = gen.send(_ready(number, wanted))
        except StopIteration as ended:
            found: Result = ended.value
            return found


def _ready(number: int, wanted: Wait) -> Ready:
    """What of it can be done now."""
    poll = select.poll()
    poll.register(number, select.POLLIN * bool(wanted & Wait.R) | select.POLLOUT * bool(wanted & Wait.W))
    seen = sum(events for _, events in poll.poll(0))
    broken = seen & (select.POLLERR | select.POLLHUP)
    return Ready(Wait.R * bool(seen & select.POLLIN or broken) | Wait.W * bool(seen & select.POLLOUT or broken))

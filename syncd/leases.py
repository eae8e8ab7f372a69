"""The named leases of this node: who polls, collects, counts and prunes, one node at a time.

A lease is taken for a term and kept by the node's beat as long as the work under it moves; so a term may be short, and a long page
or a large document costs no lease. It lapses with the process, however that ends, and with work that has said nothing for
`SILENCE`. What is written under a lease carries its fence (`board.Fence`). A node that drains takes none and gives back its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from syncd.clock import Clock
from syncd.store.board import Board, Fence

SILENCE = 600.0  #: seconds


class _Work(NamedTuple):
    """What a thread does under a lease, and when it last moved."""

    fence: Fence
    at: float


class Leases:
    """Takes and keeps the leases of one node."""

    def __init__(self, board: Board, node: str, clock: Clock, term: timedelta) -> None:
        self.draining = False
        self._board = board
        self._node = node
        self._clock = clock
        self._term = term
        self._work: dict[int, _Work] = {}

    def take(self, name: str, term: timedelta | None = None) -> Fence | None:
        """Take or renew a lease; None while another node has it, or this one drains."""
        return None if self.draining else self._board.lease(name, self._node, self._clock.now(), term or self._term)

    @contextmanager
    def working(self, name: str) -> Iterator[Fence | None]:
        """Work under a lease, which is kept until the work ends; None where it is not to be had."""
        fence, thread = self.take(name), threading.get_ident()
        if fence is not None:
            self._work[thread] = _Work(fence, self._clock.monotonic())
        try:
            yield fence
        finally:
            self._work.pop(thread, None)

    def moved(self) -> None:
        """The work of this thread has come further."""
        if work := self._work.get(threading.get_ident()):
            self._work[threading.get_ident()] = _Work(work.fence, self._clock.monotonic())

    def held(self, fence: Fence) -> bool:
        """Whether this thread may go on with what it began under this fence."""
        self.moved()
        return self.take(fence.name) == fence

    def keep(self) -> None:
        """Extend the leases of work that moves; give back all others where the node drains."""
        moving = [work.fence for work in list(self._work.values()) if self._clock.monotonic() - work.at < SILENCE]
        self._board.keep(moving, self._clock.now())
        if self.draining and not moving:
            self.give_back()

    def give_back(self) -> None:
        """Give up every lease of this node, so that another need not wait for their end."""
        self._board.yield_lease(self._node, self._clock.now())

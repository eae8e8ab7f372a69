"""Group commit: many threads hand in what they have, one transaction writes it, each returns when its own is on the disk.

There is no writer thread. Whoever finds nobody writing writes, for all who came meanwhile; the others wait. So a lone
thread pays for its own commit only, and sixteen threads share one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Given = TypeVar("Given")
Answer = TypeVar("Answer")


class _Slip(Generic[Given, Answer]):
    """What one thread handed in, and what became of it."""

    def __init__(self, given: Sequence[Given]) -> None:
        self.given = given
        self.done = False
        self.answer: Answer | None = None
        self.error: BaseException | None = None


class GroupCommit(Generic[Given, Answer]):
    """Joins concurrent writes; `write` gets everything handed in meanwhile, and its answer goes to all of them."""

    def __init__(self, write: Callable[[list[Given]], Answer]) -> None:
        self._write = write
        self._changed = threading.Condition()
        self._waiting: list[_Slip[Given, Answer]] = []
        self._writing = False

    def submit(self, given: Sequence[Given]) -> Answer:
        """Write `given`, with others' if they come at the same time; raises what `write` raised."""
        slip: _Slip[Given, Answer] = _Slip(given)
        with self._changed:
            self._waiting.append(slip)
            while self._writing and not slip.done:
                self._changed.wait()
            if not slip.done:
                self._writing, group, self._waiting = True, self._waiting, []
        if not slip.done:
            self._lead(group)
        if slip.error is not None:
            raise slip.error
        return slip.answer  # type: ignore[return-value]

    def _lead(self, group: list[_Slip[Given, Answer]]) -> None:
        answer, error = None, None
        try:
            answer = self._write([each for slip in group for each in slip.given])
        except BaseException as raised:  # noqa: BLE001  it is raised again, in each thread that handed something in
            error = raised
        with self._changed:
            for slip in group:
                slip.answer, slip.error, slip.done = answer, error, True
            self._writing = False
            self._changed.notify_all()

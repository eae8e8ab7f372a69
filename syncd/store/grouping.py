"""Group commit: many workers hand in what they have, one transaction writes it, each returns when its own is on the disk.

Nobody is there only to write. Whoever finds nobody writing writes, for all who came meanwhile, and then leaves it to the first of those who
have come since. So a lone worker pays for its own commit only, sixteen share one, and each is woken
once. Where all strands of a thread are held up while one of them writes, it lets those come first whose answers lie ready; where they go on
meanwhile, they are the next group.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from syncd.strands import Latch, give_way

Given = TypeVar("Given")
Answer = TypeVar("Answer")


class _Slip(Generic[Given, Answer]):
    """What one worker handed in, and what became of it."""

    def __init__(self, given: Sequence[Given]) -> None:
        self.given = given
        self.done = False
        self.answer: Answer | None = None
        self.error: BaseException | None = None
        self.turn = Latch()  #: opened when it is done, or when whoever waits for it is to write


class GroupCommit(Generic[Given, Answer]):
    """Joins concurrent writes; `write` gets everything handed in meanwhile, and its answer goes to all of them."""

    def __init__(self, write: Callable[[list[Given]], Answer], *, holds_up: bool = True) -> None:
        """`holds_up`: no other strand goes on during a write."""
        self._write = write
        self._holds_up = holds_up
        self._guard = threading.Lock()
        self._waiting: list[_Slip[Given, Answer]] = []
        self._writing = False

    def submit(self, given: Sequence[Given]) -> Answer:
        """Write `given`, with others' if they come at the same time; raises what `write` raised."""
        slip: _Slip[Given, Answer] = _Slip(given)
        with self._guard:
            self._waiting.append(slip)
            behind, self._writing = self._writing, True
        if behind:
            slip.turn.wait()
        if not slip.done:
            self._lead(slip)
        if slip.error is not None:
            raise slip.error
        return slip.answer  # type: ignore[return-value]

    def _lead(self, own: _Slip[Given, Answer]) -> None:
        if self._holds_up:
            give_way()
        with self._guard:
            group, self._waiting = self._waiting, []
        answer, error = None, None
        try:
            answer = self._write([each for slip in group for each in slip.given])
        except BaseException as raised:  # noqa: BLE001  it is raised again, in each worker that handed something in
            error = raised
        with self._guard:
            following = self._waiting[:1]
            self._writing = bool(following)
        for slip in group:
            slip.answer, slip.error, slip.done = answer, error, True
        for slip in (*following, *group):
            if slip is not own:
                slip.turn.open()

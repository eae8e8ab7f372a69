"""Group commit: nobody returns before its own is written, and many share one write."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from syncd.loom import Loom
from syncd.store.grouping import GroupCommit


def test_those_who_come_while_one_writes_share_the_next_write() -> None:
    writes: list[list[int]] = []
    first_writes, others_wait = threading.Event(), threading.Event()

    def write(given: list[int]) -> int:
        writes.append(given)
        if len(writes) == 1:
            first_writes.set()
            assert others_wait.wait(10)
        return len(writes)

    group: GroupCommit[int, int] = GroupCommit(write)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(group.submit, [0])
        assert first_writes.wait(10)
        others = [pool.submit(group.submit, [number]) for number in range(1, 9)]
        while len(group._waiting) < 8:
            threading.Event().wait(0.001)
        others_wait.set()
        assert first.result(10) == 1
        assert [other.result(10) for other in others] == [2] * 8
    assert writes[0] == [0]
    assert sorted(writes[1]) == list(range(1, 9))


def test_a_write_that_fails_fails_for_all_who_shared_it_and_the_next_goes_on() -> None:
    failing = [True]

    def write(given: list[int]) -> int:
        if failing.pop():
            raise OSError("full")
        return sum(given)

    failing[:] = [False, True]
    group: GroupCommit[int, int] = GroupCommit(write)
    with pytest.raises(OSError, match="full"):
        group.submit([1])
    assert group.submit([2, 3]) == 5


@pytest.mark.parametrize(("holds_up", "written"), [(True, [[1, 2, 3]]), (False, [[1], [2], [3]])])
def test_strands_that_are_held_up_by_a_write_come_before_it(holds_up: bool, written: list[list[int]]) -> None:
    groups: list[list[int]] = []
    group: GroupCommit[int, None] = GroupCommit(groups.append, holds_up=holds_up)
    Loom().run([partial(group.submit, [number]) for number in (1, 2, 3)])
    assert groups == written

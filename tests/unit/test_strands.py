"""Strands: they share a thread, and each gives way where it waits; threads wait with the same words."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from syncd.loom import Loom
from syncd.strands import Latch, Turn, attend, give_way, rest, rest_unless

FOR_EVER = 60.0


def on_a_loom(works: list[Callable[[], object]]) -> None:
    Loom().run(works)


def on_threads(works: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(FOR_EVER)


both = pytest.mark.parametrize("at_once", [on_a_loom, on_threads])


@both
def test_all_wait_at_the_same_time(at_once: Callable[[list[Callable[[], object]]], None]) -> None:
    last, arrived = Latch(), []

    def work(number: int) -> None:
        arrived.append(number)
        if len(arrived) == 5:
            last.open()
        assert last.wait(FOR_EVER)

    at_once([partial(work, number) for number in range(5)])
    assert sorted(arrived) == [0, 1, 2, 3, 4]


def test_strands_stay_in_their_thread() -> None:
    threads = set()

    def work() -> None:
        for _ in range(3):
            threads.add(threading.get_ident())
            rest(0.001)

    Loom().run([work] * 4)
    assert threads == {threading.get_ident()}


def test_who_gives_way_goes_after_those_for_whom_something_has_come_and_before_those_who_are_called() -> None:
    latch = Latch()
    told: list[str] = []
    ours, theirs = socket.socketpair()

    def courteous() -> None:
        theirs.send(b"x")
        latch.open()
        told.append("before")
        give_way()
        told.append("after")

    def waiting() -> None:
        latch.wait(FOR_EVER)
        told.append("called")

    def listening() -> None:
        attend([ours.fileno()], [], FOR_EVER)
        told.append("heard")

    with ours, theirs:
        Loom().run([waiting, listening, courteous, lambda: told.append("another")])
    assert told == ["before", "another", "heard", "after", "called"]


@both
def test_a_socket_is_waited_for_to_read_and_to_write(at_once: Callable[[list[Callable[[], object]]], None]) -> None:
    ours, theirs = socket.socketpair()
    got: list[bytes] = []

    def reading() -> None:
        attend([ours.fileno()], [], FOR_EVER)
        got.append(ours.recv(1))

    def writing() -> None:
        attend([], [theirs.fileno()], FOR_EVER)
        theirs.send(b"x")

    with ours, theirs:
        at_once([reading, writing])
    assert got == [b"x"]


@both
def test_a_wait_ends_by_its_time(at_once: Callable[[list[Callable[[], object]]], None]) -> None:
    ours, theirs = socket.socketpair()
    waits: list[bool] = []

    def work() -> None:
        attend([ours.fileno()], [], 0.01)
        rest(0.01)
        waits.append(Latch().wait(0.01))

    began = time.monotonic()
    with ours, theirs:
        at_once([work])
    assert waits == [False]
    assert time.monotonic() - began >= 0.03


def test_a_latch_is_opened_from_another_thread_and_only_ends_the_wait_for_it() -> None:
    latch, late = Latch(), Latch()
    waits: list[bool] = []

    def work() -> None:
        waits.append(late.wait(0.001))  # and is opened when nobody waits for it any more
        waits.append(latch.wait(FOR_EVER))

    def opening() -> None:
        rest(0.02)
        late.open()
        rest(0.02)
        latch.open()

    thread = threading.Thread(target=opening)
    thread.start()
    Loom().run([work])
    thread.join(FOR_EVER)
    assert waits == [False, True]
    assert latch.wait(), "it stays open"


def test_opening_from_many_threads_loses_nobody() -> None:
    pairs = [(Latch(), Latch()) for _ in range(200)]

    def here() -> None:
        for there, back in pairs:
            there.open()
            assert back.wait(FOR_EVER)

    def away() -> None:
        for there, back in pairs:
            assert there.wait(FOR_EVER)
            back.open()

    thread = threading.Thread(target=away)
    thread.start()
    Loom().run([here])
    thread.join(FOR_EVER)


@both
def test_a_turn_has_one_holder_though_it_waits(at_once: Callable[[list[Callable[[], object]]], None]) -> None:
    turn, inside, most = Turn(), [], []

    def work(number: int) -> None:
        with turn:
            inside.append(number)
            most.append(len(inside))
            rest(0.001)
            inside.remove(number)

    at_once([partial(work, number) for number in range(8)])
    assert most == [1] * 8


def test_turns_come_in_order() -> None:
    turn, order = Turn(), []

    def work(number: int) -> None:
        with turn:
            order.append(number)
            rest(0.001)

    Loom().run([partial(work, number) for number in range(6)])
    assert order == list(range(6))


@both
def test_who_rests_until_the_end_of_all_is_roused(at_once: Callable[[list[Callable[[], object]]], None]) -> None:
    stopping, told = threading.Event(), []

    def resting() -> None:
        told.append(rest_unless(stopping, FOR_EVER))

    def stop() -> None:
        rest(0.01)
        stopping.set()

    at_once([resting, stop])
    assert told == [True]
    assert rest_unless(threading.Event(), 0.0) is False


def test_one_that_fails_is_told_of_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_value))

    def fail() -> None:
        raise SystemExit("of its own")

    def other() -> None:
        rest(0.01)
        told.append("other")

    Loom().run([fail, other])
    assert [str(each) for each in told] == ["of its own", "other"]


@both
def test_a_latch_that_is_never_opened_forgets_who_waited(at_once: Callable[[list[Callable[[], object]]], None]) -> None:
    latch = Latch()
    at_once([lambda: [latch.wait(0.001) for _ in range(5)]] * 3)
    assert latch._waiting == []

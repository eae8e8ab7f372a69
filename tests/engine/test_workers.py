"""Worker threads: they find what is due, share the work, and end when told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import text

from syncd.calls import Element, Outcome, Receipt
from syncd.clock import SystemClock
from syncd.strands import Latch, rest
from syncd.workers import Workers
from tests.clocks import TurnedClock
from tests.engine.conftest import Make
from tests.engine.engine import Engine, dossier, step
from tests.engine.target import RecordingTarget, down
from tests.waiting import wait_for


def workers_of(engine: Engine) -> Workers:
    return Workers(engine.delivery, engine.ledger, engine.gate, SystemClock())


def fill(engine: Engine, count: int, steps: int = 2) -> None:
    for n in range(count):
        engine.see(dossier(f"000.00.14.H03-250303-{n:04}", n), [step(n * 10 + m) for m in range(steps)])


def end_once_in_sync(engine: Engine, workers: Workers, count: int) -> None:
    """Let them end when so many dossiers are in sync."""
    wait_for(lambda: engine.board.counts("portal").in_sync == count)
    engine.stopping.set()
    workers.ring()
    assert workers.join(60)


sharing = pytest.mark.parametrize("gives_way", [False, True], ids=["a thread each", "one thread"])


@sharing
def test_all_that_is_due_is_delivered_by_several_workers_each_dossier_in_order(make: Make, gives_way: bool) -> None:
    engine = make(workers=4)
    engine.target.gives_way = gives_way
    engine.target.before = lambda lane, elements: rest(0.001)
    fill(engine, 60)
    workers = workers_of(engine)
    workers.start(until_idle=True)
    assert workers.join(60)
    assert len(engine.target.records) == 60
    assert all(sent == sorted(set(sent)) for sent in engine.target.steps.values())
    assert engine.board.counts("portal").in_sync == 60
    assert engine.delivery.books.settled == 60


def test_workers_of_a_target_that_gives_way_share_a_thread_and_call_at_the_same_time(make: Make) -> None:
    engine = make(workers=8)
    engine.target.gives_way = True
    fill(engine, 8, steps=0)
    calling, threads = Latch(), set()

    def before(lane: str, elements: Sequence[Element]) -> None:
        threads.add(threading.get_ident())
        arrived.append(lane)
        if len(arrived) == 8:
            calling.open()
        assert calling.wait(60), "all eight are in their calls at once"

    arrived: list[str] = []
    engine.target.before = before
    workers = workers_of(engine)
    workers.start(until_idle=True)
    assert workers.join(60)
    assert (len(arrived), len(threads), len(engine.target.records)) == (8, 1, 8)


@sharing
def test_no_two_workers_are_ever_at_the_same_dossier(make: Make, gives_way: bool) -> None:
    engine = make(workers=8)
    engine.target.gives_way = gives_way
    fill(engine, 40, steps=5)
    at_work: set[str] = set()
    lock = threading.Lock()
    clashes: list[str] = []
    real = engine.target.send

    def watched(elements: list[Element]) -> object:
        code = elements[0].subject
        with lock:
            clashes.extend([code] if code in at_work else [])
            at_work.add(code)
        rest(0.001)
        receipt = real(elements)
        with lock:
            at_work.discard(code)
        return receipt

    engine.target.send = watched  # type: ignore[method-assign, assignment]
    workers = workers_of(engine)
    workers.start(until_idle=True)
    assert workers.join(60)
    assert clashes == []
    assert len(engine.target.records) == 40


@sharing
def test_a_ring_wakes_resting_workers(make: Make, gives_way: bool) -> None:
    engine = make(workers=2)
    engine.target.gives_way = gives_way
    workers = workers_of(engine)
    workers.start()
    fill(engine, 1)
    workers.ring()
    end_once_in_sync(engine, workers, 1)
    assert set(workers.beats) == {"portal-0", "portal-1"}


@sharing
def test_what_was_put_off_for_a_moment_goes_at_that_moment(make: Make, monkeypatch: pytest.MonkeyPatch, gives_way: bool) -> None:
    """Whatever else might wake a worker is left out."""
    monkeypatch.setattr("syncd.workers.IDLE_SECONDS", 3600)
    engine = make(clock=cast("TurnedClock", SystemClock()), workers=2, retry=["100ms", "100ms", "100ms"])
    engine.target.gives_way = gives_way
    engine.target.faults.extend([failing] * 3)
    fill(engine, 1)
    workers = workers_of(engine)
    workers.start()
    end_once_in_sync(engine, workers, 1)


@sharing
def test_a_moment_that_a_clock_set_back_has_moved_far_away_keeps_no_worker_from_looking(make: Make, gives_way: bool) -> None:
    engine = make(workers=2)
    engine.target.gives_way = gives_way
    for _ in range(2):
        engine.delivery.books.put_off.add(SystemClock().now() + timedelta(hours=1))
    workers = workers_of(engine)
    workers.start()
    fill(engine, 1)
    end_once_in_sync(engine, workers, 1)


def test_moments_that_have_passed_are_not_kept(make: Make) -> None:
    engine = make()
    books, began = engine.delivery.books, engine.clock.now()
    first, second, third, fourth = (began + timedelta(milliseconds=span) for span in (10, 20, 30, 40))
    for moment in (second, first, third):
        books.put_off.add(moment)
    engine.clock.turn(timedelta(milliseconds=25))
    books.put_off.add(fourth)
    assert [books.put_off.next(began) for _ in range(3)] == [third, fourth, None]


def failing(_apply: Callable[[], Receipt]) -> Receipt:
    """As a portal that has an error of its own, which says nothing of others."""
    return Receipt(outcome=Outcome.UNAVAILABLE, message="internal server error")


@sharing
def test_what_was_claimed_and_not_begun_is_given_back_at_the_end(make: Make, gives_way: bool) -> None:
    engine = make(workers=1)
    engine.target.gives_way = gives_way
    fill(engine, 10)
    begun = threading.Event()

    def stop(lane: str, elements: object) -> None:
        engine.stopping.set()
        begun.set()

    engine.target.before = stop
    workers = workers_of(engine)
    workers.start()
    assert begun.wait(60)
    assert workers.join(60)
    counts = engine.board.counts("portal")
    assert counts.leased == 0
    assert counts.due == 10
    assert not any(engine.row(f"000.00.14.H03-250303-{n:04}")["unsure"] for n in range(10))


@sharing
def test_a_worker_outlives_a_state_database_that_is_away(make: Make, gives_way: bool) -> None:
    engine = make(workers=1)
    engine.target.gives_way = gives_way
    fill(engine, 3)
    with engine.database.write() as connection:
        connection.execute(text("ALTER TABLE attempt RENAME TO attempt_away"))
    workers = workers_of(engine)
    workers.start()
    wait_for(lambda: len(engine.target.calls_made) == 1)
    with engine.database.write() as connection:
        connection.execute(text("ALTER TABLE attempt_away RENAME TO attempt"))
    end_once_in_sync(engine, workers, 3)
    assert [len(codes) for _, codes in engine.target.calls_made] == [1] * 6, "what was acknowledged was not sent again"


def test_a_worker_outlives_an_error_nobody_foresaw(make: Make) -> None:
    engine = make(workers=1)
    fill(engine, 1)
    real, failures = engine.ledger.claim, [RuntimeError("unforeseen")]

    def claim(*given: object, **named: object) -> object:
        if failures:
            raise failures.pop()
        return real(*given, **named)  # type: ignore[arg-type]

    engine.ledger.claim = claim  # type: ignore[method-assign, assignment]
    workers = workers_of(engine)
    workers.start()
    end_once_in_sync(engine, workers, 1)


def test_a_rate_is_kept(make: Make) -> None:
    engine = make(workers=1, rate=1000)
    fill(engine, 5, steps=0)
    engine.deliver()
    assert engine.gate.pace() > 0.004


def test_quiet_hours_keep_the_gate_shut(make: Make) -> None:
    clock = TurnedClock()
    engine = make(clock=clock, quiet="07:00-09:00")
    fill(engine, 1)
    assert engine.deliver() == 0
    clock.turn(timedelta(hours=2))
    assert engine.deliver() == 1


def test_only_one_probe_goes_while_the_breaker_is_half_open(make: Make) -> None:
    engine = make(RecordingTarget(), breaker_failures=1)
    fill(engine, 3)
    engine.target.always = down
    engine.deliver()
    engine.clock.turn(timedelta(minutes=2))
    assert engine.gate.room(10) == 1
    assert engine.gate.room(10) == 0
    engine.gate.spare()
    assert engine.gate.room(10) == 1


def test_no_more_is_claimed_than_goes_at_once_where_a_person_must_settle_each_that_is_in_doubt(make: Make) -> None:
    engine = make(workers=2)
    engine.target.replaces = False
    fill(engine, 12)
    under_way, go_on, real = threading.Semaphore(0), threading.Event(), engine.target.send

    def held(elements: list[Element]) -> object:
        under_way.release()
        assert go_on.wait(60)
        return real(elements)

    engine.target.send = held  # type: ignore[method-assign, assignment]
    workers = workers_of(engine)
    workers.start(until_idle=True)
    assert all(under_way.acquire(timeout=60) for _ in range(2))
    claimed = engine.board.counts("portal").leased
    go_on.set()
    assert workers.join(60)
    assert claimed == 2
    assert len(engine.target.records) == 12

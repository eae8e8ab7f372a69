"""What runs again and again waits by no clock that is corrected; what is due once a day is made up where its hour was missed."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from syncd.schedule import AGAIN, Daily, Timetable
from tests.clocks import TurnedClock
from tests.waiting import wait_for

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
HOUR = timedelta(hours=1)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 3, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        (at(3, 2, 50), at(4, 2, 29), False),
        (at(3, 2, 50), at(4, 2, 30), True),
        (at(3, 2, 50), at(4, 9), True),
        (at(3, 2, 50), at(9, 9), True),
        (at(3, 2, 30), at(3, 23), False),
        (at(3, 2, 29), at(3, 2, 30), True),
        (at(3, 8), at(3, 17), False),
        (at(3, 8), at(4, 8), True),
        (None, at(3, 9), True),
    ],
)
@pytest.mark.parametrize("when", ["02:30", "30 2 * * *"])
def test_it_is_due_as_soon_as_its_hour_has_passed_since_it_was_last_done(when: str, last: datetime | None, now: datetime, due: bool) -> None:
    assert Daily(when, ZONE, TurnedClock(now)).due(last) is due


def test_it_is_done_anew_where_a_clock_that_was_ahead_noted_it() -> None:
    assert Daily("02:30", ZONE, TurnedClock(at(3, 9))).due(at(3, 16))


def test_an_expression_that_never_fires_is_never_due() -> None:
    assert not Daily("0 0 30 2 *", ZONE, TurnedClock(at(3, 9))).due(at(1, 9))


def test_what_failed_rests_an_hour_whatever_becomes_of_the_clock() -> None:
    clock = TurnedClock(at(4, 9))
    daily = Daily("02:30", ZONE, clock)
    daily.put_off()
    clock.turn(AGAIN - timedelta(seconds=1))
    clock.step(7 * HOUR)
    assert not daily.due(at(3, 3))
    clock.turn(timedelta(seconds=1))
    clock.step(-7 * HOUR)
    assert daily.due(at(3, 3))


def test_a_clock_that_is_put_back_holds_nothing_up() -> None:
    clock, ticks = TurnedClock(), []
    timetable = Timetable(clock)
    timetable.every(timedelta(milliseconds=5), "tick", lambda: ticks.append(clock.now()))
    timetable.start()
    wait_for(lambda: bool(ticks))
    before = clock.now()
    clock.step(-7 * HOUR)
    wait_for(lambda: ticks[-1] < before)
    timetable.stop()


def test_its_end_waits_for_what_runs_and_begins_nothing_more() -> None:
    begun, go_on, done = threading.Event(), threading.Event(), []

    def chore() -> None:
        begun.set()
        assert go_on.wait(60)
        done.append(1)

    timetable = Timetable(TurnedClock())
    timetable.every(HOUR, "chore", chore)
    timetable.start()
    assert begun.wait(60)
    ending = threading.Thread(target=timetable.stop)
    ending.start()
    go_on.set()
    ending.join(60)
    assert (done, ending.is_alive()) == ([1], False)


def test_one_that_never_began_can_be_ended() -> None:
    timetable = Timetable(TurnedClock())
    timetable.every(HOUR, "chore", lambda: None)
    timetable.stop()

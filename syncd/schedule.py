"""When the chores run.

Each has a thread of its own that waits by the monotonic clock, so that no correction of the machine's clock holds one up. A late
tick still runs, several missed ones run once, and no chore runs beside itself.

What is due once a day is not done *at* an hour but as soon as that hour has passed since it was last done, by what the state
says: so it is made up where nobody was there at the hour, or it failed, and the hour is that of the state's clock. Only here is
APScheduler known, which reads cron expressions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from syncd.clock import Clock

AGAIN = timedelta(hours=1)  #: after a failure

Chore = Callable[[], object]


class Timetable(AbstractContextManager["Timetable"]):
    """Chores that run again and again, from `start`, or on entering, to `stop`, or on leaving."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def every(self, span: timedelta, name: str, chore: Chore) -> None:
        """Run a chore at once, then again and again. It raises nothing."""
        self._threads.append(threading.Thread(target=self._run, args=(span.total_seconds(), chore), name=name, daemon=True))

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Begin nothing more and wait for what runs."""
        self._ended.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, span: float, chore: Chore) -> None:
        began = self._clock.monotonic()
        while not self._ended.is_set():
            chore()
            self._ended.wait(span - (self._clock.monotonic() - began) % span)


class Daily:
    """What is due once a day, at a time of day (`"02:30"`) or by a cron expression (`"30 2 * * *"`)."""

    def __init__(self, when: str, zone: ZoneInfo, clock: Clock) -> None:
        self._trigger = _trigger(when, zone)
        self._clock = clock
        self._rests_until = float("-inf")

    def due(self, last: datetime | None) -> bool:
        """Whether its hour has passed since it was last done, or it never was. One that was done in the future was noted by a clock that
        has been put right since, and is done anew."""
        now = self._clock.now()
        if self._clock.monotonic() < self._rests_until:
            return False
        if last is None or last > now:
            return True
        hour: datetime | None = self._trigger.get_next_fire_time(last, now)
        return hour is not None and hour <= now

    def put_off(self) -> None:
        """It failed: let it rest a while."""
        self._rests_until = self._clock.monotonic() + AGAIN.total_seconds()


def _trigger(when: str, zone: ZoneInfo) -> CronTrigger:
    if ":" not in when:
        return CronTrigger.from_crontab(when, timezone=zone)
    hour, minute = when.split(":")
    return CronTrigger(hour=int(hour), minute=int(minute), timezone=zone)

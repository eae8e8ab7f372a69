"""When the chores run: the only module that knows APScheduler.

Its defaults are wrong for a daemon: a tick that has to wait a second for a free thread would be dropped
(`misfire_grace_time`), and ticks missed while the machine slept would all run. So a late tick still runs, several missed ones
run once, and no chore runs beside itself.

What is due once a day is not done *at* an hour but as soon as that hour has passed since it was last done, by what the state
says: so it is made up where nobody was there at the hour, or it failed, and the hour is that of the state's clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from syncd.clock import Clock

AGAIN = timedelta(hours=1)  #: after a failure

Chore = Callable[[], object]


class Timetable:
    """Chores and their times."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._scheduler = BackgroundScheduler(timezone=zone, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1})

    def every(self, span: timedelta, name: str, chore: Chore) -> None:
        """Run a chore at once, then again and again."""
        trigger = IntervalTrigger(seconds=span.total_seconds(), timezone=self._zone)
        self._scheduler.add_job(chore, trigger, id=name, name=name, next_run_time=datetime.now(self._zone))

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def stop(self) -> None:
        """Begin nothing more and wait for what runs."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)


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

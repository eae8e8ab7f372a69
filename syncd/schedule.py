"""When the chores run: the only module that knows APScheduler.

Its defaults are wrong for a daemon: a tick that has to wait a second for a free thread would be dropped
(`misfire_grace_time`), and ticks missed while the machine slept would all run. So a late tick still runs, several missed ones
run once, and no chore runs beside itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

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

    def soon(self, name: str, chore: Chore) -> None:
        """Run a chore once, as soon as the timetable has begun."""
        self._scheduler.add_job(chore, id=f"{name}:soon", name=name)

    def daily(self, when: str, name: str, chore: Chore) -> None:
        """Run a chore at a time of day (`"02:30"`) or by a cron expression (`"30 2 * * *"`)."""
        if ":" in when:
            hour, minute = when.split(":")
            trigger = CronTrigger(hour=int(hour), minute=int(minute), timezone=self._zone)
        else:
            trigger = CronTrigger.from_crontab(when, timezone=self._zone)
        self._scheduler.add_job(chore, trigger, id=name, name=name)

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def stop(self) -> None:
        """Begin nothing more and wait for what runs."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

"""Clocks that a test turns, or sets wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from syncd.clock import SystemClock


class TurnedClock:
    """Stands still until it is turned."""

    def __init__(self, start: datetime = datetime(2025, 3, 3, 1, 0, tzinfo=UTC)) -> None:
        self.instant = start
        self.seconds = 1000.0

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return self.seconds

    def turn(self, span: timedelta) -> None:
        """Let time pass."""
        self.instant += span
        self.seconds += max(span.total_seconds(), 0.0)

    def step(self, span: timedelta) -> None:
        """Set the wall clock, forwards or back, as an administrator or NTP does; no time passes."""
        self.instant += span


class SkewedClock(SystemClock):
    """Runs as the machine's does, and is wrong by a span."""

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return super().now() + self.ahead

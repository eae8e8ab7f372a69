"""How long a throttled client waits: what the gateway says, else a series that doubles.

Retry-After comes first, then the gateway's own `nextAccessTime`, then 30, 60, 120, 240 and 480 s, the last one again and
again. Calls that run side by side are throttled together, which counts once: the series goes on only when a call is
throttled after the wait before it is over. An answer from behind the gateway begins it anew.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import datetime

from syncd.clock import Clock

SERIES = (30.0, 60.0, 120.0, 240.0, 480.0)
_JITTER = 0.2
_IN_TIME = 0.9  #: a call after this share of a wait counts as one after it, for waits end a little early here and there


class Throttle:
    """The waits of one client."""

    def __init__(self, clock: Clock, dice: Callable[[], float] = random.random) -> None:
        """`dice` is uniform in [0, 1)."""
        self._clock = clock
        self._dice = dice
        self._lock = threading.Lock()
        self._times = 0  #: throttled in a row
        self._over = float("-inf")  #: monotonic second at which the last wait is as good as over

    def wait(self, retry_after: float | None, next_access: datetime | None) -> float:
        """Seconds to wait, after being throttled once more."""
        told = retry_after if retry_after is not None else self._until(next_access)
        with self._lock:
            now = self._clock.monotonic()
            if now >= self._over:
                self._times += 1
            seconds = SERIES[min(self._times, len(SERIES)) - 1] * (1 - _JITTER + 2 * _JITTER * self._dice()) if told is None else told
            if now >= self._over:
                self._over = now + seconds * _IN_TIME
        return seconds

    def ease(self) -> None:
        """The gateway has let a call through."""
        with self._lock:
            self._times, self._over = 0, float("-inf")

    def _until(self, next_access: datetime | None) -> float | None:
        """What is left until then; None where that is past, for then the clocks differ and it says nothing."""
        left = (next_access - self._clock.now()).total_seconds() if next_access else 0.0
        return left if left > 0 else None

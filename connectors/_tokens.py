"""A value that all workers of a target share and one at a time obtains: a session, a token, a catalogue.

Sixteen workers that find their session expired must not log in sixteen times: a log-in may end the sessions before it, and
an account may be locked. So whoever comes first obtains; the others wait for that flight and share what it brings, the
trouble too. Trouble is never kept: who comes later tries again.

`drop` names the value that proved bad. One that learns late of an old session's end does not throw away the new one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Generic, TypeVar

from connectors._http.outcomes import Trouble
from syncd.calls import Outcome
from syncd.clock import Clock
from syncd.strands import Latch

V = TypeVar("V")
Obtain = Callable[[float], "tuple[V, timedelta] | Trouble"]  #: told the monotonic second to be back by; gives the value and how long it is good


class _Flight(Generic[V]):
    """An obtaining under way."""

    def __init__(self) -> None:
        self.landed = Latch()
        self.result: V | Trouble = Trouble(Outcome.UNAVAILABLE, "internal", "what all waited for could not be obtained")


class Shared(Generic[V]):
    """The value, obtained when it is needed and absent, too old or dropped."""

    def __init__(self, obtain: Obtain[V], clock: Clock) -> None:
        self._obtain = obtain
        self._clock = clock
        self._lock = threading.Lock()
        self._flight: _Flight[V] | None = None
        self._value: V | None = None
        self._since = self._expires = float("-inf")

    def get(self, until: float, *, youngest: timedelta | None = None) -> V | Trouble:
        """The value, at most `youngest` old where that is given, or why there is none; back before the second `until`."""
        with self._lock:
            if self._value is not None and self._good(youngest):
                return self._value
            flight, mine = self._flight, self._flight is None
            if flight is None:
                flight = self._flight = _Flight()
        if mine:
            self._fly(flight, until)
        elif not flight.landed.wait(max(0.0, until - self._clock.monotonic())):
            return Trouble(Outcome.UNAVAILABLE, "no_time", "another worker takes too long to obtain what all wait for; nothing was sent")
        return flight.result

    def drop(self, stale: V) -> None:
        """Forget this value, if it is still the present one."""
        with self._lock:
            if self._value == stale:
                self._value = None

    def _good(self, youngest: timedelta | None) -> bool:
        now = self._clock.monotonic()
        return now < self._expires and (youngest is None or now - self._since < youngest.total_seconds())

    def _fly(self, flight: _Flight[V], until: float) -> None:
        began = self._clock.monotonic()
        try:
            obtained = self._obtain(until)
            flight.result = obtained if isinstance(obtained, Trouble) else obtained[0]
            if not isinstance(obtained, Trouble):
                self._keep(obtained, began)
        finally:
            with self._lock:
                self._flight = None
            flight.landed.open()

    def _keep(self, obtained: tuple[V, timedelta], began: float) -> None:
        with self._lock:
            self._value, self._since, self._expires = obtained[0], began, began + obtained[1].total_seconds()

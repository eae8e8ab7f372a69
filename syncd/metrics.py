"""The figures syncd shows to Prometheus. Their names are a promise; `docs/operations.md` says what each one means.

A registry of its own keeps two daemons in one test, or a library's metrics, apart. Nothing here ever carries a dossier
code: labels are targets and outcomes, which come from settings or from the code.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BREAKER_STATES = ("closed", "half-open", "open")  # the gauge holds the place in this order
INBOX_STATES = ("arrived", "held", "written", "late", "refused")
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60)


class Metrics:
    """Counts and gauges of one daemon; safe to call from every thread."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._attempts = Counter("syncd_attempts", "calls to a target, by what became of them", ["target", "outcome"], registry=self._registry)
        self._seconds = Histogram("syncd_attempt_seconds", "how long a call took", buckets=_SECONDS, registry=self._registry)
        self._changes = Counter("syncd_changes", "dossiers found new or changed in the one-stop", registry=self._registry)
        self._lag = Gauge("syncd_poll_lag_seconds", "how far the one-stop is ahead of the last poll", registry=self._registry)
        self._sweep = Gauge("syncd_sweep_age_seconds", "how long ago every dossier was last read", registry=self._registry)
        self._due = Gauge("syncd_due", "dossiers that wait for a target", ["target"], registry=self._registry)
        self._dead = Gauge("syncd_dead", "dossiers that need a person", ["target"], registry=self._registry)
        self._oldest = Gauge("syncd_oldest_due_seconds", "how long the dossier due longest has waited", ["target"], registry=self._registry)
        self._inbox = Gauge("syncd_inbox", "documents that came back and are on their way, by state", ["target", "state"], registry=self._registry)
        self._drift = Gauge("syncd_drift", "differences that the last reconciliation has left", ["target", "kind"], registry=self._registry)
        self._skew = Gauge("syncd_clock_skew_seconds", "how far this machine's clock is ahead of the state database's", registry=self._registry)
        self._breaker = Gauge("syncd_breaker_state", "0 closed, 1 half-open, 2 open", ["target"], registry=self._registry)

    def attempt(self, target: str, outcome: str, seconds: float) -> None:
        """One call to `target` has ended after `seconds`."""
        self._attempts.labels(target, str(outcome)).inc()
        self._seconds.observe(seconds)

    def changes(self, count: int) -> None:
        """`count` dossiers were found new or changed."""
        self._changes.inc(count)

    def poll_lag(self, seconds: float) -> None:
        """The newest change in the one-stop is `seconds` ahead of the last poll."""
        self._lag.set(seconds)

    def sweep_age(self, seconds: float) -> None:
        """Every dossier was last read `seconds` ago."""
        self._sweep.set(seconds)

    def backlog(self, target: str, *, due: int, dead: int, oldest_due_seconds: float | None) -> None:
        """How the ledger of `target` stands; None where nothing is due."""
        self._due.labels(target).set(due)
        self._dead.labels(target).set(dead)
        self._oldest.labels(target).set(oldest_due_seconds or 0)

    def inbox(self, target: str, counts: Mapping[str, int]) -> None:
        """How many documents of `target` are on their way, by their state."""
        for state in INBOX_STATES:
            self._inbox.labels(target, state).set(counts.get(state, 0))

    def drift(self, target: str, counts: Mapping[str, int]) -> None:
        """What the last reconciliation of `target` has left, by kind."""
        for kind, count in counts.items():
            self._drift.labels(target, kind).set(count)

    def clock_skew(self, seconds: float) -> None:
        """This machine's clock is `seconds` ahead of the state database's."""
        self._skew.set(seconds)

    def breaker(self, target: str, state: str) -> None:
        """The breaker of `target` is now `closed`, `half-open` or `open`; anything else is a `ValueError`."""
        if state not in BREAKER_STATES:
            raise ValueError(f"a breaker is never {state!r}")
        self._breaker.labels(target).set(BREAKER_STATES.index(state))

    def render(self) -> bytes:
        """Everything in the Prometheus text format, to be served as `CONTENT_TYPE`."""
        return generate_latest(self._registry)

"""What the log is told of an outcome: one line, with its cause."""

from __future__ import annotations

import logging
from typing import Any

from syncd.calls import Attempt, Operation, Outcome
from syncd.policy import Next
from syncd.store.entries import Entry

_SMOOTH = {Outcome.DELIVERED: "delivery_sent", Outcome.CROSSED: "delivery_crossed"}


def tell(log: Any, entry: Entry, *, lost: bool) -> None:
    """Tell of an entry that was booked, or whose lease was lost; nothing where no call was made."""
    made = entry.attempt
    if made is None or (entry.next in (Next.SETTLE, Next.GO_ON) and not lost and not log.is_enabled_for(logging.INFO)):
        return
    words = _words(entry, made)
    cause = {"error_code": made.receipt.code, "error": made.receipt.message}
    if lost:
        log.warning("lease_lost", **words)
    elif entry.next is Next.DEAD:
        log.error("delivery_dead", hint=made.receipt.hint, **cause, **words)
    elif entry.next is Next.LATER:
        log.warning("delivery_failed", retry_at=entry.due_at.isoformat(), **cause, **words)
    elif made.operation is Operation.LOOKUP:
        log.info("delivery_settled", **words)
    elif event := _SMOOTH.get(made.receipt.outcome):
        log.info(event, **words)
    else:
        log.info("delivery_parted", **cause, **words)


def _words(entry: Entry, made: Attempt) -> dict[str, object]:
    return {
        "target": made.target,
        "dossier": made.subject,
        "operation": made.operation.value,
        "outcome": made.receipt.outcome.value,
        "duration_ms": round(made.duration * 1000),
        "attempt": entry.claim.failures,
    }

"""Deliver: one turn of one worker, from leased claims to outcomes in the books.

    settle      a claim that is unsure asks the target first: is the dossier there?
    compose     what goes next, in the target's terms; what cannot be put into them is dead at once, with the fields
    send        one call, outside any transaction (law L2), while the lease outlasts the longest call
    record      attempt and ledger row in one commit, before anything else of that dossier is sent (law L10)

and again from compose until nothing is left, the lease is lost, or the target should be left alone. A turn has as many
claims as a call may carry dossiers, usually one. Where a call with several is refused, each goes by itself: the refusal
says nothing of its neighbours. A worker does not take the next dossier before the outcome of this one is on the disk, so
after `kill -9` at most as many calls are in doubt as there are workers.

Answers are values; what follows from them is decided in `turns` (the dossier) and `policy` (the time). The only
exceptions that may come from a connector here are its bugs, and they are contained: one dossier's trouble is its own.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from msgspec.structs import replace

from syncd.clock import Clock
from syncd.errors import StoreUnavailable, Unmappable
from syncd.gate import Gate
from syncd.metrics import Metrics
from syncd.model import Attempt, Claim, Element, Operation, Outcome, Portion, Receipt, Standing, Value
from syncd.options import TargetOptions
from syncd.policy import Next, decide
from syncd.ports import Target
from syncd.redact import personal_values, redact
from syncd.store.grouping import GroupCommit
from syncd.store.ledger import Entry, Ledger
from syncd.turns import after, next_portion, too_doubtful

log = structlog.get_logger()

LEASE_MARGIN = timedelta(seconds=10)
_STORE_WAIT = 1.0

Written = TypeVar("Written")


class Part(Value):
    """One dossier's share of a call."""

    claim: Claim
    portion: Portion
    element: Element


class Delivery:
    """Turns at one target."""

    def __init__(self, target: Target, options: TargetOptions, ledger: Ledger, gate: Gate, clock: Clock, metrics: Metrics, stopping: threading.Event) -> None:
        self.target = target
        self.options = options
        self.ledger = ledger
        self.gate = gate
        self.clock = clock
        self.metrics = metrics
        self.stopping = stopping
        self.settled = 0  #: dossiers brought into sync, since the start
        self._books = GroupCommit(self._write)
        self._dice = random.Random()

    @property
    def lease_term(self) -> timedelta:
        """How long a claim is leased: long enough to wait for a free worker and then for a whole turn's first calls."""
        return self.target.longest * 4 + LEASE_MARGIN

    def turn(self, claims: Sequence[Claim]) -> None:
        """Send what these dossiers lack, as far as it goes."""
        standing = [settled for claim in claims if (settled := self._settle(claim))]
        crossed: set[str] = set()
        while standing:
            standing = [claim for parts in self._calls(standing) for claim in self._call(parts, crossed)]

    def _settle(self, claim: Claim) -> Claim | None:
        """The claim with what the target says of the dossier, where the last outcome is not known."""
        if not claim.unsure:
            return claim
        if not self._may_send(claim):
            self.ledger.release([claim])
            return None
        began, at = self.clock.monotonic(), self.clock.now()
        standing = self._look_up(claim)
        if standing is None:
            return replace(claim, unsure=False)
        receipt = Receipt(outcome=standing.outcome, exists=standing.exists, message=standing.message, text=standing.text, retry_after=standing.retry_after)
        self._answered(receipt, self.clock.monotonic() - began)
        attempt = Attempt(at=at, target=claim.target, subject=claim.subject, operation=Operation.LOOKUP, receipt=receipt, duration=self.clock.monotonic() - began, version=claim.version)
        if standing.outcome is Outcome.DELIVERED:
            asked = _as_told(claim, standing)
            lost = self._books.submit([Entry(claim=asked, next=Next.GO_ON, at=at, due_at=at, attempt=attempt)])
            return None if claim.subject in lost else asked
        self._book_failure(claim, receipt, attempt)
        return None

    def _look_up(self, claim: Claim) -> Standing | None:
        try:
            return self.target.look_up(claim.dossier)
        except Exception as error:
            return Standing(outcome=Outcome.UNAVAILABLE, message=self._bug(claim, error).message)

    def _calls(self, claims: Sequence[Claim]) -> Iterable[list[Part]]:
        """What these claims send next, packed into calls. Claims with nothing left or nothing sendable are booked here."""
        lanes: dict[str, list[Part]] = {}
        for claim in claims:
            if (part := self._part(claim)) is not None:
                lanes.setdefault(part.element.lane or f" {claim.subject}", []).append(part)
        for parts in lanes.values():
            for first in range(0, len(parts), self.target.batch):
                yield parts[first : first + self.target.batch]

    def _part(self, claim: Claim) -> Part | None:
        portion = next_portion(claim, self.target.steps_per_call, self.target.takes_steps(claim.dossier))
        if portion is None:
            self._books.submit([self._settled(claim, None)])
            return None
        try:
            return Part(claim=claim, portion=portion, element=self.target.compose(portion))
        except Unmappable as error:
            receipt = Receipt(outcome=Outcome.REJECTED, code=f"invalid:{error.problems[0].field}", message=error.message, hint=error.hint)
        except Exception as error:
            receipt = replace(self._bug(claim, error), outcome=Outcome.REJECTED)
        self._book_failure(claim, receipt, self._attempt(claim, portion, b"", receipt, self.clock.now(), 0.0))
        return None

    def _call(self, parts: Sequence[Part], crossed: set[str]) -> list[Claim]:
        """Make one call and book it; the claims that have more to send."""
        claims = [part.claim for part in parts]
        if not all(self._may_send(claim) for claim in claims) or self.stopping.wait(self.gate.pace()):
            self.ledger.release(claims)
            return []
        at, began = self.clock.now(), self.clock.monotonic()
        receipt = self._send(parts)
        seconds = self.clock.monotonic() - began
        self._answered(receipt, seconds)
        if receipt.outcome is Outcome.REJECTED and len(parts) > 1:
            return [claim for part in parts for claim in self._call([part], crossed)]
        entries = [self._entry(part, receipt, at, seconds, crossed) for part in parts]
        lost = self._books.submit(entries)
        for entry in entries:
            self._tell(entry, lost)
        return [entry.claim for entry in entries if entry.next is Next.GO_ON and entry.claim.subject not in lost]

    def _send(self, parts: Sequence[Part]) -> Receipt:
        try:
            return self.target.send([part.element for part in parts])
        except Exception as error:
            return self._bug(parts[0].claim, error)

    def _bug(self, claim: Claim, error: Exception) -> Receipt:
        log.error("connector_failed", target=claim.target, dossier=claim.subject, error=type(error).__name__, exc_info=error)
        return Receipt(outcome=Outcome.UNKNOWN, code="internal", message=f"the connector failed: {type(error).__name__}", hint="report it with the log of this moment")

    def _may_send(self, claim: Claim) -> bool:
        """Whether a call may begin: it must end before the lease does (law L3)."""
        in_time = self.clock.now() + self.target.longest + LEASE_MARGIN / 2 < claim.until
        return in_time and not self.stopping.is_set() and not self.gate.shut()

    def _answered(self, receipt: Receipt, seconds: float) -> None:
        self.metrics.attempt(self.target.name, receipt.outcome, seconds)
        self._patiently(lambda: self.gate.learn(receipt))

    def _entry(self, part: Part, receipt: Receipt, at: datetime, seconds: float, crossed: set[str]) -> Entry:
        """What one answer means for one dossier."""
        claim = after(part.claim, part.portion, receipt)
        message = redact(receipt.message, personal_values(claim.dossier))
        receipt = replace(receipt, message=message)
        if receipt.outcome is Outcome.CROSSED and claim.subject in crossed:
            receipt = replace(receipt, outcome=Outcome.REJECTED, code="crossed_twice", hint="the target says both that it has the dossier and that it has not; ask its operator")
        if too_doubtful(claim, part.portion):
            receipt = replace(receipt, code="unknown_twice", hint="see at the target whether these steps arrived; if so discard, if not retry")
        attempt = self._attempt(part.claim, part.portion, part.element.body, receipt, at, seconds)
        match receipt.outcome:
            case Outcome.DELIVERED if next_portion(claim, 1, self.target.takes_steps(claim.dossier)) is None:
                return self._settled(claim, attempt)
            case Outcome.CROSSED | Outcome.DELIVERED:
                crossed.update([claim.subject] if receipt.outcome is Outcome.CROSSED else [])
                return Entry(claim=claim, next=Next.GO_ON, at=at, due_at=at, attempt=attempt)
            case Outcome.UNKNOWN if too_doubtful(claim, part.portion):
                return Entry(claim=replace(claim, failures=claim.failures + 1), next=Next.DEAD, at=at, due_at=at, attempt=attempt)
            case _:
                return self._failed(claim, receipt, attempt)

    def _settled(self, claim: Claim, attempt: Attempt | None) -> Entry:
        if claim.steps and not self.target.takes_steps(claim.dossier):
            claim = replace(claim, steps_sent=claim.steps[-1][0], steps=())
        now = self.clock.now()
        return Entry(claim=replace(claim, unsure=False), next=Next.SETTLE, at=now, due_at=now, attempt=attempt)

    def _failed(self, claim: Claim, receipt: Receipt, attempt: Attempt) -> Entry:
        decision = decide(receipt, claim.failures, self.clock.now(), self.options.retry, self._dice.random())
        return Entry(claim=replace(claim, failures=decision.failures), next=decision.next, at=attempt.at, due_at=decision.due_at, attempt=attempt)

    def _book_failure(self, claim: Claim, receipt: Receipt, attempt: Attempt) -> None:
        entry = self._failed(claim, receipt, attempt)
        self._tell(entry, self._books.submit([entry]))

    def _attempt(self, claim: Claim, portion: Portion, request: bytes, receipt: Receipt, at: datetime, seconds: float) -> Attempt:
        run = claim.steps[: len(portion.steps)]
        return Attempt(
            at=at,
            target=claim.target,
            subject=claim.subject,
            operation=portion.operation,
            receipt=receipt,
            duration=seconds,
            version=claim.version,
            first_step=run[0][0] if run else 0,
            last_step=run[-1][0] if run else 0,
            again=portion.operation is Operation.STEPS and claim.doubts > 0,
            request=request,
        )

    def _tell(self, entry: Entry, lost: set[str]) -> None:
        """One log line an outcome, with its cause."""
        if entry.attempt is None:
            return
        made = entry.attempt
        words: dict[str, object] = {"target": made.target, "dossier": made.subject, "operation": made.operation.value, "outcome": made.receipt.outcome.value}
        words |= {"duration_ms": round(made.duration * 1000), "attempt": entry.claim.failures}
        if entry.claim.subject in lost:
            log.warning("lease_lost", **words)
        elif entry.next is Next.DEAD:
            log.error("delivery_dead", error_code=made.receipt.code, error=made.receipt.message, hint=made.receipt.hint, **words)
        elif entry.next is Next.LATER:
            log.warning("delivery_failed", error_code=made.receipt.code, error=made.receipt.message, retry_at=entry.due_at.isoformat(), **words)
        else:
            log.info("delivery_sent" if made.receipt.outcome is Outcome.DELIVERED else "delivery_crossed", **words)

    def _write(self, entries: list[Entry]) -> set[str]:
        lost = self._patiently(lambda: self.ledger.record(entries))
        self.settled += sum(entry.next is Next.SETTLE and entry.attempt is not None for entry in entries)
        return lost

    def _patiently(self, write: Callable[[], Written]) -> Written:
        """Write, however long the state database is away: what a target acknowledged must not be forgotten."""
        while True:
            try:
                return write()
            except StoreUnavailable as error:
                log.error("state_unavailable", error=error.message, hint=error.hint)
                if self.stopping.wait(_STORE_WAIT):
                    raise


def _as_told(claim: Claim, standing: Standing) -> Claim:
    """The claim, with the target's word on whether the dossier is there."""
    if standing.exists is None or standing.exists is claim.created:
        return replace(claim, unsure=False)
    return replace(claim, unsure=False, created=standing.exists, sent_digest="")

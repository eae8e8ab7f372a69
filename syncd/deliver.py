"""Deliver: one turn of one worker, from leased claims to outcomes in the books.

    settle      a claim that is unsure asks the target first: is the dossier there?
    compose     what goes next, in the target's terms; what cannot be put into them is dead at once, with the fields
    send        one call, outside any transaction (law L2), while the lease outlasts the longest call
    book        attempt and ledger row in one commit, before anything else of that dossier is sent (law L10)

and again from compose until nothing is left, the lease is lost, or the target should be left alone. A turn has as many
claims as a call may carry dossiers, usually one. Where a call with several is refused, or said to be there already or not at all,
each goes by itself: the answer says nothing of its neighbours. A worker does not take the next dossier before the outcome of this
one is on the disk, so after `kill -9` at most as many calls are in doubt as there are workers.

Answers are values; what follows from them is decided in `turns` (the dossier) and `policy` (the time), and written by
`books`. The only exceptions that may come from a connector here are its bugs, and they are contained: one dossier's
trouble is its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import structlog
from msgspec.structs import replace

from syncd.acquaint import SOME, Acquaintance
from syncd.books import Books, Made, Part
from syncd.calls import Claim, Operation, Outcome, Portion, Receipt, Standing
from syncd.clock import Clock
from syncd.errors import Unmappable
from syncd.gate import Gate
from syncd.metrics import Metrics
from syncd.options import TargetOptions
from syncd.ports import Target
from syncd.store.ledger import Ledger
from syncd.strands import rest_unless
from syncd.turns import ALREADY_THERE, UNKNOWN_SENT, UNKNOWN_TWICE, adopted, look_up, looping, next_portion, told

log = structlog.get_logger()

LEASE_MARGIN = timedelta(seconds=10)
_ALREADY_THERE = "syncd target adopt takes what is there as sent; syncd dead retry sends all its steps"
_UNKNOWN_SENT = "see at the target whether it is there; if so: syncd dead arrived, if not: syncd dead retry"


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
        self.books = Books(ledger, clock, options.retry)
        self._acquaintance = Acquaintance(
            gate, self._look_up, lambda: ledger.untold(target.name, SOME), lambda receipt: self.books.patiently(lambda: gate.learn(receipt))
        )

    @property
    def lease_term(self) -> timedelta:
        """How long a claim is leased: long enough to wait for a free worker and then for a whole turn's first calls."""
        return self.target.longest * 4 + LEASE_MARGIN

    def turn(self, claims: Sequence[Claim]) -> None:
        """Send what these dossiers lack, as far as it goes."""
        if not self._acquaintance.made(claims):
            self._release(claims)
            return
        standing = [settled for claim in claims if (settled := self._settle(claim))]
        crossed: set[str] = set()
        while standing:
            standing = [claim for parts in self._calls(standing) for claim in self._call(parts, crossed)]

    def _settle(self, claim: Claim) -> Claim | None:
        """The claim with what the target says of the dossier, where the last outcome is not known, or who sent what is there."""
        if not (claim.unsure or claim.adopting):
            return claim
        if not self._may_send(claim):
            self._release([claim])
            return None
        at, began = self.clock.now(), self.clock.monotonic()
        standing = self._look_up(claim)
        if standing is None:
            return self._guessed(claim, at)
        receipt = Receipt(outcome=standing.outcome, exists=standing.exists, message=standing.message, text=standing.text, retry_after=standing.retry_after)
        made = Made(at=at, receipt=receipt, seconds=self.clock.monotonic() - began)
        self._learn(made)
        known = told(claim, standing, replaces=self.target.replaces)
        return self._guessed(claim, at) if known is None else self.books.looked_up(claim, known, made)

    def _guessed(self, claim: Claim, at: datetime) -> Claim | None:
        """What to do where nobody can tell whether a call arrived: what replaces itself goes again, the rest a person settles."""
        if self.target.replaces or not claim.record_due:
            known = adopted(replace(claim, unsure=False), Standing(outcome=Outcome.DELIVERED, exists=True))
            return self.books.goes_on(known) if known.doubts else known
        receipt = Receipt(outcome=Outcome.UNKNOWN, code=UNKNOWN_SENT, message="it may have arrived, and the target cannot be asked", hint=_UNKNOWN_SENT)
        return self.books.looked_up(claim, claim, Made(at=at, receipt=receipt))

    def _look_up(self, claim: Claim) -> Standing | None:
        try:
            return self.target.look_up(look_up(claim))
        except Exception as error:  # noqa: BLE001  a connector's bug is contained, see the module
            return Standing(outcome=Outcome.UNAVAILABLE, message=_bug(claim, error).message)

    def _calls(self, claims: Sequence[Claim]) -> Iterator[list[Part]]:
        """What these claims send next, packed into calls. Claims with nothing left or nothing sendable are booked here."""
        lanes: dict[str, list[Part]] = {}
        for claim in claims:
            part = self._part(claim)
            if part is not None and part.element is not None:
                lanes.setdefault(part.element.lane or f" {claim.subject}", []).append(part)
        for parts in lanes.values():
            for first in range(0, len(parts), self.target.batch):
                yield parts[first : first + self.target.batch]

    def _part(self, claim: Claim) -> Part | None:
        takes_steps = claim.matter is None and self.target.takes_steps(claim.dossier)
        portion = next_portion(claim, self.target.steps_per_call, takes_steps)
        if portion is None:
            self.books.in_sync(claim)
            return None
        part = Part(claim=claim, portion=portion, takes_steps=takes_steps)
        try:
            element = self.target.compose(portion)
        except Unmappable as error:
            receipt = Receipt(outcome=Outcome.REJECTED, code=f"invalid:{error.problems[0].field}", message=error.message, hint=error.hint)
        except Exception as error:  # noqa: BLE001
            receipt = replace(_bug(claim, error), outcome=Outcome.REJECTED)
        else:
            part, barred = replace(part, element=element), _barred(claim, portion)
            if barred is None:
                return part
            receipt = barred
        self.books.answered([part], Made(at=self.clock.now(), receipt=receipt), set())
        return None

    def _call(self, parts: Sequence[Part], crossed: set[str]) -> list[Claim]:
        """Make one call and book it; the claims that have more to send."""
        claims = [part.claim for part in parts]
        if rest_unless(self.stopping, self.gate.pace()) or not all(self._may_send(claim) for claim in claims):
            self._release(claims)
            return []
        at, began = self.clock.now(), self.clock.monotonic()
        made = Made(at=at, receipt=self._send(parts), seconds=self.clock.monotonic() - began)
        self._learn(made)
        if len(parts) > 1 and made.receipt.outcome in (Outcome.REJECTED, Outcome.CROSSED):
            return [more for claim in self.books.parted(parts, made) for more in self._singly(claim, crossed)]
        return self.books.answered(parts, made, crossed)

    def _singly(self, claim: Claim, crossed: set[str]) -> list[Claim]:
        """The next call of this one dossier; the claim if it has more to send."""
        settled = self._settle(claim)
        return [more for parts in self._calls([settled] if settled else []) for more in self._call(parts, crossed)]

    def _release(self, claims: Sequence[Claim]) -> None:
        """Give back what was not sent. Insistently: a lease that ends by itself leaves the dossier in doubt."""
        self.books.patiently(lambda: self.ledger.release(claims))

    def _send(self, parts: Sequence[Part]) -> Receipt:
        try:
            return self.target.send([part.element for part in parts if part.element])
        except Exception as error:  # noqa: BLE001
            return _bug(parts[0].claim, error)

    def _may_send(self, claim: Claim) -> bool:
        """Whether a call may begin: it must end before the lease does (law L3)."""
        in_time = self.clock.now() + self.target.longest + LEASE_MARGIN / 2 < claim.until
        return in_time and not self.stopping.is_set() and not self.gate.shut()

    def _learn(self, made: Made) -> None:
        """What the answer says of the target. Whatever goes wrong with that, the answer is booked."""
        try:
            self.metrics.attempt(self.target.name, made.receipt.outcome, made.seconds)
            self.books.patiently(lambda: self.gate.learn(made.receipt))
        except Exception as error:
            log.error("worker_failed", target=self.target.name, error=type(error).__name__, exc_info=error)


def _barred(claim: Claim, portion: Portion) -> Receipt | None:
    """Why only a person can say whether these steps go."""
    if claim.strange and portion.operation is Operation.STEPS:
        return Receipt(outcome=Outcome.REJECTED, code=ALREADY_THERE, message="the target had it before us, perhaps with its steps", hint=_ALREADY_THERE)
    if looping(claim, portion):
        return Receipt(outcome=Outcome.UNKNOWN, code=UNKNOWN_TWICE, message="syncd ended each time they were under way")
    return None


def _bug(claim: Claim, error: Exception) -> Receipt:
    log.error("connector_failed", target=claim.target, dossier=claim.subject, error=type(error).__name__, exc_info=error)
    return Receipt(
        outcome=Outcome.UNKNOWN, code="internal", message=f"the connector failed: {type(error).__name__}", hint="report it with the log of this moment"
    )

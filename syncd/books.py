"""The books of one target: what each answer means for its dossier, written down before anything else is sent.

An answer becomes an entry: the claim as it stands now, where the ledger row goes, and the attempt with the answer. Entries
of all workers that come at one time share a commit. While the state database is away, a worker waits here with what it
knows: what a target acknowledged must not be forgotten, and nothing further may be sent before it is on the disk.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import TypeVar

import structlog
from msgspec.structs import replace

from syncd.calls import Attempt, Claim, Element, Operation, Outcome, Portion, Receipt
from syncd.clock import Clock
from syncd.errors import StoreUnavailable
from syncd.model import Value
from syncd.policy import Next, decide
from syncd.put_off import PutOff
from syncd.redact import personal_values, redact
from syncd.store.entries import Entry, Lease, Line
from syncd.store.grouping import GroupCommit
from syncd.store.ledger import Ledger
from syncd.store.outcomes import apart
from syncd.strands import rest
from syncd.telling import tell
from syncd.turns import UNKNOWN_SENT, UNKNOWN_TWICE, after, next_portion, too_doubtful

log = structlog.get_logger()

_STORE_WAIT = 1.0
_SOON = timedelta(seconds=1)
_CROSSED_TWICE = "the target says both that it has the dossier and that it has not; ask its operator"
_INTERNAL = "report it with the log of this moment"
_UNKNOWN_TWICE = "see at the target whether these steps are there; if so: syncd dead arrived, if not: syncd dead retry"

Written = TypeVar("Written")


class Part(Value):
    """One dossier's share of a call, and whether the call sends anything but its record."""

    claim: Claim
    portion: Portion
    takes_steps: bool
    element: Element | None = None  #: None where it cannot be put into the target's terms


class Made(Value):
    """A call as it was made."""

    at: datetime
    receipt: Receipt
    seconds: float = 0.0


class Books:
    """Turns answers into entries and writes them."""

    def __init__(self, ledger: Ledger, clock: Clock, waits: Sequence[timedelta]) -> None:
        self.settled = 0  #: dossiers brought into sync, since the start
        self.put_off = PutOff(clock)  #: what may go again within a second
        self.waiting = False  #: for the state database: no reason to take the workers for stuck
        self._ledger = ledger
        self._clock = clock
        self._waits = waits
        self._commits: GroupCommit[Line, set[Lease]] = GroupCommit(self._write, holds_up=ledger.holds_up)
        self._dice = random.Random()
        self._log = log.bind()  # once: the settings of logging do not change under a running daemon

    def answered(self, parts: Sequence[Part], made: Made, crossed: set[str]) -> list[Claim]:
        """Book one answer for all dossiers of its call; the claims that go on in this turn."""
        return self._submit([self._entry(part, made, crossed) for part in parts])

    def looked_up(self, before: Claim, now: Claim, made: Made) -> Claim | None:
        """Book what the target said when asked; the claim if it goes on."""
        attempt = _attempt(before, Operation.LOOKUP, made)
        if made.receipt.outcome is Outcome.DELIVERED:
            entry = Entry(claim=now, next=Next.GO_ON, at=made.at, due_at=made.at, attempt=attempt)
        else:
            entry = self._failed(before, made, attempt)
        return next(iter(self._submit([entry])), None)

    def goes_on(self, claim: Claim) -> Claim | None:
        """Book that the doubt about its steps was considered, before they go once more; the claim if it is still ours."""
        now = self._clock.now()
        return next(iter(self._submit([Entry(claim=claim, next=Next.GO_ON, at=now, due_at=now)])), None)

    def parted(self, parts: Sequence[Part], made: Made) -> list[Claim]:
        """Book the refusal of a call with several: it does not say what became of each, and each goes on by itself. Records replace themselves;
        steps are in doubt."""
        personal = [value for part in parts for value in personal_values(part.claim.dossier)]
        told = replace(made, receipt=replace(made.receipt, message=redact(made.receipt.message, personal)))
        unknown = replace(told.receipt, outcome=Outcome.UNKNOWN)

        def entry(part: Part) -> Entry:
            claim = after(part.claim, part.portion, unknown) if part.portion.operation is Operation.STEPS else part.claim
            return Entry(claim=claim, next=Next.GO_ON, at=made.at, due_at=made.at, attempt=_attempt(part.claim, part.portion.operation, told, part))

        return self._submit([entry(part) for part in parts])

    def in_sync(self, claim: Claim) -> None:
        """Book that nothing was left to send: steps that stayed behind are none of the target's."""
        entry = self._settled(claim, takes_steps=False, attempt=None)
        self._submit([replace(entry, next=Next.REST) if claim.withdrawn else entry])

    def patiently(self, write: Callable[[], Written]) -> Written:
        """Write, however long the state database is away; when syncd stops, until `daemon.drain` ends the process."""
        while True:
            try:
                written = write()
            except StoreUnavailable as error:
                self.waiting = True
                log.error("state_unavailable", error=error.message, hint=error.hint)
                rest(_STORE_WAIT)
            else:
                self.waiting = False
                return written

    def _submit(self, entries: Sequence[Entry]) -> list[Claim]:
        lines = [self._line(entry) for entry in entries]
        lost = self._commits.submit(lines)
        for entry, line in zip(entries, lines, strict=True):
            tell(self._log, entry, lost=line.lease in lost)
        return [entry.claim for entry, line in zip(entries, lines, strict=True) if entry.next is Next.GO_ON and line.lease not in lost]

    def _line(self, entry: Entry) -> Line:
        """The entry as it is written. An answer that cannot be, whatever a connector made of it, is booked by its outcome alone."""
        try:
            return self._ledger.ready(entry)
        except Exception as error:
            log.error("answer_unwritable", target=entry.claim.target, dossier=entry.claim.subject, error=type(error).__name__, exc_info=error)
            if entry.attempt is None:
                raise
            bare = Receipt(outcome=entry.attempt.receipt.outcome, exists=entry.attempt.receipt.exists, code="internal", hint=_INTERNAL)
            return self._ledger.ready(replace(entry, attempt=replace(entry.attempt, receipt=bare)))

    def _write(self, lines: list[Line]) -> set[Lease]:
        lost = set().union(*map(self._written, apart(lines)))
        self.settled += sum(line.settles for line in lines)
        return lost

    def _written(self, lines: list[Line]) -> set[Lease]:
        """Each group with a patience of its own: what is on the disk is not written again for another's sake."""
        tries = count()
        return self.patiently(lambda: self._ledger.record(lines, again=next(tries) > 0))

    def _entry(self, part: Part, made: Made, crossed: set[str]) -> Entry:
        """What one answer means for one dossier."""
        claim = after(part.claim, part.portion, made.receipt)
        made = self._judged(made, claim, part, crossed)
        attempt = _attempt(part.claim, part.portion.operation, made, part)
        match made.receipt.outcome:
            case Outcome.DELIVERED if next_portion(claim, 1, part.takes_steps) is None:
                return self._settled(claim, takes_steps=part.takes_steps, attempt=attempt)
            case Outcome.CROSSED | Outcome.DELIVERED:
                return Entry(claim=claim, next=Next.GO_ON, at=made.at, due_at=made.at, attempt=attempt)
            case _:
                return self._failed(claim, made, attempt)

    @staticmethod
    def _judged(made: Made, claim: Claim, part: Part, crossed: set[str]) -> Made:
        """The answer without personal data, and with what only the history of the dossier tells."""
        receipt = made.receipt
        if receipt.message:
            receipt = replace(receipt, message=redact(receipt.message, personal_values(claim.dossier)))
        if receipt.outcome is Outcome.CROSSED and claim.subject in crossed:
            receipt = replace(receipt, outcome=Outcome.REJECTED, code="crossed_twice", hint=_CROSSED_TWICE)
        elif receipt.outcome is Outcome.CROSSED:
            crossed.add(claim.subject)
        elif receipt.outcome is Outcome.UNKNOWN and too_doubtful(claim, part.portion):
            receipt = replace(receipt, code=UNKNOWN_TWICE, hint=_UNKNOWN_TWICE)
        return replace(made, receipt=receipt)

    def _settled(self, claim: Claim, *, takes_steps: bool, attempt: Attempt | None) -> Entry:
        if claim.steps and not takes_steps:
            claim = replace(claim, steps_sent=claim.steps[-1][0], steps=())
        at = attempt.at if attempt else self._clock.now()
        return Entry(claim=replace(claim, unsure=False), next=Next.SETTLE, at=at, due_at=at, attempt=attempt)

    def _failed(self, claim: Claim, made: Made, attempt: Attempt) -> Entry:
        decision = decide(made.receipt, claim.failures, self._clock.now(), self._waits, self._dice.random())
        goes = Next.DEAD if made.receipt.code in (UNKNOWN_SENT, UNKNOWN_TWICE) else decision.next
        if goes is Next.LATER and decision.due_at - self._clock.now() <= _SOON:
            self.put_off.add(decision.due_at)
        return Entry(claim=replace(claim, failures=decision.failures), next=goes, at=made.at, due_at=decision.due_at, attempt=attempt)


def _attempt(claim: Claim, operation: Operation, made: Made, part: Part | None = None) -> Attempt:
    run = claim.steps[: len(part.portion.steps)] if part else ()
    return Attempt(
        at=made.at,
        target=claim.target,
        subject=claim.subject,
        operation=operation,
        receipt=made.receipt,
        duration=made.seconds,
        version=claim.version,
        first_step=run[0][0] if run else 0,
        last_step=run[-1][0] if run else 0,
        again=operation is Operation.STEPS and claim.doubts > 0,
        request=part.element.body if part and part.element else b"",
    )

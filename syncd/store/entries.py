"""Entries: what goes into the books of a dossier after a call, and the rows it becomes: the ledger's and the journal's."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from syncd.calls import Attempt, Claim, Operation, Outcome, Receipt
from syncd.crypto import Cipher
from syncd.model import Draft, Value
from syncd.policy import Next
from syncd.store.direct import Row

_ANSWER_LIMIT = 4000
_NOTHING_SENT = Receipt(outcome=Outcome.DELIVERED)
_MAY_HAVE_ARRIVED = (Outcome.DELIVERED, Outcome.UNKNOWN)
_RECORDS = (Operation.CREATE, Operation.UPDATE)


class Entry(Value):
    """How a dossier stands at its target now, and the call that made it so, if there was one."""

    claim: Claim  #: as it stands after the answer
    next: Next
    at: datetime
    due_at: datetime
    attempt: Attempt | None = None


class Lease(NamedTuple):
    """What a token gives to its holder: one dossier at one target, for a time."""

    subject: str
    token: str


class Line(NamedTuple):
    """An entry as it is written."""

    lease: Lease
    settles: bool  #: a call has brought the dossier into sync
    row: Row  #: what the ledger is given, by the names of `statements`
    attempt: Row | None  #: what the journal is given
    given: Any = None  #: both, as the database takes them


class Scribe:
    """Writes entries out in the name of a node, with what is personal sealed."""

    def __init__(self, cipher: Cipher, node: str) -> None:
        self._cipher = cipher
        self._node = node

    def line(self, entry: Entry) -> Line:
        """The entry as a line."""
        made = entry.attempt
        settles = made is not None and entry.next is Next.SETTLE
        return Line(Lease(entry.claim.subject, entry.claim.token), settles, _row(entry), self._attempt(made) if made else None)

    def _attempt(self, made: Attempt) -> Row:
        receipt = made.receipt
        return {
            "at": made.at,
            "target": made.target,
            "subject": made.subject,
            "node": self._node,
            "operation": made.operation.value,
            "outcome": receipt.outcome.value,
            "code": _storable(receipt.code)[:64],
            "message": _storable(receipt.message),
            "duration_ms": round(made.duration * 1000),
            "version": made.version,
            "first_step": made.first_step,
            "last_step": made.last_step,
            "again": made.again,
            "request": self._cipher.seal(made.request) if made.request else None,
            "answer": self._cipher.seal(_storable(receipt.text[:_ANSWER_LIMIT]).encode()) if receipt.text else None,
        }


def _storable(text: str) -> str:
    """The text without what a database refuses to hold: an answer in broken text is booked like any other."""
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")


def _replaces(made: Attempt, claim: Claim) -> bool:
    """Whether the call may have put an older record over a newer one at the target. A draft never does: each is a document of its own."""
    return made.operation in _RECORDS and made.receipt.outcome in _MAY_HAVE_ARRIVED and not isinstance(claim.matter, Draft)


def _row(entry: Entry) -> Row:
    claim, receipt = entry.claim, entry.attempt.receipt if entry.attempt else _NOTHING_SENT
    failed = entry.next in (Next.DEAD, Next.LATER)
    return {
        "t": claim.target,
        "s": claim.subject,
        "token": claim.token,
        "version": claim.version,
        "next": entry.next.value,
        "at": entry.at,
        "due": entry.due_at,
        "created_now": claim.created,
        "sent_version_now": claim.sent_version,
        "sent_digest_now": claim.sent_digest,
        "steps_sent_now": claim.steps_sent,
        "owed_now": ",".join(map(str, claim.owed)),
        "strange_now": claim.strange,
        "adopting_now": claim.adopting,
        "adopted_now": claim.adopted,
        "doubtful_now": receipt.outcome in (Outcome.UNKNOWN, Outcome.CROSSED),
        "failures_now": claim.failures,
        "unsure_now": claim.unsure,
        "doubts_now": claim.doubts,
        "memo_now": _storable(claim.memo),
        "outcome_now": receipt.outcome.value,
        "error_code_now": _storable(receipt.code)[:64] if failed else "",
        "error_message_now": _storable(receipt.message) if failed else "",
        "error_hint_now": _storable(receipt.hint) if failed else "",
        "replaced": entry.attempt is not None and _replaces(entry.attempt, claim),
        "success": entry.attempt is not None and receipt.outcome is Outcome.DELIVERED,
    }

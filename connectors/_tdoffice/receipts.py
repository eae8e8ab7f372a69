"""Receipts for what the axis says, cleaned of what must not be read. Pure.

A receipt's message goes to logs and screens. It loses the values of the call it answers and everything with the shape of
personal data. Its text is kept sealed and may quote a citizen, but never the token.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from connectors._http.outcomes import Trouble
from connectors._secrets import beginning, hide
from connectors._tdoffice.answers import Answer, Answers
from syncd.calls import Outcome, Receipt
from syncd.redact import code, redact

LONGEST_MESSAGE = 300
LONGEST_TEXT = 2000
_UNDECIDED = (Outcome.REJECTED, Outcome.UNKNOWN)
_REFUSED = "correct in the one-stop what the axis names; about an unknown code ask the axis's operator, then put it into the mapping's [tables.codes]"
_STRANGERS = "check token, scheme and base_url, then: syncd target probe"


class Receipts:
    """What may be read of an answer, by the words of a mapping and without these secrets."""

    def __init__(self, answers: Answers, secrets: tuple[str, ...]) -> None:
        self._answers = answers
        self._secrets = secrets

    def judged(self, answer: Answer, known: Iterable[str] = ()) -> Receipt:
        """The receipt for a call that changes something."""
        outcome, told = self._answers.judge(answer), code(hide(answer.code, self._secrets))
        if outcome is Outcome.DELIVERED:
            return Receipt(outcome=outcome, code=told, text=self._text(answer.body))
        hint = {Outcome.REJECTED: _REFUSED, Outcome.UNAUTHORISED: _STRANGERS}.get(outcome, "")
        message = self._message(answer.message, known) or f"the axis answers with code {told} and no reason"
        return Receipt(outcome=outcome, code=told, message=message, hint=hint, text=self._text(answer.body))

    def read(self, answer: Answer) -> Receipt:
        """The receipt for a call that only reads: what the axis refuses today it may give tomorrow. Its words are left out, for it is
        not known whom they are about; the code says enough."""
        receipt = self.judged(answer)
        outcome = Outcome.UNAVAILABLE if receipt.outcome in _UNDECIDED else receipt.outcome
        return msgspec.structs.replace(receipt, outcome=outcome, message=receipt.message and f"the axis answers with code {receipt.code}")

    def troubled(self, trouble: Trouble) -> Receipt:
        """The receipt for what came instead of an answer."""
        message, text = self._message(trouble.message), self._text(trouble.body)
        return Receipt(outcome=trouble.outcome, code=trouble.code, message=message, hint=trouble.hint, text=text, retry_after=trouble.retry_after)

    def _message(self, text: str, known: Iterable[str] = ()) -> str:
        return redact(beginning(text, self._secrets, LONGEST_TEXT * 2), known)[:LONGEST_MESSAGE]

    def _text(self, body: bytes) -> str:
        return beginning(body, self._secrets, LONGEST_TEXT)

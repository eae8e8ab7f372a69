"""The way back from Tân Dân's document axis: packages are listed until they are acknowledged.

A package is acknowledged as failed only where it can never be read; every other trouble leaves it listed.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from connectors._http.outcomes import Trouble
from connectors._tdoffice.answers import MISSING, Answer
from connectors._tdoffice.axis import ACKNOWLEDGE, FETCH, LIST, TOO_LARGE, Axis
from connectors._tdoffice.mapping import OfficeMapping
from connectors._tdoffice.options import MEGABYTE, TdofficeOptions
from connectors._tdoffice.receipts import Receipts
from connectors._tdoffice.returns import Returns
from syncd.calls import Outcome, Receipt
from syncd.clock import Clock
from syncd.documents import IssuedDocument, Listing, Take, Verdict

_REPEATED = "raise largest, then ask at the document system to send the package again"


class TdofficeCollector:
    """The way back, by asking."""

    def __init__(self, options: TdofficeOptions, mapping: OfficeMapping, axis: Axis, clock: Clock, span: float) -> None:
        self.longest = timedelta(seconds=2 * span)  # a package, and files it only names
        self._options = options
        self._mapping = mapping
        self._axis = axis
        self._clock = clock
        self._receipts = Receipts(mapping.answers, axis.secrets())

    def waiting(self, known: int) -> Listing:
        """The packages that the axis lists, each once, in its order."""
        answer = self._listed(self._options.top + known, self._until())
        if isinstance(answer, Trouble):
            return Listing(receipt=self._receipts.troubled(answer))
        receipt = self._receipts.read(answer)
        if receipt.outcome is not Outcome.DELIVERED:
            return Listing(receipt=receipt)
        if not isinstance(answer.data, list | None):
            unlisted = Receipt(outcome=Outcome.UNAVAILABLE, code="unreadable", message="the axis answers with something else than a list of packages")
            return Listing(receipt=unlisted)
        codes = (str(code).strip() for code in answer.data or () if isinstance(code, (str, int)))
        return Listing(receipt=receipt, documents=tuple(dict.fromkeys(filter(None, codes))))

    def fetch(self, document: str) -> IssuedDocument | Receipt:
        """One package."""
        until = self._until()
        answer = self._axis.get(FETCH, {"MaVanBan": document}, until)
        if isinstance(answer, Trouble):
            return self._receipts.troubled(_for_good(answer))
        receipt = self._receipts.read(answer)
        if receipt.outcome is not Outcome.DELIVERED:
            return receipt
        returns = Returns(self._mapping, self._options.largest * MEGABYTE, lambda link: self._axis.file(link, until))
        found = returns.read(document, answer.data)
        return self._receipts.troubled(found) if isinstance(found, Trouble) else found

    def acknowledge(self, document: str, verdict: Verdict) -> Receipt:
        """Tell that it is done, or that it never can be; a package that is gone needs no telling, and to tell it twice does no harm."""
        told = {"MaVanBan": document, "TrangThai": self._mapping.acknowledged(taken=verdict.taken)}
        answer = self._axis.post(ACKNOWLEDGE, told if verdict.taken else {**told, "Log": verdict.reason}, self._until(), repeatable=True)
        if isinstance(answer, Trouble):
            return self._receipts.troubled(answer)
        receipt = self._receipts.judged(answer)
        if self._mapping.answers.meaning(answer) == MISSING:
            return msgspec.structs.replace(receipt, outcome=Outcome.DELIVERED, hint="")
        if receipt.outcome is Outcome.UNKNOWN:
            return msgspec.structs.replace(receipt, outcome=Outcome.UNAVAILABLE)
        return receipt

    def listen(self, take: Take) -> None:
        """Nothing is pushed."""

    def probe(self) -> Receipt:
        """Whether the axis lists anything to us."""
        answer = self._listed(1, self._until())
        receipt = self._receipts.troubled(answer) if isinstance(answer, Trouble) else self._receipts.read(answer)
        if receipt.outcome is not Outcome.DELIVERED:
            return receipt
        return Receipt(outcome=Outcome.DELIVERED, message="the axis answers and knows us")

    def close(self) -> None:
        """Nothing is held."""

    def _listed(self, top: int, until: float) -> Answer | Trouble:
        return self._axis.get(LIST, {"maDonViCha": self._options.agency_code, "top": top}, until)

    def _until(self) -> float:
        return self._clock.monotonic() + self.longest.total_seconds()


def _for_good(trouble: Trouble) -> Trouble:
    """A package that is too large stays so."""
    return trouble._replace(outcome=Outcome.REJECTED, hint=_REPEATED) if trouble.code == TOO_LARGE else trouble

"""The portal's list of procedures: a dossier whose procedure the portal does not know is not sent to it.

The list is kept for a day. A code that is not on it may be new, so the list is read again, but not more often than every ten
minutes. An empty list, or a portal that does not give one, means that codes are not checked; it is asked for again in ten
minutes. That the list cannot be read for trouble on the way holds the dossier back: nothing was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import NamedTuple

from connectors._dvcqg.answers import Answer, Answers
from connectors._http.outcomes import Trouble
from connectors._tokens import Shared
from syncd.calls import Outcome
from syncd.clock import Clock
from syncd.redact import code

AGAIN = timedelta(minutes=10)


class Listing(NamedTuple):
    """The list as read once."""

    codes: frozenset[str]
    note: str  #: for the administrator


class Catalogue:
    """Which procedures the portal knows. One object for all workers."""

    def __init__(self, ask: Callable[[float], Answer | Trouble | None], lifetime: timedelta, answers: Answers, clock: Clock) -> None:
        self._ask = ask
        self._lifetime = lifetime
        self._answers = answers
        self._shared: Shared[Listing] = Shared(self._read, clock)

    def check(self, codes: Iterable[str], until: float) -> Trouble | None:
        """Why a record with one of these procedures must not go out."""
        wanted = set(filter(None, codes))
        listing = self.listing(until)
        if isinstance(listing, Listing) and listing.codes and not wanted <= listing.codes:
            listing = self.listing(until, youngest=AGAIN)
        if isinstance(listing, Trouble):
            return listing
        strange = ", ".join(sorted(wanted - listing.codes)) if listing.codes else ""
        if not strange:
            return None
        return Trouble(
            Outcome.REJECTED,
            "unknown_procedure",
            f"MaTTHC {strange[:100]} is not in the portal's list of procedures",
            "give the procedure in the one-stop the code that the portal lists, or have it published there",
        )

    def listing(self, until: float, *, youngest: timedelta | None = None) -> Listing | Trouble:
        """The list, or why it cannot be had."""
        if not self._lifetime:
            return Listing(frozenset(), "codes of procedures are not checked")
        return self._shared.get(until, youngest=youngest)

    def _read(self, until: float) -> tuple[Listing, timedelta] | Trouble:
        answer = self._ask(until)
        if isinstance(answer, Trouble):
            return answer
        if answer is None:
            return Listing(frozenset(), "the portal cannot be asked for its procedures; their codes are not checked"), self._lifetime
        if not self._answers.fine(answer):
            return Listing(frozenset(), f"the portal does not give its procedures (code {code(answer.code)}); their codes are not checked"), AGAIN
        codes = frozenset(filter(None, (_code(entry) for entry in answer.found or () if isinstance(entry, dict))))
        if not codes:
            return Listing(codes, "the portal's list of procedures is empty; codes are not checked"), AGAIN
        return Listing(codes, f"{len(codes)} procedures in the portal's list"), self._lifetime


def _code(entry: dict[str, object]) -> str:
    return next((str(value).strip() for name, value in entry.items() if name.upper() == "MATTHC" and value), "")

"""Collect: what document systems issued comes back into the one-stop, once each, and they are told.

One run for one target, in stages that each begin from what the inbox holds:

    list          what the far end has for us: it names a document until it is acknowledged, and may do so for ever
    keep          each one that is not here: fetched, checked (type by content, size, SHA-256), joined to its dossier and draft,
                  judged, and committed to the inbox with its files (`received` judges, `store.inbox` keeps)
    write         each that is to be written: into the one-stop, committed there, then noted here (`write_back`)
    acknowledge   each that is written, came late or can never be taken: the far end is told, then that is noted

A process killed between any two stages, or within one, finds at its next run what it had left. What it had fetched and not
kept is listed again; what it had written and not noted is written again, which the outlet knows and does once; what it had
told and not noted is told again, which the far end must bear. Only what is in the one-stop is acknowledged as taken, and only
what can never get there as failed: that costs an operator a re-sending, so trouble that may pass never comes to it. A document
of which the far end was told and that is listed again may be another one by now, under its old key: it is fetched anew. Where it is
the same that was taken, the far end has forgotten, and is told once more.

What is pushed to us (`take`) enters at *keep*, and is answered only when it is on the disk.

Trouble at the far end is told to the target's gate, and a shut gate keeps us from calling; what is here already is written to
the one-stop all the same. A paused target is left alone altogether.

What a far end says of trouble may name a citizen. Where the dossier is known its values are taken out; where it is not, the words
are left out, and the code stands for them.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import TypeVar

import structlog
from msgspec.structs import replace

from syncd.calls import Outcome, Receipt
from syncd.clock import Clock
from syncd.documents import IssuedDocument, Listing, Verdict
from syncd.gate import Gate
from syncd.model import Value
from syncd.options import OfficeOptions
from syncd.policy import asked, wait
from syncd.ports import Collector, Outlet
from syncd.received import Refusal, examine
from syncd.redact import redact
from syncd.store.board import Board
from syncd.store.inbox import ENDED, Entry, Inbox
from syncd.store.inbox_arrivals import Arrivals, Kept
from syncd.write_back import Writing, words

log = structlog.get_logger()

_TAKEN = ("written", "late")
_TO_TELL = ("written", "late", "refused")
_SAID = {"arrived": "document_collected", "held": "document_held", "late": "document_late", "refused": "document_refused"}

Answer = TypeVar("Answer")


class Collected(Value):
    """What one run did."""

    kept: int = 0
    written: int = 0
    acknowledged: int = 0


class Collecting:
    """The way back from one target."""

    def __init__(self, collector: Collector, outlet: Outlet, inbox: Inbox, gate: Gate, options: OfficeOptions, clock: Clock, stopping: threading.Event) -> None:
        self.name = gate.name
        self.collector = collector
        self.inbox = inbox
        self.arrivals = Arrivals(inbox.database, inbox.cipher)
        self.writing = Writing(outlet, inbox, options, clock)
        self.gate = gate
        self.board = Board(inbox.database)
        self.options = options
        self.clock = clock
        self.stopping = stopping
        self.proceed: Callable[[], bool] = lambda: True  #: asked before each document; no = stop here, the rest comes next time
        self._dice = random.Random()

    def run(self) -> Collected:
        """List, keep, write, acknowledge, as far as it goes now. Raises `StoreUnavailable`."""
        if self._paused():
            return Collected()
        kept = self._keep_all()
        written = self.writing.write_all(self.name, self._goes_on)
        acknowledged = self._acknowledge_all()
        return Collected(kept=kept, written=written, acknowledged=acknowledged)

    def take(self, document: IssuedDocument) -> str:
        """Keep what was pushed to us; see `documents.Take`. Safe to call from any thread and any number of times. Raises
        `StoreUnavailable`."""
        kept = self._keep(document)
        return kept.message if kept.state in ("refused", "void") else ""

    def _paused(self) -> bool:
        return self.board.target(self.name).paused

    def _may_call(self) -> bool:
        """Whether a call to the far end may begin."""
        return self._goes_on() and not self.gate.shut() and not self._paused()

    def _goes_on(self) -> bool:
        return not self.stopping.is_set() and self.proceed()

    # ---- list and keep

    def _keep_all(self) -> int:
        count = 0
        for document in self._new():
            if not self._may_call():
                break
            count += self._fetch(document)
        return count

    def _new(self) -> list[str]:
        """The documents listed that are not here, or were here and have come to their end."""
        if not self._may_call():
            return []
        here = self.inbox.unacknowledged(self.name)
        listing = self._ask(lambda: self.collector.waiting(here), lambda receipt: Listing(receipt=receipt))
        self.gate.learn(listing.receipt)
        if listing.receipt.outcome is not Outcome.DELIVERED:
            self._complain("list", listing.receipt)
            return []
        known = self.inbox.known(self.name, listing.documents)
        return [document for document in dict.fromkeys(listing.documents) if known.get(document, "void") in ENDED]

    def _fetch(self, document: str) -> bool:
        """Fetch and keep one document; whether it was not here."""
        fetched = self._ask(lambda: self.collector.fetch(document), lambda receipt: receipt)
        if isinstance(fetched, IssuedDocument):
            self.gate.learn(Receipt(outcome=Outcome.DELIVERED))
            kept = self._keep(replace(fetched, id=document))  # the key it is listed under is the one to acknowledge
            if kept.state == "done" and self._may_call():
                self._tell(document, Verdict(taken=True), kept.dossier)
            return kept.new
        self.gate.learn(fetched)
        if fetched.outcome is not Outcome.REJECTED:
            self._complain("fetch", fetched, document)
            return False
        refusal = Refusal(code=fetched.code or "unreadable", message=redact(fetched.message), hint=fetched.hint)
        self._report(self.arrivals.unreadable(self.name, document, self.clock.now(), refusal), document)
        return True

    def _keep(self, document: IssuedDocument) -> Kept:
        examined = examine(document, self.options.largest * 1_000_000)
        refusal = examined if isinstance(examined, Refusal) else None
        kept = self.arrivals.keep(self.name, document if isinstance(examined, Refusal) else examined, self.clock.now(), refusal)
        self._report(kept, document.id, len(document.files), len(document.remarks))
        return kept

    def _report(self, kept: Kept, document: str, files: int = 0, remarks: int = 0) -> None:
        if kept.new:
            words: dict[str, object] = {
                "target": self.name,
                "dossier": kept.dossier,
                "inbox": kept.id,
                "document": document,
                "stage": kept.stage,
                "files": files,
            }
            words |= {"remarks": remarks, **({"reason": kept.code, "detail": kept.message} if kept.code else {})}
            say = log.warning if kept.state in ("held", "refused") else log.info
            say(_SAID[kept.state], **words)

    # ---- acknowledge

    def _acknowledge_all(self) -> int:
        count = 0
        for entry in self.inbox.each(self.name, _TO_TELL, self.clock.now):
            if not self._may_call():
                break
            count += self._acknowledge(entry)
        return count

    def _acknowledge(self, entry: Entry) -> bool:
        taken = entry.state in _TAKEN
        receipt = self._tell(entry.document.id, Verdict(taken=taken, reason="" if taken else entry.message), entry.dossier)
        if receipt.outcome is Outcome.DELIVERED:
            if self.inbox.move(entry, "done" if taken else "void", self.clock.now()):
                log.info("document_acknowledged", taken=taken, **words(entry))
            return True
        patience = asked(receipt.retry_after) if receipt.outcome is Outcome.BUSY else wait(self.options.retry, entry.failures, self._dice.random())
        again = self.clock.now() + patience
        self.inbox.failed(entry, again, receipt.code, receipt.message, receipt.hint)
        return False

    def _tell(self, document: str, verdict: Verdict, dossier: str) -> Receipt:
        """Tell what became of a document; the answer free of what says whom its dossier is about."""
        receipt = self._ask(lambda: self.collector.acknowledge(document, verdict), lambda receipt: receipt)
        if receipt.message:
            known = self.inbox.personal(dossier)
            receipt = replace(receipt, message="" if known is None else redact(receipt.message, known))
        self.gate.learn(receipt)
        if receipt.outcome is not Outcome.DELIVERED:
            self._complain("acknowledge", receipt, document)
        return receipt

    # ---- what the stages share

    def _ask(self, call: Callable[[], Answer], instead: Callable[[Receipt], Answer]) -> Answer:
        """Make one call to the far end at the pace of its gate; a connector's bug is an answer like another."""
        self.stopping.wait(self.gate.pace())
        try:
            return call()
        except Exception as error:
            log.error("connector_failed", target=self.name, error=type(error).__name__, exc_info=error)
            message = f"the connector failed: {type(error).__name__}"
            return instead(Receipt(outcome=Outcome.UNKNOWN, code="internal", message=message, hint="report it with the log of this moment"))

    def _complain(self, stage: str, receipt: Receipt, document: str = "") -> None:
        words = {"target": self.name, "outcome": receipt.outcome.value, "error_code": receipt.code, "error": redact(receipt.message), "hint": receipt.hint}
        log.warning("collect_failed", during=stage, **words, **({"document": document} if document else {}))

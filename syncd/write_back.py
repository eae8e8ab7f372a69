"""Write back: what arrived in the inbox goes into the one-stop, once each.

A document that was written and not noted, since we were killed in between, is written again, which the outlet knows and does once.
Trouble at the one-stop makes a document wait by the retry schedule of its target.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import structlog

from syncd.clock import Clock
from syncd.documents import Filed
from syncd.errors import SourceError, UndecipherableError
from syncd.options import OfficeOptions
from syncd.policy import wait
from syncd.ports import Outlet
from syncd.received import OVERTAKEN
from syncd.store.inbox import Entry, Inbox

log = structlog.get_logger()

PATIENCE = 3  #: documents in a row that the one-stop did not take, after which it is left alone until the next run


class Writing:
    """The way from the inbox into the one-stop."""

    def __init__(self, outlet: Outlet, inbox: Inbox, options: OfficeOptions, clock: Clock) -> None:
        self.outlet = outlet
        self.inbox = inbox
        self.options = options
        self.clock = clock
        self._dice = random.Random()

    def write_all(self, target: str, goes_on: Callable[[], bool]) -> int:
        """Write what arrived from a target, as far as it goes now and `goes_on`; how many documents are there now."""
        count, unlucky = 0, 0
        for entry in self.inbox.each(target, ["arrived"], self.clock.now):
            if not goes_on():
                break
            match self._write(entry):
                case None:
                    unlucky += 1
                case wrote:
                    count, unlucky = count + wrote, 0
            if unlucky == PATIENCE:
                break
        return count

    def _write(self, entry: Entry) -> bool | None:
        """Write one document to the one-stop; whether it is there now, None where the one-stop did not take it."""
        if self.inbox.overtaken(entry):
            if self.inbox.move(entry, "late", self.clock.now(), OVERTAKEN):
                log.info("document_late", reason=OVERTAKEN.code, detail=OVERTAKEN.message, **words(entry))
            return False
        try:
            filed = self._filed(entry)
        except UndecipherableError as error:
            self.inbox.set_aside(entry.id, entry.state, error)
            return False
        wrote = self._offer(filed)
        if isinstance(wrote, SourceError):
            self._write_failed(entry, wrote)
            return None
        if self.inbox.move(entry, "written", self.clock.now()):
            log.info("document_written", again=not wrote, **words(entry))
        return True

    def _offer(self, filed: Filed) -> bool | SourceError:
        """Write to the one-stop: whether it was new there, or why it was not taken."""
        try:
            return self.outlet.write(filed)
        except SourceError as error:
            return error
        except Exception as error:  # a connector's bug is contained: one document's trouble is its own
            log.error("connector_failed", target=filed.target, dossier=filed.dossier, error=type(error).__name__, exc_info=error)
            return SourceError(f"the connector failed: {type(error).__name__}", hint="report it with the log of this moment")

    def _filed(self, entry: Entry) -> Filed:
        return Filed(
            target=entry.target,
            document=self.inbox.whole(entry),
            dossier=entry.dossier,
            source_id=self.inbox.onestop_key(entry.dossier) or 0,
            draft=entry.draft,
            digest=entry.digest,
            received_at=entry.received_at,
        )

    def _write_failed(self, entry: Entry, error: SourceError) -> None:
        due_at = self.clock.now() + wait(self.options.retry, entry.failures, self._dice.random())
        self.inbox.failed(entry, due_at, "onestop", error.message, error.hint)
        log.warning("collect_failed", during="write", error=error.message, hint=error.hint, retry_at=due_at.isoformat(), **words(entry))


def words(entry: Entry) -> dict[str, object]:
    """What the log says of a document."""
    return {"target": entry.target, "dossier": entry.dossier, "inbox": entry.id, "document": entry.document.id, "stage": entry.stage}

"""The way back by SOAP: what waits is listed, fetched one by one, and acknowledged.

The list says of what type each result is (01 issued … 04 signed), which the package alone often does not. What it said is kept for
the fetch that follows; a fetch without it, after a restart, asks for the list once more, and failing that goes by the package.

A docId is the key of a draft there, not of one word about it: what was listed as signed is listed as issued later, under the same
id. So what is on its way has a key of its own here, the id with its type (`IO-7#04`), and what ended has the bare id. An
acknowledgement names the id only. One of what was on its way is therefore left out where the id is listed with something else by
now: it would be taken for an acknowledgement of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from connectors._edxml.issued import Listed, understand
from connectors._edxml.limits import Limits, Unreadable
from connectors._edxml.reading import read
from connectors._http.calls import Http
from connectors._http.outcomes import Trouble
from connectors._ioffice.answers import judged, listing, unsaid
from connectors._ioffice.mapping import OfficeMapping
from connectors._ioffice.options import IofficeOptions
from connectors._ioffice.service import FAULT, Service, text
from connectors._ioffice.wire import clean, harmless, troubled
from syncd.calls import Outcome, Receipt
from syncd.clock import Clock
from syncd.documents import RESULTS, IssuedDocument, Listing, Stage, Take, Verdict

PAGE, TOP = 50, 100  #: documents that one listing should bring; and the most it may ask for
_GONE = "I-office no longer has this document"
_MOVED_ON = "I-office lists something later under its id, which is acknowledged instead"
_MARK = "#"


class SoapCollector:
    """The collector of the SOAP dialect."""

    def __init__(self, options: IofficeOptions, mapping: OfficeMapping, service: Service, http: Http, clock: Clock) -> None:
        self.longest = timedelta(seconds=2 * http.span)
        self._options = options
        self._mapping = mapping
        self._service = service
        self._clock = clock
        self._limits = Limits.of(options.largest)
        self._listed: Mapping[str, Listed] = {}

    def waiting(self, known: int) -> Listing:
        """The keys of what waits."""
        return self._list(min(TOP, PAGE + known), self._until())

    def fetch(self, document: str) -> IssuedDocument | Receipt:
        """The document or status package of that key."""
        until = self._until()
        if document not in self._listed:
            self._list(TOP, until)
        reply = self._service.call("GetIssuedDocument", {"docId": _id(document)}, until, repeatable=True)
        if isinstance(reply, Trouble):
            given_up = reply._replace(outcome=Outcome.REJECTED, hint="raise largest, if that is wanted") if reply.code == "too_large" else reply
            return self._troubled(given_up)
        receipt = judged(reply, self._mapping, silent=Outcome.DELIVERED)
        if receipt.code in self._mapping.settings.missing:
            return Receipt(outcome=Outcome.REJECTED, code=receipt.code, message=_GONE)
        if receipt.outcome is not Outcome.DELIVERED:  # says something of the call, and nothing of what the document is
            return self._clean(unsaid(replace(receipt, outcome=Outcome.UNAVAILABLE if receipt.outcome is Outcome.REJECTED else receipt.outcome)))
        if reply.broken:
            return Receipt(outcome=Outcome.REJECTED, code="edxml:no_base64", message="edXml is not base64", hint="ask the sender for it again, whole")
        if not reply.content:
            outcome = Outcome.REJECTED if receipt.code else Outcome.UNAVAILABLE  # a success without a package is an answer, no lack of one
            return Receipt(
                outcome=outcome, code="no_document", message="I-office gives no package for this document", hint="ask the sender for it again, whole"
            )
        return self._understood(document, reply.content)

    def acknowledge(self, document: str, verdict: Verdict) -> Receipt:
        """Done, or failed with the reason."""
        until, ended = self._until(), _id(document) == document
        if not ended and (instead := self._moved_on(document, until)):
            return instead
        told = {"docId": _id(document), "outcome": "done" if verdict.taken else "fail", "reason": verdict.reason}
        reply = self._service.call("AcknowledgeDocument", told, until, repeatable=ended)
        if isinstance(reply, Trouble):
            return self._clean(troubled(harmless(reply)))
        receipt = judged(reply, self._mapping)
        if receipt.code in self._mapping.settings.missing:
            return Receipt(outcome=Outcome.DELIVERED, code=receipt.code, message=_GONE)
        return self._clean(receipt)

    def listen(self, take: Take) -> None:
        """Nothing is pushed."""

    def close(self) -> None:
        """Nothing is held open."""

    def _moved_on(self, document: str, until: float) -> Receipt | None:
        """The receipt where the id is listed with something else by now, or where that cannot be told; None: it may be acknowledged."""
        listing = self._list(TOP, until)
        if listing.receipt.outcome is not Outcome.DELIVERED:
            return listing.receipt
        later = any(key != document and _id(key) == _id(document) for key in listing.documents)
        return Receipt(outcome=Outcome.DELIVERED, message=_MOVED_ON) if later else None

    def _list(self, top: int, until: float) -> Listing:
        reply = self._service.call("ListIssuedDocuments", listing(self._options, self._clock.now(), top), until, repeatable=True)
        if isinstance(reply, Trouble):
            return Listing(receipt=self._troubled(reply))
        receipt = self._clean(unsaid(judged(reply, self._mapping, silent=Outcome.DELIVERED)))
        if receipt.outcome is not Outcome.DELIVERED:
            return Listing(receipt=receipt)
        entries = [entry for entry in reply.many("document") if text(entry.get("docId"))]
        self._listed = listed = dict(map(self._named, entries))
        return Listing(receipt=receipt, documents=tuple(listed))

    def _named(self, entry: Mapping[str, Any]) -> tuple[str, Listed]:
        """An entry of the list under its key."""
        document, kind, listed = text(entry.get("docId")), _kind(entry), self._entry(entry)
        ended = not kind or listed.stage in (*RESULTS, Stage.REJECTED)
        return (document if ended and _MARK not in document else f"{document}{_MARK}{kind}"), listed

    def _entry(self, entry: Mapping[str, Any]) -> Listed:
        number, notation = text(entry.get("codeNumber")), text(entry.get("codeNotation"))
        dossier, _, draft = text(entry.get("correlation")).partition("/")
        return Listed(
            stage=self._mapping.result_types.get(_kind(entry)),
            dossier=text(entry.get("dossierCode")) or dossier,
            draft=draft,
            number="/".join(filter(None, (number, notation))) if number else "",
            issued=text(entry.get("promulgationDate")),
        )

    def _understood(self, document: str, package: bytes) -> IssuedDocument | Receipt:
        try:
            found = understand(read(package, self._limits), document, self._mapping.meanings, self._listed.get(document, Listed()))
        except Unreadable as error:
            return Receipt(outcome=Outcome.REJECTED, code=f"edxml:{error.code}", message=error.message, hint=error.hint)
        return replace(found, memo=_id(document))

    def _until(self) -> float:
        return self._clock.monotonic() + self.longest.total_seconds()

    def _troubled(self, trouble: Trouble) -> Receipt:
        receipt = troubled(trouble)
        return self._clean(unsaid(receipt) if trouble.code.startswith(FAULT) else receipt)

    def _clean(self, receipt: Receipt) -> Receipt:
        return clean(receipt, self._service.secrets())


def _id(key: str) -> str:
    """What I-office calls the document of that key."""
    return key.rpartition(_MARK)[0] or key


def _kind(entry: Mapping[str, Any]) -> str:
    kind = text(entry.get("resultType"))
    return kind and kind.zfill(2)

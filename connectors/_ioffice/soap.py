"""The SOAP dialect: drafts as edXML in the operations of `ioffice.wsdl`.

A draft goes under an id made from its dossier, its key and its content (`clientMessageId`). The same draft therefore always has
the same id, and where a service has it already, it says so (result code 30) and gives the document it made of it: that is
a success. The contract promises this of no real service, though. So a target of this dialect does not count as replacing what is
sent twice: after a lost answer the service is asked what it knows of the draft, and where it cannot tell one draft of the
dossier from another, a person decides.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from connectors._edxml.dates import ZONE
from connectors._edxml.values import NEW, Business, Document, Trace
from connectors._edxml.writing import show, write
from connectors._http.calls import Http
from connectors._http.outcomes import Trouble
from connectors._ioffice.answers import judged, listing
from connectors._ioffice.collect import SoapCollector
from connectors._ioffice.mapping import OfficeMapping
from connectors._ioffice.options import IofficeOptions
from connectors._ioffice.service import Reply, Service, text
from connectors._ioffice.wire import MASKED, Dispatch, troubled
from syncd.calls import Outcome, Portion, Receipt, Standing
from syncd.clock import Clock
from syncd.documents import Attachment
from syncd.errors import Unmappable
from syncd.ports import Collector

SEND, STATUS, LIST = "SendDossierDocument", "GetDocumentStatus", "ListIssuedDocuments"
_IDS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:syncd:ioffice:draft")


class Soap:
    """The dialect behind `Wire`."""

    def __init__(self, options: IofficeOptions, mapping: OfficeMapping, http: Http, clock: Clock) -> None:
        self.replaces = False
        self._options = options
        self._mapping = mapping
        self._clock = clock
        self._service = Service(options, mapping, http, clock)
        self.collector: Collector | None = SoapCollector(options, mapping, self._service, http, clock)

    def show(self, dispatch: Dispatch) -> Mapping[str, object]:
        """The call, its credentials, ids made from the content, time and the content itself as "…"."""
        document = self._document(dispatch, b"", MASKED, MASKED)
        told = self._told(dispatch) | {"edXml": show(document), "clientMessageId": MASKED}
        credentials = dict(self._service.credentials) | ({"userPass": MASKED} if self._service.credentials else {})
        return {"service": SEND, "body": credentials | {name: value for name, value in told.items() if value}}

    def send(self, dispatch: Dispatch, content: bytes, until: float) -> Receipt:
        """The draft as a package; its id at I-office becomes the memo."""
        key = message_id(dispatch, content)
        at = self._clock.now().astimezone(ZONE).strftime("%Y/%m/%d %H:%M:%S")
        try:
            package = write(self._document(dispatch, content, key, at), draft=True)
        except Unmappable as error:
            return Receipt(outcome=Outcome.REJECTED, code=f"invalid:{error.problems[0].field}", message=error.message, hint=error.hint)
        reply = self._service.call(SEND, self._told(dispatch) | {"clientMessageId": key}, until, content=package)
        if isinstance(reply, Trouble):
            return troubled(reply)
        receipt = judged(reply, self._mapping)
        if receipt.outcome is not Outcome.DELIVERED:
            return receipt
        made = reply.said("docId") or dispatch.before
        return Receipt(outcome=Outcome.DELIVERED, exists=True, code=receipt.code, text=receipt.text, memo={dispatch.subject: made} if made else {})

    def look_up(self, portion: Portion, until: float) -> Standing | None:
        """What I-office knows of this draft: by the id it gave it, else among all that it has of the dossier."""
        asked = {"docId": portion.memo} if portion.memo else {"dossierCode": portion.dossier.code}
        reply = self._service.call(STATUS, asked, until, repeatable=True)
        if isinstance(reply, Trouble):
            receipt = troubled(reply)
            return Standing(outcome=receipt.outcome, message=receipt.message, text=receipt.text, retry_after=receipt.retry_after)
        receipt = judged(reply, self._mapping)
        code = reply.said("resultCode")
        if code and code not in self._mapping.settings.missing and receipt.outcome is not Outcome.DELIVERED:
            return Standing(outcome=receipt.outcome, message=receipt.message, text=receipt.text)
        known = [] if code in self._mapping.settings.missing else list(_states(reply))
        exists = bool(known) if portion.memo else _among(known, portion.subject)
        return None if exists is None else Standing(outcome=Outcome.DELIVERED, exists=exists, message=_newest(known), text=receipt.text)

    def probe(self, until: float) -> Receipt:
        """Asks for a list of at most one."""
        told = listing(self._options, self._clock.now(), 1)
        reply = self._service.call(LIST, told, until, repeatable=True)
        if isinstance(reply, Trouble):
            return troubled(reply)
        receipt = judged(reply, self._mapping, silent=Outcome.DELIVERED)
        return receipt if receipt.outcome is not Outcome.DELIVERED else Receipt(outcome=Outcome.DELIVERED, message="I-office answers and knows us")

    def secrets(self) -> tuple[str, ...]:
        """Password and keys."""
        return self._service.secrets()

    def _told(self, dispatch: Dispatch) -> dict[str, object]:
        return {
            "dossierCode": dispatch.dossier,
            "dossierId": dispatch.dossier_id,
            "procedureCode": dispatch.procedure_code,
            "procedureName": dispatch.procedure_name,
            "fromOrganId": self._options.from_organ,
            "issuingOrganId": dispatch.issuer,
            "submitterAccount": dispatch.submitter,
            "signerAccount": dispatch.signer,
            "documentTypeCode": dispatch.kind_code,
            "subject": dispatch.title,
            "dueDate": dispatch.due,
            "correlation": dispatch.subject,
        }

    def _document(self, dispatch: Dispatch, content: bytes, key: str, at: str) -> Document:
        organ = self._mapping.organ
        return Document(
            sender=organ(self._options.from_organ, dispatch.issuer_name if dispatch.issuer == self._options.from_organ else ""),
            receivers=(organ(dispatch.issuer, dispatch.issuer_name),),
            id=key,
            type=dispatch.kind_code,
            type_name=dispatch.kind,
            subject=dispatch.title,
            signer=dispatch.signer_name,
            due=dispatch.due,
            references=(dispatch.dossier,),
            places=(dispatch.issuer_name or dispatch.issuer,),
            traces=(Trace(organ=self._options.from_organ, at=at),),
            business=Business(kind=NEW, document=dispatch.dossier, staff=dispatch.submitter_name),
            files=(Attachment(name=dispatch.file_name, content=content),),
        )


def message_id(dispatch: Dispatch, content: bytes) -> str:
    """Equal for the same draft of the same dossier with the same content, and for nothing else."""
    return str(uuid.uuid5(_IDS, "\n".join((dispatch.dossier, dispatch.draft, sha256(content).hexdigest()))))


def _states(reply: Reply) -> Iterator[Mapping[str, Any]]:
    """Everything that the answer says of any draft."""
    for state in (reply.values, *reply.many("history")):
        if any(text(state.get(name)) for name in ("statusCode", "docId", "correlation")):
            yield state


def _among(known: list[Mapping[str, Any]], subject: str) -> bool | None:
    """Whether the draft is among them; None where some do not say of which draft they are."""
    told = [text(state.get("correlation")) for state in known]
    return True if text(subject) in told else None if "" in told else False


def _newest(known: list[Mapping[str, Any]]) -> str:
    code = text(known[0].get("statusCode")) if known else ""
    return f"status code {code}" if code else ""

"""What the SOAP service is asked for a list with, and what its result codes mean. Pure."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from connectors._edxml.dates import ZONE
from connectors._ioffice.mapping import OfficeMapping
from connectors._ioffice.options import IofficeOptions
from connectors._ioffice.service import Reply
from syncd.calls import Outcome, Receipt
from syncd.redact import code

_HINT = "see what I-office dislikes; about its codes ask the operator"


def listing(options: IofficeOptions, now: datetime, top: int) -> dict[str, object]:
    """The request for a list."""
    since = (now - options.lookback).astimezone(ZONE)
    return {"fromOrganId": options.from_organ, "fromTime": since.strftime("%Y/%m/%d %H:%M:%S"), "top": top}


def judged(reply: Reply, mapping: OfficeMapping, *, silent: Outcome = Outcome.UNKNOWN) -> Receipt:
    """What the result code says; `silent` is what the lack of one means."""
    given, said = reply.said("resultCode"), reply.said("resultMessage")
    raw = reply.body.decode("utf-8", "replace")
    if not given:
        return Receipt(outcome=silent, code="" if silent is Outcome.DELIVERED else "unreadable", message="the answer of I-office has no result code", text=raw)
    outcome = mapping.results.get(str(int(given)) if given.isdecimal() else given, Outcome.REJECTED)
    message = said or (f"I-office answers with code {code(given)} and no reason" if outcome is not Outcome.DELIVERED else "")
    return Receipt(outcome=outcome, code=given, message=message, hint=_HINT if outcome is Outcome.REJECTED else "", text=raw)


def unsaid(receipt: Receipt) -> Receipt:
    """The receipt without the words of I-office, where it is not known whom they are about; its code says enough."""
    return replace(receipt, message=f"I-office answers with code {code(receipt.code)}") if receipt.code and receipt.message else receipt

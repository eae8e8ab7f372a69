"""What the two dialects of I-office have in common: the draft as it goes out, and what a dialect must be able to do.

Everything but the wire is shared. `connectors.ioffice` composes drafts, reads their files, and keeps personal data and
secrets out of receipts; a `Wire` carries a draft to the far end and says what became of it, in its own words. A wire has its
own way back (`collector`), or none.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from connectors._http.outcomes import Trouble
from connectors._ioffice.options import IofficeOptions
from connectors._secrets import beginning, hide
from syncd.calls import Outcome, Portion, Receipt, Standing
from syncd.model import Stored
from syncd.ports import Collector
from syncd.redact import code, redact

LONGEST_MESSAGE = 300
LONGEST_TEXT = 2000
MASKED = "…"
_CERTAIN = (Outcome.UNAVAILABLE, Outcome.BUSY, Outcome.UNAUTHORISED)


class Dispatch(Stored):
    """A draft in I-office's terms, all but the content of its file. Its JSON is the body of the element."""

    subject: str  #: of the ledger row; goes along as correlation
    dossier: str  #: code
    draft: str  #: key of the draft
    title: str  #: trích yếu
    file: str  #: where the content is
    file_name: str
    dossier_id: str = ""
    procedure_code: str = ""
    procedure_name: str = ""
    kind: str = ""  #: document type by name
    kind_code: str = ""
    issuer: str = ""  #: agency code of who issues
    issuer_name: str = ""
    signer: str = ""  #: account
    signer_name: str = ""
    submitter: str = ""  #: account
    submitter_name: str = ""
    due: str = ""  #: yyyy/MM/dd
    before: str = ""  #: id at I-office of an earlier version of this draft
    personal: tuple[str, ...] = ()  #: what says whom the dossier is about; never sent, but looked for in answers


class Wire(Protocol):
    """A dialect. It lets no exception of a library out; its messages may quote what was sent, `connectors.ioffice` cleans them."""

    replaces: bool  #: as of a target
    collector: Collector | None

    def show(self, dispatch: Dispatch) -> Mapping[str, object]:
        """The call that `send` would make, as `{"service": …, "body": …}`: secrets and the file's content stand as "…"."""
        ...

    def send(self, dispatch: Dispatch, content: bytes, until: float) -> Receipt:
        """Hand the draft over, its file's content put in; back before the monotonic second `until`. What the far end calls the
        draft is the receipt's memo, under `dispatch.subject`."""
        ...

    def look_up(self, portion: Portion, until: float) -> Standing | None:
        """What the far end knows of this draft; None where it cannot be asked or cannot tell."""
        ...

    def probe(self, until: float) -> Receipt:
        """Whether the far end answers and knows us, without changing anything there."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """What must not stand in any text."""
        ...


def harmless(trouble: Trouble) -> Trouble:
    """The trouble of a call that changes nothing: it may be had again."""
    return trouble if trouble.outcome in _CERTAIN else trouble._replace(outcome=Outcome.UNAVAILABLE)


def troubled(trouble: Trouble) -> Receipt:
    """The trouble as a receipt, yet to be cleaned."""
    text = trouble.body[: LONGEST_TEXT * 16].decode("utf-8", "replace")
    return Receipt(outcome=trouble.outcome, code=trouble.code, message=trouble.message, hint=trouble.hint, text=text, retry_after=trouble.retry_after)


def clean(receipt: Receipt, secrets: Iterable[str], known: Iterable[str] = ()) -> Receipt:
    """The receipt as it may be kept: its code as one word, its message without the `known` values, its text without secrets, all short."""
    hidden = tuple(filter(None, secrets))
    message = redact(beginning(receipt.message, hidden, LONGEST_TEXT), (*known, *hidden))[:LONGEST_MESSAGE]
    return msgspec.structs.replace(receipt, code=code(hide(receipt.code, hidden)), message=message, text=beginning(receipt.text, hidden, LONGEST_TEXT))


def access_token(options: IofficeOptions) -> dict[str, str]:
    """The header by which a VNPT LGSP knows its caller: its five values as JSON in base64."""
    told = {
        "AccessKey": options.access_key.get_secret_value(),
        "SecretKey": options.secret_key.get_secret_value(),
        "AppName": options.app_name,
        "PartnerCode": options.partner_code,
        "PartnerCodeCus": options.partner_code_cus,
    }
    return {"lgspaccesstoken": base64.b64encode(msgspec.json.encode(told)).decode("ascii")}

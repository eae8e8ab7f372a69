"""What comes back from a document system: issued results, refusals, and word of how far a draft has come. Pure.

A draft moves through *stages* and never back, except that a refusal opens a new round:

    delivered → accepted → in progress → signed → issued, or done without a number
                                       └ rejected

What arrives late (signed after issued) is noted and changes nothing. Asking to recall a document, and the answers to
that, stand beside this order. Where the meaning of the stages comes from: the Tân Dân axis (result types 01 to 04) and the
status packages of QCVN 102:2016/BTTTT (01 to 06, 13, 15, 16), which use the same digits for different things.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum

from syncd.calls import Receipt
from syncd.model import Agency, Value, encode


class Stage(StrEnum):
    """How far a document system is with a draft."""

    DELIVERED = "delivered"  #: arrived there (đã đến)
    ACCEPTED = "accepted"  #: taken in by a clerk (đã tiếp nhận)
    IN_PROGRESS = "in_progress"  #: assigned or being worked on (phân công, đang xử lý)
    SIGNED = "signed"  #: signed, on its way to the clerk who gives the number
    ISSUED = "issued"  #: signed, numbered and issued (đã ban hành)
    UNNUMBERED = "unnumbered"  #: signed, and will not be issued under a number
    REJECTED = "rejected"  #: not approved, or refused at the door; a new draft is needed
    RECALL_ASKED = "recall_asked"
    RECALL_AGREED = "recall_agreed"
    RECALL_REFUSED = "recall_refused"


RESULTS = (Stage.ISSUED, Stage.UNNUMBERED)
_ORDER = {Stage.DELIVERED: 1, Stage.ACCEPTED: 2, Stage.IN_PROGRESS: 3, Stage.SIGNED: 4, Stage.UNNUMBERED: 5, Stage.ISSUED: 6}


def moves_on(before: Stage | None, now: Stage) -> bool:
    """Whether `now` is news after `before`, the furthest stage known of the same draft."""
    if before is None or now not in _ORDER:
        return not (now is Stage.REJECTED and before in RESULTS)
    return before is Stage.REJECTED or _ORDER[now] > _ORDER.get(before, 0)


HEAD = 1024  #: bytes within which a PDF may begin, and a page says what it is
_HTML = re.compile(rb"(?i)<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>]")


def is_page(content: bytes) -> bool:
    """Whether it begins as a page of HTML, such as a proxy or a log-in puts in the place of a file; what a PDF holds is none of its beginning."""
    return _HTML.search(content[:HEAD].partition(b"%PDF-")[0]) is not None


class Attachment(Value):
    """A file as it came; its bytes are never changed, for they carry the signature."""

    name: str
    content: bytes
    kind: str = ""  #: media type as declared

    @property
    def sha256(self) -> str:
        """Of the content, in hex."""
        return hashlib.sha256(self.content).hexdigest()


class IssuedDocument(Value):
    """One document, or word of one, as a document system gave it. Texts may quote citizens."""

    id: str  #: key at the far end: of the package, document or call
    stage: Stage
    dossier: str = ""  #: dossier code as it stands there; empty where it does not
    draft: str = ""  #: key of the draft, where what we gave along was echoed
    number: str = ""  #: number and notation as written, `123/QĐ-UBND` (số, ký hiệu)
    issued_on: date | None = None
    signed_on: date | None = None
    signer: str = ""
    position: str = ""
    agency: Agency = Agency()
    abstract: str = ""  #: trích yếu
    kind: str = ""  #: document type
    reason: str = ""  #: of a refusal
    files: tuple[Attachment, ...] = ()
    remarks: tuple[str, ...] = ()  #: what could not be read, such as a bad date; free of personal data
    memo: str = ""  #: what the far end called the draft when it took it (memo of the ledger), where that is not `id`

    @property
    def digest(self) -> str:
        """Equal for documents that say the same about the same dossier, under whatever key they come."""
        said = (self.stage, self.dossier, self.draft, self.number, self.issued_on, self.agency.code, self.reason, sorted(file.sha256 for file in self.files))
        return hashlib.sha256(encode(said)).hexdigest()[:32]


def split_number(written: str) -> tuple[str, str]:
    """Number and notation: `123/QĐ-UBND` is `123` and `QĐ-UBND`, `123/2025/QĐ-UBND` is `123` and `2025/QĐ-UBND`."""
    number, _, notation = written.strip().partition("/")
    return number.strip(), notation.strip()


class Listing(Value):
    """What a document system has for us."""

    receipt: Receipt  #: delivered where it could be asked
    documents: tuple[str, ...] = ()  #: keys, oldest first, until they are acknowledged; what says another thing meanwhile has another key


class Verdict(Value):
    """What became of a document here, for the far end."""

    taken: bool  #: written to the one-stop, or known already; else it can never be taken
    reason: str = ""  #: free of personal data


class Filed(Value):
    """A document and the dossier it belongs to, ready to be written to the one-stop."""

    target: str
    document: IssuedDocument
    dossier: str  #: code
    source_id: int  #: primary key of the dossier in the one-stop
    draft: str  #: key of the draft, where it is known
    digest: str  #: with target and document id: what is written once
    received_at: datetime


Take = Callable[[IssuedDocument], str]  #: keeps what was pushed to us; says why where it cannot, "" where it did

"""The values syncd moves: immutable, typed, free of any wire's names.

A *dossier* (hồ sơ) is what a citizen handed in; a *step* (bước xử lý) is one thing an officer did with it; a
*snapshot* is both as read from the one-stop at one moment. Its *digest* says whether anything a target could care
about has changed. Times are aware datetimes, money is whole đồng, absent text is the empty string.

The values are msgspec structs: they are frozen, they cost little to make, and their JSON is the form in which
snapshots rest (encrypted) in the state database. There, fields that equal their default are left out, so a field may be
added with a default and everything stored before still reads, with the same digest.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import dataclass_transform

import msgspec

# What the state keeps whole; where a row of the one-stop holds more, the source makes a problem of it.
LONGEST_CODE = 80  #: characters of a dossier's code; with a draft's key behind it, it still is a subject of the ledger
LONGEST_DRAFT = 75  #: characters of a draft's key
LONGEST_AGENCY = 64  #: characters of an agency's code
GREATEST = 2**63 - 1  #: whole number


class Status(StrEnum):
    """The ten states of a dossier that the national portal shows to citizens."""

    REGISTERED = "registered"  #: filed online, not yet received by an officer (mới đăng ký)
    RECEIVED = "received"  #: được tiếp nhận
    REFUSED = "refused"  #: không được tiếp nhận
    PROCESSING = "processing"  #: đang xử lý
    SUPPLEMENT = "supplement"  #: yêu cầu bổ sung giấy tờ
    PAYMENT = "payment"  #: yêu cầu thực hiện nghĩa vụ tài chính
    WITHDRAWN = "withdrawn"  #: công dân yêu cầu rút hồ sơ
    STOPPED = "stopped"  #: dừng xử lý
    PROCESSED = "processed"  #: đã xử lý xong
    RETURNED = "returned"  #: đã trả kết quả


class Origin(StrEnum):
    """Where a dossier was first registered."""

    ONESTOP = "onestop"
    PORTAL = "portal"  #: filed on the national portal and handed over; it knows the dossier under `portal_code`


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything below."""


class Stored(Value, frozen=True, kw_only=True, omit_defaults=True):
    """Base of what rests in the state as JSON: a field that equals its default is left out."""


class Problem(Stored):
    """One thing wrong with one field, in words for a person; never with a citizen's data in them."""

    field: str  #: path of the field, column or setting at fault
    reason: str
    hint: str = ""  #: what to do next


class Owner(Stored):
    """Whom the dossier is about (chủ hồ sơ). All of it is personal data."""

    kind: str = ""  #: citizen | business | agency | organisation
    name: str = ""
    identity: str = ""  #: identity number as the one-stop has it
    account: str = ""  #: technical id of the owner's portal account
    email: str = ""
    phone: str = ""
    address: str = ""


class Agency(Stored):
    """The unit that handles the dossier."""

    code: str = ""  #: at most `LONGEST_AGENCY`
    name: str = ""


class Paper(Stored):
    """A paper handed in with the dossier, or a result paper issued for it."""

    id: str
    name: str
    component: str = ""  #: code of the dossier component it fulfils, in the national catalogue
    kind: str = ""  #: for a result: code of the result kind in the national catalogue
    link: str = ""  #: where a target can fetch it; empty where files are not published
    digitised: bool = False
    removed: bool = False  #: withdrawn by the officer after it had been handed in


class Fee(Stored):
    """A fee or charge of the dossier, in whole đồng."""

    name: str
    amount: int
    code: str = ""
    kind: str = ""  #: charge (phí) | fee (lệ phí)
    collected: str = ""  #: when it is collected, in the words of the mapping


class Dossier(Stored):
    """One dossier as the one-stop shows it, without its steps."""

    code: str  #: the business key: agency-date-serial, printed on the citizen's receipt; at most `LONGEST_CODE`
    source_id: int  #: primary key in the one-stop
    origin: Origin = Origin.ONESTOP
    portal_code: str = ""  #: the portal's own code of a dossier of origin `portal`
    procedure_code: str = ""
    procedure_name: str = ""
    domain_code: str = ""
    domain_name: str = ""
    owner: Owner = msgspec.field(default_factory=Owner)
    agency: Agency = msgspec.field(default_factory=Agency)
    status: Status | None = None
    abstract: str = ""
    note: str = ""
    channel: str = ""  #: counter | online | post
    return_by_post: bool = False
    paid_online: str = ""  #: "" no fee | portal | gateway | offline
    submitted_at: datetime | None = None
    received_at: datetime | None = None
    due_at: datetime | None = None
    processed_at: datetime | None = None
    returned_at: datetime | None = None
    refused_at: datetime | None = None
    papers: tuple[Paper, ...] = ()
    results: tuple[Paper, ...] = ()
    fees: tuple[Fee, ...] = ()
    problems: tuple[Problem, ...] = ()  #: what the source mapping could not read; such a dossier is not sent, a person sees it


class Step(Stored):
    """One processing event of a dossier; history, so it is sent once and never changed."""

    id: int  #: primary key in the one-stop, ascending in time
    at: datetime | None = None
    officer: str = ""
    unit: str = ""
    content: str = ""
    status: Status | None = None  #: of the dossier, after this step
    due_at: datetime | None = None
    problems: tuple[Problem, ...] = ()


class Draft(Stored):
    """A draft result of a dossier (dự thảo), to be signed and issued by the document system. It is handed over once."""

    id: str  #: key in the one-stop; at most `LONGEST_DRAFT`
    revision: str = ""  #: differs whenever the file does; with the key it says which draft this is
    title: str = ""
    kind: str = ""  #: document type (loại văn bản), in the words of the mapping
    file: str = ""  #: where the content is: a path or an address
    file_name: str = ""
    signer: str = ""  #: account at the document system of who is to sign
    signer_name: str = ""
    submitter: str = ""  #: account of the officer who submits
    submitter_name: str = ""
    due_at: datetime | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def identity(self) -> str:
        """Digest of what makes it this draft: a corrected title is no second document to sign."""
        return digest(encode((self.id, self.revision)))


class Statistic(Stored):
    """What became of one agency's dossiers in one period (thống kê tình hình giải quyết)."""

    agency: Agency
    year: int
    month: int = 0  #: 0 = the whole year
    received: int = 0  #: handed in within the period
    carried_over: int = 0  #: handed in before and open when it began
    on_time: int = 0  #: solved within the period, no later than promised
    late: int = 0  #: solved within the period, too late
    pending: int = 0  #: open at its end, the promised time not yet past
    overdue: int = 0  #: open at its end, the promised time past

    @property
    def key(self) -> str:
        """The ledger's subject for it."""
        return f"statistic:{self.year}{f'-{self.month:02}' if self.month else ''}:{self.agency.code}"


class Kind(StrEnum):
    """What a target may take."""

    DOSSIER = "dossier"
    DRAFT = "draft"
    STATISTIC = "statistic"


class Snapshot(Value):
    """A dossier, its steps and its drafts, as read at one moment."""

    dossier: Dossier
    steps: tuple[Step, ...] = ()
    drafts: tuple[Draft, ...] = ()

    def body(self) -> bytes:
        """The dossier as canonical JSON."""
        return encode(self.dossier)


class Cursor(Stored):
    """How far the one-stop has been read. Only the source that wrote it understands it."""

    modified: str = ""  #: modification time of the last row passed, as the source writes it
    id: int = 0  #: and its primary key
    top: int = 0  #: highest dossier key ever seen
    top_step: int = 0  #: highest step key ever seen
    unstamped: int = 0  #: where the round through rows without modification time goes on


class Page(Value):
    """One page of a poll or sweep: what was read, and how far that brings the reader."""

    snapshots: tuple[Snapshot, ...]
    cursor: Cursor
    rows: int = 0  #: dossier rows read
    unpublished: int = 0  #: read, but not to be published
    skipped_steps: int = 0  #: purely internal steps left out


def encode(value: object) -> bytes:
    """The canonical JSON of a value: field order as declared, defaults left out."""
    return _encoder.encode(value)


def decode_dossier(body: bytes) -> Dossier:
    """The dossier written by `encode`."""
    return _dossiers.decode(body)


def decode_step(body: bytes) -> Step:
    """The step written by `encode`."""
    return _steps.decode(body)


def decode_matter(kind: str, body: bytes) -> Draft | Statistic:
    """The draft or statistic written by `encode`."""
    return _drafts.decode(body) if kind == Kind.DRAFT else _statistics.decode(body)


def digest(body: bytes) -> str:
    """128 bits of SHA-256 in hex: equal digests mean equal content."""
    return hashlib.sha256(body).hexdigest()[:32]


_encoder = msgspec.json.Encoder()
_dossiers = msgspec.json.Decoder(Dossier)
_steps = msgspec.json.Decoder(Step)
_drafts = msgspec.json.Decoder(Draft)
_statistics = msgspec.json.Decoder(Statistic)

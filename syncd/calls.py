"""What a call to a target is: what goes into it, and what becomes of it.

A *claim* is a leased ledger row with all that a delivery needs to know; a *portion* is what goes next of it; an *element* is
the portion in the target's own terms; a *receipt* is the answer, and an *attempt* the call as the journal keeps it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from syncd.model import Dossier, Draft, Statistic, Status, Step, Stored, Value


class Outcome(StrEnum):
    """What became of one call, in the engine's terms."""

    DELIVERED = "delivered"
    CROSSED = "crossed"  #: the target already had, or did not have, what the ledger thought; sent the other way at once
    REJECTED = "rejected"  #: the target understood and refused: a person must look
    UNAVAILABLE = "unavailable"  #: certainly not processed; send again later
    DEFERRED = "deferred"  #: not sent, since something of this dossier is not to be had at present; no fault of the target
    BUSY = "busy"  #: the target asks to wait
    UNAUTHORISED = "unauthorised"  #: the target does not know us: nothing goes out until a person has looked
    UNKNOWN = "unknown"  #: no answer arrived: it may or may not have been processed (law L7)


class Receipt(Value):
    """The answer to one call. `text` may quote personal data and is kept encrypted; `message` may not."""

    outcome: Outcome
    exists: bool | None = None  #: whether the target has the dossier now, where the answer says so
    code: str = ""  #: error code as the target spells it, or syncd's own word
    message: str = ""  #: short and free of personal data
    hint: str = ""
    text: str = ""  #: the raw answer, shortened
    retry_after: float | None = None  #: seconds the target asked for
    memo: dict[str, str] = msgspec.field(default_factory=dict)  #: what the connector wants back with the next call, by `Element.subject`


class Difference(Stored):
    """One field in which a target differs from what it should have; a citizen's values are masked."""

    field: str  #: in the target's own terms
    expected: str
    found: str


class StepsFound(Value):
    """Which steps a target shows, of those it was asked about; by their position among these."""

    missing: tuple[int, ...] = ()
    doubled: tuple[int, ...] = ()
    foreign: int = 0  #: steps that are none of ours


class Standing(Value):
    """What a target answered when asked about one dossier."""

    outcome: Outcome  #: delivered where it answered, else why it could not be asked
    exists: bool | None = None
    status: Status | None = None  #: None: the target does not say, so not comparable
    received_at: datetime | None = None
    due_at: datetime | None = None
    compared: tuple[str, ...] = ()  #: the fields in which the answer could be compared with the dossier asked about
    differences: tuple[Difference, ...] = ()  #: and those that differ
    steps: StepsFound | None = None  #: None: the target does not say
    message: str = ""
    text: str = ""
    retry_after: float | None = None


class Operation(StrEnum):
    """What a call does at the target."""

    CREATE = "create"
    UPDATE = "update"
    STEPS = "steps"
    LOOKUP = "lookup"


class Portion(Value):
    """What goes to a target next: the record of a dossier, a run of its steps, or what is sent besides (`matter`)."""

    operation: Operation
    dossier: Dossier  #: the one concerned; of a statistic, one without a code
    subject: str = ""  #: of the ledger row: the dossier's code, or the key of the matter
    matter: Draft | Statistic | None = None  #: sent instead of the dossier's record
    steps: tuple[Step, ...] = ()
    memo: str = ""  #: what the connector asked to remember


class Element(Value):
    """A portion in a target's own terms, ready to send."""

    subject: str  #: as in the portion
    lane: str  #: elements of one lane may travel in one call; "" travels alone
    body: bytes


class Claim(Value):
    """A leased ledger row, with all that a delivery needs to know."""

    target: str
    subject: str
    token: str  #: of the lease; every write names it (law L3)
    until: datetime  #: end of the lease
    version: int  #: of the snapshot read
    digest: str  #: of its record
    dossier: Dossier
    matter: Draft | Statistic | None = None  #: what is sent, where that is not the dossier
    withdrawn: bool = False  #: the one-stop has taken the matter back: it goes only if it may be there already
    steps: tuple[tuple[int, Step], ...] = ()  #: not yet acknowledged, by their place in the dossier's history
    created: bool = False  #: the target has acknowledged a record
    sent_version: int = 0
    sent_digest: str = ""
    steps_sent: int = 0  #: place of the last acknowledged step
    owed: tuple[int, ...] = ()  #: places before that which the target turned out to lack
    strange: bool = False  #: the target turned out to have the dossier, and not from us: its steps may be there too
    adopting: datetime | None = None  #: what the target had of this dossier by then is to be taken as sent (see `turns.adopted`)
    adopted: int = 0  #: place up to which steps were taken as sent, not sent
    failures: int = 0
    unsure: bool = False  #: an outcome is not known: ask the target before sending
    doubtful: bool = False  #: an outcome ever was not known, and no reconciliation has found it confirmed since
    doubts: int = 0  #: times in a row that the outcome of the next steps was not known
    memo: str = ""

    @property
    def record_due(self) -> bool:
        """Whether the target lacks this record."""
        return self.digest != self.sent_digest


class Attempt(Value):
    """One call about one dossier, as the journal keeps it."""

    at: datetime
    target: str
    subject: str
    operation: Operation
    receipt: Receipt
    duration: float  #: seconds
    version: int = 0
    first_step: int = 0  #: places of the steps sent, 0 for a record
    last_step: int = 0
    again: bool = False  #: sent after an outcome that was not known: the target may hold it twice
    request: bytes = b""

"""A state filled through the engine's own doors, under a clock that stands still until it is turned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from syncd.calls import Attempt, Claim, Operation, Outcome, Receipt
from syncd.crypto import Cipher
from syncd.model import Agency, Cursor, Dossier, Draft, Owner, Page, Snapshot, Status, Step
from syncd.policy import Next
from syncd.store.database import Database
from syncd.store.entries import Entry
from syncd.store.intake import Intake
from syncd.store.ledger import Ledger
from syncd.store.matters import Routes

START = datetime(2025, 3, 3, 1, 30, tzinfo=UTC)
REQUEST = b'{"ChuHoSo":"L\xc3\xbd Th\xe1\xbb\x8b S\xc3\xa2m"}'


class Hand:
    """A clock turned by hand."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()

    def turn(self, span: timedelta) -> datetime:
        self.at += span
        return self.at


class State:
    """Takes dossiers in and writes down what became of their calls."""

    def __init__(self, database: Database, targets: Sequence[str] = ("portal",)) -> None:
        self.database = database
        self.clock = Hand()
        self.cipher = Cipher([bytes(range(32))])
        self.ledger = Ledger(database, self.cipher, "node-1")
        self.intake = Intake(database, self.cipher, self.clock, Routes(targets))

    def take(self, *codes: str, status: Status = Status.RECEIVED, steps: int = 0, drafts: Sequence[str] = ()) -> None:
        """A poll that brings these dossiers, with that many steps each, and drafts of these keys."""
        history = tuple(Step(id=place, at=START, officer="Nông Văn Bế", content="tiếp nhận", status=status) for place in range(1, steps + 1))
        snapshots = tuple(Snapshot(dossier=dossier(code, status), steps=history, drafts=tuple(Draft(id=key) for key in drafts)) for code in codes)
        page = Page(snapshots=snapshots, cursor=Cursor(modified="2025-03-03 08:30:00", id=len(codes)))
        changed, known = self.intake.compare(page)
        self.intake.take(changed, known, page.cursor)

    def claim(self, target: str = "portal") -> list[Claim]:
        """Everything due now, leased."""
        return self.ledger.claim(target, 1000, self.clock.now(), timedelta(minutes=5))

    def deliver(self, target: str = "portal") -> list[str]:
        """Everything due now, acknowledged; the dossiers concerned."""
        claims = self.claim(target)
        for claim in claims:
            done = replace(
                claim, created=True, sent_version=claim.version, sent_digest=claim.digest, steps_sent=claim.steps_sent + len(claim.steps), failures=0
            )
            self.answer(done, Receipt(outcome=Outcome.DELIVERED, code="0", text='{"error_code":"0"}'), Next.SETTLE)
        return sorted(claim.subject for claim in claims)

    def refuse(self, code: str = "-7", target: str = "portal") -> None:
        """Everything due now, refused for good."""
        for claim in self.claim(target):
            receipt = Receipt(outcome=Outcome.REJECTED, code=code, message="MaTTHC is not known", hint="correct the procedure code")
            self.answer(replace(claim, failures=claim.failures + 1), receipt, Next.DEAD)

    def answer(self, claim: Claim, receipt: Receipt, following: Next, steps: tuple[int, int] = (0, 0)) -> None:
        """One call answered, about the record or about these steps."""
        now = self.clock.now()
        record = Operation.UPDATE if claim.sent_version else Operation.CREATE
        made = Attempt(
            at=now,
            target=claim.target,
            subject=claim.subject,
            operation=Operation.STEPS if steps[1] else record,
            receipt=receipt,
            duration=0.12,
            version=claim.version,
            first_step=steps[0],
            last_step=steps[1],
            request=REQUEST,
        )
        self.ledger.record([self.ledger.ready(Entry(claim=claim, attempt=made, next=following, at=now, due_at=now))])


def dossier(code: str, status: Status = Status.RECEIVED) -> Dossier:
    """An invented dossier."""
    owner = Owner(kind="citizen", name="Lý Thị Sâm", identity="006187000123", phone="0987000123")
    number = int("".join(character for character in code if character.isdecimal()) or "0")
    return Dossier(code=code, source_id=number, owner=owner, agency=Agency(code="H03.14", name="UBND xã Cao Minh"), status=status, received_at=START)

"""What officers do with a dossier of the invented one-stop, and what each move leaves behind in its tables.

Both the generator and the life of dossiers walk with an `Office`, so that what stands in the database from the start
and what happens later obey the same rules. A `Case` is one dossier in memory, as rows of the OpenCPS tables.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from syncd.sandbox.catalogue import PROCEDURES, Procedure, document_type
from syncd.sandbox.flow import LEADING_ON, MOVES, STAGES, Move, moves_from
from syncd.sandbox.names import Party, chance, words
from syncd.sandbox.people import OFFICERS
from syncd.sandbox.places import PROVINCE, PROVINCE_CODE, UNITS_OF, Unit, address, place

Row = dict[str, Any]
GROUP: Final = 55301
COMPANY: Final = 20116
SUBMITTED, RESULT = 1, 2  #: dossierPartType
SATURDAY: Final = 5  #: the first day of the week on which offices are closed
SYSTEM_PORTAL: Final = 5  #: systemId of a dossier that was filed on the national portal

_NOTATION: Final = "KQ-TTHC"  # of what was issued before the rehearsal
ENTRY: Final = 900_000  #: so far above the key of a file is that of what it holds
SIGNED: Final = 1_000_000  #: so far above the key of a draft's content is that of the signed one
_NOTES: Final = ("Hồ sơ đầy đủ, hợp lệ", "Đề nghị xử lý đúng hạn", "Thiếu bản sao có chứng thực", "Kính chuyển lãnh đạo phê duyệt")
_EMPTY: Final = dict.fromkeys(
    words(
        "dossierNo, receiveDate, processDate, dueDate, extendDate, releaseDate, finishDate, cancellingDate, correcttingDate, "
        "dossierStatusText, dossierSubStatusText, applicantNote, briefNote, postalAddress, dossierActionId"
    )
)


@dataclass(slots=True)
class Case:
    """One dossier: its row, where it is, and the rows that belong to it."""

    row: Row
    procedure: Procedure
    stage: str
    actions: list[Row] = field(default_factory=list)
    files: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)

    @property
    def closed(self) -> bool:
        """Whether no officer will touch it again."""
        return self.stage not in LEADING_ON

    @property
    def drafts(self) -> list[Row]:
        """The drafts that wait to be signed."""
        return [file for file in self.files if file["dossierPartType"] == RESULT and not file["removed"] and not file["signCheck"]]


@dataclass(slots=True)
class Keys:
    """The next free primary keys."""

    dossier: int = 1
    action: int = 1
    file: int = 1
    payment: int = 1

    def take(self, table: str) -> int:
        """The next key of that table."""
        key: int = getattr(self, table)
        setattr(self, table, key + 1)
        return key


class Office:
    """The officers: they take dossiers in and move them on. Times are naive and local."""

    def __init__(self, random: Random, keys: Keys, serial: Callable[[str], int], *, signing: bool = True) -> None:
        """`serial` gives the next number for a code that begins with a prefix; without `signing` every result is finished by hand."""
        self.random = random
        self.keys = keys
        self.serial = serial
        self.signing = signing

    def take_in(self, party: Party, at: datetime, channel: str) -> Case:
        """A new dossier.

        Channels: counter, post, online, unreceived (online, not yet taken), portal (filed nationally), child (of a chain), draft.
        """
        procedure = self.random.choice(PROCEDURES)
        unit = self.random.choice(UNITS_OF[procedure.level])
        case = Case(self._row(party, procedure, unit, at, channel), procedure, "100")
        for paper in procedure.papers:
            self.add_paper(case, paper, at)
        self._act(case, "file", "Nộp hồ sơ", "100", at)
        if channel != "unreceived":
            self.advance(case, MOVES[0], at + timedelta(seconds=self.random.randrange(30, 600)))
        return case

    def usual(self, case: Case, *, answers: bool = False) -> tuple[Move, ...]:
        """What officers may do with a dossier, and with `answers` what a document system may."""
        return moves_from(case.stage, signed=self.signing and case.procedure.signed, answers=answers)

    def choose(self, case: Case) -> Move:
        """What would happen next to a dossier that is not closed."""
        moves = self.usual(case, answers=True)
        return self.random.choices(moves, [move.weight for move in moves])[0]

    def advance(self, case: Case, move: Move, at: datetime) -> None:
        """Make the move: a new action, and what it changes in the dossier."""
        effect = _EFFECTS.get(move.kind)
        if effect is not None:
            effect(self, case, at)
        self.step(case, move, at)

    def step(self, case: Case, move: Move, at: datetime, note: str = "") -> None:
        """The move's action alone, without what it changes otherwise."""
        self._act(case, move.kind, move.text, move.to or case.stage, at, note)

    def add_paper(self, case: Case, name: str, at: datetime, kind: int = SUBMITTED) -> Row:
        """A paper handed in, or a `RESULT`."""
        key = self.keys.take("file")
        paper = {
            **self._common(at), "dossierFileId": key, "dossierId": case.row["dossierId"], "dossierPartNo": f"TP{len(case.files) + 1:02}",
            "dossierPartType": kind, "displayName": name, "fileEntryId": ENTRY + key, "original": True, "eForm": False, "isNew": False, "removed": False,
            "signCheck": int(kind == RESULT), "deliverableCode": "", "fileTemplateNo": "", "referenceUid": self.uid(),
        }  # fmt: skip
        case.files.append(paper)
        return paper

    def add_draft(self, case: Case, at: datetime) -> Row:
        """A draft of the result, for the document system; the officer who made it is its user."""
        draft = self.add_paper(case, case.procedure.result, at, RESULT)
        draft.update(signCheck=0, fileTemplateNo=document_type(case.procedure.result), userName=self.random.choice(OFFICERS))
        return draft

    def file_result(self, case: Case, draft: Row, number: str, at: datetime) -> None:
        """The draft has come back signed, as a file of its own, and issued under a number where it has one: it is the result now."""
        name = f"{draft['displayName']} số {number}" if number else draft["displayName"]
        draft.update(signCheck=1, deliverableCode=number, displayName=name, fileEntryId=draft["fileEntryId"] + SIGNED, modifiedDate=at)
        case.row.update(releaseDate=at)

    def add_fee(self, case: Case, at: datetime, amount: int) -> Row:
        """A fee not yet paid, in whole đồng."""
        payment = {
            **self._common(at), "paymentFileId": self.keys.take("payment"), "dossierId": case.row["dossierId"], "referenceUid": self.uid(),
            "govAgencyCode": case.row["govAgencyCode"], "govAgencyName": case.row["govAgencyName"], "paymentFee": f"Lệ phí {case.procedure.name.lower()}",
            "advanceAmount": 0, "feeAmount": amount, "serviceAmount": 0, "shipAmount": 0, "paymentAmount": amount, "paymentStatus": 1, "paymentMethod": "",
            "confirmDatetime": None,
        }  # fmt: skip
        case.payments.append(payment)
        return payment

    def settle(self, payment: Row, at: datetime, *, online: bool) -> None:
        """The fee has been paid."""
        payment.update(paymentStatus=2, paymentMethod="Keypay" if online else "Tiền mặt", confirmDatetime=at, modifiedDate=at)

    def uid(self) -> str:
        """A new universal id, from the seed."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def _common(self, at: datetime) -> Row:
        return {
            "uuid_": self.uid(),
            "groupId": GROUP,
            "companyId": COMPANY,
            "userId": 20139,
            "userName": "Hệ thống một cửa",
            "createDate": at,
            "modifiedDate": at,
        }

    def _row(self, party: Party, procedure: Procedure, unit: Unit, at: datetime, channel: str) -> Row:
        home = place(self.random)
        key = self.keys.take("dossier")
        online = channel in ("online", "unreceived", "portal")
        return {
            **_EMPTY, **self._common(at), "dossierId": key, "counter": key, "serviceCode": procedure.local, "serviceName": procedure.name,
            "govAgencyCode": unit.code, "govAgencyName": unit.name, "applicantName": party.name, "applicantIdType": party.kind,
            "applicantIdNo": party.identity, "address": address(self.random, home), "cityCode": PROVINCE_CODE, "cityName": f"Tỉnh {PROVINCE}",
            "districtCode": home.district_code, "districtName": home.district, "wardCode": home.commune_code, "wardName": home.commune,
            "contactName": party.name, "contactTelNo": party.phone, "contactEmail": party.email,
            "dossierName": f"{procedure.name} - {party.name}" if chance(self.random, 0.6) else None,
            "submitDate": at if online else None, "submitting": False, "viaPostal": 2 if chance(self.random, 0.15) else self.random.randrange(2),
            "fromViaPostal": 2 if channel == "post" else 0, "online_": online, "original": True, "notification": True, "password_": f"{key % 10**6:06}",
            "originality": 0 if channel == "draft" else 3, "originDossierId": max(1, key - 1) if channel == "child" else 0,
            "systemId": SYSTEM_PORTAL if channel == "portal" else 0,
            "referenceUid": f"G22.99.{at:%y%m%d}-{key:07}" if channel == "portal" else self.uid(),
            "dossierStatus": "", "dossierSubStatus": "",
        }  # fmt: skip

    def _act(self, case: Case, kind: str, text: str, to: str, at: datetime, note: str = "") -> None:
        before, after = STAGES[case.stage], STAGES[to]
        key = self.keys.take("action")
        note = note or (self.random.choice(_NOTES) if chance(self.random, 0.4) else "")
        case.actions.append({
            **self._common(at), "dossierActionId": key, "dossierId": case.row["dossierId"], "serviceProcessId": case.procedure.process,
            "previousActionId": case.row["dossierActionId"] or 0, "fromStepCode": before.code, "fromStepName": before.name, "actionCode": kind,
            "actionUser": case.row["applicantName"] if kind == "file" else self.random.choice(OFFICERS), "actionName": text,
            "actionNote": note, "pending": True, "stepCode": after.code, "stepName": after.name,
            "sequenceNo": after.code, "dueDate": at + timedelta(days=self.random.randrange(1, 6)) if to in LEADING_ON else None,
            "nextActionId": 0, "eventStatus": 0,
        })  # fmt: skip
        if len(case.actions) > 1:
            case.actions[-2].update(nextActionId=key, pending=False, modifiedDate=at)
        case.stage = to
        case.row.update(dossierActionId=key, dossierStatus=after.status, dossierStatusText=after.name, dossierSubStatus=after.substatus, modifiedDate=at)


def working_days(after: datetime, days: int) -> datetime:
    """The end of the office day that many working days later."""
    at = after
    while days:
        at += timedelta(days=1)
        days -= at.weekday() < SATURDAY
    return at.replace(hour=17, minute=0, second=0, microsecond=0)


def _receive(office: Office, case: Case, at: datetime) -> None:
    prefix = f"{case.row['govAgencyCode']}-{at:%y%m%d}-"
    late = chance(office.random, 0.08)  # promised less than it will take
    case.row.update(dossierNo=f"{prefix}{office.serial(prefix):04}", receiveDate=at, dueDate=working_days(at, 1 if late else case.procedure.days))
    if case.procedure.fee:
        payment = office.add_fee(case, at, case.procedure.fee)
        if chance(office.random, 0.6):
            office.settle(payment, at, online=case.row["online_"])


def _finish(office: Office, case: Case, at: datetime) -> None:
    case.row.update(releaseDate=at)
    office.add_paper(case, case.procedure.result, at, RESULT)


def _submit(office: Office, case: Case, at: datetime) -> None:
    office.add_draft(case, at)


def _issued(office: Office, case: Case, at: datetime) -> None:
    for draft in case.drafts:
        office.file_result(case, draft, f"{office.random.randrange(1, 2000)}/{_NOTATION}", at)


def _rejected(_office: Office, case: Case, at: datetime) -> None:
    for draft in case.drafts:
        draft.update(removed=True, modifiedDate=at)


def _extend(_office: Office, case: Case, at: datetime) -> None:
    case.row.update(extendDate=working_days(max(at, case.row["extendDate"] or case.row["dueDate"]), 3))


def _supplied(office: Office, case: Case, at: datetime) -> None:
    _extend(office, case, at)
    office.add_paper(case, f"Giấy tờ bổ sung ngày {at:%d/%m/%Y}", at)


def _charge(office: Office, case: Case, at: datetime) -> None:
    office.add_fee(case, at, office.random.randrange(2, 40) * 5_000)


def _pay(office: Office, case: Case, at: datetime) -> None:
    for payment in case.payments:
        if payment["confirmDatetime"] is None:
            office.settle(payment, at, online=chance(office.random, 0.5))


def _set(column: str) -> Callable[[Office, Case, datetime], None]:
    def effect(_office: Office, case: Case, at: datetime) -> None:
        case.row[column] = at

    return effect


_EFFECTS: Final[dict[str, Callable[[Office, Case, datetime], None]]] = {
    "receive": _receive,
    "assign": _set("processDate"),
    "supplied": _supplied,
    "extend": _extend,
    "charge": _charge,
    "pay": _pay,
    "finish": _finish,
    "submit": _submit,
    "issued": _issued,
    "rejected": _rejected,
    "return": _set("finishDate"),
    "withdraw": _set("cancellingDate"),
    "amend": _set("correcttingDate"),
    "amended": _set("releaseDate"),
}

"""The life of the invented one-stop while syncd watches it: officers move dossiers on, correct them, and make mistakes.

Every change is one transaction that raises the dossier's modification time, as the real system does. Steps are only
ever added; of an older step only the bookkeeping changes (`nextActionId`, `pending`), which means nothing to a target.
Mistakes (`spoil`) are remembered and put right a little later; `settle` puts right what is left, so that a rehearsal
can end with everything publishable. One `Life` at a time may live in a database; others may write to tables of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import datetime, timedelta
from random import Random
from typing import Final, NamedTuple

from sqlalchemy import Connection, Engine, Table, func, select

from syncd.clock import Clock
from syncd.sandbox.catalogue import PROCEDURES
from syncd.sandbox.flow import LEADING_ON, MOVES_FROM, STAGES, Move
from syncd.sandbox.journey import GROUP, Case, Keys, Office, Row
from syncd.sandbox.names import chance, party, person_name
from syncd.sandbox.onestop import local_now, write_cases, writing
from syncd.sandbox.schema import tables_in
from syncd.sandbox.shelf import Shelf

#: what an officer may get wrong: the columns and what they then hold
MISHAPS: Final[dict[str, Row]] = {
    "unmapped": {"dossierStatus": "handover", "dossierSubStatus": "", "dossierStatusText": "Bàn giao"},
    "procedure": {"serviceCode": "", "serviceName": ""},
    "agency": {"govAgencyName": ""},
    "broken": {"applicantName": "Ho\ufffdng V\ufffdn"},
    "absurd": {"receiveDate": datetime.fromisoformat("1925-01-01T08:00")},
}
RECEPTION: Final = timedelta(minutes=10)  #: what the reception of a dossier takes at most
EDITS: Final = ("correct", "phone", "note", "paper_added", "paper_removed", "paid")
_DAY: Final = {"work": 55, "repair": 20, "edit": 15, "arrive": 10}  # of a hundred things that happen
_ARRIVALS: Final = {"counter": 10, "online": 5, "unreceived": 4, "post": 1, "portal": 2, "child": 2}
_CLOSED: Final = tuple(stage.status for stage in STAGES.values() if stage.code not in LEADING_ON)
_LOCAL: Final = {procedure.local: procedure for procedure in PROCEDURES}


class Change(NamedTuple):
    """One thing that happened in the one-stop."""

    kind: str  #: of the move, the edit, the mishap; `repaired`; or `arrived_<channel>`
    dossier_id: int
    code: str  #: dossierNo, empty before reception


class Hand(NamedTuple):
    """What somebody needs to work on one dossier."""

    office: Office
    case: Case  #: what is changed in it will be written
    at: datetime  #: when it happens


class Life:
    """Officers at work in one database."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        random: Random,
        *,
        filed: Callable[[str], None] = lambda _code: None,
        shelf: Shelf | None = None,
        signing: bool = True,
    ) -> None:
        """`filed` is told the national code of a dossier that comes from the portal, before it stands in the database; on the
        `shelf` drafts get their file. Without `signing` no officer submits one."""
        self.engine = engine
        self.clock = clock
        self.random = random
        self.layout = tables_in(engine)
        self.shelf = shelf
        self._signing = signing
        self._filed = filed
        self._spoiled: dict[int, Row] = {}  # what stood there before the mishap
        dossier = self.layout.dossier.c
        with engine.connect() as connection:
            self._ids = list(connection.scalars(select(dossier.dossierId).order_by(dossier.dossierId)))
            self._open = list(connection.scalars(select(dossier.dossierId).where(dossier.dossierStatus.not_in(_CLOSED)).order_by(dossier.dossierId)))

    def move(self, count: int = 1) -> list[Change]:
        """Let `count` random things happen."""
        return [self._happen() for _ in range(count)]

    def settle(self) -> list[Change]:
        """Put right every mishap that still stands."""
        return [self.repair(key) for key in list(self._spoiled)]

    def arrive(self, channel: str) -> Change:
        """A new dossier comes in; for the channels see `Office.take_in`."""
        with writing(self.engine) as connection:
            filed_at = local_now(self.clock) - RECEPTION  # it is received by now: nothing in a one-stop was done in the future
            case = self._office(connection).take_in(party(self.random), filed_at, channel)
            if channel == "portal":
                self._filed(case.row["referenceUid"])
            write_cases(connection, self.layout, [case])
        self._ids.append(case.row["dossierId"])
        self._open.append(case.row["dossierId"])
        return _change(f"arrived_{channel}", case.row)

    def advance(self, dossier_id: int, kind: str = "") -> Change | None:
        """Move one dossier on, by that kind of move or a usual one; None where no such move leads on from its stage."""
        with writing(self.engine) as connection, self.at_hand(connection, dossier_id) as (office, case, at):
            moves = [move for move in MOVES_FROM[case.stage] if move.kind == kind] if kind else office.usual(case)
            if not moves:
                return None
            move: Move = self.random.choices(moves, [move.weight for move in moves])[0]
            office.advance(case, move, at)
        return _change(move.kind, case.row)

    def edit(self, dossier_id: int, kind: str) -> Change:
        """Correct something of one dossier without a step; for the kinds see `EDITS`."""
        with writing(self.engine) as connection, self.at_hand(connection, dossier_id) as (office, case, at):
            self._edit(office, case, kind, at)
            case.row["modifiedDate"] = at
        return _change(kind, case.row)

    @contextmanager
    def at_hand(self, connection: Connection, dossier_id: int) -> Iterator[Hand]:
        """One dossier to be worked on; what was changed is written at the end."""
        case = self._load(connection, dossier_id)
        before = deepcopy(case)
        yield Hand(self._office(connection), case, self._moment(case))
        self._save(connection, before, case)
        for column in self._spoiled.get(dossier_id, {}).keys() & {name for name, value in case.row.items() if value != before.row[name]}:
            del self._spoiled[dossier_id][column]  # the change has put it right

    def resume(self, dossier_id: int) -> None:
        """What a dossier has waited for is there: officers may take it up again."""
        if dossier_id not in self._open:
            self._open.append(dossier_id)

    def spoil(self, dossier_id: int, kind: str = "unmapped") -> Change:
        """Make one of the `MISHAPS`."""
        row = self._overwrite(dossier_id, MISHAPS[kind])
        undo = self._spoiled.setdefault(dossier_id, {})
        for column in MISHAPS[kind]:
            undo.setdefault(column, row[column])
        return _change(kind, row)

    def repair(self, dossier_id: int) -> Change:
        """Put right what `spoil` did to that dossier."""
        return _change("repaired", self._overwrite(dossier_id, self._spoiled.pop(dossier_id)))

    def _happen(self) -> Change:
        what = self.random.choices(list(_DAY), list(_DAY.values()))[0]
        if what == "repair" and self._spoiled:
            return self.repair(next(iter(self._spoiled)))
        if what == "arrive":
            return self.arrive(self.random.choices(list(_ARRIVALS), list(_ARRIVALS.values()))[0])
        if what == "edit" and self._ids:
            return self.edit(self.random.choice(self._ids), self.random.choice(EDITS))
        return self._work()

    def _work(self) -> Change:
        """An officer takes an open dossier: nearly always moves it on, sometimes sets a status nobody knows."""
        while self._open:
            place = self.random.randrange(len(self._open))
            key = self._open[place]
            if key in self._spoiled:
                return self.repair(key)
            if chance(self.random, 0.03):
                return self.spoil(key)
            if change := self.advance(key):
                return change
            self._open[place] = self._open[-1]
            self._open.pop()
        return self.arrive("counter")

    def _edit(self, office: Office, case: Case, kind: str, at: datetime) -> None:
        unpaid = [payment for payment in case.payments if payment["confirmDatetime"] is None]
        papers = [paper for paper in case.files if not paper["removed"] and paper["dossierPartType"] == 1]
        if kind == "correct" and case.row["dossierId"] not in self._spoiled:
            case.row["applicantName"] = case.row["contactName"] = person_name(self.random)
        elif kind == "phone":
            case.row["contactTelNo"] = f"0900{self.random.randrange(10**6):06}"
        elif kind == "paper_added":
            office.add_paper(case, f"Giấy tờ kèm theo số {len(case.files) + 1}", at)
        elif kind == "paper_removed" and papers:
            self.random.choice(papers).update(removed=True, modifiedDate=at)
        elif kind == "paid" and unpaid:
            office.settle(unpaid[0], at, online=chance(self.random, 0.5))
        else:
            case.row["applicantNote"] = f"Bổ sung thông tin lúc {at:%H:%M:%S}"

    def _office(self, connection: Connection) -> Office:
        layout = self.layout
        columns = (layout.dossier.c.dossierId, layout.action.c.dossierActionId, layout.file.c.dossierFileId, layout.payment.c.paymentFileId)
        keys = Keys(*((connection.scalar(select(func.max(column))) or 0) + 1 for column in columns))

        def serial(prefix: str) -> int:
            codes = select(func.max(layout.dossier.c.dossierNo)).where(layout.dossier.c.groupId == GROUP, layout.dossier.c.dossierNo.startswith(prefix))
            return int((connection.scalar(codes) or "0").rpartition("-")[2]) + 1

        return Office(self.random, keys, serial, signing=self._signing)

    def _load(self, connection: Connection, dossier_id: int) -> Case:
        layout = self.layout
        row = _rows(connection, layout.dossier, layout.dossier.c.dossierId == dossier_id)[0]
        last = _rows(connection, layout.action, layout.action.c.dossierActionId == row["dossierActionId"])[0]
        files = _rows(connection, layout.file, layout.file.c.dossierId == dossier_id)
        payments = _rows(connection, layout.payment, layout.payment.c.dossierId == dossier_id)
        procedure = next(one for one in PROCEDURES if one.process == last["serviceProcessId"])
        return Case(row, procedure, last["stepCode"], [last], files, payments)

    def _moment(self, case: Case) -> datetime:
        """Now, but a second after the last step and after the last change, whatever the clock does."""
        modified: datetime = case.row["modifiedDate"] or datetime.min  # noqa: DTZ901 the one-stop's times have no zone
        last: datetime = case.actions[-1]["createDate"]
        return max(local_now(self.clock), last + timedelta(seconds=1), modified + timedelta(milliseconds=1))

    def _overwrite(self, dossier_id: int, values: Row) -> Row:
        """Change columns of a dossier; what stood there is returned."""
        with writing(self.engine) as connection:
            case = self._load(connection, dossier_id)
            table = self.layout.dossier
            change = table.update().where(table.c.dossierId == dossier_id).values({**values, "modifiedDate": self._moment(case)})
            connection.execute(change)
        return case.row

    def _save(self, connection: Connection, before: Case, after: Case) -> None:
        layout = self.layout
        if self.shelf:
            self.shelf.drafts(after.drafts[len(before.drafts) :])
        _write(connection, layout.dossier, "dossierId", [before.row], [after.row])
        _write(connection, layout.action, "dossierActionId", before.actions, after.actions)
        _write(connection, layout.file, "dossierFileId", before.files, after.files)
        _write(connection, layout.payment, "paymentFileId", before.payments, after.payments)


def _change(kind: str, row: Row) -> Change:
    return Change(kind, row["dossierId"], row["dossierNo"] or "")


def _rows(connection: Connection, table: Table, condition: object) -> list[Row]:
    found = connection.execute(table.select().where(condition).order_by(*table.primary_key))  # type: ignore[arg-type]
    keys = table.c.keys()
    return [dict(zip(keys, row, strict=True)) for row in found]


def _write(connection: Connection, table: Table, key: str, before: Iterable[Row], after: Iterable[Row]) -> None:
    """Insert the rows that are new and update what differs in the others."""
    known = {row[key]: row for row in before}
    for row in after:
        old = known.get(row[key])
        if old is None:
            connection.execute(table.insert(), row)
        elif changed := {column: value for column, value in row.items() if value != old[column]}:
            connection.execute(table.update().where(table.c[key] == row[key]).values(changed))

"""An invented one-stop: OpenCPS tables filled with dossiers of the last weeks, from a seed.

Every dossier walks the same process as it would in an office, from the day it came in until now or until it is closed,
so that rows agree with one another. Rows are made and written a thousand dossiers at a time; a table of a million is
only a matter of patience. Which dossiers a target must see is told in `Contents`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import islice
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url

from syncd.clock import Clock, SystemClock
from syncd.sandbox.catalogue import PROCEDURES, SECTORS, STATUS_ROWS
from syncd.sandbox.flow import STAGES
from syncd.sandbox.journey import COMPANY, GROUP, SATURDAY, SYSTEM_PORTAL, Case, Keys, Office, Row
from syncd.sandbox.names import Party, chance, party
from syncd.sandbox.schema import Tables, tables, tables_in
from syncd.sandbox.shelf import Shelf

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
_CHUNK: Final = 1000
_PARTIES: Final = 20_000  # so many people are known; after that they come back
_CHANNELS: Final = {"counter": 52, "online": 30, "post": 5, "unreceived": 4, "portal": 3, "child": 4, "draft": 2}


@dataclass(slots=True)
class Contents:
    """What was put into the one-stop."""

    dossiers: int = 0
    publishable: int = 0  #: that a target must see under their own record
    filed: int = 0  #: that came from the national portal
    steps: int = 0
    papers: int = 0
    payments: int = 0
    drafts: int = 0  #: of results that wait to be signed


def connect(url: str | URL) -> Engine:
    """An engine for a one-stop. A SQLite file lets readers and one writer work side by side, as a server would."""
    engine = create_engine(url)
    if make_url(url).get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads and then writes, beside others who write: SQLite must be told so when it begins."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def build(
    engine: Engine,
    *,
    dossiers: int = 500,
    seed: int = 1,
    clock: Clock | None = None,
    days: int = 60,
    folded: bool | None = None,
    shelf: Shelf | None = None,
    signing: bool = True,
) -> Contents:
    """Create the tables and fill them with dossiers that came in during the last `days`.

    `folded` spells the columns in lower case; by default they are on PostgreSQL, as OpenCPS has them there. On the `shelf`
    drafts that wait to be signed get their file; without `signing` there never was one.
    """
    layout = tables(folded=engine.dialect.name == "postgresql" if folded is None else folded)
    layout.metadata.create_all(engine)
    now = local_now(clock or SystemClock())
    random = Random(seed)
    people = _people(random, dossiers)
    contents = Contents()
    with engine.begin() as connection:
        _write_catalogue(connection, layout, now)
        _insert(connection, layout.applicant, _applicants(random, people, now))
    cases = _cases(random, people, dossiers, now, days, signing=signing)
    while chunk := list(islice(cases, _CHUNK)):
        with engine.begin() as connection:
            write_cases(connection, layout, chunk)
        for case in chunk:
            _count(contents, case)
            if shelf:
                shelf.drafts(case.drafts)
    return contents


def write_cases(connection: Connection, layout: Tables, cases: Sequence[Case]) -> None:
    """Insert dossiers with everything that belongs to them."""
    _insert(connection, layout.dossier, (case.row for case in cases))
    _insert(connection, layout.action, (row for case in cases for row in case.actions))
    _insert(connection, layout.file, (row for case in cases for row in case.files))
    _insert(connection, layout.payment, (row for case in cases for row in case.payments))


def local_now(clock: Clock) -> datetime:
    """The present in the province, naive, as the one-stop's server writes it."""
    return clock.now().astimezone(ZONE).replace(tzinfo=None)


def publishable(row: Row) -> bool:
    """Whether a target must see this dossier under its own record."""
    received = bool(row["dossierNo"]) and row["receiveDate"] is not None
    return received and (row["originality"] or 0) > 0 and not row["originDossierId"] and row["systemId"] != SYSTEM_PORTAL


def portal_codes(engine: Engine) -> list[str]:
    """The national codes of the dossiers that came from the portal."""
    table = tables_in(engine).dossier
    with engine.connect() as connection:
        return list(connection.scalars(table.select().with_only_columns(table.c.referenceUid).where(table.c.systemId == SYSTEM_PORTAL)))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA busy_timeout=10000")


def _insert(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    if given := list(rows):
        connection.execute(table.insert(), given)


def _people(random: Random, dossiers: int) -> list[Party]:
    known: dict[str, Party] = {}
    while len(known) < min(_PARTIES, dossiers * 4 // 5 + 1):
        someone = party(random)
        known.setdefault(someone.identity, someone)
    return list(known.values())


def _cases(random: Random, people: Sequence[Party], count: int, now: datetime, days: int, *, signing: bool) -> Iterator[Case]:
    serials: Counter[str] = Counter()

    def serial(prefix: str) -> int:
        serials[prefix] += 1
        return serials[prefix]

    office = Office(random, Keys(), serial, signing=signing)
    channels, weights = list(_CHANNELS), list(_CHANNELS.values())
    for number in range(count):
        channel = random.choices(channels, weights)[0] if number else "counter"
        yield _grown(office, office.take_in(random.choice(people), _opening(random, now, days), channel), now, channel)


def _grown(office: Office, case: Case, now: datetime, channel: str) -> Case:
    """The dossier as it is now, after all that happened to it since it came in."""
    random = office.random
    at = _later(random, case.actions[-1]["createDate"])
    while channel != "unreceived" and at < now and not case.closed and chance(random, 0.93):
        office.advance(case, office.choose(case), at)
        at = _later(random, at)
    if chance(random, 0.05):
        case.files[0].update(removed=True)
    if chance(random, 0.1):
        case.row["applicantNote"] = "Đề nghị trả kết quả qua bưu điện"
    if chance(random, 0.005):
        case.row["modifiedDate"] = None  # some old programme wrote it and forgot
    return case


def _opening(random: Random, now: datetime, days: int) -> datetime:
    """Some moment of an office day before today."""
    day = now - timedelta(days=random.randrange(1, max(2, days)))
    while day.weekday() >= SATURDAY:
        day -= timedelta(days=1)
    return _office_hour(random, day)


def _later(random: Random, at: datetime) -> datetime:
    """When the next officer gets to it: soon, or on a later office day."""
    if chance(random, 0.4):
        return at + timedelta(minutes=random.randrange(5, 90), milliseconds=random.randrange(60_000))
    day = at + timedelta(days=random.randrange(1, 5))
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return _office_hour(random, day)


def _office_hour(random: Random, day: datetime) -> datetime:
    return datetime.combine(day, time(7, 30)) + timedelta(minutes=random.randrange(540), milliseconds=random.randrange(60_000))


def _count(contents: Contents, case: Case) -> None:
    contents.dossiers += 1
    contents.publishable += publishable(case.row)
    contents.filed += case.row["systemId"] == SYSTEM_PORTAL
    contents.steps += len(case.actions)
    contents.papers += len(case.files)
    contents.payments += len(case.payments)
    contents.drafts += len(case.drafts)


def _stamp(now: datetime) -> Row:
    return {"groupId": GROUP, "companyId": COMPANY, "userId": 20139, "userName": "Quản trị", "createDate": now, "modifiedDate": now}


def _write_catalogue(connection: Connection, layout: Tables, now: datetime) -> None:
    stamp = _stamp(now - timedelta(days=400))
    _insert(connection, layout.service, ({
        **stamp, "serviceInfoId": key, "serviceCode": one.local, "serviceName": one.name, "domainCode": one.sector, "domainName": SECTORS[one.sector],
        "administrationCode": one.sector[:3], "maxLevel": 4, "public_": True,
    } for key, one in enumerate(PROCEDURES, start=1)))  # fmt: skip
    _insert(connection, layout.service_mapping, ({
        **stamp, "serviceInfoMappingId": key, "serviceCode": one.local, "serviceCodeDVCQG": one.code, "serviceNameDVCQG": one.name, "synced": 1,
    } for key, one in enumerate(PROCEDURES, start=1) if one.mapped))  # fmt: skip
    _insert(connection, layout.status, ({
        **stamp, "dossierStatusMappingId": key, "statusCode": status, "subStatusCode": substatus, "statusCodeDVCQG": code,
    } for key, (status, substatus, code) in enumerate(STATUS_ROWS, start=1)))  # fmt: skip
    _insert(connection, layout.step, ({
        **stamp, "processStepId": one.process * 1000 + int(stage.code), "serviceProcessId": one.process, "stepCode": stage.code, "stepName": stage.name,
        "sequenceNo": stage.code, "dossierStatus": stage.status, "dossierSubStatus": stage.substatus,
    } for one in PROCEDURES for stage in STAGES.values()))  # fmt: skip


def _applicants(random: Random, people: Sequence[Party], now: datetime) -> Iterator[Row]:
    for key, someone in enumerate(people, start=1):
        account = chance(random, 0.4)
        yield {
            **_stamp(now), "applicantId": key, "applicantName": someone.name, "applicantIdType": someone.kind, "applicantIdNo": someone.identity,
            "contactName": someone.name, "contactTelNo": someone.phone, "contactEmail": someone.email, "mappingUserId": 30_000 + key,
            "mappingClassName": "dvcqg" if account else "", "mappingClassPK": f"{random.getrandbits(128):032x}" if account else "",
        }  # fmt: skip

"""An invented one-stop in OpenCPS tables on any of the three databases, and rows for it.

Names are written as the product writes them on each database: lower case on PostgreSQL, mixed case elsewhere. All of it is made up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from sqlalchemy import URL, BigInteger, Boolean, Column, Connection, DateTime, Index, Integer, MetaData, String, Table, Text, create_engine, event
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.types import TypeEngine

from connectors.onestop import OneStop, OneStopOptions, open_source
from syncd.model import Cursor, Dossier, Page, Snapshot
from tests.clocks import TurnedClock

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

TABLES = {
    "opencps_dossier": "dossierId:key groupId:long modifiedDate:date referenceUid serviceCode serviceName:text govAgencyCode govAgencyName "
    "applicantName applicantIdType applicantIdNo address:text contactTelNo contactEmail applicantNote:text briefNote:text dossierNo submitDate:date "
    "receiveDate:date dueDate:date extendDate:date releaseDate:date finishDate:date dossierStatus dossierSubStatus viaPostal:int "
    "online_:bool originality:int originDossierId:long dossierName:text systemId:int fromViaPostal:int",
    "opencps_dossieraction": "dossierActionId:key dossierId:long createDate:date modifiedDate:date serviceProcessId:long actionUser actionName "
    "actionNote:text stepCode stepName dueDate:date",
    "opencps_dossierfile": "dossierFileId:key dossierId:long uuid_ dossierPartNo dossierPartType:int displayName fileEntryId:long removed:bool "
    "signCheck:int fileTemplateNo userName",
    "opencps_paymentfile": "paymentFileId:key dossierId:long paymentFee feeAmount:long serviceAmount:long shipAmount:long paymentAmount:long "
    "paymentStatus:int paymentMethod",
    "opencps_dossierstatusmapping": "dossierStatusMappingId:key statusCode subStatusCode statusCodeDVCQG",
    "opencps_processstep": "processStepId:key serviceProcessId:long stepCode dossierStatus dossierSubStatus",
    "opencps_serviceinfo": "serviceInfoId:key serviceCode domainCode domainName:text",
    "opencps_serviceinfomapping": "serviceInfoMappingId:key serviceCode serviceCodeDVCQG",
    "opencps_applicant": "applicantId:key applicantIdNo mappingClassName mappingClassPK",
}
INDEXES = {
    "opencps_dossier": (("dossierStatus", "modifiedDate"), ("groupId", "dossierNo")),
    "opencps_dossieraction": (("dossierId",),),
    "opencps_dossierfile": (("dossierId",),),
    "opencps_paymentfile": (("dossierId",),),
    "opencps_applicant": (("applicantIdNo",),),
}
MOMENT = DateTime().with_variant(DATETIME(fsp=6), "mysql")
TYPES: dict[str, TypeEngine[Any]] = {
    "key": BigInteger().with_variant(Integer(), "sqlite"),
    "long": BigInteger(),
    "int": Integer(),
    "bool": Boolean(),
    "date": MOMENT,
    "text": Text(),
    "": String(255),
}

STEPS_OF_A_PROCESS = {"100": "new", "200": "processing", "400": "releasing", "500": "done", "900": "denied"}


def options(**given: Any) -> OneStopOptions:
    """The options a configuration file would give."""
    return OneStopOptions.model_validate(given)


class Province:
    """A one-stop database that its own officers write to, and syncd's source on it."""

    def __init__(self, url: URL, *, indexed: bool = True) -> None:
        self.url = url
        self.clock = TurnedClock(datetime.now(ZONE))
        self.engine = create_engine(url)
        if url.get_backend_name() == "sqlite":
            event.listen(self.engine, "connect", lambda connection, _: connection.execute("PRAGMA journal_mode = WAL"))
        self.lower = url.get_backend_name() == "postgresql"
        self.tables = self._create(indexed)
        self._next = 1000
        self._sources: list[OneStop] = []
        self._code_tables()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def now(self) -> datetime:
        """The database's present, as its rows are stamped; on SQLite that is the injected clock's."""
        moment = self.clock.now() if self.url.get_backend_name() == "sqlite" else datetime.now(ZONE)
        return moment.astimezone(ZONE).replace(tzinfo=None)

    def ago(self, **span: float) -> datetime:
        """A moment before the present."""
        return self.now() - timedelta(**span)

    def source(self, **given: Any) -> OneStop:
        """A new source on this database, closed with it."""
        given = {"url": self.url.render_as_string(hide_password=False), **given}
        self._sources.append(open_source(options(**given), clock=self.clock))
        return self._sources[-1]

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction of the one-stop's own."""
        with self.engine.begin() as connection:
            yield connection

    def dossier(self, connection: Connection | None = None, **columns: Any) -> int:
        """A published dossier; its key."""
        key = int(columns.get("dossierId", self._new_key()))
        received = self.ago(days=3).replace(microsecond=0)
        return self.insert(
            "opencps_dossier",
            connection,
            **{
                "dossierId": key,
                "groupId": 35417,
                "modifiedDate": self.ago(minutes=1),
                "dossierNo": code(key),
                "serviceCode": "1.000894",
                "serviceName": "Đăng ký kết hôn",
                "govAgencyCode": "000.10.14.H03",
                "govAgencyName": "UBND xã Bộc Bố",
                "applicantName": "Nông Văn Thử",
                "applicantIdType": "citizen",
                "applicantIdNo": "006099000123",
                "contactTelNo": "0209000123",
                "contactEmail": "thu@example.vn",
                "address": "Thôn Nà Thử",
                "dossierStatus": "processing",
                "dossierSubStatus": "",
                "receiveDate": received,
                "submitDate": received - timedelta(hours=1),
                "dueDate": received + timedelta(days=5),
                "viaPostal": 0,
                "online_": False,
                "fromViaPostal": 0,
                "originality": 3,
                "originDossierId": 0,
                "systemId": 1,
                **columns,
            },
        )

    def step(self, dossier: int, step_code: str = "200", connection: Connection | None = None, **columns: Any) -> int:
        """A processing step of a dossier; its key. The dossier's own modification time stays as it is."""
        row = {
            "dossierActionId": self._new_key(),
            "dossierId": dossier,
            "createDate": self.ago(days=1),
            "serviceProcessId": 7,
            "actionUser": "Lý Thị Cán",
            "actionName": "Chuyển xử lý",
            "stepCode": step_code,
            "stepName": "Bộ phận một cửa",
        }
        return self.insert("opencps_dossieraction", connection, **{**row, **columns})

    def paper(self, dossier: int, **columns: Any) -> int:
        """A paper handed in; its key."""
        row = {"dossierFileId": self._new_key(), "dossierId": dossier, "dossierPartType": 1, "displayName": "Tờ khai", "uuid_": "u-1", "removed": False}
        return self.insert("opencps_dossierfile", None, **{**row, **columns})

    def payment(self, dossier: int, **columns: Any) -> int:
        """A payment file; its key."""
        row = {"paymentFileId": self._new_key(), "dossierId": dossier, "paymentFee": "Lệ phí hộ tịch", "feeAmount": 8000, "paymentStatus": 1}
        return self.insert("opencps_paymentfile", None, **{**row, **columns})

    def insert(self, table: str, connection: Connection | None = None, **columns: Any) -> int:
        """One row; its key."""
        there = self.tables[table]
        statement = there.insert().values({self._name(name): value for name, value in columns.items()})
        if connection is not None:
            connection.execute(statement)
        else:
            with self.transaction() as own:
                own.execute(statement)
        return int(columns[next(iter(TABLES[table].split(":")))])

    def update(self, dossier: int, connection: Connection | None = None, **columns: Any) -> None:
        """Change a dossier's columns, those and no others."""
        table = self.tables["opencps_dossier"]
        statement = table.update().where(table.c[self._name("dossierId")] == dossier).values({self._name(name): value for name, value in columns.items()})
        if connection is not None:
            connection.execute(statement)
            return
        with self.transaction() as own:
            own.execute(statement)

    def execute(self, statement: str) -> None:
        """A statement of the one-stop's own, in a transaction."""
        with self.transaction() as connection:
            connection.exec_driver_sql(statement)

    def close(self) -> None:
        """Close every connection."""
        for source in self._sources:
            source.close()
        self.engine.dispose()

    def _name(self, name: str) -> str:
        return name.lower() if self.lower else name

    def _new_key(self) -> int:
        self._next += 1
        return self._next

    def _create(self, indexed: bool) -> dict[str, Table]:
        metadata = MetaData()
        tables = {}
        for name, columns in TABLES.items():
            pairs = [column.partition(":") for column in columns.split()]
            made = [Column(self._name(column), TYPES[kind], primary_key=kind == "key", autoincrement=False) for column, _, kind in pairs]
            tables[name] = Table(name, metadata, *made)
            for number, index in enumerate(INDEXES.get(name, ()) if indexed else ()):
                Index(f"IX_{name}_{number}", *(tables[name].c[self._name(column)] for column in index))
        metadata.create_all(self.engine)
        return tables

    def _code_tables(self) -> None:
        for number, (step, status) in enumerate(STEPS_OF_A_PROCESS.items(), 1):
            self.insert("opencps_processstep", processStepId=number, serviceProcessId=7, stepCode=step, dossierStatus=status, dossierSubStatus="")
        self.insert("opencps_serviceinfomapping", serviceInfoMappingId=1, serviceCode="1.000894", serviceCodeDVCQG="1.000894.000.00.00.H03")
        self.insert("opencps_serviceinfo", serviceInfoId=1, serviceCode="1.000894", domainCode="G22-HT01", domainName="Hộ tịch")


def code(key: int) -> str:
    """The code of an invented dossier."""
    return f"000.10.14.H03-251101-{key:04d}"


class Follower:
    """What a poller does with a source: commits each page before it asks for the next."""

    def __init__(self, source: OneStop, cursor: Cursor | None = None) -> None:
        self.source = source
        self.cursor = cursor
        self.pages: list[Page] = []

    def poll(self) -> list[Snapshot]:
        """The snapshots of one poll to its end."""
        self.pages = []
        for page in self.source.poll(self.cursor):
            self.pages.append(page)
            self.cursor = page.cursor
        return [snapshot for page in self.pages for snapshot in page.snapshots]

    def ids(self) -> list[int]:
        """The keys of the dossiers that one poll brought."""
        return [snapshot.dossier.source_id for snapshot in self.poll()]

    @property
    def rows(self) -> int:
        """Dossier rows that the last poll read in full."""
        return sum(page.rows for page in self.pages)


def only(source: OneStop) -> Snapshot:
    """The one snapshot of a whole sweep."""
    (snapshot,) = (snapshot for page in source.sweep() for snapshot in page.snapshots)
    return snapshot


def reasons(dossier: Dossier) -> dict[str, str]:
    """The problems of a dossier, by field."""
    return {problem.field: problem.reason for problem in dossier.problems}

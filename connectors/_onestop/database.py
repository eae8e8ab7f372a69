"""A read-only connection to a one-stop database, whatever product it is.

Every transaction is a snapshot, declared read-only where the product knows that. Each statement has a time limit, and a server
ends a transaction that stands still as long, as where the machine of syncd was paused: the one-stop's own users never
notice syncd. Nothing a driver says crosses this module: its texts quote values and addresses. Times are read as the
driver's text or naive datetime, and one that Python cannot hold (infinity, year 0) arrives as text, so that a single
absurd row does not cost its whole page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError

from connectors._onestop import drivers
from connectors._onestop.drivers import PATIENCE, family
from syncd.clock import Clock
from syncd.errors import SourceError

PRESENT = {
    "postgresql": "SELECT CURRENT_TIMESTAMP",
    "mysql": "SELECT UTC_TIMESTAMP(6)",
    "mariadb": "SELECT UTC_TIMESTAMP(6)",
    "mssql": "SELECT SYSUTCDATETIME()",
    "oracle": "SELECT SYS_EXTRACT_UTC(SYSTIMESTAMP) FROM DUAL",
}
FLOOR = {"postgresql": "-infinity", "sqlite": ""}
TEXT_STAMPS = ("postgresql", "mysql", "mariadb", "sqlite")  #: products that compare a time with text

TIMED_OUT = ("57014", 1969, 3024)
REFUSED = ("28000", "28P01", "3D000", "42501", 1044, 1045, 1049, 1142, 1143)
READ_ONLY = ("25006", 1792)
HINTS = (
    (TIMED_OUT, "took longer than source.statement_timeout", "syncd doctor shows whether an index is missing"),
    (REFUSED, "does not let this account in", "check user, password and database of source.url, and that the account may SELECT"),
    (READ_ONLY, "refused a statement that would write", "syncd only reads; this is a fault of syncd"),
)
_UNREADABLE = ((), "cannot be read", "check that it runs and answers at source.url; syncd doctor says more")


class Database:
    """The connections to one database."""

    def __init__(self, url: str, password: str = "", *, zone: ZoneInfo, timeout: timedelta, clock: Clock) -> None:
        self.zone = zone
        self._clock = clock
        self._timeout = timeout
        self._engine = self._open(url, password)
        self.product = self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises `SourceError`."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise unreadable(error) from None

    def present(self, connection: Connection) -> datetime:
        """The database's own present time, naive and local, as its rows are stamped."""
        statement = PRESENT.get(self.product)
        moment = connection.exec_driver_sql(statement).scalar_one() if statement else self._clock.now()
        aware: datetime = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(self.zone).replace(tzinfo=None)

    def stamp(self, text: str) -> str | datetime:
        """A stamp, as `stamp_text` wrote it, to compare a column with."""
        return text if self.product in TEXT_STAMPS else datetime.fromisoformat(text)

    @property
    def floor(self) -> str:
        """A stamp before all others."""
        return FLOOR.get(self.product, "1900-01-01 00:00:00")

    def close(self) -> None:
        """Release the connections. Safe to call twice."""
        self._engine.dispose()

    def _open(self, text: str, password: str) -> Engine:
        engine = drivers.engine("source.url", text, password, self._arguments())
        event.listen(engine, "connect", self._on_connect(engine.dialect.name))
        if begin := self._begin(engine.dialect.name):
            event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        return engine

    def _arguments(self) -> dict[str, dict[str, Any]]:
        seconds = int(self._timeout.total_seconds()) or 1
        return {
            "postgresql": {"connect_timeout": PATIENCE, "prepare_threshold": None},
            "mysql": {"connect_timeout": PATIENCE, "read_timeout": seconds + PATIENCE},
            "sqlite": {"timeout": seconds},
        }

    def _on_connect(self, product: str) -> Callable[[Any, Any], None]:
        seconds = self._timeout.total_seconds()
        prepare: dict[str, Callable[[Any], None]] = {
            "postgresql": _tolerate_absurd_times,
            "mysql": lambda connection: _prepare_mysql(connection, seconds, self._offset()),
            "sqlite": _close_sqlite_to_writing,
        }
        chosen = prepare.get(family(product), lambda connection: None)
        return lambda connection, _: chosen(connection)

    def _offset(self) -> str:
        """How far the one-stop's zone is from UTC now, `+07:00`: few MySQL servers know zones by their names."""
        return self._clock.now().astimezone(self.zone).isoformat()[-6:]

    def _begin(self, product: str) -> str:
        milliseconds = int(self._timeout.total_seconds() * 1000)
        return {
            "postgresql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL DateStyle = 'ISO'; "
            f"SET LOCAL TIME ZONE '{self.zone.key}'; SET LOCAL statement_timeout = {milliseconds}; "
            f"SET LOCAL idle_in_transaction_session_timeout = {milliseconds}",
            "mysql": "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            "sqlite": "BEGIN",
        }.get(family(product), "")


def stamp_text(value: Any) -> str:
    """A modification time as text that sorts like the time itself."""
    return value.isoformat(" ") if isinstance(value, datetime) else "" if value is None else str(value)


def unreadable(error: SQLAlchemyError) -> SourceError:
    """What a driver reported while it read, without a word of its own."""
    return drivers.reported(error, HINTS, _UNREADABLE)


def _close_sqlite_to_writing(connection: Any) -> None:
    connection.execute("PRAGMA query_only = ON")
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")


def _prepare_mysql(connection: Any, seconds: float, offset: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION time_zone = %s", (offset,))  # in which the server shows a TIMESTAMP, and compares it
        cursor.execute("SELECT VERSION()")
        if "mariadb" in cursor.fetchone()[0].lower():
            cursor.execute(f"SET SESSION max_statement_time = {seconds} {drivers.mariadb_ends_idle(seconds)}")
        else:
            cursor.execute(f"SET SESSION max_execution_time = {int(seconds * 1000)}")
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _tolerate_absurd_times(connection: Any) -> None:
    from psycopg.adapt import Buffer, Loader

    class Tolerant(Loader):
        """A time as datetime, or as text where Python has no such time."""

        def load(self, data: Buffer) -> datetime | str:
            text = bytes(data).decode()
            try:
                return datetime.fromisoformat(text)
            except ValueError:
                return text

    for kind in ("timestamp", "timestamptz", "date"):
        connection.adapters.register_loader(kind, Tolerant)

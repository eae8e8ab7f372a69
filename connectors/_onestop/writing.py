"""The connection that writes: to the tables made for syncd in a one-stop database, and to nothing else of it.

It is another one than the connection that reads, usually of another account. As there, the server ends a transaction that stands
still, and nothing a driver says crosses this module: its texts quote values and addresses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from connectors._onestop import drivers
from connectors._onestop.drivers import PATIENCE, family
from syncd.errors import SourceError

_DDL = {"mysql": "mariadb", "mssql": "sqlserver"}
_MISSING = ("42P01", "42703", 1146, 1054)
_REFUSED = ("28000", "28P01", "3D000", "42501", "25006", 1044, 1045, 1049, 1142, 1143, 1290, 1792)
_TOO_LARGE = (1153, 1301)
_REASONS = (
    (_MISSING, "has not the tables it should write to", "run the statements of config/inbox/ there; syncd doctor says which"),
    (_REFUSED, "does not let this account write", "check user and password of source.write_url, and that the account may SELECT and INSERT in these tables"),
    (_TOO_LARGE, "takes no file of this size", "raise max_allowed_packet of the database server"),
)
_UNWRITABLE = ((), "cannot be written", "check that it runs and answers at source.write_url; syncd doctor says more")


class Conflict(SourceError):
    """A row of the same key is there, or the database forbids this one."""


class Writing:
    """The connections to one database, each transaction whole or nothing."""

    def __init__(self, url: str, password: str, *, timeout: timedelta) -> None:
        self._timeout = timeout
        self._engine = self._open(url, password)
        self.product = family(self._engine.dialect.name)
        self.ddl = f"config/inbox/{_DDL.get(self.product, self.product)}.sql"

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction, committed at the end. Raises `Conflict` and `SourceError`."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError as error:
            raise Conflict(f"the one-stop database refuses the row ({drivers.named(error)})", hint="see at the one-stop's tables what it forbids") from None
        except SQLAlchemyError as error:
            raise unwritable(error) from None

    def close(self) -> None:
        """Release the connections. Safe to call twice."""
        self._engine.dispose()

    def _open(self, text: str, password: str) -> Engine:
        engine = drivers.engine("source.write_url", text, password, self._arguments())
        product = family(engine.dialect.name)
        if product == "sqlite":
            event.listen(engine, "connect", _leave_transactions_to_us)
        if begin := self._begin(product):
            event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        return engine

    def _arguments(self) -> dict[str, dict[str, Any]]:
        seconds = int(self._timeout.total_seconds()) or 1
        return {
            "postgresql": {"connect_timeout": PATIENCE, "prepare_threshold": None},
            "mysql": {
                "connect_timeout": PATIENCE,
                "read_timeout": seconds + PATIENCE,
                "write_timeout": seconds + PATIENCE,
                "init_command": f"SET @syncd = 1 {drivers.mariadb_ends_idle(seconds)}",
            },
            "sqlite": {"timeout": seconds},
        }

    def _begin(self, product: str) -> str:
        milliseconds = int(self._timeout.total_seconds() * 1000)
        return {
            "sqlite": "BEGIN IMMEDIATE",
            "postgresql": f"SET LOCAL statement_timeout = {milliseconds}; SET LOCAL idle_in_transaction_session_timeout = {milliseconds}",
        }.get(product, "")


def unwritable(error: SQLAlchemyError) -> SourceError:
    """What a driver reported while it wrote, without a word of its own."""
    return drivers.reported(error, _REASONS, _UNWRITABLE)


def _leave_transactions_to_us(connection: Any, _: object) -> None:
    connection.isolation_level = None

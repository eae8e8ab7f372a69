"""One daemon a node: a second one on the same state would end the first one's leases at its start.

On SQLite it is a lock on a file beside the database, on PostgreSQL an advisory lock of a connection kept for the purpose;
both are let go by the system when the process dies, however it dies. When the machine dies, PostgreSQL notices by the
keep-alives of that connection, within half a minute.

A connection may end while the process lives: PostgreSQL was restarted, or failed over. `keep` notices, and takes the place again.
Whether another daemon of that name has begun meanwhile is for the table of nodes to tell (`nodes.Nodes.beat`): a lock that is
taken may also be the one of our own connection, which the server has not yet missed.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from syncd.errors import AlreadyRunning
from syncd.store.database import Database, translated

log = structlog.get_logger()

_NOTICED = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}  # by the server, of this connection
_ALIVE = [f"set_config('{name}', '{value}', false)" for name, value in _NOTICED.items()]


class Single(AbstractContextManager["Single"]):
    """Holds the place of this node's only daemon. Raises `AlreadyRunning`."""

    def __init__(self, database: Database, node: str) -> None:
        self._database = database
        self._node = node
        self._file: int | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        held = self._lock_file() if self._database.sqlite else self._lock_row()
        if not held:
            self.__exit__(None, None, None)
            raise AlreadyRunning(hint="stop the other daemon first, or give this one its own daemon.node")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._disconnect()

    def keep(self) -> bool:
        """Take the place again where the connection that held it is gone; whether it is held. Raises `StoreUnavailable`."""
        if self._database.sqlite:
            return True
        if self._connection is not None:
            try:
                self._connection.execute(text("SELECT 1"))
            except DBAPIError:
                log.warning("place_lost", hint="PostgreSQL ended the connection that held it; it is taken again")
                self._disconnect()
            else:
                return True
        held = self._lock_row()
        if held:
            log.info("place_taken_again")
        return held

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(DBAPIError):
                connection.close()

    def _lock_file(self) -> bool:
        name = self._database.engine.url.database
        if not name or name == ":memory:":
            return True
        self._file = os.open(Path(name).with_name(Path(name).name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _lock_row(self) -> bool:
        with translated(), ExitStack() as failed:
            connection = failed.enter_context(self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT"))
            connection.detach()  # not back to the pool at the end, where the lock would live on
            connection.execute(text(f"SELECT {', '.join(_ALIVE)}"))
            taken = connection.execute(text("SELECT pg_try_advisory_lock(hashtext('syncd'), hashtext(:node))"), {"node": self._node})
            if not taken.scalar():
                return False
            failed.pop_all()
            self._connection = connection
        return True

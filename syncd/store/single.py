"""One daemon a node: a second one on the same state would end the first one's leases at its start.

On SQLite it is a lock on a file beside the database, on PostgreSQL an advisory lock of a connection kept for the purpose;
both are let go by the system when the process dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, text

from syncd.errors import AlreadyRunning
from syncd.store.database import Database


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
        if self._connection is not None:
            self._connection.close()
            self._connection = None

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
        self._connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._connection.detach()  # not back to the pool at the end, where the lock would live on
        taken = self._connection.execute(text("SELECT pg_try_advisory_lock(hashtext('syncd'), hashtext(:node))"), {"node": self._node})
        return bool(taken.scalar())

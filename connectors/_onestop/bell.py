"""The bell: a one-stop on PostgreSQL says that something was committed, so that the next poll need not wait for its time.

A trigger that the one-stop's administrator adds (`config/wake/`) notifies a channel; here a connection of its own listens, which
an account that may only read is allowed to. Nothing is built on it: a word may be lost while the connection is down or the trigger is
missing, and whoever polls goes on by the interval. So the bell rings once whenever it begins to listen again, and
says only once that it cannot.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from connectors._onestop import drivers
from connectors._onestop.drivers import PATIENCE
from connectors._onestop.queries import Queries
from connectors._onestop.settings import Settings
from syncd.model import Problem

DDL = "config/wake/postgresql.sql"
LOOK = 0.5  #: seconds after which the listener looks whether it is to end
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  #: seconds before another connection is tried, doubling
_NOTICES_ABSENCE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}  # nothing but silence is heard from a peer that has gone


class Bell:
    """Listens from construction to `close`, in a thread of its own that keeps the connection up."""

    def __init__(self, url: str, password: str, channel: str, ring: Callable[[], None]) -> None:
        arguments = {"connect_timeout": PATIENCE, "prepare_threshold": None, **_NOTICES_ABSENCE}
        self._engine = drivers.engine("source.url", url, password, {"postgresql": arguments}).execution_options(isolation_level="AUTOCOMMIT")
        self._channel = channel
        self._ring = ring
        self._closing = threading.Event()
        self._silent = False
        self._wait = FIRST_WAIT
        self._thread = threading.Thread(target=self._keep_listening, name="bell", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no longer. Safe to call twice."""
        self._closing.set()
        self._thread.join()
        self._engine.dispose()

    def _keep_listening(self) -> None:
        lost = (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error)
        while not self._closing.is_set():
            try:
                with self._engine.connect() as connection:
                    self._listen(connection)
            except lost as error:
                self._note_silence(error)
                self._engine.dispose()
                self._closing.wait(self._wait)
                self._wait = min(2 * self._wait, LONGEST_WAIT)

    def _listen(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"LISTEN {self._engine.dialect.identifier_preparer.quote_identifier(self._channel)}")
        self._note_hearing()
        driver: Any = connection.connection.driver_connection
        while not self._closing.is_set():
            for _ in driver.notifies(timeout=LOOK):
                self._ring()

    def _note_hearing(self) -> None:
        if self._silent:
            _log().info("wake_restored", channel=self._channel)
        self._silent, self._wait = False, FIRST_WAIT
        self._ring()  # for what was said while nobody listened

    def _note_silence(self, error: Exception) -> None:
        """Once, until the bell is heard again; not in the driver's words, which may quote the account."""
        if not self._silent:
            cause = error.orig if isinstance(error, DBAPIError) else error
            named = " ".join(filter(None, (type(cause).__name__, getattr(cause, "sqlstate", None))))
            _log().warning("wake_lost", channel=self._channel, error=named, hint="changes are found by source.poll meanwhile; a standby or a pool cannot wake")
        self._silent = True


def unwatched(connection: Connection, queries: Queries, settings: Settings, channel: str) -> list[Problem]:
    """The tables whose changes do not ring, as far as the database's catalogue tells. Behind a view one watched table is enough."""
    hint = f"have the one-stop's administrator run {DDL}"
    found = []
    for name in (settings.dossier.table, settings.steps.table):
        real = queries.relations[name].clause.name
        if not connection.execute(_WATCHED, {"table": real, "said": f"%'{channel}'%"}).scalar():
            found.append(Problem(field="source.wake", reason=f"nothing notifies channel {channel!r} of changes in {real}", hint=hint))
    return found


_WATCHED = text("""
    WITH RECURSIVE behind(relation) AS (
        SELECT to_regclass(quote_ident(:table))::oid
        UNION
        SELECT used.refobjid FROM behind JOIN pg_rewrite rule ON rule.ev_class = behind.relation
        JOIN pg_depend used ON used.objid = rule.oid AND used.classid = 'pg_rewrite'::regclass AND used.refclassid = 'pg_class'::regclass
    )
    SELECT bool_or(way.tgtype & 4 > 0) AND bool_or(way.tgtype & 16 > 0)  -- INSERT, UPDATE
    FROM behind JOIN pg_trigger way ON way.tgrelid = behind.relation JOIN pg_proc said ON said.oid = way.tgfoid
    WHERE NOT way.tgisinternal AND way.tgenabled IN ('O', 'A') AND said.prosrc ILIKE '%notify%' AND said.prosrc LIKE :said
""").bindparams(bindparam("table"), bindparam("said"))


def _log() -> Any:
    import structlog  # a question to syncd needs none

    return structlog.get_logger(__name__)

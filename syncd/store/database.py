"""Opening the state, and the only ways to use it: `read()`, `write()` and, on PostgreSQL, `statement()`.

SQLite is told what a ledger needs: WAL, every commit on the disk before it counts (`synchronous=FULL`), writers queue
rather than fail. pysqlite would begin transactions late and upgrade them from read to write, which fails at once however
long one is ready to wait; so it is told to begin nothing itself, and a writing transaction is `BEGIN IMMEDIATE`. Threads of
one process queue for it on a lock of their own, which is fair and does not poll; processes queue on SQLite's.

PostgreSQL may be several servers (`host=a,b&target_session_attrs=read-write` in the URL): a connection that finds itself on one
that has become a standby is thrown away with all others of the pool, and the next one looks for the new primary.

Whatever a driver raises leaves here as `StoreUnavailable`, with the remedy. No network call may happen inside a
transaction (law L2): the engine keeps it by never calling a target while it holds a connection from here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import QueuePool

from syncd.errors import ConfigurationError, StoreUnavailable
from syncd.model import Problem

if TYPE_CHECKING:
    from syncd.store.giving_way import GivingWay, Statements

BUSY_SECONDS = 30
_CLOSE_WAIT = 1.0  #: seconds; whoever writes longer at the end of the process is cut off by it
# Or a connection whose other end has silently gone would be waited for without end.
_NOTICES_ABSENCE = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
_READING = {"jit": "off"}
# A node that stands still in the midst of a transaction would keep what is locked in it from those who take over; the server ends it before its leases end.
_WRITING = {
    **dict.fromkeys(("jit", "enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin"), "off"),
    "idle_in_transaction_session_timeout": "'10s'",
}
_READ_ONLY = "25006"  #: SQLSTATE of a write where only reading is allowed
_REMEDIES = (
    ("disk is full", "free space on the volume of the state database; nothing is lost meanwhile"),
    ("No space left", "free space on the volume of the state database; nothing is lost meanwhile"),
    ("locked", "another program holds the state database locked; end it, or wait"),
    ("read-only transaction", "this PostgreSQL is a standby; syncd looks for the primary among the hosts of daemon.state (target_session_attrs=read-write)"),
    ("readonly", "the state database is not writable for this user; check owner and mode of its folder"),
    ("unable to open", "the folder of the state database does not exist or is not accessible for this user"),
)


class Database:
    """A state database, SQLite or PostgreSQL."""

    def __init__(self, engine: Engine, writing: Engine | None = None, statements: Statements | None = None) -> None:
        self.engine = engine
        self.writing = writing or engine
        self._statements = statements
        self.sqlite = engine.dialect.name == "sqlite"
        self._turn = threading.Lock()
        self._writer: Connection | None = None  #: SQLite's, kept between transactions

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one consistent state."""
        with translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: everything done in it is kept when it ends, or nothing of it."""
        if not self.sqlite:
            with translated(), self.writing.begin() as connection:
                yield connection
            return
        with self._turn, translated():
            if self._writer is None:
                self._writer = self.engine.connect().execution_options(syncd_write=True)
            try:
                with self._writer.begin():
                    yield self._writer
            except DBAPIError:
                self._forget_writer()
                raise

    @contextmanager
    def statement(self) -> Iterator[GivingWay]:
        """A connection of the driver's own, for one statement that has its parameters as the server takes them (`$1`). Other strands go on
        meanwhile: only here, where the server ends the transaction by itself, for they might wait for its rows and thereby keep it from ending. On
        PostgreSQL only."""
        statements, driver = cast("Statements", self._statements), self.writing.dialect.loaded_dbapi
        try:
            with statements.one() as connection:
                yield connection
        except driver.Error as error:
            if isinstance(error, (driver.OperationalError, driver.InterfaceError)) or error.sqlstate == _READ_ONLY:
                self._leave_server()
            raise unavailable(error) from error

    def _leave_server(self) -> None:
        """Of a server that is gone, or a standby now, no connection is any better than the one that told of it."""
        self.engine.dispose()
        self.writing.dispose()
        if self._statements is not None:
            self._statements.drop()

    def close(self) -> None:
        """Close the connections."""
        if self._turn.acquire(timeout=_CLOSE_WAIT):
            self._forget_writer()
            self._turn.release()
        self.engine.dispose()
        self.writing.dispose()
        if self._statements is not None:
            self._statements.close()

    def _forget_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


@contextmanager
def translated() -> Iterator[None]:
    """What a driver raises within comes out as `StoreUnavailable`."""
    try:
        yield
    except DBAPIError as error:
        raise unavailable(error.orig) from error


def unavailable(error: BaseException | None) -> StoreUnavailable:
    """The driver's complaint in syncd's terms; its own words only, never statement or parameters."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    hint = next((remedy for sign, remedy in _REMEDIES if sign.lower() in text.lower()), "check that the state database is up and reachable")
    return StoreUnavailable(f"The state database does not answer: {text}", hint=hint)


def open_database(url: str) -> Database:
    """The database at a SQLAlchemy URL. Raises `ConfigurationError` where the URL or its driver will not do."""
    try:
        parsed = make_url(url)
        driver = parsed.get_driver_name()
        if parsed.get_backend_name() == "postgresql" and parsed.drivername != "postgresql+psycopg":
            raise _refused("name the driver: postgresql+psycopg://…")
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise _refused("the state is kept in SQLite or PostgreSQL")
        return Database(_sqlite(url)) if parsed.get_backend_name() == "sqlite" else Database(*_postgresql(parsed))
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise _refused(
            f"{type(error).__name__}: {str(error).splitlines()[0]}" if not isinstance(error, ImportError) else f"the driver {driver!r} is not installed"
        ) from None


def _refused(reason: str) -> ConfigurationError:
    return ConfigurationError([Problem(field="daemon.state", reason=reason, hint='for example "sqlite:////var/lib/syncd/state.db"')])


def _postgresql(url: URL) -> tuple[Engine, Engine, Statements]:
    """For reading, for writing and for single statements. Writing finds its rows by their keys, and the planner is told so: of a table that is just
    being filled it has no statistics, and would rather read it whole. Compiling (`jit`) costs more than any statement here."""
    import psycopg

    from syncd.store.giving_way import GivingWay, Statements

    def connect() -> GivingWay:
        _, named = made[1].dialect.create_connect_args(url)
        # psycopg's usual cursor would look through a long statement for `%s` each time, which takes as long as the server needs to carry it out.
        connection = GivingWay.connect(**{**named, **unsaid}, autocommit=True, cursor_factory=psycopg.RawCursor)
        _setting(_WRITING)(connection, None)
        return connection

    unsaid = {name: value for name, value in _NOTICES_ABSENCE.items() if name not in url.query}
    made = [create_engine(url, hide_parameters=True, pool_use_lifo=True, pool_size=20, max_overflow=40, connect_args=unsaid) for _ in "rw"]
    event.listen(made[0], "connect", _setting(_READING))
    event.listen(made[1], "connect", _setting(_WRITING))
    event.listen(made[1], "handle_error", _leaving_standby(made[0]))
    return made[0], made[1], Statements(connect)


def _leaving_standby(reading: Engine) -> Callable[[ExceptionContext], None]:
    """A server that refuses to write is no primary any more: connections to it, those for reading too, are as good as broken."""

    def leave(context: ExceptionContext) -> None:
        if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
            context.is_disconnect = True
            reading.dispose()

    return leave


def _setting(values: Mapping[str, str]) -> Callable[[Any, object], None]:
    def prepare(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("; ".join(f"SET {name} = {value}" for name, value in values.items()))
        connection.commit()

    return prepare


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, poolclass=QueuePool, pool_size=20, max_overflow=40, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_SECONDS * 1000}",
        "wal_autocheckpoint=4000",
        "cache_size=-16000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("syncd_write") else "BEGIN")

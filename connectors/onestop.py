"""A province's one-stop database as syncd's source: read through a mapping file, and never written but for what comes back.

The parts, each a module of `_onestop`: `mapping` compiles the file with its `settings`; `database` connects; `catalogue` finds
tables and columns, `queries` builds the statements, `tables` reads pages with their children, `reader` makes snapshots of
them; `poll` decides what to read, `window` remembers what was read; `plan` explains it to an administrator; `bell` hears that
something was committed. What comes back is written by `outlet` over the connection of `writing`, or by `outlet_http`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr

from connectors._http.calls import Http
from connectors._onestop import bell
from connectors._onestop.bell import Bell
from connectors._onestop.database import Database
from connectors._onestop.mapping import SourceMapping, load
from connectors._onestop.outlet import DatabaseOutlet, FileRows, Filling, Statements
from connectors._onestop.outlet_http import HttpOutlet
from connectors._onestop.outlet_settings import InboxSettings
from connectors._onestop.plan import PlanRow, plan
from connectors._onestop.poll import Poll
from connectors._onestop.reader import Reader
from connectors._onestop.tables import Tables
from connectors._onestop.window import Window
from connectors._onestop.writing import Writing
from syncd.clock import Clock
from syncd.errors import ConfigurationError, SuspiciousSource
from syncd.model import Cursor, Page, Problem
from syncd.options import Codes, Duration, SourceOptions, TargetOptions, Zone
from syncd.ports import Outlet

NO_LAG = 1.0  #: seconds that are no lag


class OneStopOptions(SourceOptions):
    """What the source can be told."""

    url: str = Field(description="any SQLAlchemy URL; its user may only SELECT", examples=["mysql+pymysql://syncd_ro@db/opencps"], repr=False)
    password: SecretStr = Field(SecretStr(""), description="of that user, where the URL has none")
    mapping: str = Field("opencps-v2", description="mapping file: a name under mappings/onestop/ or a path")
    overlap: Duration = Field("5m", description="how far behind the cursor is read again: commit order is not timestamp order")  # type: ignore[assignment]
    wake: str = Field(
        "", pattern=r"^$|^[a-z_][a-z0-9_]{0,62}$", description="channel on which PostgreSQL tells of changes (config/wake/), then polled at once; empty: off"
    )
    page: int = Field(1000, ge=1, le=1000, description="dossiers read at once")
    agency: Codes = Field((), description="publish dossiers of this agency and the units under it only; one code or a list")
    timezone: Zone = Field("Asia/Ho_Chi_Minh", description="the zone of the database's times")
    statement_timeout: Duration = Field("30s", description="longest time one statement may take, or a transaction stand still")  # type: ignore[assignment]
    write_url: str = Field("", description="where what came back is written, by an account that may: a database, or the one-stop's API; empty: url", repr=False)
    write_password: SecretStr = Field(SecretStr(""), description="of that account, where write_url has none; without write_url: password")
    write_token: SecretStr = Field(SecretStr(""), description="for the one-stop's API")
    write_verify: bool | Path = Field(True, description="TLS of the API: true, or the file of the certificate authority")
    write_timeout: Duration = Field("60s", description="longest wait for one answer of the API; files are large")  # type: ignore[assignment]


class OneStop:
    """The `Source` port over a database. One thread polls; the other methods may be called from any."""

    def __init__(self, options: OneStopOptions, mapping: SourceMapping, clock: Clock) -> None:
        zone = ZoneInfo(options.timezone)
        self._options = options
        self._mapping = mapping
        self._database = Database(options.url, options.password.get_secret_value(), zone=zone, timeout=options.statement_timeout, clock=clock)
        if options.wake and self._database.product != "postgresql":
            raise ConfigurationError([Problem(field="source.wake", reason="only PostgreSQL can wake syncd", hint="leave it empty: the one-stop is polled")])
        self._tables = Tables(self._database, mapping, Reader(mapping, options.agency), page=options.page, clock=clock)
        self._window = Window(options.page)
        self._clock = clock
        self._polled: tuple[datetime, float] | None = None  # when the last poll began, by the source's clock and by ours
        self._bell: Bell | None = None

    def poll(self, cursor: Cursor | None) -> Iterator[Page]:
        """What changed since `cursor`; see `Source.poll`, and `_onestop.poll` for how."""
        began, start = self._clock.monotonic(), self._tables.start()
        if cursor is not None and cursor.top > 0 and start.top == 0:
            raise SuspiciousSource(
                "the one-stop database holds no dossier, and did before",
                hint="check source.url and whether a restore is under way",
            )
        if cursor is not None and start.top_step < cursor.top_step:
            self._refuse_older(cursor)
        yield from Poll(self._tables, self._window, start, cursor, self._options.overlap).pages()
        self._polled = start.present, began

    def _refuse_older(self, cursor: Cursor) -> None:
        """The last steps are gone. Somebody may have deleted them; where the last changes are gone too, and not just from a replica that
        lags behind, an older copy stands in the database's place."""
        _, newest = self._tables.newest()
        moment, reached = _moment(newest), _moment(cursor.modified)
        if reached is not None and (moment is None or moment.replace(tzinfo=reached.tzinfo) + self._options.overlap < reached):
            raise SuspiciousSource(
                f"the one-stop database is older than what was read of it: its last change is of {newest or 'no time'}, one of {cursor.modified} was read",
                hint="was it restored from a backup, or is it another database?",
            )

    def sweep(self, after: int = 0) -> Iterator[Page]:
        """Every published dossier above the key `after`, in order of its key."""
        more = True
        while more:
            with self._tables.reading() as (connection, queries):
                rows = self._tables.rows(connection, queries.onwards, after=after)
                content = self._tables.content(connection, rows)
            more = len(rows) == self._options.page
            if rows:
                after = self._tables.key(rows[-1])
                yield content.page(Cursor(id=after))

    def fetch(self, code: str) -> tuple[Page, ...]:
        """The dossier of that code as it is now, or nothing; of several the one that was there first. What stands behind `#` is
        the dossier's key: so those are named whose code cannot be read or belongs to another."""
        _, mark, key = code.rpartition("#")
        with self._tables.reading() as (connection, queries):
            if mark and key.isdecimal():
                content = self._tables.by_ids(connection, [int(key)])
            else:
                content = self._tables.content(connection, self._tables.rows(connection, queries.by_code(connection), code=code))
        if not content.snapshots:
            return ()
        found = content.snapshots[0]
        return (Page(snapshots=(found,), cursor=Cursor(id=found.dossier.source_id), rows=1, skipped_steps=content.skipped),)

    def lag(self) -> float | None:
        """Seconds by which the newest change is later than the last poll that ran to its end; None before one has. Nothing is
        later than the present, so where that poll has only just begun the database need not be asked."""
        if self._polled is None:
            return None
        present, began = self._polled
        if self._clock.monotonic() - began < NO_LAG:
            return 0.0
        moment = _moment(self._tables.newest()[1])
        return 0.0 if moment is None else max(0.0, (moment - present.replace(tzinfo=moment.tzinfo)).total_seconds())

    def plan(self) -> list[PlanRow]:
        """How the database would run the statements of a poll, with the index to add where it would read a whole table."""
        return plan(self._tables, self._mapping.settings)

    def listen(self, ring: Callable[[], None]) -> None:
        """Ring when the one-stop notifies `source.wake`; see `_onestop.bell`."""
        if self._options.wake:
            self._bell = Bell(self._options.url, self._options.password.get_secret_value(), self._options.wake, ring)

    def unwatched(self) -> list[Problem]:
        """What keeps the one-stop from waking syncd although it should, each with what to do; for an administrator."""
        if not self._options.wake:
            return []
        with self._tables.reading() as (connection, queries):
            return bell.unwatched(connection, queries, self._mapping.settings, self._options.wake)

    def close(self) -> None:
        """Release the connections and ring no more. Safe to call twice."""
        if self._bell is not None:
            self._bell.close()
        self._database.close()


def _moment(stamp: str) -> datetime | None:
    try:
        return datetime.fromisoformat(stamp)
    except ValueError:
        return None


def open_source(options: OneStopOptions, *, clock: Clock, mappings: Path | None = None) -> OneStop:
    """A source ready to use; the database is not asked yet. `mappings` is the administrator's folder that overlays the shipped one.
    Raises `ConfigurationError` with every problem of the mapping or the address."""
    return OneStop(options, load(options.mapping, overlay=mappings, zone=ZoneInfo(options.timezone)), clock)


class OneStopConnector:
    """What the entry point `onestop` of the group `syncd.sources` names; see `SourceConnector`."""

    options: type[SourceOptions] = OneStopOptions

    def build(self, options: SourceOptions, *, clock: Clock, mappings: Path | None = None) -> OneStop:
        """A source ready to use; no network."""
        return open_source(OneStopOptions.model_validate(options, from_attributes=True), clock=clock, mappings=mappings)

    def outlet(self, options: SourceOptions, *, clock: Clock, mappings: Path | None = None) -> Outlet:
        """The way back into the same one-stop; no network."""
        given = OneStopOptions.model_validate(options, from_attributes=True)
        zone = ZoneInfo(given.timezone)
        settings = load(given.mapping, overlay=mappings, zone=zone).settings.inbox
        filling = Filling(zone, clock)
        return _api(given, settings, filling, clock) if settings.way == "http" else _tables(given, settings, filling)


def _tables(options: OneStopOptions, settings: InboxSettings, filling: Filling) -> Outlet:
    url, password = (options.write_url, options.write_password) if options.write_url else (options.url, options.write_password or options.password)
    beside = FileRows(settings) if settings.way == "table" else Statements(settings)
    return DatabaseOutlet(Writing(url, password.get_secret_value(), timeout=options.statement_timeout), settings, beside, filling)


def _api(options: OneStopOptions, settings: InboxSettings, filling: Filling, clock: Clock) -> Outlet:
    if not options.write_url.startswith(("http://", "https://")):
        raise ConfigurationError([Problem(field="source.write_url", reason="is no address of an API", hint="the mapping writes by HTTP: https://…")])
    http = Http(TargetOptions.model_validate({"connector": "onestop", "timeout": options.write_timeout, "verify": options.write_verify}), clock)
    return HttpOutlet(http, options.write_url.rstrip("/"), options.write_token.get_secret_value(), settings, filling, clock)


connector = OneStopConnector()

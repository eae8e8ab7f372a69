"""Settings become objects: the only place that knows which parts there are and how they hang together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlalchemy.engine.url import make_url

from syncd.clock import Clock, SystemClock
from syncd.config import Settings, connectors, find, read
from syncd.crypto import Cipher, cipher_of
from syncd.errors import AlreadyRunning, NotFound, SchemaMismatch, StoreUnavailable
from syncd.model import Kind
from syncd.options import OfficeOptions, TargetOptions
from syncd.ports import Connector, Outlet, Source, SourceConnector, Target
from syncd.store import migrations
from syncd.store.board import Board
from syncd.store.database import Database, open_database
from syncd.store.ledger import Ledger
from syncd.store.nodes import clock_of

if TYPE_CHECKING:
    from syncd.collect import Collecting
    from syncd.daemon import Daemon
    from syncd.membership import Membership
    from syncd.metrics import Metrics
    from syncd.reconcile import Reconciling
    from syncd.store.intake import Intake
    from syncd.store.matters import Routes
    from syncd.tally import Tally
    from syncd.workers import Workers


class State:
    """The opened state of a configuration. The key file is read only where something sealed is touched."""

    def __init__(self, settings: Settings, database: Database, clock: Clock, *, create: bool) -> None:
        self.settings = settings
        self.database = database
        self.clock = clock
        self.node = settings.daemon.node
        self.board = Board(database)
        self._create = create

    @cached_property
    def cipher(self) -> Cipher:
        """Seals and opens personal data at rest."""
        return cipher_of(self.settings.daemon.payload_key_file, create=self._create, compact=migrations.compact(self.database))

    @cached_property
    def ledger(self) -> Ledger:
        """Leases and outcomes of this node."""
        return Ledger(self.database, self.cipher, self.node)

    def close(self) -> None:
        """Close the connections."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def load(path: Path | None = None) -> Settings:
    """The settings of the configuration file to use. Raises `ConfigurationError`."""
    return read(find(path))


def open_state(settings: Settings, *, create: bool = False, clock: Clock | None = None) -> State:
    """The state database, laid out where it is empty and, with `create`, made with its folder and key file. Without it a
    SQLite file that is not there is refused: a question must not leave a state behind. Nodes that share a PostgreSQL share its time.
    Raises `SchemaMismatch`, `StoreUnavailable`."""
    path = make_url(settings.daemon.state).database
    if settings.daemon.state.startswith("sqlite") and path:
        if create:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        elif not Path(path).exists():
            raise StoreUnavailable(f"There is no state yet: {path}", hint="the first run makes it: syncd run")
    database = open_database(settings.daemon.state)
    migrations.ensure(database)
    return State(settings, database, clock_of(database, clock or SystemClock()), create=create)


def make_source(settings: Settings, clock: Clock) -> Source:
    """The configured source."""
    connector: SourceConnector = connectors("syncd.sources")[settings.source.connector].load()
    return connector.build(settings.source, clock=clock, mappings=settings.daemon.mappings)


def make_outlet(settings: Settings, clock: Clock) -> Outlet:
    """The way back into the configured one-stop."""
    connector: SourceConnector = connectors("syncd.sources")[settings.source.connector].load()
    return connector.outlet(settings.source, clock=clock, mappings=settings.daemon.mappings)


def make_target(settings: Settings, name: str, clock: Clock) -> Target:
    """The target of that name. Raises `NotFound`."""
    options = settings.targets.get(name)
    if options is None:
        raise NotFound(f"There is no target {name!r}.", hint=f"one of: {', '.join(settings.targets)}")
    return _connector(options).build(name, options, clock=clock, mappings=settings.daemon.mappings)


def routes(settings: Settings) -> Routes:
    """Which target is sent what; those that are not enabled too, so that it waits for them."""
    from syncd.store.matters import Routes

    taken = {name: _connector(options).takes(options) for name, options in settings.targets.items()}
    offices = {name: options.scope for name, options in settings.targets.items() if isinstance(options, OfficeOptions) and Kind.DRAFT in taken[name]}
    takers = {kind: [name for name in settings.targets if kind in taken[name]] for kind in Kind}
    return Routes(takers[Kind.DOSSIER], offices, takers[Kind.STATISTIC])


def _connector(options: TargetOptions) -> Connector:
    connector: Connector = connectors("syncd.targets")[options.connector].load()
    return connector


@contextmanager
def build_daemon(settings: Settings, state: State) -> Iterator[Daemon]:
    """The daemon of this node; its connections are closed at the end."""
    from syncd.chores import Parts
    from syncd.daemon import Daemon
    from syncd.maintain import Maintainer
    from syncd.membership import Membership
    from syncd.metrics import Metrics
    from syncd.nightly import Nightly
    from syncd.poll import Poller
    from syncd.store.inbox import Inbox
    from syncd.store.intake import Intake

    clock, metrics, stopping, ways = state.clock, Metrics(), threading.Event(), routes(settings)
    with ExitStack() as opened:
        source = opened.enter_context(closing(make_source(settings, clock)))
        enabled = [name for name, options in settings.targets.items() if options.enabled]
        targets = [opened.enter_context(closing(make_target(settings, name, clock))) for name in enabled]
        workers = [_workers(settings, state, target, metrics, stopping) for target in targets]
        issuing = [each for each in workers if each.delivery.target.collector is not None]
        outlet = opened.enter_context(closing(make_outlet(settings, clock))) if issuing else None
        intake, inbox = Intake(state.database, state.cipher, clock, ways), Inbox(state.database, state.cipher)
        parts = Parts(
            stopping=stopping,
            membership=Membership(state.database, state.node, clock, metrics),
            poller=Poller(source, settings.source, intake, state.board, clock, metrics),
            maintainer=Maintainer(state.ledger, state.board, inbox, clock, metrics, enabled),
            workers=workers,
            collecting=[_collecting(settings, state, each, outlet) for each in issuing] if outlet else [],
            tally=_tally(settings, state, source, intake) if ways.statistics else None,
            nightly=[
                Nightly(make_reconciling(settings, state, target, source, stopping), state.board, metrics, state.node)
                for target in targets
                if target.name in (*ways.dossiers, *ways.offices)
            ],
        )
        yield Daemon(settings, parts, clock, metrics)


def make_reconciling(settings: Settings, state: State, target: Target, source: Source, stopping: threading.Event) -> Reconciling:
    """What compares one target with the one-stop."""
    from syncd.asking import Asking
    from syncd.reconcile import Reconciling, Store
    from syncd.reconcile_drafts import DraftReconciling
    from syncd.store.evidence import Evidence
    from syncd.store.inbox import Inbox
    from syncd.store.intake import Intake
    from syncd.store.readback import ReadBack
    from syncd.store.readback_drafts import DraftRows

    ways = routes(settings)
    intake, asking = Intake(state.database, state.cipher, state.clock, ways), Asking(target, settings.reconcile, state.clock, stopping)
    if target.name not in ways.dossiers:
        rows, inbox = DraftRows(state.database, state.ledger, target.name), Inbox(state.database, state.cipher)
        return DraftReconciling(asking, source, intake, rows, inbox, settings.zone)
    store = Store(ReadBack(state.database, state.ledger, target.name), Evidence(state.database))
    return Reconciling(asking, source, intake, store, settings.zone)


def deliver_due(settings: Settings, state: State, target: Target, stopping: threading.Event, beat: Callable[[], object]) -> None:
    """Deliver to one target until nothing can go now; `beat` is called now and then. Raises `AlreadyRunning` where the daemon of this node delivers."""
    from syncd.chores import BEAT_EVERY
    from syncd.membership import Membership
    from syncd.metrics import Metrics
    from syncd.schedule import Timetable

    metrics, beating = Metrics(), Timetable(state.clock)
    membership = Membership(state.database, state.node, state.clock, metrics)
    beating.every(BEAT_EVERY, "beat", partial(_beat, membership, stopping, beat))
    with membership, beating:
        state.ledger.reclaim()
        state.ledger.expire(state.clock.now())
        workers = _workers(settings, state, target, metrics, stopping)
        workers.gate.drained = membership.draining
        workers.start(until_idle=True)
        workers.join()


def _beat(membership: Membership, stopping: threading.Event, beat: Callable[[], object]) -> None:
    try:
        membership.beat()
        beat()
    except (AlreadyRunning, SchemaMismatch):
        stopping.set()
    except StoreUnavailable:
        pass  # the workers say so


def _tally(settings: Settings, state: State, source: Source, intake: Intake) -> Tally:
    from syncd.tally import Tally

    return Tally(source, intake, state.board, state.clock, settings.zone)


def _collecting(settings: Settings, state: State, workers: Workers, outlet: Outlet) -> Collecting:
    from syncd.collect import Collecting
    from syncd.store.inbox import Inbox

    collector, options = workers.delivery.target.collector, settings.targets[workers.name]
    if collector is None or not isinstance(options, OfficeOptions):
        raise TypeError(f"the connector of {workers.name} collects and takes no OfficeOptions")
    return Collecting(collector, outlet, Inbox(state.database, state.cipher), workers.gate, options, state.clock, workers.delivery.stopping)


def _workers(settings: Settings, state: State, target: Target, metrics: Metrics, stopping: threading.Event) -> Workers:
    from syncd.deliver import Delivery
    from syncd.gate import Gate
    from syncd.workers import Workers

    options, clock = settings.targets[target.name], state.clock
    workers: Workers

    def returned() -> None:
        state.ledger.wake(target.name, clock.now())
        workers.ring()

    gate = Gate(target.name, options, state.board, clock, settings.zone, returned)
    delivery = Delivery(target, options, state.ledger, gate, clock, metrics, stopping)
    workers = Workers(delivery, state.ledger, gate, clock)
    return workers

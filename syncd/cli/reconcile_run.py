"""The reconciliation of one target, as `syncd reconcile` makes it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from syncd.cli.app import App, person
from syncd.cli.progress import Share
from syncd.cli.reconcile_values import Compared, Difference, compared
from syncd.drift import DriftKind
from syncd.errors import AlreadyRunning, SourceError, TargetSilent
from syncd.model import Value

if TYPE_CHECKING:
    from syncd.nightly import Holding
    from syncd.ports import Source, Target
    from syncd.reconcile import Reconciling
    from syncd.store.evidence import Run
    from syncd.wiring import State

PATIENCE = 120.0  #: seconds without any delivery, while a daemon delivers what was made due
_HOLDER = 40  #: characters of the node's name


class Order(Value):
    """What is to be done."""

    since: datetime | None = None
    until: datetime | None = None
    full: bool = False
    repair: bool = False
    verify: bool = False
    dry_run: bool = False
    force: bool = False


class Found(Value):
    """What became of one target."""

    name: str
    run: Run | None
    told: Compared


def reconcile_target(app: App, state: State, source: Source, name: str, order: Order, stopping: threading.Event, shares: dict[str, Share]) -> Found:
    """Compare one target, and repair it where that is ordered. What keeps it from its end is told; it goes on the next time."""
    from syncd.nightly import delivering
    from syncd.wiring import make_reconciling

    with app.target(name) as target, _alone(state, target) as held:
        side = make_reconciling(app.settings, state, target, source, stopping)
        side.proceed, side.evidence.fence = held, lambda: held.fence
        side.asking.busy = delivering(side)
        side.told = lambda run, read, known: shares.update({name: Share(name, read, max(read, known))})
        try:
            told = compared(side.evidence, _carried_out(app, state, side, order))
        except (SourceError, TargetSilent) as trouble:
            told = compared(side.evidence, side.evidence.runs(name, 1)[0], trouble.message, trouble.hint)
        return Found(name=name, run=side.evidence.runs(name, 1)[0], told=_previewed(side, told) if order.repair and order.dry_run else told)


def _carried_out(app: App, state: State, side: Reconciling, order: Order) -> Run:
    from syncd.repair_drafts import repairing
    from syncd.store.evidence import DONE, Scope
    from syncd.store.orders import Orders

    run = side.compare(person(), Scope(since=order.since, until=order.until, full=order.full), force=order.force)
    if run.state != DONE or not order.repair or order.dry_run:
        return run
    mending = repairing(side)
    run = mending.repair(run)
    Orders(state.database, state.clock, person()).note("reconcile repair", f"run {run.id}: {run.counts.get('due', 0)} differences made due")
    return mending.verify(run, _delivered(app, state, side)) if order.verify and not side.stopping.is_set() else run


def _delivered(app: App, state: State, side: Reconciling) -> float:
    """Deliver what is due, unless the daemon of this node does; how long that is to be waited for."""
    from syncd.wiring import deliver_due

    try:
        deliver_due(app.settings, state, side.target, side.stopping, side.proceed)
    except AlreadyRunning:
        return PATIENCE
    return 0.0


def _previewed(side: Reconciling, told: Compared) -> Compared:
    """With the fields that would be sent, where only the ledger knows them."""

    def completed(each: Difference) -> Difference:
        if each.kind is not DriftKind.STALE or "fields" in each.detail:
            return each
        changed = side.rows.changed_fields(each.dossier)
        return replace(each, detail={**each.detail, "changed": changed}) if changed else each

    return replace(told, drift=[completed(each) for each in told.drift])


@contextmanager
def _alone(state: State, target: Target) -> Iterator[Holding]:
    """The only reconciliation of a target: asking the value given renews that. Raises `AlreadyRunning`."""
    from syncd.nightly import Holding

    holder, board, clock = f"{state.node[:_HOLDER]}#{os.getpid()}", state.board, state.clock
    held = Holding(board, target, holder, clock)
    before = board.holder(f"reconcile:{target.name}")
    if before is not None and _dead(before, state.node):
        board.yield_lease(before, clock.now())
    if not held.take():
        raise AlreadyRunning(f"{target.name} is being reconciled already ({before}).", hint="wait for its end, or stop it; what it has compared is kept")
    try:
        yield held
    finally:
        board.yield_lease(holder, clock.now())


def _dead(holder: str, node: str) -> bool:
    """Whether it was a command on this machine that has ended without saying so."""
    name, mark, number = holder.rpartition("#")
    if not mark or name != node[:_HOLDER] or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False

"""`syncd resync`: send records again, even where nothing changed."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from syncd.cli import exits
from syncd.cli.app import App, pass_app
from syncd.cli.commands import command
from syncd.cli.lang import t
from syncd.cli.options import dry_run, instant, since
from syncd.model import Status

if TYPE_CHECKING:
    from syncd.store.orders import Done, Orders, Selection

_PATIENCE = 20  #: seconds for dossiers that are being delivered at the moment
_PAUSE = 0.5


@command("resync")
@click.argument("codes", metavar="CODE…", nargs=-1)
@since
@click.option("--status", type=click.Choice([status.value for status in Status]), default=None, help="only dossiers of this status")
@click.option("--all", "every", is_flag=True, help="every dossier")
@click.option("--target", default="", help="the target; may be left out where there is only one")
@dry_run
@pass_app
def resync(app: App, codes: tuple[str, ...], *, since: datetime | timedelta | None, status: str | None, every: bool, target: str, dry_run: bool) -> int:
    """Send records again, even where nothing changed.

    With --since, those the target acknowledged from that moment on. Steps it has acknowledged are never sent again.
    """
    from syncd.store.orders import Selection

    if bool(codes) + every + bool(since or status) != 1:
        raise click.UsageError(t("name codes, or --since and --status, or --all"))
    name = app.only_target(target)
    which = Selection(codes=codes, since=instant(since, app.clock.now(), app.zone), status=Status(status) if status else None)
    with app.orders(dry_run=dry_run) as orders:
        done = orders.resync(name, which) if dry_run else _patiently(orders, name, which)
    click.echo(t("{n} dossiers would go to {name} again." if dry_run else "{n} dossiers go to {name} again.", n=done.count, name=name))
    if done.busy:
        click.echo(t("Being delivered at this moment and therefore left alone: {codes}", codes=", ".join(done.busy)), err=True)
    return exits.FAILED if done.busy and not dry_run else exits.DONE


def _patiently(orders: Orders, name: str, which: Selection) -> Done:
    """The order, given again for the dossiers that were busy until none is."""
    from syncd.store.orders import Done, Selection

    done = orders.resync(name, which)
    count, patience = done.count, _PATIENCE / _PAUSE
    while done.busy and patience > 0:
        time.sleep(_PAUSE)
        patience -= 1
        done = orders.resync(name, Selection(codes=done.busy))
        count += done.count
    return Done(count=count, rehearsed=False, busy=done.busy)

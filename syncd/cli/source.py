"""`syncd source`: a one-stop that looked suspicious is accepted by a person."""

from __future__ import annotations

import click

from syncd.cli.app import App, pass_app
from syncd.cli.commands import group
from syncd.cli.lang import t
from syncd.cli.options import dry_run


@group("source")
def source() -> None:
    """The one-stop database."""


@source.command("accept")
@dry_run
@pass_app
def accept(app: App, *, dry_run: bool) -> None:
    """Take for right what made polling stop.

    Polling stops where the one-stop is suddenly empty or changes everything at once: perhaps it is the wrong database, or one that is being restored.
    """
    with app.orders(dry_run=dry_run) as orders:
        done = orders.accept_source()
    if not done.count:
        click.echo(t("Polling is not stopped; there is nothing to accept."))
    else:
        click.echo(t("The next poll would take everything in." if dry_run else "The next poll takes everything in."))

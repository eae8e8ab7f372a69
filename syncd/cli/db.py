"""`syncd db`: the schema of the state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncd.cli import exits, render
from syncd.cli.app import App, pass_app, person
from syncd.cli.commands import group
from syncd.cli.lang import t
from syncd.cli.options import as_json, dry_run

if TYPE_CHECKING:
    from syncd.store.database import Database
    from syncd.store.migrations import Version


@group("db")
def db() -> None:
    """The state database."""


@contextmanager
def _opened(app: App) -> Iterator[Database]:
    from syncd.store.database import open_database

    with closing(open_database(app.settings.daemon.state)) as database:
        yield database


def _version(app: App) -> Version:
    """How the state and this syncd stand to each other. Opening a SQLite file that is not there would make it, and a question must not."""
    from sqlalchemy.engine.url import make_url

    from syncd.store import migrations, schema

    url = make_url(app.settings.daemon.state)
    if url.drivername.startswith("sqlite") and url.database and not Path(url.database).exists():
        return migrations.Version(found=0, wanted=schema.VERSION, usable=False)
    with _opened(app) as database:
        return migrations.check(database)


@db.command("check")
@as_json
@pass_app
def check(app: App, *, as_json: bool) -> int:
    """Whether the state has the schema this syncd needs."""
    version = _version(app)
    render.put(version, lambda: [_sentence(version)], as_json=as_json, zone=app.zone)
    return exits.DONE if version.usable else exits.FAILED


def _sentence(version: Version) -> str:
    if version.usable:
        return t("The state has schema {found}; this syncd can use it.", found=version.found)
    if version.found < version.wanted:
        return t("The state has schema {found}, this syncd needs {wanted}: syncd db upgrade", found=version.found, wanted=version.wanted)
    return t("The state has schema {found}, newer than this syncd knows ({wanted}): install a newer syncd.", found=version.found, wanted=version.wanted)


@db.command("upgrade")
@click.option("--finish", is_flag=True, help="every node has the new version: what older ones cannot read may be written from its next start on")
@dry_run
@pass_app
def upgrade(app: App, *, finish: bool, dry_run: bool) -> None:
    """Bring the state to the schema this syncd needs: all of it or nothing.

    Nodes whose syncd can use the new schema too may go on meanwhile; while another one runs, nothing is done.
    """
    from syncd.store import migrations, schema
    from syncd.store.orders import Orders

    if finish:
        _finish(app, dry_run=dry_run)
        return
    before = _version(app)
    if dry_run or before.found == before.wanted:
        click.echo(t("The state has schema {found}, this syncd needs {wanted}.", found=before.found, wanted=before.wanted))
        return
    with _opened(app) as database:
        _leave_nobody_behind(app, database, schema.COMPATIBLE)
        after = migrations.upgrade(database)
        Orders(database, app.clock, person()).note("db upgrade", f"{before.found} → {after.found}")
    click.echo(t("The state has schema {found} now.", found=after.found))


def _finish(app: App, *, dry_run: bool) -> None:
    from syncd.store import migrations, schema
    from syncd.store.orders import Orders

    with _opened(app) as database:
        migrations.demand(database)
        _leave_nobody_behind(app, database, schema.VERSION)
        if not dry_run:
            migrations.finish(database)
            Orders(database, app.clock, person()).note("db upgrade", f"finished {schema.VERSION}")
    click.echo(t("A syncd older than schema {found} can no longer use the state.", found=schema.VERSION))


def _leave_nobody_behind(app: App, database: Database, oldest: int) -> None:
    """Raises `SchemaMismatch` where a node runs that is older than the schema `oldest` and could not use the state afterwards."""
    from syncd.errors import SchemaMismatch
    from syncd.store.nodes import clock_of, left_behind

    if names := left_behind(database, oldest, clock_of(database, app.clock).now()):
        raise SchemaMismatch(f"These nodes run a syncd that could not use the state afterwards: {', '.join(names)}", hint="stop them first")

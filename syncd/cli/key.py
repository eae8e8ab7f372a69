"""`syncd key`: the key that protects personal data at rest."""

from __future__ import annotations

import click

from syncd.cli.app import App, pass_app
from syncd.cli.commands import group
from syncd.cli.lang import t
from syncd.cli.options import dry_run
from syncd.errors import StoreError, SyncdError


@group("key")
def key() -> None:
    """The key that protects personal data at rest."""


@key.command("new")
@dry_run
@pass_app
def new(app: App, *, dry_run: bool) -> None:
    """Write a key file, readable by its owner only. One that is there is never replaced.

    Keep a copy of it apart from the backups of the state: without it they cannot be read.
    """
    from syncd.crypto import create_key_file

    path = app.settings.daemon.payload_key_file
    if path.exists():
        raise SyncdError(f"There is a key file already: {path}", hint="to put a new key on top of it: syncd key rotate")
    if not dry_run:
        try:
            create_key_file(path)
        except OSError as error:
            raise SyncdError(f"The key file cannot be written: {path}: {error.strerror}", hint="check the folder and who may write to it") from None
        _note(app, "key new")
    click.echo(t("{file} would be written." if dry_run else "{file} is written.", file=path))


@key.command("rotate")
@dry_run
@pass_app
def rotate(app: App, *, dry_run: bool) -> None:
    """Put a new key on top of the key file; what older keys have sealed stays readable.

    The daemon writes with the new key from its next start on.
    """
    from syncd.crypto import read_keys, rotate_key_file

    path = app.settings.daemon.payload_key_file
    keys = len(read_keys(path))
    if not dry_run:
        try:
            rotate_key_file(path)
        except OSError as error:
            raise SyncdError(f"The key file cannot be written: {path}: {error.strerror}", hint="check the folder and who may write to it") from None
        _note(app, "key rotate")
    click.echo(t("{file} would have {n} keys." if dry_run else "{file} has {n} keys now; restart syncd on every node.", file=path, n=keys + 1))


def _note(app: App, action: str) -> None:
    """The audit row. The key counts although there may be no state yet to note it in."""
    try:
        with app.orders(dry_run=False) as orders:
            orders.note(action, str(app.settings.daemon.payload_key_file))
    except StoreError:
        click.echo(t("There is no state yet to note this in."), err=True)

"""`syncd dead`: what a person must decide."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from syncd.cli import render
from syncd.cli.app import App, pass_app
from syncd.cli.commands import group
from syncd.cli.lang import sentence, t
from syncd.cli.options import as_json, dry_run
from syncd.cli.render import Block, Table, headings, moment, pairs, word

if TYPE_CHECKING:
    from syncd.store.journal import DeadLetter


@group("dead")
def dead() -> None:
    """Dossiers that a person must look at."""


@dead.command("list")
@click.option("--target", default="", help="only of this target")
@as_json
@pass_app
def list_(app: App, *, target: str, as_json: bool) -> None:
    """Every dead letter, longest waiting first."""
    with app.journal() as journal:
        letters = journal.dead(app.demand_target(target) if target else "")
    render.put(letters, lambda: _table(app, letters), as_json=as_json, zone=app.zone)


def _table(app: App, letters: list[DeadLetter]) -> Iterable[Block]:
    if not letters:
        yield t("There are no dead letters.")
        return
    rows = [
        (each.id, moment(each.since, app.zone), str(each.attempts), word(each.error.kind), sentence(each.error.message), sentence(each.error.hint))
        for each in letters
    ]
    yield Table(columns=headings("id", "since", "attempts", "outcome", "message", "what to do"), rows=rows)


@dead.command("show")
@click.argument("letter", metavar="ID")
@as_json
@pass_app
def show(app: App, letter: str, *, as_json: bool) -> None:
    """One dead letter: what went wrong and what to do."""
    with app.journal() as journal:
        found = journal.dead_letter(letter)
    render.put(found, lambda: _lines(app, found), as_json=as_json, zone=app.zone)


def _lines(app: App, letter: DeadLetter) -> Iterable[Block]:
    error = letter.error
    yield from pairs(
        [
            (t("id"), letter.id),
            (t("state"), t(letter.state)),
            (t("since"), moment(letter.since, app.zone)),
            (t("attempts"), str(letter.attempts)),
            (t("outcome"), t(error.kind)),
            (t("code"), error.code or "–"),
            (t("message"), sentence(error.message)),
            (t("what to do"), sentence(error.hint) or "–"),
        ]
    )
    yield t("Then, where the one-stop was not changed: syncd dead retry {id}", id=letter.id)


@dead.command("retry")
@click.argument("letters", metavar="ID…", nargs=-1)
@click.option("--target", default="", help="all dead letters of this target")
@click.option("--all", "every", is_flag=True, help="all dead letters")
@dry_run
@pass_app
def retry(app: App, letters: tuple[str, ...], *, target: str, every: bool, dry_run: bool) -> None:
    """Make dead letters due now.

    A dossier that is corrected in the one-stop goes out by itself; this is for troubles that ended elsewhere.
    """
    if bool(letters) + bool(target) + every != 1:
        raise click.UsageError(t("name dead letters, or --target, or --all"))
    with app.orders(dry_run=dry_run) as orders:
        done = orders.retry(letters) if letters else orders.retry_all(app.demand_target(target) if target else "")
    click.echo(t("{n} dead letters would be due now." if dry_run else "{n} dead letters are due now.", n=done.count))


@dead.command("discard")
@click.argument("letters", metavar="ID…", nargs=-1, required=True)
@click.option("--reason", required=True, help="why; it is kept with the dossier's story")
@dry_run
@pass_app
def discard(app: App, letters: tuple[str, ...], *, reason: str, dry_run: bool) -> None:
    """Set dead letters aside until the one-stop changes them or they are retried by their id."""
    with app.orders(dry_run=dry_run) as orders:
        done = orders.discard(letters, reason)
    click.echo(t("{n} dead letters would be set aside." if dry_run else "{n} dead letters were set aside.", n=done.count))


@dead.command("arrived")
@click.argument("letters", metavar="ID…", nargs=-1, required=True)
@click.option("--reason", required=True, help="who saw them and where; it is kept with the dossier's story")
@dry_run
@pass_app
def arrived(app: App, letters: tuple[str, ...], *, reason: str, dry_run: bool) -> None:
    """Take steps whose answer was lost twice as acknowledged, because the target shows them."""
    with app.orders(dry_run=dry_run) as orders:
        done = orders.arrived(letters, reason)
    click.echo(t("{n} dead letters would go on after these steps." if dry_run else "{n} dead letters go on after these steps.", n=done.count))

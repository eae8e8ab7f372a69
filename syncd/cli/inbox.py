"""`syncd inbox`: what came back from document systems, and what of it needs a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click
import msgspec

from syncd.cli import exits, render
from syncd.cli.app import App, pass_app, person
from syncd.cli.commands import group
from syncd.cli.lang import sentence, t
from syncd.cli.options import as_json, dry_run
from syncd.cli.render import Block, Table, headings, moment, pairs

if TYPE_CHECKING:
    from syncd.store.inbox_orders import InboxOrders, Outcome
    from syncd.store.inbox_reading import InboxReading, Listed, Shown

STATES = {
    "arrived": "arrived (to be written)",
    "held": "held (needs a person)",
    "written": "written (to be acknowledged)",
    "late": "late (is not written)",
    "refused": "refused (cannot be taken)",
    "done": "done (acknowledged)",
    "void": "void (refused, and the sender told)",
}
STAGES = {
    "delivered": "delivered there",
    "accepted": "accepted there",
    "in_progress": "in progress there",
    "signed": "signed",
    "issued": "issued",
    "unnumbered": "done without a number",
    "rejected": "not approved",
    "recall_asked": "recall asked",
    "recall_agreed": "recall agreed",
    "recall_refused": "recall refused",
}
_DATES = ("%Y-%m-%d", "%d/%m/%Y")


@group("inbox")
def inbox() -> None:
    """Documents that came back from document systems."""


@contextmanager
def _reading(app: App) -> Iterator[InboxReading]:
    from syncd.store.inbox_reading import InboxReading

    with app.state() as state:
        yield InboxReading(state.database, lambda: state.cipher)


@contextmanager
def _orders(app: App, *, dry_run: bool) -> Iterator[InboxOrders]:
    from syncd.store.inbox_orders import InboxOrders

    with app.state() as state:
        yield InboxOrders(state.database, state.cipher, state.clock, person(), rehearse=dry_run)


@inbox.command("list")
@click.option("--target", default="", help="only of this target")
@click.option("--state", "states", multiple=True, type=click.Choice(list(STATES)), help="only in this state; may be given more than once")
@click.option("--all", "every", is_flag=True, help="also what is done")
@as_json
@pass_app
def list_(app: App, *, target: str, states: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Every document on its way, longest here first."""
    if states and every:
        raise click.UsageError(t("name states, or --all"))
    with _reading(app) as reading:
        listed = reading.list(app.demand_target(target) if target else "", tuple(STATES) if every else states)
    render.put(listed, lambda: _table(app, listed), as_json=as_json, zone=app.zone)


def _table(app: App, listed: list[Listed]) -> Iterable[Block]:
    if not listed:
        yield t("There are no such documents.")
        return
    rows = [
        (
            str(each.id),
            moment(each.received_at, app.zone),
            each.target,
            t(STATES[each.state]),
            t(STAGES[each.stage]),
            each.dossier or "–",
            sentence(each.error.message),
            sentence(each.error.hint),
        )
        for each in listed
    ]
    yield Table(columns=headings("number", "received", "target", "state", "stage", "dossier", "message", "what to do"), rows=rows)


@inbox.command("show")
@click.argument("number", metavar="ID", type=int)
@click.option("--reveal", is_flag=True, help="also show what it says and the names of its files, with the personal data in them")
@as_json
@pass_app
def show(app: App, number: int, *, reveal: bool, as_json: bool) -> None:
    """One document: where it stands, why, and its files by size and SHA-256."""
    with _reading(app) as reading:
        shown = reading.show(number, reveal=reveal)
    if reveal:
        with app.orders(dry_run=False) as orders:
            orders.note("reveal", f"document {number}")
    render.put(shown, lambda: _lines(app, shown), as_json=as_json, zone=app.zone)


def _lines(app: App, shown: Shown) -> Iterable[Block]:
    row = shown.row
    yield from pairs(
        [
            (t("number"), str(row.id)),
            (t("target"), row.target),
            (t("document"), row.document),
            (t("state"), t(STATES[row.state])),
            (t("stage"), t(STAGES[row.stage])),
            (t("dossier"), row.dossier or "–"),
            (t("draft"), row.draft or "–"),
            (t("received"), moment(row.received_at, app.zone)),
            (t("written"), moment(row.written_at, app.zone)),
            (t("acknowledged"), moment(row.acknowledged_at, app.zone)),
            (t("next try"), moment(row.due_at, app.zone)),
            (t("message"), sentence(row.error.message) or "–"),
            (t("what to do"), sentence(row.error.hint) or "–"),
        ]
    )
    if shown.files:
        yield ""
        lines = [(str(each.place), each.kind, str(each.size), each.sha256, t("yes") if each.kept else t("no"), each.name or "") for each in shown.files]
        yield Table(columns=headings("file", "kind", "bytes", "SHA-256", "kept here", "name"), rows=lines)
    if shown.said is not None:
        yield ""
        yield msgspec.json.format(msgspec.json.encode(shown.said), indent=2).decode()


def _date(text: str) -> date:
    """A date as people write it."""
    for form in _DATES:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  a date has no zone
        except ValueError:
            continue
    raise click.BadParameter(t("{text} is not a date (2025-07-01 or 01/07/2025)", text=repr(text)))


@inbox.command("assign")
@click.argument("number", metavar="ID", type=int)
@click.argument("code", required=False, default="")
@click.option("--number", "code_number", default="", help="number and notation it was issued under, 123/QĐ-UBND")
@click.option("--date", "issued_on", type=_date, metavar="DATE", help="date of issue, 2025-07-01 or 01/07/2025")
@click.option("--signer", default="", help="who signed it")
@click.option("--reason", default="", help="why; it is kept with the dossier's story")
@click.option("--force", is_flag=True, help="write it whatever was known before of the dossier")
@dry_run
@pass_app
def assign(app: App, /, number: int, code: str, *, reason: str, force: bool, dry_run: bool, **known: Any) -> int:
    """Say what a held document lacks: its dossier, its number, its date.

    It is then judged anew. What is given here goes to the one-stop with it; its files stay as they came.
    """
    from syncd.store.inbox_orders import Addition

    addition = Addition(dossier=code, number=known.pop("code_number"), **known)
    with _orders(app, dry_run=dry_run) as orders:
        outcome = orders.assign(number, addition, reason, force=force)
    return _said([outcome], dry_run=dry_run)


@inbox.command("retry")
@click.argument("numbers", metavar="ID…", nargs=-1, type=int)
@click.option("--target", default="", help="all documents of this target that are held or wait after a failure")
@click.option("--all", "every", is_flag=True, help="all documents that are held or wait after a failure")
@click.option("--force", is_flag=True, help="write them whatever was known before of the dossier; for documents named one by one")
@dry_run
@pass_app
def retry(app: App, numbers: tuple[int, ...], *, target: str, every: bool, force: bool, dry_run: bool) -> int:
    """Judge held documents anew, and let waiting ones go now."""
    if bool(numbers) + bool(target) + every != 1 or (force and not numbers):
        raise click.UsageError(t("name documents, or --target, or --all"))
    with _orders(app, dry_run=dry_run) as orders:
        outcomes = orders.retry(numbers, force=force) if numbers else orders.retry_all(app.demand_target(target) if target else "")
    return _said(outcomes, dry_run=dry_run)


def _said(outcomes: list[Outcome], *, dry_run: bool) -> int:
    """A line for each document; failed where one is still held."""
    for each in outcomes:
        why = f": {sentence(each.message)} → {sentence(each.hint)}" if each.hint else f": {sentence(each.message)}" if each.message else ""
        click.echo(t("{id} would be {state}" if dry_run else "{id} is {state}", id=each.id, state=t(STATES[each.state])) + why)
    if not outcomes:
        click.echo(t("There are no such documents."))
    return exits.FAILED if any(each.state == "held" for each in outcomes) else exits.DONE

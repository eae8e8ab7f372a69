"""`syncd target`: what is delivered to, and whether it may be."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from syncd.calls import Outcome
from syncd.cli import exits, render
from syncd.cli.app import App, pass_app
from syncd.cli.commands import group
from syncd.cli.lang import sentence, t
from syncd.cli.options import as_json, dry_run, instant, moment
from syncd.cli.render import Block, Table, headings, word
from syncd.model import Value

if TYPE_CHECKING:
    from syncd.store.orders import Done


class Listed(Value):
    """One entry of `target list --json`."""

    name: str
    connector: str
    enabled: bool
    paused: bool
    reason: str
    breaker: str


class Probed(Value):
    """The whole of `target probe --json`."""

    target: str
    outcome: str
    code: str
    message: str
    hint: str


@group("target")
def target() -> None:
    """The systems that dossiers are delivered to."""


@target.command("list")
@as_json
@pass_app
def list_(app: App, *, as_json: bool) -> None:
    """Every configured target."""
    from syncd.store.overview import target_status

    options = app.settings.targets
    with app.state() as state:
        standing = target_status(state.database, list(options), state.clock.now())
    listed = [
        Listed(
            name=name,
            connector=options[name].connector,
            enabled=options[name].enabled,
            paused=found.paused,
            reason=found.reason,
            breaker=found.breaker,
        )
        for name, found in standing.items()
    ]
    render.put(listed, lambda: _blocks(listed), as_json=as_json, zone=app.zone)


def _blocks(listed: list[Listed]) -> Iterable[Block]:
    rows = [(each.name, each.connector, word(_state(each)), word(each.breaker), sentence(each.reason)) for each in listed]
    yield Table(columns=headings("target", "connector", "state", "breaker", "reason"), rows=rows)


def _state(each: Listed) -> str:
    if not each.enabled:
        return "switched off"
    return "paused" if each.paused else "delivering"


@target.command("pause")
@click.argument("name", metavar="TARGET")
@click.option("--reason", default="", help="why; it is shown by target list")
@dry_run
@pass_app
def pause(app: App, name: str, *, reason: str, dry_run: bool) -> None:
    """Stop deliveries to a target until it is resumed; polling goes on."""
    with app.orders(dry_run=dry_run) as orders:
        _say(name, orders.pause(app.demand_target(name), reason), "{name} is paused.", "{name} would be paused.", "{name} is paused already.")


@target.command("resume")
@click.argument("name", metavar="TARGET")
@dry_run
@pass_app
def resume(app: App, name: str, *, dry_run: bool) -> None:
    """Let deliveries to a target go again, at once."""
    with app.orders(dry_run=dry_run) as orders:
        _say(name, orders.resume(app.demand_target(name)), "{name} is resumed.", "{name} would be resumed.", "{name} is not paused.")


@target.command("adopt")
@click.argument("name", metavar="TARGET")
@click.argument("codes", metavar="CODE…", nargs=-1)
@click.option("--until", type=moment, metavar="MOMENT", help="when the target was last told something by somebody else; default: now")
@dry_run
@pass_app
def adopt(app: App, name: str, codes: tuple[str, ...], *, until: datetime | timedelta | None, dry_run: bool) -> None:
    """Take as sent what a target had of our dossiers before us.

    For a state that was lost or is an older copy, or a province that comes from another programme. Each dossier is asked for before anything of it
    goes; steps that are there are not sent again. A target that does not tell its steps is taken to have those that lead to the status it shows, and
    one that shows no status every step that was made before that moment.
    """
    with app.orders(dry_run=dry_run, create=not dry_run) as orders:
        done = orders.adopt(app.demand_target(name), codes, instant(until, app.clock.now(), app.zone))
    said = "{n} dossiers would be asked for at {name} first." if dry_run else "{n} dossiers are asked for at {name} first."
    click.echo(t(said, n=done.count, name=name))


@target.command("fresh")
@click.argument("name", metavar="TARGET")
@dry_run
@pass_app
def fresh(app: App, name: str, *, dry_run: bool) -> None:
    """Say that a target has nothing of ours that this state did not send: everything goes."""
    with app.orders(dry_run=dry_run, create=not dry_run) as orders:
        orders.fresh(app.demand_target(name))
    click.echo(t("Everything would go to {name}." if dry_run else "Everything goes to {name}.", name=name))


def _say(name: str, done: Done, acted: str, rehearsed: str, needless: str) -> None:
    said = (rehearsed if done.rehearsed else acted) if done.count else needless
    click.echo(t(said, name=name))


@target.command("probe")
@click.argument("name", metavar="TARGET")
@as_json
@pass_app
def probe(app: App, name: str, *, as_json: bool) -> int:
    """Ask a target whether it answers and knows us, without changing anything there."""
    with app.target(app.demand_target(name)) as asked:
        receipt = asked.probe()
    probed = Probed(target=name, outcome=receipt.outcome.value, code=receipt.code, message=receipt.message, hint=receipt.hint)
    render.put(probed, lambda: _answer(probed), as_json=as_json, zone=app.zone)
    return exits.DONE if receipt.outcome is Outcome.DELIVERED else exits.FAILED


def _answer(probed: Probed) -> Iterable[Block]:
    if probed.outcome == "delivered":
        yield t("{name} answers and knows us.", name=probed.target)
        return
    yield f"{probed.target}: {t(probed.outcome)} {probed.code} {sentence(probed.message)}"
    if probed.hint:
        yield f"→ {sentence(probed.hint)}"

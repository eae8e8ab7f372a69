"""`syncd node`: the daemons that share the state."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from syncd.cli import exits, render
from syncd.cli.app import App, pass_app, person
from syncd.cli.commands import group
from syncd.cli.lang import t
from syncd.cli.options import as_json, dry_run, span
from syncd.cli.render import Table, headings, moment, word

if TYPE_CHECKING:
    from syncd.store.node_orders import NodeOrders
    from syncd.store.orders import Done
    from syncd.store.overview import NodeStatus

_LOOKED_EVERY = 0.5


@group("node")
def node() -> None:
    """The machines that share the state."""


@node.command("list")
@as_json
@pass_app
def list_(app: App, *, as_json: bool) -> None:
    """Every node that was heard of in the last seven days, and what it holds."""
    from syncd.store.overview import node_status

    with app.state() as state:
        nodes = node_status(state.database, state.clock.now())
    render.put(nodes, lambda: [node_table(app, nodes)], as_json=as_json, zone=app.zone)


def node_table(app: App, nodes: Sequence[NodeStatus]) -> Table:
    """The nodes for a person."""
    return Table(
        columns=headings("node", "version", "since", "last seen", "state", "clock", "delivering now", "leases"),
        rows=[
            (
                each.node,
                each.version,
                moment(each.since, app.zone),
                moment(each.last_seen, app.zone),
                word(each.state),
                _clock(each.clock_skew_seconds),
                str(each.deliveries),
                ", ".join(each.leases),
            )
            for each in nodes
        ],
    )


def _clock(skew: float | None) -> render.Cell:
    from syncd.store.nodes import SKEW_LIMIT

    if skew is None:
        return "–"
    shown = f"{skew:+.1f} s"
    return render.Styled(text=shown, style="yellow") if abs(skew) > SKEW_LIMIT else shown


@node.command("drain")
@click.argument("name", metavar="NODE")
@click.option("--wait", type=span, default=None, metavar="DURATION", help="wait so long for it to hold nothing more; exit code 1 where it still does")
@dry_run
@pass_app
def drain(app: App, name: str, *, wait: timedelta | None, dry_run: bool) -> int:
    """Let a node claim nothing more and give back what it holds.

    Calls under way end, others go on with the rest. It lives on and stays so over restarts, until it is resumed.
    """
    with _orders(app, dry_run=dry_run) as orders:
        _say(name, orders.drain(name), "{name} drains.", "{name} would drain.", "{name} drains already.")
        if wait is None or dry_run or _emptied(orders, name, wait):
            return exits.DONE
    click.echo(t("{name} still holds something.", name=name), err=True)
    return exits.FAILED


@node.command("resume")
@click.argument("name", metavar="NODE")
@dry_run
@pass_app
def resume(app: App, name: str, *, dry_run: bool) -> None:
    """Let a node that drains work again."""
    with _orders(app, dry_run=dry_run) as orders:
        _say(name, orders.resume(name), "{name} is resumed.", "{name} would be resumed.", "{name} does not drain.")


@contextmanager
def _orders(app: App, *, dry_run: bool) -> Iterator[NodeOrders]:
    from syncd.store.node_orders import NodeOrders

    with app.state() as state:
        yield NodeOrders(state.database, state.clock, person(), rehearse=dry_run)


def _say(name: str, done: Done, acted: str, rehearsed: str, needless: str) -> None:
    said = (rehearsed if done.rehearsed else acted) if done.count else needless
    click.echo(t(said, name=name))


def _emptied(orders: NodeOrders, name: str, wait: timedelta) -> bool:
    """Wait until a node holds nothing; whether it came to that."""
    from syncd.store.overview import node_status

    end, pause = orders.clock.monotonic() + wait.total_seconds(), threading.Event()
    while True:
        (standing,) = [each for each in node_status(orders.database, orders.clock.now()) if each.node == name]
        if standing.state == "gone" or not (standing.leases or standing.deliveries):
            return True
        if orders.clock.monotonic() >= end:
            return False
        pause.wait(_LOOKED_EVERY)

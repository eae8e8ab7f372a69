"""`syncd status`: how the source, every target and every node stand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from syncd.cli import exits, render
from syncd.cli.app import App, pass_app
from syncd.cli.commands import command
from syncd.cli.lang import t
from syncd.cli.node import node_table
from syncd.cli.options import as_json, span
from syncd.cli.render import Block, Table, age, headings, moment, pairs, word
from syncd.model import Value

if TYPE_CHECKING:
    from syncd.store.overview import NodeStatus, SourceStatus, TargetStatus


class Standing(Value):
    """The whole of `status --json`."""

    at: datetime
    node: str
    source: SourceStatus
    targets: dict[str, TargetStatus]
    nodes: list[NodeStatus]


@command("status")
@as_json
@click.option("--check", is_flag=True, help="exit with 1 when a target is late, dead letters exist, a breaker is open or the source is stopped")
@click.option("--late", type=span, default="30m", show_default=True, metavar="DURATION", help="with --check: how long a dossier may wait")
@pass_app
def status(app: App, *, as_json: bool, check: bool, late: timedelta) -> int:
    """How the source, every target and every node stand.

    A target is late when a dossier has been waiting for it longer than --late.
    """
    from syncd.store.overview import node_status, source_status, target_status

    with app.state() as state:
        now = state.clock.now()
        standing = Standing(
            at=now,
            node=state.node,
            source=source_status(state.database),
            targets=target_status(state.database, list(app.settings.targets), now),
            nodes=node_status(state.database, now),
        )
    render.put(standing, lambda: _blocks(app, standing), as_json=as_json, zone=app.zone)
    return exits.FAILED if check and _troubled(standing, late) else exits.DONE


def _troubled(standing: Standing, late: timedelta) -> bool:
    targets = standing.targets.values()
    waiting = any((target.oldest_due_seconds or 0) > late.total_seconds() for target in targets)
    return waiting or bool(standing.source.suspicion) or any(target.dead or target.breaker == "open" for target in targets)


def _blocks(app: App, standing: Standing) -> Iterable[Block]:
    source = standing.source
    lag = age(source.lag_seconds)
    yield from pairs(
        [
            (t("node"), standing.node),
            (t("read up to"), source.cursor or "–"),
            (t("last poll"), moment(source.last_poll, app.zone)),
            (t("last sweep"), moment(source.last_sweep, app.zone)),
            (t("lag"), lag),
            (t("dossiers"), str(source.dossiers)),
        ]
    )
    if source.suspicion:
        yield t("The source is stopped: {reason}. If it is right: syncd source accept", reason=source.suspicion)
    yield ""
    yield Table(
        columns=headings("target", "due", "leased", "dead", "in sync", "oldest due", "a minute", "breaker", "last success"),
        rows=[_row(app, name, target) for name, target in standing.targets.items()],
    )
    if standing.nodes:
        yield ""
        yield node_table(app, standing.nodes)


def _row(app: App, name: str, target: TargetStatus) -> tuple[render.Cell, ...]:
    numbers = [str(number) for number in (target.due, target.leased, target.dead, target.in_sync)]
    breaker = word("paused") if target.paused else word(target.breaker)
    return (name, *numbers, age(target.oldest_due_seconds), f"{target.rate:g}", breaker, moment(target.last_success, app.zone))

"""`syncd log`: the attempts, as those who look after the service review them."""

from __future__ import annotations

import csv
import sys
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click
import msgspec

from syncd import signals
from syncd.calls import Outcome
from syncd.cli import render
from syncd.cli.app import App, pass_app
from syncd.cli.commands import command
from syncd.cli.lang import sentence, t
from syncd.cli.options import as_json, instant, since
from syncd.cli.render import Block, Cell, Table, headings, moment, word

if TYPE_CHECKING:
    from syncd.store.journal import AttemptFilter, AttemptLine, Journal

_PAUSE = 0.5
_OVERLAP = 200  #: attempts


@command("log")
@click.option("--target", default="", help="only of this target")
@click.option("--dossier", default="", help="only of this dossier")
@click.option("--outcome", type=click.Choice([outcome.value for outcome in Outcome]), default=None, help="only with this outcome")
@since
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="so many at most; with --csv all are written")
@click.option("--follow", is_flag=True, help="go on with new ones until interrupted; with --json one document a line")
@click.option("--csv", "as_csv", is_flag=True, help="comma-separated values, any number of them")
@as_json
@pass_app
def log(app: App, /, *, limit: int, follow: bool, as_csv: bool, as_json: bool, **wanted: Any) -> None:
    """The attempts, newest last."""
    which = _filter(app, **wanted)
    with app.journal() as journal:
        if as_csv:
            _write(journal.every_attempt(which), app.zone)
        elif follow:
            _follow(journal, which, limit, as_json=as_json, zone=app.zone)
        else:
            lines = journal.attempts(which, limit)
            render.put(lines, lambda: _blocks(lines, app.zone), as_json=as_json, zone=app.zone)


def _filter(app: App, *, target: str, dossier: str, outcome: str | None, since: datetime | timedelta | None) -> AttemptFilter:
    from syncd.store.journal import AttemptFilter

    name = app.demand_target(target) if target else ""
    return AttemptFilter(target=name, dossier=dossier, outcome=outcome or "", since=instant(since, app.clock.now(), app.zone))


def _write(lines: Iterable[AttemptLine], zone: ZoneInfo) -> None:
    from syncd.store.journal import AttemptLine

    writer = csv.writer(sys.stdout)
    writer.writerow(AttemptLine.__struct_fields__)
    writer.writerows([_local(value, zone) for value in msgspec.structs.astuple(line)] for line in lines)


def _local(value: object, zone: ZoneInfo) -> object:
    return value.astimezone(zone).isoformat() if isinstance(value, datetime) else value


def _follow(journal: Journal, which: AttemptFilter, limit: int, *, as_json: bool, zone: ZoneInfo) -> None:
    told = threading.Event()
    with signals.setting(told):
        for line in _arriving(journal, which, limit, told):
            click.echo(render.document(line, zone, indent=-1) if as_json else _plain(line, zone))


def _arriving(journal: Journal, which: AttemptFilter, limit: int, told: threading.Event) -> Iterator[AttemptLine]:
    """The last attempts, then each new one, until told to stop. Ids are given before transactions commit, so a little is read again each time."""
    lines = journal.attempts(which, max(limit, _OVERLAP))
    yield from lines[-limit:]
    newest, seen = max((line.id for line in lines), default=0), {line.id for line in lines}
    while not told.wait(_PAUSE):
        lines = [line for line in journal.attempts_after(which, newest - _OVERLAP) if line.id not in seen]
        yield from lines
        newest = max([newest, *(line.id for line in lines)])
        seen = {number for number in seen.union(line.id for line in lines) if number > newest - _OVERLAP}


def _plain(line: AttemptLine, zone: ZoneInfo) -> str:
    return "  ".join(cell.text if isinstance(cell, render.Styled) else cell for cell in _row(line, zone))


def _blocks(lines: Iterable[AttemptLine], zone: ZoneInfo) -> Iterable[Block]:
    yield Table(columns=headings("time", "target", "dossier", "operation", "outcome", "ms", "code", "message"), rows=[_row(line, zone) for line in lines])


def _row(line: AttemptLine, zone: ZoneInfo) -> tuple[Cell, ...]:
    steps = f" {line.first_step}–{line.last_step}" if line.last_step else ""
    operation = t(line.operation) + steps + (f" ({t('sent again')})" if line.again else "")
    return (moment(line.at, zone), line.target, line.dossier, operation, word(line.outcome), str(line.duration_ms), line.code, sentence(line.message))

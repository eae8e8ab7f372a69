"""`syncd run`: the daemon, or one pass of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from syncd import runtime
from syncd.cli import exits, render
from syncd.cli.app import App, pass_app
from syncd.cli.commands import command
from syncd.cli.lang import t
from syncd.cli.options import as_json, dry_run
from syncd.cli.progress import Share, watching
from syncd.cli.render import Block, Table, headings

if TYPE_CHECKING:
    from syncd.daemon import OnceReport
    from syncd.wiring import State


@command("run")
@click.option("--once", is_flag=True, help="poll until the source is exhausted, deliver until nothing is due now, and end")
@click.option("--force", is_flag=True, help="with --once: take in a source that looks suspicious")
@dry_run
@as_json
@pass_app
def run(app: App, *, once: bool, force: bool, dry_run: bool, as_json: bool) -> int:
    """Poll and deliver until told to stop (SIGTERM, SIGINT).

    With --once the exit code is 1 when something is left undelivered. With --dry-run the source is read and compared, and nothing is taken in or sent.
    """
    if (force or as_json) and not (once or dry_run):
        raise click.UsageError(t("--force and --json go with --once or --dry-run"))
    if dry_run:
        report = _rehearsed(app)
        render.put(report, lambda: _blocks(report), as_json=as_json, zone=app.zone)
        return exits.DONE
    _log(app)
    runtime.share_arenas()
    runtime.take_short_turns()
    return _once(app, force=force, as_json=as_json) if once else _forever(app)


def _log(app: App) -> None:
    from syncd import logs

    daemon, log = app.settings.daemon, app.settings.log
    logs.configure(log.level, log.format, log.file, node=daemon.node, timezone=daemon.timezone)
    logs.report_uncaught()


def _forever(app: App) -> int:
    from syncd.wiring import build_daemon

    with app.state(create=True) as state, build_daemon(app.settings, state) as daemon:
        runtime.collect_less()
        return daemon.run()


def _once(app: App, *, force: bool, as_json: bool) -> int:
    from syncd.wiring import build_daemon

    with app.state(create=True) as state, build_daemon(app.settings, state) as daemon, watching(lambda: _shares(app, state)):
        runtime.collect_less()
        report = daemon.once(force=force)
    render.put(report, lambda: _blocks(report), as_json=as_json, zone=app.zone)
    return exits.FAILED if any(left.due or left.dead for left in report.remaining.values()) else exits.DONE


def _shares(app: App, state: State) -> list[Share]:
    from syncd.store.overview import target_status

    standing = target_status(state.database, list(app.settings.targets), state.clock.now())
    return [Share(name, found.in_sync, found.in_sync + found.due + found.leased) for name, found in standing.items()]


def _rehearsed(app: App) -> OnceReport:
    """What a pass would find: the source is read from the cursor on and compared, nothing is kept."""
    from syncd.daemon import OnceReport, Remaining
    from syncd.store.intake import Intake, read_cursor
    from syncd.store.overview import target_status
    from syncd.wiring import routes

    targets = [name for name, options in app.settings.targets.items() if options.enabled]
    with app.state() as state, app.source() as source:
        intake = Intake(state.database, state.cipher, state.clock, routes(app.settings))
        polled, changed = 0, set[str]()
        for page in source.poll(read_cursor(state.database)):
            polled += page.rows
            changed |= {each.subject for each in intake.compare(page)[0]}
        standing = target_status(state.database, targets, state.clock.now())
    remaining = {name: Remaining(due=found.due + found.leased, dead=found.dead) for name, found in standing.items()}
    return OnceReport(polled=polled, changes=len(changed), delivered=dict.fromkeys(targets, 0), remaining=remaining)


def _blocks(report: OnceReport) -> Iterable[Block]:
    yield t("{polled} rows read, {changes} dossiers new or changed", polled=report.polled, changes=report.changes)
    rows = [(name, str(report.delivered[name]), str(left.due), str(left.dead)) for name, left in report.remaining.items()]
    yield Table(columns=headings("target", "delivered", "due", "dead"), rows=rows)

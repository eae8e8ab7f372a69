"""`syncd reconcile`: is every dossier at its target, and as it should be; what is not can become due again."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncd import signals
from syncd.cli import exits, reconcile_terminal, render
from syncd.cli.app import App, pass_app
from syncd.cli.commands import Group
from syncd.cli.lang import t
from syncd.cli.options import as_json, dry_run, instant, moment, since
from syncd.cli.progress import Share, watching
from syncd.cli.reconcile_run import Found, Order, reconcile_target
from syncd.cli.reconcile_values import Reconciled, compared, listed

if TYPE_CHECKING:
    from syncd.store.evidence import Evidence, Run
    from syncd.wiring import State

table = click.option("--csv", "table", type=click.Path(dir_okay=False, allow_dash=True), default=None, help="write every difference to this file, or to -")
page = click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path), default=None, help="write the evidence as a page to print and sign")


@click.group("reconcile", cls=Group, invoke_without_command=True, subcommand_metavar="[COMMAND]", context_settings={"max_content_width": 100})
@click.option("--target", default="", help="only this target; default: all that take dossiers or drafts")
@since
@click.option("--until", type=moment, metavar="MOMENT", help="up to this moment, of reception as with --since")
@click.option("--repair", is_flag=True, help="make due again what can be repaired")
@click.option("--verify", is_flag=True, help="with --repair: wait until it is delivered, and ask the target once more")
@click.option("--full", is_flag=True, help="ask the target about every dossier, not only the doubtful ones and a share of the rest")
@dry_run
@click.option("--force", is_flag=True, help="go on although the one-stop does not look like itself")
@table
@page
@as_json
@click.pass_context
def reconcile(context: click.Context, /, *, target: str, since: datetime | timedelta | None, until: datetime | timedelta | None, **flags: object) -> int | None:
    """Compare the one-stop, the ledger and what each target itself says; exit code 0 without differences, 3 with some, 1 where that cannot be told.

    The dossiers received from --since on and before --until are compared, all of them without. What was interrupted goes on where it stopped when the same
    command is given again. Nothing is sent from here but with --verify, where no daemon runs that would.
    """
    if context.invoked_subcommand is not None:
        if any(context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE for name in context.params):
            raise click.UsageError(t("options go behind the name of the command"))
        return None
    return _reconcile(context.find_object(App) or App(), target, (since, until), **flags)  # type: ignore[arg-type]


def _reconcile(
    app: App,
    name: str,
    span: tuple[datetime | timedelta | None, datetime | timedelta | None],
    *,
    table: str | None,
    page: Path | None,
    as_json: bool,
    **flags: bool,
) -> int:
    if flags["verify"] and not flags["repair"]:
        raise click.UsageError(t("--verify goes with --repair"))
    if table == "-" and as_json:
        raise click.UsageError(t("--json and --csv - both want standard output"))
    first, last = (instant(each, app.clock.now(), app.zone) for each in span)
    order = Order(since=first, until=last, **flags)
    names = _targets(app, name)
    stopping = threading.Event()
    with app.state() as state, signals.setting(stopping, once=True):
        found = _run(app, state, names, order, stopping)
        result = Reconciled(targets={each.name: each.told for each in found})
        _write(app, state, [each.run for each in found if each.run], table, page)
    if table != "-":
        render.put(result, lambda: reconcile_terminal.made(app, result, order), as_json=as_json, zone=app.zone)
    if stopping.is_set():
        click.echo(t("Stopped before the end; the same command goes on from there."), err=True)
    return _exit(result, interrupted=stopping.is_set())


def _targets(app: App, name: str) -> list[str]:
    from syncd.wiring import routes

    ways = routes(app.settings)
    takers = (*ways.dossiers, *ways.offices)
    if name:
        app.demand_target(name)
    if name and name not in takers:
        raise click.UsageError(t("{name} takes neither dossiers nor drafts, so there is nothing to compare", name=name))
    names = [name] if name else [each for each in takers if app.settings.targets[each].enabled]
    if not names:
        raise click.UsageError(t("no enabled target takes dossiers or drafts"))
    return names


def _run(app: App, state: State, names: list[str], order: Order, stopping: threading.Event) -> list[Found]:
    shares: dict[str, Share] = {}
    found: list[Found] = []
    with app.source() as source, watching(lambda: list(shares.values())):
        for name in names:
            if stopping.is_set():
                break
            found.append(reconcile_target(app, state, source, name, order, stopping, shares))
    return found


def _write(app: App, state: State, runs: list[Run], table: str | None, page: Path | None) -> None:
    from syncd.cli import reconcile_paper
    from syncd.store.evidence import Evidence

    if table:
        reconcile_paper.write_table(Evidence(state.database), runs, table)
    if page:
        reconcile_paper.write_pages(app, state, runs, page)


def _exit(result: Reconciled, *, interrupted: bool) -> int:
    left = {kind for each in result.targets.values() for kind, count in each.left.items() if count}
    if interrupted or any(each.error or each.state != "done" for each in result.targets.values()):
        return exits.FAILED
    return exits.DRIFT if left - {"unknown"} else exits.FAILED if left else exits.DONE


@reconcile.command("list")
@click.option("--target", default="", help="only of this target")
@as_json
@pass_app
def list_(app: App, *, target: str, as_json: bool) -> None:
    """The last reconciliations, newest first."""
    from syncd.store.evidence import Evidence

    with app.state() as state:
        evidence = Evidence(state.database)
        runs = [listed(evidence, run) for run in evidence.runs(app.demand_target(target) if target else "")]
    render.put(runs, lambda: reconcile_terminal.several(app, runs), as_json=as_json, zone=app.zone)


@reconcile.command("show")
@click.argument("run", type=int)
@table
@page
@click.option("--check", is_flag=True, help="see whether the evidence is as it was sealed; exit code 1 where it is not")
@as_json
@pass_app
def show(app: App, run: int, *, table: str | None, page: Path | None, check: bool, as_json: bool) -> int:
    """One reconciliation: what it covered, every difference and what became of it."""
    from syncd.store.evidence import Evidence

    if table == "-" and as_json:
        raise click.UsageError(t("--json and --csv - both want standard output"))
    with app.state() as state:
        evidence = Evidence(state.database)
        found = evidence.run(run)
        sound = not check or _sound(evidence, found)
        result = Reconciled(targets={found.target: compared(evidence, found)})
        _write(app, state, [found], table, page)
    if table != "-":
        render.put(result, lambda: reconcile_terminal.one(app, result, found), as_json=as_json, zone=app.zone)
    if check:
        click.echo(t("The evidence is as it was sealed.") if sound else t("The evidence was changed after it had been sealed."), err=True)
    return exits.DONE if sound else exits.FAILED


def _sound(evidence: Evidence, run: Run) -> bool:
    return bool(run.seal) and evidence.sealed(run.id) == run.seal

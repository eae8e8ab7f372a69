"""`syncd report`: the indicators by which the portal judges the province, and the dossiers that cost it points.

The one-stop is swept once, and the ledger read beside it in the same order, so that any number of dossiers passes by: kept
are the figures, and the dossiers that cost most. The list of all of them goes to a file as it comes.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from syncd.agency import covers
from syncd.cli import lang, render, report_words
from syncd.cli.app import App, pass_app
from syncd.cli.commands import command
from syncd.cli.files import opened
from syncd.cli.lang import t
from syncd.cli.options import as_json
from syncd.cli.render import Block, Table, headings
from syncd.cli.report_values import Worst, told
from syncd.indicators import Cost
from syncd.shares import Shares

KEPT = 200  #: dossiers that cost points, in JSON and on the page
SHOWN = 20  #: of them on the terminal
_COLUMNS = ("dossier", "agency", "name", "month", "indicator", "why", "days", "detail", "text")


def month_of(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """A month as people write it."""
    if value and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value):
        raise click.BadParameter(t("{text} is not a month (2025-07)", text=repr(value)))
    return value


@command("report")
@click.option("--month", default="", metavar="YYYY-MM", callback=month_of, help="only dossiers received in this month")
@click.option("--agency", default="", metavar="CODE", help="only of this agency and of those below it")
@click.option("--target", default="", help="on which target a dossier must be; default: the national portal")
@click.option(
    "--csv", "table", type=click.Path(dir_okay=False, allow_dash=True), default=None, help="write every dossier that costs points to this file, or to -"
)
@click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path), default=None, help="write a page to print and sign, with charts")
@as_json
@pass_app
def report(app: App, /, *, month: str, agency: str, target: str, table: str | None, page: Path | None, as_json: bool) -> None:
    """What share of dossiers is on the portal, on time, online, paid online, digitised; per agency and month.

    Computed as the portal computes its indicators, as far as that is known, with the dossiers that cost points and why.
    """
    if table == "-" and as_json:
        raise click.UsageError(t("--json and --csv - both want standard output"))
    if page:
        from syncd.pages.charts import demand

        demand()
    name = portal(app, target)
    in_scope = covers([agency] if agency else [])
    fold, worst = _read(app, name, lambda code, of: in_scope(code) and of == (month or of), table)
    if page:
        _publish(app, fold, worst, name, agency, page)
    if table != "-":
        shown = told(fold, worst, name, month=month, agency=agency)
        render.put(shown, lambda: _blocks(app, fold, worst, name), as_json=as_json, zone=app.zone)


def portal(app: App, name: str) -> str:
    """The target named, or the national portal."""
    if name:
        return app.demand_target(name)
    found = next((each for each, options in app.settings.targets.items() if options.connector == "dvcqg"), "")
    if not found:
        raise click.UsageError(t("no target is the national portal; say which is meant: --target {names}", names="|".join(app.settings.targets)))
    return found


def _read(app: App, name: str, wanted: Callable[[str, str], bool], table: str | None) -> tuple[Shares, Worst]:
    from syncd.store.acknowledged import Merge, acknowledged

    worst = Worst(KEPT)
    with app.state() as state, app.source() as source, _written(table) as write:
        fold = Shares(app.clock.now(), app.zone, Merge(acknowledged(state.database, name)).absent, wanted)
        for cost in fold.costs(snapshot for page in source.sweep() for snapshot in page.snapshots):
            worst.add(cost)
            write(cost)
    return fold, worst


@contextmanager
def _written(table: str | None) -> Iterator[Callable[[Cost], None]]:
    """Where the dossiers that cost points go, a line for each reason. A file begins with the mark by which spreadsheets know
    UTF-8; standard output is for programs and does not."""
    if table is None:
        yield lambda _cost: None
    elif table == "-":
        yield _writer(sys.stdout)
    else:
        with opened(Path(table), encoding="utf-8-sig", newline="") as file:
            yield _writer(file)
        click.echo(t("{file} is written.", file=table), err=True)


def _writer(file: Any) -> Callable[[Cost], None]:
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)

    def write(cost: Cost) -> None:
        whose = (cost.dossier, cost.agency.code, cost.agency.name, cost.month)
        writer.writerows((*whose, each.indicator, each.why, each.days or "", each.detail, report_words.reason(each)) for each in cost.reasons)

    return write


def _publish(app: App, fold: Shares, worst: Worst, name: str, agency: str, path: Path) -> None:
    from syncd.pages.rendering import report_page
    from syncd.pages.values import CostLine, ReasonCount, ReportPage

    with lang.speaking("vi"), opened(path, encoding="utf-8") as file:
        titles = report_words.titles()
        page = ReportPage(
            at=fold.now.astimezone(app.zone),
            target=name,
            scope=_scope(fold, agency),
            months=tuple(fold.months()),
            agencies=tuple(fold.agencies()),
            total=fold.total(),
            titles={indicator: title[:1].upper() + title[1:] for indicator, title in titles.items()},
            reasons=tuple(ReasonCount(indicator=titles[lack.indicator], text=report_words.short(lack.why), dossiers=lack.dossiers) for lack in worst.lacks()),
            costs=tuple(
                CostLine(dossier=cost.dossier, agency=report_words.agency(cost.agency), month=cost.month, reasons=report_words.reasons(cost))
                for cost in worst.costs()
            ),
            costly=worst.costly,
            uncounted=fold.uncounted,
        )
        file.writelines(report_page(page))
    click.echo(t("{file} is written.", file=path), err=True)


def _scope(fold: Shares, agency: str) -> str:
    name = next((line.agency.name for line in fold.agencies() if line.agency.code == agency), "")
    return f"{name} ({agency})" if name else agency


def _blocks(app: App, fold: Shares, worst: Worst, name: str) -> Iterable[Block]:
    titles = report_words.titles()
    total, months = fold.total(), fold.months()
    yield t("{n} dossiers counted, held against {name}, {at}", n=total.received, name=name, at=render.moment(fold.now, app.zone))
    if fold.uncounted:
        yield t("{n} dossiers are not counted, for their time of reception is missing or in the future.", n=fold.uncounted)
    columns = (t("received (number)"), *titles.values())
    rows = [(report_words.agency(line.agency), *report_words.figures(line)) for line in fold.agencies()]
    yield Table(columns=(t("agency"), *columns), rows=[*rows, (t("all agencies"), *report_words.figures(total))])
    if len(months) > 1:
        yield ""
        yield Table(columns=(t("month"), *columns), rows=[(line.month, *report_words.figures(line)) for line in months])
    if worst.costly:
        yield ""
        yield t("What costs points:")
        yield Table(
            columns=headings("indicator", "reason", "dossiers"),
            rows=[(titles[lack.indicator], report_words.short(lack.why), str(lack.dossiers)) for lack in worst.lacks()],
        )
        yield ""
        yield t("The {shown} dossiers that cost most, of {n}; all of them: --csv FILE", shown=min(SHOWN, worst.costly), n=worst.costly)
        yield Table(
            columns=headings("dossier", "agency", "month", "reason"),
            rows=[(cost.dossier, report_words.agency(cost.agency), cost.month, "; ".join(report_words.reasons(cost))) for cost in worst.costs()[:SHOWN]],
        )
    yield ""
    yield t("Not in these figures, for the one-stop does not know it: VNeID, the population database, papers from the data store, satisfaction, publicity.")

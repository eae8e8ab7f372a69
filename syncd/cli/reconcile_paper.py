"""Evidence on paper: a table for spreadsheets, and a page to print and sign. Both are written as they are read, whatever their size."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncd.cli import lang, reconcile_words, render
from syncd.cli.app import App
from syncd.cli.files import opened
from syncd.cli.lang import t

if TYPE_CHECKING:
    from syncd.model import Agency
    from syncd.pages.values import EvidenceTotal, Finding
    from syncd.store.evidence import Evidence, Run
    from syncd.wiring import State

_COLUMNS = ("run", "target", "dossier", "agency", "month", "kind", "detail", "became")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_table(evidence: Evidence, runs: Sequence[Run], path: str) -> None:
    """Every difference of these runs, a line each. A file begins with the mark by which spreadsheets know UTF-8; standard output is
    for programs and does not."""
    if path == "-":
        _rows(evidence, runs, sys.stdout)
        return
    with opened(Path(path), encoding="utf-8-sig", newline="") as file:
        _rows(evidence, runs, file)
    click.echo(t("{file} is written.", file=path), err=True)


def _rows(evidence: Evidence, runs: Sequence[Run], file: Any) -> None:
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    for run in runs:
        for each in evidence.findings(run.id):
            drift = each.drift
            cells = (drift.dossier, drift.agency, drift.month, drift.kind.value, reconcile_words.detail(drift.detail), each.became)
            writer.writerow((run.id, run.target, *map(_harmless, cells)))


def _harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def write_pages(app: App, state: State, runs: Sequence[Run], path: Path) -> None:
    """A page for each run, in Vietnamese; of several, each is named after its target."""
    for run in runs:
        file = path if len(runs) == 1 else path.with_name(f"{path.stem}-{run.target}{path.suffix}")
        _page(app, state, run, file)
        click.echo(t("{file} is written.", file=file), err=True)


def _page(app: App, state: State, run: Run, path: Path) -> None:
    from syncd.pages.rendering import evidence_page
    from syncd.pages.values import EvidencePage
    from syncd.store.evidence import Evidence

    evidence, zone = Evidence(state.database), app.zone
    with lang.speaking("vi"), opened(path, encoding="utf-8") as file:
        page = EvidencePage(
            run=str(run.id),
            who=run.who,
            began=run.began_at.astimezone(zone),
            ended=run.ended_at.astimezone(zone) if run.ended_at else None,
            scope=scope(app, run),
            target=run.target,
            totals=_totals(state, evidence, run),
            findings=_findings(evidence, run),
            sha256=run.seal,
        )
        file.writelines(evidence_page(page))


def scope(app: App, run: Run) -> str:
    """What a run covers."""
    given = run.scope
    parts = [t("every dossier is asked about") if given.full else t("the doubtful and a share of the rest are asked about")]
    parts += [t("received from {moment} on", moment=render.moment(given.since, app.zone))] if given.since else []
    parts += [t("received before {moment}", moment=render.moment(given.until, app.zone))] if given.until else []
    parts += [t("the target cannot be asked: compared with the ledger only")] if run.counts.get("askable") == 0 else []
    return "; ".join(parts)


def _totals(state: State, evidence: Evidence, run: Run) -> Iterator[EvidenceTotal]:
    from syncd.pages.values import EvidenceTotal

    names = _agencies(state)
    for each in evidence.totals(run.id):
        agency = names.get(each.agency) or _unnamed(each.agency)
        yield EvidenceTotal(agency=agency, month=each.month, checked=each.checked, agreeing=each.agreeing, drifting=each.drifting, settled=each.settled)


def _unnamed(code: str) -> Agency:
    from syncd.model import Agency

    return Agency(code=code)


def _agencies(state: State) -> dict[str, Agency]:
    """The agencies by code, each as one of its dossiers names it."""
    from sqlalchemy import func, select

    from syncd.model import decode_dossier
    from syncd.store.schema import snapshot

    one_of_each = select(func.max(snapshot.c.subject)).group_by(snapshot.c.agency)
    with state.database.read() as connection:
        bodies = connection.execute(select(snapshot.c.agency, snapshot.c.body).where(snapshot.c.subject.in_(one_of_each))).all()
    return {row.agency: state.cipher.decoded(row.body, decode_dossier).agency for row in bodies}


def _findings(evidence: Evidence, run: Run) -> Iterator[Finding]:
    from syncd.pages.values import Finding

    for each in evidence.findings(run.id):
        drift = each.drift
        yield Finding(
            dossier=drift.dossier,
            agency=drift.agency,
            month=drift.month,
            kind=drift.kind.value,
            detail=reconcile_words.detail(drift.detail),
            became=reconcile_words.became(each.became),
        )

"""How reconciliations look on the terminal: a table, notes, and the first differences of each target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from syncd.cli import reconcile_words, render
from syncd.cli.lang import sentence, t
from syncd.cli.render import Block, Table, headings, pairs

if TYPE_CHECKING:
    from syncd.cli.app import App
    from syncd.cli.reconcile_run import Order
    from syncd.cli.reconcile_values import Compared, Listed, Reconciled
    from syncd.store.evidence import Run

SHOWN = 20  #: differences on the terminal
KINDS = ("missing", "stale", "steps", "extra", "unknown")


def made(app: App, result: Reconciled, order: Order) -> Iterable[Block]:
    """What was compared just now."""
    from syncd.wiring import routes

    dossiers = routes(app.settings).dossiers
    yield Table(columns=_columns(), rows=[_row(name, each) for name, each in result.targets.items()])
    for name, each in result.targets.items():
        yield from _notes(name, each, order, drafts=name not in dossiers)
        yield from _differences(name, each)
        if each.run:
            yield t("The evidence: syncd reconcile show {run}", run=each.run)


def several(app: App, runs: Iterable[Listed]) -> Iterable[Block]:
    """The last runs, a line each."""
    rows = [
        (
            str(each.run),
            each.target,
            render.moment(each.began_at, app.zone),
            render.moment(each.ended_at, app.zone),
            t(each.state),
            each.who,
            str(each.checked),
            str(sum(each.left.values())),
        )
        for each in runs
    ]
    columns = headings("run", "target", "began", "ended", "state", "who", "checked", "differences")
    yield Table(columns=columns, rows=rows)


def one(app: App, result: Reconciled, run: Run) -> Iterable[Block]:
    """One run, as the evidence has it."""
    from syncd.cli.reconcile_paper import scope

    yield from pairs(
        [
            (t("run"), str(run.id)),
            (t("target"), run.target),
            (t("who"), run.who),
            (t("began"), render.moment(run.began_at, app.zone)),
            (t("ended"), render.moment(run.ended_at, app.zone)),
            (t("state"), t(run.state)),
            (t("scope"), scope(app, run)),
            ("SHA-256", run.seal or "–"),
        ]
    )
    yield ""
    for name, each in result.targets.items():
        yield Table(columns=_columns(), rows=[_row(name, each)])
        yield from _differences(name, each)


def _columns() -> tuple[str, ...]:
    return *headings("target", "checked", "asked", "in sync"), *(reconcile_words.kind(kind) for kind in KINDS)


def _row(name: str, each: Compared) -> tuple[str, ...]:
    return (name, str(each.checked), str(each.asked), str(each.in_sync), *(str(each.left.get(kind, 0)) for kind in KINDS))


def _notes(name: str, each: Compared, order: Order, *, drafts: bool) -> Iterable[str]:
    if each.error:
        yield f"{name}: {sentence(each.error)}"
        yield f"→ {sentence(each.hint)}"
    if not each.askable:
        yield t("{name} cannot be asked what it has; it was compared with the ledger only.", name=name)
    elif order.full and each.state == "done" and not each.listed and not drafts:
        yield t("{name} does not tell which dossiers it has; what only it has cannot be found.", name=name)
    if each.uncollected:
        yield t("{name} lists {n} packages that are not here yet; they come with the next collection.", name=name, n=each.uncollected)
    if each.left.get("extra") and drafts:
        yield t("Drafts that were taken back stay at {name}: have them withdrawn there, or hand them over again in the one-stop.", name=name)
    elif each.left.get("extra"):
        yield t("What only {name} has stays as it is: publish the dossier again in the one-stop, or have it removed at the target by its operator.", name=name)
    if order.repair and order.dry_run:
        yield t("{n} dossiers would be made due again.", n=len({one.dossier for one in each.drift if one.kind.value in ("missing", "stale", "steps")}))
    elif order.repair:
        yield t("{n} dossiers were made due again.", n=each.repaired)


def _differences(name: str, each: Compared) -> Iterable[Block]:
    if not each.drift:
        return
    yield ""
    yield t("{name}: the first {shown} of {n} differences; all of them: --csv FILE", name=name, shown=min(SHOWN, len(each.drift)), n=len(each.drift))
    rows = [
        (
            one.dossier,
            one.agency or "–",
            one.month or "–",
            reconcile_words.kind(one.kind.value),
            reconcile_words.detail(one.detail),
            reconcile_words.became(one.became),
        )
        for one in each.drift[:SHOWN]
    ]
    yield Table(columns=headings("dossier", "agency", "month", "kind", "detail", "what became of it"), rows=rows)

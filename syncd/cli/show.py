"""`syncd show`: the whole story of one dossier."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click
import msgspec

from syncd.cli import render
from syncd.cli.app import App, pass_app
from syncd.cli.commands import command
from syncd.cli.inbox import STAGES, STATES
from syncd.cli.lang import sentence, t
from syncd.cli.options import as_json
from syncd.cli.render import Block, Cell, Table, headings, moment, word
from syncd.model import Value

if TYPE_CHECKING:
    from syncd.store.journal import Event, Place


class Story(Value):
    """The whole of `show --json`."""

    dossier: str
    targets: dict[str, Place]
    events: list[Event]


@command("show")
@click.argument("code")
@click.option("--reveal", is_flag=True, help="also show what was sent and answered, with the personal data in it")
@as_json
@pass_app
def show(app: App, code: str, *, reveal: bool, as_json: bool) -> None:
    """Everything about one dossier, in the order of time.

    Changes seen in the one-stop, each attempt to each target and its answer, documents that came back, and what administrators did.
    """
    with app.journal() as journal:
        story = Story(dossier=code, targets=journal.places(code), events=journal.story(code, reveal=reveal))
    if reveal:
        with app.orders(dry_run=False) as orders:
            orders.note("reveal", code)
    render.put(story, lambda: _blocks(app, story), as_json=as_json, zone=app.zone)


def _blocks(app: App, story: Story) -> Iterable[Block]:
    yield t("dossier {code}", code=story.dossier)
    yield Table(
        columns=headings("target", "state", "due at", "last acknowledged", "steps", "failures"),
        rows=[_place(app, name, place) for name, place in story.targets.items()],
    )
    yield ""
    yield Table(columns=headings("time", "kind", "target", "outcome", "detail"), rows=[_event(app, event) for event in story.events])
    for event in story.events:
        for name in ("request", "answer"):
            if event.detail.get(name) is not None:
                yield ""
                yield f"{moment(event.at, app.zone)} {event.target} – {t(name)}:"
                yield msgspec.json.format(msgspec.json.encode(event.detail[name]), indent=2).decode()


def _place(app: App, name: str, place: Place) -> tuple[Cell, ...]:
    return (
        name,
        word(place.state),
        moment(place.due_at, app.zone),
        moment(place.sent_at, app.zone),
        f"{place.steps_sent}/{place.steps_wanted}",
        str(place.failures),
    )


def _event(app: App, event: Event) -> tuple[Cell, ...]:
    describe = {"change": _change, "attempt": _attempt, "admin": _order, "document": _document}[event.kind]
    outcome = word(event.outcome) if event.outcome else ""
    return (moment(event.at, app.zone), t(event.kind), event.target or "", outcome, describe(event.detail))


def _change(detail: dict[str, Any]) -> str:
    fields = ", ".join(t(name) for name in detail["fields"])
    steps = t("{n} new steps", n=detail["new_steps"]) if detail["new_steps"] else ""
    return f"{t('version')} {detail['version']}: " + "; ".join(part for part in (fields, steps) if part)


def _attempt(detail: dict[str, Any]) -> str:
    steps = f" {detail['first_step']}–{detail['last_step']}" if detail["last_step"] else ""
    again = f" ({t('sent again')})" if detail["again"] else ""
    answer = " ".join(part for part in (detail["code"], sentence(detail["message"])) if part)
    draft = f" ({t('draft')} {detail['draft']})" if "draft" in detail else ""
    return f"{t(detail['operation'])}{draft}{steps}{again}, {detail['duration_ms']} ms" + (f": {answer}" if answer else "")


def _document(detail: dict[str, Any]) -> str:
    why = sentence(detail["message"])
    return f"{detail['id']}: {t(STAGES[detail['stage']])}, {t(detail['station'])}" + (f" – {t(STATES[detail['state']])}: {why}" if why else "")


def _order(detail: dict[str, Any]) -> str:
    return f"{detail['who']}: {t(detail['action'])}" + (f" – {detail['detail']}" if detail["detail"] else "")

"""`syncd preview`: the calls that would be made now for one dossier.

The delivery and this command walk the same two functions (`turns.next_portion`, `turns.after`), here with every answer
imagined as "delivered"; so what is shown is what would be sent, byte for byte, its secrets masked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec.structs import replace

from syncd.calls import Claim, Operation, Outcome, Receipt
from syncd.cli import render
from syncd.cli.app import App, pass_app
from syncd.cli.commands import command
from syncd.cli.lang import t
from syncd.cli.options import as_json
from syncd.cli.render import Block
from syncd.errors import NotFound
from syncd.model import Value
from syncd.turns import after, next_portion

if TYPE_CHECKING:
    from syncd.ports import Target


class Preview(Value):
    """The whole of `preview --json`."""

    target: str
    dossier: str
    operation: str  #: create | update
    due: bool  #: false: nothing is, and this is what a resync would send
    calls: list[Mapping[str, Any]]


@command("preview")
@click.argument("code")
@click.option("--target", "name", default="", help="the target; may be left out where there is only one")
@as_json
@pass_app
def preview(app: App, code: str, *, name: str, as_json: bool) -> None:
    """The exact calls that would be made now for one dossier.

    Where nothing is due, the record is shown as `syncd resync` would send it.
    """
    name = app.only_target(name)
    with app.state() as state:
        claim = state.ledger.peek(name, code)
    if claim is None:
        raise NotFound(f"The ledger of {name} has no dossier {code}.", hint="check the code; see: syncd show CODE")
    with app.target(name) as target:
        seen = walk(claim, target)
    render.put(seen, lambda: _blocks(seen), as_json=as_json, zone=app.zone)


def walk(claim: Claim, target: Target) -> Preview:
    """What a delivery of this claim would send. Raises `Unmappable` with every field at fault."""
    calls = list(_calls(claim, target))
    due = bool(calls)
    if not due:
        calls = list(_calls(replace(claim, sent_digest=""), target))
    operation = Operation.UPDATE if claim.created else Operation.CREATE
    return Preview(target=claim.target, dossier=claim.subject, operation=operation.value, due=due, calls=calls)


def _calls(claim: Claim, target: Target) -> Iterator[Mapping[str, Any]]:
    while (portion := next_portion(claim, target.steps_per_call, target.takes_steps(claim.dossier))) is not None:
        yield from target.calls(target.compose(portion))
        claim = after(claim, portion, Receipt(outcome=Outcome.DELIVERED, exists=True))


def _blocks(seen: Preview) -> Iterable[Block]:
    if not seen.due:
        yield t("Nothing is due; a resync would send this:")
    for number, call in enumerate(seen.calls, 1):
        yield f"{number}. {seen.target} ← {call['service']} ({t(seen.operation)})"
        yield msgspec.json.format(msgspec.json.encode(call["body"]), indent=2).decode()

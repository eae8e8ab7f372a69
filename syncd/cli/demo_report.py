"""What a rehearsal has shown, for a person: what was sent to each target, what went wrong, and how the referees judge it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from syncd.cli.lang import t
from syncd.cli.render import Block, Table, headings, pairs

if TYPE_CHECKING:
    from syncd.cli.demo_rest import Person
    from syncd.sandbox.referee import Comparison, Difference
    from syncd.sandbox.world import Findings, World

_SHOWN = 20  #: differences


def report(world: World, findings: Findings, person: Person, seconds: float) -> Iterator[Block]:
    """All of it, the verdict last."""
    yield Table(
        columns=headings("target", "service", "calls"),
        rows=[(name, service, str(count)) for name, server in world.servers.items() for service, count in sorted(server.counts().items())],
    )
    if struck := world.struck():
        yield Table(columns=headings("faults", "times"), rows=[(kind, str(count)) for kind, count in sorted(struck.items())])
    yield _comparison(findings)
    yield from pairs(_counts(findings, person))
    yield from _held(findings)
    yield from _differences(findings)
    whole = t("Every target equals the one-stop; {n} seconds." if findings.in_sync else "Not every target equals the one-stop; {n} seconds.", n=round(seconds))
    yield whole


def _comparison(findings: Findings) -> Table:
    """A row for each target."""
    rows = [(name, *map(str, (one.dossiers, one.equal, one.steps, one.excused, len(one.differences)))) for name, one in _dossiers(findings)]
    rows += [(name, *map(str, (one.drafts, one.equal, "–", one.repeats, len(one.differences)))) for name, one in findings.offices.items()]
    return Table(columns=headings("target", "belongs there", "equal all the way", "steps", "sent once more", "differences"), rows=rows)


def _counts(findings: Findings, person: Person) -> list[tuple[str, str]]:
    issued, rejected = (sum(getattr(office, name) for office in findings.offices.values()) for name in ("issued", "rejected"))
    return [
        (t("dossiers filed on the portal itself"), str(findings.portal.filed)),
        (t("drafts signed and given back"), str(issued)),
        (t("drafts not approved"), str(rejected)),
        (t("what a person found at a target after a lost answer"), str(person.arrived)),
        (t("what a person did not find there, sent again"), str(person.sent_again)),
        (t("times a person let a stopped target go on"), str(person.resumed)),
        (t("results that made the full round"), str(findings.rounds)),
    ]


def _held(findings: Findings) -> Iterator[str]:
    for name, comparison in _dossiers(findings):
        yield from (t("{code} waits for a person: {reason}", code=f"{name}  {code}", reason=reason) for code, reason in comparison.held.items())


def _differences(findings: Findings) -> Iterator[str]:
    found: list[tuple[str, Difference]] = [(name, each) for name, comparison in _dossiers(findings) for each in comparison.differences]
    found += [(name, each) for name, comparison in findings.offices.items() for each in comparison.differences]
    for name, each in found[:_SHOWN]:
        yield f"{name}  {each.dossier}  {each.kind}  {each.field}: {each.expected!r} ≠ {each.found!r}"


def _dossiers(findings: Findings) -> list[tuple[str, Comparison]]:
    """The targets that hold dossiers."""
    return [("dvcqg", findings.portal), *([("lgsp", findings.lgsp)] if findings.lgsp else [])]

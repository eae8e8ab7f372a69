"""A reconciliation ordered from the command line, and what the sandbox's referee says to it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from syncd.sandbox.world import World
from tests.daemon.rehearsal import TARGET, Rehearsal

_SEEN = {"missing": "missing", "field": "stale", "step_missing": "steps", "step_repeated": "steps", "extra": "extra"}
Kinds = dict[str, set[str]]  #: by dossier, in which ways it differs


def reconcile(made: Rehearsal, *options: str, code: int | None = None) -> dict[str, Any]:
    """What the command says of the portal, asked about every dossier."""
    said = made.syncd("reconcile", "--target", TARGET, "--full", "--json", *options, code=code)
    told: dict[str, Any] = json.loads(said)["targets"][TARGET]
    return told


def kinds(drift: Iterable[Mapping[str, Any]]) -> Kinds:
    """What a run has found."""
    found: Kinds = defaultdict(set)
    for each in drift:
        found[each["dossier"]].add(each["kind"])
    return dict(found)


def refereed(world: World) -> Kinds:
    """What the sandbox's own referee, who shares no code with syncd, says of one-stop and portal. A step that was lost and came again
    came after the others; each tells its own time, so that is no difference to anybody."""
    found: Kinds = defaultdict(set)
    for each in world.compare().differences:
        if each.kind != "step_order":
            found[each.dossier].add(_SEEN[each.kind])
    return dict(found)


def for_a_person(made: Rehearsal) -> Kinds:
    """What differs although everything that can go has gone: dossiers that somebody must correct first."""
    return {code: {"missing"} for code in made.world.compare().held} | refereed(made.world)

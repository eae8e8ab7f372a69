"""A reconciliation run by a test, on the files of a world whose daemon is stopped."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager

from syncd.config import read
from syncd.reconcile import Reconciling
from syncd.sandbox.world import World
from syncd.store.evidence import Finding, Scope
from syncd.wiring import make_reconciling, make_source, make_target, open_state
from tests.daemon.rehearsal import TARGET, Rehearsal

FULL = Scope(full=True)
_SEEN = {"missing": "missing", "field": "stale", "step_missing": "steps", "step_repeated": "steps", "extra": "extra"}
Kinds = dict[str, set[str]]  #: by dossier, in which ways it differs


@contextmanager
def reconciling(made: Rehearsal) -> Iterator[Reconciling]:
    """What compares the portal with the one-stop."""
    settings = read(made.world.config)
    with (
        open_state(settings) as state,
        closing(make_source(settings, state.clock)) as source,
        closing(make_target(settings, TARGET, state.clock)) as target,
    ):
        yield make_reconciling(settings, state, target, source, threading.Event())


def kinds(findings: Iterator[Finding]) -> Kinds:
    """What a run has found."""
    found: Kinds = defaultdict(set)
    for each in findings:
        found[each.drift.dossier].add(each.drift.kind.value)
    return dict(found)


def refereed(world: World) -> Kinds:
    """What the sandbox's own referee, who shares no code with syncd, says of one-stop and portal. A step that was lost and came again
    came after the others; each tells its own time, so that is no difference to anybody."""
    found: Kinds = defaultdict(set)
    for each in world.compare().differences:
        if each.kind != "step_order":
            found[each.dossier].add(_SEEN[each.kind])
    return dict(found)

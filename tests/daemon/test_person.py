"""The person of a rehearsal: settles what syncd may not decide, by what the target really has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from syncd.cli.demo_rest import Person, Rest
from syncd.wiring import load, open_state
from tests.daemon.conftest import Rehearse
from tests.daemon.rehearsal import Rehearsal
from tests.waiting import wait_for

TARGETS = ("dvcqg", "lgsp")


@contextmanager
def person_in(made: Rehearsal) -> Iterator[tuple[Person, Rest]]:
    with open_state(load(made.world.config)) as state:
        person = Person(made.world, state)
        yield person, Rest(made.world, state, person)


@pytest.mark.parametrize(("kind", "there"), [("lost", True), ("reset", False)])
def test_a_step_whose_answer_was_lost_twice_goes_on_from_what_the_target_has(rehearse: Rehearse, kind: str, there: bool) -> None:
    made = rehearse(dossiers=3, targets=TARGETS)
    made.world.lgsp.faults.next(kind, service="UpdateDocumentTraces", times=6)
    made.start()
    wait_for(lambda: made.standing().get("dead", 0) > 0)
    with person_in(made) as (person, rest):
        wait_for(rest.reached)
        assert (person.arrived > 0, person.sent_again > 0) == (there, not there)
    assert made.stop() == 0
    assert made.world.judge().in_sync


def test_a_target_that_refused_us_is_used_again(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=3, targets=TARGETS)
    made.world.lgsp.faults.next("900901", service="SyncDocument", times=8)
    made.start()
    wait_for(lambda: made.world.lgsp.faults.struck["900901"] > 1)
    with person_in(made) as (person, rest):
        wait_for(rest.reached)
        assert person.resumed > 0
    assert made.stop() == 0
    assert made.world.judge().in_sync

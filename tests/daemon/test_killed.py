"""`kill -9` at any instant: nothing is lost, and nothing that was acknowledged is sent again (law L10)."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import pytest

from syncd.sandbox.expectation import STEP_FIELDS
from tests.daemon.conftest import Rehearse
from tests.daemon.rehearsal import Rehearsal
from tests.waiting import wait_for

WORKERS = 4
KILLS = 6


def arrived(made: Rehearsal) -> dict[str, list[tuple[str, ...]]]:
    """By dossier, the steps that the portal has, in order of arrival."""
    holdings = made.world.portal.holdings
    return {code: [tuple(entry.body[name] for name in STEP_FIELDS) for entry in holdings.steps(code)] for code in holdings.records()}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_killed_again_and_again_under_load_it_ends_with_the_portal_equal(rehearse: Rehearse, seed: int) -> None:
    made = rehearse(dossiers=250, seed=seed)
    chance = Random(seed)
    portal = made.world.portal
    repeats = 0
    for _ in range(KILLS):
        made.start()
        seen = portal.counts().total()
        made.world.life.move(20 + chance.randrange(40))
        wanted = seen + 10 + chance.randrange(150)
        wait_for(lambda wanted=wanted: portal.counts().total() >= wanted or made.at_rest())  # type: ignore[misc]
        made.kill()
        acknowledged, before = made.acknowledged(), arrived(made)
        assert all(len(before[code]) >= count for code, count in acknowledged.items() if code in before), "the ledger believes what the portal never took"
        made.start()
        seen = portal.counts().total()
        wait_for(lambda seen=seen: portal.counts().total() > seen + 20 or made.at_rest())  # type: ignore[misc]
        made.kill()
        for code, steps in arrived(made).items():
            known = before.get(code, [])
            fresh, done = steps[len(known) :], known[: acknowledged.get(code, 0)]
            assert not set(fresh) & set(done), f"{code}: an acknowledged step was sent again"
    made.world.life.settle()
    made.start()
    made.rest()
    assert made.stop() == 0
    comparison = made.world.compare()
    doubled = [each for each in comparison.differences if each.kind == "step_repeated"]
    assert [each for each in comparison.differences if each.kind != "step_repeated"] == []
    for steps in arrived(made).values():
        repeats += sum(count - 1 for count in Counter(steps).values() if count > 1)
    assert len(doubled) <= repeats <= 2 * KILLS * WORKERS * 10, "at most what was in flight"
    for code in {each.dossier for each in doubled}:
        story = json.loads(made.syncd("show", code, "--json"))
        assert any(event["detail"].get("again") for event in story["events"] if event["kind"] == "attempt"), (
            f"{code}: the journal does not say that steps went twice"
        )


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_after_a_kill_the_daemon_delivers_at_once(rehearse: Rehearse, request: pytest.FixtureRequest, database: str) -> None:
    state = request.getfixturevalue("postgresql_url").render_as_string(hide_password=False) if database == "postgresql" else ""
    made = rehearse(dossiers=80, state=state)
    made.start()
    wait_for(lambda: made.world.portal.counts().total() > 20)
    made.kill()
    assert made.standing().get("leased", 0) > 0
    made.start()
    made.rest()
    assert made.stop() == 0
    assert {each.kind for each in made.world.compare().differences} <= {"step_repeated"}

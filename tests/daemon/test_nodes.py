"""Several daemons on one state: they share the work, and the loss of one costs no order, no dossier and no later word."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import column, func, select, text

from syncd.store.schema import attempt, lease, ledger, node
from tests.daemon.conftest import Several
from tests.daemon.rehearsal import TARGET, Rehearsal
from tests.waiting import wait_for

pytestmark = pytest.mark.slow
WORKERS = 4


def asked(made: Rehearsal, query: Any) -> list[tuple[Any, ...]]:
    with made.state.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def beating(made: Rehearsal) -> object:
    """When a node was last heard of."""
    return asked(made, select(node.c.last_seen).where(node.c.name == made.node, node.c.incarnation != ""))


def working(nodes: list[Rehearsal]) -> None:
    """Start the daemons, wait until each is heard of and the one-stop is read, then let them deliver."""
    for each in nodes:
        each.start()
        wait_for(lambda each=each: each.standing() != {} and beating(each) != [])  # type: ignore[misc]
    nodes[0].syncd("target", "resume", TARGET)


def delivered(made: Rehearsal) -> dict[str, int]:
    """By node, how many calls were acknowledged."""
    query = select(attempt.c.node, func.count().label("n")).where(attempt.c.outcome == "delivered").group_by(attempt.c.node)
    with made.state.connect() as connection:
        return {row.node: row.n for row in connection.execute(query)}


def leased(made: Rehearsal) -> int:
    """How many dossiers this node has leased."""
    ((count,),) = asked(made, select(func.count()).select_from(ledger).where(ledger.c.state == "leased", ledger.c.lease_node == made.node))
    return int(count)


def poller(nodes: list[Rehearsal]) -> tuple[Rehearsal, Rehearsal]:
    """The node that polls, and one that does not."""
    ((holder,),) = asked(nodes[0], select(lease.c.holder).where(lease.c.name == "poll"))
    polls = next(each for each in nodes if each.node == holder)
    return polls, next(each for each in nodes if each is not polls)


def under_load(made: Rehearsal, suffering: Rehearsal) -> None:
    """Wait until calls go out and a node is in the midst of some."""
    seen = made.world.portal.counts().total()
    wait_for(lambda: made.world.portal.counts().total() > seen + 20 and leased(suffering) > 0)


def judge(made: Rehearsal, in_doubt: int = 0) -> None:
    """One-stop and portal agree, but for steps that went again because nobody could know whether they had arrived."""
    comparison = made.world.compare()
    assert [each for each in comparison.differences if each.kind != "step_repeated"] == []
    assert len({each.dossier for each in comparison.differences if each.kind == "step_repeated"}) <= in_doubt
    assert made.world.portal.met() == Counter(), "two calls about one dossier at once"


def fault(nodes: list[Rehearsal], suffering: Rehearsal, strike: Callable[[], None]) -> Rehearsal:
    """Deliver under load, let one node suffer in the midst of it, and dossiers change meanwhile; the node that goes on."""
    other = next(each for each in nodes if each is not suffering)
    under_load(other, suffering)
    strike()
    other.world.life.move(40)
    other.world.life.settle()
    return other


def test_two_nodes_share_the_work_and_are_shown(several: Several) -> None:
    nodes = several(dossiers=150)
    working(nodes)
    nodes[0].world.life.move(30)
    nodes[0].world.life.settle()
    nodes[0].rest()
    shown = json.loads(nodes[0].syncd("status", "--json"))["nodes"]
    assert [(each["node"], each["state"]) for each in shown] == [("n1", "active"), ("n2", "active")]
    assert [each["leases"] for each in shown].count(["poll"]) == 1
    assert all(abs(each["clock_skew_seconds"]) < 5 for each in shown)
    assert [each.stop() for each in nodes] == [0, 0]
    assert min(delivered(nodes[0]).values()) > 0.2 * sum(delivered(nodes[0]).values())
    assert [each["state"] for each in json.loads(nodes[0].syncd("node", "list", "--json"))] == ["gone", "gone"]
    judge(nodes[0])


def test_the_node_that_polls_is_killed_and_the_other_goes_on_with_all_of_it(several: Several) -> None:
    nodes = several(dossiers=150)
    working(nodes)
    polls, _ = poller(nodes)
    other = fault(nodes, polls, polls.kill)
    other.rest()
    assert other.stop() == 0
    judge(other, in_doubt=WORKERS)


def test_a_node_that_stood_still_past_its_lease_wakes_and_overwrites_nothing(several: Several) -> None:
    nodes = several(dossiers=150)
    working(nodes)
    _, idle = poller(nodes)
    other = fault(nodes, idle, idle.stall)
    wait_for(lambda: leased(idle) == 0)
    other.rest()
    before = beating(idle)
    idle.wake()
    wait_for(lambda: beating(idle) != before)
    other.world.life.move(10)
    other.world.life.settle()
    other.rest()
    assert [each.stop() for each in nodes] == [0, 0]
    judge(other, in_doubt=WORKERS)


def test_a_drained_node_gives_everything_back_and_lives(several: Several) -> None:
    nodes = several(dossiers=150)
    working(nodes)
    polls, other = poller(nodes)
    under_load(other, polls)
    polls.syncd("node", "drain", polls.node, "--wait", "30s")
    made = delivered(other)[polls.node]
    other.world.life.move(20)
    other.world.life.settle()
    other.rest()
    assert (leased(polls), delivered(other)[polls.node]) == (0, made)
    polls.syncd("node", "resume", polls.node)
    other.syncd("node", "drain", other.node, "--wait", "30s")
    other.world.life.move(20)
    other.world.life.settle()
    polls.rest()
    assert delivered(other)[polls.node] > made
    assert [each.stop() for each in nodes] == [0, 0]
    judge(other)


def test_one_pass_on_a_drained_node_leaves_everything_as_it_is(several: Several) -> None:
    (node,) = several(1, dossiers=20)
    node.start()
    wait_for(lambda: node.standing().get("due", 0) > 0)
    node.syncd("node", "drain", node.node, "--wait", "30s")
    assert node.stop() == 0
    node.syncd("target", "resume", "dvcqg")
    drained = json.loads(node.syncd("run", "--once", "--json", code=1))
    assert (drained["polled"], drained["delivered"]["dvcqg"], drained["remaining"]["dvcqg"]["due"] > 0) == (0, 0, True)
    node.syncd("node", "resume", node.node)
    assert json.loads(node.syncd("run", "--once", "--json", code=None))["remaining"]["dvcqg"]["due"] == 0
    assert node.world.compare().in_sync


def test_of_two_daemons_of_one_name_the_first_ends_once_it_has_lost_its_place(several: Several) -> None:
    first, _ = several(dossiers=20)
    first.start()
    wait_for(lambda: beating(first) != [])
    with closing(Rehearsal(first.world, str(first.environment["SYNCD__DAEMON__STATE"]), "n1")) as twin:
        twin.syncd("run", code=1)
        first.stall()
        with first.state.begin() as connection:
            connection.execute(_CUT)
        before = asked(first, select(node.c.since))
        twin.start()
        wait_for(lambda: asked(first, select(node.c.since)) != before)
        first.wake()
        assert first.ended() == 1
        assert "this one stops" in first.log.read_text()
        assert twin.stop() == 0


_HOLDERS = text("locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
_CUT = select(func.pg_terminate_backend(column("pid"), 5000)).select_from(text("pg_locks")).where(_HOLDERS)

"""Nodes of one state: who is there, who holds what, and that nobody writes under what he has lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import URL, column, func, select, text, update
from structlog.testing import capture_logs

from syncd.clock import StateClock
from syncd.errors import AlreadyRunning, LeaseLost, NotFound, SchemaMismatch
from syncd.leases import SILENCE, Leases
from syncd.membership import Membership
from syncd.store import schema
from syncd.store.board import Board, Fence
from syncd.store.database import Database
from syncd.store.evidence import Evidence, Scope
from syncd.store.ledger import Ledger
from syncd.store.node_orders import NodeOrders
from syncd.store.nodes import GONE_AFTER, SKEW_LIMIT, Nodes, left_behind, read_clock
from syncd.store.overview import NodeStatus, node_status
from syncd.store.schema import audit
from syncd.store.single import Single
from tests.clocks import SkewedClock, TurnedClock
from tests.engine.conftest import Make
from tests.engine.engine import CIPHER, Engine, dossier, step
from tests.engine.target import RecordingTarget

TERM = timedelta(seconds=30)
SECOND = timedelta(seconds=1)


@pytest.fixture
def engine(make: Make) -> Engine:
    return make()


@pytest.fixture
def shared(postgresql_url: URL) -> Iterator[Engine]:
    """A state that nodes on several machines can share."""
    engine = Engine(postgresql_url.render_as_string(hide_password=False), RecordingTarget())
    yield engine
    engine.close()


def standing(engine: Engine) -> dict[str, NodeStatus]:
    return {each.node: each for each in node_status(engine.database, engine.clock.now())}


def entered(engine: Engine, name: str = "n1") -> Nodes:
    nodes = Nodes(engine.database, name)
    nodes.enter(engine.clock.now(), None)
    return nodes


# ---- who is there


def test_a_node_is_there_as_long_as_it_is_heard_of_and_forgotten_a_week_later(engine: Engine) -> None:
    nodes, began = entered(engine), engine.clock.now()
    engine.clock.turn(GONE_AFTER)
    assert (standing(engine)["n1"].state, standing(engine)["n1"].since) == ("active", began)
    engine.clock.turn(SECOND)
    assert standing(engine)["n1"].state == "gone"
    nodes.beat(engine.clock.now(), -0.25)
    assert (standing(engine)["n1"].state, standing(engine)["n1"].clock_skew_seconds) == ("active", -0.25)
    engine.clock.turn(timedelta(days=7))
    assert nodes.forget(engine.clock.now()) == 0
    engine.clock.turn(SECOND)
    assert nodes.forget(engine.clock.now()) == 1
    assert standing(engine) == {}


def test_a_node_that_ends_in_order_is_gone_at_once(engine: Engine) -> None:
    entered(engine).leave(engine.clock.now())
    assert standing(engine)["n1"].state == "gone"


def test_a_node_that_was_forgotten_while_it_stood_still_is_there_again(engine: Engine) -> None:
    nodes = entered(engine)
    engine.clock.turn(timedelta(days=8))
    nodes.forget(engine.clock.now())
    nodes.beat(engine.clock.now(), None)
    assert standing(engine)["n1"].state == "active"


def test_a_second_daemon_under_one_name_is_noticed_by_the_first_which_touches_nothing_of_it(engine: Engine) -> None:
    first = entered(engine)
    second = entered(engine)
    with pytest.raises(AlreadyRunning, match="'n1'"):
        first.beat(engine.clock.now(), None)
    first.leave(engine.clock.now())
    assert standing(engine)["n1"].state == "active"
    assert second.beat(engine.clock.now(), None) is False


def test_what_a_node_holds_is_shown_with_it(engine: Engine) -> None:
    entered(engine), entered(engine, "n2")
    engine.see(dossier(), [step(1)])
    engine.ledger.claim("portal", 1, engine.clock.now(), TERM)
    for name, holder in (("poll", "n1"), ("reconcile:portal", "n1#4711"), ("collect:office", "n2")):
        assert engine.board.lease(name, holder, engine.clock.now(), TERM)
    assert (standing(engine)["n1"].leases, standing(engine)["n1"].deliveries) == (("poll", "reconcile:portal"), 1)
    assert (standing(engine)["n2"].leases, standing(engine)["n2"].deliveries) == (("collect:office",), 0)
    engine.clock.turn(TERM + SECOND)
    assert standing(engine)["n1"].leases == ()


def test_an_upgrade_knows_who_would_be_left_behind(engine: Engine) -> None:
    entered(engine)
    assert left_behind(engine.database, schema.VERSION, engine.clock.now()) == []
    assert left_behind(engine.database, schema.VERSION + 1, engine.clock.now()) == ["n1"]
    engine.clock.turn(GONE_AFTER + SECOND)
    assert left_behind(engine.database, schema.VERSION + 1, engine.clock.now()) == []


# ---- draining


def test_draining_is_ordered_once_audited_heard_at_the_next_beat_and_outlasts_a_restart(engine: Engine) -> None:
    nodes, orders = entered(engine), NodeOrders(engine.database, engine.clock, "admin@n9")
    assert NodeOrders(engine.database, engine.clock, "admin@n9", rehearse=True).drain("n1").count == 1
    assert nodes.beat(engine.clock.now(), None) is False
    assert [orders.drain("n1").count, orders.drain("n1").count] == [1, 0]
    assert nodes.beat(engine.clock.now(), None) is True
    assert standing(engine)["n1"].state == "draining"
    assert entered(engine).beat(engine.clock.now(), None) is True
    assert orders.resume("n1").count == 1
    with engine.database.read() as connection:
        said = [(row.action, row.detail, row.who) for row in connection.execute(select(audit).order_by(audit.c.id))]
    assert said == [("node drain", "n1", "admin@n9"), ("node resume", "n1", "admin@n9")]
    with pytest.raises(NotFound) as raised:
        orders.drain("n7")
    assert raised.value.hint == "one of: n1"


def test_a_drained_gate_gives_claims_back_at_no_cost_and_claims_none(engine: Engine) -> None:
    engine.see(dossier(), [step(1)])
    claims = engine.ledger.claim("portal", 1, engine.clock.now(), engine.delivery.lease_term)
    engine.gate.drained = True
    engine.delivery.turn(claims)
    assert (engine.target.calls_made, engine.row(claims[0].subject)["state"], engine.row(claims[0].subject)["failures"]) == ([], "due", 0)
    assert engine.gate.room(4) == 0
    engine.gate.drained = False
    assert engine.deliver() == 1


def test_a_node_that_drains_takes_no_lease_and_gives_back_those_it_holds_once_their_work_has_stopped(engine: Engine) -> None:
    leases, other = (Leases(engine.board, name, engine.clock, TERM) for name in ("n1", "n2"))
    with leases.working("poll") as fence:
        assert fence is not None
        leases.draining = True
        leases.keep()
        assert leases.held(fence) is False
        assert other.take("poll") is None
    leases.keep()
    assert other.take("poll") is not None
    assert leases.take("collect:office") is None


# ---- named leases


def test_the_beat_keeps_a_lease_while_its_work_moves_and_no_longer(engine: Engine) -> None:
    leases, other = (Leases(engine.board, name, engine.clock, TERM) for name in ("n1", "n2"))
    with leases.working("poll"):
        for _ in range(3):
            engine.clock.turn(TERM)
            leases.keep()
            assert other.take("poll") is None
        engine.clock.turn(timedelta(seconds=SILENCE) - 2 * TERM)
        leases.moved()
        leases.keep()
        assert other.take("poll") is None
        engine.clock.turn(timedelta(seconds=SILENCE))
        leases.keep()
        assert other.take("poll") is not None


def lost_fence(engine: Engine, name: str = "poll") -> Fence:
    """The fence of a node that stood still past its term, while another has taken over."""
    fence = engine.board.lease(name, "n1", engine.clock.now(), TERM)
    engine.clock.turn(TERM + SECOND)
    assert engine.board.lease(name, "n2", engine.clock.now(), TERM)
    assert fence is not None
    return fence


def test_one_that_wakes_up_prolongs_nothing_of_the_one_that_took_over(engine: Engine) -> None:
    fence = lost_fence(engine)
    engine.board.keep([fence], engine.clock.now() + timedelta(hours=1))
    engine.clock.turn(TERM + SECOND)
    assert engine.board.holder("poll", engine.clock.now()) is None
    assert engine.board.holder("poll") == "n2"


def test_it_writes_no_note_of_the_source(engine: Engine) -> None:
    fence = lost_fence(engine)
    engine.board.note_source(suspicion="everything changed")
    with pytest.raises(LeaseLost):
        engine.board.note_source(fence=fence, suspicion="")
    assert engine.board.source().suspicion == "everything changed"


def test_it_replaces_no_figures(engine: Engine) -> None:
    with pytest.raises(LeaseLost):
        engine.intake.take_statistics([], lost_fence(engine, "statistics"))


def test_it_adds_nothing_to_a_reconciliation_that_another_goes_on_with(engine: Engine) -> None:
    evidence, began = Evidence(engine.database), engine.clock.now()
    run = evidence.begin("portal", "n1", Scope(), began)
    fence = lost_fence(engine, "reconcile:portal")
    evidence.fence = lambda: fence
    for writing in (
        lambda: evidence.note(run.id, [], {"listed": 1}, position=7),
        lambda: evidence.forget(run.id, ["H03-1"]),
        lambda: evidence.end(run.id, "done", engine.clock.now(), {}),
    ):
        with pytest.raises(LeaseLost):
            writing()
    assert evidence.run(run.id) == run


# ---- one daemon a name, on a database that comes and goes


def cut(database: Database) -> None:
    """PostgreSQL ends the connections that hold an advisory lock, as it does when it is restarted."""
    here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    holders = select(func.pg_terminate_backend(column("pid"), 5000)).select_from(text("pg_locks")).where(text(f"locktype = 'advisory' AND {here}"))
    with database.write() as connection:
        connection.execute(holders)


def test_a_place_whose_connection_was_cut_is_taken_again(shared: Engine) -> None:
    with Single(shared.database, "n1") as place:
        assert place.keep() is True
        cut(shared.database)
        with capture_logs() as said:
            assert place.keep() is True
        assert [each["event"] for each in said] == ["place_lost", "place_taken_again"]
        with pytest.raises(AlreadyRunning), Single(shared.database, "n1"):
            raise AssertionError
    with Single(shared.database, "n1"):
        pass


def test_a_place_that_another_took_meanwhile_stays_his_and_is_tried_again(shared: Engine) -> None:
    with Single(shared.database, "n1") as place:
        cut(shared.database)
        with Single(shared.database, "n1"):
            assert place.keep() is False
            assert place.keep() is False
        assert place.keep() is True


def member(engine: Engine) -> Membership:
    return Membership(engine.database, "n1", engine.clock, engine.metrics)


def test_of_two_daemons_of_one_name_the_one_that_lost_its_place_stops(shared: Engine) -> None:
    with member(shared) as first:
        first.beat()
        cut(shared.database)
        with member(shared) as second:
            with pytest.raises(AlreadyRunning):
                first.beat()
            assert first.lost
            second.beat()
            assert not second.lost


def test_a_restart_of_the_database_alone_stops_nobody(shared: Engine) -> None:
    with member(shared) as only:
        cut(shared.database)
        only.beat()
        only.beat()
        assert not only.lost
        with pytest.raises(AlreadyRunning), member(shared):
            raise AssertionError


def test_a_daemon_stops_when_the_state_is_brought_to_a_schema_it_does_not_know(engine: Engine) -> None:
    with member(engine) as only:
        for compatible, refused in ((schema.VERSION, False), (schema.VERSION + 1, True)):
            with engine.database.write() as connection:
                connection.execute(update(schema.schema_info).values(version=schema.VERSION + 1, compatible=compatible))
            if refused:
                with pytest.raises(SchemaMismatch):
                    only.beat()
            else:
                only.beat()


# ---- clocks that differ


def test_nodes_whose_clocks_differ_by_an_hour_end_no_lease_of_each_other_before_its_term(shared: Engine) -> None:
    shared.see(dossier(), [step(1)])
    slow, fast = TurnedClock(), TurnedClock()
    fast.step(timedelta(hours=1))
    here, there = StateClock(slow), StateClock(fast)
    for clock in (here, there):
        read_clock(shared.database, clock)
    ledger, other = Ledger(shared.database, CIPHER, "slow"), Ledger(shared.database, CIPHER, "fast")
    with shared.database.write() as connection:
        connection.execute(update(schema.ledger).values(due_at=here.now()))
    (claim,) = ledger.claim("portal", 1, here.now(), TERM)
    board = Board(shared.database)
    assert board.lease("poll", "slow", here.now(), TERM)
    assert other.expire(there.now()) == 0
    assert board.lease("poll", "fast", there.now(), TERM) is None
    for own in (slow, fast):
        own.turn(2 * TERM)
    assert here.now() > claim.until
    assert other.expire(there.now()) == 1
    assert board.lease("poll", "fast", there.now(), TERM) is not None


def test_a_skewed_clock_is_told_when_it_begins_and_when_it_ends(shared: Engine) -> None:
    own = SkewedClock()
    only = Membership(shared.database, "n1", StateClock(own), shared.metrics)
    with capture_logs() as said, only:
        own.ahead = timedelta(seconds=2 * SKEW_LIMIT)
        only.beat()
        only.beat()
        assert standing(shared)["n1"].clock_skew_seconds == pytest.approx(2 * SKEW_LIMIT, abs=1)
        own.ahead = timedelta()
        only.beat()
    assert [(each["event"], each["log_level"]) for each in said] == [("clock_skewed", "warning"), ("clock_agrees", "info")]
    assert abs(float(shared.metrics.render().decode().partition("\nsyncd_clock_skew_seconds ")[2].partition("\n")[0])) < 1

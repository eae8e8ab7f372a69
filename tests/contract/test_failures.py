"""Whatever becomes of a call, it comes back in time as an outcome, and as the right one: what may have been done is never certain."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pytest

from syncd.calls import Outcome, Receipt, Standing
from syncd.clock import SystemClock
from syncd.ports import Target
from tests.connectors.portal import Behaviour, ScriptedPortal, answer
from tests.contract.behaviours import ENDLESS, LATER, LOST, MALFORMED, NONSENSE, PASSING, REFUSED, STRANGER, each
from tests.contract.surroundings import RECORD, Surroundings

CERTAIN = (Outcome.UNAVAILABLE, Outcome.BUSY, Outcome.UNAUTHORISED)
HASTY = "150ms"
MARGIN = 1.5  #: seconds by which a busy machine may be late
OFTEN = 8  #: more often than anything is tried
Call = tuple[Surroundings, str]


def send(far: Surroundings, target: Target, kind: str = RECORD) -> Receipt:
    return target.send([far.element(target, kind)])


@contextmanager
def within(longest: timedelta, server: ScriptedPortal) -> Iterator[None]:
    """It takes no longer; the server sees to it that it ends at all."""
    latest = longest.total_seconds() + MARGIN
    ending = threading.Timer(latest, server.close)
    ending.start()
    began = time.monotonic()
    try:
        yield
        assert time.monotonic() - began < latest
    finally:
        ending.cancel()


@contextmanager
def full() -> Iterator[str]:
    """An address where connections are neither taken nor refused."""
    with ExitStack() as closing:
        listener = closing.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = closing.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def pointed(far: Surroundings, root: str) -> dict[str, Any]:
    """The usual options, pointing to another server."""
    return {name: value.replace(far.server.root, root) if isinstance(value, str) else value for name, value in far.options().items()}


# ---- nothing was sent


def test_who_cannot_be_reached_got_nothing(call: Call) -> None:
    far, kind = call
    target = far.make()
    far.server.close()
    receipt = send(far, target, kind)
    assert (receipt.outcome, bool(receipt.message), bool(receipt.hint)) == (Outcome.UNAVAILABLE, True, True)
    assert far.server.asked == []


def test_who_can_no_longer_be_reached_got_nothing_more(call: Call) -> None:
    far, kind = call
    target = far.make()
    assert send(far, target, kind).outcome is Outcome.DELIVERED
    far.server.close()
    target.close()  # the connection it had: it must open another one
    assert send(far, target, kind).outcome is Outcome.UNAVAILABLE
    assert len(far.came(kind)) == 1


def test_a_time_out_before_anything_was_sent_is_certain(call: Call) -> None:
    far, kind = call
    with full() as root:
        target = far.make(**pointed(far, root), timeout=HASTY)
        assert send(far, target, kind).outcome is Outcome.UNAVAILABLE


@each(PASSING)
def test_what_goes_wrong_before_a_call_leaves_nothing_in_doubt(admitting: Surroundings, behaviour: Behaviour) -> None:
    target = admitting.make(timeout=HASTY, clock=SystemClock(), sleep=time.sleep)
    admitting.server.will(admitting.admission, *[behaviour] * OFTEN)
    with within(target.longest, admitting.server):
        receipt = send(admitting, target)
    assert receipt.outcome in CERTAIN
    assert receipt.message
    assert admitting.came() == []


@each(PASSING)
def test_what_is_only_looked_at_beforehand_never_leaves_a_call_in_doubt(looking: Surroundings, behaviour: Behaviour) -> None:
    target = looking.make(timeout=HASTY, clock=SystemClock())
    looking.server.will(looking.catalogue, *[behaviour] * OFTEN)
    with within(target.longest, looking.server):
        outcome = send(looking, target).outcome
    assert outcome in (Outcome.DELIVERED, *CERTAIN)
    assert (outcome is Outcome.DELIVERED) is (len(looking.came()) == 1)
    assert looking.server.counts()[looking.catalogue] > 0


# ---- something was sent


@each(LOST)
def test_an_answer_that_is_lost_leaves_the_outcome_unknown(call: Call, behaviour: Behaviour) -> None:
    far, kind = call
    far.script(kind, behaviour)
    receipt = send(far, far.make(), kind)
    assert (receipt.outcome, bool(receipt.message), receipt.exists) == (Outcome.UNKNOWN, True, None)
    assert len(far.came(kind)) == 1


@each(ENDLESS)
def test_an_answer_without_end_leaves_the_outcome_unknown_in_time(call: Call, behaviour: Behaviour) -> None:
    far, kind = call
    target = far.make(timeout=HASTY, clock=SystemClock())
    far.script(kind, behaviour)
    with within(target.longest, far.server):
        receipt = send(far, target, kind)
    assert (receipt.outcome, bool(receipt.message)) == (Outcome.UNKNOWN, True)
    assert far.server.wait(lambda: len(far.came(kind)) == 1)


@pytest.mark.parametrize("name", MALFORMED)
def test_a_success_that_says_nothing_is_none(call: Call, name: str) -> None:
    far, kind = call
    far.script(kind, MALFORMED[name])
    receipt = send(far, far.make(largest=1) if far.files else far.make(), kind)
    outcome = far.taken_for.get(name, Outcome.UNKNOWN)
    assert (receipt.outcome, bool(receipt.message), receipt.exists) == (outcome, outcome is not Outcome.DELIVERED, None)
    assert len(far.came(kind)) == 1


@each(REFUSED)
def test_a_request_that_is_refused_was_certainly_not_processed(call: Call, behaviour: Behaviour) -> None:
    far, kind = call
    far.script(kind, behaviour)
    receipt = send(far, far.make(), kind)
    assert receipt.outcome in (Outcome.REJECTED, Outcome.UNAVAILABLE)
    assert receipt.message
    assert receipt.hint
    assert len(far.came(kind)) == 1


@each(STRANGER)
def test_who_does_not_know_us_is_asked_at_most_twice(call: Call, behaviour: Behaviour) -> None:
    far, kind = call
    far.script(kind, *[behaviour] * OFTEN)
    target = far.make()
    receipts = [send(far, target, kind) for _ in range(far.doubts)]
    assert (receipts[-1].outcome, bool(receipts[-1].message), bool(receipts[-1].hint)) == (Outcome.UNAUTHORISED, True, True)
    assert {receipt.outcome for receipt in receipts} <= {Outcome.UNAUTHORISED, Outcome.UNAVAILABLE}
    assert len(far.came(kind)) <= 2 * far.doubts
    assert far.server.counts()[far.admission] <= 2 * far.doubts


@each(LATER)
def test_who_asks_to_wait_is_given_the_time(call: Call, behaviour: Behaviour) -> None:
    far, kind = call
    far.script(kind, behaviour)
    receipt = send(far, far.make(), kind)
    assert (receipt.outcome, receipt.retry_after, bool(receipt.message)) == (Outcome.BUSY, 37.0, True)
    assert len(far.came(kind)) == 1


def test_who_is_closed_for_now_got_nothing(call: Call) -> None:
    far, kind = call
    far.script(kind, answer(b"", 503))
    assert send(far, far.make(), kind).outcome is Outcome.UNAVAILABLE


def test_a_refusal_is_for_a_person(call: Call) -> None:
    far, kind = call
    far.script(kind, far.refusal("Thiếu thành phần hồ sơ"))
    receipt = send(far, far.make(), kind)
    assert (receipt.outcome, bool(receipt.hint)) == (Outcome.REJECTED, True)
    assert "Thiếu thành phần hồ sơ" in receipt.message


def test_after_every_failure_the_next_call_is_as_good_as_any(call: Call) -> None:
    far, kind = call
    target = far.make()
    for behaviour in (LOST["reset"], LOST["cut"], LOST["500"], MALFORMED["huge"], MALFORMED["no-gzip"], REFUSED["400-html"]):
        far.script(kind, behaviour)
        assert send(far, target, kind).outcome is not Outcome.DELIVERED
    assert send(far, target, kind).outcome is Outcome.DELIVERED


# ---- asking


@each(PASSING)
def test_a_question_without_an_answer_says_nothing_of_what_is_there(asked: Surroundings, behaviour: Behaviour) -> None:
    target = asked.make(timeout=HASTY, clock=SystemClock())
    asked.server.will(asked.lookup, *[behaviour] * OFTEN)
    with within(target.longest, asked.server):
        standing = target.look_up(asked.portion())
    assert isinstance(standing, Standing)
    assert standing.outcome is not Outcome.DELIVERED
    assert standing.outcome is not Outcome.UNKNOWN
    assert (standing.exists, standing.status, bool(standing.message)) == (None, None, True)


@each({name: behaviour for name, behaviour in PASSING.items() if name not in {*NONSENSE, *REFUSED, "drips-body"}})
def test_a_probe_tells_when_something_is_wrong(probed: tuple[Surroundings, str], behaviour: Behaviour) -> None:
    far, service = probed
    target = far.make(timeout=HASTY, clock=SystemClock())
    far.server.will(service, *[behaviour] * OFTEN)
    with within(target.longest, far.server):
        receipt = target.probe()
    assert receipt.outcome in CERTAIN
    assert receipt.message
    assert far.came() == []


@each(NONSENSE)
def test_no_answer_upsets_a_probe(probed: tuple[Surroundings, str], behaviour: Behaviour) -> None:
    far, service = probed
    far.server.will(service, *[behaviour] * OFTEN)
    assert (far.make(largest=1) if far.files else far.make()).probe().message
    assert far.came() == []


def test_a_probe_of_nobody_says_so(far: Surroundings) -> None:
    target = far.make()
    far.server.close()
    receipt = target.probe()
    assert (receipt.outcome, bool(receipt.hint)) == (Outcome.UNAVAILABLE, True)

"""What comes back: listed until it is acknowledged, fetched whole, and given up only where it can never be read."""

from __future__ import annotations

import pytest

from syncd.calls import Outcome, Receipt
from syncd.clock import SystemClock
from syncd.documents import IssuedDocument, Stage
from tests.connectors.portal import Behaviour
from tests.contract.behaviours import LATER, LOST, PASSING, STRANGER, each
from tests.contract.surroundings import FAILED, TAKEN, Collecting, dossier
from tests.contract.test_failures import HASTY, OFTEN, within


def outcome_of(behaviour: str) -> tuple[Outcome, ...]:
    """What a failure on the way back may come to: nothing that is repeated for ever is unknown, and nothing passing is for good."""
    return (Outcome.UNAUTHORISED,) if behaviour in STRANGER else (Outcome.BUSY,) if behaviour in LATER else (Outcome.UNAVAILABLE,)


def test_what_waits_is_listed_in_its_order_until_it_is_acknowledged(collecting: Collecting) -> None:
    collecting.issue("D-1", "D-2")
    collector = collecting.collector()
    for _ in range(2):
        listing = collector.waiting(0)
        assert (listing.receipt.outcome, listing.documents) == (Outcome.DELIVERED, ("D-1", "D-2"))
    assert collector.acknowledge("D-1", TAKEN).outcome is Outcome.DELIVERED
    assert collector.acknowledge("D-2", FAILED).outcome is Outcome.DELIVERED
    assert (collector.waiting(0).documents, collecting.issued()) == ((), [])


def test_a_document_comes_whole_as_often_as_it_is_asked_for(collecting: Collecting) -> None:
    collecting.issue("D-1")
    collector = collecting.collector()
    first, second = collector.fetch("D-1"), collector.fetch("D-1")
    assert first == second
    assert isinstance(first, IssuedDocument)
    assert (first.id, first.stage, first.dossier, first.number[:2]) == ("D-1", Stage.ISSUED, dossier().code, "12")
    assert [file.content for file in first.files] == [collecting.signed]
    assert collecting.issued() == ["D-1"]


def test_a_listing_grows_by_what_is_here_and_not_acknowledged(collecting: Collecting) -> None:
    collecting.issue(*(f"D-{number}" for number in range(1, 121)))
    collector = collecting.collector()
    few = len(collector.waiting(0).documents)
    assert 0 < few < 120
    assert len(collector.waiting(10).documents) == few + 10


def test_what_is_acknowledged_twice_or_never_was_there_is_done(collecting: Collecting) -> None:
    collecting.issue("D-1")
    collector = collecting.collector()
    assert [collector.acknowledge(key, verdict).outcome for key in ("D-1", "D-1", "D-9") for verdict in (TAKEN, FAILED)] == [Outcome.DELIVERED] * 6


def test_a_document_that_is_gone_is_none(collecting: Collecting) -> None:
    receipt = collecting.collector().fetch("D-9")
    assert isinstance(receipt, Receipt)
    assert receipt.outcome in (Outcome.REJECTED, Outcome.UNAVAILABLE)  # it may be for good, or for now
    assert receipt.message


def test_a_package_that_is_spoilt_can_never_be_read(collecting: Collecting) -> None:
    collecting.issue("D-1")
    collecting.server.will(collecting.fetching, collecting.spoilt())
    receipt = collecting.collector().fetch("D-1")
    assert isinstance(receipt, Receipt)
    assert (receipt.outcome, bool(receipt.message), bool(receipt.hint)) == (Outcome.REJECTED, True, True)


@pytest.mark.parametrize("name", PASSING)
def test_a_list_that_cannot_be_had_holds_nothing(collecting: Collecting, name: str) -> None:
    collecting.issue("D-1")
    collecting.server.will(collecting.listing, *[PASSING[name]] * OFTEN)
    collector = collecting.collector(timeout=HASTY, clock=SystemClock(), largest=1)
    with within(collector.longest, collecting.server):
        listing = collector.waiting(0)
    assert (listing.receipt.outcome in outcome_of(name), listing.documents, bool(listing.receipt.message)) == (True, (), True)


@pytest.mark.parametrize("name", PASSING)
def test_trouble_that_may_pass_gives_no_document_up(collecting: Collecting, name: str) -> None:
    collecting.issue("D-1")
    collector = collecting.collector(timeout=HASTY, clock=SystemClock(), largest=1)
    collector.waiting(0)
    collecting.server.will(collecting.fetching, *[PASSING[name]] * OFTEN)
    with within(collector.longest, collecting.server):
        receipt = collector.fetch("D-1")
    assert isinstance(receipt, Receipt)
    assert (receipt.outcome in ((Outcome.REJECTED,) if name == "huge" else outcome_of(name)), bool(receipt.message)) == (True, True)
    assert collecting.issued() == ["D-1"]


@pytest.mark.parametrize("name", PASSING)
def test_an_acknowledgement_that_is_not_answered_is_not_done(collecting: Collecting, name: str) -> None:
    collecting.issue("D-1")
    collecting.server.will(collecting.acknowledging, *[PASSING[name]] * OFTEN)
    collector = collecting.collector(timeout=HASTY, clock=SystemClock(), largest=1)
    with within(collector.longest, collecting.server):
        receipt = collector.acknowledge("D-1", TAKEN)
    assert (receipt.outcome in outcome_of(name), bool(receipt.message)) == (True, True)


@each({"reset": LOST["reset"], "cut": LOST["cut"], "503": LATER["503"]})
def test_what_one_call_met_the_next_one_forgets(collecting: Collecting, behaviour: Behaviour) -> None:
    collecting.issue("D-1")
    collector = collecting.collector()
    for service in (collecting.listing, collecting.fetching, collecting.acknowledging):
        collecting.server.will(service, *[behaviour] * 3)
    collector.waiting(0), collector.fetch("D-1"), collector.acknowledge("D-1", TAKEN)
    for service in (collecting.listing, collecting.fetching, collecting.acknowledging):
        collecting.server.scripts[service].clear()
    assert collector.waiting(0).documents == ("D-1",)
    assert isinstance(collector.fetch("D-1"), IssuedDocument)
    assert collector.acknowledge("D-1", TAKEN).outcome is Outcome.DELIVERED


def test_nobody_there_is_no_reason_to_give_up(collecting: Collecting) -> None:
    collector = collecting.collector()
    collecting.server.close()
    fetched = collector.fetch("D-1")
    assert isinstance(fetched, Receipt)
    outcomes = [collector.waiting(0).receipt.outcome, fetched.outcome, collector.acknowledge("D-1", TAKEN).outcome]
    assert outcomes == [Outcome.UNAVAILABLE] * 3


def test_listening_where_nothing_is_pushed_and_closing_twice_do_no_harm(collecting: Collecting) -> None:
    collector = collecting.collector()
    collector.listen(lambda document: f"not expected: {document.id}")
    collector.close()
    collector.close()

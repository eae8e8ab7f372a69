"""An I-office that lists a draft under one id, first as signed, then as issued: both come in, whatever hinders the acknowledgements."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors._ioffice.options import IofficeOptions
from connectors.ioffice import connector
from syncd.sandbox.office import Office
from syncd.sandbox.office_clerk import Act, Clerk
from syncd.sandbox.office_desk import File, Matter
from tests.collect.station import PDF, Station, code
from tests.collect.test_collect import pass_time

SIGNED, ISSUED = Act("signed", "one_id"), Act("issued", "one_id")


@pytest.fixture
def office(small: Station) -> Iterator[Office]:
    """It has a draft of the first dossier, and the station collects from it."""
    with Office(clerk=Clerk("waiting")) as made:
        terms = {"address": made.url, "username": made.terms.username, "password": made.terms.password, "from_organ": "000.00.00.H03", "timeout": "5s"}
        target = connector.build("office", IofficeOptions.model_validate({"connector": "ioffice", **terms}), clock=small.clock)
        assert target.collector is not None
        small.collecting.collector = target.collector
        files = (File.of("du-thao.pdf", PDF),)
        draft, _ = made.desk.receive(Matter(code(1), files, correlation=f"{code(1)}/77", submitter="000.00.00.H03", agency="000.00.14.H03"))
        small.draft(1, "77", memo=draft.doc_id)
        yield made
        target.close()


def check(station: Station, office: Office) -> None:
    """Both stages are in the one-stop once, and nothing waits any more."""
    (draft,) = office.desk.drafts()
    assert station.written() == [(f"{draft.doc_id}#04", "signed", "77"), (draft.doc_id, "issued", "77")]
    assert set(station.states().values()) == {"done"}
    assert office.desk.waiting() == []


def test_what_is_issued_after_the_signed_one_was_acknowledged_comes_in(small: Station, office: Office) -> None:
    for act in (SIGNED, ISSUED):
        office.desk.issue(code(1), (act,))
        small.collecting.run()
    check(small, office)


def test_what_is_issued_before_the_signed_one_was_acknowledged_comes_in(small: Station, office: Office) -> None:
    office.desk.issue(code(1), (SIGNED,))
    office.faults.next("code 20", service="AcknowledgeDocument")
    small.collecting.run()
    assert set(small.states().values()) == {"written"}
    office.desk.issue(code(1), (ISSUED,))
    pass_time(small, minutes=5)
    small.collecting.run()
    check(small, office)


def test_what_is_issued_between_the_list_and_the_acknowledgement_comes_in(small: Station, office: Office) -> None:
    office.desk.issue(code(1), (SIGNED,))
    small.outlet.after = lambda call: office.desk.issue(code(1), (ISSUED,)) if len(office.desk.drafts()[0].history) == 3 else None
    for _ in range(2):
        small.collecting.run()
    check(small, office)


def test_a_result_is_not_told_of_while_the_one_stop_is_away(small: Station, office: Office) -> None:
    small.outlet.away = True
    for act in (SIGNED, ISSUED):
        office.desk.issue(code(1), (act,))
        small.collecting.run()
    assert office.desk.acknowledgements(office.desk.drafts()[0].doc_id) == ()
    small.outlet.away = False
    for _ in range(2):
        pass_time(small, minutes=5)
        small.collecting.run()
    check(small, office)

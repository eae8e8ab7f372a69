"""The inbox itself: moves that name where they come from, what is sealed, what is pruned, and what persons order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from syncd.crypto import KEY_BYTES, Cipher
from syncd.documents import Stage
from syncd.errors import NotFound, UndecipherableError
from syncd.received import Refusal
from syncd.store.inbox_arrivals import Arrivals
from syncd.store.inbox_orders import Addition, InboxOrders
from syncd.store.inbox_reading import InboxReading
from syncd.store.schema import audit, inbox, inbox_file
from tests.clocks import TurnedClock
from tests.collect.station import CIPHER, OFFICE, PDF, Station, code, document

STRANGE = Cipher([b"s" * KEY_BYTES])


def test_a_move_that_comes_too_late_moves_nothing(station: Station) -> None:
    station.collecting.take(document("r1"))
    (entry,) = station.inbox.open(OFFICE, ["arrived"], station.clock.now(), 10)
    assert station.inbox.move(entry, "written", station.clock.now())
    assert not station.inbox.move(entry, "late", station.clock.now())
    assert not station.inbox.failed(entry, station.clock.now(), "x", "x")
    assert station.row("r1").state == "written"


def test_the_same_document_is_one_row_and_another_content_another_one(station: Station) -> None:
    now = station.clock.now()
    assert [station.arrivals.keep(OFFICE, document("r1"), now).new for _ in range(2)] == [True, False]
    assert station.arrivals.keep(OFFICE, document("r1", Stage.SIGNED), now).new
    assert station.inbox.unacknowledged(OFFICE) == 2
    assert station.inbox.counts() == {OFFICE: {"arrived": 1, "late": 1}}
    assert station.inbox.known(OFFICE, ["r1", "r2"]) == {"r1": "late"}


def test_what_a_citizen_could_be_known_by_is_sealed(station: Station) -> None:
    station.collecting.take(document("r1"))
    with station.database.read() as connection:
        row = connection.execute(select(inbox)).one()
        file = connection.execute(select(inbox_file)).one()
    for secret in ("Mẫu".encode(), "quyết định.pdf".encode(), PDF):
        assert all(secret not in value for value in (row.body, file.name, file.body))
    assert CIPHER.open(file.body) == PDF


def test_a_refused_package_keeps_no_content(station: Station) -> None:
    station.arrivals.keep(OFFICE, document("r1"), station.clock.now(), Refusal(code="file_type", message="file 1 is not what it says it is"))
    with station.database.read() as connection:
        assert connection.execute(select(inbox_file.c.body)).scalars().all() == [None]


def test_contents_are_pruned_a_while_after_the_end_and_never_before(station: Station) -> None:
    assert isinstance(station.clock, TurnedClock)
    station.office.issue(document("r1"), replace(document("r2"), dossier="", number="2/QĐ"))
    station.collecting.run()
    station.clock.turn(timedelta(days=8))
    assert station.inbox.prune_files(station.clock.now() - timedelta(days=9), 10) == 0
    assert station.inbox.prune_files(station.clock.now() - timedelta(days=7), 10) == 1
    assert station.inbox.prune_files(station.clock.now() - timedelta(days=7), 10) == 0
    reading = InboxReading(station.database, lambda: CIPHER)
    done, held = station.row("r1"), station.row("r2")
    assert [(file.kept, file.size) for file in reading.show(done.id).files] == [(False, len(PDF))]
    assert [file.kept for file in reading.show(held.id).files] == [True]


def test_a_document_that_no_key_opens_waits_for_a_person_and_for_nobody_else(station: Station) -> None:
    Arrivals(station.database, STRANGE).keep(OFFICE, document("r1"), station.clock.now())
    station.office.issue(document("r2", number=2))
    station.collecting.run()
    assert station.written() == [("r2", "issued", "")]
    assert (station.row("r1").state, station.row("r1").error.code) == ("held", "undecipherable")
    (outcome,) = station.orders().retry_all()
    assert (outcome.state, outcome.code) == ("held", "undecipherable")
    InboxOrders(station.database, STRANGE, station.clock, "officer@node").retry([station.row("r1").id])
    assert station.row("r1").state == "arrived"


def test_what_is_only_to_be_told_needs_no_key(station: Station) -> None:
    strange = Arrivals(station.database, STRANGE)
    strange.keep(OFFICE, document("x1"), station.clock.now(), Refusal(code="file_type", message="file 1 is not what it says it is"))
    station.office.issue(document("x1"))
    station.collecting.run()
    assert (station.row("x1").state, station.office.verdicts("x1")) == ("void", ["failed"])


def test_a_file_that_no_key_opens_holds_its_document(station: Station) -> None:
    station.collecting.take(document("r1"))
    with station.database.write() as connection:
        connection.execute(inbox_file.update().values(body=STRANGE.seal(PDF)))
    station.collecting.run()
    assert (station.row("r1").state, station.row("r1").error.code) == ("held", "undecipherable")


# ---- orders


def audited(station: Station) -> list[tuple[str, str, str, str]]:
    with station.database.read() as connection:
        return [(row.action, row.target, row.subject, row.detail) for row in connection.execute(select(audit).order_by(audit.c.id))]


def test_orders_leave_an_audit_row_with_the_dossier(station: Station) -> None:
    station.collecting.take(replace(document("r1"), dossier=""))
    number = station.row("r1").id
    station.orders(rehearse=True).retry([number])
    station.orders().assign(number, Addition(dossier=code(1)), "read on the paper")
    station.orders().retry([number])
    assert audited(station) == [("inbox assign", OFFICE, code(1), f"{number}: read on the paper"), ("inbox retry", OFFICE, code(1), str(number))]


def test_waiting_documents_go_now_and_their_failures_are_forgotten(station: Station) -> None:
    station.outlet.away = True
    station.collecting.take(document("r1"))
    station.collecting.take(document("r2", number=2))
    station.collecting.run()
    station.outlet.away = False
    station.collecting.run()
    assert station.written() == []
    assert [each.id for each in station.orders().retry_all("elsewhere")] == []
    assert [each.state for each in station.orders().retry_all(OFFICE)] == ["arrived", "arrived"]
    assert (station.row("r1").failures, station.row("r1").due_at) == (0, None)
    station.collecting.run()
    assert len(station.written()) == 2


def test_what_an_order_cannot_do_is_said(station: Station) -> None:
    station.office.issue(document("r1"))
    station.collecting.run()
    station.collecting.take(replace(document("r2"), dossier=""))
    done, held = station.row("r1").id, station.row("r2").id
    with pytest.raises(NotFound, match="come to its end"):
        station.orders().retry([done])
    with pytest.raises(NotFound, match="not held"):
        station.orders().assign(done, Addition(), "")
    with pytest.raises(NotFound, match="No such document: 999"):
        station.orders().retry([held, 999])
    with pytest.raises(NotFound, match="No dossier H03-1"):
        station.orders().assign(held, Addition(dossier="H03-1"), "")
    with pytest.raises(NotFound, match="No such document"):
        InboxReading(station.database, lambda: CIPHER).show(999)
    assert audited(station) == []


def test_only_a_revealed_document_says_what_it_says(station: Station) -> None:
    station.collecting.take(document("r1"))
    number = station.row("r1").id

    def closed() -> Cipher:
        raise UndecipherableError

    hidden = InboxReading(station.database, closed).show(number)
    assert (hidden.said, hidden.files[0].name) == (None, None)
    shown = InboxReading(station.database, lambda: CIPHER).show(number, reveal=True)
    assert shown.said is not None
    assert (shown.said["signer"], shown.files[0].name) == ("Triệu Văn Mẫu", "quyết định.pdf")

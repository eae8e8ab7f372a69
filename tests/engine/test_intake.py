"""What a poll read becomes rows: all of it or nothing, and nothing of it is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from syncd.crypto import KEY_BYTES, Cipher
from syncd.errors import LeaseLost, MovedOn, UndecipherableError
from syncd.model import Cursor, Page, Snapshot
from syncd.store.intake import Intake, read_cursor
from syncd.store.matters import Routes
from syncd.store.schema import change, snapshot
from tests.engine.conftest import Make
from tests.engine.engine import CIPHER, dossier, step

CODE = "000.00.14.H03-250303-0001"


def test_the_cursor_stays_where_it_was_when_the_rows_are_not_committed(make: Make) -> None:
    engine = make()
    engine.see(dossier())
    before = read_cursor(engine.database)
    fence = engine.board.lease("poll", "n1", engine.clock.now(), timedelta(seconds=5))
    engine.clock.turn(timedelta(seconds=6))
    assert engine.board.lease("poll", "n2", engine.clock.now(), timedelta(seconds=5)) is not None
    page = Page(snapshots=(Snapshot(dossier=dossier(note="new")),), cursor=Cursor(modified="later", id=2))
    changed, known = engine.intake.compare(page)
    with pytest.raises(LeaseLost):
        engine.intake.take(changed, known, page.cursor, fence)
    assert read_cursor(engine.database) == before
    assert engine.row(CODE)["wanted_version"] == 1


@pytest.mark.parametrize("before", [0, 1])
def test_what_was_stored_since_the_comparison_is_not_replaced(make: Make, before: int) -> None:
    engine = make()
    for _ in range(before):
        engine.see(dossier())
    cursor = read_cursor(engine.database)
    page = Page(snapshots=(Snapshot(dossier=dossier(note="read before")),), cursor=Cursor(modified="later", id=2))
    changed, known = engine.intake.compare(page)
    engine.read(Snapshot(dossier=dossier(note="read since")), cursor=cursor)
    with pytest.raises(MovedOn):
        engine.intake.take(changed, known, page.cursor)
    assert read_cursor(engine.database) != page.cursor
    engine.settle()
    assert engine.target.records[CODE].note == "read since"


def test_a_lease_is_renewed_by_its_holder_and_refused_to_others(make: Make) -> None:
    engine = make()
    first = engine.board.lease("poll", "n1", engine.clock.now(), timedelta(seconds=5))
    again = engine.board.lease("poll", "n1", engine.clock.now(), timedelta(seconds=5))
    assert first == again
    assert engine.board.lease("poll", "n2", engine.clock.now(), timedelta(seconds=5)) is None
    engine.board.yield_lease("n1", engine.clock.now() - timedelta(seconds=1))
    second = engine.board.lease("poll", "n2", engine.clock.now(), timedelta(seconds=5))
    assert first is not None
    assert second is not None
    assert second.number == first.number + 1


def test_a_step_committed_late_comes_after_those_taken_in_and_is_sent_once(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1), step(3)])
    engine.deliver()
    engine.see(dossier(), [step(1), step(2), step(3), step(4)])
    engine.deliver()
    assert engine.target.steps[CODE] == [1, 3, 2, 4]


def test_a_step_that_was_taken_back_before_it_was_sent_is_not_sent(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1), step(2)])
    engine.see(dossier(), [step(1)])
    engine.see(dossier(), [step(1), step(3)])
    engine.settle()
    assert engine.target.steps[CODE] == [1, 3]


def test_a_step_taken_back_after_it_was_sent_leaves_the_dossier_in_sync(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1), step(2)])
    engine.settle()
    engine.see(dossier(), [step(1)])
    engine.settle()
    assert engine.target.steps[CODE] == [1, 2]
    assert engine.row(CODE)["state"] == "idle"


def test_a_step_corrected_before_it_was_sent_goes_corrected(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])
    engine.see(dossier(), [step(1, content="corrected")])
    claim = engine.ledger.peek("portal", CODE)
    assert claim is not None
    assert [each.content for _, each in claim.steps] == ["corrected"]


def test_two_rows_with_one_code_end_before_a_person_and_the_first_one_stands(make: Make) -> None:
    engine = make()
    engine.read(Snapshot(dossier=dossier(source_id=1)), Snapshot(dossier=dossier(source_id=2, note="another")))
    engine.settle()
    assert engine.target.records[CODE].source_id == 1
    assert engine.row(f"{CODE}#2")["error_code"] == "invalid:code"
    engine.see(dossier("000.00.14.H03-250303-0099", source_id=2, note="another"))
    engine.settle()
    with engine.database.read() as connection:
        assert set(connection.execute(select(snapshot.c.subject)).scalars()) == {CODE, "000.00.14.H03-250303-0099"}


def test_a_code_taken_by_another_row_later_is_set_apart_too(make: Make) -> None:
    engine = make()
    engine.see(dossier(source_id=1))
    engine.see(dossier(source_id=2))
    assert engine.see(dossier(source_id=2)).subjects == ()
    engine.settle()
    assert engine.row(f"{CODE}#2")["state"] == "dead"


def test_a_dossier_whose_code_changed_keeps_what_a_target_was_told(make: Make) -> None:
    engine = make()
    engine.see(dossier())
    engine.deliver()
    engine.see(dossier("000.00.14.H03-250303-0500", source_id=1))
    engine.settle()
    assert set(engine.target.records) == {CODE, "000.00.14.H03-250303-0500"}
    assert engine.row(CODE)["created"]


def test_a_new_target_gets_every_dossier(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])
    engine.deliver()
    later = Intake(engine.database, CIPHER, engine.clock, Routes(["portal", "other"]))
    assert later.adopt() == 1
    assert later.adopt() == 0
    claim = engine.ledger.peek("other", CODE)
    assert claim is not None
    assert (claim.created, len(claim.steps)) == (False, 1)


def test_a_change_is_noted_by_the_names_of_its_fields_only(make: Make) -> None:
    engine = make()
    engine.see(dossier(), [step(1)])
    engine.see(dossier(note="private words"), [step(1), step(2)])
    with engine.database.read() as connection:
        rows = [tuple(row) for row in connection.execute(select(change.c.version, change.c.fields, change.c.new_steps).order_by(change.c.id))]
    assert rows == [(1, "new", 1), (2, "note", 1)]


def test_nothing_personal_stands_readable_in_the_state(make: Make, state_url: str, request: pytest.FixtureRequest) -> None:
    if not state_url.startswith("sqlite"):
        pytest.skip("a file is searched; PostgreSQL keeps its files to itself")
    engine = make()
    engine.see(dossier(note="lives at Mẫu street"), [step(1, content="called 0900000001")])
    engine.deliver()
    folder = request.getfixturevalue("tmp_path")
    stored = b"".join(path.read_bytes() for path in folder.iterdir() if path.name.startswith("state.db"))
    for private in ("Hoàng Thị Mẫu", "006099000001", "Mẫu street", "0900000001", "Nông Văn Mẫu"):
        assert private.encode() not in stored


def test_a_key_put_on_top_seals_and_the_old_one_still_opens(make: Make) -> None:
    engine = make()
    engine.see(dossier())
    fresh = b"n" * KEY_BYTES
    rotated = Cipher([fresh, b"k" * KEY_BYTES])
    engine.ledger.cipher = engine.intake.cipher = rotated
    engine.settle()
    assert CODE in engine.target.records
    engine.see(dossier(note="after the rotation"))
    with engine.database.read() as connection:
        sealed = connection.execute(select(snapshot.c.body)).scalar_one()
    assert b"after the rotation" in Cipher([fresh]).open(sealed)
    with pytest.raises(UndecipherableError):
        CIPHER.open(sealed)

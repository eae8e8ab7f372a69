"""Whatever changes in the one-stop arrives, and what did not change is not read again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.errors import SuspiciousSource
from syncd.model import Cursor
from tests.source.opencps import Follower, Province


def test_the_first_poll_brings_everything_in_pages(province: Province) -> None:
    keys = [province.dossier(modifiedDate=province.ago(days=10 - number)) for number in range(7)]
    follower = Follower(province.source(page=3))
    assert follower.ids() == keys
    assert [page.rows for page in follower.pages] == [3, 3, 1]


def test_statuses_are_merged_in_order_of_time(province: Province) -> None:
    statuses = ["done", "processing", None, "new", "done", "denied", None, "processing"]
    keys = [province.dossier(dossierStatus=status, modifiedDate=province.ago(days=20 - number)) for number, status in enumerate(statuses)]
    assert Follower(province.source(page=2)).ids() == keys


@pytest.mark.parametrize("kind", ["office.status", 'varchar(20) COLLATE "C"', "name"])
def test_statuses_are_merged_whatever_postgresql_keeps_them_as(postgresql_province: Province, kind: str) -> None:
    """An enumeration is compared with nothing but its own kind, and of the last one nothing is known that could be listed."""
    province = postgresql_province
    keys = [province.dossier(dossierStatus=status, modifiedDate=province.ago(days=9 - number)) for number, status in enumerate(["done", "new", None])]
    province.execute("CREATE SCHEMA office")
    province.execute("CREATE TYPE office.status AS ENUM ('new', 'processing', 'done')")
    province.execute(f"ALTER TABLE opencps_dossier ALTER COLUMN dossierstatus TYPE {kind} USING dossierstatus::{kind}")
    follower = Follower(province.source())
    assert follower.ids() == keys
    province.execute(f"UPDATE opencps_dossier SET dossierstatus = 'processing', modifieddate = now() WHERE dossierid = {keys[0]}")  # noqa: S608
    assert follower.ids()[-1] == keys[0]


def test_rows_that_share_a_time_all_arrive(province: Province) -> None:
    moment = province.ago(hours=1)
    keys = [province.dossier(modifiedDate=moment, dossierStatus=status) for status in ("new", "done", "new", "processing", "done", "new", "new")]
    assert Follower(province.source(page=2)).ids() == keys


def test_a_poll_that_finds_nothing_hands_over_nothing(sqlite_province: Province) -> None:
    for _ in range(5):
        sqlite_province.dossier(modifiedDate=sqlite_province.ago(seconds=30))
    follower = Follower(sqlite_province.source(page=2))
    follower.poll()
    assert follower.rows == 5
    sqlite_province.clock.turn(timedelta(seconds=3))
    follower.poll()
    assert follower.rows == 5
    follower.poll()
    assert follower.pages == []


def test_a_settled_row_is_not_read_again(province: Province) -> None:
    province.dossier(modifiedDate=province.ago(seconds=30))
    newest = province.dossier(modifiedDate=province.ago(seconds=20))
    follower = Follower(province.source())
    follower.poll()
    assert follower.ids() == [newest]


def test_a_change_arrives_once_it_is_made(province: Province) -> None:
    key, other = province.dossier(modifiedDate=province.ago(minutes=2)), province.dossier(modifiedDate=province.ago(seconds=50))
    follower = Follower(province.source())
    follower.poll()
    province.update(key, dossierStatus="done", modifiedDate=province.ago(seconds=10))
    assert key in follower.ids()
    assert other not in [snapshot.dossier.source_id for snapshot in follower.poll()]


def test_a_second_change_within_the_same_tick_arrives(province: Province) -> None:
    moment = province.ago(seconds=5).replace(microsecond=0)
    key = province.dossier(modifiedDate=moment)
    follower = Follower(province.source())
    follower.poll()
    province.update(key, dossierName="Tên mới")
    assert [snapshot.dossier.abstract for snapshot in follower.poll()] == ["Tên mới"]


def test_a_transaction_committed_minutes_after_its_time_arrives(province: Province) -> None:
    late, early = province.dossier(modifiedDate=province.ago(hours=2)), province.dossier(modifiedDate=province.ago(hours=1))
    follower = Follower(province.source())
    follower.poll()
    stamp = province.ago(minutes=3)
    province.update(early, modifiedDate=province.ago(seconds=1))
    assert follower.ids() == [early]
    province.update(late, dossierStatus="done", modifiedDate=stamp)
    assert late in follower.ids()


def test_an_uncommitted_change_is_not_seen_and_arrives_when_committed(province: Province) -> None:
    key = province.dossier(modifiedDate=province.ago(minutes=4))
    follower = Follower(province.source())
    follower.poll()
    with province.transaction() as connection:
        province.update(key, connection, dossierStatus="done", modifiedDate=province.ago(minutes=2))
        assert all(snapshot.dossier.status == "processing" for snapshot in follower.poll())
    assert [snapshot.dossier.status for snapshot in follower.poll() if snapshot.dossier.source_id == key] == ["returned"]


def test_a_clock_set_back_at_the_source_still_delivers(province: Province) -> None:
    key = province.dossier(modifiedDate=province.ago(days=1))
    ahead = str(province.now() + timedelta(hours=6))
    follower = Follower(province.source(), Cursor(modified=ahead, id=1, top=key))
    province.update(key, dossierStatus="done", modifiedDate=province.ago(seconds=1))
    assert follower.ids() == [key]
    assert follower.cursor is not None
    assert follower.cursor.modified < ahead


def test_the_cursor_never_passes_the_sources_present(province: Province) -> None:
    province.dossier(modifiedDate=province.now() + timedelta(days=400))
    follower = Follower(province.source())
    assert len(follower.ids()) == 1
    assert follower.cursor is not None
    assert follower.cursor.modified <= str(province.now())
    key = province.dossier(modifiedDate=province.now())
    assert key in follower.ids()


def test_a_row_stamped_in_the_future_is_still_watched(province: Province) -> None:
    ahead = province.now() + timedelta(days=2)
    key = province.dossier(modifiedDate=ahead)
    follower = Follower(province.source())
    follower.poll()
    province.update(key, dossierStatus="done", modifiedDate=ahead + timedelta(seconds=9))
    assert [snapshot.dossier.status for snapshot in follower.poll()] == ["returned"]


def test_rows_without_a_time_all_arrive_in_the_first_poll(province: Province) -> None:
    keys = [province.dossier(modifiedDate=None, dossierStatus=status) for status in ("new", None, "done", "done", "new")]
    assert sorted(Follower(province.source(page=2)).ids()) == keys


def test_rows_without_a_time_are_read_round_and_round(province: Province) -> None:
    keys = [province.dossier(modifiedDate=None) for _ in range(5)]
    follower = Follower(province.source(page=40))
    follower.poll()
    province.update(keys[3], dossierStatus="done")
    rounds = [follower.ids() for _ in range(4)]
    assert rounds == [keys[0:2], keys[2:4], keys[4:], keys[0:2]]


def test_a_new_dossier_without_a_time_arrives_at_the_next_poll(province: Province) -> None:
    for _ in range(3):
        province.dossier(modifiedDate=None)
    follower = Follower(province.source(page=2))
    follower.poll()
    key = province.dossier(modifiedDate=None)
    assert key in follower.ids()


def test_a_new_dossier_with_a_time_long_past_arrives(province: Province) -> None:
    province.dossier()
    follower = Follower(province.source())
    follower.poll()
    key = province.dossier(modifiedDate=province.ago(days=2000))
    assert key in follower.ids()


def test_many_new_dossiers_arrive_in_pages_and_once(province: Province) -> None:
    province.dossier(modifiedDate=province.ago(days=1))
    province.dossier(modifiedDate=None)
    follower = Follower(province.source(page=2), Cursor(modified=str(province.ago(hours=1)), top=1002))
    keys = [province.dossier(modifiedDate=province.ago(seconds=10)) for _ in range(5)]
    assert follower.ids() == [*keys, 1002]


def test_a_new_step_brings_its_dossier_whatever_the_dossiers_time(province: Province) -> None:
    key, _ = province.dossier(modifiedDate=province.ago(days=9)), province.dossier(modifiedDate=province.ago(days=1))
    follower = Follower(province.source(page=2))
    follower.poll()
    steps = [province.step(key) for _ in range(5)]
    (snapshot,) = (snapshot for snapshot in follower.poll() if snapshot.dossier.source_id == key)
    assert [step.id for step in snapshot.steps] == steps
    assert key not in follower.ids()


def test_a_step_of_no_dossier_disturbs_nobody(province: Province) -> None:
    key = province.dossier(modifiedDate=province.ago(days=9))
    follower = Follower(province.source())
    follower.poll()
    province.step(4711)
    province.insert("opencps_dossieraction", dossierActionId=990001, dossierId=None)
    assert follower.ids() == [key]
    assert follower.cursor is not None
    assert follower.cursor.top_step == 990001


def test_a_page_that_was_not_committed_is_read_again(province: Province) -> None:
    for number in range(4):
        province.dossier(modifiedDate=province.ago(minutes=4 - number))
    source = province.source(page=2)
    first = next(source.poll(None))
    follower = Follower(source, None)
    assert [snapshot.dossier.source_id for snapshot in first.snapshots] == follower.ids()[:2]


def test_a_poll_given_up_half_way_goes_on_from_its_last_page(province: Province) -> None:
    keys = [province.dossier(modifiedDate=province.ago(days=9 - number)) for number in range(6)]
    half = next(province.source(page=3).poll(None))
    assert set(Follower(province.source(page=3), half.cursor).ids()) >= set(keys[3:])


def test_a_restarted_source_reads_the_overlap_again_and_no_more(province: Province) -> None:
    province.dossier(modifiedDate=province.ago(hours=3))
    key = province.dossier(modifiedDate=province.ago(minutes=1))
    follower = Follower(province.source())
    follower.poll()
    assert Follower(province.source(), follower.cursor).ids() == [key]


def test_an_empty_one_stop_is_fine_as_long_as_it_always_was(province: Province) -> None:
    follower = Follower(province.source())
    assert follower.ids() == []
    assert follower.ids() == []
    key = province.dossier(modifiedDate=None)
    assert follower.ids() == [key]


def test_a_one_stop_that_is_suddenly_empty_stops_the_line(province: Province) -> None:
    province.dossier()
    follower = Follower(province.source())
    follower.poll()
    province.execute("DELETE FROM opencps_dossier")
    with pytest.raises(SuspiciousSource, match="no dossier") as caught:
        follower.poll()
    assert "restore" in caught.value.hint


def test_a_database_that_is_an_older_copy_is_suspicious(province: Province) -> None:
    old = province.dossier(modifiedDate=province.ago(hours=3))
    province.step(old)
    new = province.dossier(modifiedDate=province.ago(minutes=1))
    last = province.step(new)
    follower = Follower(province.source())
    follower.poll()
    province.execute(f"DELETE FROM opencps_dossieraction WHERE dossieractionid = {last}")  # noqa: S608 - the test's own words
    follower.poll()
    province.execute(f"DELETE FROM opencps_dossier WHERE dossierid = {new}")  # noqa: S608
    with pytest.raises(SuspiciousSource, match="older than what was read") as caught:
        follower.poll()
    assert "backup" in caught.value.hint


def test_a_copy_that_lags_a_little_behind_is_not(province: Province) -> None:
    first = province.dossier(modifiedDate=province.ago(minutes=4))
    province.step(first)
    second = province.dossier(modifiedDate=province.ago(minutes=1))
    last = province.step(second)
    follower = Follower(province.source())
    follower.poll()
    for table, column, key in (("opencps_dossieraction", "dossieractionid", last), ("opencps_dossier", "dossierid", second)):
        province.execute(f"DELETE FROM {table} WHERE {column} = {key}")  # noqa: S608
    follower.poll()


def test_a_row_that_vanishes_between_its_key_and_its_reading_is_passed_over(province: Province) -> None:
    keys = [province.dossier(modifiedDate=province.ago(minutes=9 - number)) for number in range(4)]
    source = province.source(page=2)
    pages = source.poll(None)
    next(pages)
    province.execute(f"DELETE FROM opencps_dossier WHERE dossierid = {keys[2]}")  # noqa: S608 - the test's own words
    assert [snapshot.dossier.source_id for page in pages for snapshot in page.snapshots] == [keys[3]]


def test_rows_that_are_not_published_are_counted(province: Province) -> None:
    province.dossier(dossierNo="")
    province.dossier()
    follower = Follower(province.source())
    follower.poll()
    assert [(page.rows, page.unpublished) for page in follower.pages] == [(2, 1)]


def test_a_dossier_that_becomes_publishable_comes_with_its_whole_history(province: Province) -> None:
    key = province.dossier(dossierNo=None, modifiedDate=province.ago(days=1))
    steps = [province.step(key, "100"), province.step(key, "200")]
    follower = Follower(province.source())
    assert follower.poll() == []
    province.update(key, dossierNo="000.10.14.H03-251101-0007", modifiedDate=province.ago(seconds=1))
    (snapshot,) = follower.poll()
    assert [step.id for step in snapshot.steps] == steps


def test_an_infinite_window_is_not_kept_in_memory(sqlite_province: Province) -> None:
    for number in range(60):
        sqlite_province.dossier(modifiedDate=sqlite_province.ago(days=60 - number))
    source = sqlite_province.source(page=2)
    Follower(source).poll()
    assert len(source._window) < 10


def test_the_sweep_reads_every_published_dossier_in_order_of_its_key(province: Province) -> None:
    keys = [province.dossier(modifiedDate=province.ago(days=number)) for number in range(5)]
    province.dossier(originality=0)
    pages = list(province.source(page=2).sweep())
    assert [snapshot.dossier.source_id for page in pages for snapshot in page.snapshots] == keys
    assert [page.cursor.id for page in pages] == [keys[1], keys[3], keys[4] + 1]
    assert [page.unpublished for page in pages] == [0, 0, 1]


def test_the_sweep_goes_on_above_a_key(province: Province) -> None:
    keys = [province.dossier() for _ in range(4)]
    (page,) = province.source().sweep(keys[1])
    assert [snapshot.dossier.source_id for snapshot in page.snapshots] == keys[2:]


def test_a_dossier_is_fetched_by_its_code(province: Province) -> None:
    province.dossier()
    key = province.dossier(dossierNo="000.10.14.H03-251101-0042")
    step = province.step(key)
    (page,) = province.source().fetch("000.10.14.H03-251101-0042")
    (snapshot,) = page.snapshots
    assert (snapshot.dossier.source_id, [each.id for each in snapshot.steps], page.cursor) == (key, [step], Cursor(id=key))


def test_of_two_dossiers_with_one_code_the_first_is_fetched(province: Province) -> None:
    province.dossier(dossierNo="A-1", originality=0)
    first, second = province.dossier(dossierNo="A-1"), province.dossier(dossierNo="A-1")
    source = province.source()
    assert source.fetch("A-1")[0].snapshots[0].dossier.source_id == first
    assert source.fetch(f"A-1#{second}")[0].snapshots[0].dossier.source_id == second


def test_an_unknown_or_unpublished_code_is_fetched_as_nothing(province: Province) -> None:
    province.dossier(dossierNo="A-1", originality=0)
    source = province.source()
    assert source.fetch("A-1") == ()
    assert source.fetch("A-2") == ()
    assert source.fetch("#4711") == ()


def test_there_is_no_lag_when_everything_has_been_read(province: Province) -> None:
    source = province.source()
    assert source.lag() is None
    Follower(source).poll()
    assert source.lag() == 0
    province.dossier(modifiedDate=province.ago(minutes=1))
    province.dossier(modifiedDate=None)
    Follower(source).poll()
    assert source.lag() == 0


def test_the_lag_is_how_much_later_than_the_last_poll_the_newest_change_is(sqlite_province: Province) -> None:
    source = sqlite_province.source()
    Follower(source).poll()
    sqlite_province.clock.turn(timedelta(seconds=90))
    sqlite_province.dossier(modifiedDate=sqlite_province.ago(seconds=30))
    sqlite_province.dossier(modifiedDate=sqlite_province.now() + timedelta(days=900))
    assert source.lag() == 60


def test_closing_twice_is_safe(sqlite_province: Province) -> None:
    source = sqlite_province.source()
    source.close()
    source.close()

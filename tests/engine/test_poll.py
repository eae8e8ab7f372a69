"""Polls and sweeps: the cursor follows what is committed, and a source that is not itself is not believed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import event

from syncd.errors import SourceError, StoreUnavailable, SuspiciousSource
from syncd.model import Cursor, Dossier, Page, Snapshot
from syncd.options import SourceOptions
from syncd.poll import Poller
from syncd.store.intake import Taken, read_cursor
from tests.engine.conftest import Make
from tests.engine.engine import Engine, dossier, step


class Shelf:
    """A source behind the port: a list of dossiers, read in pages of two."""

    def __init__(self) -> None:
        self.dossiers: list[Dossier] = []
        self.steps = 0  #: that each dossier has
        self.more: tuple[int, ...] = ()  #: and some with these keys
        self.asked: list[Cursor | None] = []
        self.breaks_after: int | None = None

    def poll(self, cursor: Cursor | None) -> Iterator[Page]:
        self.asked.append(cursor)
        yield from self._pages(self.dossiers)

    def sweep(self, after: int = 0) -> Iterator[Page]:
        self.asked.append(Cursor(id=after))
        yield from self._pages([each for each in self.dossiers if each.source_id > after])

    def _pages(self, rows: list[Dossier]) -> Iterator[Page]:
        for first in range(0, len(rows), 2):
            if self.breaks_after is not None and first >= self.breaks_after:
                raise SourceError("the one-stop went away")
            part = rows[first : first + 2]
            yield Page(
                snapshots=tuple(Snapshot(dossier=each, steps=tuple(map(step, (*range(1, self.steps + 1), *self.more)))) for each in part),
                cursor=Cursor(modified="m", id=part[-1].source_id),
                rows=len(part),
            )

    def fetch(self, code: str) -> tuple[Page, ...]:
        return ()

    def lag(self) -> float | None:
        return 1.5

    def listen(self, ring: Callable[[], None]) -> None:
        """It never rings."""

    def close(self) -> None:
        """Nothing is open."""


def poller_of(engine: Engine, shelf: Shelf, **options: object) -> Poller:
    return Poller(shelf, SourceOptions(**options), engine.intake, engine.board, engine.clock, engine.metrics)  # type: ignore[arg-type]


def shelf_of(count: int, **changes: object) -> Shelf:
    shelf = Shelf()
    shelf.dossiers = [dossier(f"000.00.14.H03-250303-{n:04}", n, **changes) for n in range(1, count + 1)]
    return shelf


def test_a_poll_takes_in_every_page_and_remembers_how_far_it_came(make: Make) -> None:
    engine, shelf = make(), shelf_of(5)
    poller = poller_of(engine, shelf)
    polled = poller.poll()
    assert (polled.rows, polled.new, polled.changed) == (5, 5, 0)
    assert read_cursor(engine.database) == Cursor(modified="m", id=5)
    shelf.dossiers[0] = dossier("000.00.14.H03-250303-0001", 1, note="changed")
    assert poller.poll().changed == 1
    assert shelf.asked == [None, Cursor(modified="m", id=5)]


def test_a_source_that_breaks_off_is_read_on_from_the_last_committed_page(make: Make) -> None:
    engine, shelf = make(), shelf_of(6)
    shelf.breaks_after = 4
    with pytest.raises(SourceError):
        poller_of(engine, shelf).poll()
    assert read_cursor(engine.database) == Cursor(modified="m", id=4)
    assert engine.board.dossiers() == 4


def test_a_sweep_goes_on_where_it_was_interrupted_and_leaves_the_polls_cursor_alone(make: Make) -> None:
    engine, shelf = make(), shelf_of(6)
    poller = poller_of(engine, shelf)
    shelf.breaks_after = 4
    with pytest.raises(SourceError):
        poller.sweep()
    assert engine.board.source().sweep_after == 4
    shelf.breaks_after = None
    assert poller.sweep().rows == 2
    assert shelf.asked == [Cursor(id=0), Cursor(id=4)]
    assert engine.board.source().sweep_after == 0
    assert read_cursor(engine.database) is None


def test_a_source_that_changed_everything_is_not_believed_until_a_person_says_so(make: Make) -> None:
    engine, shelf = make(), shelf_of(300)
    poller = poller_of(engine, shelf)
    poller.poll()
    engine.settle()
    shelf.dossiers = shelf_of(300, note="restored from somewhere").dossiers
    with pytest.raises(SuspiciousSource):
        poller.poll()
    with pytest.raises(SuspiciousSource):
        poller.poll()
    assert engine.deliver() == 0, "the line rests"
    engine.board.note_source(accepted=True)
    assert poller.poll().changed >= 100
    assert not engine.board.source().suspicion
    engine.settle()
    assert {record.note for record in engine.target.records.values()} == {"restored from somewhere"}


def test_the_known_dossiers_are_counted_only_where_many_have_changed(make: Make) -> None:
    engine, shelf = make(), shelf_of(300)
    poller = poller_of(engine, shelf)
    counts = []
    event.listen(engine.database.engine, "before_cursor_execute", lambda *given: counts.append(given[2]) if "count(*)" in given[2] else None)
    poller.poll()
    shelf.dossiers = shelf_of(100, note="changed").dossiers
    assert poller.poll().changed == 100
    assert counts == []
    shelf.dossiers = shelf_of(300, note="restored").dossiers
    with pytest.raises(SuspiciousSource):
        poller.poll()
    assert len(counts) == 1


def test_force_believes_once(make: Make) -> None:
    engine, shelf = make(), shelf_of(300)
    poller = poller_of(engine, shelf)
    poller.poll()
    shelf.dossiers = shelf_of(300, note="a").dossiers
    assert poller.poll(force=True).changed == 300
    shelf.dossiers = shelf_of(300, note="b").dossiers
    with pytest.raises(SuspiciousSource):
        poller.poll()


def test_new_dossiers_never_surprise(make: Make) -> None:
    engine = make()
    poller = poller_of(engine, shelf_of(500))
    assert poller.poll().new == 500


def test_a_state_that_cannot_be_written_leaves_the_cursor_behind(make: Make, state_url: str) -> None:
    if not state_url.startswith("sqlite"):
        pytest.skip("SQLite can be told that its disk is full")
    engine, shelf = make(), shelf_of(400, note="x" * 2000)
    with engine.database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    limit_pages(engine, int(pages) + 20)
    with pytest.raises(StoreUnavailable) as raised:
        poller_of(engine, shelf).poll()
    assert "free space" in raised.value.hint
    reached = read_cursor(engine.database)
    stored = engine.board.dossiers()
    assert stored == (reached.id if reached else 0)
    limit_pages(engine, 10**9)
    assert poller_of(engine, shelf).poll().new == 400 - stored
    engine.settle()
    assert len(engine.target.records) == 400


def limit_pages(engine: Engine, most: int) -> None:
    """Make SQLite's disk that small, for every connection from now on."""
    from sqlalchemy import event

    engine.database.close()
    event.listen(engine.database.engine, "connect", lambda connection, _: connection.execute(f"PRAGMA max_page_count={most}"))


@pytest.mark.parametrize("reading", ["poll", "sweep"])
def test_a_one_stop_that_went_back_in_time_is_not_believed(make: Make, reading: str) -> None:
    engine, shelf = make(), shelf_of(30)
    shelf.steps = 3
    poller = poller_of(engine, shelf)
    poller.poll()
    shelf.steps = 2
    with pytest.raises(SuspiciousSource, match="fewer steps than before"):
        getattr(poller, reading)()
    assert engine.ledger.claim("portal", 100, engine.clock.now(), engine.delivery.lease_term) == []
    engine.board.note_source(accepted=True)
    assert poller.poll().back == 10  # the others were read before it was too much


def test_what_a_sweep_suspects_a_poll_under_way_neither_takes_over_nor_forgets(make: Make) -> None:
    engine, shelf = make(), shelf_of(1)
    poller = poller_of(engine, shelf)
    poller.poll()
    begun, said, polls = threading.Event(), list[SuspiciousSource](), list[threading.Thread]()

    def poll(cursor: Cursor | None) -> Iterator[Page]:
        shelf.dossiers = shelf_of(1, note="changed").dossiers
        begun.set()
        return swept()

    def sweep(after: int = 0) -> Iterator[Page]:
        polls.append(threading.Thread(target=lambda: said.append(refused(poller))))
        polls[0].start()
        assert begun.wait(10)  # it trusts the one-stop, and waits for this page
        raise SuspiciousSource("everything changed")
        yield

    swept, shelf.poll, shelf.sweep = shelf.sweep, poll, sweep  # type: ignore[method-assign]
    with pytest.raises(SuspiciousSource):
        poller.sweep()
    polls[0].join()
    assert ([each.message for each in said], engine.board.source().suspicion) == (["everything changed"], "everything changed")
    assert engine.row(shelf.dossiers[0].code)["wanted_version"] == 1


def refused(poller: Poller) -> SuspiciousSource:
    with pytest.raises(SuspiciousSource) as raised:
        poller.poll()
    return raised.value


@pytest.mark.parametrize("noted", [{"suspicion": "everything changed"}, {"accepted": True}])
def test_a_poll_leaves_what_was_noted_since_it_began(make: Make, noted: dict[str, Any]) -> None:
    engine, shelf = make(), shelf_of(2)

    def lag() -> float:
        engine.board.note_source(**noted)
        return 0.0

    shelf.lag = lag  # type: ignore[method-assign]
    poller_of(engine, shelf).poll()
    left = engine.board.source()
    assert (left.suspicion, left.accepted) == (noted.get("suspicion", ""), noted.get("accepted", False))


def test_a_poll_compares_anew_what_a_repair_has_stored_meanwhile(make: Make) -> None:
    engine, shelf = make(), shelf_of(2)
    poller = poller_of(engine, shelf)
    poller.poll()
    code, repaired = shelf.dossiers[0].code, list[Taken]()
    shelf.dossiers[0] = dossier(code, 1, note="as the poll read it")

    def repair(*given: object) -> None:
        if "snapshot.body" in str(given[2]) and not repaired:  # the poll has compared, and not yet stored
            repaired.append(Taken())
            repaired[0] = engine.see(dossier(code, 1, note="as the repair read it"))

    event.listen(engine.database.engine, "before_cursor_execute", repair)
    assert (poller.poll().changed, repaired[0].changed) == (1, 1)
    assert read_cursor(engine.database) == Cursor(modified="m", id=2)
    assert engine.row(code)["wanted_version"] == 3
    engine.settle()
    assert engine.target.records[code].note == "as the poll read it"


def test_a_step_taken_back_once_is_no_step_back_in_time_for_good(make: Make) -> None:
    engine, shelf = make(), shelf_of(30)
    shelf.steps = 3
    poller = poller_of(engine, shelf)
    poller.poll()
    engine.settle()
    shelf.steps = 2
    assert poller.poll(force=True).back == 30
    for dossiers, more in ((shelf_of(30, note="changed").dossiers, ()), (shelf_of(30, note="again").dossiers, (4,)), (shelf_of(30).dossiers, (4, 5))):
        shelf.dossiers, shelf.more = dossiers, more
        polled = poller.poll()
        assert (polled.changed, polled.back) == (30, 0)


def test_a_step_taken_back_amid_others_is_no_step_back_in_time(make: Make) -> None:
    engine, shelf = make(), shelf_of(30)
    shelf.steps, shelf.more = 2, (4, 5)
    poller = poller_of(engine, shelf)
    poller.poll()
    engine.settle()
    shelf.more = (5,)
    assert (poller.poll().back, engine.board.source().suspicion) == (0, "")

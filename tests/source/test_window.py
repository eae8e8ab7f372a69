"""However late a transaction is committed, within the overlap its change arrives: at the next poll where it is hardly late, else by
the first poll that begins a twentieth of the overlap after the last whole listing. Tried with histories that nobody would think of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import URL

from connectors._onestop.poll import PARTS
from tests.examples import examples
from tests.source.opencps import Follower, Province

OVERLAP = 200  #: seconds
PART = OVERLAP // PARTS
PAGE = 3
DOSSIERS = 12


class Commit(NamedTuple):
    """A change to a dossier: when it is committed, and how many seconds before that its time was taken."""

    wait: float
    dossier: int
    late: int


class Poll(NamedTuple):
    """A poll, so many seconds after what came before it; by a process that has just been started, or the one of the last poll."""

    wait: float
    fresh: bool


waits = st.integers(1, 60).map(lambda tenths: tenths / 10)
lateness = st.one_of(st.integers(0, 2), st.integers(0, PART), st.integers(PART, OVERLAP - 1), st.integers(OVERLAP - PART, OVERLAP - 1))
commits = st.builds(Commit, st.integers(1, 20).map(lambda tenths: tenths / 10), st.integers(0, DOSSIERS - 1), lateness)
polls = st.builds(Poll, waits, st.sampled_from((False, False, False, True)))


@contextmanager
def province() -> Iterator[Province]:
    """A one-stop of some dossiers, untouched for a day."""
    with TemporaryDirectory() as folder, Province(URL.create("sqlite", database=str(Path(folder) / "onestop.db"))) as made:
        for number in range(DOSSIERS):
            made.dossier(dossierId=number + 1, modifiedDate=made.ago(days=1, seconds=number), dossierName="")
        yield made


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.one_of(commits, commits, polls), min_size=8, max_size=60))
def test_every_change_arrives_within_its_bound(history: Sequence[Commit | Poll]) -> None:
    with province() as made:
        follower = Follower(made.source(page=PAGE, overlap=f"{OVERLAP}s"))
        follower.poll()
        arrived: dict[int, str] = {}
        owed: dict[int, tuple[str, float]] = {}  # the name it must have, and by when
        for number, event in enumerate(history):
            made.clock.turn(timedelta(seconds=event.wait))
            now = made.clock.monotonic()
            if isinstance(event, Commit):
                name = f"change {number}"
                made.update(event.dossier + 1, dossierName=name, modifiedDate=made.ago(seconds=event.late, microseconds=number))
                owed[event.dossier + 1] = (name, now if event.late <= PART else now + PART)
                continue
            if event.fresh:
                follower = Follower(made.source(page=PAGE, overlap=f"{OVERLAP}s"), follower.cursor)
            arrived.update({snapshot.dossier.source_id: snapshot.dossier.abstract for snapshot in follower.poll()})
            owed = {key: (name, by) for key, (name, by) in owed.items() if arrived.get(key) != name}
            assert [name for name, by in owed.values() if by <= now] == []


def test_what_is_committed_at_the_last_moment_is_ahead_of_the_next_whole_listing_though_the_cursor_went_on() -> None:
    with province() as made:
        follower = Follower(made.source(page=PAGE, overlap=f"{OVERLAP}s"))
        for wait, dossier, late in ((0, 1, 0), (1, 2, 0), (1, 3, 0), (1, 4, 0)):
            change(made, wait, dossier, late)
        assert len(follower.ids()) == DOSSIERS
        made.clock.turn(timedelta(seconds=PART + 1))
        follower.poll()  # the whole window, crowded
        change(made, 1, 9, OVERLAP - 3)
        change(made, PART - 4, 1, 0)
        made.clock.turn(timedelta(seconds=1))
        assert follower.ids() == [1]
        made.clock.turn(timedelta(seconds=3))
        assert follower.ids() == [9, 1]


def change(made: Province, wait: float, dossier: int, late: float) -> None:
    """After a while, commit a change whose time was taken so many seconds before."""
    made.clock.turn(timedelta(seconds=wait))
    made.update(dossier, dossierName=f"changed {made.clock.monotonic()}", modifiedDate=made.ago(seconds=late, microseconds=dossier))

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


waits = st.integers(1, 100).map(lambda tenths: tenths / 10)
lateness = st.one_of(st.integers(0, 2), st.integers(0, PART), st.integers(PART, OVERLAP - 1))
commits = st.builds(Commit, st.integers(1, 20).map(lambda tenths: tenths / 10), st.integers(0, DOSSIERS - 1), lateness)
polls = st.builds(Poll, waits, st.sampled_from((False, False, False, True)))


@contextmanager
def province() -> Iterator[Province]:
    """A one-stop of some dossiers, untouched for a day."""
    with TemporaryDirectory() as folder, Province(URL.create("sqlite", database=str(Path(folder) / "onestop.db"))) as made:
        for number in range(DOSSIERS):
            made.dossier(dossierId=number + 1, modifiedDate=made.ago(days=1, seconds=number), dossierName="")
        yield made


@settings(max_examples=60, deadline=None)
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

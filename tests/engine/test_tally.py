"""The figures of the agencies: what was missed is counted with the next count, and a count that must stop says nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from syncd.model import Snapshot, Statistic
from syncd.store.matters import Routes
from syncd.tally import Tally, ended
from tests.clocks import TurnedClock
from tests.engine.conftest import Make
from tests.engine.engine import ZONE, Engine, dossier
from tests.reconcile.sides import Province

DAY = timedelta(days=1)
FIGURES = Routes([], {}, ["portal"])


def tally_of(engine: Engine, source: Province) -> Tally:
    return Tally(source, engine.intake, engine.board, engine.clock, ZONE)


def due(engine: Engine) -> dict[str, Statistic]:
    claims = engine.ledger.claim("portal", 50, engine.clock.now(), DAY)
    return {claim.subject.removesuffix(":000.00.14.H03"): claim.matter for claim in claims if isinstance(claim.matter, Statistic)}


@pytest.mark.parametrize(
    ("last", "today", "days"),
    [
        ((2025, 3, 19), (2025, 3, 20), [(2025, 3, 19)]),
        ((2025, 3, 31), (2025, 4, 1), [(2025, 3, 31)]),
        ((2025, 4, 1), (2025, 4, 2), [(2025, 4, 1)]),
        ((2025, 3, 31), (2025, 4, 2), [(2025, 3, 31), (2025, 4, 1)]),
        ((2025, 3, 20), (2025, 4, 9), [(2025, 3, 31), (2025, 4, 8)]),
        ((2024, 12, 31), (2025, 3, 2), [(2024, 12, 31), (2025, 1, 31), (2025, 2, 28), (2025, 3, 1)]),
        ((2025, 4, 2), (2025, 4, 2), [(2025, 4, 1)]),
        ((2025, 5, 2), (2025, 4, 2), [(2025, 4, 1)]),
    ],
)
def test_each_month_that_ended_since_the_last_count_is_counted(
    last: tuple[int, int, int], today: tuple[int, int, int], days: list[tuple[int, int, int]]
) -> None:
    assert ended(date(*last), date(*today)) == [date(*day) for day in days]


def test_the_last_hours_of_a_month_are_counted_although_the_count_of_the_first_failed(make: Make) -> None:
    six = datetime(2024, 12, 30, 23, tzinfo=UTC)  # 06:00 on the last of December
    engine, source = make(clock=TurnedClock(six), routes=FIGURES), Province(0)
    source.rows[1] = Snapshot(dossier=dossier("H03-1", 1, received_at=six - DAY))
    tally = tally_of(engine, source)
    tally.count()
    source.rows[2] = Snapshot(dossier=dossier("H03-2", 2, received_at=six + timedelta(hours=14)))
    engine.clock.turn(2 * DAY)
    tally.count()
    found = due(engine)
    assert {key: (each.received, each.carried_over) for key, each in found.items()} == {
        "statistic:2024-12": (2, 0),
        "statistic:2024": (2, 0),
        "statistic:2025-01": (0, 2),
        "statistic:2025": (0, 2),
    }
    assert tally.last() == engine.clock.now()


def test_a_count_that_is_told_to_stop_writes_nothing(make: Make) -> None:
    engine = make(routes=FIGURES)
    tally = tally_of(engine, Province(9))
    assert (tally.count(proceed=lambda: False), tally.last(), due(engine)) == (0, None, {})
    assert tally.count() > 0
    assert due(engine)

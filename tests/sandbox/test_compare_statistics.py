"""What syncd counts is what a count in SQL over the same one-stop says, on each database; and what differs is found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

import msgspec
import pytest
from sqlalchemy import Engine

from connectors._lgsp.mapping import load
from connectors.onestop import open_source
from syncd.calls import Operation, Portion
from syncd.model import Dossier
from syncd.sandbox.compare_statistics import Figures, compare_statistics, count
from syncd.sandbox.holdings import Body
from syncd.sandbox.lgsp_checks import check
from syncd.sandbox.life import Life
from syncd.sandbox.onestop import ZONE, build, connect, local_now
from syncd.statistics import statistics
from tests.clocks import TurnedClock
from tests.source.opencps import options

Sent = dict[tuple[int, int, str], Body]


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def lively(request: pytest.FixtureRequest, clock: TurnedClock) -> Iterator[Engine]:
    """A one-stop where officers have been at work for a while."""
    engine = connect(request.getfixturevalue(f"{request.param}_url"))
    build(engine, dossiers=250, seed=4, clock=clock)
    life = Life(engine, clock, Random(4))
    life.move(60)
    life.settle()
    yield engine
    engine.dispose()


def told(engine: Engine, clock: TurnedClock, day: date) -> Sent:
    """What the platform is told, worked out by syncd's own parts."""
    source = open_source(options(url=engine.url.render_as_string(hide_password=False)), clock=clock)
    mapping = load("lgsp", None, contents=False)
    sent = {}
    for each in statistics((one for page in source.sweep() for one in page.snapshots), [day], clock.now(), ZONE):
        portion = Portion(operation=Operation.CREATE, dossier=Dossier(code="", source_id=0), subject=each.key, matter=each)
        body = check("UpdateStatistic", msgspec.json.decode(mapping.compose(portion).body))
        sent[body["Year"], body["Month"], body["OrganizationInchargeIdlevel1"]] = body
    source.close()
    return sent


@pytest.mark.parametrize("back", [timedelta(days=1), timedelta(days=20)])
def test_what_is_told_is_what_sql_counts(lively: Engine, clock: TurnedClock, back: timedelta) -> None:
    now = local_now(clock)
    sent = told(lively, clock, (now - back).date())
    assert len({month for _, month, _ in sent}) == 2, "the month and the year"
    assert len(sent) > 60
    assert list(compare_statistics(lively, sent, now)) == []
    totals = [sum(figures) for figures in zip(*count(lively, now.year, now.month, now).values(), strict=True)]
    assert all(totals), "each figure occurs"


@pytest.fixture
def sent(onestop: Engine, clock: TurnedClock) -> Sent:
    return told(onestop, clock, local_now(clock).date())


@pytest.mark.parametrize("name", ["NewReception", "PreExtisting", "Total", "SolvedInTime", "SolvedLatePercent", "PendingLate", "IsMonthStatistic"])
def test_a_figure_that_differs_is_named(onestop: Engine, clock: TurnedClock, sent: Sent, name: str) -> None:
    (year, month, agency), body = next(iter(sent.items()))
    body[name] = 77
    (found,) = compare_statistics(onestop, sent, local_now(clock))
    assert (found.kind, found.dossier, found.field, found.found) == ("statistic", agency, f"{year}-{month:02} {name}", "77")


def test_an_agency_that_is_missing_or_too_much_is_told(onestop: Engine, clock: TurnedClock, sent: Sent) -> None:
    year, month, agency = next(key for key in sent if not key[1])
    sent[year, month, "H99"] = sent.pop((year, month, agency))
    found = [(each.kind, each.dossier, each.field) for each in compare_statistics(onestop, sent, local_now(clock))]
    assert found == [("statistic_missing", agency, str(year)), ("statistic_extra", "H99", str(year))]


def test_sums_and_shares_follow_from_the_figures() -> None:
    assert Figures(3, 1, 2, 1, 0, 1).told() == {
        "NewReception": 3, "PreExtisting": 1, "Total": 4, "TotalSolved": 3, "SolvedInTime": 2, "SolvedInTimePercent": 66.67, "SolvedLate": 1,
        "SolvedLatePercent": 33.33, "TotalPending": 1, "Pending": 0, "PendingPercent": 0.0, "PendingLate": 1, "PendingLatePercent": 100.0,
    }  # fmt: skip
    assert Figures(0, 0, 0, 0, 0, 0).told()["SolvedInTimePercent"] == 0.0

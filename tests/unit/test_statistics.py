"""What is counted, when, and for whom."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from syncd.model import Agency, Dossier, Snapshot, Statistic, Status, Step
from syncd.statistics import CLOSING, FIGURES, solved_at, statistics

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
DAY = date(2025, 3, 20)
NOW = datetime(2025, 3, 20, 9, tzinfo=ZONE)
DUC_XUAN = Agency(code="000.00.14.H03", name="UBND phường Đức Xuân")


def at(month: int, day: int, hour: int = 8, year: int = 2025) -> datetime:
    return datetime(year, month, day, hour, tzinfo=ZONE)


def dossier(received: datetime | None, due: datetime | None = None, processed: datetime | None = None, agency: Agency = DUC_XUAN) -> Dossier:
    return Dossier(code="A", source_id=1, agency=agency, received_at=received, due_at=due, processed_at=processed)


def counted(*dossiers: Dossier, day: date = DAY, now: datetime = NOW, steps: tuple[Step, ...] = ()) -> list[Statistic]:
    return statistics([Snapshot(dossier=one, steps=steps) for one in dossiers], [day], now, ZONE)


def figures(*dossiers: Dossier, day: date = DAY, now: datetime = NOW, steps: tuple[Step, ...] = ()) -> tuple[dict[str, int], ...]:
    """What of the month and the year is not zero."""
    rows = counted(*dossiers, day=day, now=now, steps=steps)
    return tuple({figure: getattr(row, figure) for figure in FIGURES if getattr(row, figure)} for row in rows)


@pytest.mark.parametrize(
    ("one", "month", "year"),
    [
        (dossier(at(3, 1), at(3, 5), at(3, 4)), {"received": 1, "on_time": 1}, {"received": 1, "on_time": 1}),
        (dossier(at(3, 1), at(3, 5), at(3, 5)), {"received": 1, "on_time": 1}, {"received": 1, "on_time": 1}),
        (dossier(at(3, 1), at(3, 5), at(3, 5, 9)), {"received": 1, "late": 1}, {"received": 1, "late": 1}),
        (dossier(at(3, 1), None, at(3, 9)), {"received": 1, "on_time": 1}, {"received": 1, "on_time": 1}),
        (dossier(at(3, 1), at(3, 25)), {"received": 1, "pending": 1}, {"received": 1, "pending": 1}),
        (dossier(at(3, 1), NOW), {"received": 1, "pending": 1}, {"received": 1, "pending": 1}),
        (dossier(at(3, 1), NOW - timedelta(seconds=1)), {"received": 1, "overdue": 1}, {"received": 1, "overdue": 1}),
        (dossier(at(3, 1)), {"received": 1, "pending": 1}, {"received": 1, "pending": 1}),
        (dossier(at(2, 1), at(2, 5), at(3, 4)), {"carried_over": 1, "late": 1}, {"received": 1, "late": 1}),
        (dossier(at(2, 1), at(2, 5)), {"carried_over": 1, "overdue": 1}, {"received": 1, "overdue": 1}),
        (dossier(at(2, 1), at(2, 5), at(2, 4)), {}, {"received": 1, "on_time": 1}),
        (dossier(at(12, 1, year=2024), at(3, 30)), {"carried_over": 1, "pending": 1}, {"carried_over": 1, "pending": 1}),
        (dossier(at(12, 1, year=2024), at(1, 5), at(1, 3)), {}, {"carried_over": 1, "on_time": 1}),
    ],
)
def test_a_dossier_counts_once_where_it_came_from_and_once_where_it_went(one: Dossier, month: dict[str, int], year: dict[str, int]) -> None:
    assert figures(one) == (month, year)


@pytest.mark.parametrize(
    "one",
    [
        dossier(None, at(3, 5), at(3, 4)),
        dossier(NOW + timedelta(seconds=1)),
        dossier(at(12, 1, year=2024), None, at(12, 31, year=2024)),
    ],
)
def test_what_was_not_received_or_was_over_before_counts_nowhere(one: Dossier) -> None:
    assert counted(one) == []


def test_what_happens_after_the_period_does_not_count_in_it() -> None:
    later = dossier(at(2, 3), at(2, 20), at(3, 4))
    assert figures(later, day=date(2025, 2, 1)) == ({"received": 1, "overdue": 1}, {"received": 1, "late": 1})
    due_later = dossier(at(2, 3), at(3, 2))
    assert figures(due_later, day=date(2025, 2, 1)) == ({"received": 1, "pending": 1}, {"received": 1, "overdue": 1})
    assert figures(dossier(at(3, 1)), day=date(2025, 2, 1)) == ({}, {"received": 1, "pending": 1})


@pytest.mark.parametrize(("hour", "month"), [(16, {"carried_over": 1, "pending": 1}), (17, {"received": 1, "pending": 1})])
def test_a_period_begins_at_midnight_in_viet_nam(hour: int, month: dict[str, int]) -> None:
    assert figures(dossier(datetime(2025, 2, 28, hour, 59, tzinfo=UTC)))[0] == month


def test_a_year_ends_with_december() -> None:
    last = dossier(at(12, 31, 23))
    assert figures(last, day=date(2025, 12, 31), now=at(1, 5, year=2026)) == ({"received": 1, "pending": 1}, {"received": 1, "pending": 1})
    assert figures(last, day=date(2026, 1, 1), now=at(1, 5, year=2026)) == ({"carried_over": 1, "pending": 1}, {"carried_over": 1, "pending": 1})


def test_times_that_cannot_be_do_not_break_the_sums() -> None:
    before_reception = dossier(at(3, 1), at(3, 5), at(2, 1))
    assert figures(before_reception)[0] == {"received": 1, "on_time": 1}
    in_the_future = dossier(at(3, 1), at(3, 5), NOW + timedelta(days=1))
    assert figures(in_the_future)[0] == {"received": 1, "overdue": 1}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"processed_at": at(3, 3), "returned_at": at(3, 4), "refused_at": at(3, 5)}, at(3, 3)),
        ({"returned_at": at(3, 4), "refused_at": at(3, 5)}, at(3, 4)),
        ({"refused_at": at(3, 5)}, at(3, 5)),
        ({}, None),
    ],
)
def test_a_dossier_is_solved_by_the_first_of_its_ends(given: dict[str, datetime], told: datetime | None) -> None:
    assert solved_at(replace(dossier(at(3, 1)), **given), ()) == told


def steps(*events: tuple[Status | None, datetime | None]) -> tuple[Step, ...]:
    return tuple(Step(id=number, at=when, status=status) for number, (status, when) in enumerate(events, start=1))


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (steps((Status.RECEIVED, at(3, 1)), (Status.WITHDRAWN, at(3, 2))), at(3, 2)),
        (steps((Status.STOPPED, at(3, 2)), (None, at(3, 3)), (Status.STOPPED, at(3, 4))), at(3, 2)),
        (steps((Status.STOPPED, at(3, 2)), (Status.PROCESSING, at(3, 3)), (Status.STOPPED, at(3, 4))), at(3, 4)),
        (steps((Status.STOPPED, None), (Status.STOPPED, at(3, 4))), at(3, 4)),
        (steps((Status.STOPPED, at(3, 2)), (Status.PROCESSING, at(3, 3))), None),
        (steps((Status.STOPPED, None)), None),
        ((), None),
    ],
)
def test_else_it_is_solved_by_the_step_that_closed_it(events: tuple[Step, ...], told: datetime | None) -> None:
    for status in Status:
        assert solved_at(replace(dossier(at(3, 1)), status=status), events) == (told if status in CLOSING else None)


def test_the_closing_step_counts() -> None:
    withdrawn = replace(dossier(at(3, 1), at(3, 5)), status=Status.WITHDRAWN)
    assert figures(withdrawn, steps=steps((Status.WITHDRAWN, at(3, 6))))[0] == {"received": 1, "late": 1}


def test_each_agency_has_its_month_and_its_year_in_order() -> None:
    other, nameless = Agency(code="000.00.02.H03", name="UBND xã Đôn Phong"), Agency(code="")
    rows = counted(dossier(at(3, 1)), dossier(at(1, 1), agency=other), dossier(at(3, 2), agency=nameless))
    assert [(row.agency, row.year, row.month, row.received) for row in rows] == [
        (nameless, 2025, 3, 1),
        (nameless, 2025, 0, 1),
        (other, 2025, 3, 0),
        (other, 2025, 0, 1),
        (DUC_XUAN, 2025, 3, 1),
        (DUC_XUAN, 2025, 0, 1),
    ]
    assert rows[2].key == "statistic:2025-03:000.00.02.H03"
    assert rows[2].carried_over == 1


def test_an_agency_goes_by_the_name_of_its_latest_dossier_in_whatever_order_they_come() -> None:
    named = [dossier(at(3, day), agency=Agency(code="X", name=name)) for day, name in ((2, "Phường Mới"), (1, "Xã Cũ"), (3, ""))]
    assert {row.agency.name for row in counted(*named)} == {"Phường Mới"}
    assert {row.agency.name for row in counted(*reversed(named))} == {"Phường Mới"}


instants = st.datetimes(datetime(2023, 1, 1), datetime(2026, 12, 31), timezones=st.sampled_from([UTC, ZONE]))  # noqa: DTZ001  the zone is drawn
events = st.lists(st.builds(Step, id=st.just(1), at=st.none() | instants, status=st.none() | st.sampled_from(Status)), max_size=4).map(tuple)
dossiers = st.builds(
    Dossier,
    code=st.just("A"),
    source_id=st.just(1),
    agency=st.builds(Agency, code=st.sampled_from(["", "H03.14", "H03.2"]), name=st.sampled_from(["", "a", "b"])),
    status=st.none() | st.sampled_from(Status),
    **{name: st.none() | instants for name in ("received_at", "due_at", "processed_at", "returned_at", "refused_at")},
)
snapshots = st.lists(st.builds(Snapshot, dossier=dossiers, steps=events), max_size=8)


@given(snapshots, st.dates(date(2023, 1, 1), date(2026, 12, 31)), instants)
def test_what_came_is_what_went_or_stayed(given: list[Snapshot], day: date, now: datetime) -> None:
    rows = statistics(given, [day], now, ZONE)
    for row in rows:
        assert row.received + row.carried_over == row.on_time + row.late + row.pending + row.overdue
    assert statistics(reversed(given), [day], now, ZONE) == rows


@given(snapshots, st.lists(st.dates(date(2023, 11, 1), date(2024, 2, 28)), min_size=1, max_size=3), instants)
def test_several_months_are_counted_at_once_as_each_by_itself(given: list[Snapshot], days: list[date], now: datetime) -> None:
    rows = statistics(given, days, now, ZONE)
    apart = {each.key: each for day in days for each in statistics(given, [day], now, ZONE)}
    assert len(rows) == len(apart)
    assert {each.key: each for each in rows} == apart


@given(snapshots, instants)
def test_the_months_of_a_year_receive_and_solve_what_the_year_does(given: list[Snapshot], now: datetime) -> None:
    year = now.astimezone(ZONE).year
    monthly = [statistics(given, [date(year, month, 1)], now, ZONE) for month in range(1, 13)]
    for figure in ("received", "on_time", "late"):
        assert sum(getattr(row, figure) for rows in monthly for row in rows if row.month) == sum(getattr(row, figure) for row in monthly[0] if not row.month)


def test_the_dossiers_pass_by_and_are_not_kept() -> None:
    def many() -> Iterator[Snapshot]:
        for number in range(20_000):
            agency = Agency(code=f"000.00.{number % 50:02}.H03", name=f"Đơn vị {number % 50}")
            yield Snapshot(dossier=dossier(at(1 + number % 3, 1 + number % 28), agency=agency), steps=(Step(id=number),))

    tracemalloc.start()
    rows = statistics(many(), [DAY], NOW, ZONE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(rows) == 100
    assert peak < 1_000_000

"""When a dossier has ended, when it waited, and whether it is late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.model import Dossier, Snapshot, Status, Step
from syncd.timeliness import OPEN, Lateness, Verdict, ended_at, lateness, supplements

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
S = Status


def day(number: int, hour: int = 8) -> datetime:
    return datetime(2025, 3, number, hour, tzinfo=ZONE)


NOW, DUE = day(20), day(10)


def steps(*events: tuple[Status | None, datetime | None]) -> tuple[Step, ...]:
    return tuple(Step(id=number, at=at, status=status) for number, (status, at) in enumerate(events, start=1))


def snapshot(status: Status | None, *events: tuple[Status | None, datetime | None], due: datetime | None = DUE, **times: Any) -> Snapshot:
    return Snapshot(dossier=Dossier(code="A", source_id=1, status=status, due_at=due, **times), steps=steps(*events))


@pytest.mark.parametrize(
    ("events", "ended"),
    [
        ([(S.PROCESSED, day(4)), (S.RETURNED, day(5))], day(4)),
        ([(S.RETURNED, day(4)), (S.PROCESSED, day(5))], day(5)),
        ([(S.STOPPED, day(3)), (S.RETURNED, day(5))], day(5)),
        ([(S.WITHDRAWN, day(6)), (S.REFUSED, day(5)), (S.STOPPED, day(7))], day(5)),
        ([(S.PROCESSED, day(4)), (S.PROCESSED, day(6))], day(4)),
        ([(S.PROCESSED, day(4)), (S.PROCESSING, day(5)), (S.PROCESSED, day(6))], day(6)),
        ([(S.PROCESSED, day(4)), (None, day(5)), (S.PROCESSED, day(6))], day(4)),
        ([(S.PROCESSED, None), (S.RETURNED, day(6))], day(6)),
        ([(S.RECEIVED, day(1))], None),
        ([], None),
    ],
)
def test_the_end_is_told_by_the_steps(events: list[tuple[Status | None, datetime | None]], ended: datetime | None) -> None:
    assert ended_at(snapshot(S.RETURNED, *events)) == ended


def test_where_no_step_tells_the_end_the_record_does() -> None:
    record = {"processed_at": day(4), "returned_at": day(5), "refused_at": day(6)}
    assert ended_at(snapshot(S.RETURNED, (S.PROCESSED, day(9)), **record)) == day(9)
    assert ended_at(snapshot(S.RETURNED, (S.PROCESSED, None), **record)) == day(4)
    assert ended_at(snapshot(S.RETURNED, returned_at=day(5), refused_at=day(6))) == day(5)
    assert ended_at(snapshot(S.REFUSED, refused_at=day(6))) == day(6)


@pytest.mark.parametrize(
    ("events", "waits"),
    [
        ([], []),
        ([(S.SUPPLEMENT, day(2)), (S.PROCESSING, day(4))], [(day(2), day(4))]),
        ([(S.SUPPLEMENT, day(2)), (S.SUPPLEMENT, day(3)), (S.PROCESSING, day(4))], [(day(2), day(4))]),
        ([(S.SUPPLEMENT, day(2)), (None, day(3)), (S.SUPPLEMENT, day(4))], [(day(2), None)]),
        ([(S.SUPPLEMENT, day(2)), (S.PROCESSING, None), (S.SUPPLEMENT, None)], [(day(2), None), (None, None)]),
    ],
)
def test_each_wait_for_a_supplement_has_its_request_and_its_end(
    events: list[tuple[Status | None, datetime | None]], waits: list[tuple[datetime | None, datetime | None]]
) -> None:
    assert supplements(steps(*events)) == waits


@pytest.mark.parametrize(
    ("end", "verdict"),
    [
        (DUE, Verdict()),
        (DUE + timedelta(seconds=1), Verdict(how=Lateness.LATE, days=1)),
        (DUE + timedelta(days=1), Verdict(how=Lateness.LATE, days=1)),
        (DUE + timedelta(days=1, seconds=1), Verdict(how=Lateness.LATE, days=2)),
    ],
)
def test_a_dossier_is_in_time_up_to_the_promised_moment(end: datetime, verdict: Verdict) -> None:
    assert lateness(snapshot(S.PROCESSED, (S.PROCESSED, end)), NOW) == verdict


def test_nothing_is_said_without_a_promise_or_before_it_has_passed() -> None:
    assert lateness(snapshot(S.PROCESSED, (S.PROCESSED, day(12)), due=None), NOW) is None
    assert lateness(snapshot(S.PROCESSING, due=NOW), NOW) is None
    assert lateness(snapshot(S.PROCESSING, due=NOW - timedelta(days=2)), NOW) == Verdict(how=Lateness.OVERDUE, days=2)


def test_a_dossier_taken_up_again_is_open() -> None:
    assert lateness(snapshot(S.PROCESSING, (S.PROCESSED, day(9)), (S.PROCESSING, day(11)), processed_at=day(9)), NOW) == Verdict(how=Lateness.OVERDUE, days=10)


def test_the_time_it_waited_for_supplements_is_deducted() -> None:
    waited = ((S.SUPPLEMENT, day(5)), (S.PROCESSING, day(8)))
    assert lateness(snapshot(S.PROCESSED, *waited, (S.PROCESSED, day(13))), NOW) == Verdict()
    assert lateness(snapshot(S.PROCESSED, *waited, (S.PROCESSED, day(13, 9))), NOW) == Verdict(how=Lateness.LATE, days=1)
    again = (*waited, (S.SUPPLEMENT, day(9)), (S.PROCESSING, day(10)), (S.PROCESSED, day(14)))
    assert lateness(snapshot(S.PROCESSED, *again), NOW) == Verdict()
    assert lateness(snapshot(S.PROCESSING, *waited), day(13)) is None
    assert lateness(snapshot(S.PROCESSING, *waited), day(14)) == Verdict(how=Lateness.OVERDUE, days=1)


def test_a_wait_that_cannot_be_measured_deducts_nothing() -> None:
    for asked, until in ((None, day(8)), (day(5), None), (day(8), day(5))):
        assert lateness(snapshot(S.PROCESSED, (S.SUPPLEMENT, asked), (S.PROCESSING, until), (S.PROCESSED, day(11))), NOW) == Verdict(how=Lateness.LATE, days=1)


def test_while_it_waits_for_its_first_supplement_the_clock_stands() -> None:
    assert lateness(snapshot(S.SUPPLEMENT, (S.SUPPLEMENT, day(9))), NOW) == Verdict()
    assert lateness(snapshot(S.SUPPLEMENT, (S.SUPPLEMENT, day(12))), NOW) == Verdict(how=Lateness.LATE, days=2)
    assert lateness(snapshot(S.SUPPLEMENT, (S.SUPPLEMENT, None)), NOW) is None


def test_while_it_waits_for_another_one_it_is_overdue() -> None:
    again = ((S.SUPPLEMENT, day(2)), (S.PROCESSING, day(3)), (S.SUPPLEMENT, day(4)))
    assert lateness(snapshot(S.SUPPLEMENT, *again), day(5)) == Verdict(how=Lateness.ASKED_AGAIN)


def test_where_no_request_is_known_the_clock_runs_on() -> None:
    assert lateness(snapshot(S.SUPPLEMENT), NOW) == Verdict(how=Lateness.OVERDUE, days=10)


instants = st.datetimes(datetime(2025, 1, 1), datetime(2025, 12, 31), timezones=st.sampled_from([UTC, ZONE]))  # noqa: DTZ001  the zone is drawn
histories = st.lists(st.tuples(st.none() | st.sampled_from(Status), st.none() | instants), max_size=6)


@given(st.none() | st.sampled_from(Status), histories, instants, instants, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_a_later_promise_never_makes_a_dossier_later(
    status: Status | None, events: list[tuple[Status | None, datetime | None]], due: datetime, now: datetime, more: timedelta
) -> None:
    soon = lateness(snapshot(status, *events, due=due), now)
    later = lateness(snapshot(status, *events, due=due + more), now)
    assert (later.days if later else 0) <= (soon.days if soon else 0)
    for verdict in (soon, later):
        if verdict is not None:
            assert (verdict.days > 0) == (verdict.how in (Lateness.LATE, Lateness.OVERDUE))
            assert verdict.how is not Lateness.OVERDUE or status in OPEN or ended_at(snapshot(status, *events)) is None

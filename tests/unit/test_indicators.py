"""What counts in which indicator, what a dossier costs and why."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.indicators import GOALS, Absent, Cost, Indicator, Reason, Why
from syncd.model import Agency, Dossier, Fee, Paper, Problem, Snapshot, Status, Step
from syncd.shares import Share, Shares, total

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2025, 3, 20, 9, tzinfo=ZONE)
WARD = Agency(code="000.00.14.H03", name="UBND phường Đức Xuân")
I = Indicator  # noqa: E741  the table below names many


def day(number: int, month: int = 3) -> datetime:
    return datetime(2025, month, number, 8, tzinfo=ZONE)


def present(_dossier: Dossier) -> str | None:
    return None


PAPER = Paper(id="1", name="Tờ khai", link="https://motcua.example/1", digitised=True)
RESULT = Paper(id="2", name="Giấy khai sinh", kind="KQ.1", link="https://motcua.example/2")
FEE = Fee(name="Lệ phí", amount=15000)
PERFECT: dict[str, Any] = {
    "code": "A",
    "source_id": 1,
    "agency": WARD,
    "status": Status.RETURNED,
    "channel": "online",
    "paid_online": "portal",
    "received_at": day(1),
    "due_at": day(5),
    "processed_at": day(4),
    "papers": (PAPER,),
    "results": (RESULT,),
    "fees": (FEE,),
}


def dossier(**fields: Any) -> Dossier:
    return Dossier(**(PERFECT | fields))


def counted(*dossiers: Dossier, absent: Absent = present, now: datetime = NOW) -> tuple[Shares, list[Cost]]:
    fold = Shares(now, ZONE, absent)
    return fold, list(fold.costs(Snapshot(dossier=each) for each in dossiers))


def shares(one: Dossier, absent: Absent = present) -> dict[Indicator, tuple[int, int]]:
    line = counted(one, absent=absent)[0].total()
    return {indicator: (share.numerator, share.denominator) for indicator in Indicator if (share := line.share(indicator)).denominator}


def reasons(one: Dossier, absent: Absent = present) -> list[tuple[Indicator, Why, int, str]]:
    return [(each.indicator, each.why, each.days, each.detail) for cost in counted(one, absent=absent)[1] for each in cost.reasons]


def test_a_dossier_can_have_every_point() -> None:
    assert shares(dossier()) == dict.fromkeys(Indicator, (1, 1))
    assert counted(dossier())[1] == []


@pytest.mark.parametrize(
    ("fields", "costs"),
    [
        ({"processed_at": day(7)}, [(I.ON_TIME, Why.LATE, 2, "")]),
        ({"channel": "counter"}, [(I.ONLINE, Why.CHANNEL, 0, "counter")]),
        ({"channel": "post"}, [(I.ONLINE, Why.CHANNEL, 0, "post")]),
        ({"channel": ""}, [(I.ONLINE, Why.CHANNEL, 0, "")]),
        ({"results": (Paper(id="2", name="r", link="https://motcua.example/2"),)}, [(I.ONLINE, Why.RESULT_KIND, 0, "")]),
        ({"paid_online": "offline"}, [(I.PAID_ONLINE, Why.UNPAID, 0, "")]),
        ({"paid_online": ""}, [(I.PAID_ONLINE, Why.UNPAID, 0, "")]),
        ({"papers": ()}, [(I.DIGITISED, Why.PAPER_LINK, 0, "")]),
        ({"papers": (Paper(id="1", name="p"),)}, [(I.DIGITISED, Why.PAPER_LINK, 0, "")]),
        ({"papers": (Paper(id="1", name="p", link="https://motcua.example/1", removed=True),)}, [(I.DIGITISED, Why.PAPER_LINK, 0, "")]),
        (
            {"results": ()},
            [(I.ONLINE, Why.RESULT_KIND, 0, ""), (I.DIGITISED, Why.RESULT_LINK, 0, ""), (I.RESULT_FILE, Why.RESULT_LINK, 0, "")],
        ),
        (
            {"results": (Paper(id="2", name="r", kind="KQ.1"),)},
            [(I.ONLINE, Why.RESULT_KIND, 0, ""), (I.DIGITISED, Why.RESULT_LINK, 0, ""), (I.RESULT_FILE, Why.RESULT_LINK, 0, "")],
        ),
        (
            {"channel": "counter", "results": ()},
            [
                (I.ONLINE, Why.CHANNEL, 0, "counter"),
                (I.ONLINE, Why.RESULT_KIND, 0, ""),
                (I.DIGITISED, Why.RESULT_LINK, 0, ""),
                (I.RESULT_FILE, Why.RESULT_LINK, 0, ""),
            ],
        ),
    ],
)
def test_what_costs_points_is_named(fields: dict[str, Any], costs: list[tuple[Indicator, Why, int, str]]) -> None:
    one = dossier(**fields)
    assert reasons(one) == costs
    lost = {indicator for indicator, *_ in costs}
    assert shares(one) == {indicator: (indicator not in lost, 1) for indicator in Indicator}


def test_both_ways_of_paying_online_count() -> None:
    assert shares(dossier(paid_online="gateway"))[I.PAID_ONLINE] == (1, 1)


def test_a_dossier_without_a_fee_is_not_in_the_figure_of_payments() -> None:
    for fees in ((), (Fee(name="Lệ phí", amount=0),)):
        assert I.PAID_ONLINE not in shares(dossier(fees=fees, paid_online=""))
    assert shares(dossier(fees=(Fee(name="miễn", amount=0), FEE)))[I.PAID_ONLINE] == (1, 1)


def test_before_it_is_finished_a_dossier_owes_no_result() -> None:
    for status in (Status.PROCESSING, Status.REFUSED, Status.WITHDRAWN, Status.STOPPED, None):
        one = dossier(status=status, results=(), papers=(), due_at=None)
        assert shares(one) == {I.SYNCED: (1, 1), I.ONLINE: (1, 1), I.PAID_ONLINE: (1, 1)}


def test_time_is_judged_by_steps() -> None:
    fold = Shares(NOW, ZONE, present)
    assert fold.take(Snapshot(dossier=dossier(), steps=(Step(id=1, at=day(8), status=Status.PROCESSED),))) == Cost(
        dossier="A", agency=WARD, month="2025-03", reasons=(Reason(indicator=I.ON_TIME, why=Why.LATE, days=3),)
    )
    again = (Step(id=1, at=day(2), status=Status.SUPPLEMENT), Step(id=2, at=day(3), status=Status.PROCESSING), Step(id=3, at=day(4), status=Status.SUPPLEMENT))
    cost = fold.take(Snapshot(dossier=dossier(status=Status.SUPPLEMENT), steps=again))
    assert cost is not None
    assert [reason.why for reason in cost.reasons] == [Why.ASKED_AGAIN]
    assert (cost.indicators, cost.days) == (1, 0)
    overdue = fold.take(Snapshot(dossier=dossier(status=Status.PROCESSING)))
    assert overdue is not None
    assert [(reason.why, reason.days) for reason in overdue.reasons] == [(Why.OVERDUE, 16)]
    assert fold.total().on_time == Share(numerator=0, denominator=3, rate=0.0)


def test_a_dossier_that_is_not_on_the_portal_says_why() -> None:
    assert shares(dossier(), absent=lambda _: "")[I.SYNCED] == (0, 1)
    assert reasons(dossier(), absent=lambda _: "MaTTHC: bị thiếu") == [(I.SYNCED, Why.ABSENT, 0, "MaTTHC: bị thiếu")]
    faulty = dossier(problems=(Problem(field="status", reason="is empty"), Problem(field="code", reason="is missing")))
    assert reasons(faulty, absent=lambda _: "whatever") == [(I.SYNCED, Why.FIELD, 0, "status: is empty"), (I.SYNCED, Why.FIELD, 0, "code: is missing")]
    assert reasons(faulty) == []


def test_what_was_not_received_is_not_counted() -> None:
    fold, costs = counted(dossier(received_at=None), dossier(received_at=NOW + timedelta(seconds=1)))
    assert (fold.uncounted, fold.lines(), costs) == (2, [], [])
    assert fold.total().synced == Share(numerator=0, denominator=0, rate=None)


@pytest.mark.parametrize(("hour", "month"), [(16, "2025-02"), (17, "2025-03")])
def test_a_month_begins_at_midnight_in_viet_nam(hour: int, month: str) -> None:
    fold, _ = counted(dossier(received_at=datetime(2025, 2, 28, hour, 59, tzinfo=UTC)))
    assert [line.month for line in fold.lines()] == [month]


def test_only_what_is_wanted_is_counted() -> None:
    asked: list[Dossier] = []

    def absent(one: Dossier) -> str:
        asked.append(one)
        return ""

    fold = Shares(NOW, ZONE, absent, lambda agency, month: (agency, month) == (WARD.code, "2025-03"))
    costs = list(fold.costs(Snapshot(dossier=each) for each in (dossier(), dossier(received_at=day(1, 2)), dossier(agency=Agency(code="H03.2")))))
    assert [(line.agency, line.month, line.received) for line in fold.lines()] == [(WARD, "2025-03", 1)]
    list(fold.costs(Snapshot(dossier=each) for each in (dossier(received_at=None), dossier(received_at=NOW + timedelta(days=60)))))
    assert fold.uncounted == 0
    list(fold.costs([Snapshot(dossier=dossier(received_at=NOW + timedelta(days=1)))]))
    assert fold.uncounted == 1
    assert len(asked) == len(costs) == 1, "of the others the portal is not asked"


def test_agencies_and_months_are_put_together_in_order() -> None:
    other = Agency(code="000.00.02.H03", name="UBND xã Đôn Phong")
    fold, _ = counted(
        dossier(), dossier(channel="post"), dossier(received_at=day(1, 2)), dossier(agency=other), dossier(agency=Agency(), received_at=day(1, 1))
    )
    assert [(line.agency.code, line.month, line.received) for line in fold.lines()] == [
        ("", "2025-01", 1),
        ("000.00.02.H03", "2025-03", 1),
        (WARD.code, "2025-02", 1),
        (WARD.code, "2025-03", 2),
    ]
    assert [(line.agency, line.month, line.received) for line in fold.agencies()] == [(Agency(), "", 1), (other, "", 1), (WARD, "", 3)]
    assert [(line.agency, line.month, line.received) for line in fold.months()] == [
        (Agency(), "2025-01", 1),
        (Agency(), "2025-02", 1),
        (Agency(), "2025-03", 3),
    ]
    assert fold.agencies()[2].online == Share(numerator=2, denominator=3, rate=2 / 3)
    assert (fold.total().received, fold.total().online.numerator) == (5, 4)


def test_an_agency_goes_by_the_name_of_its_latest_dossier_in_whatever_order_they_come() -> None:
    named = [dossier(received_at=day(number), agency=Agency(code="X", name=name)) for number, name in ((2, "Phường Mới"), (1, "Xã Cũ"), (3, ""))]
    for order in (named, named[::-1]):
        assert {line.agency.name for line in counted(*order)[0].lines()} == {"Phường Mới"}


def test_the_goals_are_those_of_the_compilation() -> None:
    assert GOALS == {I.ONLINE: 0.5, I.PAID_ONLINE: 0.8, I.DIGITISED: 0.8}


instants = st.datetimes(datetime(2024, 6, 1), datetime(2025, 6, 30), timezones=st.sampled_from([UTC, ZONE]))  # noqa: DTZ001  the zone is drawn
papers = st.lists(
    st.builds(
        Paper, id=st.just("1"), name=st.just("p"), kind=st.sampled_from(["", "K"]), link=st.sampled_from(["", "https://a.example"]), removed=st.booleans()
    ),
    max_size=2,
).map(tuple)
dossiers = st.builds(
    Dossier,
    code=st.sampled_from("ABCDEFGH"),
    source_id=st.just(1),
    agency=st.builds(Agency, code=st.sampled_from(["", "H03.14", "H03.2"]), name=st.sampled_from(["", "a", "b"])),
    status=st.none() | st.sampled_from(Status),
    channel=st.sampled_from(["", "counter", "online", "post"]),
    paid_online=st.sampled_from(["", "portal", "gateway", "offline"]),
    papers=papers,
    results=papers,
    fees=st.lists(st.builds(Fee, name=st.just("f"), amount=st.sampled_from([0, 5000])), max_size=2).map(tuple),
    problems=st.sampled_from([(), (Problem(field="code", reason="is missing"),)]),
    **{name: st.none() | instants for name in ("received_at", "due_at", "processed_at", "returned_at", "refused_at")},
)
events = st.lists(st.builds(Step, id=st.just(1), at=st.none() | instants, status=st.none() | st.sampled_from(Status)), max_size=4).map(tuple)
snapshots = st.lists(st.builds(Snapshot, dossier=dossiers, steps=events), max_size=8)


@given(snapshots, instants, st.sets(st.sampled_from("ABCDEFGH")))
def test_the_figures_are_parts_of_their_wholes_and_the_reasons_account_for_the_rest(given: list[Snapshot], now: datetime, there: set[str]) -> None:
    def absent(one: Dossier) -> str | None:
        return None if one.code in there else ""

    fold = Shares(now, ZONE, absent)
    costs = list(fold.costs(given))
    whole = fold.total()
    assert whole.received + fold.uncounted == len(given)
    assert whole == total(fold.agencies()) == total(fold.months()) == total(fold.lines())
    for line in (*fold.lines(), whole):
        for indicator in Indicator:
            share = line.share(indicator)
            assert 0 <= share.numerator <= share.denominator <= line.received
            assert share.rate == (share.numerator / share.denominator if share.denominator else None)
        assert line.synced.denominator == line.online.denominator == line.received
        assert line.digitised.numerator <= line.result_file.numerator
    for indicator in Indicator:
        lost = sum(indicator in {reason.indicator for reason in cost.reasons} for cost in costs)
        assert lost == whole.share(indicator).denominator - whole.share(indicator).numerator
    backwards = Shares(now, ZONE, absent)
    assert len(list(backwards.costs(reversed(given)))) == len(costs)
    assert backwards.lines() == fold.lines()


def test_the_dossiers_pass_by_and_are_not_kept() -> None:
    def many() -> Iterator[Snapshot]:
        for number in range(20_000):
            agency = Agency(code=f"000.00.{number % 50:02}.H03", name=f"Đơn vị {number % 50}")
            yield Snapshot(dossier=dossier(agency=agency, received_at=day(1 + number % 19, 1 + number % 3)), steps=(Step(id=number),))

    tracemalloc.start()
    fold = Shares(NOW, ZONE, lambda _: "")
    costly = sum(1 for _ in fold.costs(many()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert costly == fold.total().received == 20_000
    assert len(fold.lines()) == 150
    assert peak < 1_000_000

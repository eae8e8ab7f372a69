"""Each fault looks to its caller as the real one would."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import msgspec
import pytest
import requests

from syncd.sandbox.faults import BAD_DAY, FAULTS, Faults, Outage
from syncd.sandbox.portal import Portal, Terms
from tests.sandbox.caller import CODE, Caller, fine, record, step

STEPS = "CapNhatTienDoHoSoMC"
Ask = Callable[[], requests.Response]


@pytest.fixture
def ask(caller: Caller) -> Ask:
    """Sends one step of a dossier that is there."""
    caller.put(record())
    return lambda: caller.ask(STEPS, data=[step()])


def held(portal: Portal) -> list[bool]:
    """For each step the portal holds, whether its answer arrived."""
    return [entry.answered for entry in portal.holdings.steps(CODE)]


@pytest.mark.parametrize(("kind", "expected"), [("reset", []), ("lost", [False])])
def test_a_reset_loses_the_answer_before_or_after_the_work(portal: Portal, ask: Ask, kind: str, expected: list[bool]) -> None:
    portal.faults.next(kind)
    with pytest.raises(requests.ConnectionError):
        ask()
    assert held(portal) == expected
    assert fine(ask().json())


@pytest.mark.parametrize("kind", ["500", "502", "503", "504", "429"])
def test_a_status_of_the_adapter_is_no_answer_of_the_portal(portal: Portal, ask: Ask, kind: str) -> None:
    portal.faults.next(kind)
    answer = ask()
    assert answer.status_code == int(kind)
    assert ("Retry-After" in answer.headers) == (kind in ("503", "429"))
    assert held(portal) == ([False] if kind == "504" else [])


def test_a_page_may_come_with_status_200(portal: Portal, ask: Ask) -> None:
    portal.faults.next("html")
    answer = ask()
    assert answer.status_code == 200
    assert answer.text.startswith("<html>")
    assert held(portal) == []


def test_an_empty_answer_may_come_after_the_work(portal: Portal, ask: Ask) -> None:
    portal.faults.next("empty")
    answer = ask()
    assert (answer.status_code, answer.content) == (200, b"")
    assert held(portal) == [False]


def test_an_answer_may_be_cut(portal: Portal, ask: Ask) -> None:
    portal.faults.next("truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask()
    assert held(portal) == [False]


def test_an_answer_may_be_late_but_whole(portal: Portal, ask: Ask) -> None:
    portal.faults.slowness = 0.05
    portal.faults.next("slow")
    answer = ask()
    assert answer.elapsed.total_seconds() >= 0.05
    assert fine(answer.json())
    assert held(portal) == [False]


def test_a_session_may_end_before_its_time(portal: Portal, caller: Caller, ask: Ask) -> None:
    portal.faults.next("session")
    assert not fine(ask().json())
    assert not fine(ask().json())
    caller.log_in()
    assert fine(ask().json())
    assert held(portal) == [True]


def test_the_gateway_has_no_session_to_lose(portal: Portal, caller: Caller, ask: Ask) -> None:
    portal.faults.next("session")
    assert caller.http.post(portal.gateway_urls[2], json=[step()], timeout=10).json()["error_code"] == "0"
    assert held(portal) == [True]


def test_a_fault_can_be_kept_for_one_service_and_for_several_calls(portal: Portal, caller: Caller, ask: Ask) -> None:
    portal.faults.next("500", service="TraCuuHoSo", times=2)
    assert fine(ask().json())
    assert [caller.ask("TraCuuHoSo", mahoso=CODE).status_code for _ in range(3)] == [500, 500, 200]


def test_login_can_fail_too(portal: Portal, caller: Caller) -> None:
    portal.faults.next("503", service="login")
    account = {"username": portal.terms.username, "password": portal.terms.password}
    assert caller.post("/mapi/login", account).status_code == 503
    assert fine(caller.log_in())


def test_the_log_tells_what_went_wrong(portal: Portal, ask: Ask) -> None:
    portal.faults.next("empty")
    ask()
    portal.faults.next("502")
    ask()
    calls = portal.calls(STEPS)
    assert [call.fault for call in calls] == ["empty", "502"]
    assert [bool(call.code) for call in calls] == [True, False]
    assert portal.faults.struck == {"empty": 1, "502": 1}
    assert portal.faults.lost_steps == 1


def test_an_unknown_fault_is_an_error() -> None:
    with pytest.raises(KeyError):
        Faults({"earthquake": 0.1})


@pytest.mark.parametrize("how", ["refused", "reset", "503"])
def test_an_outage_takes_no_call_until_it_is_over(portal: Portal, ask: Ask, how: Outage) -> None:
    portal.faults.down(how)
    for _ in range(2):
        if how == "503":
            assert ask().status_code == 503
        else:
            with pytest.raises(requests.ConnectionError):
                ask()
    assert held(portal) == []
    portal.faults.up()
    assert fine(ask().json())


def test_one_outage_may_turn_into_another(portal: Portal, ask: Ask) -> None:
    portal.faults.down("refused")
    portal.faults.down("refused")
    portal.faults.down("503")
    assert ask().status_code == 503
    portal.faults.up()
    assert fine(ask().json())


def test_odds_are_kept_and_come_from_the_seed() -> None:
    first, second, other = (Faults(BAD_DAY, seed) for seed in (7, 7, 8))
    drawn = [[faults.draw("TraCuuHoSo") for _ in range(3000)] for faults in (first, second, other)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert set(first.struck) == set(FAULTS)
    assert 0.1 < first.struck.total() / 3000 < 0.25


def test_by_chance_the_end_of_a_progress_call_is_never_unclear_twice_in_a_row_for_a_dossier() -> None:
    faults, random = Faults(dict.fromkeys(FAULTS, 0.08), seed=1), Random(1)
    unclear: set[str] = set()
    seen = 0
    for _ in range(5000):
        dossiers = random.sample("abcdef", random.randrange(1, 3))
        fault = faults.draw(STEPS, dossiers)
        if fault is None:
            unclear.difference_update(dossiers)
        elif not fault.certain:
            assert unclear.isdisjoint(dossiers)
            unclear.update(dossiers)
            seen += fault.done
    assert faults.lost_steps == seen > 100


def test_a_caller_that_resends_once_gets_every_step_through_a_bad_day() -> None:
    """Each step arrives, and what came twice came again after an answer that did not arrive."""
    odds = dict.fromkeys(FAULTS, 0.04)
    with Portal(Terms(), faults=Faults(odds, seed=5, slowness=0.0)) as portal, Caller(portal) as caller:
        portal.holdings.put([record()], updating=False)
        for number in range(150):
            _insist(caller, step(NoiDungXuLy=f"bước {number}"))
        entries = portal.holdings.steps(CODE)
    contents = [entry.body["NoiDungXuLy"] for entry in entries]
    assert list(dict.fromkeys(contents)) == [f"bước {number}" for number in range(150)]
    repeated = {place for place, content in enumerate(contents) if content in contents[:place]}
    assert repeated
    assert all(not entries[place - 1].answered and contents[place - 1] == contents[place] for place in repeated)


def _insist(caller: Caller, one: dict[str, str]) -> None:
    while True:
        try:
            answer = caller.add(one)
        except (requests.RequestException, msgspec.DecodeError):
            continue
        if fine(answer):
            return
        caller.session = ""

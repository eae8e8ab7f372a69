"""The gateway's faults: each row of the contract's table in each body it may come in, and what is done about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, NamedTuple

import msgspec
import pytest
import structlog

from connectors._lgsp.faults import Fault, next_access, read
from connectors._lgsp.throttle import SERIES, Throttle
from syncd.calls import Operation, Outcome
from tests.clocks import TurnedClock
from tests.connectors.dossiers import OWNER, element
from tests.connectors.gateway import Bench, create
from tests.connectors.portal import Behaviour, Talk, answer

STYLES = ("xml", "nested", "nested-text", "flat", "flat-text")
SYNC = "SyncDocument"


class Row(NamedTuple):
    """A row of the table: what comes, and what must follow if it comes again and again."""

    status: int
    code: str
    outcome: Outcome
    calls: int = 1
    tokens: int = 1
    wait: tuple[float, float] | None = None
    hint: str = ""


UNREACHED = (101503, 101508)
FIRST_WAIT = (24.0, 36.0)  # 30 s, give or take a fifth
ROWS = [
    Row(400, "102511", Outcome.UNAVAILABLE, calls=3, hint="cut off"),
    Row(401, "900901", Outcome.UNAUTHORISED, calls=2, tokens=2, hint="key and secret"),
    Row(401, "900902", Outcome.UNAUTHORISED, calls=2, tokens=2, hint="proxy in between"),
    Row(401, "900905", Outcome.UNAUTHORISED, hint="another kind of token"),
    Row(401, "900907", Outcome.UNAUTHORISED, hint="ask the province"),
    Row(401, "900909", Outcome.UNAUTHORISED, hint="ask the province"),
    Row(401, "900911", Outcome.UNAUTHORISED, calls=2, tokens=2, hint="check auth"),
    Row(403, "900906", Outcome.UNAUTHORISED, hint="base_url"),
    Row(403, "900908", Outcome.UNAUTHORISED, hint="not subscribed"),
    Row(403, "900910", Outcome.UNAUTHORISED, hint="scope"),
    Row(422, "900422", Outcome.REJECTED, hint="schema"),
    *[Row(429, code, Outcome.BUSY, wait=FIRST_WAIT, hint="tier") for code in ("900800", "900802", "900803", "900804", "900806", "900807")],
    Row(429, "900805", Outcome.UNAUTHORISED, hint="deny policy"),
    Row(500, "900900", Outcome.UNAVAILABLE, hint="operator"),
    Row(503, "700700", Outcome.BUSY, wait=(1800.0, 1800.0), hint="blocked the API"),
    Row(503, "900801", Outcome.UNAVAILABLE, hint="operator"),
    *[Row(status, str(code), Outcome.UNKNOWN, hint="may have taken") for code in range(101500, 101511) if code not in UNREACHED for status in (500, 503, 504)],
    *[Row(status, str(code), Outcome.UNAVAILABLE, hint="does not reach") for code in UNREACHED for status in (500, 503, 504)],
]


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as made:
        yield made


def body(code: str, style: str, **more: object) -> bytes:
    """A fault in that style."""
    if style == "xml":
        area = "throttling" if code.startswith("9008") else "security"
        inner = "".join(f"<amt:{name}>{value}</amt:{name}>" for name, value in {"code": code, "message": "Tin", "description": "Mô tả", **more}.items())
        return f'\n<?xml version="1.0" encoding="UTF-8"?><amt:fault xmlns:amt="http://wso2.org/apimanager/{area}">{inner}</amt:fault>'.strip().encode()
    fault = {"code": code if style.endswith("text") else int(code), "message": "Tin", "description": "Mô tả", **more}
    return b" \n" + msgspec.json.encode({"fault": fault} if style.startswith("nested") else fault)


def fault(row: Row, style: str, **more: object) -> Behaviour:
    """It comes with the content type of the other kind."""
    return answer(body(row.code, style, **more), row.status, Content_Type="application/json" if style == "xml" else "text/xml")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.code}-{row.status}")
def test_each_row_of_the_table_has_its_action(bench: Bench, row: Row, style: str) -> None:
    bench.gateway.will(SYNC, *[fault(row, style)] * 6)
    receipt = create(bench.target())
    assert (receipt.outcome, receipt.code, receipt.message) == (row.outcome, row.code, "Tin: Mô tả")
    assert (len(bench.gateway.calls(SYNC)), len(bench.gateway.calls("token"))) == (row.calls, row.tokens)
    assert row.hint in receipt.hint
    assert receipt.memo == {}
    if row.wait is None:
        assert receipt.retry_after is None
    else:
        assert receipt.retry_after is not None
        assert row.wait[0] <= receipt.retry_after <= row.wait[1]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("code", ["900901", "900902", "900911"])
def test_a_token_that_has_run_out_is_renewed_and_the_call_made_again(bench: Bench, code: str, style: str) -> None:
    target = bench.target()
    bench.gateway.will(SYNC, fault(Row(401, code, Outcome.UNAUTHORISED), style))
    assert create(target).outcome is Outcome.DELIVERED
    first, second = bench.gateway.calls(SYNC)
    assert first.raw == second.raw
    assert bench.gateway.tokens() == [f"Bearer {token}" for token in bench.gateway.given]
    assert create(target).outcome is Outcome.DELIVERED
    assert len(bench.gateway.given) == 2


def test_what_arrived_cut_off_goes_again_after_a_moment(bench: Bench) -> None:
    bench.gateway.will(SYNC, *[fault(ROWS[0], "flat")] * 2)
    assert create(bench.target()).outcome is Outcome.DELIVERED
    assert len(bench.gateway.calls(SYNC)) == 3
    assert bench.sleeps == sorted(bench.sleeps)
    assert len(bench.sleeps) == 2
    assert sum(bench.sleeps) < 5


def test_what_arrived_cut_off_goes_again_only_while_time_is_left(bench: Bench) -> None:
    def slowly(talk: Talk) -> bool:
        bench.clock.turn(timedelta(seconds=4))
        return fault(ROWS[0], "flat")(talk)

    bench.gateway.will(SYNC, *[slowly] * 3)
    receipt = create(bench.target())
    assert (receipt.outcome, receipt.code) == (Outcome.UNAVAILABLE, "102511")
    assert len(bench.gateway.calls(SYNC)) == 2


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.UNKNOWN),
        (400, Outcome.REJECTED),
        (403, Outcome.UNAUTHORISED),
        (404, Outcome.UNAVAILABLE),
        (500, Outcome.UNKNOWN),
        (503, Outcome.UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("style", STYLES)
def test_a_code_nobody_knows_is_judged_by_its_status(bench: Bench, status: int, outcome: Outcome, style: str) -> None:
    bench.gateway.will(SYNC, answer(body("999999", style), status))
    receipt = create(bench.target())
    assert (receipt.outcome, receipt.code, receipt.message) == (outcome, "999999", "Tin: Mô tả")
    assert len(bench.gateway.calls(SYNC)) == 1


@pytest.mark.parametrize(
    ("status", "outcome", "calls"),
    [(401, Outcome.UNAUTHORISED, 2), (403, Outcome.UNAUTHORISED, 1), (429, Outcome.BUSY, 1), (502, Outcome.UNKNOWN, 1), (413, Outcome.REJECTED, 1)],
)
@pytest.mark.parametrize("said", [b"", b"<html>no</html>", b'{"error":"x"}', b'"text"', b"[1]"])
def test_a_platform_that_is_no_wso2_is_judged_by_its_status(bench: Bench, status: int, outcome: Outcome, calls: int, said: bytes) -> None:
    bench.gateway.will(SYNC, *[answer(said, status)] * 2)
    receipt = create(bench.target())
    assert receipt.outcome is outcome
    assert len(bench.gateway.calls(SYNC)) == calls
    assert receipt.message


def test_a_blocked_api_raises_the_alarm(bench: Bench) -> None:
    bench.gateway.will(SYNC, fault(Row(503, "700700", Outcome.BUSY), "xml"))
    with structlog.testing.capture_logs() as events:
        create(bench.target())
    assert [(event["event"], event["log_level"], event["target"], event["error_code"]) for event in events] == [("target_blocked", "error", "lgsp", "700700")]


def test_steps_and_statistics_meet_the_same_gateway(bench: Bench) -> None:
    target = bench.target()
    bench.gateway.will("UpdateDocumentTraces", fault(Row(500, "101504", Outcome.UNKNOWN), "xml"))
    assert target.send([element(target, Operation.STEPS)]).outcome is Outcome.UNKNOWN
    assert len(bench.gateway.calls("UpdateDocumentTraces")) == 1


# ---- throttling


@pytest.mark.parametrize("style", STYLES)
def test_the_header_goes_before_the_body_and_the_body_before_the_series(bench: Bench, style: str) -> None:
    at = {"nextAccessTime": "2025-Mar-03 01:01:30+0000 UTC"}  # the clock stands at 01:00:00
    past = {"nextAccessTime": "2025-Mar-03 00:59:30+0000 UTC"}
    for more, header, wait in ((at, "7", 7.0), (at, "soon", 90.0), (past, "", 0.0)):
        target = bench.target()
        bench.gateway.will(SYNC, answer(body("900800", style, **more), 429, Retry_After=header))
        seconds = create(target).retry_after
        assert seconds is not None
        assert seconds == wait if wait else FIRST_WAIT[0] <= seconds <= FIRST_WAIT[1]


def test_a_date_in_the_header_is_understood(bench: Bench) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    bench.gateway.will(SYNC, answer(b"", 429, Retry_After=until))
    seconds = create(bench.target()).retry_after
    assert seconds is not None
    assert 30 < seconds <= 90


def test_the_series_doubles_and_begins_anew_with_an_answer(bench: Bench) -> None:
    target, waits = bench.target(), []
    for _ in range(6):
        bench.gateway.will(SYNC, answer(body("900803", "flat"), 429))
        seconds = create(target).retry_after
        assert seconds is not None
        waits.append(seconds)
        bench.clock.turn(timedelta(seconds=seconds))
    assert [0.8 * base <= wait <= 1.2 * base for base, wait in zip((*SERIES, SERIES[-1]), waits, strict=True)] == [True] * 6
    assert create(target).outcome is Outcome.DELIVERED
    bench.gateway.will(SYNC, answer(body("900803", "flat"), 429))
    assert FIRST_WAIT[0] <= (create(target).retry_after or 0) <= FIRST_WAIT[1]


def test_a_token_that_is_given_does_not_end_the_series(bench: Bench) -> None:
    bench.gateway.expires_in = 0
    target, waits = bench.target(), []
    for _ in range(2):
        bench.gateway.will(SYNC, answer(body("900803", "flat"), 429))
        waits.append(create(target).retry_after or 0)
        bench.clock.turn(timedelta(seconds=waits[-1]))
    assert len(bench.gateway.given) == 2
    assert waits[1] >= 48


def test_calls_that_are_throttled_side_by_side_count_once() -> None:
    clock = TurnedClock()
    throttle = Throttle(clock, lambda: 0.5)
    assert [throttle.wait(None, None) for _ in range(3)] == [30.0] * 3
    clock.turn(timedelta(seconds=29))
    assert throttle.wait(None, None) == 60.0
    clock.turn(timedelta(seconds=29))
    assert throttle.wait(None, None) == 60.0
    throttle.ease()
    assert throttle.wait(None, None) == 30.0


@pytest.mark.parametrize(("dice", "wait"), [(0.0, 24.0), (0.5, 30.0), (1.0, 36.0)])
def test_waits_are_spread(dice: float, wait: float) -> None:
    assert Throttle(TurnedClock(), lambda: dice).wait(None, None) == pytest.approx(wait)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2025-Mar-03 01:02:00+0000 UTC", datetime(2025, 3, 3, 1, 2, tzinfo=UTC)),
        ("2025-Dec-31 23:59:59+0000 UTC", datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2025-Mar-03 08:02:00+0700", datetime(2025, 3, 3, 1, 2, tzinfo=UTC)),
        ("2025-Mar-02 23:02:00-0200 UTC", datetime(2025, 3, 3, 1, 2, tzinfo=UTC)),
        ("2025-Feb-30 01:02:00+0000 UTC", None),
        ("2025-Thg-03 01:02:00+0000 UTC", None),
        ("2025-03-03T01:02:00Z", None),
        ("", None),
    ],
)
def test_the_gateways_own_form_of_an_instant(text: str, when: datetime | None) -> None:
    assert next_access(text) == when


# ---- bodies


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'<fault xmlns="http://wso2.org/apimanager/security"><code>900902</code></fault>', "900902"),
        (b'\xef\xbb\xbf <am:fault xmlns:am="x"><am:code> 101503 </am:code><am:type>Status report</am:type></am:fault>', "101503"),
        (b"<soap><fault><code>900901</code></fault></soap>", "900901"),
        (b'"{\\"fault\\":{\\"code\\":900901}}"', "900901"),
        (b'{"Code":900901.0,"Message":"x"}', "900901"),
        (b'{"fault":{"code":"E1"}}', "E1"),
    ],
)
def test_a_fault_is_found_whatever_is_around_it(raw: bytes, code: str) -> None:
    found = read(raw)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"<fault>",
        b"<html><body>fault</body></html>",
        b"<fault></fault>",
        b'<!DOCTYPE f [<!ENTITY c "900901">]><fault><code>&c;</code></fault>',
        b'<!DOCTYPE f SYSTEM "file:///etc/hosts"><fault><code>900901</code></fault>',
        b"<fault><code>900901</code><x>" + b"x" * 300_000 + b"</x></fault>",
        b'{"code":200,"status":"OK"}',
        b'{"Status":1,"code":"900901"}',
        b'{"code":true}',
        b'{"fault":{"code":null}}',
        b'{"fault":"900901"}',
        b"[900901]",
        b"900901",
        b'"\xff',
        b'"\\"\\\\\\"\\\\\\\\\\\\\\"x\\\\\\\\\\\\\\"\\\\\\"\\""',
    ],
)
def test_what_is_no_fault_is_taken_for_none(raw: bytes) -> None:
    assert read(raw) is None


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (Fault("1", "A", "B"), "A: B"),
        (Fault("1", "A", "A"), "A"),
        (Fault("1", " A\n b ", ""), "A b"),
        (Fault("1", "A", "B", correlation="c-1"), "A: B (correlation c-1)"),
    ],
)
def test_what_a_fault_says(given: Fault, text: str) -> None:
    assert given.text == text


@pytest.mark.parametrize("style", ["nested", "flat"])
def test_the_number_under_which_the_gateway_knows_the_call_is_kept(bench: Bench, style: str) -> None:
    bench.gateway.will(SYNC, answer(body("900900", style, correlationId="c-0001"), 500))
    receipt = create(bench.target())
    assert "c-0001" in receipt.message
    assert "c-0001" in receipt.text


def test_a_fault_that_quotes_what_was_sent_is_told_without_it(bench: Bench) -> None:
    quoted: dict[str, Any] = {"code": 900422, "message": f"Phone {OWNER.phone} of {OWNER.name}", "description": OWNER.email}
    bench.gateway.will(SYNC, answer(quoted, 422))
    receipt = create(bench.target())
    assert receipt.outcome is Outcome.REJECTED
    assert not {OWNER.phone, OWNER.name, OWNER.email} & set(receipt.message.split())
    assert OWNER.name not in receipt.message


def test_a_fault_without_words_has_a_message(bench: Bench) -> None:
    bench.gateway.will(SYNC, answer({"code": 900900}, 500))
    assert create(bench.target()).message == "the gateway does not say why"

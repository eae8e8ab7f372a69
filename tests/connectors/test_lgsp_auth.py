"""How the platform knows us: each dialect's headers, and the life of a token."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from connectors._lgsp.auth import life, vnpt_header
from connectors._lgsp.options import LgspOptions
from syncd.calls import Outcome
from tests.connectors.gateway import BASIC, KEY, SECRET, Bench, create
from tests.connectors.portal import Behaviour, Talk, answer, reset

SYNC = "SyncDocument"
PARTNER: dict[str, Any] = {"access_key": "khoa-1", "secret_key": "mật/+", "app_name": "motcua", "partner_code": "H03", "partner_code_cus": "H03-KH"}
PASSWORD: dict[str, Any] = {"auth": "oauth2_password", "username": "can-bo", "password": "mat khau+&="}


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as made:
        yield made


def partner_told(header: str) -> Any:
    return msgspec.json.decode(base64.b64decode(header, validate=True))


TOLD = {"AccessKey": "khoa-1", "SecretKey": "mật/+", "AppName": "motcua", "PartnerCode": "H03", "PartnerCodeCus": "H03-KH"}

# ---- dialects


def test_wso2_with_the_key_in_the_header(bench: Bench) -> None:
    assert create(bench.target()).outcome is Outcome.DELIVERED
    (asked,) = bench.gateway.calls("token")
    assert asked.headers["authorization"] == BASIC
    assert bench.gateway.forms() == [{"grant_type": "client_credentials"}]
    assert bench.gateway.tokens() == [f"Bearer {bench.gateway.given[0]}"]


def test_wso2_with_the_key_in_the_form(bench: Bench) -> None:
    assert create(bench.target(auth="wso2_form")).outcome is Outcome.DELIVERED
    (asked,) = bench.gateway.calls("token")
    assert "authorization" not in asked.headers
    assert bench.gateway.forms() == [{"grant_type": "client_credentials", "client_id": KEY, "client_secret": SECRET}]


def test_a_password_gives_a_token_and_the_token_another_one(bench: Bench) -> None:
    client = {"client_id": KEY, "client_secret": SECRET}
    bench.gateway.will("token", bench.gateway.token(refresh_token="lam-moi-1"), bench.gateway.token(refresh_token="lam-moi-2"), bench.gateway.token())
    target = bench.target(**PASSWORD)
    for _ in range(4):
        assert create(target).outcome is Outcome.DELIVERED
        bench.clock.turn(timedelta(hours=1))
    first = {"grant_type": "password", **client, "username": "can-bo", "password": "mat khau+&="}
    again = [{"grant_type": "refresh_token", "refresh_token": f"lam-moi-{number}", **client} for number in (1, 2)]
    assert bench.gateway.forms() == [first, *again, first]


def test_a_refresh_token_that_is_refused_is_no_trouble(bench: Bench) -> None:
    refused = answer({"error": "invalid_grant", "error_description": "expired"}, 400)
    bench.gateway.will("token", bench.gateway.token(refresh_token="lam-moi-1"), refused)
    target = bench.target(**PASSWORD)
    create(target)
    bench.clock.turn(timedelta(hours=1))
    assert create(target).outcome is Outcome.DELIVERED
    assert [form["grant_type"] for form in bench.gateway.forms()] == ["password", "refresh_token", "password"]


def test_a_refresh_token_is_kept_while_nobody_answers(bench: Bench) -> None:
    bench.gateway.will("token", bench.gateway.token(refresh_token="lam-moi-1"), *[answer(b"", 503)] * 3)
    target = bench.target(**PASSWORD)
    create(target)
    bench.clock.turn(timedelta(hours=1))
    assert create(target).outcome is Outcome.UNAVAILABLE
    assert create(target).outcome is Outcome.DELIVERED
    assert [form["grant_type"] for form in bench.gateway.forms()] == ["password", *["refresh_token"] * 4]


def test_vnpts_platform_knows_five_values(bench: Bench) -> None:
    bench.gateway.open = True
    assert create(bench.target(auth="vnpt_lgsp", token_url="", **PARTNER)).outcome is Outcome.DELIVERED
    (asked,) = bench.gateway.asked
    assert partner_told(asked.headers["lgspaccesstoken"]) == TOLD
    assert list(partner_told(asked.headers["lgspaccesstoken"])) == list(TOLD)
    assert "authorization" not in asked.headers


def test_vnpts_platform_may_want_a_second_token(bench: Bench) -> None:
    assert create(bench.target(auth="vnpt_lgsp", **PARTNER)).outcome is Outcome.DELIVERED
    token, call = bench.gateway.asked
    assert [partner_told(asked.headers["lgspaccesstoken"]) for asked in (token, call)] == [TOLD, TOLD]
    assert bench.gateway.forms() == [{"grant_type": "client_credentials"}]
    assert "authorization" not in token.headers
    assert call.headers["authorization"] == f"Bearer {bench.gateway.given[0]}"


def test_the_header_of_vnpts_platform_can_be_had_alone() -> None:
    assert partner_told(vnpt_header("khoa-1", "mật/+", "motcua", "H03", "H03-KH")["lgspaccesstoken"]) == TOLD


@pytest.mark.parametrize(
    ("given", "header", "value"),
    [
        ({}, "authorization", "Bearer the-tinh"),
        ({"token_scheme": "Basic"}, "authorization", "Basic the-tinh"),
        ({"token_scheme": "", "token_header": "access_token"}, "access_token", "the-tinh"),
    ],
)
def test_a_token_that_somebody_gave_us_goes_in_any_header(bench: Bench, given: dict[str, Any], header: str, value: str) -> None:
    bench.gateway.open = True
    assert create(bench.target(auth="static", token="the-tinh", **given)).outcome is Outcome.DELIVERED
    (asked,) = bench.gateway.asked
    assert asked.headers[header] == value


@pytest.mark.parametrize("given", [{"auth": "static", "token": "the-tinh"}, {"auth": "vnpt_lgsp", "token_url": "", **PARTNER}])
@pytest.mark.parametrize("said", [b"", b'{"code":900901}'])
def test_who_has_no_token_to_renew_is_refused_at_once(bench: Bench, given: dict[str, Any], said: bytes) -> None:
    bench.gateway.will(SYNC, answer(said, 401))
    assert create(bench.target(**given)).outcome is Outcome.UNAUTHORISED
    assert len(bench.gateway.asked) == 1


# ---- the life of a token


@pytest.mark.parametrize(
    ("told", "seconds"),
    [(3600, 3540), ("3600", 3540), (3600.0, 3540), (300, 270), (10, 9), (0, 0), (-5, 0), (None, 0), ("soon", 0), (True, 0), (2**70, 86340), (9e18, 86340)],
)
def test_a_token_serves_until_a_tenth_or_a_minute_of_its_life_is_left(told: object, seconds: float) -> None:
    assert life(told).total_seconds() == pytest.approx(seconds)


def test_a_token_serves_for_as_long_as_the_answer_says_and_no_longer(bench: Bench) -> None:
    bench.gateway.expires_in = 100
    target = bench.target()
    create(target)
    bench.clock.turn(timedelta(seconds=89))
    create(target)
    assert len(bench.gateway.given) == 1
    bench.clock.turn(timedelta(seconds=1))
    create(target)
    assert len(bench.gateway.given) == 2


def test_the_same_token_may_come_again_with_what_remains_of_its_life(bench: Bench) -> None:
    target = bench.target()
    bench.gateway.valid.add("the-cu")
    remaining = [answer({"access_token": "the-cu", "token_type": "Bearer", "expires_in": seconds}) for seconds in (600, 60, 6)]
    bench.gateway.will("token", *remaining)
    for passed in (540, 54, 5.4):
        assert create(target).outcome is Outcome.DELIVERED
        bench.clock.turn(timedelta(seconds=passed))
    assert create(target).outcome is Outcome.DELIVERED
    assert bench.gateway.tokens() == ["Bearer the-cu"] * 3 + [f"Bearer {bench.gateway.given[0]}"]


@pytest.mark.parametrize("told", [0, None, "?", 3])
def test_a_short_or_unknown_life_still_serves_a_call(bench: Bench, told: object) -> None:
    bench.gateway.expires_in = told
    target = bench.target()
    for number in (1, 2):
        assert create(target).outcome is Outcome.DELIVERED
        assert len(bench.gateway.given) == number
        bench.clock.turn(timedelta(seconds=3))


def test_sixteen_threads_share_one_token_and_one_renewal(bench: Bench) -> None:
    target, together = bench.target(timeout="30s"), threading.Barrier(16)
    arrived, inside = threading.Event(), []

    def held(talk: Talk) -> bool:
        inside.append(talk.asked)
        assert arrived.wait(10)
        return bench.gateway.token()(talk)

    def call(_: int) -> Outcome:
        together.wait(10)
        return create(target).outcome

    bench.gateway.will("token", held)
    with ThreadPoolExecutor(16) as pool:
        results = [pool.submit(call, number) for number in range(16)]
        assert bench.gateway.wait(lambda: len(inside) == 1)
        arrived.set()
        assert {result.result(20) for result in results} == {Outcome.DELIVERED}
        assert len(bench.gateway.given) == 1
        bench.gateway.valid.clear()
        assert set(pool.map(call, range(16))) == {Outcome.DELIVERED}
    assert len(bench.gateway.given) == 2


# ---- when there is no token


@pytest.mark.parametrize(
    ("behaviour", "outcome", "code", "asked"),
    [
        (answer({"error": "invalid_client", "error_description": "Client Authentication failed."}, 401), Outcome.UNAUTHORISED, "invalid_client", 1),
        (answer(b"<html>401</html>", 401), Outcome.UNAUTHORISED, "401", 1),
        (answer({"error": "unauthorized_client"}, 400), Outcome.UNAUTHORISED, "unauthorized_client", 1),
        (answer({"error": "temporarily_unavailable"}, 503), Outcome.UNAVAILABLE, "503", 3),
        (answer({"error": "<script>"}, 400), Outcome.UNAVAILABLE, "400", 1),
        (answer(b"", 403), Outcome.UNAUTHORISED, "403", 1),
        (answer(b"", 404), Outcome.UNAVAILABLE, "404", 1),
        (answer(b"", 500), Outcome.UNAVAILABLE, "500", 3),
        (answer({"fault": {"code": 900805, "message": "Blocked"}}, 429), Outcome.UNAUTHORISED, "900805", 1),
        (answer({"fault": {"code": "101503", "message": "Runtime Error"}}, 500), Outcome.UNAVAILABLE, "101503", 3),
        (answer(b"", 429, Retry_After="9"), Outcome.BUSY, "429", 1),
        (answer(b"<html>welcome</html>"), Outcome.UNAVAILABLE, "no_token", 1),
        (answer({"access_token": "", "expires_in": 3600}), Outcome.UNAVAILABLE, "no_token", 1),
        (answer({"access_token": "a\nb", "expires_in": 3600}), Outcome.UNAVAILABLE, "no_token", 1),
        (answer({"error": "invalid_client"}), Outcome.UNAUTHORISED, "invalid_client", 1),
        (reset, Outcome.UNAVAILABLE, "broken", 3),
    ],
)
def test_without_a_token_nothing_is_sent_and_it_is_said_why(bench: Bench, behaviour: Behaviour, outcome: Outcome, code: str, asked: int) -> None:
    bench.gateway.will("token", *[behaviour] * 3)
    receipt = create(bench.target())
    assert (receipt.outcome, receipt.code) == (outcome, code)
    assert receipt.message.startswith("no token is given to us: ")
    assert receipt.hint
    assert receipt.text == ""
    assert len(bench.gateway.calls("token")) == asked
    assert bench.gateway.calls(SYNC) == []
    assert receipt.retry_after == (9.0 if outcome is Outcome.BUSY else None)


def test_a_token_in_a_json_string_is_read(bench: Bench) -> None:
    bench.gateway.valid.add("the-goi")
    bench.gateway.will("token", answer(msgspec.json.encode('{"access_token":"the-goi","expires_in":60}')))
    assert create(bench.target()).outcome is Outcome.DELIVERED


def test_a_token_host_that_is_down_is_no_fault_of_the_dossier(bench: Bench) -> None:
    receipt = create(bench.target(token_url="http://127.0.0.1:9/token"))
    assert (receipt.outcome, receipt.code) == (Outcome.UNAVAILABLE, "connect")


# ---- options


@pytest.mark.parametrize(
    ("auth", "needs"),
    [
        ("wso2_basic", "token_url, consumer_key, consumer_secret"),
        ("wso2_form", "token_url, consumer_key, consumer_secret"),
        ("vnpt_lgsp", "access_key, secret_key, app_name, partner_code, partner_code_cus"),
        ("static", "token"),
        ("oauth2_password", "token_url, consumer_key, consumer_secret, username, password"),
    ],
)
def test_what_a_dialect_needs_is_told_at_once(auth: str, needs: str) -> None:
    with pytest.raises(ValueError, match="needs " + needs):
        LgspOptions.model_validate({"connector": "lgsp", "auth": auth, "base_url": "https://lgsp.example/hoso"})


@pytest.mark.parametrize(
    "given",
    [{"auth": "saml"}, {"batch": 2}, {"base_url": "lgsp.example"}, {"base_url": ""}, {"token": "a\nb"}, {"token_scheme": "a b"}, {"attachments": "url"}],
)
def test_options_that_cannot_be_meant_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        LgspOptions.model_validate({"connector": "lgsp", "auth": "static", "token": "x", "base_url": "https://lgsp.example/hoso"} | given)

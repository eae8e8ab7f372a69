"""HTTP for connectors: what goes wrong on the way, over real sockets, and how certain it is."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors._http import calls as _http
from connectors._http.calls import TRIES, Call, Http
from connectors._http.outcomes import LARGEST, Answered, Trouble, refused
from syncd.calls import Outcome
from syncd.loom import Loom
from syncd.options import TargetOptions
from syncd.strands import rest
from tests.clocks import TurnedClock
from tests.connectors.portal import Behaviour, ScriptedPortal, Talk, answer, cut, drip, reset, silence

FINE = b'{"error_code":0}'
HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "Charset": "utf-8"}


class Caller:
    """One `Http` with a clock that stands still and sleeps that take no time."""

    def __init__(self, largest: int = LARGEST, **options: Any) -> None:
        self.clock = TurnedClock()
        self.sleeps: list[float] = []
        self.http = Http(TargetOptions.model_validate({"connector": "dvcqg", "timeout": "5s"} | options), self.clock, self.sleeps.append, largest=largest)

    def send(self, url: str, *, repeatable: bool = False, seconds: float = 60.0, method: str = "POST") -> Answered | Trouble:
        return self.http.send(Call(url, b"{}", HEADERS, method, repeatable=repeatable), self.clock.monotonic() + seconds)

    def trouble(self, url: str, *, repeatable: bool = False, seconds: float = 60.0) -> Trouble:
        result = self.send(url, repeatable=repeatable, seconds=seconds)
        assert isinstance(result, Trouble)
        return result

    def close(self) -> None:
        self.http.close()


@pytest.fixture
def caller() -> Iterator[Caller]:
    with closing(Caller()) as made:
        yield made


@pytest.fixture
def hasty() -> Iterator[Caller]:
    """Waits a quarter of a second for an answer."""
    with closing(Caller(timeout="250ms")) as made:
        yield made


def test_the_body_of_a_success_comes_back_and_the_connection_is_kept(portal: ScriptedPortal, caller: Caller) -> None:
    portal.will("x", answer(FINE), answer(b"{}", 201))
    assert caller.send(portal.root + "/x") == Answered(200, FINE)
    assert caller.send(portal.root + "/x") == Answered(201, b"{}")
    assert portal.connections == 1


def together(portal: ScriptedPortal, count: int) -> Behaviour:
    """An answer when so many have asked."""

    def behave(talk: Talk) -> bool:
        assert portal.wait(lambda: len(portal.asked) >= count)
        return answer(FINE)(talk)

    return behave


def on_threads(works: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("at_once", [on_threads, Loom().run], ids=["threads", "strands"])
def test_calls_at_the_same_time_have_a_connection_each_which_later_ones_use_again(
    portal: ScriptedPortal, caller: Caller, at_once: Callable[[list[Callable[[], object]]], None]
) -> None:
    portal.will("x", *(together(portal, 3) for _ in range(3)))
    answered = []
    at_once([lambda: answered.append(caller.send(portal.root + "/x")) for _ in range(3)])
    assert answered == [Answered(200, FINE)] * 3
    assert caller.send(portal.root + "/x")
    assert portal.connections == 3


def test_a_strand_whose_call_is_not_answered_in_time_gives_up_while_others_go_on(portal: ScriptedPortal, hasty: Caller) -> None:
    portal.will("x", silence)
    found: list[Answered | Trouble] = []

    def many() -> None:
        found.extend(hasty.send(portal.root + "/y") for _ in range(20))

    Loom().run([lambda: found.append(hasty.send(portal.root + "/x")), many])
    last = found.pop()
    assert isinstance(last, Trouble)
    assert (last.outcome, last.code) == (Outcome.UNKNOWN, "timeout")
    assert all(isinstance(each, Answered) for each in found)


def test_an_answer_that_came_in_time_counts_though_something_held_up_all_strands(portal: ScriptedPortal, hasty: Caller) -> None:
    found: list[Answered | Trouble] = []

    def holding_up() -> None:
        while not portal.asked:
            rest(0.001)
        threading.Event().wait(0.6)  # as a state database that is looked for

    Loom().run([lambda: found.append(hasty.send(portal.root + "/x")), holding_up])
    assert [type(each) for each in found] == [Answered]


def test_a_body_that_no_buffer_holds_goes_out_whole_from_a_strand(portal: ScriptedPortal) -> None:
    body = b"x" * 12_000_000
    with closing(Caller()) as caller:
        Loom().run([lambda: caller.http.send(Call(portal.root + "/x", body, HEADERS), caller.clock.monotonic() + 60)])
    assert portal.asked[0].raw == body


@pytest.mark.parametrize(
    ("behaviour", "outcome", "code"),
    [
        (answer(b"", 500), Outcome.UNKNOWN, "500"),
        (answer(b"", 502), Outcome.UNKNOWN, "502"),
        (answer(b"", 504), Outcome.UNKNOWN, "504"),
        (answer(b"", 503), Outcome.UNAVAILABLE, "503"),
        (answer(b"", 503, Retry_After="soon"), Outcome.UNAVAILABLE, "503"),
        (answer(b"", 503, Retry_After="7"), Outcome.BUSY, "503"),
        (answer(b"", 429), Outcome.BUSY, "429"),
        (answer(b"", 401), Outcome.UNAUTHORISED, "401"),
        (answer(b"", 403), Outcome.UNAUTHORISED, "403"),
        (answer(b"", 407), Outcome.UNAUTHORISED, "407"),
        (answer(b"", 302, Location="/dang-nhap?next=/"), Outcome.UNAUTHORISED, "302"),
        (answer(b"", 307, Location="https://elsewhere.example/mapi/g"), Outcome.UNKNOWN, "307"),
        (answer(b"", 304), Outcome.UNKNOWN, "304"),
        (reset, Outcome.UNKNOWN, "broken"),
        (cut, Outcome.UNKNOWN, "broken"),
        (answer(b"no gzip", Content_Encoding="gzip"), Outcome.UNKNOWN, "broken"),
        (drip(b""), Outcome.UNKNOWN, "broken"),
    ],
)
def test_what_a_call_that_must_not_be_repeated_came_to(portal: ScriptedPortal, caller: Caller, behaviour: Behaviour, outcome: Outcome, code: str) -> None:
    portal.will("x", behaviour)
    trouble = caller.trouble(portal.root + "/x")
    assert (trouble.outcome, trouble.code) == (outcome, code)
    assert trouble.message
    assert len(portal.asked) == 1
    assert caller.sleeps == []


@pytest.mark.parametrize("behaviour", [reset, cut, answer(b"", 500), answer(b"", 503), answer(b"", 307, Location="/elsewhere")])
def test_a_call_that_is_safe_to_repeat_is_repeated_and_never_unknown(portal: ScriptedPortal, caller: Caller, behaviour: Behaviour) -> None:
    portal.will("x", *[behaviour] * TRIES)
    assert caller.trouble(portal.root + "/x", repeatable=True).outcome is Outcome.UNAVAILABLE
    assert len(portal.asked) == TRIES
    assert sum(caller.sleeps) < 10


def test_repeating_ends_with_the_first_answer(portal: ScriptedPortal, caller: Caller) -> None:
    portal.will("x", reset, answer(FINE))
    assert caller.send(portal.root + "/x", repeatable=True) == Answered(200, FINE)


@pytest.mark.parametrize("behaviour", [answer(b"", 401), answer(b"", 429), answer(b"", 503, Retry_After="7")])
def test_what_another_try_cannot_mend_is_not_tried_again(portal: ScriptedPortal, caller: Caller, behaviour: Behaviour) -> None:
    portal.will("x", behaviour)
    assert caller.trouble(portal.root + "/x", repeatable=True).outcome in (Outcome.UNAUTHORISED, Outcome.BUSY)
    assert len(portal.asked) == 1


def test_retry_after_is_understood_as_seconds_and_as_a_date(portal: ScriptedPortal, caller: Caller) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=90), usegmt=True)
    portal.will("x", *(answer(b"", 503, Retry_After=text) for text in ("7", date, past)))
    seconds, until, gone = (caller.trouble(portal.root + "/x") for _ in range(3))
    assert seconds.retry_after == 7.0
    assert until.retry_after is not None
    assert 30 < until.retry_after <= 91, "libcurl's clock may be a tick behind"
    assert gone.outcome is Outcome.UNAVAILABLE


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(400, Outcome.REJECTED), (413, Outcome.REJECTED), (404, Outcome.UNAVAILABLE), (405, Outcome.UNAVAILABLE), (408, Outcome.UNAVAILABLE)],
)
def test_other_refusals_are_for_the_caller_to_read(portal: ScriptedPortal, caller: Caller, status: int, outcome: Outcome) -> None:
    portal.will("x", answer(b"<html>", status))
    answered = caller.send(portal.root + "/x")
    assert answered == Answered(status, b"<html>")
    assert isinstance(answered, Answered)
    assert (refused(answered).outcome, refused(answered).code) == (outcome, str(status))


@pytest.mark.parametrize("behaviour", [silence, drip(b"HTTP/1.1 200 OK\r\nX-Slow: "), drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")])
def test_an_answer_that_is_not_whole_in_time_is_unknown(portal: ScriptedPortal, hasty: Caller, behaviour: Behaviour) -> None:
    portal.will("x", behaviour)
    trouble = hasty.trouble(portal.root + "/x")
    assert (trouble.outcome, trouble.code, trouble.message) == (Outcome.UNKNOWN, "timeout", "no whole answer within 0.25 s")


def test_an_answer_without_end_is_left_unread(portal: ScriptedPortal) -> None:
    caller = Caller(largest=1000)
    portal.will("x", answer(b"x" * 1001), answer(b"x" * 1000))
    assert caller.trouble(portal.root + "/x")[:2] == (Outcome.UNKNOWN, "too_large")
    assert isinstance(caller.send(portal.root + "/x"), Answered)
    caller.close()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_refused_connection_is_certain_and_tried_again(caller: Caller) -> None:
    trouble = caller.trouble(f"http://127.0.0.1:{unused_port()}/x")
    assert (trouble.outcome, trouble.message) == (Outcome.UNAVAILABLE, "no connection: connection refused")
    assert len(caller.sleeps) == TRIES - 1


def test_a_name_that_does_not_resolve_is_certain(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    trouble = caller.trouble("http://adapter.example/x")
    assert (trouble.outcome, trouble.message) == (Outcome.UNAVAILABLE, "no connection: the name of the server cannot be resolved")


def test_an_address_that_is_none_is_certain(caller: Caller) -> None:
    assert caller.trouble("http://:80:80/x").outcome is Outcome.UNAVAILABLE


def test_a_server_that_does_not_take_the_connection_is_certain(hasty: Caller) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        trouble = hasty.trouble(f"http://127.0.0.1:{listener.getsockname()[1]}/x")
        for one in waiting:
            one.close()
    assert (trouble.outcome, trouble.message) == (Outcome.UNAVAILABLE, "no connection: no connection in time")


def test_a_kept_connection_that_dies_under_a_call_leaves_it_unknown(portal: ScriptedPortal, caller: Caller) -> None:
    portal.will("x", answer(FINE), reset)
    caller.send(portal.root + "/x")
    assert caller.trouble(portal.root + "/x").outcome is Outcome.UNKNOWN
    assert portal.connections == 1


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(portal: ScriptedPortal, caller: Caller) -> None:
    portal.will("x", answer(FINE, close=True))
    caller.send(portal.root + "/x")
    assert portal.wait(lambda: portal.closed == 1)
    assert isinstance(caller.send(portal.root + "/x"), Answered)
    assert portal.connections == 2


def test_a_call_does_not_begin_without_its_full_time(portal: ScriptedPortal, caller: Caller) -> None:
    assert caller.http.span == 10
    assert caller.trouble(portal.root + "/x", seconds=9.9)[:2] == (Outcome.UNAVAILABLE, "no_time")
    assert caller.trouble(portal.root + "/x", seconds=0, repeatable=True)[:2] == (Outcome.UNAVAILABLE, "no_time")
    assert portal.asked == []
    assert isinstance(caller.send(portal.root + "/x", seconds=10), Answered)


def test_a_call_that_is_safe_to_repeat_shares_the_time_that_is_left(portal: ScriptedPortal, caller: Caller) -> None:
    portal.will("x", *[silence] * TRIES)
    assert caller.trouble(portal.root + "/x", seconds=0.4, repeatable=True).message == "no whole answer within 0.2 s"


def test_no_wait_between_tries_outlasts_the_call(portal: ScriptedPortal, caller: Caller) -> None:
    def late(talk: Talk) -> bool:
        caller.clock.turn(timedelta(seconds=5))
        return reset(talk)

    portal.will("x", *[late] * TRIES)
    assert caller.trouble(portal.root + "/x", repeatable=True, seconds=5).code == "broken"
    assert (len(portal.asked), caller.sleeps) == (1, [])


def test_redirects_are_not_followed_and_cookies_not_kept(portal: ScriptedPortal, caller: Caller) -> None:
    portal.will("x", answer(FINE, Set_Cookie="a=1"), answer(b"", 302, Location=portal.root + "/y", Set_Cookie="a=1"))
    caller.send(portal.root + "/x")
    caller.trouble(portal.root + "/x")
    caller.send(portal.root + "/x")
    assert {asked.service for asked in portal.asked} == {"x"}
    assert not any("cookie" in asked.headers for asked in portal.asked)


def test_the_environment_cannot_redirect_a_call(portal: ScriptedPortal, caller: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    assert isinstance(caller.send(portal.root + "/x"), Answered)
    assert "authorization" not in portal.asked[0].headers


def test_a_configured_proxy_is_used(portal: ScriptedPortal) -> None:
    with closing(Caller(proxy=portal.root)) as caller:
        assert isinstance(caller.send("http://adapter.example/x"), Answered)
    assert portal.asked[0].target == "http://adapter.example/x"


def test_a_proxy_that_opens_no_tunnel_has_not_passed_the_request_on(portal: ScriptedPortal) -> None:
    portal.will("443", *[answer(b"", 403)] * TRIES)
    with closing(Caller(proxy=portal.root)) as caller:
        assert caller.trouble("https://adapter.example/x").outcome is Outcome.UNAVAILABLE
    assert {asked.method for asked in portal.asked} == {"CONNECT"}


# ---- TLS


class Authority:
    """A certificate authority of a test, and what it signs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Invented authority")])
        self.certificate = self._sign(self._name, self._key, x509.BasicConstraints(ca=True, path_length=None))
        self.file = self._write("ca.pem", self.certificate)

    def issue(self, name: str) -> tuple[Path, Path]:
        """Certificate and key for 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._sign(subject, key, x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]))
        secret = self._folder / f"{name}.key"
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return self._write(f"{name}.pem", certificate), secret

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1))
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            builder.add_extension(extension, critical=True)
            .add_extension(identifier, critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def _write(self, name: str, certificate: x509.Certificate) -> Path:
        (self._folder / name).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return self._folder / name


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@contextmanager
def secure_portal(authority: Authority, *, asks_for_certificate: bool = False) -> Iterator[ScriptedPortal]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("server"))
    if asks_for_certificate:
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # later versions tell of a missing certificate only after the request
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.file)
    with ScriptedPortal(context) as portal:
        yield portal


def test_a_server_of_a_trusted_authority_is_spoken_to(authority: Authority) -> None:
    with secure_portal(authority) as portal, closing(Caller(verify=str(authority.file))) as caller:
        assert isinstance(caller.send(portal.root + "/x"), Answered)


def test_a_server_nobody_vouches_for_gets_nothing(authority: Authority) -> None:
    with secure_portal(authority) as portal, closing(Caller()) as caller:
        trouble = caller.trouble(portal.root + "/x")
        assert portal.asked == []
    assert (trouble.outcome, trouble.code) == (Outcome.UNAVAILABLE, "tls")
    assert "unable to get local issuer certificate" in trouble.message


def test_a_server_that_speaks_no_tls_gets_nothing(portal: ScriptedPortal, caller: Caller) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=speak_plainly, args=(listener,), daemon=True).start()
        trouble = caller.trouble(f"https://127.0.0.1:{listener.getsockname()[1]}/x")
    assert (trouble.outcome, trouble.code) == (Outcome.UNAVAILABLE, "tls")


def speak_plainly(listener: socket.socket) -> None:
    for _ in range(TRIES):
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_client_certificate_is_shown_where_the_server_asks_for_it(authority: Authority) -> None:
    certificate, key = authority.issue("client")
    with secure_portal(authority, asks_for_certificate=True) as portal:
        with closing(Caller(verify=str(authority.file))) as stranger:
            assert stranger.trouble(portal.root + "/x").outcome is Outcome.UNAVAILABLE
        with closing(Caller(verify=str(authority.file), client_cert_file=str(certificate), client_key_file=str(key))) as known:
            assert isinstance(known.send(portal.root + "/x"), Answered)
        both = certificate.with_name("both.pem")
        both.write_bytes(certificate.read_bytes() + key.read_bytes())
        with closing(Caller(verify=str(authority.file), client_cert_file=str(both))) as known:
            assert isinstance(known.send(portal.root + "/x"), Answered)


# ---- surroundings


def common(**given: Any) -> TargetOptions:
    return TargetOptions.model_validate({"connector": "dvcqg"} | given)


def test_files_that_are_not_there_are_all_told(tmp_path: Path) -> None:
    options = common(verify=tmp_path / "ca", client_key_file=tmp_path / "key")
    assert [problem.field for problem in _http.problems("portal", options)] == [
        "targets.portal.verify",
        "targets.portal.client_key_file",
        "targets.portal.client_cert_file",
    ]
    assert _http.problems("portal", common()) == []


def test_a_library_that_repeats_requests_on_its_own_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "niquests").mkdir()
    (tmp_path / "niquests" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert [problem.field for problem in _http.problems("portal", common())] == ["niquests"]

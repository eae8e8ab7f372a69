"""The health server, over real HTTP on loopback."""

from __future__ import annotations

import errno
import http.client
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from syncd.errors import ConfigurationError
from syncd.health import Health
from syncd.metrics import CONTENT_TYPE


@contextmanager
def serving(
    *,
    address: str = "127.0.0.1:0",
    live: Callable[[], bool | str] = lambda: True,
    ready: Callable[[], bool | str] = lambda: True,
    metrics: Callable[[], bytes] = lambda: b"syncd_due 1\n",
) -> Iterator[Health]:
    health = Health(address, live=live, ready=ready, metrics=metrics)
    health.start()
    try:
        yield health
    finally:
        health.stop()


def get(health: Health, path: str, host: str = "127.0.0.1", method: str = "GET") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection(host, health.port, timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()
    finally:
        connection.close()


def broken() -> bool:
    raise ValueError("Nông Văn Bình, 0912345678")


def test_a_daemon_that_moves_is_live() -> None:
    with serving() as health:
        assert get(health, "/health/live")[::2] == (200, "ok\n")


def test_a_daemon_that_stands_still_is_not_live() -> None:
    with serving(live=lambda: False) as health:
        assert get(health, "/health/live")[::2] == (503, "no\n")


def test_readiness_says_why_not() -> None:
    with serving(ready=lambda: "the state database does not answer") as health:
        assert get(health, "/health/ready?verbose")[::2] == (503, "the state database does not answer\n")


def test_metrics_are_served_as_prometheus_wants_them() -> None:
    with serving() as health:
        assert get(health, "/metrics") == (200, CONTENT_TYPE, "syncd_due 1\n")


def test_a_probe_that_fails_is_a_503_without_the_reason_in_words() -> None:
    with serving(ready=broken) as health:
        assert get(health, "/health/ready")[::2] == (503, "ValueError\n")


def test_other_paths_and_methods_do_not_exist() -> None:
    with serving() as health:
        assert get(health, "/")[0] == 404
        assert get(health, "/health/live", method="POST")[0] == 501


def test_probes_are_not_logged(capfd: pytest.CaptureFixture[str]) -> None:
    with serving() as health:
        get(health, "/health/live")
        get(health, "/nowhere")
    assert capfd.readouterr() == ("", "")


def test_a_client_that_goes_away_disturbs_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    with serving(metrics=lambda: b"x" * 5_000_000) as health:
        with socket.create_connection(("127.0.0.1", health.port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            client.recv(10)
        assert get(health, "/health/live")[0] == 200
    assert capfd.readouterr().err == ""


def test_a_port_that_is_taken_is_a_problem_of_the_setting() -> None:
    with serving() as health, pytest.raises(ConfigurationError, match=r"daemon\.http: cannot listen") as caught:
        Health(f"127.0.0.1:{health.port}", live=lambda: True, ready=lambda: True, metrics=bytes).start()
    assert caught.value.problems[0].hint


@pytest.mark.parametrize("address", ["8470", "localhost", ":8470", "localhost:http"])
def test_an_address_without_host_or_port_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="host:port"):
        Health(address, live=lambda: True, ready=lambda: True, metrics=bytes)


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as trial:
        return trial.connect_ex(("::1", 9)) == errno.ECONNREFUSED


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on loopback")
def test_an_ipv6_address_in_brackets_is_listened_on() -> None:
    with serving(address="[::1]:0") as health:
        assert get(health, "/health/live", host="::1")[0] == 200


def test_stopping_twice_or_before_the_start_is_harmless() -> None:
    health = Health("127.0.0.1:0", live=lambda: True, ready=lambda: True, metrics=bytes)
    health.stop()
    health.start()
    port = health.port
    health.stop()
    health.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)

"""The sandbox server speaks HTTP/1.1 as far as clients need it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from syncd.sandbox.server import Reply, Request, Server

REQUEST = b"POST /a?b=1&b=2 HTTP/1.1\r\nContent-Length: 2\r\nX-Name:  given \r\n\r\nhi"


@pytest.fixture
def seen() -> list[Request]:
    return []


@pytest.fixture
def server(seen: list[Request]) -> Iterator[Server]:
    def answer(request: Request) -> Reply:
        seen.append(request)
        return Reply(request.body)

    running = Server(answer)
    running.start()
    yield running
    running.close()
    running.close()


@pytest.fixture
def line(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        yield connection


def test_a_request_is_read_whole(line: socket.socket, seen: list[Request]) -> None:
    for byte in (REQUEST[:20], REQUEST[20:50], REQUEST[50:]):
        line.sendall(byte)
    assert line.recv(4096).endswith(b"\r\n\r\nhi")
    assert seen == [Request("POST", "/a", "b=1&b=2", {"content-length": "2", "x-name": "given"}, b"hi")]
    assert (seen[0].parameter("b"), seen[0].parameter("c")) == ("1", "")


def test_a_connection_serves_many_requests_one_after_another(line: socket.socket, seen: list[Request]) -> None:
    line.sendall(REQUEST * 3)
    received = b""
    while received.count(b"200 OK") < 3 or not received.endswith(b"hi"):
        received += line.recv(4096)
    assert len(seen) == 3


def test_a_connection_ends_when_the_caller_says_so(line: socket.socket) -> None:
    line.sendall(REQUEST.replace(b"X-Name:  given", b"Connection: Close"))
    received = b""
    while data := line.recv(4096):
        received += data
    assert received.endswith(b"hi")


@pytest.mark.parametrize(
    "nonsense", [b"hello\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b""]
)
def test_what_is_no_http_ends_the_connection(line: socket.socket, seen: list[Request], nonsense: bytes) -> None:
    line.sendall(nonsense)
    line.shutdown(socket.SHUT_WR)
    assert line.recv(4096) == b""
    assert seen == []


def test_a_refusing_server_keeps_its_port_and_cuts_what_is_open(server: Server, line: socket.socket) -> None:
    line.sendall(REQUEST)
    assert line.recv(4096)
    server.refuse()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=10)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as again:
        again.sendall(REQUEST)
        assert again.recv(4096)

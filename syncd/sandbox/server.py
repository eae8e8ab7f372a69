"""A small HTTP/1.1 server on loopback, for sandboxes: a thread a connection, kept alive, no parser it does not need.

It exists instead of `http.server` because benchmarks measure what calls it: reading a request here costs a tenth. It can
also do what a polite server cannot: cut an answer short, reset a connection, and refuse connections while keeping its port.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from http import HTTPStatus
from io import BufferedReader
from typing import Final, NamedTuple
from urllib.parse import parse_qs

_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: no lingering, the peer sees a reset
_LONGEST_BODY: Final = 64 * 1024 * 1024


class Request(NamedTuple):
    """One request."""

    method: str
    path: str
    query: str
    headers: dict[str, str]  #: names in lower case
    body: bytes

    def parameter(self, name: str) -> str:
        """The first value of a query parameter, empty without it."""
        return parse_qs(self.query).get(name, [""])[0]


class Reply(NamedTuple):
    """One answer."""

    body: bytes
    status: int = 200
    content_type: str = "application/json; charset=utf-8"
    retry_after: int | None = None  #: seconds
    cut: bool = False  #: announce the whole body, send half of it, and hang up


class Server:
    """Answers every request with `answer`, from `start` to `close`; None as an answer resets the connection."""

    def __init__(self, answer: Callable[[Request], Reply | None], port: int = 0) -> None:
        self._answer = answer
        self._listener = _bound(port)
        self.port: int = self._listener.getsockname()[1]
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.listening = False

    def start(self) -> None:
        """Begin to listen."""
        self.listening = True
        self._listener.listen(128)
        threading.Thread(target=self._accept, args=(self._listener,), name="sandbox-accept", daemon=True).start()

    def refuse(self) -> None:
        """Refuse connections from now on, and cut those that are open. The port stays ours."""
        self.close()
        self._listener = _bound(self.port)

    def close(self) -> None:
        """Stop listening and reset what is open. Safe to call twice."""
        self.listening = False
        _close_listener(self._listener)
        with self._lock:
            for connection in self._connections:
                _shut(connection)
            self._connections.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), name="sandbox-connection", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as stream:
                while self._exchange(connection, stream):
                    pass
        except (OSError, ValueError):
            pass  # the peer is gone, or does not speak HTTP
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _exchange(self, connection: socket.socket, stream: BufferedReader) -> bool:
        """One request and its answer; whether the connection stays."""
        request = _read(stream)
        if request is None:
            return False
        reply = self._answer(request)
        if reply is not None:
            data = _head(reply) + reply.body
            connection.sendall(data[: -len(reply.body) // 2] if reply.cut else data)
        if reply is None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            return False
        return not reply.cut and request.headers.get("connection", "").lower() != "close"


def _bound(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def _close_listener(listener: socket.socket) -> None:
    _shut(listener)  # wakes the thread that accepts
    listener.close()


def _shut(connection: socket.socket) -> None:
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # closed already


def _read(stream: BufferedReader) -> Request | None:
    """The next request, None at the end of the connection. Raises ValueError for what is no HTTP."""
    line = stream.readline(65536)
    if not line:
        return None
    method, target, _version = line.decode("latin-1").split()
    headers: dict[str, str] = {}
    while (line := stream.readline(65536)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= _LONGEST_BODY:
        raise ValueError("the body is too long")
    path, _, query = target.partition("?")
    return Request(method, path, query, headers, stream.read(length))


def _head(reply: Reply) -> bytes:
    after = "" if reply.retry_after is None else f"Retry-After: {reply.retry_after}\r\n"
    phrase = HTTPStatus(reply.status).phrase
    return f"HTTP/1.1 {reply.status} {phrase}\r\nContent-Type: {reply.content_type}\r\n{after}Content-Length: {len(reply.body)}\r\n\r\n".encode("latin-1")

"""The daemon's window: `/health/live`, `/health/ready` and `/metrics` over plain HTTP.

The standard library's server is enough for a probe every few seconds and keeps a web framework out of a daemon that
holds personal data. It listens on loopback unless told otherwise and shows states and counts only, nothing of a dossier.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, cast

from syncd.errors import ConfigurationError
from syncd.metrics import CONTENT_TYPE
from syncd.model import Problem

PATIENCE = 10.0  # seconds a client may take to say what it wants


class Answer(NamedTuple):
    """What a probe gets to see."""

    status: HTTPStatus
    body: bytes
    kind: str = "text/plain; charset=utf-8"


class Health:
    """A small HTTP server on threads of its own.

    `address` is `host:port`, an IPv6 host in brackets, port 0 for any free one. `live` tells whether the loops move;
    `ready` whether state and source answer, or in words why not; `metrics` gives the Prometheus text. What one of them
    raises becomes a 503 that names the exception's type only.
    """

    def __init__(self, address: str, *, live: Callable[[], bool | str], ready: Callable[[], bool | str], metrics: Callable[[], bytes]) -> None:
        self._host, self._port = _split(address)
        self._pages: dict[str, Callable[[], Answer]] = {
            "/health/live": lambda: _verdict(live()),
            "/health/ready": lambda: _verdict(ready()),
            "/metrics": lambda: Answer(HTTPStatus.OK, metrics(), CONTENT_TYPE),
        }
        self._server: _Server | None = None

    def start(self) -> None:
        """Listen and answer. Raises `ConfigurationError` when the address cannot be had."""
        try:
            self._server = _Server(self._host, self._port, self._answer)
        except OSError as error:
            problem = Problem(
                field="daemon.http", reason=f"cannot listen: {error.strerror or error}", hint='name a free address of this machine, or "" for none'
            )
            raise ConfigurationError([problem]) from None
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="health", daemon=True).start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.server_port if self._server else self._port

    def stop(self) -> None:
        """Close the socket. Safe to call twice, or without `start`."""
        server, self._server = self._server, None
        if server:
            server.shutdown()
            server.server_close()

    def _answer(self, path: str) -> Answer:
        if path not in self._pages:
            return Answer(HTTPStatus.NOT_FOUND, b"try /health/live, /health/ready or /metrics\n")
        try:
            return self._pages[path]()
        except Exception as error:  # noqa: BLE001  a probe is told that something is wrong, whatever it is
            return _verdict(type(error).__name__)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, answer: Callable[[str], Answer]) -> None:
        self.answer = answer
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle of an answer is nobody's trouble."""


class _Handler(BaseHTTPRequestHandler):
    timeout = PATIENCE
    server_version = "syncd"
    sys_version = ""

    def do_GET(self) -> None:
        answer = cast("_Server", self.server).answer(self.path.partition("?")[0])
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name the base class gives it
        """Probes come every few seconds; they are not events."""


def _verdict(state: bool | str) -> Answer:
    if state is True:
        return Answer(HTTPStatus.OK, b"ok\n")
    return Answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{state or 'no'}\n".encode())


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or not host:
        raise ConfigurationError([Problem(field="daemon.http", reason="is not host:port", hint='write "127.0.0.1:8470"')])
    return host.strip("[]"), int(port)

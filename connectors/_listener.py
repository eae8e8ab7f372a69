"""A small HTTP server for systems that call us: it knows who may, reads what they send within bounds, and hands it on.

Nothing but PUT is served, one request a connection, only so many at once, each within its time. The answer goes out when what
was sent has been dealt with, never before. `_caller` serves the single request; what is asked and answered beyond that belongs to
a contract, which the listener is given: `Service`.
"""

from __future__ import annotations

import socket
import ssl
import threading
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from connectors._caller import ANSWER_WITHIN, Caller, Service, Terms
from syncd.errors import ConfigurationError
from syncd.model import Problem

AT_ONCE = 8  #: requests being served


class Listener:
    """Listens from construction to `close`. Raises `ConfigurationError` where the address or the certificate cannot be had."""

    def __init__(self, terms: Terms, service: Service) -> None:
        host, port = split(terms.address)
        try:
            self._server = _Server(host, port, terms, service, _tls(terms))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfigurationError([Problem(field="listen", reason=f"cannot listen on {terms.address}: {reason}", hint="is the address free?")]) from None
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; what is being served is served to its end, within reason. Safe to call twice."""
        self._server.shutdown()
        self._server.server_close()
        self._server.drain()
        self._thread.join()


def split(address: str) -> tuple[str, int]:
    """Host and port of `host:port`; an IPv6 host stands in brackets. Raises `ConfigurationError` for anything else."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 ports
        raise ConfigurationError([Problem(field="listen", reason="is no address", hint="write host:port, for example 127.0.0.1:8480")])
    return host.strip("[]"), int(port)


def _tls(terms: Terms) -> ssl.SSLContext | None:
    if terms.cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(terms.cert, terms.key, password=lambda: "")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        hint = "give a PEM file with the certificate and those above it, and its key without a password"
        raise ConfigurationError([Problem(field="listen_cert_file", reason=f"cannot be used: {reason}", hint=hint)]) from None
    return context


class _Server(ThreadingHTTPServer):
    """Serves each connection on a thread of its own, `AT_ONCE` of them; who comes then is turned away."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def __init__(self, host: str, port: int, terms: Terms, service: Service, tls: ssl.SSLContext | None) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.terms = terms
        self.service = service
        self.tls = tls
        self._serving = 0
        self._changed = threading.Condition()
        super().__init__((host, port), Caller)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer would ask a name server who we are

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            free = self._serving < AT_ONCE
            self._serving += free
        if free:
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._changed:
                self._serving -= 1
                self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is its caller's loss; what goes wrong in a service is answered and logged where it is called."""

    def drain(self) -> None:
        """Wait until nothing is being served."""
        with self._changed:
            self._changed.wait_for(lambda: not self._serving, ANSWER_WITHIN)

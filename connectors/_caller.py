"""One request of a system that calls us: who it is, what it sends, and the answer. `_listener` says within which bounds.

Who calls is known by HTTP Basic, compared in constant time, before a byte of the body is read. A body has its limit, told
beforehand or not, and the whole request its time, however slowly it drips.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import io
import logging
import re
import socket
import ssl
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from syncd.clock import SystemClock

HEADERS_WITHIN = 10.0  #: seconds for a caller to say who it is
ANSWER_WITHIN = 10.0  #: seconds to take the answer in
LINGER = 2.0  #: seconds that are given to a caller to stop sending what is not read
_CHUNK_HEAD = 1024
_TRAILERS = 20
_PIECE = 64 * 1024
_HEX = re.compile(rb"[0-9a-fA-F]{1,15}")
_log = logging.getLogger(__name__)
now = SystemClock().monotonic  # sockets live in real time, whatever clock the rest is handed


class Request(NamedTuple):
    """A request whose caller is known and whose body is whole."""

    path: str  #: as sent, without the query
    content_type: str
    body: bytes


class Reply(NamedTuple):
    """What is answered."""

    body: bytes
    status: int = 200


class Service(Protocol):
    """A contract: what is done with a request, and how one that gets no further is answered."""

    def serve(self, request: Request) -> Reply:
        """Deal with the request; the answer goes out when this returns."""
        ...

    def stranger(self) -> Reply:
        """The answer to somebody who may not call."""
        ...

    def unfit(self, status: int, reason: str) -> Reply:
        """The answer to a request that is none; `status` is what HTTP has for it."""
        ...

    def broken(self) -> Reply:
        """The answer where something went wrong here."""
        ...


class Terms(NamedTuple):
    """Where, for whom and within which bounds is listened."""

    address: str  #: host:port; port 0 = any that is free
    username: str
    password: str
    largest: int  #: bytes of a body
    within: float  #: seconds for a whole request
    cert: Path | None = None
    key: Path | None = None

    @property
    def credentials(self) -> bytes:
        """What the header of somebody who may call says."""
        return base64.b64encode(f"{self.username}:{self.password}".encode())


class Host(Protocol):
    """What a request must know of the server it comes to."""

    terms: Terms
    service: Service
    tls: ssl.SSLContext | None


class _Unfit(Exception):
    """The request is none."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


class _Timely(io.RawIOBase):
    """Reads from a socket until a deadline."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._socket = connection
        self.deadline = now() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.deadline - now()
        if left <= 0:
            raise TimeoutError("the request was not whole in time")
        self._socket.settimeout(left)
        return self._socket.recv_into(buffer)


class Caller(BaseHTTPRequestHandler):
    """One request."""

    server: Host  # type: ignore[assignment]  # no server of another kind makes one
    protocol_version = "HTTP/1.1"
    server_version = "syncd"
    sys_version = ""

    def setup(self) -> None:
        if self.server.tls is not None:
            self.request.settimeout(HEADERS_WITHIN)
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.connection = self.request
        self._stream = _Timely(self.connection, HEADERS_WITHIN)
        self.rfile = io.BufferedReader(self._stream, _PIECE)
        self.wfile = self._told = io.BytesIO()
        self._whole = False

    def handle(self) -> None:
        try:
            self.handle_one_request()
        except OSError:
            self._whole = True  # there is nobody to wait for

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.settimeout(ANSWER_WITHIN)
            self.connection.sendall(self._told.getvalue())
            if not self._whole:
                self._linger()
        self.connection.close()

    def _linger(self) -> None:
        """Let the caller finish: a connection closed on unread bytes is reset, and the answer with it."""
        self.connection.shutdown(socket.SHUT_WR)
        end, left = now() + LINGER, 2 * self.server.terms.largest
        while left > 0 and (span := end - now()) > 0:
            self.connection.settimeout(span)
            got = len(self.connection.recv(_PIECE))
            if not got:
                return
            left -= got

    def do_PUT(self) -> None:
        """Serve it."""
        try:
            refusal = self._refusal()
            self._answer(self._served() if refusal is None else refusal)
        except _Unfit as unfit:
            self._answer(self.server.service.unfit(unfit.status, unfit.reason))
        except TimeoutError:
            self._answer(self.server.service.unfit(408, "the request was not whole in time"))

    def handle_expect_100(self) -> bool:
        """A caller that asks beforehand is told beforehand."""
        try:
            refusal = self._refusal()
        except _Unfit as unfit:
            refusal = self.server.service.unfit(unfit.status, unfit.reason)
        if refusal is None:
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            return True
        self._answer(refusal)
        return False

    def _refusal(self) -> Reply | None:
        """Why the body is not even read; None where it is."""
        given = self.headers.get("Authorization", "").strip()
        scheme, _, credentials = given.partition(" ")
        known = hmac.compare_digest(credentials.strip().encode("utf-8", "replace"), self.server.terms.credentials)
        if scheme.lower() != "basic" or not known:
            return self.server.service.stranger()
        self._stream.deadline = now() + self.server.terms.within
        self._length()
        return None

    def _length(self) -> int | None:
        """The length of the body; None where it comes in chunks."""
        lengths, encoding = self.headers.get_all("Content-Length", []), self.headers.get("Transfer-Encoding", "").strip().lower()
        if encoding == "chunked" and not lengths:
            return None
        if encoding or len(lengths) != 1 or not lengths[0].strip().isdecimal():
            raise _Unfit(411, "the length of the request is not told")
        length = int(lengths[0]) if len(lengths[0]) < 20 else self.server.terms.largest + 1  # noqa: PLR2004 digits
        if length > self.server.terms.largest:
            raise self._too_large()
        return length

    def _too_large(self) -> _Unfit:
        return _Unfit(413, f"the request is larger than {self.server.terms.largest / 1e6:.1f} MB")

    def _served(self) -> Reply:
        length = self._length()
        body = self._chunks() if length is None else self.rfile.read(length)
        if length is not None and len(body) < length:
            raise _Unfit(400, "the request was broken off")
        self._whole = True
        try:
            return self.server.service.serve(Request(self.path.partition("?")[0], self.headers.get("Content-Type", ""), body))
        except Exception:  # noqa: BLE001 whatever it is, the caller must learn that nothing was taken, and we what it was
            _log.exception("listener_failed")
            return self.server.service.broken()

    def _chunks(self) -> bytes:
        parts, total = [], 0
        while size := self._chunk_size():
            total += size
            if total > self.server.terms.largest:
                raise self._too_large()
            part = self.rfile.read(size)
            if len(part) < size or self.rfile.readline(3) not in (b"\r\n", b"\n"):
                raise _Unfit(400, "the request was broken off")
            parts.append(part)
        for _ in range(_TRAILERS):
            if self.rfile.readline(_CHUNK_HEAD) in (b"\r\n", b"\n", b""):
                return b"".join(parts)
        raise _Unfit(400, "the request does not end")

    def _chunk_size(self) -> int:
        written = self.rfile.readline(_CHUNK_HEAD).partition(b";")[0].strip()
        if not _HEX.fullmatch(written):
            raise _Unfit(400, "the request was broken off")
        return int(written, 16)

    def _answer(self, reply: Reply) -> None:
        self.close_connection = True
        self.send_response(reply.status)
        for name, value in (("Content-Type", "application/json; charset=utf-8"), ("Content-Length", str(len(reply.body))), ("Connection", "close")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the library finds wrong with a request."""
        self._answer(self.server.service.unfit(int(code), "this is not served here"))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the library's name
        """Requests are not logged; what they bring is."""

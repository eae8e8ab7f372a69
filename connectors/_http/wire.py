"""The wire under `calls`: libcurl carries a request, and the answer is whole and in time or there is none.

What `requests` makes of an address and its headers goes over libcurl, which was chosen by measurement (ADR 0005). Some of its habits are
unlearned. Where a kept connection dies before an answer it would send the request once more, by itself: the body is handed to it once
and cannot be rewound, so such a call ends as what it is, an answer that did not arrive; what has no body goes over a connection of its
own. Proxies of the environment, HTTP/2 and waiting for `100 Continue` are off. The time-out is ours and for everything, so that a server
which drips holds nothing, and who is called up late still takes what came in time: libcurl would throw it away.

Whoever lets go of the interpreter's lock stands behind all other threads to have it again. So libcurl is asked for what an answer
says besides its body (`Retry-After`, where we are sent) rather than told to hand over every line, and a kept connection is looked at without
letting go.
"""

from __future__ import annotations

import ctypes
import socket
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import certifi
import pycurl

from connectors._http.outcomes import NotAnswered, NotSent, TooLarge
from syncd.options import TargetOptions
from syncd.strands import attend

if TYPE_CHECKING:
    import requests

_MILLI = 1000
_BLIND = 0.05  #: seconds between looks where libcurl names no socket, as while it resolves a name
_UNWANTED = ("Accept", "Content-Type", "Expect")
_ALWAYS = (
    (pycurl.NOSIGNAL, 1),
    (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
    (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
    (pycurl.FOLLOWLOCATION, 0),
    (pycurl.NOPROXY, ""),
    (pycurl.USERAGENT, ""),
    (pycurl.ACCEPT_ENCODING, "gzip, deflate"),  # read where a server uses it unasked
)
_peek = ctypes.PyDLL(None).recv  # with the lock in hand: it does not wait
_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT


class Arrived(NamedTuple):
    """A whole answer."""

    status: int
    body: bytes
    later: float | None  #: seconds after which to come back, where it says so
    elsewhere: str  #: where we are sent


class Line:
    """A connection to one target, for one call at a time."""

    def __init__(self, options: TargetOptions, largest: int) -> None:
        """`largest` is the number of bytes an answer may have."""
        self._largest = largest
        self._headers: Mapping[str, str] | None = None
        self._rest, self._asked = memoryview(b""), False
        self._parts: list[bytes] = []
        self._size = 0
        self._curl, self._multi, self._inside = pycurl.Curl(), pycurl.CurlMulti(), False
        self._multi.setopt(pycurl.M_MAXCONNECTS, 1)  # the last one, at which `_closed` looks
        for option, value in (*_ALWAYS, *_terms(options)):
            self._curl.setopt(option, value)
        self._curl.setopt(pycurl.READFUNCTION, self._read)
        self._curl.setopt(pycurl.WRITEFUNCTION, self._write)

    def send(self, request: requests.PreparedRequest, body: bytes, connect: float, answer: float) -> Arrived:
        """The answer to `request` with this body. Seconds to connect, and to answer after that. Raises `NotSent`, `NotAnswered`,
        `TooLarge`."""
        curl = self._curl
        self._address(request, body, connect, answer)
        try:
            self._perform(connect + answer)
        except pycurl.error as error:
            self._leave()
            if self._size > self._largest:
                raise TooLarge(f"the answer is larger than {self._largest / 1e6:g} MB") from None
            code, said = cast("tuple[int, str]", error.args)
            raise (NotAnswered if self._left(body) else NotSent)(code, said) from None
        status = curl.getinfo(pycurl.RESPONSE_CODE)
        plain = 200 <= status < 300  # noqa: PLR2004 the classes of HTTP
        later, elsewhere = (0, "") if plain else (curl.getinfo(pycurl.RETRY_AFTER), curl.getinfo(pycurl.REDIRECT_URL) or "")
        return Arrived(status, b"".join(self._parts), float(later) if later else None, elsewhere)

    def close(self) -> None:
        """Release the connections."""
        self._multi.close()
        self._curl.close()

    def _perform(self, seconds: float) -> None:
        """As `Curl.perform`, giving way while it waits. Whoever is called up late, because something held up all strands, takes an answer that
        came meanwhile, and sends nothing more."""
        multi, end = self._multi, time.monotonic() + seconds
        multi.add_handle(self._curl)
        self._inside = True
        while multi.perform()[1]:
            if time.monotonic() >= end:
                raise pycurl.error(pycurl.E_OPERATION_TIMEDOUT, "")
            reading, writing, _ = multi.fdset()
            wait = multi.timeout() / _MILLI
            most = 1.0 if reading or writing else _BLIND
            attend(reading, writing, max(0.0, min(most if wait < 0 else wait, most, end - time.monotonic())))
            if self._rest and time.monotonic() >= end:
                raise pycurl.error(pycurl.E_OPERATION_TIMEDOUT, "")
        _, _, failed = multi.info_read()
        if failed:
            raise pycurl.error(failed[0][1], failed[0][2])

    def _address(self, request: requests.PreparedRequest, body: bytes, connect: float, answer: float) -> None:
        curl = self._curl
        self._rest, self._asked, self._parts, self._size = memoryview(body), False, [], 0
        fresh = not body or self._closed()
        self._leave()
        curl.setopt(pycurl.FRESH_CONNECT, int(fresh))
        curl.setopt(pycurl.URL, request.url)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, round(connect * _MILLI)))
        if request.headers is not self._headers:
            self._headers = request.headers
            curl.setopt(pycurl.HTTPHEADER, _spelt(request.headers))
        if body or request.method != "GET":
            curl.setopt(pycurl.POST, 1)
            curl.setopt(pycurl.POSTFIELDSIZE_LARGE, len(body))
        else:
            curl.setopt(pycurl.HTTPGET, 1)
        curl.setopt(pycurl.CUSTOMREQUEST, request.method)

    def _leave(self) -> None:
        """End what was begun; a connection that was not read to its end is closed. Who leaves is no longer told which socket it had."""
        if self._inside:
            self._multi.remove_handle(self._curl)
            self._inside = False

    def _left(self, body: bytes) -> bool:
        """Whether the request was begun: its body is asked for when the connection stands."""
        return self._asked if body else self._curl.getinfo(pycurl.REQUEST_SIZE) > 0

    def _closed(self) -> bool:
        """Whether the far end has closed the kept connection; libcurl looks only where it has rested for a second."""
        number = self._curl.getinfo(pycurl.ACTIVESOCKET)
        return bool(number >= 0 and _peek(number, bytes(1), 1, _PEEK) >= 0)

    def _read(self, size: int) -> bytes:
        self._asked = True
        part, self._rest = self._rest[:size], self._rest[size:]
        return bytes(part)

    def _write(self, part: bytes) -> int:
        self._size += len(part)
        if self._size > self._largest:
            return -1
        self._parts.append(part)
        return len(part)


def _terms(options: TargetOptions) -> list[tuple[int, Any]]:
    """Whom we trust, who we are and through whom we go."""
    certificate = options.client_cert_file
    identity = [(pycurl.SSLCERT, str(certificate)), (pycurl.SSLKEY, str(options.client_key_file or certificate))] if certificate else []
    return [
        (pycurl.SSL_VERIFYPEER, int(options.verify is not False)),
        (pycurl.SSL_VERIFYHOST, 2 * (options.verify is not False)),
        (pycurl.CAINFO, certifi.where() if isinstance(options.verify, bool) else str(options.verify)),
        (pycurl.PROXY, options.proxy),
        *identity,
    ]


def _spelt(headers: Mapping[str, str]) -> list[str]:
    """The headers as libcurl wants them, and without those that it would add."""
    given = [f"{name}: {value}" for name, value in headers.items() if name != "Content-Length"]
    return [*given, *(f"{name}:" for name in _UNWANTED if name not in headers)]

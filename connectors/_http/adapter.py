"""A transport adapter of `requests` over libcurl: the answer is whole and in time or there is none, and it is known whether a request left.

Connectors go on to speak `requests`; what carries the bytes was chosen by measurement (ADR 0005). Its Session is left out: that is where
environment proxies, netrc, cookies and redirects come in, none of which may touch a call.

Some habits of libcurl are unlearned. Where a kept connection dies before an answer it would send the request once more, by itself: the
body is handed to it once and cannot be rewound, so such a call ends as what it is, an answer that did not arrive; what has no body goes
over a connection of its own. Proxies of the environment, HTTP/2 and waiting for `100 Continue` are off. Its time-out is for everything,
so that a server which drips holds nothing.
"""

from __future__ import annotations

import ctypes
import socket
from collections.abc import Mapping
from typing import Any, cast

import certifi
import pycurl
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from connectors._http.outcomes import TooLarge

_MILLI = 1000
_UNWANTED = ("Accept", "Content-Type", "Expect")
_ALWAYS = (
    (pycurl.NOSIGNAL, 1),
    (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
    (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
    (pycurl.FOLLOWLOCATION, 0),
    (pycurl.NOPROXY, ""),
    (pycurl.ACCEPT_ENCODING, "gzip, deflate"),  # read where a server uses it unasked
)


# Called with the interpreter's lock in hand: it does not wait, and who lets go of the lock here has to wait for it among all threads.
_peek = ctypes.PyDLL(None).recv
_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT


class NotSent(requests.ConnectionError):
    """No byte of the request was handed to the network."""

    def __init__(self, code: int, said: str) -> None:
        self.code = code  #: libcurl's
        self.said = said
        super().__init__(said)


class NotAnswered(NotSent):
    """The request may have been seen by somebody, and no whole answer came."""


class Adapter(BaseAdapter):
    """Sends prepared requests; one a thread, whose connections it keeps."""

    def __init__(self, largest: int) -> None:
        """`largest` is the number of bytes an answer may have."""
        super().__init__()
        self._largest = largest
        self._terms: tuple[Any, ...] | None = None
        self._headers: Mapping[str, str] | None = None
        self._rest, self._asked = memoryview(b""), False
        self._parts: list[bytes] = []
        self._size = 0
        self._heads: list[bytes] = []
        self._curl = pycurl.Curl()
        self._curl.setopt(pycurl.USERAGENT, "")
        for option, value in _ALWAYS:
            self._curl.setopt(option, value)
        self._curl.setopt(pycurl.READFUNCTION, self._read)
        self._curl.setopt(pycurl.WRITEFUNCTION, self._write)
        self._curl.setopt(pycurl.HEADERFUNCTION, self._head)

    def send(  # type: ignore[override]  # of what requests can be told, what is told here
        self,
        request: requests.PreparedRequest,
        *,
        timeout: tuple[float, float],
        verify: bool | str,
        cert: str | tuple[str, str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The whole answer. Seconds to connect, and to answer after that. Raises `NotSent`, `NotAnswered`, `TooLarge`."""
        self._agree(verify, cert, (proxies or {}).get("https", ""))
        self._address(request, timeout)
        try:
            self._curl.perform()
        except pycurl.error as error:
            if self._size > self._largest:
                raise TooLarge(f"the answer is larger than {self._largest / 1e6:g} MB") from None
            code, said = cast("tuple[int, str]", error.args)
            raise (NotAnswered if self._left(request) else NotSent)(code, said) from None
        return self._response()

    def close(self) -> None:
        """Release the connections."""
        self._curl.close()

    def _agree(self, verify: bool | str, cert: str | tuple[str, str] | None, proxy: str) -> None:
        """Whom we trust, who we are and through whom we go: seldom another than at the last call."""
        terms = (verify, cert, proxy)
        if terms != self._terms:
            self._terms = terms
            certificate, key = cert if isinstance(cert, tuple) else (cert, cert)
            self._curl.setopt(pycurl.SSL_VERIFYPEER, int(verify is not False))
            self._curl.setopt(pycurl.SSL_VERIFYHOST, 2 * (verify is not False))
            self._curl.setopt(pycurl.CAINFO, verify if isinstance(verify, str) else certifi.where())
            self._curl.setopt(pycurl.PROXY, proxy)
            if certificate:
                self._curl.setopt(pycurl.SSLCERT, certificate)
                self._curl.setopt(pycurl.SSLKEY, key)

    def _address(self, request: requests.PreparedRequest, timeout: tuple[float, float]) -> None:
        curl, body = self._curl, request.body or b""
        self._rest, self._asked, self._parts, self._size, self._heads = memoryview(body), False, [], 0, []  # type: ignore[arg-type]  # bytes, for `calls` gives no other
        curl.setopt(pycurl.FRESH_CONNECT, int(not body or self._closed()))
        curl.setopt(pycurl.URL, request.url)
        if request.headers is not self._headers:
            self._headers = request.headers
            curl.setopt(pycurl.HTTPHEADER, _spelt(request.headers))
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, round(timeout[0] * _MILLI)))
        curl.setopt(pycurl.TIMEOUT_MS, max(1, round(sum(timeout) * _MILLI)))
        if body or request.method != "GET":
            curl.setopt(pycurl.POST, 1)
            curl.setopt(pycurl.POSTFIELDSIZE_LARGE, len(body))
        else:
            curl.setopt(pycurl.HTTPGET, 1)
        curl.setopt(pycurl.CUSTOMREQUEST, request.method)

    def _left(self, request: requests.PreparedRequest) -> bool:
        """Whether the request was begun: its body is asked for when the connection stands."""
        return self._asked if request.body else self._curl.getinfo(pycurl.REQUEST_SIZE) > 0

    def _closed(self) -> bool:
        """Whether the far end has closed the kept connection; libcurl looks only where it has rested for a second."""
        number = self._curl.getinfo(pycurl.ACTIVESOCKET)
        return bool(number >= 0 and _peek(number, bytes(1), 1, _PEEK) >= 0)

    def _response(self) -> requests.Response:
        response = requests.Response()
        response.status_code = self._curl.getinfo(pycurl.RESPONSE_CODE)
        lines = (line.decode("latin-1").partition(":") for line in self._heads)
        response.headers = CaseInsensitiveDict((name.strip(), value.strip()) for name, mark, value in lines if mark)
        response._content = b"".join(self._parts)  # noqa: SLF001  where a response keeps a body that was read
        return response

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

    def _head(self, line: bytes) -> None:
        if line.startswith(b"HTTP/"):
            self._heads = []
        self._heads.append(line)


def _spelt(headers: Mapping[str, str]) -> list[str]:
    """The headers as libcurl wants them, and without those that it would add."""
    given = [f"{name}: {value}" for name, value in headers.items() if name != "Content-Length"]
    return [*given, *(f"{name}:" for name in _UNWANTED if name not in headers)]

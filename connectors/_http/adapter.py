"""The sockets under `calls`: an answer is whole in time or no answer, and it is known whether a request has left.

`requests` is used from its adapter downwards. Its Session is left out: that is where environment proxies, netrc, cookies
and redirects come in, none of which may touch a call, and it reads the body of a redirect without any bound.

Two things the libraries do not offer are added to their connections. The read time-out of a socket begins anew with every
byte, so a server that drips could hold a lease for ever: here it is the time for the whole answer, headers included. And
`journey.left` tells whether any byte of a request was handed to the network, which is the only thing that makes a failed
call certain: no exception type says it.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from syncd.clock import SystemClock

_now = SystemClock().monotonic  # sockets live in real time, whatever clock the rest is handed


class _Journey(threading.local):
    left = False  #: a byte of this thread's present request was handed to the network


journey = _Journey()


class _Timely(io.RawIOBase):
    """Reads from a socket until a deadline."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._raw = connection.makefile("rb", buffering=0)
        self._deadline = _now() + (connection.gettimeout() or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - _now()
        if left <= 0:
            raise TimeoutError("the answer was not whole in time")
        self._socket.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Opener:
    """What `http.client` wants of a socket to read an answer from it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Timely(self._connection))


class _Answer(http.client.HTTPResponse):
    """An answer that must be whole within the socket's time-out."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_Opener(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Plain(HTTPConnection):
    """HTTP, watched."""

    response_class = _Answer

    def connect(self) -> None:
        try:
            super().connect()
        finally:
            journey.left = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        journey.left = True
        super().send(data)


class _Secure(HTTPSConnection):
    """HTTPS, watched. What is said to a proxy to open the tunnel is not the request."""

    response_class = _Answer

    def connect(self) -> None:
        try:
            super().connect()
        finally:
            journey.left = False

    def send(self, data: Any) -> None:
        journey.left = True
        super().send(data)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


_POOLS = {"http": _PlainPool, "https": _SecurePool}


class Adapter(HTTPAdapter):
    """An adapter of requests over watched connections; one a thread."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

"""The way through a gateway: a pass for each call, a new one where it had run out, and once more what did not arrive whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from connectors._http.calls import TRIES, Call, Http
from connectors._http.outcomes import Answered, Trouble
from connectors._lgsp.auth import Authority
from connectors._lgsp.verdicts import Judge, Verdict
from syncd.clock import Clock

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "syncd"}
_PAUSE = 0.5


class Wire:
    """Calls through one gateway as one client."""

    def __init__(self, http: Http, authority: Authority, judge: Judge, clock: Clock, sleep: Callable[[float], None]) -> None:
        self._http = http
        self._authority = authority
        self._judge = judge
        self._clock = clock
        self._sleep = sleep

    def send(self, url: str, body: bytes, until: float) -> Answered | Trouble:
        """The answer to one POST from behind the gateway, or the trouble that came instead.

        A request that the gateway did not get whole is tried up to three times, as long as time is left."""
        told = self._passed(url, body, until)
        for tried in range(1, TRIES):
            pause = _PAUSE * 2**tried
            if not told.incomplete or self._clock.monotonic() + pause + self._http.span > until:
                break
            self._sleep(pause)
            told = self._passed(url, body, until)
        return told.result

    def knock(self, url: str, until: float) -> Answered | Trouble:
        """What the gateway says to a GET, which no operation takes."""
        return self._passed(url, b"", until, "GET").result

    def _passed(self, url: str, body: bytes, until: float, method: Literal["GET", "POST"] = "POST") -> Verdict:
        """One exchange, and with another token once more where the first one is refused."""
        for first in (True, False):
            admitted = self._authority.get(until - self._http.span)
            if isinstance(admitted, Trouble):
                return Verdict(admitted)
            call = Call(url, body, {**_HEADERS, **admitted.headers}, method, repeatable=method == "GET")
            told = self._judge.call(self._http.send(call, until))
            if not (told.renew and self._authority.renew(admitted) and first):
                break
        return told

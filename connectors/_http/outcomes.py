"""What an HTTP exchange came to, as a value that says how certain it is. Pure.

the request never left                       unavailable   certainly not processed
503; 404, 405, 408, 421, 425 without a body
that says more: a server in between          unavailable   it says that it did not pass the request on
503 with Retry-After, 429                    busy
401, 403, 407, a redirect to a log-in page   unauthorised
413, other 4xx without a body that says more rejected
everything else but a 2xx                    unknown       it may have been processed (law L7)
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import NamedTuple

from syncd.calls import Outcome

LARGEST = 16_000_000  #: bytes of an answer, where nothing else is said
TOO_LARGE = "too_large"  #: code of an answer that has more
_LOGIN_PAGE = re.compile(r"(?i)log[-_]?in|sign[-_]?in|dang[-_]?nhap|\bsso\b|/auth|oauth|/cas\b")
_NOT_PASSED_ON = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.TOO_EARLY)
_STRANGERS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED)
# libcurl's codes
_TIMED_OUT = 28
_TLS = (35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91)
_UNSENT = {
    3: "the address is none",
    5: "the name of the proxy cannot be resolved",
    6: "the name of the server cannot be resolved",
    7: "connection refused",
    _TIMED_OUT: "no connection in time",
    56: "the proxy opens no way",
    97: "the proxy opens no way",
}


class Answered(NamedTuple):
    """An answer whose body the caller must read: a 2xx, or a 4xx that says nothing by itself."""

    status: int
    body: bytes


class Trouble(NamedTuple):
    """Why there is no answer to read, free of personal data and secrets."""

    outcome: Outcome
    code: str
    message: str
    hint: str = ""
    retry_after: float | None = None  #: seconds
    body: bytes = b""
    again: bool = False  #: another try of the same request may help and does no harm


class TooLarge(Exception):
    """The answer has more bytes than may be."""


class NotSent(Exception):
    """No byte of the request was handed to the network."""

    def __init__(self, code: int, said: str) -> None:
        self.code = code  #: libcurl's
        self.said = said
        super().__init__(said)


class NotAnswered(NotSent):
    """The request may have been seen by somebody, and no whole answer came."""


def judge(status: int, body: bytes, later: float | None = None, elsewhere: str = "") -> Answered | Trouble:
    """The answer where its body decides, else what the status says; `later` are the seconds after which to come back, `elsewhere` is where
    we are sent."""
    if 200 <= status < 300 or (400 <= status < 500 and status not in (*_STRANGERS, HTTPStatus.TOO_MANY_REQUESTS)):  # noqa: PLR2004 the classes of HTTP
        return Answered(status, body)
    if status in _STRANGERS:
        return Trouble(
            Outcome.UNAUTHORISED, str(status), f"the server refuses us (HTTP {status})", "check user name, password, certificate and address", body=body
        )
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return _later(status, later, body)
    if elsewhere:
        return _redirected(status, elsewhere)
    return Trouble(Outcome.UNKNOWN, str(status), f"the server failed (HTTP {status})", body=body)


def _later(status: int, seconds: float | None, body: bytes) -> Trouble:
    if status == HTTPStatus.SERVICE_UNAVAILABLE and seconds is None:
        return Trouble(Outcome.UNAVAILABLE, str(status), f"the server is not available (HTTP {status})", body=body)
    return Trouble(Outcome.BUSY, str(status), "the server asks to come back later", retry_after=seconds, body=body)


def refused(answer: Answered) -> Trouble:
    """What a 4xx means whose body says nothing."""
    code, message = str(answer.status), f"the server refuses the request (HTTP {answer.status})"
    if answer.status in _NOT_PASSED_ON:
        return Trouble(Outcome.UNAVAILABLE, code, message, "check the address of the target", body=answer.body)
    return Trouble(Outcome.REJECTED, code, message, "see at the server's log what it dislikes", body=answer.body)


def _redirected(status: int, location: str) -> Trouble:
    if _LOGIN_PAGE.search(location):
        return Trouble(Outcome.UNAUTHORISED, str(status), "the server sends us to a log-in page", "check the address of the target and the account")
    return Trouble(Outcome.UNKNOWN, str(status), f"the server sends us elsewhere (HTTP {status}), which is never followed", "check the address of the target")


def unsent(code: int, said: str) -> Trouble:
    """Why a request could not leave, by libcurl's code and words."""
    if code in _TLS:
        return Trouble(Outcome.UNAVAILABLE, "tls", f"no secure connection: {said}", "check verify and the client certificate", again=True)
    reason = _UNSENT.get(code, "it broke before the request")
    return Trouble(
        Outcome.UNAVAILABLE, "connect", f"no connection: {reason}", "is the server up, is the address right, does a firewall stand between?", again=True
    )


def lost(code: int, seconds: float) -> Trouble:
    """Why no whole answer came, for which `seconds` were given."""
    if code == _TIMED_OUT:
        return Trouble(Outcome.UNKNOWN, "timeout", f"no whole answer within {seconds:g} s")
    return Trouble(Outcome.UNKNOWN, "broken", "the connection broke after the request had been sent")

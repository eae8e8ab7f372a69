"""What an HTTP exchange with a gateway came to: its faults are told apart from the answers of the system behind it.

A fault with a code that is known has its own outcome; every other one is judged by its HTTP status. A message of a fault may
quote what was sent; whoever shows it takes that out.
"""

from __future__ import annotations

from typing import NamedTuple

from connectors._http.outcomes import Answered, Trouble, refused
from connectors._lgsp.faults import BLOCKED_WAIT, Action, Fault, action, next_access, read
from connectors._lgsp.throttle import Throttle
from syncd.calls import Outcome

_UNAUTHENTICATED, _THROTTLED = "401", "429"


class Verdict(NamedTuple):
    """An answer from behind the gateway, or the trouble that came instead, and what may be done at once."""

    result: Answered | Trouble
    renew: bool = False  #: try once more with a new token
    incomplete: bool = False  #: the request did not arrive whole; it was certainly not processed


class Judge:
    """Judges the exchanges of one client."""

    def __init__(self, name: str, throttle: Throttle) -> None:
        self._name = name
        self._throttle = throttle

    def call(self, came: Answered | Trouble) -> Verdict:
        """What a call of an operation came to."""
        told = self._judged(came)
        if isinstance(told.result, Answered):
            self._throttle.ease()
        return told

    def token(self, came: Answered | Trouble) -> Answered | Trouble:
        """What asking for a token came to. That one is given does not say that calls are let through again."""
        return self._judged(came).result

    def _judged(self, came: Answered | Trouble) -> Verdict:
        fault = read(came.body)
        todo = action(fault.code) if fault else None
        if fault is None or todo is None:
            return self._by_status(came, fault)
        return Verdict(self._trouble(came, fault, todo), renew=todo.renew, incomplete=todo.incomplete)

    def _trouble(self, came: Answered | Trouble, fault: Fault, todo: Action) -> Trouble:
        seconds = None
        if todo.throttled:
            seconds = self._throttle.wait(_asked(came), next_access(fault.next_access))
        elif todo.blocked:
            seconds = BLOCKED_WAIT
            _alarm(self._name, fault.code, todo.hint)
        return Trouble(todo.outcome, fault.code, fault.text or "the gateway does not say why", todo.hint, seconds, came.body)

    def _by_status(self, came: Answered | Trouble, fault: Fault | None) -> Verdict:
        if isinstance(came, Answered) and fault is None:
            return Verdict(came)
        if isinstance(came, Answered):
            came = refused(came) if came.status >= 400 else Trouble(Outcome.UNKNOWN, "", "a fault of the gateway", body=came.body)  # noqa: PLR2004
        if came.outcome is Outcome.BUSY and came.code == _THROTTLED:
            came = came._replace(retry_after=self._throttle.wait(came.retry_after, next_access(fault.next_access) if fault else None))
        if fault is not None:
            return Verdict(came._replace(code=fault.code, message=fault.text or came.message), renew=came.code == _UNAUTHENTICATED)
        return Verdict(came, renew=came.code == _UNAUTHENTICATED)


def _asked(came: Answered | Trouble) -> float | None:
    return came.retry_after if isinstance(came, Trouble) else None


def _alarm(target: str, code: str, hint: str) -> None:
    import structlog

    structlog.get_logger(__name__).error("target_blocked", target=target, error_code=code, hint=hint)

"""HTTP for connectors: what goes wrong on the way comes back as a value (`outcomes`), never as an exception.

A request that is safe to repeat has no unknown end: it is unavailable. Such requests, and those that never left, are tried
up to three times within ten seconds; every other one goes out once. Redirects are never followed.

A call has an end (`until`): tries, log-ins and the call itself share it. A request that must not be repeated does not begin
unless its full time is left, so that a lease is never outlived.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cached_property, lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from connectors._http.outcomes import LARGEST, TOO_LARGE, Answered, NotAnswered, NotSent, TooLarge, Trouble, judge, lost, unsent
from syncd.calls import Outcome
from syncd.clock import Clock
from syncd.model import Problem
from syncd.options import TargetOptions
from syncd.strands import rest

if TYPE_CHECKING:
    import requests
    import tenacity

    from connectors._http.wire import Line

CONNECT = timedelta(seconds=10)
TRIES = 3
TRIES_WITHIN = 10.0


class Call(NamedTuple):
    """One HTTP request."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    method: str = "POST"
    repeatable: bool = False  #: doing it twice does no harm


def problems(name: str, options: TargetOptions) -> list[Problem]:
    """What of the surroundings keeps HTTP from working as this module promises."""
    named = {"verify": options.verify, "client_cert_file": options.client_cert_file, "client_key_file": options.client_key_file}
    missing = [key for key, path in named.items() if path is not None and not isinstance(path, bool) and not path.is_file()]
    found = [Problem(field=f"targets.{name}.{key}", reason=f"there is no file {named[key]}", hint="check the path and its permissions") for key in missing]
    if options.client_key_file is not None and options.client_cert_file is None:
        found.append(
            Problem(field=f"targets.{name}.client_cert_file", reason="is missing, a key alone does not identify us", hint="name the certificate of the key")
        )
    if find_spec("niquests") is not None:
        found.append(
            Problem(
                field="niquests",
                reason="is installed: it replaces urllib3 and repeats requests on its own",
                hint="pip uninstall niquests urllib3-future, then reinstall urllib3",
            )
        )
    return found


class Http:
    """Calls to one target; serves all its workers, each call with a connection that no other one uses meanwhile."""

    def __init__(self, options: TargetOptions, clock: Clock, sleep: Callable[[float], None] = rest, *, largest: int = LARGEST) -> None:
        """`largest` is the number of bytes an answer may have."""
        self._clock = clock
        self._largest = largest
        self._sleep = sleep
        self._read = options.timeout.total_seconds()
        self._connect = min(CONNECT.total_seconds(), self._read)
        self._terms = options
        self._idle: deque[Line] = deque()

    @property
    def span(self) -> float:
        """Seconds that one request takes at most."""
        return self._connect + self._read

    def send(self, call: Call, until: float) -> Answered | Trouble:
        """The answer, or what came instead; back before the monotonic second `until`."""
        first = self._try(call, until)
        if isinstance(first, Answered) or not first.again:
            return first
        result: Answered | Trouble = self._retrying(self._once_more, call, until, [first])
        return result

    def close(self) -> None:
        """Release the connections that are not in use. Safe to call twice."""
        while self._idle:
            self._idle.pop().close()

    @cached_property
    def _retrying(self) -> tenacity.Retrying:
        import tenacity

        enough = tenacity.stop_after_attempt(TRIES) | tenacity.stop_before_delay(TRIES_WITHIN)
        return tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda result: isinstance(result, Trouble) and result.again),
            stop=lambda state: enough(state) or self._too_late(state),
            wait=tenacity.wait_random_exponential(multiplier=0.25, max=2),
            sleep=self._sleep,
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )

    def _once_more(self, call: Call, until: float, had: list[Trouble]) -> Answered | Trouble:
        """What was had already is the first of the tries."""
        return had.pop() if had else self._try(call, until)

    def _too_late(self, state: tenacity.RetryCallState) -> bool:
        """Whether the wait before another try would outlast the call."""
        until: float = state.args[1]
        return self._clock.monotonic() + state.upcoming_sleep >= until

    def _try(self, call: Call, until: float) -> Answered | Trouble:
        left = until - self._clock.monotonic()
        if left <= 0 or (left < self.span and not call.repeatable):
            return Trouble(Outcome.UNAVAILABLE, "no_time", "what had to go before the call took too long; nothing was sent")
        share = min(1.0, left / self.span)
        result = self._exchange(call, (self._connect * share, self._read * share))
        if isinstance(result, Trouble) and call.repeatable and result.outcome in (Outcome.UNKNOWN, Outcome.UNAVAILABLE):
            return result._replace(outcome=Outcome.UNAVAILABLE, again=result.code != TOO_LARGE)
        return result

    def _exchange(self, call: Call, times: tuple[float, float]) -> Answered | Trouble:
        line = self._line()
        try:
            arrived = line.send(_prepared(call.method, call.url, tuple(call.headers.items())), call.body, *times)
        except NotAnswered as error:
            return lost(error.code, times[1])
        except NotSent as error:
            return unsent(error.code, error.said)
        except TooLarge as error:
            return Trouble(Outcome.UNKNOWN, TOO_LARGE, str(error))
        except ValueError:
            return Trouble(Outcome.UNAVAILABLE, "connect", "no connection: the address is none", "check the address of the target")
        finally:
            self._idle.append(line)
        return judge(arrived.status, arrived.body, arrived.later, arrived.elsewhere)

    def _line(self) -> Line:
        """One that nobody uses."""
        try:
            return self._idle.pop()
        except IndexError:
            from connectors._http.wire import Line

            return Line(self._terms, self._largest)


@lru_cache(maxsize=64)
def _prepared(method: str, url: str, headers: tuple[tuple[str, str], ...]) -> requests.PreparedRequest:
    """What `requests` makes of an address and headers; there are few. Raises `ValueError` for an address that is none."""
    import requests

    return requests.Request(method, url, dict(headers)).prepare()

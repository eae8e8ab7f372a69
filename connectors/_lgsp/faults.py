"""Faults of the gateway in front of an LGSP (WSO2 API Manager), and what is done about each. Pure.

One fault comes in three shapes, by version and configuration of the gateway; its code as a number or as text:

    <fault xmlns="…"><code>900902</code><message>…</message><description>…</description></fault>
    {"fault": {"code": 900902, "message": "…", "description": "…"}}
    {"code": "900902", "message": "…", "description": "…"}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from connectors._lgsp.bodies import element, lowered, opened, spelt
from syncd.calls import Outcome

BLOCKED_WAIT = 1800.0  #: seconds that a platform is left alone which has blocked the API for everybody
_CODE = re.compile(r"[0-9]{6}")
_NEXT = re.compile(r"(\d{4})-([A-Z][a-z]{2})-(\d{1,2}) (\d\d):(\d\d):(\d\d) ?([+-])(\d\d)(\d\d)(?: UTC)?")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Fault(NamedTuple):
    """A fault as the gateway tells it."""

    code: str
    message: str = ""
    description: str = ""
    next_access: str = ""  #: when a throttled client may come again, in the gateway's own form
    correlation: str = ""

    @property
    def text(self) -> str:
        """What it says, on one line."""
        said = [" ".join(part.split()) for part in (self.message, self.description) if part.strip()]
        return ": ".join(dict.fromkeys(said)) + (f" (correlation {self.correlation})" if self.correlation else "")


class Action(NamedTuple):
    """What follows from a fault."""

    outcome: Outcome
    hint: str = ""
    renew: bool = False  #: the token may be too old: one more try with a new one
    incomplete: bool = False  #: the request did not arrive whole: it may be tried again at once
    throttled: bool = False  #: wait as long as the gateway says
    blocked: bool = False  #: wait for long, and raise the alarm


def _fatal(hint: str, *, renew: bool = False) -> Action:
    return Action(Outcome.UNAUTHORISED, hint, renew=renew)


_THROTTLED = Action(Outcome.BUSY, "if it happens often: ask the province for a higher tier, or lower rate", throttled=True)
_FAILED = Action(Outcome.UNAVAILABLE, "the gateway has trouble of its own; tell its operator if it lasts")
_UNREACHED = Action(Outcome.UNAVAILABLE, "the gateway does not reach the system behind it; tell its operator if it lasts")
_BACKEND = Action(Outcome.UNKNOWN, "the gateway has no answer from the system behind it, which may have taken the call; tell its operator if it lasts")
_INACTIVE = _fatal("the API or our subscription to it is not active: ask the province")

ACTIONS: Mapping[str, Action] = {
    "102511": Action(Outcome.UNAVAILABLE, "the request arrived cut off: look at the line, and at limits of size in between", incomplete=True),
    "900901": _fatal("check key and secret of auth; keys of a test environment are refused in production, and the other way round", renew=True),
    "900902": _fatal("our credentials do not arrive: see whether a proxy in between takes headers away, and check auth", renew=True),
    "900905": _fatal("the platform wants another kind of token: check auth"),
    "900907": _INACTIVE,
    "900909": _INACTIVE,
    "900911": _fatal("the platform does not accept our token: check auth, then ask the province", renew=True),
    "900906": _fatal("the API has no such operation: check base_url and the addresses of the operations"),
    "900908": _fatal("our application is not subscribed to this API: ask the province"),
    "900910": _fatal("our token lacks a scope of this API: ask the province"),
    "900422": Action(Outcome.REJECTED, "the gateway's schema refuses the fields: compare the mapping with the schema of the province"),
    **dict.fromkeys(("900800", "900802", "900803", "900804", "900806", "900807"), _THROTTLED),
    "900805": _fatal("a deny policy of the gateway blocks us: ask the province; asking again does not help"),
    "900900": _FAILED,
    "900801": _FAILED,
    **dict.fromkeys(("101503", "101508"), _UNREACHED),
    "700700": Action(Outcome.BUSY, "the publisher has blocked the API: ask the province when it will be open again", blocked=True),
}


def action(code: str) -> Action | None:
    """What follows from the fault of that code; None where the code is not known."""
    return ACTIONS.get(code) or (_BACKEND if re.fullmatch("1015[0-9]{2}", code) else None)


def read(body: bytes) -> Fault | None:
    """The fault in a body, whatever its content type; None where there is none."""
    children = element(body, "fault")
    if children is not None:
        return _fault(children)
    told = lowered(opened(body))
    if isinstance(told.get("fault"), dict):
        inner = lowered(told["fault"])
        return _fault({**inner, "correlationid": inner.get("correlationid", told.get("correlationid", ""))})
    return _fault(told) if "status" not in told and _CODE.fullmatch(spelt(told.get("code"))) else None


def _fault(told: Mapping[str, object]) -> Fault | None:
    code = spelt(told.get("code"))
    texts = [_text(told.get(name)) for name in ("message", "description", "nextaccesstime", "correlationid")]
    return Fault(code, *texts) if code else None


def _text(value: object) -> str:
    return str(value) if isinstance(value, (str, int)) else ""


def next_access(text: str) -> datetime | None:
    """The instant in `2025-Mar-03 01:02:00+0000 UTC`, its month in English whatever the locale; None for anything else."""
    found = _NEXT.fullmatch(" ".join(text.split()))
    if found is None or found[2] not in _MONTHS:
        return None
    year, day, hour, minute, second, hours, minutes = (int(found[group]) for group in (1, 3, 4, 5, 6, 8, 9))
    try:
        local = datetime(year, _MONTHS.index(found[2]) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    offset = timedelta(hours=hours, minutes=minutes)
    return local - offset if found[7] == "+" else local + offset

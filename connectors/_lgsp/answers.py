"""What the system behind the gateway answers. Pure.

    {"Status": 200, "Message": "…"}        a number or a text; which ones mean success is data of the mapping
    the same inside a JSON string, under `response`, or as JSON in the text of `message` or `response`, where something in between
    has wrapped it; there it is known by its Message, for a record that is given back has a Status of its own and no Message

A page of HTML from a proxy, with whatever status, is no answer: nothing is known of what was done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from connectors._http.outcomes import Answered, Trouble, refused
from connectors._lgsp.bodies import bare, lowered, opened, spelt
from syncd.calls import Outcome

_INSIDE = ("message", "response")


class Reply(NamedTuple):
    """An answer of the system itself."""

    outcome: Outcome
    code: str
    message: str  #: may quote personal data


def read(answered: Answered, success: Mapping[str, tuple[str, ...]]) -> Reply | Trouble:
    """The reply in a body, or why there is none. `success`: by the field that tells it, the values that mean success."""
    body = lowered(opened(answered.body))
    for layer in _layers(body):
        for field, good in success.items():
            if code := spelt(layer.get(field.lower())):
                return _judged(answered, code, code in good, _message(layer, body))
    if answered.status >= 400:  # noqa: PLR2004 the classes of HTTP
        return refused(answered)
    return _unreadable(answered, f"no answer of the platform: {_shape(answered.body, body)}")


def _layers(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is wrapped, from the inside out."""
    for name in _INSIDE:
        inner = body.get(name)
        layer = lowered(opened(inner) if isinstance(inner, str) else inner)
        if "message" in layer:
            yield layer
    yield body


def _judged(answered: Answered, code: str, good: bool, message: str) -> Reply | Trouble:
    if good and answered.status >= 400:  # noqa: PLR2004
        return _unreadable(answered, f"the platform says success with HTTP {answered.status}")
    return Reply(Outcome.DELIVERED if good else Outcome.REJECTED, code, message)


def _message(layer: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    message, correlation = layer.get("message"), body.get("correlationid") or layer.get("correlationid")
    said = "" if message is None else " ".join(str(message).split())
    return f"{said} (correlation {correlation})".strip() if isinstance(correlation, (str, int)) and correlation else said


def _unreadable(answered: Answered, message: str) -> Trouble:
    return Trouble(Outcome.UNKNOWN, "unreadable", message, "see what stands between us and the platform", body=answered.body)


def _shape(raw: bytes, body: Mapping[str, Any]) -> str:
    text = bare(raw)
    if not text:
        return "an empty body"
    if text.startswith(b"<"):
        return "HTML or XML"
    return "no Status" if body else "no JSON object"

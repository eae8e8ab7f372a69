"""The faults of a gateway (WSO2), in every body that they are known to come in.

The kind of a fault is its code, alone or with a style: `900800` comes in each style in turn, `900800 xml`, `900800 nested`
and `900800 flat` in that one, and with `-text` behind it (`900800 flat-text`) the code within JSON is a text. Faults of a
client's making never reach what is behind the gateway; of those of its transport, some are told when that has done its work.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

import msgspec

from syncd.clock import Clock, SystemClock
from syncd.sandbox.faults import FAULTS, Fault, Faults
from syncd.sandbox.server import Reply

STYLES: Final = ("xml", "nested", "nested-text", "flat", "flat-text")


class Code(NamedTuple):
    """A row of the gateway's table."""

    status: int
    message: str
    done: bool = False  #: what is behind the gateway has done its work nevertheless


CODES: Final[Mapping[str, Code]] = {
    "102511": Code(400, "Incomplete payload"),
    "900901": Code(401, "Invalid Credentials"),
    "900902": Code(401, "Missing Credentials"),
    "900905": Code(401, "Incorrect Access Token Type is provided"),
    "900906": Code(403, "No matching resource found in the API for the given request"),
    "900907": Code(401, "The requested API is temporarily blocked"),
    "900908": Code(403, "Resource forbidden"),
    "900909": Code(401, "The subscription to the API is inactive"),
    "900910": Code(403, "The access token does not allow you to access the requested resource"),
    "900911": Code(401, "Unclassified Authentication Failure"),
    "900422": Code(422, "Schema validation failed in the Request"),
    **{str(code): Code(429, "Message throttled out") for code in (900800, 900802, 900803, 900804, 900806, 900807)},
    "900805": Code(429, "Message blocked"),
    "900900": Code(500, "Unclassified Authentication Failure"),
    "700700": Code(503, "This API has been blocked temporarily"),
    "900801": Code(503, "Hard limit exceeded"),
    "101500": Code(500, "Error while sending the request"),
    "101501": Code(500, "Error while receiving the response", done=True),
    "101502": Code(503, "Receiver closed the connection", done=True),
    "101503": Code(503, "Error connecting to the back end"),
    "101504": Code(504, "Send timeout", done=True),
    "101505": Code(503, "Connection closed", done=True),
    "101506": Code(503, "Protocol violation", done=True),
    "101507": Code(504, "Connection cancelled", done=True),
    "101508": Code(504, "Connection timed out"),
    "101509": Code(503, "Connection closed while reading", done=True),
    "101510": Code(503, "Response processing failure", done=True),
}
# the caller cannot tell, but for a connection that was never made
_DOUBTFUL: Final = frozenset((*(code for code in CODES if code.startswith("1015")), "900900")) - {"101503", "101508"}
#: what a proxy or an adapter does with a good answer: the caller can read it all the same
WRAPPED: Final = {kind: Fault(kind, done=True, certain=True) for kind in ("json_text", "json_message")}
KINDS: Final[Mapping[str, Fault]] = {
    **FAULTS,
    **WRAPPED,
    **{
        kind: Fault(kind, done=row.done, certain=code not in _DOUBTFUL)
        for code, row in CODES.items()
        for kind in (code, *(f"{code} {style}" for style in STYLES))
    },
}
#: a bad day at the gateway: about one call in six fails somehow
BAD_DAY_LGSP: Final = {
    **dict.fromkeys(("reset", "lost", "html", "empty", "truncated", "session", "slow"), 0.01),
    **dict.fromkeys(("900800", "900803", "900807", "900901", "900900", "900801", "101503", "101504", "json_text", "json_message"), 0.01),
}


class GatewayFaults(Faults):
    """Decides for each call of the gateway whether and how it fails."""

    def __init__(self, odds: Mapping[str, float] | None = None, seed: int = 1, *, slowness: float = 0.3, retry_after: int | None = 1) -> None:
        """A throttled caller is told when to come again by `retry_after`, None for not at all; see `next_access` too."""
        super().__init__(odds, seed, slowness=slowness, retry_after=retry_after, kinds=KINDS, once=("UpdateDocumentTraces",))
        self.next_access: float | None = None  #: seconds until the `nextAccessTime` in the body of a throttled call; None without one
        self.clock: Clock = SystemClock()
        self._turns = count()

    def reply(self, kind: str) -> Reply | None:
        """The gateway's answer for a fault of that kind; None where it is none of the gateway's."""
        code, _, style = kind.partition(" ")
        row = CODES.get(code)
        if row is None:
            return None
        throttled = row.status == 429 and code != "900805"
        access = self._access() if throttled and self.next_access is not None else ""
        return body(code, style or STYLES[next(self._turns) % len(STYLES)], access)._replace(retry_after=self.retry_after if throttled else None)

    def _access(self) -> str:
        moment: datetime = self.clock.now() + timedelta(seconds=self.next_access or 0)
        months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
        return f"{moment.year}-{months[moment.month - 1]}-{moment:%d %H:%M:%S}+0000 UTC"


def body(code: str, style: str, next_access: str = "") -> Reply:
    """A fault of that code in that style."""
    row = CODES[code]
    description = f"{row.message}. Make sure that the API call is in order"
    if style == "xml":
        area = "throttling" if row.status == 429 else "security"
        more = f"<amt:nextAccessTime>{next_access}</amt:nextAccessTime>" if next_access else ""
        text = (
            f'<amt:fault xmlns:amt="http://wso2.org/apimanager/{area}"><amt:code>{code}</amt:code><amt:message>{escape(row.message)}</amt:message>'
            f"<amt:description>{escape(description)}</amt:description>{more}</amt:fault>"
        )
        return Reply(text.encode(), row.status, "application/json" if int(code) % 2 else "application/xml; charset=UTF-8")  # the type is not to be trusted
    fault: dict[str, object] = {"code": code if style.endswith("-text") else int(code), "message": row.message, "description": description}
    if next_access:
        fault["nextAccessTime"] = next_access
    return Reply(msgspec.json.encode({"fault": fault} if style.startswith("nested") else fault), row.status)

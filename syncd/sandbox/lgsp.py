"""The sandbox LGSP: a province's gateway with its token endpoint, and the dossier service behind it.

It knows its caller in one of five ways, is strict about each field, and answers `{Status, Message}` with the status as a
number and as a text in turn. What it accepted is in `holdings`, what it was asked in `calls`; `faults` decides what goes
wrong, in the gateway's own words too (see `lgsp_faults`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import msgspec

from syncd.clock import Clock, SystemClock
from syncd.sandbox.checks import Refused
from syncd.sandbox.faults import Fault
from syncd.sandbox.holdings import Body, Entry
from syncd.sandbox.lgsp_checks import check
from syncd.sandbox.lgsp_faults import GatewayFaults, body
from syncd.sandbox.lgsp_tokens import Account, Tokens
from syncd.sandbox.server import Reply, Request
from syncd.sandbox.station import Answer, Asked, Station

API: Final = "/motcua/1.0"
_TOKENS: Final = ("/token", "/oauth2/token")
_SERVICES: Final = {
    f"{API}/Document/SyncDocument": "SyncDocument",
    f"{API}/Document/UpdateDocumentTraces": "UpdateDocumentTraces",
    f"{API}/Statistic/UpdateStatistic": "UpdateStatistic",
}
Period = tuple[int, int, str]  # year, month (0 is the whole year), code of the agency


@dataclass(frozen=True, kw_only=True)
class LgspTerms:
    """On what terms the gateway serves."""

    account: Account = field(default_factory=Account)
    fine: int = 1  #: the Status that means success
    refused: int = 0  #: and that means that it was not
    style: str = "flat"  #: of the gateway's own refusals, see `lgsp_faults.STYLES`
    latency: float = 0.0  #: seconds before each answer
    keep: int = 10_000  #: calls kept for looking at
    port: int = 0


class LgspHoldings:
    """Everything the LGSP has accepted. Thread-safe."""

    def __init__(self) -> None:
        self._records: dict[str, Body] = {}
        self._times: dict[str, int] = {}
        self._traces: dict[str, list[Entry]] = {}
        self._statistics: dict[Period, list[Body]] = {}
        self._lock = threading.Lock()

    def record(self, code: str) -> Body | None:
        """The dossier as last sent."""
        with self._lock:
            return self._records.get(code)

    def records(self) -> dict[str, Body]:
        """All dossiers by their code."""
        with self._lock:
            return dict(self._records)

    def times(self, code: str) -> int:
        """How often a dossier was sent."""
        with self._lock:
            return self._times.get(code, 0)

    def traces(self, code: str) -> tuple[Entry, ...]:
        """The traces of a dossier in order of arrival."""
        with self._lock:
            return tuple(self._traces.get(code, ()))

    def statistics(self) -> dict[Period, Body]:
        """Each statistic as last sent, by year, month and agency."""
        with self._lock:
            return {period: sent[-1] for period, sent in self._statistics.items()}

    def count(self) -> tuple[int, int, int]:
        """How many dossiers, traces and statistics."""
        with self._lock:
            return len(self._records), sum(map(len, self._traces.values())), len(self._statistics)

    def take(self, service: str, given: Body, *, answered: bool) -> None:
        """Keep what was sent. Raises `Refused` for a trace of a dossier that is not there."""
        with self._lock:
            if service == "SyncDocument":
                self._records[given["DocCode"]] = given
                self._times[given["DocCode"]] = self._times.get(given["DocCode"], 0) + 1
            elif service == "UpdateStatistic":
                self._statistics.setdefault((given["Year"], given["Month"], given["OrganizationInchargeIdlevel1"]), []).append(given)
            elif given["DocCode"] not in self._records:
                raise Refused("Hồ sơ không tồn tại")
            else:
                self._traces.setdefault(given["DocCode"], []).append(Entry(given, answered))


class Lgsp(Station):
    """The gateway; serves between `start` and `close`, or as a context."""

    faults: GatewayFaults

    def __init__(self, terms: LgspTerms | None = None, *, faults: GatewayFaults | None = None, clock: Clock | None = None) -> None:
        self.terms = terms or LgspTerms()
        super().__init__(faults or GatewayFaults(), port=self.terms.port, latency=self.terms.latency, keep=self.terms.keep)
        clock = clock or SystemClock()
        self.faults.clock = clock
        self.tokens = Tokens(self.terms.account, clock)
        self.holdings = LgspHoldings()
        self._numbers = count()

    @property
    def token_url(self) -> str:
        """The address of the token endpoint."""
        return self.root + (_TOKENS[1] if self.terms.account.dialect == "oauth2_password" else _TOKENS[0])

    @property
    def api_url(self) -> str:
        """The address that `/Document/SyncDocument` and the others follow."""
        return self.root + API

    def _ask(self, request: Request) -> Asked:
        if request.path in _TOKENS:
            return Asked("token")
        service = _SERVICES.get(request.path, "?")
        try:
            given = msgspec.json.decode(request.body)
        except msgspec.DecodeError:
            return Asked(service)
        code = given.get("DocCode") if isinstance(given, dict) else None
        return Asked(service, given, (code,) if isinstance(code, str) else ())

    def _perform(self, asked: Asked, request: Request, *, answered: bool) -> Answer:
        if asked.service == "token":
            reply = self.tokens.give(request)
            return Answer(reply, str(reply.status))
        refused = self.tokens.refusal(request) or ("900906" if asked.service == "?" or request.method != "POST" else "")
        if refused:
            return Answer(body(refused, self.terms.style), refused)
        try:
            self.holdings.take(asked.service, check(asked.service, asked.body), answered=answered)
        except Refused as refusal:
            return self._told(self.terms.refused, refusal.message)
        return self._told(self.terms.fine, "Thành công")

    def _told(self, status: int, message: str) -> Answer:
        spelt: Any = str(status) if next(self._numbers) % 2 else status
        return Answer(Reply(msgspec.json.encode({"Status": spelt, "Message": message})), str(status))

    def _expire(self) -> None:
        self.tokens.expire()

    def _spoilt(self, asked: Asked, fault: Fault, reply: Reply) -> Reply | None:
        if fault.kind == "json_text":
            return reply._replace(body=msgspec.json.encode(reply.body.decode()))
        if fault.kind == "json_message":
            return reply._replace(body=msgspec.json.encode({"message": reply.body.decode(), "error_code": 0}))
        return self.faults.reply(fault.kind) or super()._spoilt(asked, fault, reply)

"""A province's platform that a test scripts call by call: a gateway that gives tokens, and behind it the three operations.

It lets in who carries a token it has given and not revoked, and is strict about what it is sent. Tokens are kept until they
are revoked; how long they are said to live is up to the test.
"""

from __future__ import annotations

import base64
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs

import msgspec

from connectors._lgsp.options import LgspOptions
from connectors.lgsp import LgspConnector, connector
from syncd.calls import Operation, Portion, Receipt
from syncd.model import Agency, Dossier, Statistic
from syncd.ports import Target
from tests.clocks import TurnedClock
from tests.connectors.dossiers import DOSSIER, element
from tests.connectors.lgsp_fields import faults
from tests.connectors.portal import Asked, Behaviour, ScriptedPortal, answer

KEY, SECRET = "khoa-cua-tinh", "bí mật/1+2"
BASIC = "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
OPERATIONS = {"SyncDocument": "document", "UpdateDocumentTraces": "trace", "UpdateStatistic": "statistic"}
ACCEPTED = {"Status": 1, "Message": "Thành công"}


class ScriptedGateway(ScriptedPortal):
    """Listens on loopback from construction to `close`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.given: list[str] = []
        self.valid: set[str] = set()
        self.expires_in: object = 3600
        self.open = False  #: anybody may come in
        super().__init__(tls)

    @property
    def base_url(self) -> str:
        return f"{self.root}/hoso/1.0"

    @property
    def token_url(self) -> str:
        return f"{self.root}/token"

    def forms(self) -> list[dict[str, str]]:
        """What was asked for tokens with."""
        return [{name: values[0] for name, values in parse_qs(asked.raw.decode()).items()} for asked in self.calls("token")]

    def tokens(self) -> list[str]:
        """The tokens the operations were called with."""
        return [asked.headers.get("authorization", "") for asked in self.asked if asked.service in OPERATIONS]

    def token(self, **more: object) -> Behaviour:
        """Another token."""
        self.given.append(f"the-bai-{len(self.given) + 1}-aaaa")
        self.valid.add(self.given[-1])
        return answer({"access_token": self.given[-1], "scope": "am_application_scope default", "token_type": "Bearer", "expires_in": self.expires_in} | more)

    def _properly(self, asked: Asked) -> Behaviour:
        self.violations += _violations(asked)
        if asked.service == "token":
            return self.token()
        if not self.open and asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.valid:
            return answer({"code": "900901", "message": "Invalid Credentials", "description": "Access failure"}, 401)
        return answer(ACCEPTED) if asked.method == "POST" else answer({"code": "900906", "message": "No matching resource found"}, 403)


class Bench:
    """A gateway, a clock to turn, and targets that speak to it."""

    def __init__(self) -> None:
        self.gateway = ScriptedGateway()
        self.clock = TurnedClock()
        self.sleeps: list[float] = []  #: how long the connector wanted to wait; only the clock moves
        self._made: list[Target] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        for target in self._made:
            target.close()
            target.close()
        self.gateway.close()
        assert kind or self.gateway.violations == []

    def target(self, mappings: Path | None = None, **given: Any) -> Target:
        """A target with the usual options and these."""
        own: LgspConnector = connector
        usual = {"base_url": self.gateway.base_url, "token_url": self.gateway.token_url, "consumer_key": KEY, "consumer_secret": SECRET, "timeout": "5s"}
        options = LgspOptions.model_validate({"connector": "lgsp"} | usual | given)
        self._made.append(own.build("lgsp", options, clock=self.clock, mappings=mappings, sleep=self._sleep))
        return self._made[-1]

    def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.clock.turn(timedelta(seconds=seconds))


def create(target: Target, dossier: Dossier = DOSSIER) -> Receipt:
    """Send a dossier."""
    return target.send([element(target, Operation.CREATE, dossier)])


def count(target: Target) -> Receipt:
    """Send a statistic."""
    matter = Statistic(agency=Agency(code="000.00.14.H03", name="UBND phường Đức Xuân"), year=2025, month=3, received=2, on_time=1, overdue=1)
    portion = Portion(operation=Operation.CREATE, dossier=Dossier(code="", source_id=0), subject=matter.key, matter=matter)
    return target.send([target.compose(portion)])


def _violations(asked: Asked) -> list[str]:
    """What of the request is not in the contract's form."""
    kind = "application/x-www-form-urlencoded" if asked.service == "token" else "application/json"
    found = [f"{asked.service}: header {name}" for name in ("cookie", "transfer-encoding", "expect") if name in asked.headers]
    found += [f"{asked.service}: content type" for given in [asked.headers.get("content-type")] if given != kind]
    if asked.method == "POST" and asked.service in OPERATIONS:
        body: dict[str, Any] = msgspec.json.decode(asked.raw)
        found += faults(body, OPERATIONS[asked.service])
    return found

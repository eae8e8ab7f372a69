"""How the sandbox LGSP knows its callers: five ways to ask for a token, and what must stand in the headers of a call.

Who asks again for a token that is still good gets the same one with what remains of its life, as WSO2 does.
"""

from __future__ import annotations

import binascii
import hmac
import threading
from base64 import b64decode
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, Literal
from urllib.parse import parse_qs

import msgspec

from syncd.clock import Clock
from syncd.sandbox.server import Reply, Request

Dialect = Literal["wso2_basic", "wso2_form", "vnpt_lgsp", "static", "oauth2_password"]
KEYS: Final = ("AccessKey", "SecretKey", "AppName", "PartnerCode", "PartnerCodeCus")


@dataclass(frozen=True, kw_only=True)
class Account:
    """The account of the one-stop at the gateway."""

    dialect: Dialect = "wso2_basic"
    client_id: str = "motcua"
    client_secret: str = "sandbox-secret"  # noqa: S105 an invented account
    username: str = "motcua"  #: of `oauth2_password`
    password: str = "sandbox"  # noqa: S105 an invented account
    static_header: str = "Authorization"  #: of `static`
    static_value: str = "Bearer sandbox-static-token"
    access: tuple[str, str, str, str, str] = ("sandbox-access", "sandbox-key", "motcua", "H03", "H03")  #: of `vnpt_lgsp`, in the order of `KEYS`
    second_token: bool = True  #: `vnpt_lgsp` asks for a token beside its own header
    token_seconds: float = 3600.0  #: life of a token


class Tokens:
    """The tokens that are good. Thread-safe."""

    def __init__(self, account: Account, clock: Clock) -> None:
        self.account = account
        self._clock = clock
        self._token = ""
        self._ends = 0.0
        self._numbers = count(1)
        self._lock = threading.Lock()

    def expire(self) -> None:
        """End the token now."""
        with self._lock:
            self._token = ""

    def give(self, request: Request) -> Reply:
        """The answer of the token endpoint."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode("latin-1"), keep_blank_values=True).items()}
        if request.method != "POST" or not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return _error(400, "invalid_request", "a form is expected")
        if not self._knows(request, form):
            return _error(401, "invalid_client", "Client Authentication failed.")
        if not self._grants(form):
            return _error(400, "invalid_grant", "Provided Authorization Grant is invalid.")
        return Reply(msgspec.json.encode(self._renewed()))

    def refusal(self, request: Request) -> str:
        """The gateway's code for a call that it does not admit, empty for one that it does."""
        account, headers = self.account, request.headers
        if account.dialect == "static":
            return _compared(headers.get(account.static_header.lower()), account.static_value)
        if account.dialect == "vnpt_lgsp":
            refused = self._keys_refusal(headers.get("lgspaccesstoken"))
            if refused or not account.second_token:
                return refused
        with self._lock:
            good = self._token if self._clock.monotonic() < self._ends else ""
        return _compared(headers.get("authorization"), f"Bearer {good}")

    def _knows(self, request: Request, form: dict[str, str]) -> bool:
        account = self.account
        if account.dialect == "wso2_basic":
            given = _decoded(request.headers.get("authorization", "").removeprefix("Basic ")).decode("utf-8", "replace")
            return given == f"{account.client_id}:{account.client_secret}"
        if account.dialect == "vnpt_lgsp":
            return not self._keys_refusal(request.headers.get("lgspaccesstoken"))
        return account.dialect != "static" and (form.get("client_id"), form.get("client_secret")) == (account.client_id, account.client_secret)

    def _grants(self, form: dict[str, str]) -> bool:
        account = self.account
        if account.dialect != "oauth2_password":
            return form.get("grant_type") == "client_credentials"
        if form.get("grant_type") == "refresh_token":
            return form.get("refresh_token", "").startswith("lam-moi-")
        return (form.get("grant_type"), form.get("username"), form.get("password")) == ("password", account.username, account.password)

    def _keys_refusal(self, header: str | None) -> str:
        if header is None:
            return "900902"
        try:
            given = msgspec.json.decode(_decoded(header), type=dict[str, str])
        except (msgspec.ValidationError, msgspec.DecodeError):
            return "900901"
        return "" if given == dict(zip(KEYS, self.account.access, strict=True)) else "900901"

    def _renewed(self) -> dict[str, Any]:
        with self._lock:
            now = self._clock.monotonic()
            if not self._token or now >= self._ends:
                self._token, self._ends = f"the-{next(self._numbers):08}", now + self.account.token_seconds
            answer = {"access_token": self._token, "scope": "am_application_scope default", "token_type": "Bearer", "expires_in": int(self._ends - now)}
            return answer | ({"refresh_token": f"lam-moi-{self._token}"} if self.account.dialect == "oauth2_password" else {})


def _compared(given: str | None, wanted: str) -> str:
    if given is None:
        return "900902"
    return "" if hmac.compare_digest(given.encode(), wanted.encode()) and wanted != "Bearer " else "900901"


def _decoded(value: str) -> bytes:
    try:
        return b64decode(value, validate=True)
    except binascii.Error:
        return b""


def _error(status: int, error: str, description: str) -> Reply:
    return Reply(msgspec.json.encode({"error": error, "error_description": description}), status)

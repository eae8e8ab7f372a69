"""The sandbox LGSP: a province's gateway with its token endpoint and the dossier service behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from syncd.clock import Clock
from syncd.sandbox.faults import Faults
from syncd.sandbox.server import Request
from syncd.sandbox.station import Answer, Asked, Station

Dialect = Literal["wso2_basic", "wso2_form", "vnpt_lgsp", "static", "oauth2_password"]
API: Final = "/motcua/1.0"


@dataclass(frozen=True, kw_only=True)
class LgspTerms:
    """On what terms the gateway serves."""

    dialect: Dialect = "wso2_basic"
    client_id: str = "motcua"
    client_secret: str = "sandbox-secret"  # noqa: S105 an invented account
    username: str = "motcua"
    password: str = "sandbox"  # noqa: S105 an invented account
    scheme: str = "Bearer"  #: of `static`
    static_token: str = "sandbox-static-token"  # noqa: S105 an invented account
    fine: int = 1  #: the Status that means success
    latency: float = 0.0
    keep: int = 10_000
    port: int = 0


class Lgsp(Station):
    """The gateway; serves between `start` and `close`, or as a context."""

    def __init__(self, terms: LgspTerms | None = None, *, faults: Faults | None = None, clock: Clock | None = None) -> None:
        self.terms = terms or LgspTerms()
        super().__init__(faults or Faults(), port=self.terms.port, latency=self.terms.latency, keep=self.terms.keep)

    @property
    def token_url(self) -> str:
        """The address of the token endpoint."""
        return f"{self.root}/token"

    @property
    def api_url(self) -> str:
        """The address that `/Document/SyncDocument` and the others follow."""
        return self.root + API

    def _ask(self, request: Request) -> Asked:
        raise NotImplementedError

    def _perform(self, asked: Asked, request: Request, *, answered: bool) -> Answer:
        raise NotImplementedError

"""The sandbox iOffice behind VNPT's LGSP: it takes drafts, and calls the one-stop back with the signed file."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.clock import Clock, SystemClock
from syncd.sandbox.faults import Faults
from syncd.sandbox.office_clerk import Clerk
from syncd.sandbox.office_desk import Desk
from syncd.sandbox.server import Request
from syncd.sandbox.station import Answer, Asked, Station


@dataclass(frozen=True, kw_only=True)
class VnptTerms:
    """On what terms the office serves, and how it calls back."""

    access_key: str = "sandbox-access"
    secret_key: str = "sandbox-secret"  # noqa: S105 an invented account
    app_name: str = "motcua"
    partner_code: str = "H03"
    partner_code_cus: str = "H03"
    x_token: str = "sandbox-x-token"  # noqa: S105 an invented account
    user_id: str = "motcua"
    listener: str = ""  #: where it calls back, `http://127.0.0.1:9090`; empty: never by itself
    callback_user: str = "ioffice"
    callback_password: str = "sandbox"  # noqa: S105 an invented account
    action_code: str = "2100"
    pause: float = 1.0  #: seconds between rounds of calling back
    latency: float = 0.0
    keep: int = 10_000
    port: int = 0


class VnptOffice(Station):
    """The office; serves and calls back between `start` and `close`, or as a context."""

    def __init__(self, terms: VnptTerms | None = None, *, faults: Faults | None = None, clerk: Clerk | None = None, clock: Clock | None = None) -> None:
        self.terms = terms or VnptTerms()
        super().__init__(faults or Faults(), port=self.terms.port, latency=self.terms.latency, keep=self.terms.keep)
        self.desk = Desk(clerk or Clerk(), clock or SystemClock(), prefix="VNPT")

    @property
    def adapter_url(self) -> str:
        """The base address of both calls."""
        return self.root

    def call_back(self) -> list[tuple[str, str]]:
        """One round now: every result that waits is put to the one-stop once. Gives dossier and answer code of each, "" without one."""
        raise NotImplementedError

    def _ask(self, request: Request) -> Asked:
        raise NotImplementedError

    def _perform(self, asked: Asked, request: Request, *, answered: bool) -> Answer:
        raise NotImplementedError

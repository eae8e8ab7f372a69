"""The sandbox I-office that speaks SOAP and edXML; it serves the WSDL that the project ships."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.clock import Clock, SystemClock
from syncd.sandbox.faults import Faults
from syncd.sandbox.office_clerk import Clerk
from syncd.sandbox.office_desk import Desk
from syncd.sandbox.server import Request
from syncd.sandbox.station import Answer, Asked, Station


@dataclass(frozen=True, kw_only=True)
class OfficeTerms:
    """On what terms the office serves."""

    namespace: str = "http://tempuri.org/"
    username: str = "motcua"
    password: str = "sandbox"  # noqa: S105 an invented account
    senders: frozenset[str] = frozenset()  #: organisations that may send; empty admits all
    receivers: frozenset[str] = frozenset()  #: organisations it issues for; empty is all
    latency: float = 0.0
    keep: int = 10_000
    port: int = 0


class Office(Station):
    """The office; serves between `start` and `close`, or as a context."""

    def __init__(self, terms: OfficeTerms | None = None, *, faults: Faults | None = None, clerk: Clerk | None = None, clock: Clock | None = None) -> None:
        self.terms = terms or OfficeTerms()
        super().__init__(faults or Faults(), port=self.terms.port, latency=self.terms.latency, keep=self.terms.keep)
        self.desk = Desk(clerk or Clerk(), clock or SystemClock(), prefix="IO")

    @property
    def url(self) -> str:
        """The address of the service."""
        return f"{self.root}/ioffice.asmx"

    @property
    def wsdl_url(self) -> str:
        """The address of its description."""
        return f"{self.url}?wsdl"

    def _ask(self, request: Request) -> Asked:
        raise NotImplementedError

    def _perform(self, asked: Asked, request: Request, *, answered: bool) -> Answer:
        raise NotImplementedError

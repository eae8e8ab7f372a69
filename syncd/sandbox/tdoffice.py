"""The sandbox document axis in the manner of Tân Dân: JSON, an envelope with its own code, packages that wait to be fetched."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.clock import Clock, SystemClock
from syncd.sandbox.faults import Faults
from syncd.sandbox.office_clerk import Clerk
from syncd.sandbox.office_desk import Desk
from syncd.sandbox.server import Request
from syncd.sandbox.station import Answer, Asked, Station


@dataclass(frozen=True, kw_only=True)
class TdTerms:
    """On what terms the axis serves."""

    scheme: str = "Bearer"
    token: str = "sandbox-td-token"  # noqa: S105 an invented account
    province: str = "H03"  #: the only `maDonViCha` it knows
    latency: float = 0.0
    keep: int = 10_000
    port: int = 0


class TdOffice(Station):
    """The axis; serves between `start` and `close`, or as a context."""

    def __init__(self, terms: TdTerms | None = None, *, faults: Faults | None = None, clerk: Clerk | None = None, clock: Clock | None = None) -> None:
        self.terms = terms or TdTerms()
        super().__init__(faults or Faults(), port=self.terms.port, latency=self.terms.latency, keep=self.terms.keep)
        self.desk = Desk(clerk or Clerk(), clock or SystemClock(), prefix="GOI")

    @property
    def url(self) -> str:
        """The base address; `/GuiHoSo` and the others follow it."""
        return f"{self.root}/lienthonghsqlvb"

    def _ask(self, request: Request) -> Asked:
        raise NotImplementedError

    def _perform(self, asked: Asked, request: Request, *, answered: bool) -> Answer:
        raise NotImplementedError

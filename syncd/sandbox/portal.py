"""The sandbox portal: a national portal on loopback that is strict about what it takes and can fail on request.

It speaks both shapes of the contract: the adapter with login, session and envelope, and a province gateway that takes
bare arrays. What it accepted is in `holdings`, what it was asked in `calls`; `faults` decides what goes wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from syncd.clock import Clock, SystemClock
from syncd.sandbox.catalogue import PROCEDURES, Procedure
from syncd.sandbox.faults import Faults
from syncd.sandbox.holdings import Body, Holdings
from syncd.sandbox.server import Reply, Request
from syncd.sandbox.services import Lookup, Services
from syncd.sandbox.station import Answer, Asked, Station

ADAPTER: Final = "/VXPAdapter/RestService/forward"
DSTCODE: Final = "VN:GOV:000.00.00.G22:vpcpdvcprovider"
_GATEWAY: Final = {
    "/gateway/themmoi": ("DongBoHoSoMC", "False", "Thêm mới hồ sơ thành công"),
    "/gateway/capnhat": ("DongBoHoSoMC", "True", "Cập nhật hồ sơ thành công"),
    "/gateway/tiendo": ("CapNhatTienDoHoSoMC", "", "Cập nhật tiến độ thành công"),
}


@dataclass(frozen=True, kw_only=True)
class Terms:
    """On what terms the portal serves."""

    agency: str = "000.00.00.H03"  #: the only `madonvi` it knows
    username: str = "000.00.00.H03"
    password: str = "sandbox"  # noqa: S105 an invented account
    dstcode: str = DSTCODE  #: without it, as parameter or header, nothing is forwarded; "" asks for none
    procedures: Sequence[Procedure] = PROCEDURES
    profile: Literal["extended", "base27"] = "extended"  #: base27 refuses the fields that came later
    lookup: Lookup = "mixed"
    latency: float = 0.0  #: seconds before each answer
    session_calls: int = 0  #: calls after which a session ends, 0 = never
    session_seconds: float = 600.0
    keep: int = 10_000  #: calls kept for looking at
    port: int = 0


class Sessions:
    """The sessions that are open. Thread-safe."""

    def __init__(self, clock: Clock, seconds: float, calls: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._calls = calls
        self._open: dict[str, list[float]] = {}
        self._numbers = count(1)
        self._lock = threading.Lock()

    def begin(self) -> str:
        """A new session."""
        with self._lock:
            session = f"phien-{next(self._numbers):08}"
            self._open[session] = [self._clock.monotonic() + self._seconds, self._calls or float("inf")]
            return session

    def admits(self, session: object) -> bool:
        """Whether the session is good for one more call."""
        with self._lock:
            found = self._open.get(session) if isinstance(session, str) else None
            if found is None:
                return False
            found[1] -= 1
            if found[1] < 0 or self._clock.monotonic() > found[0]:
                del self._open[str(session)]
                return False
            return True

    def expire(self) -> None:
        """End all sessions now."""
        with self._lock:
            self._open.clear()


class Portal(Station):
    """The portal; serves between `start` and `close`, or as a context."""

    def __init__(self, terms: Terms | None = None, *, faults: Faults | None = None, clock: Clock | None = None, folder: Path | None = None) -> None:
        """`folder` keeps what the portal holds, for one that comes back after a kill."""
        self.terms = terms or Terms()
        super().__init__(faults or Faults(), port=self.terms.port, latency=self.terms.latency, keep=self.terms.keep)
        self.holdings = Holdings(folder)
        self.sessions = Sessions(clock or SystemClock(), self.terms.session_seconds, self.terms.session_calls)
        self._services = Services(self.holdings, self.terms.procedures, later=self.terms.profile == "extended", lookup=self.terms.lookup)
        self._numbers = count()

    @property
    def adapter_url(self) -> str:
        """The address of the adapter; login and data paths follow it."""
        return self.root + ADAPTER

    @property
    def gateway_urls(self) -> tuple[str, str, str]:
        """The addresses of the gateway: create, update, progress."""
        create, update, progress = (self.root + path for path in _GATEWAY)
        return create, update, progress

    def close(self) -> None:
        """Stop, cutting what is under way. Safe to call twice."""
        super().close()
        self.holdings.close()

    def file(self, *codes: str) -> None:
        """Citizens filed these dossiers on the portal: their status may be reported."""
        self.holdings.file(*codes)

    def _ask(self, request: Request) -> Asked:
        service, body = self._understand(request)
        return Asked(service, body, _dossiers(body))

    def _perform(self, asked: Asked, request: Request, *, answered: bool) -> Answer:
        if request.method != "POST":
            return Answer(Reply(b"", 405))
        answer = self._decide(asked, request, answered=answered)
        return Answer(Reply(msgspec.json.encode(answer)), str(answer.get("error_code", "")))

    def _expire(self) -> None:
        self.sessions.expire()

    def _understand(self, request: Request) -> tuple[str, Any]:
        """The service that is asked for, and the body."""
        try:
            body = msgspec.json.decode(request.body)
        except msgspec.DecodeError:
            return "?", None
        if request.path in _GATEWAY:
            return _GATEWAY[request.path][0], body
        if request.path == f"{ADAPTER}/mapi/login":
            return "login", body
        service = body.get("service") if request.path == f"{ADAPTER}/mapi/g" and isinstance(body, dict) else None
        return service if isinstance(service, str) else "?", body

    def _decide(self, asked: Asked, request: Request, *, answered: bool) -> Body:
        service, body, number = asked.service, asked.body, next(self._numbers)
        if request.path in _GATEWAY:
            _, updating, message = _GATEWAY[request.path]
            answer = self._services.perform({"service": service, "isUpdating": updating, "data": body}, number, answered=answered)
            return {"error_code": "0", "message": message} if int(answer["error_code"]) == 0 else answer
        if self.terms.dstcode not in ("", request.parameter("dstcode"), request.headers.get("dstcode")):
            return _refusal("Không tìm thấy hệ thống đích (dstcode)")
        if not isinstance(body, dict):
            return _refusal("Nội dung không phải JSON hợp lệ")
        return self._log_in(body) if service == "login" else self._serve(body, number, answered=answered)

    def _log_in(self, body: Body) -> Body:
        if body != {"username": self.terms.username, "password": self.terms.password}:
            return _refusal("Sai tên đăng nhập hoặc mật khẩu")
        return {"error_code": 0, "message": "Đăng nhập thành công", "session": self.sessions.begin()}

    def _serve(self, body: Body, number: int, *, answered: bool) -> Body:
        if not self.sessions.admits(body.get("session")):
            return _refusal("Phiên làm việc (session) không hợp lệ hoặc đã hết hạn", code=-2)
        if body.get("madonvi") != self.terms.agency:
            return _refusal("madonvi không được cấp quyền")
        return self._services.perform(body, number, answered=answered)


def _dossiers(body: Any) -> tuple[str, ...]:
    """The codes of the dossiers that a call is about, as far as it can be read."""
    data = body.get("data") if isinstance(body, dict) else body
    elements = data if isinstance(data, list) else []
    return tuple(element["MaHoSo"] for element in elements if isinstance(element, dict) and isinstance(element.get("MaHoSo"), str))


def _refusal(message: str, code: int = -1) -> Body:
    return {"error_code": code, "message": message}

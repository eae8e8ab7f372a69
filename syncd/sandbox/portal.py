"""The sandbox portal: a national portal on loopback that is strict about what it takes and can fail on request.

It speaks both shapes of the contract: the adapter with login, session and envelope, and a province gateway that takes
bare arrays. What it accepted is in `holdings`, what it was asked in `calls`; `faults` decides what goes wrong.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self

import msgspec

from syncd.clock import Clock, SystemClock
from syncd.sandbox.catalogue import PROCEDURES, Procedure
from syncd.sandbox.faults import Fault, Faults, Outage
from syncd.sandbox.holdings import Body, Holdings
from syncd.sandbox.server import Reply, Request, Server
from syncd.sandbox.services import Lookup, Services

ADAPTER: Final = "/VXPAdapter/RestService/forward"
DSTCODE: Final = "VN:GOV:000.00.00.G22:vpcpdvcprovider"
_GATEWAY: Final = {
    "/gateway/themmoi": ("DongBoHoSoMC", "False", "Thêm mới hồ sơ thành công"),
    "/gateway/capnhat": ("DongBoHoSoMC", "True", "Cập nhật hồ sơ thành công"),
    "/gateway/tiendo": ("CapNhatTienDoHoSoMC", "", "Cập nhật tiến độ thành công"),
}
_HTML: Final = b"<html><head><title>Service error</title></head><body><h1>Service temporarily unavailable</h1></body></html>"


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


class Call(NamedTuple):
    """One call, as the portal saw it."""

    number: int
    service: str  #: `login` too
    body: Any
    fault: str  #: kind, empty where it was answered as it should be
    error_code: str  #: of the portal's answer, whether it arrived or not; empty where nothing was done


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


class Portal:
    """The portal; serves between `start` and `close`, or as a context."""

    def __init__(self, terms: Terms | None = None, *, faults: Faults | None = None, clock: Clock | None = None, folder: Path | None = None) -> None:
        """`folder` keeps what the portal holds, for one that comes back after a kill."""
        self.terms = terms or Terms()
        self.faults = faults or Faults()
        self.faults.switched = self._switch
        self.holdings = Holdings(folder)
        self.sessions = Sessions(clock or SystemClock(), self.terms.session_seconds, self.terms.session_calls)
        self._services = Services(self.holdings, self.terms.procedures, later=self.terms.profile == "extended", lookup=self.terms.lookup)
        self._server = Server(self._answer, self.terms.port)
        self._numbers = count()
        self._calls: deque[Call] = deque(maxlen=self.terms.keep)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._pause = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def adapter_url(self) -> str:
        """The address of the adapter; login and data paths follow it."""
        return f"http://127.0.0.1:{self._server.port}{ADAPTER}"

    @property
    def gateway_urls(self) -> tuple[str, str, str]:
        """The addresses of the gateway: create, update, progress."""
        create, update, progress = (f"http://127.0.0.1:{self._server.port}{path}" for path in _GATEWAY)
        return create, update, progress

    def start(self) -> None:
        """Begin to listen."""
        self._server.start()

    def close(self) -> None:
        """Stop, cutting what is under way. Safe to call twice."""
        self._pause.set()
        self._server.close()
        self.holdings.close()

    def file(self, *codes: str) -> None:
        """Citizens filed these dossiers on the portal: their status may be reported."""
        self.holdings.file(*codes)

    def calls(self, service: str = "") -> list[Call]:
        """The calls kept, oldest first, of one service or of all."""
        with self._lock:
            return [call for call in self._calls if service in ("", call.service)]

    def counts(self) -> Counter[str]:
        """How many calls each service had."""
        with self._lock:
            return self._counts.copy()

    def _switch(self, outage: Outage) -> None:
        if outage == "refused":
            self._server.refuse()
        elif not self._server.listening:
            self._server.start()

    def _answer(self, request: Request) -> Reply | None:
        if self.faults.outage:
            return Reply(b"", 503) if self.faults.outage == "503" else None
        if request.method != "POST":
            return Reply(b"", 405)
        service, body = self._understand(request)
        fault = self.faults.draw(service, _dossiers(body))
        if self.terms.latency:
            self._pause.wait(self.terms.latency)
        if fault is not None and fault.kind == "session":
            self.sessions.expire()
        arrives = fault is None or fault.kind == "session"
        done = arrives or (fault is not None and fault.done)
        answer = self._perform(request, service, body, answered=arrives) if done else {}
        self._note(service, body, fault, answer)
        content = msgspec.json.encode(answer)
        return Reply(content) if fault is None else self._spoilt(fault, content)

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

    def _perform(self, request: Request, service: str, body: Any, *, answered: bool) -> Body:
        number = next(self._numbers)
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

    def _note(self, service: str, body: Any, fault: Fault | None, answer: Body) -> None:
        with self._lock:
            self._counts[service] += 1
            self._calls.append(Call(self._counts.total(), service, body, fault.kind if fault else "", str(answer.get("error_code", ""))))

    def _spoilt(self, fault: Fault, content: bytes) -> Reply | None:
        """What the caller sees of an answer when that fault strikes."""
        match fault.kind:
            case "reset" | "lost":
                return None
            case "html":
                return Reply(_HTML, content_type="text/html")
            case "empty":
                return Reply(b"")
            case "truncated":
                return Reply(content, cut=True)
            case "slow" | "session":
                self._pause.wait(self.faults.slowness if fault.kind == "slow" else 0)
                return Reply(content)
            case status:
                return Reply(b"", int(status), "text/plain", self.faults.retry_after if fault.certain else None)


def _dossiers(body: Any) -> list[str]:
    """The codes of the dossiers that a call is about, as far as it can be read."""
    data = body.get("data") if isinstance(body, dict) else body
    elements = data if isinstance(data, list) else []
    return [element["MaHoSo"] for element in elements if isinstance(element, dict) and isinstance(element.get("MaHoSo"), str)]


def _refusal(message: str, code: int = -1) -> Body:
    return {"error_code": code, "message": message}

"""A portal that a test scripts call by call: what it is not told to do it does well, and strictly.

For each service there is a queue of behaviours; an empty queue means the portal's proper answer. A behaviour has the
connection in its hands, so it can reset it, drip, fall silent or cut an answer short. Everything asked is recorded, and
what breaks the contract's form is kept in `violations`, which the fixture wants empty.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from io import BufferedReader
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

ADAPTER = "/VXPAdapter/RestService/forward"
DSTCODE = "VN:GOV:000.00.00.G22:vpcpdvcprovider"
PASSWORD = 'mật khẩu "1/2"'
ENVELOPES = {
    "DongBoHoSoMC": ["session", "madonvi", "service", "isUpdating", "data"],
    "CapNhatTienDoHoSoMC": ["session", "madonvi", "service", "data"],
    "DongBoTrangThaiHoSo": ["session", "madonvi", "service", "type", "data"],
    "TraCuuHoSo": ["session", "madonvi", "service", "mahoso"],
    "LayDanhSachTTHC": ["session", "madonvi", "service"],
    "DanhSachHoSo": ["session", "madonvi", "service", "ngayNhan1", "ngayNhan2"],
}
LOST_SESSION = {"error_code": -2, "message": "Phiên làm việc không hợp lệ"}


class Asked(NamedTuple):
    """One request as it came."""

    service: str  #: or the last part of the path
    method: str
    target: str  #: path and query
    headers: Mapping[str, str]  #: names in lower case
    raw: bytes

    @property
    def body(self) -> Any:
        return msgspec.json.decode(self.raw)

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}


class Talk(NamedTuple):
    """A request and the connection to answer on."""

    portal: ScriptedPortal
    connection: socket.socket
    asked: Asked


Behaviour = Callable[[Talk], bool]  #: whether the connection stays


def answer(body: object, status: int = 200, *, close: bool = False, **headers: str) -> Behaviour:
    """An answer; bytes go as they are, everything else as JSON."""
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    lines = [f"HTTP/1.1 {status} Because", f"Content-Length: {len(raw)}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]

    def behave(talk: Talk) -> bool:
        talk.connection.sendall("\r\n".join([*lines, "", ""]).encode() + raw)
        return not close

    return behave


def reset(talk: Talk) -> bool:
    """Read, and break the connection."""
    talk.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def silence(talk: Talk) -> bool:
    """Say nothing until the end."""
    talk.portal.ending.wait(30)
    return False


def drip(head: bytes) -> Behaviour:
    """Say `head`, then a letter now and then, for ever."""

    def behave(talk: Talk) -> bool:
        talk.connection.sendall(head)
        while not talk.portal.ending.wait(0.02):
            talk.connection.sendall(b"x")
        return False

    return behave


def cut(talk: Talk) -> bool:
    """Promise more than is said."""
    talk.connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{"error_code":0')
    return False


class ScriptedPortal:
    """Listens on loopback from construction to `close`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.scripts: defaultdict[str, deque[Behaviour]] = defaultdict(deque)
        self.asked: list[Asked] = []
        self.violations: list[str] = []
        self.open_sessions: set[str] = set()
        self.procedures = ["1.001193", "2.000635"]
        self.holdings: dict[str, dict[str, Any]] = {}
        self.ending = threading.Event()
        self.changed = threading.Condition()
        self.connections = 0
        self.closed = 0
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def root(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def adapter_url(self) -> str:
        return self.root + ADAPTER

    def will(self, service: str, *behaviours: Behaviour) -> None:
        """The next calls of that service end so."""
        self.scripts[service].extend(behaviours)

    def calls(self, service: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.service == service]

    def counts(self) -> Counter[str]:
        return Counter(asked.service for asked in self.asked)

    def wait(self, until: Callable[[], bool]) -> bool:
        """Wait for something to become true of what was asked."""
        with self.changed:
            return self.changed.wait_for(until, 10)

    def close(self) -> None:
        """Refuse connections from now on. Those that are open serve on. Safe to call twice."""
        self.ending.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            secured = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            with secured, secured.makefile("rb") as stream:
                while (asked := _read(stream)) is not None and self._behave(Talk(self, secured, asked)):
                    pass
        except OSError:
            pass
        finally:
            connection.close()
            with self.changed:
                self.closed += 1
                self.changed.notify_all()

    def _behave(self, talk: Talk) -> bool:
        with self.changed:
            self.asked.append(talk.asked)
            self.changed.notify_all()
            script = self.scripts[talk.asked.service]
            behaviour = script.popleft() if script else None
        return (behaviour or self._properly(talk.asked))(talk)

    def _properly(self, asked: Asked) -> Behaviour:
        self.violations += _violations(asked)
        match asked.service:
            case "login" if asked.body["password"] != PASSWORD:
                return answer({"error_code": -1, "message": f"Sai mật khẩu {asked.body['password']}"})
            case "login":
                session = f"phien-{self.counts()['login']}"
                self.open_sessions.add(session)
                return answer({"error_code": 0, "session": session})
            case service if service in ENVELOPES:
                return answer(self._serve_envelope(asked.body) if asked.body["session"] in self.open_sessions else LOST_SESSION)
        return answer({"error_code": "0", "message": "Thành công"})

    def _serve_envelope(self, body: dict[str, Any]) -> object:
        match body["service"]:
            case "DongBoHoSoMC":
                return self._put(body["data"], updating=body["isUpdating"] == "True")
            case "TraCuuHoSo":
                held = self.holdings.get(body["mahoso"])
                return {"error_code": 0, "result": [{"MaHoSo": held["MaHoSo"], "MaTrangThai": held["TrangThaiHoSo"]}] if held else []}
            case "LayDanhSachTTHC":
                return {"error_code": "0", "result": [{"MATTHC": code} for code in self.procedures]}
        return {"error_code": "00", "message": "Thành công"}

    def _put(self, records: list[dict[str, Any]], *, updating: bool) -> object:
        for record in records:
            if (record["MaHoSo"] in self.holdings) is not updating:
                return {"error_code": -1, "message": "Hồ sơ không tồn tại"} if updating else {"error_code": -3, "message": "Hồ sơ đã tồn tại"}
        self.holdings |= {record["MaHoSo"]: record for record in records}
        return {"error_code": 0, "message": "Đồng bộ thành công"}


def _read(stream: BufferedReader) -> Asked | None:
    first = stream.readline().decode().split()
    if not first:
        return None
    headers: dict[str, str] = {}
    while (line := stream.readline().decode("latin-1").strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    raw = stream.read(int(headers.get("content-length", "0")))
    return Asked(_service(first[1], raw), first[0], first[1], headers, raw)


def _service(target: str, raw: bytes) -> str:
    if target.startswith(ADAPTER + "/mapi/g"):
        return str(msgspec.json.decode(raw)["service"])
    return unquote(urlsplit(target).path).rpartition("/")[2]


def _violations(asked: Asked) -> list[str]:
    """What of the request is not in the contract's form."""
    wanted = {"content-type": "application/json", "accept": "application/json", "charset": "utf-8"}
    found = [f"{asked.service}: header {name}" for name, value in wanted.items() if asked.headers.get(name) != value]
    found += [f"{asked.service}: header {name}" for name in ("cookie", "authorization", "transfer-encoding") if name in asked.headers]
    if asked.target.startswith(ADAPTER) and DSTCODE not in (asked.query.get("dstcode"), asked.headers.get("dstcode")):
        found.append(f"{asked.service}: no dstcode")
    if asked.service in ENVELOPES and list(asked.body) != ENVELOPES[asked.service]:
        found.append(f"{asked.service}: keys {list(asked.body)}")
    if asked.service == "login" and list(asked.body) != ["username", "password"]:
        found.append("login: keys")
    return found

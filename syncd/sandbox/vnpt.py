"""The sandbox iOffice behind VNPT's LGSP: it takes drafts, and calls the one-stop back with the signed file.

A result is put to the one-stop's listener again and again until it answers with code 00, or with 01, by which it says that
it will never take it. The call says which dossier and holds the file; number, date and signer stand in the file alone.
"""

from __future__ import annotations

import binascii
import http.client
import threading
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlsplit
from uuid import NAMESPACE_URL, uuid5

import msgspec

from syncd.clock import Clock, SystemClock
from syncd.sandbox.checks import Refused
from syncd.sandbox.faults import Faults
from syncd.sandbox.lgsp_tokens import KEYS
from syncd.sandbox.office_clerk import Clerk
from syncd.sandbox.office_desk import Desk, File, Matter, Package
from syncd.sandbox.server import Reply, Request
from syncd.sandbox.station import Answer, Asked, Station

TOKEN_PATH: Final = "/getToken/"  # noqa: S105 a path
SEND_PATH: Final = "/sendVB"
TAKEN, BAD, TROUBLE, STRANGER = "00", "01", "05", "16"
#: a bad day at the office: only what leaves no doubt, for nobody can ask it what it has
BAD_DAY_VNPT: Final = {"503": 0.06, "429": 0.06}


@dataclass(frozen=True, kw_only=True)
class VnptTerms:
    """On what terms the office serves, and how it calls back."""

    access: tuple[str, str, str, str, str] = ("sandbox-access", "sandbox-key", "motcua", "H03", "H03")  #: in the order of `KEYS`
    x_token: str = "sandbox-x-token"  # noqa: S105 an invented account
    user_id: str = "motcua"
    listener: str = ""  #: where it calls back, `http://127.0.0.1:9090`; empty: never by itself
    callback_user: str = "ioffice"
    callback_password: str = "sandbox"  # noqa: S105 an invented account
    action_code: str = "2100"
    pause: float = 1.0  #: seconds between rounds of calling back
    timeout: float = 10.0  #: seconds that it waits for the listener
    latency: float = 0.0  #: seconds before each answer
    keep: int = 10_000  #: calls kept for looking at
    port: int = 0


class Callback(NamedTuple):
    """One call to the one-stop."""

    dossier: str
    package: str
    status: int  #: of HTTP; 0 where nobody answered
    code: str  #: of the answer; empty where it could not be read


class VnptOffice(Station):
    """The office; serves and calls back between `start` and `close`, or as a context."""

    def __init__(self, terms: VnptTerms | None = None, *, faults: Faults | None = None, clerk: Clerk | None = None, clock: Clock | None = None) -> None:
        self.terms = terms or VnptTerms()
        super().__init__(faults or Faults(never=("sendVB",)), port=self.terms.port, latency=self.terms.latency, keep=self.terms.keep)
        self.listener = self.terms.listener  #: may be set later
        self.desk = Desk(clerk or Clerk(), clock or SystemClock(), prefix="VNPT")
        self.callbacks: list[Callback] = []  #: every call made, in order
        self._token = f"phien-{uuid5(NAMESPACE_URL, self.terms.user_id)}"
        self._round = threading.Lock()

    @property
    def adapter_url(self) -> str:
        """The address before both paths, `TOKEN_PATH` and `SEND_PATH`."""
        return self.root

    def start(self) -> None:
        """Begin to listen, and to call back."""
        super().start()
        threading.Thread(target=self._call_on, name="sandbox-callback", daemon=True).start()

    def call_back(self) -> list[Callback]:
        """One round now: every result that waits is put to the one-stop once. Gives what came of each."""
        with self._round:
            made = [self._call(package) for package in self.desk.waiting() if package.result is not None and package.result.content]
            self.callbacks += made
            return made

    def put(self, dossier: str, content: bytes, *, name: str = "ket-qua.pdf", kind: str = "application/pdf") -> tuple[int, str]:
        """Put any file to the one-stop: status and answer code, 0 and "" without an answer."""
        boundary = "sandbox-7c2f1e"
        parts = [_part(boundary, "displayName", name), _part(boundary, "fileType", kind), _part(boundary, "actionCode", self.terms.action_code)]
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
        body = b"".join(parts) + head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        account = b64encode(f"{self.terms.callback_user}:{self.terms.callback_password}".encode()).decode()
        headers = {"Authorization": f"Basic {account}", "Content-Type": f"multipart/form-data; boundary={boundary}"}
        address = urlsplit(self.listener)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=self.terms.timeout)
        try:
            connection.request("PUT", f"{address.path.rstrip('/')}/qlvb/{quote(dossier, safe='')}", body, headers)
            answer = connection.getresponse()
            return answer.status, _code(answer.read())
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def _call_on(self) -> None:
        while not self._pause.wait(self.terms.pause):
            if self.listener:
                self.call_back()

    def _call(self, package: Package) -> Callback:
        result = package.result
        assert result is not None  # noqa: S101 only results are called back
        status, code = self.put(package.draft.dossier, result.content, name=result.file)
        if code in (TAKEN, BAD):
            self.desk.acknowledge(package.id, code, failed=code == BAD)
        return Callback(package.draft.dossier, package.id, status, code)

    def _ask(self, request: Request) -> Asked:
        if request.path.startswith(TOKEN_PATH):
            return Asked("getToken", request.path.removeprefix(TOKEN_PATH))
        if request.path != SEND_PATH:
            return Asked("?")
        try:
            body = msgspec.json.decode(request.body)
        except msgspec.DecodeError:
            return Asked("sendVB")
        code = body.get("maHoSo") if isinstance(body, dict) else None
        return Asked("sendVB", _shown(body), (code,) if isinstance(code, str) else (), body)

    def _perform(self, asked: Asked, request: Request, *, answered: bool) -> Answer:
        if asked.service == "?" or request.method != ("GET" if asked.service == "getToken" else "POST"):
            return _told(404, "Không tìm thấy")
        wanted = self.terms.x_token if asked.service == "getToken" else self._token
        if not self._partner(request) or request.headers.get("x-authentication-token") != wanted:
            return _told(401, "Sai thông tin xác thực")
        if asked.service == "getToken":
            return _told(200, "", {"token": self._token}) if asked.body == self.terms.user_id else _told(401, "Không có người dùng")
        try:
            self.desk.receive(_matter(asked.whole))
        except Refused as refusal:
            return _told(400, refusal.message)
        return _told(200, "Thành công", {})

    def _partner(self, request: Request) -> bool:
        try:
            given = msgspec.json.decode(b64decode(request.headers.get("lgspaccesstoken", ""), validate=True))
        except (binascii.Error, msgspec.DecodeError):
            return False
        return bool(given == dict(zip(KEYS, self.terms.access, strict=True)))


def _matter(body: Any) -> Matter:
    if not isinstance(body, dict) or body.keys() != {"trichYeu", "maHoSo", "files"}:
        raise Refused("Nội dung phải gồm trichYeu, maHoSo, files")
    if not all(isinstance(body[name], str) and body[name].strip() for name in ("trichYeu", "maHoSo")):
        raise Refused("trichYeu và maHoSo không được để trống")
    if not isinstance(body["files"], list) or not body["files"]:
        raise Refused("files phải có ít nhất một tệp")
    return Matter(body["maHoSo"], tuple(map(_file, body["files"])), body["trichYeu"])


def _file(given: Any) -> File:
    if not isinstance(given, dict) or given.keys() != {"size", "fileName", "fileByte"} or not given["fileName"]:
        raise Refused("files phải gồm size, fileName, fileByte")
    try:
        content = b64decode(given["fileByte"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Refused("fileByte không phải Base64") from None
    if not content or given["size"] != len(content) or isinstance(given["size"], bool):
        raise Refused("size không khớp với fileByte")
    return File.of(given["fileName"], content)


def _shown(body: Any) -> Any:
    files = body.get("files") if isinstance(body, dict) else None
    if not isinstance(files, list):
        return body
    return {**body, "files": [{**one, "fileByte": "…"} if isinstance(one, Mapping) else one for one in files]}


def _told(code: int, message: str, data: Any = None) -> Answer:
    return Answer(Reply(msgspec.json.encode({"code": code, "message": message, "data": data}), code if code >= 400 else 200), str(code))


def _part(boundary: str, name: str, value: str) -> bytes:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def _code(answer: bytes) -> str:
    try:
        told = msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return ""
    return str(told.get("code", "")) if isinstance(told, dict) else ""

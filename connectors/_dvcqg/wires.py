"""The two ways to the national portal: through the province's adapter, or through a gateway of the province's own.

The objects that travel are the same. The adapter wants a log-in, and an envelope around them with session, agency and name
of the service; a gateway keeps all that on its side and takes bare arrays at one address for each purpose. Envelopes are
put together from bytes: what was composed is sent as it is, and nothing is encoded twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Protocol
from urllib.parse import quote

import msgspec

from connectors._dvcqg.answers import Answer, Answers, read
from connectors._dvcqg.mapping import CREATE, STATUS, STEPS, UPDATE
from connectors._dvcqg.options import DvcqgOptions
from connectors._http.calls import Call, Http
from connectors._http.outcomes import Answered, Trouble
from connectors._tokens import Shared
from syncd.calls import Outcome
from syncd.clock import Clock
from syncd.redact import code

SERVICES = {CREATE: "DongBoHoSoMC", UPDATE: "DongBoHoSoMC", STEPS: "CapNhatTienDoHoSoMC", STATUS: "DongBoTrangThaiHoSo"}
MASKED = "…"
_CERTAIN = (Outcome.UNAVAILABLE, Outcome.BUSY, Outcome.UNAUTHORISED)
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity", "Charset": "utf-8", "User-Agent": "syncd"}
_EXTRAS = {
    CREATE: (b',"isUpdating":"False","data":[', b"]}"),
    UPDATE: (b',"isUpdating":"True","data":[', b"]}"),
    STEPS: (b',"data":[', b"]}"),
    STATUS: (b',"type":"2","data":', b"}"),
}
_KEPT_SESSIONS = 16
_DISTRUSTED = 3  #: new sessions refused one after the other that are no coincidence
_json = msgspec.json.encode


class Wire(Protocol):
    """A way to the portal. The answer is the portal's own, or the trouble that stood in between."""

    def body(self, lane: str, data: bytes) -> bytes:
        """What a call of that lane sends, its secrets masked."""
        ...

    def send(self, lane: str, data: bytes, until: float) -> Answer | Trouble:
        """One call of that lane with these elements."""
        ...

    def look_up(self, code: str, until: float) -> Answer | Trouble | None:
        """What the portal says of one dossier; None where it cannot be asked."""
        ...

    def catalogue(self, until: float) -> Answer | Trouble | None:
        """The portal's list of procedures; None where it cannot be asked."""
        ...

    def listing(self, first: date, last: date, until: float) -> Answer | Trouble | None:
        """The dossiers received between two days, both included; None where the portal cannot be asked."""
        ...

    def knock(self, until: float) -> Trouble | None:
        """Whether anybody answers the door: None, or the trouble."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """What must not stand in any text."""
        ...


def _harmless(trouble: Trouble) -> Trouble:
    """The trouble of a call that changes nothing: it says nothing against the dossier, and may be had again."""
    return trouble if trouble.outcome in _CERTAIN else trouble._replace(outcome=Outcome.UNAVAILABLE)


class Envelope:
    """Through the adapter: a session, and an envelope around everything.

    A portal may end an account's other sessions with each log-in, so two nodes that log in at once refuse each other's new session. That
    passes; only where one new session after the other is refused, and none is known in between, does the portal not know us.
    """

    def __init__(self, options: DvcqgOptions, http: Http, clock: Clock, answers: Answers, agency: Callable[[], str]) -> None:
        self._http = http
        self._answers = answers
        self._agency = agency
        self._list_service = options.list_service
        self._lifetime: timedelta = options.session
        self._password = options.password.get_secret_value()
        self._credentials = _json({"username": options.username, "password": self._password})
        self._login_url, self._data_url, self._share_url = (
            _address(options, path) for path in (options.login_path, options.data_path, options.share_path or options.data_path)
        )
        self._headers = _HEADERS | ({"dstcode": options.dstcode} if options.dstcode and options.dstcode_in == "header" else {})
        self._sessions: Shared[str] = Shared(self._log_in, clock)
        self._known: tuple[str, ...] = ()
        self._guard = threading.Lock()  # nothing in between waits
        self._refused = ("", 0)  #: the new session refused last, and how many were since one was known

    def body(self, lane: str, data: bytes) -> bytes:
        opening, closing = _EXTRAS[lane]
        return self._enclose(MASKED, SERVICES[lane], opening + data + closing)

    def send(self, lane: str, data: bytes, until: float) -> Answer | Trouble:
        opening, closing = _EXTRAS[lane]
        return self._ask(self._data_url, SERVICES[lane], opening + data + closing, until)

    def look_up(self, code: str, until: float) -> Answer | Trouble | None:
        return self._ask(self._data_url, "TraCuuHoSo", b',"mahoso":' + _json(code) + b"}", until, repeatable=True)

    def catalogue(self, until: float) -> Answer | Trouble | None:
        return self._ask(self._share_url, "LayDanhSachTTHC", b"}", until, repeatable=True)

    def listing(self, first: date, last: date, until: float) -> Answer | Trouble | None:
        window = b',"ngayNhan1":' + _json(first.isoformat()) + b',"ngayNhan2":' + _json(last.isoformat()) + b"}"
        return self._ask(self._data_url, self._list_service, window, until, repeatable=True) if self._list_service else None

    def knock(self, until: float) -> Trouble | None:
        session = self._sessions.get(until)
        return session if isinstance(session, Trouble) else None

    def secrets(self) -> tuple[str, ...]:
        return (self._password, *self._known)

    def _enclose(self, session: str, service: str, rest: bytes) -> bytes:
        return b'{"session":' + _json(session) + b',"madonvi":' + _json(self._agency()) + b',"service":"' + service.encode() + b'"' + rest

    def _ask(self, url: str, service: str, rest: bytes, until: float, *, repeatable: bool = False) -> Answer | Trouble:
        """The answer to one service; with a new session where the portal does not know ours, once."""
        used = ""
        for _ in range(2):
            session = self._sessions.get(until)
            if isinstance(session, Trouble):
                return session
            answer = self._post(url, self._enclose(session, service, rest), until, repeatable=repeatable)
            if not self._sessionless(answer):
                self._trust(answer)
                return answer
            self._sessions.drop(session)
            used = session
        return self._distrust(used, answer)

    def _trust(self, answer: Answer | Trouble) -> None:
        """An answer of the portal itself that knows the session ends the count."""
        if self._refused[1] and isinstance(answer, Answer):
            with self._guard:
                self._refused = (self._refused[0], 0)

    def _distrust(self, session: str, answer: Answer | Trouble) -> Trouble:
        """What follows where a new session is refused too: nothing was done. Workers share a session, which counts once."""
        with self._guard:
            last, count = self._refused
            self._refused = (session, count + (session != last))
            lost = self._refused[1] >= _DISTRUSTED
        message, body = "the portal refuses the session it has just given us", answer.body if isinstance(answer, Trouble) else _json(answer.body)
        if lost:
            return Trouble(Outcome.UNAUTHORISED, code(answer.code), message, "ask the portal's operator about the account and agency_code", body=body)
        return Trouble(Outcome.UNAVAILABLE, "session", message, "does a log-in end the account's other sessions? then each node needs an account", body=body)

    def _sessionless(self, answer: Answer | Trouble) -> bool:
        return self._answers.sessionless(answer) if isinstance(answer, Answer) else answer.code == "401"

    def _post(self, url: str, body: bytes, until: float, *, repeatable: bool) -> Answer | Trouble:
        return _exchange(self._http, Call(url, body, self._headers, repeatable=repeatable), until)

    def _log_in(self, until: float) -> tuple[str, timedelta] | Trouble:
        answer = self._post(self._login_url, self._credentials, until, repeatable=True)
        if isinstance(answer, Trouble):
            return answer._replace(body=b"")
        session = answer.body.get("session")
        if answer.code != "0":
            return Trouble(
                Outcome.UNAUTHORISED,
                code(answer.code),
                f"the portal does not let us in: {answer.message}",
                "check username and password, then: syncd target probe",
            )
        if not isinstance(session, str) or not session:
            return Trouble(Outcome.UNAVAILABLE, "no_session", "the portal's answer to the log-in holds no session", "check login_path")
        self._known = (*self._known, session)[-_KEPT_SESSIONS:]
        return session, self._lifetime


class Gateway:
    """Through a gateway of the province: bare arrays, one address for each purpose, no session."""

    def __init__(self, options: DvcqgOptions, http: Http, answers: Answers, agency: Callable[[], str]) -> None:
        self._http = http
        self._answers = answers
        self._agency = agency
        self._urls: Mapping[str, str] = {CREATE: options.create_url, UPDATE: options.update_url, STEPS: options.progress_url, STATUS: options.status_url}
        self._lookup_url = options.lookup_url
        self._catalogue_url = options.catalogue_url
        self._method = options.lookup_method

    def body(self, lane: str, data: bytes) -> bytes:
        return data if lane == STATUS else b"[" + data + b"]"

    def send(self, lane: str, data: bytes, until: float) -> Answer | Trouble:
        reading = self._answers.worded if lane == STEPS else read
        return _exchange(self._http, Call(self._at(self._urls[lane]), self.body(lane, data), _HEADERS), until, reading)

    def look_up(self, code: str, until: float) -> Answer | Trouble | None:
        return self._find(self._lookup_url, until, code)

    def catalogue(self, until: float) -> Answer | Trouble | None:
        return self._find(self._catalogue_url, until)

    def listing(self, first: date, last: date, until: float) -> Answer | Trouble | None:
        return None

    def knock(self, until: float) -> Trouble | None:
        answer = self._http.send(Call(self._at(self._urls[CREATE]), b"", _HEADERS, "GET", repeatable=True), until)
        return _harmless(answer) if isinstance(answer, Trouble) else None

    def secrets(self) -> tuple[str, ...]:
        return ()

    def _find(self, url: str, until: float, code: str = "") -> Answer | Trouble | None:
        if not url:
            return None
        body = b"{}" if self._method == "POST" else b""
        return _exchange(self._http, Call(self._at(url, code), body, _HEADERS, self._method, repeatable=True), until)

    def _at(self, url: str, code: str = "") -> str:
        return url.replace("{agency}", quote(self._agency(), safe="")).replace("{code}", quote(code, safe=""))


def _exchange(http: Http, call: Call, until: float, reading: Callable[[Answered], Answer | Trouble] = read) -> Answer | Trouble:
    answered = http.send(call, until)
    answer = answered if isinstance(answered, Trouble) else reading(answered)
    return _harmless(answer) if call.repeatable and isinstance(answer, Trouble) else answer


def _address(options: DvcqgOptions, path: str) -> str:
    url = f"{options.adapter_url.rstrip('/')}/{path.lstrip('/')}"
    if not options.dstcode or options.dstcode_in == "header":
        return url
    return f"{url}{'&' if '?' in url else '?'}dstcode={quote(options.dstcode, safe=':.')}"

"""What the servers of the sandbox have in common: they listen, keep and count their calls, and fail on request.

A server says what a call asks for (`_ask`) and what it does and answers (`_perform`); the rest is here. A
fault may strike before the call is done, or after it, and the referee must know whether the answer arrived whole.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import Counter, deque
from typing import Any, NamedTuple, Self

from syncd.sandbox.faults import Fault, Faults, Outage
from syncd.sandbox.server import Reply, Request, Server

HTML = b"<html><head><title>Service error</title></head><body><h1>Service temporarily unavailable</h1></body></html>"


class Asked(NamedTuple):
    """What a call asks for."""

    service: str  #: `?` where it cannot be told
    body: Any = None
    dossiers: tuple[str, ...] = ()  #: codes of the dossiers it is about
    whole: Any = None  #: the body with the content of files; not kept


class Answer(NamedTuple):
    """What a call is answered."""

    reply: Reply
    code: str = ""  #: of the server's own answer


class Call(NamedTuple):
    """One call, as the server saw it."""

    number: int
    service: str
    body: Any  #: without the content of files
    fault: str  #: kind, empty where it was answered as it should be
    code: str  #: of the answer, whether it arrived or not; empty where nothing was done


class Station(ABC):
    """A server of the sandbox; serves between `start` and `close`, or as a context."""

    def __init__(self, faults: Faults, *, port: int = 0, latency: float = 0.0, keep: int = 10_000) -> None:
        """`latency` is seconds before each answer, `keep` the number of calls kept for looking at."""
        self.faults = faults
        self.faults.switched = self._switch
        self._server = Server(self._answer, port)
        self._latency = latency
        self._calls: deque[Call] = deque(maxlen=keep)
        self._counts: Counter[str] = Counter()
        self._under_way: Counter[str] = Counter()
        self._peaks: Counter[str] = Counter()
        self._at_work: Counter[str] = Counter()
        self._met: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._pause = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def root(self) -> str:
        """Where it listens, without a path."""
        return f"http://127.0.0.1:{self._server.port}"

    def start(self) -> None:
        """Begin to listen."""
        self._server.start()

    def close(self) -> None:
        """Stop, cutting what is under way. Safe to call twice."""
        self._pause.set()
        self._server.close()

    def calls(self, service: str = "") -> list[Call]:
        """The calls kept, oldest first, of one service or of all."""
        with self._lock:
            return [call for call in self._calls if service in ("", call.service)]

    def counts(self) -> Counter[str]:
        """How many calls each service had."""
        with self._lock:
            return self._counts.copy()

    def peaks(self) -> Counter[str]:
        """How many calls each service had at once, at most."""
        with self._lock:
            return self._peaks.copy()

    def met(self) -> Counter[str]:
        """By dossier, how many calls about it came while another one was under way."""
        with self._lock:
            return self._met.copy()

    @abstractmethod
    def _ask(self, request: Request) -> Asked:
        """What the call asks for, as far as it can be read."""

    @abstractmethod
    def _perform(self, asked: Asked, request: Request, *, answered: bool) -> Answer:
        """Do it, and say what is answered; `answered` says whether the answer will arrive."""

    def _expire(self) -> None:  # noqa: B027 most have nothing to end
        """End what the server gave the caller to be admitted by; called by the fault `session`."""

    def _switch(self, outage: Outage) -> None:
        if outage == "refused":
            self._server.refuse()
        elif not self._server.listening:
            self._server.start()

    def _answer(self, request: Request) -> Reply | None:
        if self.faults.outage:
            return Reply(b"", 503) if self.faults.outage == "503" else None
        asked = self._ask(request)
        self._enter(asked)
        try:
            return self._served(asked, request)
        finally:
            with self._lock:
                self._under_way[asked.service] -= 1
                self._at_work -= Counter(set(asked.dossiers))

    def _enter(self, asked: Asked) -> None:
        with self._lock:
            self._under_way[asked.service] += 1
            self._peaks[asked.service] = max(self._peaks[asked.service], self._under_way[asked.service])
            self._met += Counter(dossier for dossier in set(asked.dossiers) if self._at_work[dossier])
            self._at_work += Counter(set(asked.dossiers))

    def _served(self, asked: Asked, request: Request) -> Reply | None:
        fault = self.faults.draw(asked.service, asked.dossiers)
        if self._latency:
            self._pause.wait(self._latency)
        if fault is not None and fault.kind == "session":
            self._expire()
        arrives = fault is None or fault.kind == "session" or (fault.done and fault.certain)
        answer = self._perform(asked, request, answered=arrives) if arrives or (fault is not None and fault.done) else Answer(Reply(b""))
        self._note(asked, fault, answer.code)
        return answer.reply if fault is None else self._spoilt(asked, fault, answer.reply)

    def _note(self, asked: Asked, fault: Fault | None, code: str) -> None:
        with self._lock:
            self._counts[asked.service] += 1
            self._calls.append(Call(self._counts.total(), asked.service, asked.body, fault.kind if fault else "", code))

    def _spoilt(self, asked: Asked, fault: Fault, reply: Reply) -> Reply | None:
        """What the caller sees of an answer when that fault strikes."""
        match fault.kind:
            case "reset" | "lost":
                return None
            case "html":
                return Reply(HTML, content_type="text/html")
            case "empty":
                return Reply(b"")
            case "truncated":
                return reply._replace(cut=True)
            case "slow" | "session":
                self._pause.wait(self.faults.slowness if fault.kind == "slow" else 0)
                return reply
            case status:
                return Reply(b"", int(status), "text/plain", self.faults.retry_after if fault.certain else None)

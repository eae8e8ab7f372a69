"""The sandbox iOffice of VNPT takes drafts, and calls the one-stop back until it is taken in."""

from __future__ import annotations

import email
import email.policy
import json
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from syncd.sandbox.faults import Faults
from syncd.sandbox.lgsp_tokens import KEYS
from syncd.sandbox.office_clerk import Clerk
from syncd.sandbox.server import Reply, Request, Server
from syncd.sandbox.vnpt import BAD_DAY_VNPT, SEND_PATH, TOKEN_PATH, VnptOffice, VnptTerms
from tests.clocks import TurnedClock

CODE = "000.00.14.H03-250225-0001"
PDF = b"%PDF-1.4 draft"


class Listener:
    """A one-stop's listener that answers as it is told."""

    def __init__(self) -> None:
        self.codes: list[str] = []  # of the next answers; then 00
        self.came: list[Request] = []
        self.arrived = threading.Event()
        self.server = Server(self._answer)
        self.server.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def _answer(self, request: Request) -> Reply | None:
        self.came.append(request)
        self.arrived.set()
        code = self.codes.pop(0) if self.codes else "00"
        if code == "reset":
            return None
        return Reply(
            b"[]" if code == "list" else b"{" if code == "broken" else json.dumps({"message": "", "code": code}).encode(), 203 if code == "16" else 200
        )

    def form(self, place: int = 0) -> dict[str, Any]:
        """The parts of a call: text, or the file's name, type and content."""
        request = self.came[place]
        told = email.message_from_bytes(b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n" + request.body, policy=email.policy.HTTP)
        form: dict[str, Any] = {}
        for part in told.iter_parts():
            name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
            form[str(name)] = (part.get_filename(), part.get_content_type(), content) if part.get_filename() else bytes(content).decode()
        return form


class Caller:
    """Calls the office."""

    def __init__(self, office: VnptOffice) -> None:
        self.office = office
        self.http = requests.Session()
        self.http.trust_env = False
        keys = json.dumps(dict(zip(KEYS, office.terms.access, strict=True)))
        self.http.headers["lgspaccesstoken"] = b64encode(keys.encode()).decode()

    def token(self, x_token: str = "", user: str = "") -> requests.Response:
        headers = {"X-Authentication-Token": x_token or self.office.terms.x_token}
        return self.http.get(f"{self.office.adapter_url}{TOKEN_PATH}{user or self.office.terms.user_id}", headers=headers, timeout=10)

    def send(self, body: Any = None, **changes: Any) -> requests.Response:
        headers = {"X-Authentication-Token": self.token().json()["data"]["token"]}
        return self.http.post(f"{self.office.adapter_url}{SEND_PATH}", json=draft(**changes) if body is None else body, headers=headers, timeout=10)


def draft(**changes: Any) -> dict[str, Any]:
    return {"trichYeu": "Khai sinh", "maHoSo": CODE, "files": [file()], **changes}


def file(**changes: Any) -> dict[str, Any]:
    return {"size": len(PDF), "fileName": "Dự thảo.pdf", "fileByte": b64encode(PDF).decode(), **changes}


Serve = Callable[..., Caller]


@pytest.fixture
def listener() -> Iterator[Listener]:
    one = Listener()
    yield one
    one.server.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts offices; they call back when they are told to, unless `pause` is set."""
    running: list[Caller] = []

    def start(course: str = "plain", **terms: Any) -> Caller:
        running.append(Caller(VnptOffice(VnptTerms(**{"pause": 600.0, **terms}), clerk=Clerk(course), clock=TurnedClock())))
        running[-1].office.start()
        return running[-1]

    yield start
    for caller in running:
        caller.http.close()
        caller.office.close()


@pytest.fixture
def caller(serve: Serve, listener: Listener) -> Caller:
    return serve(listener=listener.url)


def test_a_draft_is_taken_and_the_signed_file_comes_back(caller: Caller, listener: Listener) -> None:
    assert caller.send().status_code == 200
    (made,) = caller.office.call_back()
    assert (made.dossier, made.status, made.code) == (CODE, 200, "00")
    (request,) = listener.came
    assert (request.method, request.path) == ("PUT", f"/qlvb/{CODE}")
    assert b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"ioffice:sandbox"
    (issued,) = caller.office.desk.issued()
    form = listener.form()
    assert form["file"] == ("Dự thảo_signed.pdf", "application/pdf", issued.result.content)
    assert (form["displayName"], form["fileType"], form["actionCode"]) == ("Dự thảo_signed.pdf", "application/pdf", "2100")
    assert issued.acknowledged == ("00",)
    assert caller.office.call_back() == []


def test_it_calls_again_until_it_is_taken_in(caller: Caller, listener: Listener) -> None:
    listener.codes = ["05", "16", "reset", "broken", "list"]
    caller.send()
    for _ in range(6):
        caller.office.call_back()
    assert [(made.status, made.code) for made in caller.office.callbacks] == [(200, "05"), (203, "16"), (0, ""), (200, ""), (200, ""), (200, "00")]
    assert len({request.body for request in listener.came}) == 1
    assert caller.office.desk.waiting() == []


def test_what_can_never_be_taken_is_not_called_again(caller: Caller, listener: Listener) -> None:
    listener.codes = ["01"]
    caller.send()
    caller.office.call_back()
    assert caller.office.call_back() == []
    assert caller.office.desk.issued()[0].acknowledged == ("01",)


def test_it_calls_back_by_itself(serve: Serve, listener: Listener) -> None:
    caller = serve(pause=0.01)
    caller.send()
    caller.office.listener = listener.url
    assert listener.arrived.wait(10)


def test_without_a_listener_nobody_hears(serve: Serve) -> None:
    caller = serve(listener="http://127.0.0.1:1")
    caller.send()
    assert [(made.status, made.code) for made in caller.office.call_back()] == [(0, "")]


def test_the_same_file_may_come_twice(serve: Serve, listener: Listener) -> None:
    caller = serve("twice", listener=listener.url)
    caller.send()
    assert [made.code for made in caller.office.call_back()] == ["00", "00"]
    assert listener.form(0)["file"] == listener.form(1)["file"]


@pytest.mark.parametrize("course", ["rejected", "waiting"])
def test_of_what_is_not_issued_no_word_comes(serve: Serve, listener: Listener, course: str) -> None:
    caller = serve(course, listener=listener.url)
    caller.send()
    assert caller.office.call_back() == []


def test_any_file_may_be_put(caller: Caller, listener: Listener) -> None:
    assert caller.office.put("H03/1", b"MZ", name="a.exe", kind="application/x-dosexec") == (200, "00")
    assert listener.came[0].path == "/qlvb/H03%2F1"
    assert listener.form()["file"] == ("a.exe", "application/x-dosexec", b"MZ")


def test_both_tokens_and_the_user_are_checked(caller: Caller) -> None:
    assert caller.token("wrong").status_code == 401
    assert caller.token(user="nobody").status_code == 401
    answer = caller.http.post(f"{caller.office.adapter_url}{SEND_PATH}", json=draft(), headers={"X-Authentication-Token": "x"}, timeout=10)
    assert answer.status_code == 401
    for header in ("!", b64encode(b"{}").decode()):
        caller.http.headers["lgspaccesstoken"] = header
        assert caller.token().status_code == 401
    assert caller.office.desk.drafts() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"maHoSo": ""},
        {"trichYeu": None},
        {"files": []},
        {"files": ["x"]},
        {"files": [file(size=1)]},
        {"files": [file(fileByte="*")]},
        {"files": [file(fileByte=None)]},
        {"files": [file(fileName="")]},
        {"more": "x"},
    ],
)
def test_a_draft_that_breaks_a_rule_is_refused(caller: Caller, changes: dict[str, Any]) -> None:
    assert caller.send(**changes).status_code == 400
    assert caller.office.desk.drafts() == []


def test_what_is_no_draft_is_turned_away(caller: Caller) -> None:
    headers = {"X-Authentication-Token": caller.token().json()["data"]["token"]}
    assert caller.send([]).status_code == 400
    assert caller.http.post(f"{caller.office.adapter_url}{SEND_PATH}", data=b"{", headers=headers, timeout=10).status_code == 400
    assert caller.http.get(f"{caller.office.adapter_url}{SEND_PATH}", headers=headers, timeout=10).status_code == 404
    assert caller.http.get(f"{caller.office.adapter_url}/other", timeout=10).status_code == 404


@pytest.mark.parametrize(("kind", "held"), [("reset", 0), ("lost", 1)])
def test_an_answer_may_be_lost_before_or_after_the_work(caller: Caller, kind: str, held: int) -> None:
    caller.office.faults.next(kind, service="sendVB")
    with pytest.raises(requests.ConnectionError):
        caller.send()
    assert len(caller.office.desk.drafts()) == held


def test_what_comes_twice_is_counted(caller: Caller) -> None:
    caller.send()
    caller.send()
    assert list(caller.office.desk.arrivals().values()) == [2]
    (call, _) = caller.office.calls("sendVB")
    assert call.body["files"][0]["fileByte"] == "…"


def test_on_a_bad_day_no_draft_is_left_in_doubt() -> None:
    faults = Faults({**BAD_DAY_VNPT, "lost": 0.1}, never=("sendVB",))
    assert all(fault is None or fault.certain for fault in (faults.draw("sendVB", [CODE]) for _ in range(500)))

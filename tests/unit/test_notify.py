"""The notification protocol, over real datagram sockets."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from syncd import notify


def listen(address: str) -> socket.socket:
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(address)
    receiver.settimeout(5)
    return receiver


def heard(receiver: socket.socket) -> list[str]:
    return receiver.recv(4096).decode().split("\n")


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with TemporaryDirectory() as folder, listen(f"{folder}/notify") as receiver:  # tmp_path may be longer than a socket address can be
        monkeypatch.setenv("NOTIFY_SOCKET", f"{folder}/notify")
        yield receiver


def test_ready_carries_a_status(manager: socket.socket) -> None:
    assert notify.ready("2 targets")
    assert heard(manager) == ["READY=1", "STATUS=2 targets"]


def test_signs_of_life_and_stopping(manager: socket.socket) -> None:
    assert notify.alive()
    assert heard(manager) == ["WATCHDOG=1"]
    assert notify.stopping()
    assert heard(manager) == ["STOPPING=1"]


def test_a_status_cannot_smuggle_in_another_variable(manager: socket.socket) -> None:
    notify.stopping("3 calls\nREADY=1")
    assert heard(manager) == ["STOPPING=1", "STATUS=3 calls READY=1"]


def test_an_abstract_socket_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"syncd-{uuid.uuid4().hex}"
    with listen("\0" + name) as receiver:
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        assert notify.ready()
        assert heard(receiver) == ["READY=1"]


@pytest.mark.parametrize("address", [None, "", "vsock:2:1234"])
def test_without_a_socket_of_a_kind_we_know_nothing_is_said(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not notify.ready()


def test_a_manager_that_went_away_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert not notify.alive()


@pytest.mark.parametrize(
    ("allowed", "pid", "expected"),
    [("60000000", None, 30.0), ("60000000", "own", 30.0), ("60000000", "1", None), ("0", None, None), ("soon", None, None), (None, None, None)],
)
def test_the_watchdog_is_fed_at_twice_the_rate_it_asks_for(
    allowed: str | None, pid: str | None, expected: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("WATCHDOG_USEC", allowed), ("WATCHDOG_PID", pid)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, str(os.getpid()) if value == "own" else value)
    assert notify.watchdog_interval() == expected

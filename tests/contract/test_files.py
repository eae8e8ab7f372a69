"""Files go along byte for byte, or the receipt says clearly why not; a file is never the target's fault."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from syncd.calls import Outcome, Receipt
from syncd.clock import SystemClock
from syncd.errors import Unmappable
from syncd.ports import Target
from tests.connectors.portal import Behaviour, Talk, answer
from tests.contract.behaviours import LATER, LOST, SLOW, each
from tests.contract.surroundings import PDF, FileServer, Surroundings
from tests.contract.test_failures import HASTY, OFTEN, within

LARGEST = 20_000_000


def send(far: Surroundings, where: str, **options: object) -> Receipt:
    target: Target = far.make(**options)  # type: ignore[arg-type]
    return target.send([far.element(target, file=where)])


def refused(far: Surroundings, receipt: Receipt, outcome: Outcome = Outcome.REJECTED) -> bool:
    """Nothing went out, and the receipt says why and what to do."""
    assert (receipt.outcome, bool(receipt.message), bool(receipt.hint), receipt.exists) == (outcome, True, True, None)
    return far.came() == []


def test_20_mb_arrive_byte_for_byte(filing: Surroundings, file_server: FileServer, large: bytes, tmp_path: Path) -> None:
    where = file_server.put("91.pdf", large)
    if filing.paths:
        (tmp_path / "lon.pdf").write_bytes(large)
        where = str(tmp_path / "lon.pdf")
    assert send(filing, where, timeout="30s").outcome is Outcome.DELIVERED
    assert [hashlib.sha256(content).hexdigest() for content in filing.contents(filing.came()[0])] == [hashlib.sha256(large).hexdigest()]


def test_a_file_is_fetched_from_its_address(filing: Surroundings, file_server: FileServer) -> None:
    content = b"%PDF-1.7\n" + bytes(range(256)) * 99
    assert send(filing, file_server.put("91.pdf", content)).outcome is Outcome.DELIVERED
    assert filing.contents(filing.came()[0]) == [content]
    assert [name for name in ("authorization", "lgspaccesstoken", "x-authentication-token") if name in file_server.asked[0].headers] == []


@pytest.mark.parametrize("size", [LARGEST + 1, LARGEST + 2, 6 * LARGEST])
def test_a_file_that_is_too_large_is_for_a_person(filing: Surroundings, file_server: FileServer, tmp_path: Path, size: int) -> None:
    def much(talk: Talk) -> bool:
        talk.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(0, size, 10**6):
            talk.connection.sendall(b" " * 10**6)
        return False

    file_server.will("91.pdf", *[much] * OFTEN)
    receipt = send(filing, f"{file_server.root}/91.pdf")
    assert refused(filing, receipt)
    assert "MB" in receipt.message
    assert len(file_server.asked) == 1
    if filing.paths:
        with (tmp_path / "lon.pdf").open("wb") as file:
            os.truncate(file.fileno(), size)
        assert refused(filing, send(filing, str(tmp_path / "lon.pdf")))


def test_an_empty_file_is_for_a_person(filing: Surroundings, file_server: FileServer, tmp_path: Path) -> None:
    assert refused(filing, send(filing, file_server.put("91.pdf", b"")))
    if filing.paths:
        (tmp_path / "rong.pdf").touch()
        assert refused(filing, send(filing, str(tmp_path / "rong.pdf")))


def test_a_file_that_is_not_there_is_for_a_person(filing: Surroundings, file_server: FileServer, tmp_path: Path) -> None:
    assert refused(filing, send(filing, f"{file_server.root}/none.pdf"))
    if filing.paths:
        assert refused(filing, send(filing, str(tmp_path / "none.pdf")))


@each({**LOST, **SLOW, **LATER, "503": answer(b"", 503)})
def test_a_file_server_in_trouble_makes_this_dossier_wait(filing: Surroundings, file_server: FileServer, behaviour: Behaviour) -> None:
    file_server.will("91.pdf", *[behaviour] * OFTEN)
    target = filing.make(timeout=HASTY, clock=SystemClock())
    with within(target.longest, file_server):
        receipt = target.send([filing.element(target, file=f"{file_server.root}/91.pdf")])
    assert refused(filing, receipt, Outcome.DEFERRED)


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><html><body>Login</body></html>", b"\xef\xbb\xbf\r\n <HTML lang='vi'>", b"<!-- x --><head>"])
def test_a_page_in_place_of_a_file_makes_this_dossier_wait(filing: Surroundings, file_server: FileServer, page: bytes) -> None:
    where = file_server.put("91.pdf", page)
    assert refused(filing, send(filing, where), Outcome.DEFERRED)
    file_server.put("91.pdf", PDF)
    assert send(filing, where).outcome is Outcome.DELIVERED
    assert filing.contents(filing.came()[0]) == [PDF]


def test_a_file_server_that_is_down_makes_this_dossier_wait(filing: Surroundings, file_server: FileServer) -> None:
    where = file_server.put("91.pdf", b"%PDF-1.7")
    file_server.close()
    assert refused(filing, send(filing, where), Outcome.DEFERRED)


def test_a_folder_in_trouble_makes_this_dossier_wait(filing: Surroundings, tmp_path: Path) -> None:
    if filing.paths:  # what is a folder cannot be read as a file, which stands here for a share that is not mounted
        assert refused(filing, send(filing, str(tmp_path)), Outcome.DEFERRED)


@pytest.mark.parametrize(
    "where", ["http://", "http://[", "http://:80:80/91.pdf", "http://127.0.0.1:99999/91.pdf", "a\0b", "a/" * 3000, "ftp://mc.vidu.example/91.pdf"]
)
def test_no_place_of_a_file_upsets_a_target(filing: Surroundings, where: str) -> None:
    target = filing.make()
    try:
        element = filing.element(target, file=where)
    except Unmappable:
        return
    receipt = target.send([element])
    assert receipt.outcome in (Outcome.REJECTED, Outcome.DEFERRED)
    assert filing.came() == []


def test_the_file_is_read_when_it_is_sent_and_not_before(filing: Surroundings, file_server: FileServer) -> None:
    target = filing.make()
    where = file_server.put("91.pdf", b"%PDF-1.7 before")
    element = filing.element(target, file=where)
    target.calls(element)
    assert file_server.asked == []
    file_server.put("91.pdf", b"%PDF-1.7 after")
    target.send([element])
    assert filing.contents(filing.came()[0]) == [b"%PDF-1.7 after"]

"""What iOffice hands back, over real connections to the real listener: every answer, every bound, and that a repeat is the same."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import logging
import socket
import ssl
import threading
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors import _caller
from connectors._caller import Terms
from connectors._ioffice.options import IofficeOptions
from connectors._ioffice.vnpt import VnptCollector
from connectors._ioffice.vnpt_callback import LARGEST, Callback
from connectors._listener import AT_ONCE, Listener
from connectors._pdf import Printed
from syncd.documents import IssuedDocument, Stage
from syncd.errors import ConfigurationError, StoreUnavailable
from tests.connectors.papers import pdf

USER, PASSWORD = "ioffice", "mật khẩu:1"
CODE = "000.00.14.H03-250303-0001"
DOCUMENT = b"%PDF-1.7 da ky \x00\xff\r\n--vid"
KNOWN = {"Authorization": "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
FORM = {"Content-Type": "multipart/form-data; boundary=vidu"}


class Told(NamedTuple):
    status: int
    code: str
    message: str


class Desk:
    """Takes documents, or does not."""

    def __init__(self) -> None:
        self.taken: list[IssuedDocument] = []
        self.refusal = ""
        self.error: Exception | None = None
        self.before: Callable[[], object] = lambda: None

    def take(self, document: IssuedDocument) -> str:
        self.before()
        if self.error is not None:
            raise self.error
        self.taken.append(document)
        return self.refusal


class Door:
    """A listener and calls to it."""

    def __init__(self, desk: Desk, within: float = 5.0, largest: int = LARGEST, action_code: str = "", address: str = "127.0.0.1:0") -> None:
        callback = Callback(desk.take, largest, action_code, look=lambda content: Printed(number="9/X-Y") if b"so 9" in content else Printed())
        self.listener = Listener(Terms(address, USER, PASSWORD, largest + 65536, within), callback)

    def put(self, body: bytes, path: str = f"/qlvb/{CODE}", method: str = "PUT", **headers: str) -> Told:
        connection = http.client.HTTPConnection("127.0.0.1", self.listener.port, timeout=10)
        try:
            connection.request(method, path, body, KNOWN | FORM | {name.replace("_", "-"): value for name, value in headers.items()})
            return answered(connection.getresponse())
        finally:
            connection.close()

    def say(self, *pieces: bytes) -> bytes:
        """Bytes as they are; what comes back until the end."""
        with socket.create_connection(("127.0.0.1", self.listener.port), timeout=10) as connection:
            for piece in pieces:
                connection.sendall(piece)
            return b"".join(iter(lambda: connection.recv(65536), b""))


def answered(response: http.client.HTTPResponse) -> Told:
    body = msgspec.json.decode(response.read())
    assert list(body) == ["message", "code"]
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.headers["Connection"] == "close"
    return Told(response.status, body["code"], body["message"])


def read(raw: bytes) -> Told:
    head, _, body = raw.partition(b"\r\n\r\n")
    return Told(int(head.split()[1]), **msgspec.json.decode(body))


def form(content: bytes = DOCUMENT, filename: str = "ket-qua.pdf", **fields: str) -> bytes:
    given = {"displayName": "Quyết định.pdf", "fileType": "application/pdf", "actionCode": "2100"} | fields
    parts = [f'--vidu\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in given.items()]
    head = f'--vidu\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\nContent-Type: application/octet-stream\r\n\r\n'
    return b"".join(parts) + head.encode() + content + b"\r\n--vidu--\r\n"


HEAD = (f"PUT /qlvb/{CODE} HTTP/1.1\r\nHost: x\r\nAuthorization: {KNOWN['Authorization']}\r\nContent-Type: {FORM['Content-Type']}\r\n").encode()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def door(desk: Desk) -> Iterator[Door]:
    made = Door(desk)
    yield made
    made.listener.close()
    made.listener.close()


# ---- what is taken


def test_a_document_is_taken_as_it_came(door: Door, desk: Desk) -> None:
    assert door.put(form()) == Told(200, "00", "the document is taken")
    found = desk.taken[0]
    assert found.id == f"{CODE}:{hashlib.sha256(DOCUMENT).hexdigest()[:32]}"
    assert (found.stage, found.dossier, found.number, found.issued_on) == (Stage.ISSUED, CODE, "", None)
    assert [(file.name, file.content, file.kind) for file in found.files] == [("Quyết định.pdf", DOCUMENT, "application/pdf")]
    assert found.remarks == ("the file does not say its number",)


def test_a_repeat_is_the_same_document_and_another_file_is_another(door: Door, desk: Desk) -> None:
    for body in (form(), form(displayName="khác.pdf", actionCode="1"), form(b"%PDF-1.7 khac")):
        assert door.put(body).code == "00"
    door.put(form(), "/qlvb/4711")
    ids = [document.id for document in desk.taken]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert desk.taken[0].digest == desk.taken[1].digest


@pytest.mark.parametrize(
    ("path", "dossier"),
    [("/qlvb/4711", "4711"), ("/o/rest/v2/qlvb/H03.14-250303-0002/?x=1", "H03.14-250303-0002"), ("/qlvb/a%20%C4%91", "a đ"), (f"/qlvb/{CODE}", CODE)],
)
def test_the_dossier_is_what_the_address_says(door: Door, desk: Desk, path: str, dossier: str) -> None:
    assert door.put(form(), path).code == "00"
    assert desk.taken[0].dossier == dossier


def test_number_and_date_are_read_from_the_file(desk: Desk) -> None:
    listener = Listener(Terms("127.0.0.1:0", USER, PASSWORD, LARGEST, 30), Callback(desk.take, LARGEST))
    door = Door(desk)
    door.listener.close()
    door.listener = listener
    door.put(form(pdf(signatures=["/Name (Hoang Thi Lan) /M (D:20250312093000)"])))
    listener.close()
    found = desk.taken[0]
    assert (found.number, found.issued_on, found.signer, found.signed_on) == ("123/QĐ-UBND", date(2025, 3, 12), "Hoang Thi Lan", date(2025, 3, 12))
    assert found.remarks == ()


def test_only_pdfs_are_looked_into(door: Door, desk: Desk) -> None:
    door.put(form(b"so 9"))
    door.put(form(b"so 9", displayName="a.docx"))
    assert [document.number for document in desk.taken] == ["9/X-Y", ""]


@pytest.mark.parametrize(
    ("display", "filename", "name"),
    [
        ("../../etc/a.PDF", "b.pdf", "a.PDF"),
        ("Quyết định", "b.pdf", "b.pdf"),
        ("", "C:\\tmp\\b.xlsx", "b.xlsx"),
        ("a.exe", "b.csv", "b.csv"),
        (unicodedata.normalize("NFD", "Quyết định.docx"), "", "Quyết định.docx"),
        *((f"a.{ending}", "", f"a.{ending}") for ending in ("doc", "docx", "csv", "jpg", "png", "pdf", "xls", "xlsx")),
    ],
)
def test_the_name_is_bare_and_of_a_kind_that_is_taken(door: Door, desk: Desk, display: str, filename: str, name: str) -> None:
    assert door.put(form(displayName=display, filename=filename)).code == "00"
    assert desk.taken[0].files[0].name == name


def test_a_file_of_the_full_10_mb_arrives_whole(door: Door, desk: Desk) -> None:
    content = bytes(range(256)) * (LARGEST // 256)
    assert door.put(form(content)).code == "00"
    assert desk.taken[0].files[0].sha256 == hashlib.sha256(content).hexdigest()


def test_a_body_in_chunks_is_a_body(door: Door, desk: Desk) -> None:
    body = form()
    chunks = b"5;x=1\r\n" + body[:5] + b"\r\n" + f"{len(body) - 5:X}\r\n".encode() + body[5:] + b"\r\n0\r\nTrailer: x\r\n\r\n"
    assert read(door.say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunks)).code == "00"
    assert desk.taken[0].files[0].content == DOCUMENT


def test_who_asks_beforehand_is_told_beforehand(door: Door, desk: Desk) -> None:
    body = form()
    head = HEAD + f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", door.listener.port), timeout=10) as connection:
        connection.sendall(head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read(b"".join(iter(lambda: connection.recv(65536), b""))).code == "00"
    assert read(door.say(HEAD + b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n")).code == "01"
    assert read(door.say(head.replace(b"Basic ", b"Basic x"))) == Told(203, "16", "wrong user name or password")
    assert len(desk.taken) == 1


# ---- what is not


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic", "Basic !!!", "Bearer " + KNOWN["Authorization"][6:], KNOWN["Authorization"][:-4] + "AAAA", "Basic " + base64.b64encode(b"ioffice:").decode()],
)
def test_a_stranger_is_told_so_with_status_203(door: Door, desk: Desk, authorization: str) -> None:
    assert door.put(form(), Authorization=authorization) == Told(203, "16", "wrong user name or password")
    assert door.put(form(b"x" * LARGEST), Authorization=authorization).code == "16"
    assert desk.taken == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"--vidu",
        form()[:-20],
        form(b""),
        form(displayName="a.exe", filename="b.exe"),
        form(displayName="", filename=""),
        form().replace(b'name="file"', b'name="tep"'),
        form()[: -len(b"--\r\n")] + b"\r\n" + form(),
        b'--vidu\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 40 + form(),
    ],
)
def test_a_form_that_is_none_is_bad_data(door: Door, desk: Desk, body: bytes) -> None:
    told = door.put(body)
    assert (told.status, told.code) == (200, "01")
    assert told.message
    assert desk.taken == []


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=vidu"])
def test_a_request_that_is_no_form_is_bad_data(door: Door, desk: Desk, content_type: str) -> None:
    assert door.put(form(), Content_Type=content_type).code == "01"
    assert desk.taken == []


@pytest.mark.parametrize("path", ["/", "/qlvb/", "/qlvb", "/qlvb/%20", "/qlvb/%00", "/qlvb/a/b", "/khac/1", "/qlvb/" + "x" * 101])
def test_an_address_without_a_dossier_is_bad_data(door: Door, desk: Desk, path: str) -> None:
    assert door.put(form(), path).code == "01"
    assert desk.taken == []


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_nothing_but_put_is_served(door: Door, desk: Desk, method: str) -> None:
    assert door.put(form(), method=method).code == "01"
    assert desk.taken == []


def test_an_action_that_does_not_mean_issued_is_refused_where_the_settings_name_one(desk: Desk) -> None:
    door = Door(desk, action_code="2100")
    assert [door.put(form(actionCode=code)).code for code in ("2100", " 2100 ", "2200", "")] == ["00", "00", "01", "01"]
    door.listener.close()


def test_what_the_engine_refuses_is_bad_data_with_its_reason(door: Door, desk: Desk) -> None:
    desk.refusal = "the file is not what its name says"
    assert door.put(form()) == Told(200, "01", "the file is not what its name says")


def test_while_the_store_is_away_the_caller_is_told_to_come_again(door: Door, desk: Desk) -> None:
    desk.error = StoreUnavailable()
    assert door.put(form()).code == "05"
    desk.error = None
    assert door.put(form()).code == "00"


def test_what_nobody_foresaw_is_an_error_here_and_logged(door: Door, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.error = RuntimeError("hỏng")
    with caplog.at_level(logging.ERROR):
        assert door.put(form()).code == "05"
    assert [record.message for record in caplog.records] == ["listener_failed"]


def test_the_answer_goes_out_when_the_document_is_kept(door: Door, desk: Desk) -> None:
    asked, kept = threading.Event(), threading.Event()

    def keep() -> None:
        asked.set()
        assert kept.wait(10)

    desk.before = keep
    told: list[Told] = []
    caller = threading.Thread(target=lambda: told.append(door.put(form())))
    caller.start()
    assert asked.wait(10)
    assert told == []
    closing = threading.Thread(target=door.listener.close)
    closing.start()
    kept.set()
    caller.join(10)
    closing.join(10)
    assert told[0].code == "00"


# ---- bounds


def test_a_body_that_is_told_to_be_too_large_is_not_read(door: Door, desk: Desk) -> None:
    assert read(door.say(HEAD + b"Content-Length: 99999999\r\n\r\n")) == Told(200, "01", "the request is larger than 10.6 MB")
    assert door.put(form(b"x" * (LARGEST + 70_000))).code == "01"
    assert read(door.say(HEAD + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n")).code == "01"
    assert desk.taken == []


def test_a_file_beyond_its_limit_is_refused_in_a_body_within(desk: Desk) -> None:
    door = Door(desk, largest=1000)
    assert [door.put(form(b"x" * size)).code for size in (1000, 1001)] == ["00", "01"]
    door.listener.close()


def test_a_body_that_turns_out_too_large_is_given_up(desk: Desk) -> None:
    door = Door(desk, largest=100_000)
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    assert read(door.say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", piece, piece, piece)).code == "01"
    assert read(door.say(HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\nx")).code == "01"
    assert desk.taken == []
    door.listener.close()


@pytest.mark.parametrize(
    "rest",
    [
        b"\r\n",
        b"Content-Length: x\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"Transfer-Encoding: gzip\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 30 + b"\r\n",
    ],
)
def test_a_body_without_a_clear_end_is_bad_data(door: Door, desk: Desk, rest: bytes) -> None:
    assert read(door.say(HEAD + rest)).code == "01"
    assert desk.taken == []


@pytest.mark.parametrize("rest", [b"Content-Length: 900\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n9\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n"])
def test_a_call_that_breaks_off_is_bad_data(door: Door, desk: Desk, rest: bytes) -> None:
    with socket.create_connection(("127.0.0.1", door.listener.port), timeout=10) as connection:
        connection.sendall(HEAD + rest)
        connection.shutdown(socket.SHUT_WR)
        assert read(b"".join(iter(lambda: connection.recv(65536), b""))).code == "01"
    assert desk.taken == []


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\x16\x03\x01\x02\x00\x01",
        b"PUT\r\n\r\n",
        b"PUT /x HTTP/9.9\r\n\r\n",
        b"G" * 70_000 + b"\r\n",
        b"PUT / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n",
    ],
)
def test_garbage_ends_the_connection_and_nothing_else(door: Door, desk: Desk, garbage: bytes) -> None:
    with socket.create_connection(("127.0.0.1", door.listener.port), timeout=10) as connection:
        connection.sendall(garbage)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    assert door.put(form()).code == "00"


def test_a_caller_that_drips_is_cut_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_caller, "LINGER", 0.05)
    door = Door(desk, within=0.3)
    assert read(door.say(HEAD + b"Content-Length: 900\r\n\r\n", b"a", b"b")) == Told(200, "01", "the request was not whole in time")
    with socket.create_connection(("127.0.0.1", door.listener.port), timeout=10) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        ended = threading.Event()

        def drip() -> None:
            while not ended.wait(0.02):
                try:
                    connection.sendall(b"1\r\na\r\n")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            assert read(connection.recv(65536)).message == "the request was not whole in time"
        finally:
            ended.set()
            dripping.join()
    door.listener.close()


def test_a_caller_that_does_not_say_who_it_is_is_cut_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_caller, "HEADERS_WITHIN", 0.2)
    monkeypatch.setattr(_caller, "LINGER", 0.05)
    door = Door(desk)
    assert door.say(b"PUT /qlvb/1 HTTP/1.1\r\nHost: x\r\n") == b""
    assert door.say() == b""
    door.listener.close()


def test_only_so_many_are_served_at_once(door: Door, desk: Desk) -> None:
    full, release = threading.Barrier(AT_ONCE + 1), threading.Event()

    def stay() -> None:
        full.wait(10)
        assert release.wait(10)

    desk.before = stay
    callers = [threading.Thread(target=door.put, args=(form(),)) for _ in range(AT_ONCE)]
    for caller in callers:
        caller.start()
    full.wait(10)
    with socket.create_connection(("127.0.0.1", door.listener.port), timeout=10) as turned_away:
        assert turned_away.recv(1) == b""
    release.set()
    for caller in callers:
        caller.join(10)
    desk.before = lambda: None
    assert len(desk.taken) == AT_ONCE


# ---- where it listens


def test_the_collector_listens_as_the_options_say(desk: Desk) -> None:
    options = {"connector": "ioffice", "dialect": "vnpt", "adapter_url": "http://127.0.0.1:9", "send_path": "s", "listen": "127.0.0.1:0", "largest": 1}
    collector = VnptCollector(
        IofficeOptions.model_validate(options | {"listen_username": USER, "listen_password": PASSWORD, "action_code": "2100"}), timedelta(seconds=1)
    )
    collector.listen(desk.take)
    door = Door(Desk())
    door.listener.close()
    door.listener = collector._listener  # type: ignore[assignment]  # it listens
    assert collector.port == door.listener.port
    assert [door.put(form(b"x" * size)).code for size in (1_000_000, 1_000_001)] == ["00", "01"]
    assert door.put(form(actionCode="1")).code == "01"
    collector.close()
    collector.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", collector.port), timeout=5)


@pytest.mark.parametrize("address", ["256.1.1.1:0", "khong-co.invalid:0", "192.0.2.1:0"])
def test_an_address_that_cannot_be_had_is_told(desk: Desk, address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Door(desk, address=address)
    assert caught.value.problems[0].field == "listen"
    assert caught.value.problems[0].hint


def test_an_address_that_is_taken_is_told_and_one_of_ipv6_is_one(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(ConfigurationError):
        Door(desk, address=f"127.0.0.1:{other.getsockname()[1]}")
    if socket.has_ipv6:
        try:
            listener = Door(desk, address="[::1]:0").listener
        except ConfigurationError:
            return
        with socket.create_connection(("::1", listener.port), timeout=5):
            pass
        listener.close()


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of loopback, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False).sign(key, hashes.SHA256())
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return folder / "cert.pem", folder / "key.pem"


def test_with_a_certificate_it_speaks_tls_and_nothing_else(desk: Desk, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    listener = Listener(Terms("127.0.0.1:0", USER, PASSWORD, LARGEST, 5, cert, key), Callback(desk.take, LARGEST, look=lambda content: Printed()))
    connection = http.client.HTTPSConnection("127.0.0.1", listener.port, timeout=10, context=ssl.create_default_context(cafile=str(cert)))
    connection.request("PUT", f"/qlvb/{CODE}", form(), KNOWN | FORM)
    assert answered(connection.getresponse()).code == "00"
    connection.close()
    stranger = http.client.HTTPSConnection("127.0.0.1", listener.port, timeout=10, context=ssl.create_default_context(cafile=str(cert)))
    stranger.request("PUT", f"/qlvb/{CODE}", form(b"x" * 500_000), FORM)
    assert answered(stranger.getresponse()).code == "16"
    stranger.close()
    with socket.create_connection(("127.0.0.1", listener.port), timeout=10) as plain:
        plain.sendall(HEAD + b"\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP" not in plain.recv(4096)
    listener.close()
    assert len(desk.taken) == 1


def test_a_certificate_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    for pair in ((tmp_path / "khong-co.pem", key), (key, None)):
        with pytest.raises(ConfigurationError) as caught:
            Listener(Terms("127.0.0.1:0", USER, PASSWORD, LARGEST, 5, *pair), Callback(Desk().take, LARGEST))
        assert caught.value.problems[0].field == "listen_cert_file"
    assert cert.exists()

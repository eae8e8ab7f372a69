"""Writing back: each document once, on every product, in each of the three ways, and what is missing is said before."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, text

from connectors._onestop.outlet_settings import DOCUMENT, FILE
from connectors.onestop import OneStopOptions, connector
from syncd.documents import Attachment, Filed, IssuedDocument, Stage
from syncd.errors import ConfigurationError, SourceError
from syncd.model import Agency
from syncd.ports import Outlet
from tests.clocks import TurnedClock
from tests.databases import administer, new_name

DDL = Path(__file__).parents[2] / "config" / "inbox"
TABLES = ("syncd_inbox", "syncd_inbox_file")
PRODUCTS = ("postgresql", "mariadb", "sqlite", "sqlserver", "oracle")
RECEIVED = datetime(2025, 3, 3, 1, 30, tzinfo=UTC)
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 8
CODE = "000.00.14.H03-250303-0001"

Open = Callable[..., Outlet]


def statements(product: str) -> list[str]:
    """The statements of a template, without comments."""
    script = "\n".join(line.split("--")[0] for line in (DDL / f"{product}.sql").read_text(encoding="utf-8").splitlines() if line != "GO")
    return [statement.strip() for statement in script.split(";") if statement.strip()]


def run(url: URL, *scripts: str) -> None:
    """Run statements as the one-stop's administrator."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in scripts:
            connection.execute(text(statement))
    engine.dispose()


def rows(url: URL, query: str) -> list[dict[str, Any]]:
    """What the one-stop's administrator sees."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [dict(row._mapping) for row in connection.execute(text(query))]
    engine.dispose()
    return found


def template(url: URL) -> list[str]:
    """The DDL for the product at `url`."""
    return statements({"mysql": "mariadb"}.get(url.get_backend_name(), url.get_backend_name()))


def filed(key: str = "goi-1", **changes: Any) -> Filed:
    """An invented result, ready to be written."""
    said = IssuedDocument(
        id=key,
        stage=Stage.ISSUED,
        dossier=CODE,
        draft="77",
        number="123/2025/QĐ-UBND",
        issued_on=date(2025, 3, 3),
        signer="Triệu Văn Mẫu",
        position="Chủ tịch",
        agency=Agency(code="000.00.14.H03", name="UBND xã Mẫu"),
        abstract="Quyết định về việc mẫu",
        files=(Attachment(name="quyết định.pdf", content=PDF, kind="application/pdf"), Attachment(name="phụ lục.txt", content=b"phu luc")),
    )
    given = {
        "target": "office",
        "document": said,
        "dossier": CODE,
        "source_id": 4711,
        "draft": "77",
        "digest": said.digest,
        "received_at": RECEIVED,
        **changes,
    }
    return Filed(**given)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def opened(tmp_path: Path, clock: TurnedClock) -> Iterator[Open]:
    """Opens outlets whose mapping is the shipped one with another section `[settings.inbox]`."""
    outlets: list[Outlet] = []

    def build(url: URL | str = "sqlite://", inbox: str = "", **given: Any) -> Outlet:
        text_ = url if isinstance(url, str) else url.render_as_string(hide_password=False)
        options = {"url": text_, "mapping": mapping(tmp_path, inbox) if inbox else "views", **given}
        outlets.append(connector.outlet(OneStopOptions.model_validate(options), clock=clock))
        return outlets[-1]

    yield build
    for outlet in outlets:
        outlet.close()
        outlet.close()


def mapping(folder: Path, inbox: str) -> str:
    """A mapping file of its own, for the given section."""
    shipped = (Path(__file__).parents[2] / "mappings" / "onestop" / "views.toml").read_text("utf-8")
    head, _, rest = shipped.partition("[settings.inbox]\n")
    path = folder / "own.toml"
    path.write_text(f"{head}[settings.inbox]\n{inbox}\n\n{rest[rest.index('[settings.status]') :]}", "utf-8")
    return str(path)


@pytest.fixture
def onestop(database_url: URL) -> URL:
    """A one-stop with the two tables, on each product."""
    run(database_url, *template(database_url))
    return database_url


@pytest.fixture
def small(sqlite_url: URL) -> URL:
    """The same on SQLite, for what does not depend on the database."""
    run(sqlite_url, *template(sqlite_url))
    return sqlite_url


# ---- a table


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_template_has_every_column_that_is_written_each_with_its_meaning(product: str) -> None:
    script = (DDL / f"{product}.sql").read_text("utf-8")
    for name, columns in (("syncd_inbox", DOCUMENT), ("syncd_inbox_file", FILE)):
        body = script.partition(f"CREATE TABLE {name} (")[2].partition("\n)")[0]
        described = [line.split()[0] for line in body.splitlines() if "--" in line]
        assert set(columns) <= set(described), name
    assert ("UNTESTED" in script) is (product in ("sqlserver", "oracle"))


def test_a_document_is_written_with_its_files_byte_for_byte(onestop: URL, opened: Open) -> None:
    assert opened(onestop).write(filed()) is True
    (row,) = rows(onestop, "SELECT * FROM syncd_inbox")
    assert (row["target"], row["document"], row["dossier_code"], row["dossier_id"], row["draft"]) == ("office", "goi-1", CODE, 4711, "77")
    assert (row["code"], row["code_number"], row["code_notation"]) == ("123/2025/QĐ-UBND", "123", "2025/QĐ-UBND")
    assert (row["stage"], row["signer"], row["abstract"], row["reason"], row["file_count"]) == ("issued", "Triệu Văn Mẫu", "Quyết định về việc mẫu", None, 2)
    assert (str(row["issued_on"]), row["signed_on"], row["taken_at"]) == ("2025-03-03", None, None)
    assert str(row["received_at"]).startswith("2025-03-03 08:30:00"), "times are local to the one-stop"
    first, second = rows(onestop, "SELECT * FROM syncd_inbox_file ORDER BY place")
    assert (first["inbox_id"], first["name"], first["media_type"], first["bytes"]) == (row["id"], "quyết định.pdf", "application/pdf", len(PDF))
    assert bytes(first["content"]) == PDF
    assert (second["place"], second["media_type"]) == (2, None)


def test_a_repeat_finds_the_row_and_changes_nothing(onestop: URL, opened: Open) -> None:
    outlet = opened(onestop)
    assert [outlet.write(filed()), outlet.write(filed()), opened(onestop).write(filed())] == [True, False, False]
    assert outlet.write(filed(digest="f" * 32)) is True, "another content under the same key"
    assert outlet.write(filed(target="other")) is True
    assert len(rows(onestop, "SELECT id FROM syncd_inbox")) == 3


def test_of_many_writers_at_one_moment_exactly_one_writes(onestop: URL, opened: Open) -> None:
    outlets = [opened(onestop) for _ in range(4)]
    ready, wrote = threading.Barrier(4), list[bool]()

    def write(outlet: Outlet) -> None:
        ready.wait()
        wrote.append(outlet.write(filed()))

    threads = [threading.Thread(target=write, args=(outlet,)) for outlet in outlets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wrote) == [False, False, False, True]
    assert len(rows(onestop, "SELECT id FROM syncd_inbox")) == 1
    assert len(rows(onestop, "SELECT place FROM syncd_inbox_file")) == 2


def test_a_document_without_files_and_with_a_very_long_key_is_written(onestop: URL, opened: Open) -> None:
    said = IssuedDocument(id="k" * 400, stage=Stage.REJECTED, reason="thiếu căn cứ\0", agency=Agency())
    word = filed(document=said, source_id=0, draft="")
    assert [opened(onestop).write(word), opened(onestop).write(word)] == [True, False]
    (row,) = rows(onestop, "SELECT * FROM syncd_inbox")
    assert (len(row["document"]), row["reason"], row["dossier_id"], row["draft"], row["code"]) == (153, "thiếu căn cứ\ufffd", None, None, None)


def test_a_large_file_is_written_whole(database_url: URL, opened: Open) -> None:
    if database_url.get_backend_name() == "mysql" and rows(database_url, "SELECT @@max_allowed_packet AS n")[0]["n"] < 64 << 20:
        pytest.skip("this MariaDB takes no large packets; syncd doctor would say so")
    run(database_url, *template(database_url))
    content = b"%PDF-1.7" + bytes(range(256)) * 78_125
    said = IssuedDocument(id="large", stage=Stage.ISSUED, number="1/QĐ", files=(Attachment(name="a.pdf", content=content),))
    assert opened(database_url).write(filed(document=said)) is True
    assert bytes(rows(database_url, "SELECT content FROM syncd_inbox_file")[0]["content"]) == content


# ---- what is missing is said


def test_a_one_stop_that_is_ready_has_no_problem(onestop: URL, opened: Open) -> None:
    problems = opened(onestop).check()
    assert [problem for problem in problems if "at once" not in problem.reason] == []
    assert rows(onestop, "SELECT id FROM syncd_inbox") == []


def test_a_server_that_takes_only_small_packets_is_named(mariadb_url: URL, opened: Open) -> None:
    run(mariadb_url, *template(mariadb_url))
    small = rows(mariadb_url, "SELECT @@max_allowed_packet AS n")[0]["n"] < 64 << 20
    assert [problem.hint for problem in opened(mariadb_url).check()] == (["set max_allowed_packet of the server to 64M"] if small else [])


def test_missing_tables_are_named_with_the_file_that_makes_them(database_url: URL, opened: Open) -> None:
    if database_url.get_backend_name() == "sqlite":
        run(database_url, "CREATE TABLE there (id INTEGER)")
    product = {"mysql": "mariadb"}.get(database_url.get_backend_name(), database_url.get_backend_name())
    outlet = opened(database_url)
    found = [problem for problem in outlet.check() if "max_allowed_packet" not in problem.hint]
    assert [problem.reason for problem in found] == [f"the one-stop database has no table {name}" for name in TABLES]
    assert {problem.hint for problem in found} == {f"have the one-stop's administrator run config/inbox/{product}.sql"}
    with pytest.raises(SourceError, match="one-stop database"):
        outlet.write(filed())


def test_missing_columns_are_named(onestop: URL, opened: Open) -> None:
    run(onestop, "ALTER TABLE syncd_inbox DROP COLUMN signer")
    assert "the table syncd_inbox has no signer" in [problem.reason for problem in opened(onestop).check()]


def test_tables_may_have_other_names(small: URL, opened: Open) -> None:
    run(small, "ALTER TABLE syncd_inbox RENAME TO thu_den", "ALTER TABLE syncd_inbox_file RENAME TO thu_den_tep")
    outlet = opened(small, 'table = "thu_den"\nfiles = "main.thu_den_tep"')
    assert outlet.check() == []
    assert outlet.write(filed()) is True
    assert len(rows(small, "SELECT place FROM thu_den_tep")) == 2


def test_an_account_that_may_not_write_is_told_so(postgresql_url: URL, opened: Open) -> None:
    reader = new_name()
    run(postgresql_url, *template(postgresql_url), f"CREATE ROLE {reader} LOGIN", f"GRANT SELECT ON syncd_inbox, syncd_inbox_file TO {reader}")
    try:
        outlet = opened(postgresql_url, write_url=f"{postgresql_url.render_as_string(hide_password=False)}{_as_role(postgresql_url, reader)}")
        (problem,) = outlet.check()
        assert "does not let this account write" in problem.reason
        with pytest.raises(SourceError, match="does not let this account write"):
            outlet.write(filed())
    finally:
        run(postgresql_url, f"DROP OWNED BY {reader}")
        administer(postgresql_url, f"DROP ROLE {reader}")


def _as_role(url: URL, role: str) -> str:
    mark = "&" if url.query else "?"
    return f"{mark}options=-crole%3D{role}"


def test_a_one_stop_that_is_away_is_a_source_error_and_comes_back(tmp_path: Path, small: URL, opened: Open) -> None:
    outlet, path = opened(small), Path(str(small.database))
    away = path.rename(tmp_path / "away.db")
    with pytest.raises(SourceError, match="cannot be written"):
        outlet.write(filed())
    assert outlet.check()[0].field == "source.write_url"
    away.rename(path)
    assert outlet.write(filed()) is True


def test_a_row_the_one_stop_forbids_is_an_error_and_no_repeat(onestop: URL, opened: Open) -> None:
    run(onestop, "ALTER TABLE syncd_inbox_file RENAME TO old", *[part for part in template(onestop) if "TABLE syncd_inbox_file" in part])
    run(onestop, "CREATE UNIQUE INDEX one_name ON syncd_inbox_file (bytes)")
    said = IssuedDocument(id="g", stage=Stage.ISSUED, number="1/QĐ", files=(Attachment(name="a.pdf", content=PDF), Attachment(name="b.pdf", content=PDF)))
    with pytest.raises(SourceError, match="refuses the row"):
        opened(onestop).write(filed(document=said))
    assert rows(onestop, "SELECT id FROM syncd_inbox") == [], "all of it or nothing"


def test_an_address_that_is_none_is_a_configuration_error(opened: Open) -> None:
    with pytest.raises(ConfigurationError, match=r"source\.write_url"):
        opened("sqlite://", write_url="nowhere")


def test_a_password_given_apart_is_used(opened: Open) -> None:
    outlet = opened("sqlite://", write_url="postgresql+psycopg://u@127.0.0.1:1/x", write_password="invented")
    assert "cannot be written" in outlet.check()[0].reason
    assert "invented" not in str(outlet.check())


# ---- statements

VENDOR = (
    "CREATE TABLE hoso (id BIGINT PRIMARY KEY, trang_thai VARCHAR(20), so_ky_hieu VARCHAR(200))",
    "CREATE TABLE tep (hoso BIGINT, ten VARCHAR(200), so_byte BIGINT)",
)
INBOX = """
way = "sql"
[[settings.inbox.statements]]
sql = "UPDATE hoso SET trang_thai = 'xong', so_ky_hieu = :code WHERE id = :dossier_id"
stages = ["issued"]
least = 1
[[settings.inbox.statements]]
sql = "INSERT INTO tep (hoso, ten, so_byte) VALUES (:dossier_id, :file_name, :file_bytes)"
each = "file"
"""


def test_statements_of_the_mapping_run_once_with_the_row_that_makes_it_once(onestop: URL, opened: Open) -> None:
    run(onestop, *VENDOR, "INSERT INTO hoso (id) VALUES (4711)")
    outlet = opened(onestop, INBOX)
    assert [problem for problem in outlet.check() if "at once" not in problem.reason] == []
    assert [outlet.write(filed()), outlet.write(filed())] == [True, False]
    assert rows(onestop, "SELECT * FROM hoso") == [{"id": 4711, "trang_thai": "xong", "so_ky_hieu": "123/2025/QĐ-UBND"}]
    assert [row["so_byte"] for row in rows(onestop, "SELECT so_byte FROM tep ORDER BY so_byte")] == [7, len(PDF)]
    assert len(rows(onestop, "SELECT id FROM syncd_inbox")) == 1
    assert rows(onestop, "SELECT place FROM syncd_inbox_file") == []


def test_a_statement_that_touches_too_few_rows_undoes_everything(onestop: URL, opened: Open) -> None:
    run(onestop, *VENDOR)
    with pytest.raises(SourceError, match="touched 0 rows, not 1"):
        opened(onestop, INBOX).write(filed())
    assert rows(onestop, "SELECT id FROM syncd_inbox") == []
    said = IssuedDocument(id="word", stage=Stage.SIGNED)
    assert opened(onestop, INBOX).write(filed(document=said)) is True, "the statement is for issued documents"


@pytest.mark.parametrize(
    ("inbox", "reason"),
    [
        ('way = "sql"', "needs statements"),
        ('way = "pigeon"', "'table', 'sql' or 'http'"),
        ('way = "sql"\nstatements = [{ sql = "SELECT :surname" }]', "there is no parameter :surname"),
        ('way = "sql"\nstatements = [{ sql = "SELECT :file_name" }]', 'each = "file"'),
        ('path = "/{surname}"', "nothing of a document is called surname"),
        ('fields = { ten = "surname" }', "nothing of a document is called surname"),
        ("queue = 1", "Extra inputs"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_so_before_anything_is_written(opened: Open, inbox: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match="settings") as error:
        opened("sqlite://", inbox)
    assert reason in str(error.value)


# ---- an API


class Api(HTTPServer):
    """The one-stop's own API: keeps what it is told by its key."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.calls: list[tuple[str, str, dict[str, str], Any]] = []
        self.status: int | None = None
        self.keys: set[str] = set()
        self.address = f"http://127.0.0.1:{self.server_port}/api"


class _Answering(BaseHTTPRequestHandler):
    server: Api

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.calls.append((self.command, self.path, dict(self.headers), json.loads(body) if body else None))
        key = self.headers.get("Idempotency-Key", "")
        known = key in self.server.keys
        self.server.keys.add(key)
        self.send_response(self.server.status or (409 if known and key else 201))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = _answer  # noqa: N815  the names http.server looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


HTTP = 'way = "http"\nmethod = "PUT"\npath = "/dossiers/{dossier_code}/results"'


def test_a_document_is_put_to_the_api_with_its_files_and_a_key(api: Api, opened: Open) -> None:
    outlet = opened(inbox=HTTP, write_url=api.address + "/", write_token="invented-token")
    assert outlet.check() == []
    assert [outlet.write(filed()), outlet.write(filed())] == [True, False]
    (_, _, asked, _), (method, path, headers, body), (_, _, again, _) = api.calls
    assert (method, path) == ("PUT", f"/api/dossiers/{CODE}/results")
    assert headers["Authorization"] == asked["Authorization"] == "Bearer invented-token"
    assert headers["Idempotency-Key"] == again["Idempotency-Key"]
    assert (body["code"], body["issued_on"], body["dossier_id"], body["reason"]) == ("123/2025/QĐ-UBND", "2025-03-03", 4711, None)
    assert base64.b64decode(body["files"][0]["content"]) == PDF


def test_the_api_may_have_its_own_names(api: Api, opened: Open) -> None:
    outlet = opened(inbox=HTTP + '\nfields = { soKyHieu = "code", tep = "files" }', write_url=api.address)
    outlet.write(filed())
    assert api.calls[0][3].keys() == {"soKyHieu", "tep"}
    assert "Authorization" not in api.calls[0][2]


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_what_the_api_does_not_take_is_a_source_error(api: Api, opened: Open, status: int) -> None:
    outlet = opened(inbox=HTTP, write_url=api.address, write_timeout="1s")
    api.status = status
    with pytest.raises(SourceError, match="API did not take it"):
        outlet.write(filed())


def test_an_api_that_does_not_know_us_or_is_away_is_a_problem(api: Api, opened: Open) -> None:
    api.status = 401
    assert "refuses us" in opened(inbox=HTTP, write_url=api.address).check()[0].reason
    assert "no connection" in opened(inbox=HTTP, write_url="http://127.0.0.1:1", write_timeout="1s").check()[0].reason


def test_an_api_needs_an_address(opened: Open) -> None:
    with pytest.raises(ConfigurationError, match="is no address of an API"):
        opened(inbox=HTTP)

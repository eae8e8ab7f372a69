"""No citizen's data leaves by a side door: known values go through success and every failure, and all output is searched."""

from __future__ import annotations

import json
import unicodedata
import urllib.request
from collections.abc import Iterator

from sqlalchemy import text

from tests.daemon.conftest import Rehearse
from tests.daemon.rehearsal import FAULTS, Rehearsal
from tests.waiting import wait_for

NAME = "Đàm Thị Kín Đáo"
SECRETS = {
    "applicantName": NAME,
    "applicantIdNo": "006199123457",
    "contactTelNo": "0900123457",
    "contactEmail": "kin.dao@example.vn",
    "address": "Số 7 ngõ Giữ Kín, tổ 9",
    "applicantNote": "xin gửi cho bà Kín Đáo",
}


def plant(made: Rehearsal) -> None:
    """Give every dossier the same known owner, one of them with a name the portal will not take."""
    with made.world.engine.begin() as connection:
        columns = ", ".join(f"{column} = :{column}" for column in SECRETS)
        connection.execute(text(f"UPDATE opencps_dossier SET {columns}"), SECRETS)  # noqa: S608  column names of this file
        first = connection.execute(
            text("SELECT MIN(dossierId) FROM opencps_dossier WHERE dossierNo <> '' AND systemId <> 5 AND receiveDate IS NOT NULL")
        ).scalar_one()
        connection.execute(text("UPDATE opencps_dossier SET applicantName = :name WHERE dossierId = :id"), {"name": NAME + "\x01", "id": first})
        connection.execute(text("UPDATE opencps_dossier SET applicantIdType = 'nobody' WHERE dossierId = :id"), {"id": first})


def forget(made: Rehearsal) -> None:
    """Lose the state: every dossier is created again, and the portal refuses with the owner's name in its words."""
    made.state.dispose()
    for path in made.world.folder.glob("state.db*"):
        path.unlink()


def spellings(value: str) -> Iterator[str]:
    """A value in every way it might slip out."""
    bare = "".join(c for c in unicodedata.normalize("NFD", value.replace("Đ", "D").replace("đ", "d")) if not unicodedata.combining(c))
    for each in {value, bare}:
        for form in ("NFC", "NFD"):
            for changed in (each, each.upper(), each.lower()):
                yield unicodedata.normalize(form, changed)
                yield json.dumps(unicodedata.normalize(form, changed))[1:-1]


def assert_clean(where: str, output: str) -> None:
    for column, value in SECRETS.items():
        for spelling in spellings(value):
            assert spelling not in output, f"{column} stands in {where}"


def test_nothing_personal_and_no_secret_is_in_logs_errors_or_commands(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=25)
    plant(made)
    config = made.world.config
    config.write_text(config.read_text().replace('format = "json"', 'format = "json"\nlevel = "debug"'), "utf-8")
    portal = made.world.portal
    for kind in FAULTS:
        for service in ("DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo", "login"):
            portal.faults.next(kind, service=service)
    made.start()
    made.rest()
    assert made.stop() == 0
    forget(made)
    made.syncd("target", "fresh", "dvcqg")
    made.start()
    made.rest()
    assert made.stop() == 0
    assert [call for call in portal.calls("DongBoHoSoMC") if call.code in ("3", "-3")], "the portal quoted nobody"
    assert made.standing()["dead"] >= 1
    log = made.log.read_text("utf-8")
    sessions = [call.body["session"] for call in portal.calls() if isinstance(call.body, dict) and call.body.get("session")]
    assert sessions
    dossiers = json.loads(made.syncd("dead", "list", "--json"))
    code = dossiers[0]["dossier"]
    outputs = {
        "the log": log,
        "syncd log": made.syncd("log"),
        "syncd log --csv": made.syncd("log", "--csv"),
        "syncd log --json": made.syncd("log", "--json"),
        "syncd status": made.syncd("status", "--json"),
        "syncd dead list": made.syncd("dead", "list") + json.dumps(dossiers, ensure_ascii=False),
        "syncd dead show": made.syncd("dead", "show", dossiers[0]["id"]),
        "syncd show": made.syncd("show", code) + made.syncd("show", code, "--json"),
        "syncd config show": made.syncd("config", "show"),
    }
    for where, output in outputs.items():
        assert output.strip(), f"{where} says nothing"
        assert_clean(where, output)
        assert portal.terms.password not in output.replace(str(made.world.folder), "").replace("syncd/sandbox", ""), f"the password stands in {where}"
        assert not [session for session in sessions if session in output], f"a session stands in {where}"


def test_the_metrics_hold_no_dossier_and_nobody(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=10)
    plant(made)
    port = free_port()
    config = made.world.config
    config.write_text(config.read_text().replace('http = ""', f'http = "127.0.0.1:{port}"'), "utf-8")
    made.start()
    made.rest()

    def fetched(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    wait_for(lambda: "syncd_attempts_total" in fetched("/metrics"))
    shown = fetched("/metrics")
    assert 'syncd_attempts_total{outcome="delivered",target="dvcqg"}' in shown
    assert "H03-" not in shown
    assert_clean("the metrics", shown)
    assert fetched("/health/live")
    assert fetched("/health/ready")
    assert made.stop() == 0


def test_what_is_asked_for_by_name_is_revealed(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=5)
    plant(made)
    made.start()
    made.rest()
    assert made.stop() == 0
    code = next(iter(made.world.portal.holdings.records()))
    assert NAME in made.syncd("show", code, "--reveal", "--json")


def free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])

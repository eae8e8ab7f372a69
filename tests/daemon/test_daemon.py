"""The daemon as systemd and the administrator know it."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import update

from syncd.store.schema import ledger
from tests.daemon.conftest import Rehearse
from tests.daemon.rehearsal import FAULTS, Rehearsal
from tests.waiting import wait_for


def test_it_delivers_everything_and_ends_with_0_when_told_to(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=120)
    made.start()
    made.world.life.move(30)
    made.world.life.settle()
    made.rest()
    assert made.stop() == 0
    comparison = made.world.compare()
    assert comparison.in_sync
    assert comparison.dossiers > 60
    assert '"event":"daemon_stopped"' in made.log.read_text()


def test_a_portal_that_is_down_for_the_whole_first_load_gets_everything_afterwards(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=600)
    portal = made.world.portal
    portal.faults.down("refused")
    made.start(SYNCD__SOURCE__PAGE="150")
    wait_for(lambda: made.standing().get("due", 0) > 390)
    made.world.life.move(20)
    made.world.life.settle()
    portal.faults.up()
    made.rest(150)
    assert made.stop() == 0
    assert made.world.compare().in_sync


def test_changes_during_an_outage_cost_one_record_call_and_every_step(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=30)
    made.start()
    made.rest()
    portal, life = made.world.portal, made.world.life
    portal.faults.down("503")
    changed = life.move(10)
    life.settle()
    dossiers = {each.code for each in changed if each.code}
    before = len(portal.calls("DongBoHoSoMC"))
    polled = made.polled()
    wait_for(lambda: made.polled() != polled)
    portal.faults.up()
    made.rest()
    assert made.stop() == 0
    assert made.world.compare().in_sync
    records = [call for call in portal.calls("DongBoHoSoMC")[before:] if call.code in ("0", "00")]
    assert len(records) <= len(dossiers) + 3


def test_a_second_daemon_on_the_same_state_is_refused(rehearse: Rehearse) -> None:
    made = rehearse()
    made.start()
    wait_for(lambda: made.standing() != {})
    other = Rehearsal(made.world)
    other.syncd("run", code=1)
    assert made.stop() == 0


def test_systemd_is_told_of_start_life_and_end(rehearse: Rehearse, tmp_path: Path) -> None:
    made = rehearse()
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service_manager:
        service_manager.bind(address)
        service_manager.settimeout(60)
        made.start(NOTIFY_SOCKET=address, WATCHDOG_USEC="400000")
        said = service_manager.recv(4096).decode()
        assert "READY=1" in said
        assert "WATCHDOG=1" in service_manager.recv(4096).decode()
        assert made.stop() == 0
        wait_for(lambda: "STOPPING=1" in service_manager.recv(4096).decode())


def test_one_pass_delivers_everything_and_says_what_it_did(rehearse: Rehearse) -> None:
    made = rehearse()
    report = json.loads(made.syncd("run", "--once", "--json", code=None))
    assert report["changes"] == report["delivered"]["dvcqg"] + report["remaining"]["dvcqg"]["dead"]
    assert report["remaining"]["dvcqg"]["due"] == 0
    assert made.world.compare().in_sync
    again = json.loads(made.syncd("run", "--once", "--json", code=None))
    assert again["delivered"]["dvcqg"] == 0


def test_one_pass_with_the_portal_down_ends_with_1_and_keeps_everything(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=20)
    made.world.portal.faults.down("refused")
    made.syncd("run", "--once", code=1)
    made.world.portal.faults.up()
    assert json.loads(made.syncd("run", "--once", "--json", code=None))["remaining"]["dvcqg"]["due"] == 0, "what waited for the portal waits no longer"
    assert made.world.compare().in_sync


def test_one_pass_takes_over_what_a_killed_one_of_another_name_had_leased(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=20)
    made.world.portal.faults.down("refused")
    made.syncd("run", "--once", code=1)
    with made.state.begin() as connection:
        gone = {"state": "leased", "lease_token": "a", "lease_node": "another", "lease_until": datetime(2025, 3, 3, tzinfo=UTC)}
        connection.execute(update(ledger).where(ledger.c.state == "due").values(**gone))
    made.world.portal.faults.up()
    assert json.loads(made.syncd("run", "--once", "--json", code=None))["remaining"]["dvcqg"]["due"] == 0
    assert made.world.compare().in_sync


def test_each_fault_of_the_portal_ends_in_agreement(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=15)
    portal, life = made.world.portal, made.world.life
    made.start(SYNCD__TARGETS__DVCQG__WORKERS="1")  # two that lose their session at one moment end each other's next one
    for kind in FAULTS:
        for service in ("DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo"):
            portal.faults.next(kind, service=service)
        life.arrive("counter")
        life.move(5)
        life.settle()
        wait_for(lambda kind=kind: portal.faults.struck[kind] >= 2)  # type: ignore[misc]
        made.rest()
        assert made.world.compare().in_sync, kind
    assert made.stop() == 0

"""What an administrator is promised: bad rows hold nobody up, a preview is what is sent, a story is complete."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import text

from syncd.sandbox.portal import Portal
from tests.daemon.conftest import Rehearse
from tests.daemon.rehearsal import Rehearsal
from tests.waiting import wait_for

KINDS = {"unmapped": "status", "agency": "DonViXuLy", "procedure": "MaTTHC", "broken": "owner.name", "absurd": "received_at"}


def published(made: Rehearsal, count: int) -> list[tuple[int, str]]:
    """Key and code of dossiers that belong on the portal."""
    query = (
        "SELECT dossierId, dossierNo FROM opencps_dossier WHERE dossierNo <> '' AND receiveDate IS NOT NULL AND originality > 0"
        " AND COALESCE(originDossierId, 0) = 0 AND systemId <> 5 AND dossierStatus = 'processing' ORDER BY dossierId"
    )
    with made.world.engine.connect() as connection:
        return [(row.dossierId, row.dossierNo) for row in connection.execute(text(query)).fetchmany(count)]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_bad_row_waits_for_a_person_by_its_field_and_its_correction_goes_by_itself(rehearse: Rehearse, kind: str) -> None:
    made = rehearse(dossiers=40)
    key, code = published(made, 1)[0]
    made.world.life.spoil(key, kind)
    made.start()
    made.rest()
    letters = {letter["dossier"]: letter for letter in json.loads(made.syncd("dead", "list", "--json"))}
    assert KINDS[kind] in letters[code]["error"]["code"] + letters[code]["error"]["message"]
    assert letters[code]["error"]["hint"]
    assert len(made.world.portal.holdings.records()) >= 20, "everything else flows"
    assert made.world.portal.holdings.record(code) is None
    made.world.life.repair(key)
    wait_for(lambda: made.world.portal.holdings.record(code) is not None)
    made.rest()
    assert made.stop() == 0
    assert made.world.compare().in_sync
    assert json.loads(made.syncd("dead", "list", "--json")) == []


def bodies(portal: Portal, code: str, since: int) -> list[dict[str, Any]]:
    """The call bodies about a dossier that the portal received, without the session."""
    found = []
    for call in portal.calls():
        about = [part.get("MaHoSo") for part in call.body.get("data", [])] if isinstance(call.body, dict) and isinstance(call.body.get("data"), list) else []
        if call.number > since and code in about:
            found.append({**call.body, "session": "…"})
    return found


def test_a_preview_is_exactly_what_is_sent_next(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=40)
    made.world.portal.faults.down("refused")
    made.syncd("run", "--once", code=1)
    codes = [code for _, code in published(made, 5)]
    shown = {code: json.loads(made.syncd("preview", code, "--target", "dvcqg", "--json")) for code in codes}
    made.world.portal.faults.up()
    made.start()
    made.rest()
    for code, preview in shown.items():
        assert preview["operation"] == "create"
        assert [call["body"] for call in preview["calls"]] == bodies(made.world.portal, code, 0)
    seen = max(call.number for call in made.world.portal.calls())
    assert made.stop() == 0
    key, code = published(made, 1)[0]
    made.world.life.advance(key)
    made.world.portal.faults.down("refused")
    made.syncd("run", "--once", code=1)
    preview = json.loads(made.syncd("preview", code, "--target", "dvcqg", "--json"))
    made.world.portal.faults.up()
    made.start()
    made.rest()
    assert made.stop() == 0
    assert preview["operation"] == "update"
    assert [call["body"] for call in preview["calls"]] == bodies(made.world.portal, code, seen)


def test_the_story_of_a_dossier_is_told_whole_and_in_order(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=40)
    key, code = published(made, 1)[0]
    made.world.portal.faults.next("502", service="CapNhatTienDoHoSoMC", times=15)
    made.start()
    made.rest()
    made.world.life.advance(key)
    made.rest()
    assert made.stop() == 0
    made.syncd("resync", code, "--target", "dvcqg")
    events = json.loads(made.syncd("show", code, "--json"))["events"]
    times = [event["at"] for event in events]
    assert times == sorted(times)
    kinds = [event["kind"] for event in events]
    assert kinds[0] == "change"
    assert kinds.count("change") == 2
    assert kinds[-1] == "admin"
    outcomes = [event["outcome"] for event in events if event["kind"] == "attempt"]
    assert "delivered" in outcomes
    assert made.syncd("show", "000.00.00.H03-000000-0000", code=4) == ""


def test_a_target_that_refuses_our_password_is_paused_and_resumed_by_a_person(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=10)
    secret = made.world.folder / "portal.password"
    right = secret.read_text()
    secret.write_text("wrong")
    made.start()
    wait_for(lambda: made.standing() != {} and json.loads(made.syncd("status", "--json"))["targets"]["dvcqg"]["paused"])
    assert made.stop() == 0
    assert made.world.portal.counts()["login"] <= 4, "an account is not hammered"
    secret.write_text(right)
    made.syncd("target", "resume", "dvcqg")
    made.start()
    made.rest()
    assert made.stop() == 0
    assert made.world.compare().in_sync

"""A daemon makes up the night that it was off for, goes on with a reconciliation that was interrupted, and shows what it leaves."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.request import urlopen

from sqlalchemy import insert, select, update

from syncd.sandbox.damage import Damage
from syncd.sandbox.office_clerk import Clerk
from syncd.store.schema import change, ledger, run
from tests.daemon.conftest import Rehearse
from tests.daemon.rehearsal import Rehearsal, submit
from tests.waiting import wait_for


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def told(made: Rehearsal, event: str) -> list[dict[str, object]]:
    lines = (json.loads(line) for line in made.log.read_text("utf-8").splitlines() if line.startswith("{"))
    return [line for line in lines if line["event"] == event]


def begun(made: Rehearsal, target: str) -> None:
    """A run of the night that was interrupted before it had compared anything."""
    values = {"target": target, "who": "n", "began_at": datetime.now(UTC), "state": "comparing", "scope": "{}"}
    with made.state.begin() as connection:
        connection.execute(insert(run).values(**values))


def test_an_interrupted_reconciliation_is_gone_on_with_at_the_start(rehearse: Rehearse) -> None:
    made, port = rehearse(dossiers=40, lookup="full"), free_port()
    made.syncd("run", "--once", code=None)
    blow = Damage(made.world.portal.holdings, Random(1)).delete()
    begun(made, "dvcqg")
    made.start(SYNCD__DAEMON__HTTP=f"127.0.0.1:{port}", SYNCD__RECONCILE__BUDGET="0")
    wait_for(lambda: bool(told(made, "reconcile_done")))
    assert [(each["dossier"], each["kind"], each["level"]) for each in told(made, "drift_found") if each["kind"] != "unknown"] == [
        (blow.dossier, "missing", "warning")
    ]

    def shown() -> str:
        with urlopen(f"http://127.0.0.1:{port}/metrics") as page:
            return str(page.read().decode())

    wait_for(lambda: 'syncd_drift{kind="missing",target="dvcqg"} 1.0' in shown())
    assert made.stop() == 0
    assert told(made, "reconcile_failed") == []


def test_a_machine_that_is_off_at_night_sweeps_and_reconciles_when_it_is_on(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=10)
    made.syncd("run", "--once", code=None)
    with made.state.begin() as connection:
        connection.execute(update(change).values(at=datetime.now(UTC) - timedelta(days=2)))
    made.start()
    wait_for(lambda: bool(told(made, "reconcile_done")))
    assert made.stop() == 0
    assert len(told(made, "sweep_done")) == 1
    assert json.loads(made.syncd("status", "--json"))["source"]["last_sweep"] is not None


def test_killed_among_the_drafts_of_a_document_system_it_goes_on_there(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=20, targets=("dvcqg", "ioffice"))
    office = made.world.ioffice
    submit(made.world, 8)
    office.desk.clerk = Clerk(())  # drafts lie there unsigned
    made.syncd("run", "--once", code=None)
    handed_over = office.counts()["SendDossierDocument"]
    with made.state.connect() as connection:
        drafts = len(connection.execute(select(ledger.c.subject).where(ledger.c.target == "ioffice", ledger.c.created)).all())
    assert drafts > 8
    begun(made, "ioffice")
    before = office.counts()["GetDocumentStatus"]
    made.start(SYNCD__RECONCILE__BUDGET="120", SYNCD__RECONCILE__WORKERS="1")
    wait_for(lambda: office.counts()["GetDocumentStatus"] - before >= 3)
    made.kill()
    assert office.counts()["GetDocumentStatus"] - before < drafts, "it was killed too late to show anything"
    made.start(SYNCD__RECONCILE__BUDGET="0")
    wait_for(lambda: bool(told(made, "reconcile_done")))
    assert made.stop() == 0
    (done,) = told(made, "reconcile_done")
    assert (done["run"], done["target"], done["checked"], done["asked"], done["drifted"]) == (1, "ioffice", drafts, drafts, 0)
    assert drafts <= office.counts()["GetDocumentStatus"] - before <= drafts + 1, "about nobody twice but who was in flight"
    assert office.counts()["SendDossierDocument"] == handed_over
    assert told(made, "reconcile_failed") == []

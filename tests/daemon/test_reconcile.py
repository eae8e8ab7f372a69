"""A daemon goes on with a reconciliation that was interrupted, and shows what it leaves."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from random import Random
from urllib.request import urlopen

from sqlalchemy import insert

from syncd.sandbox.damage import Damage
from syncd.store.schema import run
from tests.daemon.conftest import Rehearse
from tests.daemon.rehearsal import Rehearsal, wait_for


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def told(made: Rehearsal, event: str) -> list[dict[str, object]]:
    lines = (json.loads(line) for line in made.log.read_text("utf-8").splitlines() if line.startswith("{"))
    return [line for line in lines if line["event"] == event]


def test_an_interrupted_reconciliation_is_gone_on_with_at_the_start(rehearse: Rehearse) -> None:
    made, port = rehearse(dossiers=40, lookup="full"), free_port()
    made.syncd("run", "--once", code=None)
    blow = Damage(made.world.portal.holdings, Random(1)).delete()
    values = {"target": "dvcqg", "who": "n", "began_at": datetime.now(UTC), "state": "comparing", "scope": "{}"}
    with made.state.begin() as connection:
        connection.execute(insert(run).values(**values))
    made.start(SYNCD__DAEMON__HTTP=f"127.0.0.1:{port}", SYNCD__RECONCILE__BUDGET="0")
    wait_for(lambda: bool(told(made, "reconcile_done")))
    assert [(each["dossier"], each["kind"], each["level"]) for each in told(made, "drift_found") if each["kind"] != "unknown"] == [
        (blow.dossier, "missing", "warning")
    ]
    with urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        assert 'syncd_drift{kind="missing",target="dvcqg"} 1.0' in page.read().decode()
    assert made.stop() == 0
    assert told(made, "reconcile_failed") == []

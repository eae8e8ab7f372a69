"""All targets together: what holds one up holds up no other, and figures agree."""

from __future__ import annotations

from sqlalchemy import select

from syncd.sandbox.compare_statistics import compare_statistics
from syncd.sandbox.onestop import local_now
from syncd.sandbox.world import TARGETS
from syncd.store.schema import ledger
from syncd.wiring import build_daemon, load, open_state
from tests.daemon.conftest import Rehearse
from tests.daemon.rehearsal import Rehearsal
from tests.waiting import wait_for


def states(made: Rehearsal, target: str) -> set[str]:
    with made.state.connect() as connection:
        return set(connection.execute(select(ledger.c.state).where(ledger.c.target == target)).scalars())


def test_a_dossier_reaches_the_portal_while_the_platform_throttles_and_an_office_is_down(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=40, targets=TARGETS)
    made.world.ioffice.faults.down("refused")
    made.world.lgsp.faults.retry_after = 600
    made.world.lgsp.faults.next("900803", service="SyncDocument", times=50)
    made.start()
    wait_for(lambda: made.world.lgsp.faults.struck["900803"] > 0 and made.world.compare().in_sync)
    assert "due" in states(made, "lgsp")
    assert "due" in states(made, "ioffice")
    wait_for(lambda: states(made, "dvcqg") == {"idle"})
    assert made.stop() == 0


def test_the_figures_at_the_platform_equal_a_count_in_sql(rehearse: Rehearse) -> None:
    made = rehearse(dossiers=120, targets=TARGETS)
    settings = load(made.world.config)
    with open_state(settings, create=True) as state, build_daemon(settings, state) as daemon:
        assert daemon.parts.tally is not None
        daemon.chores.count()
        counted = daemon.parts.tally.last()
        assert counted is not None
        daemon.chores.count()
        assert daemon.parts.tally.last() == counted, "it is not due any more"
        daemon.once()
        assert list(compare_statistics(made.world.engine, made.world.lgsp.holdings.statistics(), local_now(state.clock))) == []
        assert daemon.parts.tally.count() == 0

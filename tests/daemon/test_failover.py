"""PostgreSQL goes down under load and comes back: the daemons wait, go on by themselves, and know all that was acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.daemon.conftest import Several
from tests.daemon.standby import Pair
from tests.daemon.test_nodes import judge, working
from tests.databases import crash, start_built_in
from tests.waiting import wait_for

CRASHES = 3


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A PostgreSQL of its own, in a folder that its own user can always enter."""
    with TemporaryDirectory(prefix="syncd-pg-", ignore_cleanup_errors=True) as folder, start_built_in(Path(folder)) as running:
        yield running


@pytest.mark.slow
def test_postgresql_crashes_under_load_and_no_step_is_lost_or_sent_twice(several: Several, cluster: Any) -> None:
    nodes = several(dossiers=250, state=make_url(cluster.get_uri()).set(drivername="postgresql+psycopg"), timeout="1s")
    working(nodes)
    portal, life = nodes[0].world.portal, nodes[0].world.life
    for _ in range(CRASHES):
        seen = portal.counts().total()
        wait_for(lambda seen=seen: portal.counts().total() > seen + 40)  # type: ignore[misc]
        crash(cluster)
        life.move(40)
    life.settle()
    nodes[0].rest()
    for each in nodes:
        wait_for(lambda each=each: '"event":"place_taken_again"' in each.log.read_text())  # type: ignore[misc]
    assert [each.stop() for each in nodes] == [0, 0], "a daemon has ended by itself"
    judge(nodes[0])


@pytest.mark.slow
def test_postgresql_fails_over_under_load_and_the_standby_knows_every_step(several: Several, cluster: Any) -> None:
    with closing(Pair(cluster, Path(f"{cluster.pgdata}-b"))) as pair:
        pair.follow()
        nodes = several(dossiers=150, state=pair.url, timeout="1s")
        working(nodes)
        portal, life = nodes[0].world.portal, nodes[0].world.life
        seen = portal.counts().total()
        wait_for(lambda: portal.counts().total() > seen + 60)
        pair.fail_over()
        life.move(30)
        life.settle()
        nodes[0].rest()
        assert [each.stop() for each in nodes] == [0, 0], "a daemon has ended by itself"
        judge(nodes[0])

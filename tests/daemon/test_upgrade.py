"""A rolling upgrade with the code of the version before, taken from the history: it works on a state of this version, and beside
a daemon of this one.

Without the history (a wheel, an archive, a shallow clone) these tests are skipped; `tests/store/test_compatibility.py` holds the
layout to the same promise there.
"""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from syncd.store import schema
from syncd.store.schema import schema_info
from tests.daemon.conftest import Several
from tests.daemon.rehearsal import TARGET, Rehearsal
from tests.daemon.test_nodes import asked, beating, delivered, judge
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
SCHEMA = "syncd/store/schema.py"


def git(*arguments: str) -> bytes | None:
    """What git says; None where there is no git, or it does not know."""
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The last code that knew only the schema before this one."""
    raised = (git("log", "--format=%H", f"-G^VERSION = {schema.VERSION} ", "--", SCHEMA) or b"").split()
    archive = git("archive", f"{raised[-1].decode()}^", "syncd", "connectors", "mappings") if raised else None
    if archive is None:
        pytest.skip(f"the history does not tell which code knew schema {schema.VERSION - 1} only")
    folder = tmp_path / "before"
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        opened.extractall(folder, filter="data")
    return folder


def version(made: Rehearsal) -> int:
    """Which schema the code of a daemon needs."""
    return int(json.loads(made.syncd("db", "check", "--json", code=None))["wanted"])


def in_place_of(old: Rehearsal) -> closing[Rehearsal]:
    """The same node with the code of this version."""
    return closing(Rehearsal(old.world, str(old.environment["SYNCD__DAEMON__STATE"]), old.node))


def more(made: Rehearsal, calls: int = 20) -> None:
    """Let dossiers change, and wait until more has been told."""
    seen = made.world.portal.counts().total()
    made.world.life.move(30)
    wait_for(lambda: made.world.portal.counts().total() > seen + calls)


@pytest.mark.slow
def test_one_node_after_the_other_goes_to_the_new_version_while_dossiers_move(several: Several, before: Path) -> None:
    assert schema.COMPATIBLE < schema.VERSION, "this version cannot be reached without stopping every node"
    old = several(code=before, dossiers=150)
    assert [version(each) for each in old] == [schema.VERSION - 1] * 2
    for each in old:
        each.start()
        wait_for(lambda each=each: each.log.exists() and '"daemon_started"' in each.log.read_text())  # type: ignore[misc]
    old[0].syncd("target", "resume", TARGET)
    with in_place_of(old[0]) as first, in_place_of(old[1]) as second:
        more(first)
        first.syncd("db", "upgrade")
        began_with = schema.VERSION - 1  # no older code than this may use a state that began with it
        assert asked(first, select(schema_info.c.version, schema_info.c.compatible)) == [(schema.VERSION, max(schema.COMPATIBLE, began_with))]
        more(first)
        for before_it, after in zip(old, (first, second), strict=True):
            assert before_it.stop() == 0
            after.start()
            wait_for(lambda after=after: beating(after) != [])  # type: ignore[misc]
            more(after)
        first.world.life.settle()
        first.rest()
        assert [first.stop(), second.stop()] == [0, 0]
        assert set(delivered(first)) == {"n1", "n2"}
        judge(first)

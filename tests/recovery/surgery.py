"""What a test does to the state and to the one-stop while nobody looks, and what it reads of the portal."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import select

from syncd.store.schema import ledger, target
from tests.daemon.rehearsal import TARGET, Rehearsal
from tests.waiting import wait_for

RECORDS, STEPS, FIND, STATUS = "DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo", "DongBoTrangThaiHoSo"
_BESIDE = ("", "-wal", "-shm")


def begin(made: Rehearsal) -> None:
    """Start the daemon and wait until it is at work: while it lays out its state, nobody should look into that file."""
    before = _started(made)
    made.start()
    wait_for(lambda: _started(made) > before)


def rest(made: Rehearsal) -> None:
    """Wait until everything that has happened is delivered. The first poll commits several times: one that began later must end."""
    for _ in range(2):
        made.rest()


def _started(made: Rehearsal) -> int:
    return made.log.read_text("utf-8").count('"event":"daemon_started"') if made.log.exists() else 0


def lose_state(made: Rehearsal) -> None:
    """The state database is gone; the key file is not."""
    made.state.dispose()
    for end in _BESIDE:
        (made.world.folder / f"state.db{end}").unlink(missing_ok=True)


def copy(made: Rehearsal, name: str = "state", when: str = "before") -> Path:
    """A copy of a database of the world's folder, as a backup takes it."""
    made.state.dispose()
    made.world.engine.dispose()
    backup = made.world.folder / f"backup-{name}-{when}"
    backup.mkdir()
    for end in _BESIDE:
        if (found := made.world.folder / f"{name}.db{end}").exists():
            shutil.copy2(found, backup / found.name)
    return backup


def restore(made: Rehearsal, backup: Path) -> None:
    """The database of that copy stands where it stood."""
    made.state.dispose()
    made.world.engine.dispose()
    _, name, _ = backup.name.split("-")
    for end in _BESIDE:
        (made.world.folder / f"{name}.db{end}").unlink(missing_ok=True)
    for found in backup.iterdir():
        shutil.copy2(found, made.world.folder / found.name)


def sent(made: Rehearsal) -> dict[str, int]:
    """How many calls that change something the portal has had, by service."""
    counts = made.world.portal.counts()
    return {service: counts[service] for service in (RECORDS, STEPS, STATUS)}


def created(made: Rehearsal, after: int) -> set[str]:
    """The dossiers that were created, or tried to be, by calls with higher numbers."""
    calls = made.world.portal.calls(RECORDS)
    return {record["MaHoSo"] for call in calls if call.number > after and call.body["isUpdating"] == "False" for record in call.body["data"]}


def paused(made: Rehearsal) -> str:
    """Why deliveries to the portal rest; empty where they do not."""
    if not (made.world.folder / "state.db").exists():
        return ""
    with made.state.connect() as connection:
        if not made.state.dialect.has_table(connection, "target"):
            return ""
        row = connection.execute(select(target).where(target.c.name == TARGET)).one_or_none()
    return row.reason if row is not None and row.paused else ""


def rows(made: Rehearsal) -> dict[str, Any]:
    """The ledger by dossier."""
    with made.state.connect() as connection:
        return {row.subject: row for row in connection.execute(select(ledger))}

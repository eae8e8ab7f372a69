"""S7: how long a change takes from its commit in the one-stop to the acknowledgement of the target.

Dossiers of a one-stop on PostgreSQL change at a steady rate while the daemon polls every second, and again where PostgreSQL wakes it and it
polls every minute besides.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import Engine, select, update

from benchmarks.figures import Figure, Scale
from benchmarks.ground import POSTGRESQL, SQLITE, Ground, ground
from benchmarks.multitude import onestop_of
from benchmarks.sink import Habits, Sink, sink
from syncd.clock import SystemClock
from syncd.sandbox.onestop import local_now
from syncd.sandbox.schema import tables_in

RATE = 50  #: changes a second
WAKE = Path(__file__).parents[1] / "config/wake/postgresql.sql"
_MILLI = 1e3


def from_commit_to_answer(scale: Scale) -> Iterator[Figure]:
    """S7."""
    seconds = scale.dossiers(15, 60)
    for name, settings, wakes in (("polled every second", 'poll = "1s"', False), ("woken by PostgreSQL", 'poll = "1m"\nwake = "syncd"', True)):
        spans = sorted(_latencies(seconds, settings, wakes=wakes))
        for share in (50, 99):
            yield Figure("S7", f"{name}: p{share}", spans[len(spans) * share // 100] * _MILLI, "ms")


def _latencies(seconds: int, settings: str, *, wakes: bool) -> list[float]:
    """From each commit to the answer of the first call that told of it."""
    with (
        sink(Habits(keep=True)) as portal,
        tempfile.TemporaryDirectory() as folder,
        onestop_of(POSTGRESQL, 2 * RATE * seconds, Path(folder)) as (officer, _),
        ground(SQLITE, RATE, portal.port, workers=8) as place,
    ):
        if wakes:
            with officer.begin() as connection:
                connection.exec_driver_sql(WAKE.read_text("utf-8"))
        _point(place, officer, settings)
        with place.running("run", "--once") as (process, _):
            process.wait()
        known = list(_told(portal))[: RATE * seconds]
        with place.running("run"):
            time.sleep(5)  # it starts, and what it reads first settles
            committed = _changes(officer, known)
            answered = _answered(portal, set(committed))
    return [answered[code] - moment for code, moment in committed.items()]


def _point(place: Ground, officer: Engine, settings: str) -> None:
    path = place.folder / "syncd.toml"
    address = officer.url.render_as_string(hide_password=False)
    written = path.read_text("utf-8").replace(f"sqlite:///{place.folder}/onestop.db", address).replace('poll = "1s"', settings)
    path.write_text(written, "utf-8")


def _changes(officer: Engine, codes: Sequence[str]) -> dict[str, float]:
    """Change one dossier after another, those that bear no code of the portal's own; when each was committed."""
    dossier = tables_in(officer).dossier
    with officer.connect() as connection:
        keys = connection.execute(select(dossier.c.dossierNo, dossier.c.dossierId).where(dossier.c.dossierNo.in_(codes))).all()
    committed, began = {}, time.monotonic()
    for number, (code, key) in enumerate(keys):
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        with officer.begin() as connection:
            values = {"applicantNote": f"Ghi chú {number}", "modifiedDate": local_now(SystemClock())}
            connection.execute(update(dossier).where(dossier.c.dossierId == key).values(values))
        committed[code] = time.monotonic()
    return committed


def _answered(portal: Sink, wanted: set[str]) -> dict[str, float]:
    """When each dossier was first answered."""
    found: dict[str, float] = {}
    until = time.monotonic() + 120
    while wanted - found.keys():
        if time.monotonic() > until:
            raise TimeoutError(f"{len(wanted - found.keys())} changes never arrived")
        time.sleep(0.2)
        found = _told(portal) | found
    return found


def _told(portal: Sink) -> dict[str, float]:
    """The dossiers whose record was told since it was asked last, and when that was first answered."""
    found: dict[str, float] = {}
    for call in portal.noted():
        for code in re.findall(r'"MaHoSo": ?"([^"]+)"', call.body.decode()):
            found.setdefault(code, call.ended)
    return found

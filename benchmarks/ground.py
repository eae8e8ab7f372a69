"""Where a scenario runs: an invented one-stop, an empty state, the real daemon as a process, and meters at it and at PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

from sqlalchemy import URL, Engine, create_engine, make_url, text, update

from benchmarks.terms import TARGET, configuration
from syncd.clock import SystemClock
from syncd.sandbox.onestop import build, connect, local_now
from syncd.sandbox.schema import tables_in

SERVER = make_url(os.environ.get("SYNCD_TEST_POSTGRESQL") or "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
SQLITE, POSTGRESQL = "sqlite", "postgresql"
_EVERY = 0.05
_LOOKED_FOR = 10  #: readings between two looks for new sessions, which cost the others on the machine more than the reading
_TICKS = os.sysconf("SC_CLK_TCK")


class Spent(NamedTuple):
    """Processor seconds of the daemon and of PostgreSQL's processes, up to a moment."""

    at: float
    daemon: float
    database: float


class Meter:
    """Watches processor time while something runs."""

    def __init__(self, pid: int, database: str) -> None:
        """`database` is the name of PostgreSQL's, or empty."""
        self._pid = pid
        self._database = database
        self._readings: list[Spent] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def between(self, began: float, ended: float) -> float:
        """Processor seconds spent between two moments."""
        first, last = self._at(began), self._at(ended)
        return last.daemon - first.daemon + last.database - first.database

    def _at(self, moment: float) -> Spent:
        place = bisect_left(self._readings, moment, key=lambda each: each.at)
        return self._readings[min(place, len(self._readings) - 1)]

    def _watch(self) -> None:
        sessions: dict[int, float] = {}  # those that have ended too
        turn = 0
        while not self._stop.wait(_EVERY):
            mine = processor_seconds(self._pid)
            if mine is not None:
                known = sessions if turn % _LOOKED_FOR else {*sessions, *_sessions(self._database)}
                sessions |= {pid: used for pid in known if (used := processor_seconds(pid))}
                turn += 1
                self._readings.append(Spent(time.monotonic(), mine, sum(sessions.values())))


def processor_seconds(pid: int) -> float | None:
    """What a process has used, its ended children included; None where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return sum(map(int, fields[11:15])) / _TICKS


def _sessions(database: str) -> list[int]:
    """PostgreSQL's processes that work for this database."""
    found = []
    for entry in Path("/proc").iterdir() if database else ():
        if entry.name.isdecimal():
            try:
                if database in (entry / "cmdline").read_text("utf-8", "replace") and (entry / "comm").read_text().startswith("postgres"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@cache
def _shelf() -> Path:
    return Path(tempfile.mkdtemp(prefix="syncd-bench-"))


def put_away() -> None:
    """Delete the one-stops that were built."""
    shutil.rmtree(_shelf(), ignore_errors=True)
    _shelf.cache_clear()


@cache
def _onestop(dossiers: int) -> Path:
    path = _shelf() / f"onestop-{dossiers}.db"
    engine = connect(URL.create("sqlite", database=str(path)))
    build(engine, dossiers=dossiers, signing=False)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


class Ground:
    """One province, one state, one daemon."""

    def __init__(self, folder: Path, kind: str, dossiers: int, port: int, **target: object) -> None:
        self.folder = folder
        self.kind = kind
        shutil.copyfile(_onestop(dossiers), folder / "onestop.db")
        self.onestop: Engine = connect(URL.create("sqlite", database=str(folder / "onestop.db")))
        self.state = URL.create("sqlite", database=str(folder / "state.db")) if kind == SQLITE else SERVER.set(database=f"bench_{uuid.uuid4().hex[:12]}")
        if kind == POSTGRESQL:
            administer(f'CREATE DATABASE "{self.state.database}"')
        url = self.state.render_as_string(hide_password=False)
        (folder / "syncd.toml").write_text(configuration(folder, port, url, f"sqlite:///{folder}/onestop.db", **target), "utf-8")

    def command(self, *arguments: str) -> list[str]:
        """A command line of syncd."""
        return [sys.executable, "-m", "syncd", "--config", str(self.folder / "syncd.toml"), *arguments]

    def syncd(self, *arguments: str) -> str:
        """Run a command to its end."""
        return subprocess.run(self.command(*arguments), check=True, capture_output=True, text=True).stdout

    @contextmanager
    def running(self, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], Meter]]:
        """A command that runs meanwhile, measured; ended as systemd would."""
        process = subprocess.Popen(self.command(*arguments), stdout=subprocess.DEVNULL)
        try:
            with Meter(process.pid, str(self.state.database) if self.kind == POSTGRESQL else "") as meter:
                yield process, meter
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)

    def settle(self) -> None:
        """Read the one-stop and take everything of it as delivered."""
        subprocess.run(
            self.command("run", "--once"), check=False, stdout=subprocess.DEVNULL, env={**os.environ, f"SYNCD__TARGETS__{TARGET}__ENABLED".upper(): "false"}
        )
        engine = create_engine(self.state)
        with engine.begin() as connection:
            connection.execute(
                text("UPDATE ledger SET state = 'idle', created = true, sent_digest = wanted_digest, sent_version = 1, steps_sent = steps_wanted")
            )
        engine.dispose()
        self.syncd("target", "fresh", TARGET)

    def change_all(self, note: str) -> None:
        """An officer writes a note into every dossier."""
        dossier = tables_in(self.onestop).dossier
        with self.onestop.begin() as connection:
            connection.execute(update(dossier).values(applicantNote=note, modifiedDate=local_now(SystemClock())))

    def close(self) -> None:
        """Give everything back."""
        self.onestop.dispose()
        if self.kind == POSTGRESQL:
            administer(f'DROP DATABASE "{self.state.database}" WITH (FORCE)')


def administer(statement: str) -> None:
    """Run a statement that no transaction may hold."""
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@contextmanager
def ground(kind: str, dossiers: int, port: int, **target: object) -> Iterator[Ground]:
    """A fresh ground, deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        found = Ground(Path(folder), kind, dossiers, port, **target)
        try:
            yield found
        finally:
            found.close()

"""The real daemon as a process, on an invented one-stop and a portal on loopback."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select

from syncd.cli.main import call
from syncd.sandbox.world import World
from syncd.store.schema import ledger, source_cursor, step
from tests.waiting import wait_for

TARGET = "dvcqg"
A_POLL = 7  #: times that its moment is written, at most, until a whole one has passed: with each of its pages, and at its end
FAULTS = ("reset", "lost", "500", "502", "503", "504", "429", "html", "empty", "truncated", "session")  #: what a portal may do to a call


class Rehearsal:
    """One daemon on one world, one of several where it is given a node's name, of other code than this where that is given."""

    def __init__(self, world: World, state: str = "", node: str = "", code: Path | None = None, **options: str) -> None:
        self.world = world
        self.code = code
        self.node = node
        self.log = world.folder / f"daemon{node and '-'}{node}.log"
        given = {"SYNCD__DAEMON__STATE": state, "SYNCD__DAEMON__NODE": node, "PYTHONPATH": str(code or ""), **options}
        self.environment = {"SYNCD__SOURCE__POLL": "200ms", **{name: value for name, value in given.items() if value}}
        self.state = create_engine(state or f"sqlite:///{world.folder}/state.db", pool_pre_ping=True)
        self._process: subprocess.Popen[bytes] | None = None

    def syncd(self, *arguments: str, code: int | None = 0) -> str:
        """Give one command, in this process unless its code is another; its standard output."""
        words = ["--lang", "en", "--config", str(self.world.config), *arguments]
        ended, out, err = self._run_apart(words) if self.code else self._run_here(words)
        assert code is None or ended == code, err
        return out

    def _run_here(self, words: list[str]) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(err):
            for name, value in self.environment.items():
                patched.setenv(name, value)
            ended = call(words)
        return ended, out.getvalue(), err.getvalue()

    def _run_apart(self, words: list[str]) -> tuple[int, str, str]:
        environment = {**os.environ, **self.environment}
        done = subprocess.run([sys.executable, "-m", "syncd", *words], capture_output=True, text=True, check=False, env=environment, cwd=self.code)
        return done.returncode, done.stdout, done.stderr

    def start(self, **environment: str) -> None:
        """Start the daemon, with these variables besides its own."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "syncd", "--config", str(self.world.config), "run"]
            everything = {**os.environ, **self.environment, **environment}
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=everything, cwd=self.code)

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def stall(self) -> None:
        """Let it stand still, as a machine does that is out of memory or being moved."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def ended(self, seconds: float = 60) -> int:
        """Wait until it has ended by itself; its exit code."""
        assert self._process is not None
        code, self._process = self._process.wait(seconds), None
        return code

    def stop(self) -> int:
        """End it as systemd would; its exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        return self.ended()

    def close(self) -> None:
        """End what still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self.state.dispose()

    def standing(self) -> dict[str, int]:
        """How many dossiers are in which state."""
        if self.state.dialect.name == "sqlite" and not (self.world.folder / "state.db").exists():
            return {}
        with self.state.connect() as connection:
            if not self.state.dialect.has_table(connection, "ledger"):
                return {}
            counted: dict[str, int] = {}
            for state in connection.execute(select(ledger.c.state)).scalars():
                counted[state] = counted.get(state, 0) + 1
            return counted

    def polled(self) -> object:
        """When the last poll ended."""
        with self.state.connect() as connection:
            there = self.state.dialect.has_table(connection, "source_cursor")
            return connection.execute(select(source_cursor.c.polled_at).where(source_cursor.c.name == "onestop")).scalar() if there else None

    def at_rest(self) -> bool:
        """Whether there is a ledger and nothing of it is due or under way."""
        standing = self.standing()
        return bool(standing) and not set(standing) & {"due", "leased"}

    def rest(self, seconds: float = 90) -> None:
        """Wait for a poll that begins after this and until nothing is due."""
        for _ in range(A_POLL):
            before = self.polled()
            wait_for(lambda before=before: self.polled() != before, seconds)  # type: ignore[misc]
        wait_for(self.at_rest, seconds)

    def acknowledged(self) -> dict[str, int]:
        """By dossier, how many of its steps the ledger holds as acknowledged."""
        query = select(ledger.c.subject, step.c.place).join(step, step.c.subject == ledger.c.subject).where(step.c.place <= ledger.c.steps_sent)
        with self.state.connect() as connection:
            if not self.state.dialect.has_table(connection, "ledger"):
                return {}
            found: dict[str, int] = {}
            for subject, _ in connection.execute(query):
                found[subject] = found.get(subject, 0) + 1
            return found


def rehearsal_in(folder: Path, **given: object) -> World:
    """A world in a folder of its own."""
    folder.mkdir(exist_ok=True)
    return World(folder, **given)  # type: ignore[arg-type]


def submit(world: World, count: int) -> None:
    """So many more drafts wait for a signature."""
    for _ in range(count):
        dossier = world.life.arrive("counter")
        for kind in ("assign", "submit"):
            world.life.advance(dossier.dossier_id, kind)

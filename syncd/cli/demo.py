"""`syncd demo` and `syncd sandbox`: a rehearsal on this machine, with the real daemon and nothing installed.

The daemon runs as a process of its own, as it would in production, while officers move dossiers on and the one-stop's vendor
takes in what comes back. Then everything that was spoilt is put right, rest is awaited (`demo_rest`), and referees that share
no code with the engine compare each target with the one-stop (`demo_report`).
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncd import signals
from syncd.cli import exits, render
from syncd.cli.app import App
from syncd.cli.commands import command
from syncd.cli.lang import t
from syncd.cli.progress import Share, watching
from syncd.errors import SyncdError

if TYPE_CHECKING:
    from syncd.cli.demo_rest import Person
    from syncd.sandbox.world import World
    from syncd.wiring import State

_PAUSE = 0.2
_PATIENCE = 420.0  #: seconds for everything to come to rest


@command("demo")
@click.option("--dossiers", type=click.IntRange(1), default=600, show_default=True, help="how many there are at the beginning")
@click.option("--seconds", type=click.IntRange(0), default=12, show_default=True, help="for how long dossiers move on")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="do it in this empty folder, and leave everything there")
@click.option("--faults", is_flag=True, help="give every target a bad day: resets, errors, lost answers, ended sessions")
def demo(*, dossiers: int, seconds: int, keep: Path | None, faults: bool) -> int:
    """A rehearsal: invented one-stop, sandboxes of all targets, real daemon.

    Dossiers change while it runs, drafts are signed and come back. It ends with what was sent and a comparison of each target
    with the one-stop, dossier by dossier.
    """
    from syncd.cli.demo_report import report
    from syncd.sandbox.world import TARGETS, World

    with ExitStack() as stack:
        folder = _empty(keep) if keep else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syncd-demo-")))
        click.echo(t("Building a one-stop with {n} dossiers …", n=dossiers), err=True)
        world = stack.enter_context(World(folder, dossiers=dossiers, faults=faults, targets=TARGETS))
        began = time.monotonic()
        person = _rehearse(world, seconds)
        findings = world.judge()
        render.show(report(world, findings, person, time.monotonic() - began))
    return exits.DONE if findings.in_sync else exits.FAILED


@command("sandbox")
@click.option("--dossiers", type=click.IntRange(1), default=600, show_default=True, help="how many there are at the beginning")
@click.option("--dir", "folder", type=click.Path(path_type=Path, file_okay=False), help="do it in this empty folder")
@click.option("--faults", is_flag=True, help="give every target a bad day: resets, errors, lost answers, ended sessions")
def sandbox(*, dossiers: int, folder: Path | None, faults: bool) -> None:
    """The surroundings of the rehearsal alone, kept running until interrupted.

    Prints the configuration file it wrote, to point a syncd at: syncd --config FILE run
    """
    from syncd.sandbox.world import TARGETS, World

    with ExitStack() as stack:
        place = _empty(folder) if folder else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syncd-sandbox-")))
        world = stack.enter_context(World(place, dossiers=dossiers, faults=faults, targets=TARGETS))
        click.echo(world.config)
        sys.stdout.flush()
        with _living(world):
            _until_told()


def _empty(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise SyncdError(f"The folder is not empty: {folder}", hint="name one that is empty or not there yet")
    return folder


def _until_told() -> None:
    told = threading.Event()
    with signals.setting(told):
        told.wait()


@contextmanager
def _living(world: World) -> Iterator[None]:
    """Officers and vendor at work until the block ends; then the officers put right what they spoilt."""
    ended = threading.Event()

    def live() -> None:
        while not ended.wait(_PAUSE):
            world.vendor.read()
            world.life.move(3)

    working = threading.Thread(target=live)
    working.start()
    try:
        yield
    finally:
        ended.set()
        working.join()
        world.life.settle()


def _rehearse(world: World, lively: float) -> Person:
    from syncd.cli.demo_rest import Person, Rest

    app = App(world.config)
    with app.state(create=True) as state, _daemon(world) as ended, watching(lambda: _shares(world, state)):
        with _living(world):
            _wait(ended, lambda: False, lively)
        person = Person(world, state)
        _wait(ended, Rest(world, state, person).reached, _PATIENCE)
    return person


@contextmanager
def _daemon(world: World) -> Iterator[Callable[[], bool]]:
    """The real daemon on this world; whether it has ended can be asked."""
    with (world.folder / "syncd.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "syncd", "--config", str(world.config), "run"], stdout=log, stderr=log)
        try:
            yield lambda: process.poll() is not None
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait()
    if code != exits.DONE:
        said = (world.folder / "syncd.log").read_text("utf-8", "replace").splitlines()
        raise SyncdError(f"The daemon ended with {code}.", hint=said[-1] if said else "")


def _wait(ended: Callable[[], bool], reached: Callable[[], bool], patience: float) -> None:
    """Until `reached`, the end of the daemon, or of patience."""
    until = time.monotonic() + patience
    while not reached() and not ended() and time.monotonic() < until:
        time.sleep(_PAUSE)


def _shares(world: World, state: State) -> list[Share]:
    from syncd.store.overview import target_status

    standing = target_status(state.database, world.targets, state.clock.now())
    return [Share(name, found.in_sync, found.in_sync + found.due + found.leased) for name, found in standing.items()]

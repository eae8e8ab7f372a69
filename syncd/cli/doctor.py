"""`syncd doctor`: connects to everything the configuration names and says, a line each, how it is and what to do next."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol, runtime_checkable

from syncd.calls import Outcome
from syncd.cli import exits, render
from syncd.cli.app import App, pass_app
from syncd.cli.commands import command
from syncd.cli.lang import sentence, t
from syncd.cli.options import as_json
from syncd.cli.render import Block
from syncd.errors import ConfigurationError, SyncdError
from syncd.model import Problem, Value
from syncd.redact import address

_ROOM = 1 << 30  #: bytes that the state's volume should have free


class Check(Value):
    """One line."""

    name: str
    ok: bool
    message: str
    hint: str = ""


class Planned(Protocol):
    """How the source's database would run one statement of a poll."""

    statement: str
    scans: bool
    ddl: str


@runtime_checkable
class Explaining(Protocol):
    """A source that can say how its database would run a poll."""

    def plan(self) -> Sequence[Planned]:
        """The statements of a poll."""
        ...


@runtime_checkable
class Waking(Protocol):
    """A source that can say why it does not wake us."""

    def unwatched(self) -> Sequence[Problem]:
        """What is missing."""
        ...


@command("doctor")
@as_json
@pass_app
def doctor(app: App, *, as_json: bool) -> int:
    """Connect to the source, the state and every target, and say what to do next."""
    from syncd.options import OfficeOptions

    examined = {"configuration": _configuration(app), "key": _key(app), "state": _state(app), "source": _source(app)}
    if any(isinstance(options, OfficeOptions) and options.enabled for options in app.settings.targets.values()):
        examined["writing back"] = _outlet(app)
    examined |= {name: _target(app, name) for name, options in app.settings.targets.items() if options.enabled}
    checks = [check for name, examining in examined.items() for check in _guarded(name, examining)]
    render.put([_full(check) for check in checks], lambda: _blocks(checks), as_json=as_json, zone=app.zone)
    return exits.DONE if all(check.ok for check in checks) else exits.FAILED


def _full(check: Check) -> dict[str, object]:
    return {"name": check.name, "ok": check.ok, "message": check.message, "hint": check.hint}


def _guarded(name: str, examining: Iterator[Check]) -> Iterator[Check]:
    """The lines of one part; where it cannot be examined at all, a line for each reason."""
    try:
        yield from examining
    except ConfigurationError as error:
        for problem in error.problems:
            yield Check(name=name, ok=False, message=f"{problem.field}: {problem.reason}", hint=problem.hint)
    except SyncdError as error:
        yield Check(name=name, ok=False, message=error.message, hint=error.hint)


def _configuration(app: App) -> Iterator[Check]:
    from syncd.config import warnings

    found = warnings(app.path)
    yield Check(name="configuration", ok=True, message=f"{app.path} can be used")
    for warning in found:
        yield Check(name=warning.field, ok=True, message=warning.reason, hint=warning.hint)


def _key(app: App) -> Iterator[Check]:
    from syncd.crypto import read_keys

    path = app.settings.daemon.payload_key_file
    if not path.exists():
        yield Check(name="key", ok=True, message="there is no key file yet; the first run makes one", hint="or: syncd key new")
        return
    count = len(read_keys(path))
    if path.stat().st_mode & 0o077:
        yield Check(name="key", ok=False, message=f"{path} can be read by others than its owner", hint=f"chmod 600 {path}")
    else:
        yield Check(name="key", ok=True, message=f"{count} keys")


def _state(app: App) -> Iterator[Check]:
    from sqlalchemy import make_url

    from syncd.clock import StateClock
    from syncd.store.overview import node_status

    with app.state() as state:
        if isinstance(state.clock, StateClock):
            yield _clock("state", state.clock.skew)
        for each in node_status(state.database, state.clock.now()):
            if each.state != "gone" and each.clock_skew_seconds is not None:
                yield _clock(f"node {each.node}", each.clock_skew_seconds)
    yield Check(name="state", ok=True, message=address(app.settings.daemon.state))
    file = make_url(app.settings.daemon.state).database
    if app.settings.daemon.state.startswith("sqlite") and file and (free := shutil.disk_usage(Path(file).parent).free) < _ROOM:
        yield Check(name="state", ok=False, message=f"{free >> 20} MiB are free on its volume", hint="make room; a full disk stops everything")


def _clock(name: str, seconds: float) -> Check:
    """How far a machine's clock is from the database's."""
    from syncd.store.nodes import SKEW_LIMIT

    ok = abs(seconds) <= SKEW_LIMIT
    return Check(name=f"{name} clock", ok=ok, message=f"differs by {seconds:.1f} s", hint="" if ok else "let both machines follow one time server (chrony)")


def _source(app: App) -> Iterator[Check]:
    with app.source() as source:
        source.fetch("-")
        plans = source.plan() if isinstance(source, Explaining) else ()
        silent = source.unwatched() if isinstance(source, Waking) else ()
    for planned in plans:
        if planned.scans:
            yield Check(name=f"source {planned.statement}", ok=False, message="a poll reads the whole table", hint=planned.ddl)
    for problem in silent:
        yield Check(name="source wake", ok=False, message=problem.reason, hint=problem.hint)
    yield Check(name="source", ok=True, message="the one-stop answers and has the tables of the mapping")


def _outlet(app: App) -> Iterator[Check]:
    """Whether what comes back can be written to the one-stop."""
    from syncd.wiring import make_outlet

    with closing(make_outlet(app.settings, app.clock)) as outlet:
        problems = outlet.check()
    for problem in problems:
        yield Check(name="writing back", ok=False, message=problem.reason, hint=problem.hint)
    if not problems:
        yield Check(name="writing back", ok=True, message="what comes back can be written to the one-stop")


def _target(app: App, name: str) -> Iterator[Check]:
    with app.target(name) as target:
        receipt = target.probe()
    if receipt.outcome is Outcome.DELIVERED:
        yield Check(name=name, ok=True, message="answers and knows us")
    else:
        yield Check(name=name, ok=False, message=" ".join(part for part in (receipt.outcome.value, receipt.code, receipt.message) if part), hint=receipt.hint)


def _blocks(checks: Iterable[Check]) -> Iterable[Block]:
    for check in checks:
        mark = t("ok") if check.ok else t("trouble")
        hint = f" → {sentence(check.hint)}" if check.hint else ""
        yield f"{mark}  {check.name}: {sentence(check.message)}{hint}"

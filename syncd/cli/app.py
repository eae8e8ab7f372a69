"""What a command needs of the rest of syncd, opened when it is asked for: settings, state, targets.

Commands other than the daemon log warnings only, and to standard error: standard output belongs to their result.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from syncd.clock import SystemClock
from syncd.errors import NotFound

if TYPE_CHECKING:
    from syncd.config import Settings
    from syncd.ports import Source, Target
    from syncd.store.journal import Journal
    from syncd.store.orders import Orders
    from syncd.wiring import State


class App:
    """One call of the command line."""

    def __init__(self, config: Path | None = None) -> None:
        self.given = config
        self.clock = SystemClock()

    @cached_property
    def path(self) -> Path:
        """The configuration file. Raises `ConfigurationError` where there is none."""
        from syncd.config import find

        return find(self.given)

    @cached_property
    def settings(self) -> Settings:
        """The settings. Raises `ConfigurationError`."""
        from syncd.wiring import load

        return load(self.path)

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which people read times."""
        return self.settings.zone

    @contextmanager
    def state(self, *, create: bool = False) -> Iterator[State]:
        """The state, closed at the end."""
        from syncd.wiring import open_state

        with open_state(self.settings, create=create) as state:
            yield state

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """What the state tells."""
        from syncd.store.journal import Journal

        with self.state() as state:
            yield Journal(state.database, lambda: state.cipher)

    @contextmanager
    def orders(self, *, dry_run: bool, create: bool = False) -> Iterator[Orders]:
        """The orders of the person at the keyboard; with `create` also before there is a state."""
        from syncd.store.orders import Orders

        with self.state(create=create) as state:
            yield Orders(state.database, state.clock, person(), rehearse=dry_run)

    @contextmanager
    def target(self, name: str) -> Iterator[Target]:
        """The connector of a target. Raises `NotFound`."""
        from syncd.wiring import make_target

        self.quiet()
        with closing(make_target(self.settings, name, self.clock)) as target:
            yield target

    @contextmanager
    def source(self) -> Iterator[Source]:
        """The connector of the source."""
        from syncd.wiring import make_source

        self.quiet()
        with closing(make_source(self.settings, self.clock)) as source:
            yield source

    def demand_target(self, name: str) -> str:
        """`name`, if there is such a target. Raises `NotFound`."""
        if name not in self.settings.targets:
            raise NotFound(f"There is no target {name!r}.", hint=f"one of: {', '.join(self.settings.targets)}")
        return name

    def only_target(self, name: str) -> str:
        """The target named, or the only one there is."""
        if name:
            return self.demand_target(name)
        if len(self.settings.targets) > 1:
            from syncd.cli.lang import t

            raise click.UsageError(t("say which target: --target {names}", names="|".join(self.settings.targets)))
        return next(iter(self.settings.targets))

    def quiet(self) -> None:
        """Let the engine and the connectors speak of warnings only."""
        from syncd.logs import configure

        configure("warning", "console", node=self.settings.daemon.node, timezone=self.settings.daemon.timezone)


def person() -> str:
    """Who gives an order: the account that was logged in to, also under sudo, and the machine."""
    return f"{os.environ.get('SUDO_USER') or getpass.getuser()}@{socket.gethostname()}"


pass_app = click.make_pass_decorator(App)

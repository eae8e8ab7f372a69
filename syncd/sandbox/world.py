"""The surroundings of a rehearsal in one folder: an invented one-stop, a portal on loopback, and the configuration for them.

The waits in the configuration are short, so that a rehearsal with a bad day still ends within a minute or two; everything
else stands as a province would have it. The one-stop and what the portal holds stay in the folder afterwards.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from syncd.clock import SystemClock
from syncd.sandbox.compare import compare
from syncd.sandbox.faults import BAD_DAY, Faults
from syncd.sandbox.life import Life
from syncd.sandbox.onestop import Contents, build, connect, portal_codes
from syncd.sandbox.portal import Portal, Terms
from syncd.sandbox.referee import Comparison

OLD, NEW, MERGED = "000.00.00.H03", "000.00.00.H55", date(2025, 7, 1)  #: the province's code, before and after its merger
_CONFIG = """\
# Written by syncd for a rehearsal: an invented one-stop, a portal on this machine.
[daemon]
node = "rehearsal"
state = "sqlite:///{folder}/state.db"
http = ""
payload_key_file = "{folder}/payload.key"

[log]
format = "json"

[source]
url = "sqlite:///{folder}/onestop.db"
mapping = "opencps-v2"
poll = "1s"
agency = "{agency}"

[targets.dvcqg]
connector = "dvcqg"
adapter_url = "{adapter}"
dstcode = "{dstcode}"
agency_code = "{agency}"
username = "{username}"
password_file = "{folder}/portal.password"
profile = "{profile}"
timeout = "3s"
retry = ["1s", "2s", "3s", "5s"]
breaker_pause = "1s"
"""


class World:
    """One-stop, portal and configuration; built on entering, the portal stopped on leaving."""

    def __init__(self, folder: Path, *, dossiers: int, faults: bool = False, seed: int = 1) -> None:
        self.folder = folder.resolve()
        self.config = self.folder / "syncd.toml"
        self.engine = connect(f"sqlite:///{self.folder}/onestop.db")
        self.portal = Portal(Terms(agency=NEW if date.today() >= MERGED else OLD), faults=Faults(BAD_DAY if faults else None, seed))  # noqa: DTZ011  the portal's own day
        self.contents = Contents()
        self._dossiers = dossiers
        self._seed = seed

    def __enter__(self) -> Self:
        self.contents = build(self.engine, dossiers=self._dossiers, seed=self._seed)
        self.portal.file(*portal_codes(self.engine))
        self.portal.start()
        self.life = Life(self.engine, SystemClock(), Random(self._seed), filed=self.portal.file)
        self._write()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.portal.close()
        self.engine.dispose()

    def _write(self) -> None:
        terms = self.portal.terms
        secret = self.folder / "portal.password"
        secret.write_text(terms.password, "utf-8")
        secret.chmod(0o600)
        text = _CONFIG.format(
            folder=self.folder,
            adapter=self.portal.adapter_url,
            agency=OLD,
            dstcode=terms.dstcode,
            username=terms.username,
            profile=terms.profile,
        )
        self.config.write_text(text, "utf-8")

    def compare(self) -> Comparison:
        """What the referee says of one-stop and portal now."""
        return compare(self.engine, self.portal.holdings)

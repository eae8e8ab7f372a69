"""The surroundings of a rehearsal in one folder: an invented one-stop, servers on loopback, and the configuration for them.

There are four: the national portal, the province's LGSP, and two document systems that share the drafts. The one-stop and its
files stay in the folder afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final, NamedTuple, Self

from syncd.clock import SystemClock
from syncd.sandbox.compare import compare
from syncd.sandbox.compare_lgsp import compare_lgsp
from syncd.sandbox.compare_offices import OfficeComparison, OfficeTarget, compare_offices, office_of
from syncd.sandbox.configuration import SCOPE, Value, write, write_mapping
from syncd.sandbox.faults import BAD_DAY, Faults
from syncd.sandbox.journey import ENTRY
from syncd.sandbox.lgsp import Lgsp
from syncd.sandbox.lgsp_faults import BAD_DAY_LGSP, GatewayFaults
from syncd.sandbox.life import Life
from syncd.sandbox.office import BAD_DAY_OFFICE, Office, OfficeFaults
from syncd.sandbox.office_clerk import BadDayClerk, Clerk
from syncd.sandbox.onestop import Contents, build, connect, portal_codes
from syncd.sandbox.portal import Portal, Terms
from syncd.sandbox.referee import Comparison
from syncd.sandbox.services import Lookup
from syncd.sandbox.shelf import Shelf
from syncd.sandbox.tdoffice import BAD_DAY_TD, TdFaults, TdOffice
from syncd.sandbox.vendor import Vendor

OLD, NEW, MERGED = "000.00.00.H03", "000.00.00.H55", date(2025, 7, 1)  #: the province's code, before and after its merger
TARGETS: Final = ("dvcqg", "lgsp", "ioffice", "tdoffice")
OFFICES: Final = ("ioffice", "tdoffice")
_BAD_DAY_LGSP: Final = {**BAD_DAY_LGSP, **dict.fromkeys(("900800", "900803", "900807"), 0.002)}  # each of these holds up the whole target
_DRAFTS: Final = 3  # for each document system, at the beginning
_LOST_DRAFTS: Final = ("lost", "reset", "lost")  # what happens on a bad day to the first drafts for TD-Office: nobody can ask it


class Findings(NamedTuple):
    """What the referees say, of the targets there are."""

    portal: Comparison
    lgsp: Comparison | None
    offices: Mapping[str, OfficeComparison]

    @property
    def in_sync(self) -> bool:
        """Whether nothing differs anywhere."""
        return self.portal.in_sync and (self.lgsp is None or self.lgsp.in_sync) and all(office.in_sync for office in self.offices.values())

    @property
    def rounds(self) -> int:
        """Results that made the full round."""
        return sum(office.rounds for office in self.offices.values())


class World:
    """One-stop, servers and configuration; built on entering, the servers stopped on leaving."""

    def __init__(
        self,
        folder: Path,
        *,
        dossiers: int,
        faults: bool = False,
        seed: int = 1,
        targets: Collection[str] = ("dvcqg",),
        lookup: Lookup = "mixed",
        latency: float = 0.0,
    ) -> None:
        """`lookup` is what the portal tells of a dossier it is asked about; one that tells all (`full`) also lists what it has.
        `latency` is how many seconds it takes over each answer."""
        self.folder = folder.resolve()
        self.config = self.folder / "syncd.toml"
        self.engine = connect(f"sqlite:///{self.folder}/onestop.db")
        self.shelf = Shelf(self.folder / "files")
        clerk = BadDayClerk(seed) if faults else Clerk()
        agency = NEW if date.today() >= MERGED else OLD  # noqa: DTZ011  the portal's own day
        self.portal = Portal(Terms(agency=agency, lookup=lookup, latency=latency), faults=Faults(BAD_DAY if faults else None, seed))
        self.lgsp = Lgsp(faults=GatewayFaults(_BAD_DAY_LGSP if faults else None, seed))
        self.ioffice = Office(faults=OfficeFaults(BAD_DAY_OFFICE if faults else None, seed), clerk=clerk)
        self.tdoffice = TdOffice(faults=TdFaults(BAD_DAY_TD if faults else None, seed), clerk=clerk)
        for kind in _LOST_DRAFTS if faults else ():
            self.tdoffice.faults.next(kind, service="GuiHoSo")
        self.targets = tuple(name for name in TARGETS if name in targets)
        self.contents = Contents()
        self._dossiers = dossiers
        self._seed = seed

    def __enter__(self) -> Self:
        self.contents = build(self.engine, dossiers=self._dossiers, seed=self._seed, shelf=self.shelf, signing=bool(self.offices()))
        self.portal.file(*portal_codes(self.engine))
        for server in self.servers.values():
            server.start()
        self.life = Life(self.engine, SystemClock(), Random(self._seed), filed=self.portal.file, shelf=self.shelf, signing=bool(self.offices()))
        self.vendor = Vendor(self.life)
        self._submit_drafts()
        if self.offices():
            write_mapping(self.folder, self.shelf)
        write(self.config, agency=OLD, targets={name: options for name, options in self._options().items() if name in self.targets})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for server in (self.portal, self.lgsp, self.ioffice, self.tdoffice):
            server.close()
        self.engine.dispose()

    @property
    def servers(self) -> dict[str, Portal | Lgsp | Office | TdOffice]:
        """The server of each target."""
        every: dict[str, Portal | Lgsp | Office | TdOffice] = {
            "dvcqg": self.portal,
            "lgsp": self.lgsp,
            "ioffice": self.ioffice,
            "tdoffice": self.tdoffice,
        }
        return {name: every[name] for name in self.targets}

    def struck(self) -> Counter[str]:
        """How often each kind of fault has come, anywhere."""
        return sum((server.faults.struck for server in self.servers.values()), Counter[str]())

    def offices(self) -> list[OfficeTarget]:
        """The document systems, with what a referee needs to know of them."""
        every = (OfficeTarget("ioffice", self.ioffice.desk, officers=False), OfficeTarget("tdoffice", self.tdoffice.desk, SCOPE))
        return [office for office in every if office.name in self.targets]

    def waiting(self) -> int:
        """How much is on its way back: packages that are not acknowledged, and rows that the vendor has not read."""
        return sum(len(office.desk.waiting()) for office in self.offices()) + self.vendor.unread()

    def has_draft(self, office: str, dossier: str, draft: str) -> bool:
        """Whether somebody who looks at a document system finds that draft there."""
        sent = self.shelf.sha256(ENTRY + int(draft))
        return any(one.matter.files[0].sha256 == sent for found in self.offices() if found.name == office for one in found.desk.drafts(dossier))

    def steps(self, target: str, dossier: str) -> int:
        """How many different steps of a dossier somebody finds who looks at a target."""
        entries = self.lgsp.holdings.traces(dossier) if target == "lgsp" else self.portal.holdings.steps(dossier)
        return len({str(sorted(entry.body.items())) for entry in entries})

    def compare(self) -> Comparison:
        """What the referee says of one-stop and portal now."""
        return compare(self.engine, self.portal.holdings)

    def judge(self) -> Findings:
        """What the referees say of every target now."""
        lgsp = compare_lgsp(self.engine, self.lgsp.holdings) if "lgsp" in self.targets else None
        return Findings(self.compare(), lgsp, compare_offices(self.engine, self.shelf, self.offices(), self.portal.holdings))

    def _submit_drafts(self) -> None:
        """However small the one-stop, some drafts wait for each document system."""
        lacking = Counter({office.name: _DRAFTS for office in self.offices()})
        while +lacking:
            dossier = self.life.arrive("counter")
            for kind in ("assign", "submit"):
                self.life.advance(dossier.dossier_id, kind)
            lacking[office_of(dossier.code.partition("-")[0], self.offices())] -= 1

    def _options(self) -> dict[str, dict[str, Value]]:
        portal, lgsp, ioffice, tdoffice = self.portal.terms, self.lgsp.terms.account, self.ioffice.terms, self.tdoffice.terms
        return {
            "dvcqg": {
                "adapter_url": self.portal.adapter_url, "dstcode": portal.dstcode, "agency_code": OLD, "username": portal.username,
                "password": portal.password, "profile": portal.profile, "list_service": "DanhSachHoSo" if portal.lookup == "full" else "",
            },
            "lgsp": {
                "auth": lgsp.dialect, "token_url": self.lgsp.token_url, "base_url": self.lgsp.api_url, "consumer_key": lgsp.client_id,
                "consumer_secret": lgsp.client_secret, "rate": 0, "workers": 4,
            },
            "ioffice": {
                "dialect": "soap", "address": self.ioffice.url, "username": ioffice.username, "password": ioffice.password, "from_organ": OLD,
                "collect": "1s",
            },
            "tdoffice": {
                "base_url": self.tdoffice.url, "token": tdoffice.token, "scheme": tdoffice.scheme, "agency_code": tdoffice.province, "collect": "1s",
                "scope": SCOPE,
            },
        }  # fmt: skip

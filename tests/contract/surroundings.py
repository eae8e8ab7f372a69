"""What the suite must know of a target and its far end to put both through the same tests.

Each connector has a `Surroundings`: it starts a server on loopback that a test scripts call by call, makes targets that speak to
it, and knows what goes through the wire there and how the far end says no. What a test may then ask is the same for all.
"""

from __future__ import annotations

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from msgspec.structs import replace

from syncd.calls import Element, Operation, Outcome, Portion
from syncd.clock import Clock
from syncd.documents import Verdict
from syncd.model import Dossier, Draft
from syncd.options import TargetOptions
from syncd.ports import Collector, Connector, Target
from tests.clocks import TurnedClock
from tests.connectors.dossiers import AT, DOSSIER, OWNER, STEPS
from tests.connectors.portal import Asked, Behaviour, ScriptedPortal, answer

TIMEOUT = "5s"
PDF = b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\ntrailer\n<< >>\n%%EOF\n"
DRAFT = Draft(
    id="91",
    revision="r1",
    title="Giấy khai sinh của cháu Nông Thị Mận",
    kind="Giấy khai sinh",
    file_name="Dự thảo giấy khai sinh.pdf",
    signer="sontv",
    signer_name="Triệu Văn Sơn",
    submitter="lanht",
    submitter_name="Hoàng Thị Lan",
    due_at=AT + timedelta(days=1),
)
RECORD, STEP = "record", "step"  #: kinds of call


def citizen() -> tuple[str, ...]:
    """What nobody may read who is not concerned."""
    return (OWNER.name, OWNER.identity, OWNER.phone, OWNER.email, OWNER.address)


def dossier(number: int = 1) -> Dossier:
    """A dossier like any other."""
    return replace(DOSSIER, code=f"000.00.14.H03-250303-{number:04}", source_id=number)


class Buildable(Connector, Protocol):
    """A connector whose waits a test can leave out."""

    def build(self, name: str, options: TargetOptions, *, clock: Clock, mappings: Path | None = None, sleep: Callable[[float], None] = ...) -> Target:
        """A target that waits by `sleep`."""
        ...


class Surroundings(ABC):
    """A far end, and targets that speak to it."""

    name: ClassVar[str]
    connector: ClassVar[Buildable]
    calls: ClassVar[Mapping[str, str]]  #: by the kind of call, the service that takes it
    admission: ClassVar[str] = ""  #: the service that gives a session or a token; "" where none is needed
    catalogue: ClassVar[str] = ""  #: the service whose list is looked at before a call; "" where there is none
    lookup: ClassVar[str] = ""  #: the service that is asked what the far end holds; "" where it cannot be
    probed: ClassVar[tuple[str, ...]]  #: the services that a probe asks
    doubts: ClassVar[int] = 1  #: calls that it refuses to know us for, until that is certain
    knows: ClassVar[bool] = True  #: the far end knows what it has had before, by what we call it
    files: ClassVar[bool] = False  #: files go along
    paths: ClassVar[bool] = True  #: they may lie in a folder
    steps: ClassVar[bool] = False
    taken_for: ClassVar[Mapping[str, Outcome]] = {}  #: what answers come to that are malformed elsewhere, where the contract leaves it open

    def __init__(self, folder: Path, server: ScriptedPortal) -> None:
        self.server = server
        self.clock = TurnedClock()
        self.sleeps: list[float] = []
        self.draft_file = folder / "91.pdf"
        self.draft_file.write_bytes(PDF)
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._closing.close()
        self.server.close()

    def make(self, *, clock: Clock | None = None, sleep: Callable[[float], None] | None = None, **given: Any) -> Target:
        """A target; what it waits between tries takes no time where it is not told how to sleep."""
        options = self.connector.options.model_validate(self.options() | {"timeout": TIMEOUT} | given)
        target = self.connector.build("far", options, clock=clock or self.clock, sleep=sleep or self.sleeps.append)
        self._closing.callback(target.close)
        return target

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """The usual options, pointing to the server."""

    @abstractmethod
    def secrets(self) -> tuple[str, ...]:
        """What must not stand in any text: ours, and what the far end gave us."""

    @abstractmethod
    def portion(self, kind: str = RECORD, about: Dossier | None = None, file: str = "") -> Portion:
        """What is to go out, of that dossier, with the file at that place."""

    @abstractmethod
    def refusal(self, said: str) -> Behaviour:
        """The far end understands, and refuses with these words."""

    @abstractmethod
    def holds(self) -> list[str]:
        """Dossier codes of the records that the far end has, one for each."""

    @abstractmethod
    def texts(self, asked: Asked) -> Iterator[str]:
        """Every text that a call brings."""

    def contents(self, asked: Asked) -> list[bytes]:
        """The contents of the files that a call brings; here, none."""
        return []

    @abstractmethod
    def lacking(self) -> Portion:
        """A portion without something that must be there."""

    def element(self, target: Target, kind: str = RECORD, about: Dossier | None = None, file: str = "") -> Element:
        """The same, composed."""
        return target.compose(self.portion(kind, about, file))

    def script(self, kind: str, *behaviours: Behaviour) -> None:
        """The next calls of that kind end so."""
        self.server.will(self.calls[kind], *behaviours)

    def came(self, kind: str = RECORD) -> list[Asked]:
        """The calls of that kind that arrived; a probe's GET at the same address is none."""
        return [asked for asked in self.server.calls(self.calls[kind]) if asked.method == "POST"]


class Collecting(Surroundings):
    """A far end from which documents come back."""

    listing: ClassVar[str]
    fetching: ClassVar[str]
    acknowledging: ClassVar[str]

    def collector(self, **given: Any) -> Collector:
        """The way back of a target."""
        collector = self.make(**given).collector
        assert collector is not None
        return collector

    @abstractmethod
    def issue(self, *documents: str) -> None:
        """Let these wait for us."""

    @abstractmethod
    def issued(self) -> list[str]:
        """What still waits."""

    @abstractmethod
    def spoilt(self) -> Behaviour:
        """A package that can never be read."""

    @property
    @abstractmethod
    def signed(self) -> bytes:
        """Content of the file that each document brings."""


class FileServer(ScriptedPortal):
    """The one-stop's own file server."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        super().__init__()

    def put(self, name: str, content: bytes) -> str:
        """The address at which the content can be had."""
        self.contents[name] = content
        return f"{self.root}/{name}"

    def _properly(self, asked: Asked) -> Behaviour:
        return answer(self.contents[asked.service]) if asked.service in self.contents else answer(b"", 404)


def written(about: Dossier, kind: str) -> Portion:
    """The record of a dossier, or its first step."""
    if kind == STEP:
        return Portion(operation=Operation.STEPS, dossier=about, subject=about.code, steps=STEPS[:1])
    return Portion(operation=Operation.CREATE, dossier=about, subject=about.code)


def drafted(about: Dossier, draft: Draft) -> Portion:
    """A draft of a dossier."""
    return Portion(operation=Operation.CREATE, dossier=about, subject=f"{about.code}/{draft.id}", matter=draft)


def strings(value: object) -> Iterator[str]:
    """Every text within a structure."""
    if isinstance(value, Mapping):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)
    elif isinstance(value, str):
        yield value


def composed(text: str) -> str:
    """The text in composed form."""
    return unicodedata.normalize("NFC", text)


TAKEN, FAILED = Verdict(taken=True), Verdict(taken=False, reason="the package has no file")

"""What the engine asks of the outside world. The docstrings are the contract; `tests/contract` holds every adapter to it.

An adapter lives in `connectors/`, is found by entry point (group `syncd.targets`) and sees nothing of the engine but
`model`, `errors`, `clock`, `mapping` and these protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Protocol

from syncd.calls import Element, Portion, Receipt, Standing
from syncd.clock import Clock
from syncd.documents import Filed, IssuedDocument, Listing, Take, Verdict
from syncd.model import Cursor, Dossier, Kind, Page, Problem
from syncd.options import SourceOptions, TargetOptions


class Source(Protocol):
    """A one-stop database, read and never written."""

    def poll(self, cursor: Cursor | None) -> Iterator[Page]:
        """What changed since `cursor`, a page at a time, until nothing is left.

        Asking for the next page says that the last one, cursor included, is committed: only then may the source
        forget it. May repeat dossiers that have not changed; must never leave out one that has. A row that cannot be
        understood comes as a snapshot with `problems`, never as an exception. Raises `SourceError` when the database
        cannot be read and `SuspiciousSource` when it is empty after having held dossiers.
        """
        ...

    def sweep(self, after: int = 0) -> Iterator[Page]:
        """Every published dossier in order of its primary key, beginning above `after`: finds what `poll` cannot see.
        The cursors of these pages hold in `id` the key reached and nothing else."""
        ...

    def fetch(self, code: str) -> tuple[Page, ...]:
        """The dossier of that code as it is now: one page with one snapshot, or nothing."""
        ...

    def lag(self) -> float | None:
        """Seconds by which the newest change in the database is ahead of the last poll, where it can be told."""
        ...

    def listen(self, ring: Callable[[], None]) -> None:
        """Begin to call `ring`, from another thread, whenever something may have changed, where the source can tell. It may ring for
        nothing and must not be relied upon; a source that cannot be reached is tried again without a word to the caller."""
        ...

    def close(self) -> None:
        """Release the connections and ring no more. Safe to call twice."""
        ...


class Target(Protocol):
    """A system that must know the dossiers. One object serves all workers.

    No method lets an exception of a transport library out: what went wrong on the way is an `Outcome`.
    """

    name: str  #: as in the configuration
    replaces: bool  #: a record sent twice replaces itself; where not, and it cannot be asked, a lost answer waits for a person
    gives_way: bool  #: its calls wait nowhere but in `syncd.strands`, so that all its workers may share a thread
    collector: Collector | None  #: for what comes back; None where nothing does
    batch: int  #: elements of one lane a call may carry
    steps_per_call: int  #: steps an element may carry
    longest: timedelta  #: no call takes longer, whatever the target does; leases are measured by it

    def compose(self, portion: Portion) -> Element:
        """The portion in the target's terms. Pure: no network, no clock. Raises `Unmappable` with every field at fault."""
        ...

    def calls(self, element: Element) -> Sequence[Mapping[str, object]]:
        """The call that `send` would make for this element alone, as `{"service": …, "body": …}`, its secrets masked."""
        ...

    def takes_steps(self, dossier: Dossier) -> bool:
        """Whether steps of this dossier are sent besides its record."""
        ...

    def send(self, elements: Sequence[Element]) -> Receipt:
        """One call with elements of one lane; the receipt holds for all of them. The outcome is `unknown` unless the
        answer, or the certainty that the request never left, says otherwise."""
        ...

    def look_up(self, portion: Portion) -> Standing | None:
        """What the target holds of the dossier or matter of this portion; None where it cannot be asked at all."""
        ...

    def holdings(self, first: date, last: date) -> Sequence[str] | None:
        """The codes of the dossiers that the target has, received between these days of Vietnamese time, both included, as the
        target itself tells; None where it cannot be asked, or the call failed, which is logged: no list is not an empty list.
        Matters are not among them."""
        ...

    def probe(self) -> Receipt:
        """Whether the target answers and knows us, without changing anything there."""
        ...

    def close(self) -> None:
        """Release the connections. Safe to call twice."""
        ...


class Collector(Protocol):
    """The way back from a document system. One thread uses it, and another may call `waiting` meanwhile; like `Target`, it lets no exception of a library out.

    The far end lists a document until it is acknowledged, so everything here may be repeated at any time. What it says of a
    listing or a fetch that failed may be about anybody: no receipt of these has its words in the message.
    """

    longest: timedelta  #: no call takes longer

    def waiting(self, known: int) -> Listing:
        """The documents that wait for us; `known` of them are here already and not yet acknowledged, so that many come on
        top of what one listing should bring."""
        ...

    def fetch(self, document: str) -> IssuedDocument | Receipt:
        """One document, its files whole; or why not: a rejected receipt where it can never be read."""
        ...

    def acknowledge(self, document: str, verdict: Verdict) -> Receipt:
        """Tell what became of it; delivered also where the far end no longer knows it."""
        ...

    def listen(self, take: Take) -> None:
        """Begin to receive what the far end pushes, where it does. `take` keeps a document durably before it returns, and
        raises `StoreUnavailable` where it cannot. Raises `ConfigurationError` where the address cannot be had."""
        ...

    def close(self) -> None:
        """Stop receiving. Safe to call twice."""
        ...


class Outlet(Protocol):
    """The way into the one-stop for what came back; the only thing syncd writes there."""

    def write(self, filed: Filed) -> bool:
        """Write one document once; whether it was new. Committed when this returns; repeating it changes nothing. Raises
        `SourceError` where the one-stop cannot be reached or refuses it."""
        ...

    def check(self) -> list[Problem]:
        """What keeps documents from being written, each with what to do; for an administrator. Writes nothing."""
        ...

    def close(self) -> None:
        """Release the connections. Safe to call twice."""
        ...


class Connector(Protocol):
    """What an entry point of the group `syncd.targets` names: the options a kind of target takes, and how to make one."""

    options: type[TargetOptions]

    def takes(self, options: TargetOptions) -> frozenset[Kind]:
        """What such a target is sent."""
        ...

    def build(self, name: str, options: TargetOptions, *, clock: Clock, mappings: Path | None = None) -> Target:
        """A target ready to use; no network. `mappings` is the administrator's folder that overlays the shipped one.
        Raises `ConfigurationError` with every problem of the options or the mapping."""
        ...


class SourceConnector(Protocol):
    """What an entry point of the group `syncd.sources` names."""

    options: type[SourceOptions]

    def build(self, options: SourceOptions, *, clock: Clock, mappings: Path | None = None) -> Source:
        """A source ready to use; no network. Raises `ConfigurationError` like `Connector.build`."""
        ...

    def outlet(self, options: SourceOptions, *, clock: Clock, mappings: Path | None = None) -> Outlet:
        """The way back into the same one-stop; no network. Raises `ConfigurationError` likewise."""
        ...

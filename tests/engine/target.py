"""A target behind the port, for tests of the engine: it keeps what it is told, and fails as a test asks it to.

It is as exacting as the national portal: a create of what it has, and an update or steps of what it has not, are refused
with a word on whether the dossier is there; of several in one call it says so of all, and takes none. It keeps every step it is
sent, also a second time, as a portal would.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

import msgspec

from syncd.calls import Element, Operation, Outcome, Portion, Receipt, Standing
from syncd.errors import Unmappable
from syncd.model import Dossier, Draft, Origin, Problem, Step, decode_dossier, decode_step, encode
from syncd.ports import Collector

DELIVERED = Receipt(outcome=Outcome.DELIVERED, exists=True)
Fault = Callable[[Callable[[], Receipt]], Receipt]


def down(_apply: Callable[[], Receipt]) -> Receipt:
    """Nobody answers the door."""
    return Receipt(outcome=Outcome.UNAVAILABLE, message="connection refused")


def lost(apply: Callable[[], Receipt]) -> Receipt:
    """It is done, but the answer never arrives."""
    apply()
    return Receipt(outcome=Outcome.UNKNOWN, message="no answer within 30 s")


def vanished(_apply: Callable[[], Receipt]) -> Receipt:
    """The request gets lost, and nobody can tell."""
    return Receipt(outcome=Outcome.UNKNOWN, message="connection reset")


def refused(_apply: Callable[[], Receipt]) -> Receipt:
    """The target understood and does not want it."""
    return Receipt(outcome=Outcome.REJECTED, code="-1", message="refused")


def busy(_apply: Callable[[], Receipt]) -> Receipt:
    """Come again later."""
    return Receipt(outcome=Outcome.BUSY, retry_after=5.0)


def stranger(_apply: Callable[[], Receipt]) -> Receipt:
    """Who are you?"""
    return Receipt(outcome=Outcome.UNAUTHORISED, message="wrong password")


class RecordingTarget:
    """Keeps records and steps by dossier code."""

    def __init__(self, name: str = "portal", batch: int = 1, steps_per_call: int = 10) -> None:
        self.name = name
        self.replaces = True
        self.gives_way = False
        self.collector: Collector | None = None
        self.batch = batch
        self.steps_per_call = steps_per_call
        self.longest = timedelta(seconds=30)
        self.records: dict[str, Dossier] = {}
        self.steps: dict[str, list[int]] = {}
        self.calls_made: list[tuple[str, tuple[str, ...]]] = []
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None
        self.lookups = 0
        self.before: Callable[[str, Sequence[Element]], None] = lambda lane, elements: None
        self._lock = threading.Lock()

    def compose(self, portion: Portion) -> Element:
        broken = [*portion.dossier.problems, *(problem for step in portion.steps for problem in step.problems)]
        if broken:
            raise Unmappable(broken)
        body = b",".join(encode(step) for step in portion.steps) if portion.steps else encode(portion.dossier)
        lane = "" if portion.dossier.origin is Origin.PORTAL else portion.operation.value
        return Element(subject=portion.dossier.code, lane=lane, body=body)

    def calls(self, element: Element) -> Sequence[Mapping[str, object]]:
        return [{"service": element.lane, "body": element.body.decode()}]

    def takes_steps(self, dossier: Dossier) -> bool:
        return dossier.origin is Origin.ONESTOP

    def send(self, elements: Sequence[Element]) -> Receipt:
        lane = elements[0].lane or Operation.UPDATE.value
        self.before(lane, elements)
        with self._lock:
            self.calls_made.append((lane, tuple(element.subject for element in elements)))
            fault = self.faults.popleft() if self.faults else self.always
            return fault(lambda: self._apply(lane, elements)) if fault else self._apply(lane, elements)

    def _apply(self, lane: str, elements: Sequence[Element]) -> Receipt:
        have = [element.subject in self.records for element in elements]
        if lane == Operation.CREATE and any(have):
            return Receipt(outcome=Outcome.CROSSED, exists=True, message="already exists")
        if lane != Operation.CREATE and not all(have) and elements[0].lane:
            return Receipt(outcome=Outcome.CROSSED, exists=False, message="not found")
        for element in elements:
            self._keep(lane, element)
        return DELIVERED

    def _keep(self, lane: str, element: Element) -> None:
        if lane == Operation.STEPS:
            bodies = b"[" + element.body + b"]"
            self.steps.setdefault(element.subject, []).extend(each.id for each in _split(bodies))
        else:
            self.records[element.subject] = decode_dossier(element.body)

    def look_up(self, portion: Portion) -> Standing | None:
        with self._lock:
            self.lookups += 1
            if self.always in (down, vanished):
                return Standing(outcome=Outcome.UNAVAILABLE)
            return Standing(outcome=Outcome.DELIVERED, exists=portion.subject in self.records)

    def holdings(self, first: date, last: date) -> Sequence[str] | None:
        with self._lock:
            return None if self.always in (down, vanished) else sorted(self.records)

    def probe(self) -> Receipt:
        return DELIVERED

    def close(self) -> None:
        """Nothing is open."""


def _split(bodies: bytes) -> list[Step]:
    return [decode_step(bytes(raw)) for raw in msgspec.json.decode(bodies, type=list[msgspec.Raw])]


class RecordingOffice(RecordingTarget):
    """A document system: takes drafts, as often as they come, and cannot be asked what it has."""

    def __init__(self, name: str = "office") -> None:
        super().__init__(name)
        self.replaces = False
        self.taken: list[tuple[str, str, str]] = []  #: subject, operation, title
        self.tell: Callable[[], Standing | None] = lambda: None

    def compose(self, portion: Portion) -> Element:
        draft = portion.matter
        if not isinstance(draft, Draft) or draft.problems:
            raise Unmappable([Problem(field="draft", reason="is none, or broken")])
        return Element(subject=portion.subject, lane="", body=f"{portion.operation.value}:{draft.title}".encode())

    def send(self, elements: Sequence[Element]) -> Receipt:
        fault = self.faults.popleft() if self.faults else self.always
        return fault(lambda: self._taken(elements[0])) if fault else self._taken(elements[0])

    def _taken(self, element: Element) -> Receipt:
        operation, _, title = element.body.decode().partition(":")
        self.taken.append((element.subject, operation, title))
        return Receipt(outcome=Outcome.DELIVERED, exists=True, memo={element.subject: f"doc-{len(self.taken)}"})

    def look_up(self, portion: Portion) -> Standing | None:
        return self.tell()

"""What can go wrong between syncd and a server of the sandbox, by chance from a seed or on request.

A fault says two things: what the caller sees, and whether the server has done what it was asked nevertheless. The
answer to a progress call is never lost twice in a row for one dossier when faults come by chance: the portal has no
key by which it could tell a repeated step, so syncd resends once and a single resend must settle it. Where not even
that can be told, as for a draft sent to an office without a look-up, chance leaves no end in doubt. Faults that a test
asks for with `next` keep no such bounds.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from random import Random
from typing import Final, Literal, NamedTuple


class Fault(NamedTuple):
    """One way to fail."""

    kind: str
    done: bool  #: the portal does what it was asked before it fails
    certain: bool  #: the caller can tell that it was not done


FAULTS: Final = {
    fault.kind: fault
    for fault in (
        Fault("reset", done=False, certain=False),  # the connection is reset before anything happens
        Fault("lost", done=True, certain=False),  # it is reset when everything has happened
        Fault("500", done=False, certain=False),
        Fault("502", done=False, certain=False),
        Fault("503", done=False, certain=True),  # with Retry-After
        Fault("504", done=True, certain=False),  # the adapter gave up waiting for the portal
        Fault("429", done=False, certain=True),  # with Retry-After
        Fault("html", done=False, certain=False),  # a page of the adapter, status 200
        Fault("empty", done=True, certain=False),  # status 200 without a body
        Fault("truncated", done=True, certain=False),  # half of the answer
        Fault("slow", done=True, certain=False),  # a whole answer, late: the caller may have given up
        Fault("session", done=False, certain=True),  # the session ends before its time
    )
}
#: a bad day: about one call in six fails somehow
BAD_DAY: Final = {
    **dict.fromkeys(("reset", "lost", "500", "502", "503", "504", "429"), 0.015),
    **dict.fromkeys(("html", "empty", "truncated", "session"), 0.012),
    "slow": 0.01,
}
Outage = Literal["", "refused", "reset", "503"]
_ONCE: Final = frozenset(("CapNhatTienDoHoSoMC",))


class Faults:
    """Decides for each call whether and how it fails. Thread-safe."""

    def __init__(
        self,
        odds: Mapping[str, float] | None = None,
        seed: int = 1,
        *,
        slowness: float = 0.3,
        retry_after: int | None = 1,
        kinds: Mapping[str, Fault] = FAULTS,
        once: Collection[str] = _ONCE,
        never: Collection[str] = (),
    ) -> None:
        """`odds` gives the probability of each kind, none by default; `slowness` and `retry_after` are seconds.

        By chance, the end of a call to a service of `once` is not in doubt twice in a row for one dossier, of `never` not at all.
        """
        self.slowness = slowness
        self.retry_after = retry_after
        self.struck: Counter[str] = Counter()  #: how often each kind has come
        self.lost_steps = 0  #: progress calls that the server took and whose answer did not arrive whole or in time
        self.outage: Outage = ""
        self.switched: Callable[[Outage], None] = lambda _outage: None  #: told when an outage begins or ends
        self._kinds = kinds
        self._once = frozenset(once)
        self._never = frozenset(never)
        self._random = Random(seed)
        self._lock = threading.Lock()
        self._asked: list[tuple[Fault, str]] = []
        self._doubtful: set[str] = set()  # dossiers whose last progress call had an uncertain end
        self.set(odds or {})

    def set(self, odds: Mapping[str, float]) -> None:
        """Change the odds. Raises KeyError for a kind that does not exist."""
        self._odds = [(self._kinds[kind], chance) for kind, chance in odds.items()]

    def down(self, how: Outage = "refused") -> None:
        """From now on the server takes no call: connections are refused or reset, or each is answered with 503."""
        self.outage = how
        self.switched(how)

    def up(self) -> None:
        """The outage is over."""
        self.outage = ""
        self.switched("")

    def next(self, kind: str, *, service: str = "", times: int = 1) -> None:
        """Let the next calls fail that way, of one service or of any (`login` is one too)."""
        with self._lock:
            self._asked += [(self._kinds[kind], service)] * times

    def draw(self, service: str, dossiers: Sequence[str] = ()) -> Fault | None:
        """What happens to this call."""
        with self._lock:
            fault = self._requested(service) or self._by_chance(service, dossiers)
            if service in self._once:
                self._remember(fault, dossiers)
            if fault is not None:
                self.struck[fault.kind] += 1
            return fault

    def _requested(self, service: str) -> Fault | None:
        for place, (fault, wanted) in enumerate(self._asked):
            if wanted in ("", service):
                del self._asked[place]
                return fault
        return None

    def _by_chance(self, service: str, dossiers: Sequence[str]) -> Fault | None:
        chance = self._random.random() if self._odds else 1.0
        for fault, odds in self._odds:
            chance -= odds
            if chance < 0:
                return None if not fault.certain and self._spared(service, dossiers) else fault
        return None

    def _spared(self, service: str, dossiers: Sequence[str]) -> bool:
        return service in self._never or (service in self._once and not self._doubtful.isdisjoint(dossiers))

    def _remember(self, fault: Fault | None, dossiers: Sequence[str]) -> None:
        if fault is None:
            self._doubtful.difference_update(dossiers)
        elif not fault.certain:
            self._doubtful.update(dossiers)
            self.lost_steps += fault.done

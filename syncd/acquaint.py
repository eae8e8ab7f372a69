"""Before the first record ever goes to a target: does it know our dossiers already?

A target that shows dossiers which this state never told it of was told by somebody: by a syncd whose state was lost, or by the
programme that syncd replaces. Its steps are there too, and would be there twice. So before anything is sent the target is
asked about the first dossiers that are due, and about some of those that were received first. Where it shows one, it is paused,
and an administrator says what is right: `syncd target adopt` takes what is there as sent, by the rule in `turns.adopted`;
`syncd target fresh` says that the target was emptied or is another one. A target that cannot be asked is taken for fresh; who
knows better says so before the first start. That a dossier filed at the target itself is there says nothing.

Several nodes may ask at once. The one that finds the target fresh notes it before it tells the target anything; so what another
one finds there afterwards may be of this state, and the note counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from syncd.calls import Claim, Outcome, Receipt, Standing
from syncd.gate import Gate
from syncd.model import Origin
from syncd.strands import Turn
from syncd.turns import STRANGE_TARGET

log = structlog.get_logger()

SOME = 20  #: dossiers asked about besides those that are due first
_HINT = "syncd target adopt takes what is there as sent; syncd target fresh sends everything"


class Acquaintance:
    """What is known of one target's past."""

    def __init__(self, gate: Gate, look_up: Callable[[Claim], Standing | None], some: Callable[[], Sequence[Claim]], learn: Callable[[Receipt], None]) -> None:
        """`look_up` asks the target about a claim; `some` are dossiers that it was never told of; `learn` is told of trouble,
        which says something of the target's health."""
        self._name = gate.name
        self._gate = gate
        self._board = gate.board
        self._look_up = look_up
        self._some = some
        self._learn = learn
        self._asking = Turn()
        self._known = False

    def made(self, claims: Sequence[Claim]) -> bool:
        """Whether deliveries may go; where it is not known yet, the target is asked about these claims and some more."""
        if self._known:
            return True
        with self._asking:
            self._known = bool(self._board.target(self._name).origin)
            return self._known or (not self._gate.shut() and self._ask(claims))

    def _ask(self, claims: Sequence[Claim]) -> bool:
        every = [*claims, *self._some()]
        telling = [claim for claim in every if claim.dossier.origin is not Origin.PORTAL]
        for claim in telling:
            standing = self._look_up(claim) if claim.matter is None and not claim.doubtful else None
            if standing is not None and standing.outcome is not Outcome.DELIVERED:
                self._learn(Receipt(outcome=standing.outcome, message=standing.message, retry_after=standing.retry_after))
                return False
            if standing is not None and standing.exists:
                return not self._strange()
        return not telling or self._board.find_fresh(self._name, STRANGE_TARGET)

    def _strange(self) -> bool:
        """The target is paused, unless another node has told it of what is there."""
        found = self._board.find_strange(self._name, STRANGE_TARGET)
        if found:
            log.error("target_paused", target=self._name, error=STRANGE_TARGET, hint=_HINT)
        return found

"""Before the first record ever goes to a target: does it know our dossiers already?

A target that shows dossiers which this state never told it of was told by somebody: by a syncd whose state was lost, or by the
programme that syncd replaces. Its steps are there too, and would be there twice. So before anything is sent the target is
asked about the first dossiers that are due. Where it shows one, it is paused, and an administrator says what is right:
`syncd target adopt` takes what is there as sent, by the rule in `turns.adopted`; `syncd target fresh` says that the target
was emptied or is another one. A target that cannot be asked has nothing to adopt.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import structlog

from syncd.calls import Claim, Outcome
from syncd.ports import Target
from syncd.store.board import Board
from syncd.turns import look_up

log = structlog.get_logger()

FRESH, ADOPT = "fresh", "adopt"  #: what is known of a target: it had nothing of ours, or what it had is to be taken as sent
REASON = "it shows dossiers that this state never told it of"
_HINT = "syncd target adopt takes what is there as sent; syncd target fresh sends everything"


class Acquaintance:
    """What is known of one target's past."""

    def __init__(self, target: Target, board: Board) -> None:
        self._target = target
        self._board = board
        self._asking = threading.Lock()
        self._known = False

    def made(self, claims: Sequence[Claim]) -> bool:
        """Whether deliveries may go; where it is not known yet, the target is asked about these claims."""
        if not self._known:
            with self._asking:
                self._known = bool(self._board.target(self._target.name).origin) or self._ask(claims)
        return self._known

    def _ask(self, claims: Sequence[Claim]) -> bool:
        for claim in claims:
            standing = self._target.look_up(look_up(claim)) if claim.matter is None and not claim.doubtful else None
            if standing is not None and standing.outcome is not Outcome.DELIVERED:
                return False
            if standing is not None and standing.exists:
                self._board.pause(self._target.name, REASON)
                log.error("target_paused", target=self._target.name, error=REASON, hint=_HINT)
                return False
        self._board.settle_origin(self._target.name, FRESH)
        return True

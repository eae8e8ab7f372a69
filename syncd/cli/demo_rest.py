"""Waiting until a rehearsal is at rest, and the person without whom it never would be.

At rest means: nothing is due at any target, nothing is on its way back, the one-stop's vendor has read everything, and since
the last thing that moved two polls have ended, so that one of them began after it.

What syncd may not decide, a person does, here as in a province: whether a draft whose answer was lost, or a step whose answer
was lost twice, has arrived at a target that cannot be asked, and whether a target that refused us may be used again.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from syncd.store.journal import DeadLetter, Journal
from syncd.store.orders import Orders
from syncd.store.overview import source_status, target_status
from syncd.store.schema import attempt, inbox
from syncd.turns import UNKNOWN_SENT, UNKNOWN_TWICE

if TYPE_CHECKING:
    from syncd.sandbox.world import World
    from syncd.wiring import State

_ON_THE_WAY = ("arrived", "written", "late", "refused")  # a document that is held waits for a person, and is at rest
_POLLS = 2


class Person:
    """Looks at what has stopped, asks at the target, and gives the orders that follow."""

    def __init__(self, world: World, state: State) -> None:
        self.arrived = 0  #: drafts and steps that were seen at the target
        self.sent_again = 0  #: and those that were not
        self.resumed = 0  #: times a target was used again
        self._world = world
        self._state = state
        self._orders = Orders(state.database, state.clock, "rehearsal")
        self._journal = Journal(state.database, lambda: state.cipher)

    def look(self) -> bool:
        """Settle what waits for a person; whether anything did."""
        before = self.arrived + self.sent_again + self.resumed
        for letter in self._journal.dead():
            if letter.error.code in (UNKNOWN_SENT, UNKNOWN_TWICE) and letter.state == "dead":
                self._settle(letter)
        for name, standing in target_status(self._state.database, self._world.targets, self._state.clock.now()).items():
            if standing.paused:
                self.resumed += self._orders.resume(name).count
        return self.arrived + self.sent_again + self.resumed > before

    def _settle(self, letter: DeadLetter) -> None:
        dossier, _, draft = letter.dossier.partition("/")
        if self._world.has_draft(letter.target, dossier, draft) if draft else self._world.steps(letter.target, dossier) >= self._last_step(letter):
            self.arrived += self._orders.arrived([letter.id], "seen at the target").count
        else:
            self.sent_again += self._orders.retry([letter.id]).count

    def _last_step(self, letter: DeadLetter) -> int:
        """The place of the last step that was tried."""
        tried = select(func.max(attempt.c.last_step)).where(attempt.c.target == letter.target, attempt.c.subject == letter.dossier)
        with self._state.database.read() as connection:
            return int(connection.execute(tried).scalar_one() or 0)


class Rest:
    """Whether a rehearsal is at rest; asking moves the vendor and the person."""

    def __init__(self, world: World, state: State, person: Person) -> None:
        self._world = world
        self._state = state
        self._person = person
        self._polls: set[datetime] = set()
        self._since = state.clock.now()

    def reached(self) -> bool:
        """Let everybody do what there is to do; whether there was nothing for long enough."""
        if self._world.vendor.read() or self._person.look() or self._moving():
            self._since = self._state.clock.now()
            self._polls.clear()
        polled = source_status(self._state.database).last_poll
        if polled is not None and polled > self._since:
            self._polls.add(polled)
        return len(self._polls) >= _POLLS

    def _moving(self) -> bool:
        """Whether anything is due, under way, or on its way back."""
        standing = target_status(self._state.database, self._world.targets, self._state.clock.now()).values()
        with self._state.database.read() as connection:
            coming = connection.execute(select(func.count()).select_from(inbox).where(inbox.c.state.in_(_ON_THE_WAY))).scalar_one()
        return bool(coming or self._world.waiting() or sum(target.due + target.leased for target in standing))

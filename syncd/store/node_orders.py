"""What a person orders of a node: drain, resume. Like every order (`orders`): one transaction with its audit row."""

from __future__ import annotations

from sqlalchemy import select, update

from syncd.clock import Clock
from syncd.errors import NotFound
from syncd.store.database import Database
from syncd.store.orders import Done
from syncd.store.schema import audit, node


class NodeOrders:
    """The orders of one person about nodes."""

    def __init__(self, database: Database, clock: Clock, who: str, *, rehearse: bool = False) -> None:
        self.database = database
        self.clock = clock
        self.who = who
        self.rehearse = rehearse

    def drain(self, name: str) -> Done:
        """Let a node claim nothing more and give back what it holds; it lives on. Raises `NotFound`."""
        return self._turn("node drain", name, draining=True)

    def resume(self, name: str) -> Done:
        """Let a node that drains work again. Raises `NotFound`."""
        return self._turn("node resume", name, draining=False)

    def _turn(self, action: str, name: str, *, draining: bool) -> Done:
        with self.database.write() as connection:
            known = {row.name: row.draining for row in connection.execute(select(node.c.name, node.c.draining).order_by(node.c.name))}
            if name not in known:
                raise NotFound(f"There is no node {name!r}.", hint=f"one of: {', '.join(known)}")
            differs = known[name] is not draining
            if differs and not self.rehearse:
                connection.execute(update(node).where(node.c.name == name).values(draining=draining))
                connection.execute(audit.insert().values(at=self.clock.now(), who=self.who, action=action, detail=name))
        return Done(count=int(differs), rehearsed=self.rehearse, busy=())

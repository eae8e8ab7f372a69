"""Damage to what the sandbox portal holds, done behind syncd's back: what a restore over there, a slip of an operator or a lost
transaction would leave. Each blow says what it hit and in which way the dossier differs afterwards, so that a test can expect
exactly that and nothing besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Final, NamedTuple

from syncd.sandbox.holdings import Body, Entry, Holdings

MISSING, STALE, STEPS, EXTRA = "missing", "stale", "steps", "extra"
_ALTERED: Final = (("DonViXuLy", "Đơn vị khác"), ("NgayHenTra", "20300102030405"), ("ChuHoSo", "Người Khác"), ("GhiChu", "ghi đè"), ("KenhThucHien", "3"))


class Blow(NamedTuple):
    """What was done."""

    kind: str  #: of the damage, as in `BLOWS`
    dossier: str
    drift: str  #: missing | stale | steps | extra


class Damage:
    """Somebody who breaks things, one dossier at a time and none twice."""

    def __init__(self, holdings: Holdings, random: Random, *, spared: Sequence[str] = ()) -> None:
        """`spared` are dossiers that are left alone."""
        self.holdings = holdings
        self.random = random
        self._whole = sorted(set(holdings.records()) - set(spared))
        random.shuffle(self._whole)

    def all(self, each: int = 1) -> list[Blow]:
        """So many blows of each kind."""
        return [blow(self) for blow in BLOWS.values() for _ in range(each)]

    def delete(self) -> Blow:
        """A dossier is gone, with its steps."""
        code, _, _ = self._next()
        self.holdings.injure(code, None)
        return Blow("delete", code, MISSING)

    def roll_back(self) -> Blow:
        """A dossier's status is an earlier one; its steps are all there."""
        code, record, steps = self._next(lambda record, _: record["TrangThaiHoSo"] not in ("1", "2"))
        self.holdings.injure(code, {**record, "TrangThaiHoSo": "2"}, steps)
        return Blow("roll_back", code, STALE)

    def alter(self) -> Blow:
        """A field of a record holds something else."""
        code, record, steps = self._next()
        name, value = self.random.choice([(name, value) for name, value in _ALTERED if record.get(name, value) != value])
        self.holdings.injure(code, {**record, name: value}, steps)
        return Blow("alter", code, STALE)

    def drop_step(self) -> Blow:
        """One of several steps is gone."""
        code, record, steps = self._next(lambda _, steps: len(steps) > 1)
        place = self.random.randrange(len(steps))
        self.holdings.injure(code, record, [*steps[:place], *steps[place + 1 :]])
        return Blow("drop_step", code, STEPS)

    def double_step(self) -> Blow:
        """One step is there twice."""
        code, record, steps = self._next(lambda _, steps: bool(steps))
        self.holdings.injure(code, record, [*steps, self.random.choice(steps)])
        return Blow("double_step", code, STEPS)

    def plant(self) -> Blow:
        """There is a dossier that the one-stop never had."""
        code, record, steps = self._next()
        self._whole.append(code)  # it was only looked at
        front, _, number = code.rpartition("-")
        foreign = next(made for made in self._numbers(front, len(number)) if self.holdings.record(made) is None)
        self.holdings.injure(foreign, {**record, "MaHoSo": foreign}, [Entry({**entry.body, "MaHoSo": foreign}, True) for entry in steps])
        return Blow("plant", foreign, EXTRA)

    def _numbers(self, front: str, digits: int) -> Iterator[str]:
        while True:
            yield f"{front}-9{self.random.randrange(10 ** (digits - 1)):0{digits - 1}}"

    def _next(self, fits: Callable[[Body, Sequence[Entry]], bool] = lambda _record, _steps: True) -> tuple[str, Body, Sequence[Entry]]:
        """A dossier that nobody has touched. Raises `LookupError` where none fits any more."""
        for place, code in enumerate(self._whole):
            record, steps = self.holdings.record(code), self.holdings.steps(code)
            if record is not None and fits(record, steps):
                del self._whole[place]
                return code, record, steps
        raise LookupError("no dossier is left for this damage")


BLOWS: Final[dict[str, Callable[[Damage], Blow]]] = {
    "delete": Damage.delete,
    "roll_back": Damage.roll_back,
    "alter": Damage.alter,
    "drop_step": Damage.drop_step,
    "double_step": Damage.double_step,
    "plant": Damage.plant,
}

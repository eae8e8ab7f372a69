"""Damage behind syncd's back, on the portal and in the state: a full reconciliation names every injury and nothing else, and a repair
leaves what no target can be told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

import pytest
from sqlalchemy import delete, select, update

from syncd.sandbox.damage import Damage
from syncd.store.schema import ledger
from tests.daemon.rehearsal import Rehearsal
from tests.recovery.comparing import Kinds, for_a_person, kinds, reconcile, refereed
from tests.recovery.conftest import Rehearse
from tests.recovery.surgery import copy, restore, rows
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


class Hospital:
    """A province in sync, and what is done to it; `expected` is what must be found."""

    def __init__(self, made: Rehearsal, each: int) -> None:
        self.made = made
        self.each = each
        self.waiting = for_a_person(made)
        self.expected: Kinds = dict(self.waiting)
        self.random = Random(5)
        self._books = rows(made)
        self._whole = sorted(code for code in made.world.portal.holdings.records() if self._books[code].state == "idle")
        self.random.shuffle(self._whole)

    @property
    def touched(self) -> list[str]:
        return list(self.expected)

    def pass_on(self) -> None:
        """Deliver what is due."""
        wait_for(lambda: json.loads(self.made.syncd("run", "--once", "--json", code=None))["remaining"]["dvcqg"]["due"] == 0)

    def move_on(self, count: int) -> list[str]:
        """So many dossiers go on in the one-stop, and two are new."""
        life = self.made.world.life
        moved: list[str] = []
        open_ones = set(life._open)
        for code in list(self._whole):
            key = self._key(code)
            if len(moved) < count and key in open_ones and life.advance(key) is not None:
                moved.append(code)
                self._whole.remove(code)
        return [*moved, *(life.arrive("counter").code for _ in range(2))]

    def _key(self, code: str) -> int:
        dossier = self.made.world.life.layout.dossier
        with self.made.world.engine.connect() as connection:
            return int(connection.execute(select(dossier.c.dossierId).where(dossier.c.dossierNo == code)).scalar_one())

    def lie(self) -> None:
        """Changes are marked as sent that never went."""
        self.made.syncd("target", "pause", "dvcqg")
        moved = self.move_on(self.each)
        self.made.syncd("run", "--once", code=1)
        values = {"state": "idle", "created": True, "sent_digest": ledger.c.wanted_digest, "sent_version": ledger.c.wanted_version}
        with self.made.state.begin() as connection:
            connection.execute(update(ledger).where(ledger.c.subject.in_(moved)).values(**values, steps_sent=ledger.c.steps_wanted))
        self.made.syncd("target", "resume", "dvcqg")
        said = refereed(self.made.world)
        self.expected |= {code: said[code] for code in moved}

    def forget_a_day(self) -> None:
        """The state is that of before the last changes."""
        backup = copy(self.made)
        before = self.made.world.portal.holdings.records()
        moved = self.move_on(self.each)
        self.pass_on()
        restore(self.made, backup)
        after = self.made.world.portal.holdings.records()
        self.expected |= {code: {"missing" if code not in before else "stale" if before[code] != after[code] else "steps"} for code in moved}

    def lose_rows(self) -> None:
        """Rows of the ledger are gone."""
        lost = [self._whole.pop() for _ in range(self.each)]
        with self.made.state.begin() as connection:
            connection.execute(delete(ledger).where(ledger.c.subject.in_(lost)))
        self.expected |= {code: {"missing"} for code in lost}

    def injure_the_portal(self) -> tuple[Sequence[str], Sequence[str]]:
        """Each kind of damage; the dossiers with a step too many, and the foreign ones."""
        blows = Damage(self.made.world.portal.holdings, self.random, spared=self.touched).all(self.each)
        self.expected |= {blow.dossier: {blow.drift} for blow in blows}
        return [blow.dossier for blow in blows if blow.kind == "double_step"], [blow.dossier for blow in blows if blow.kind == "plant"]


def heals(made: Rehearsal, each: int) -> None:
    """Injure everything, reconcile, repair, deliver, verify."""
    wait_for(lambda: json.loads(made.syncd("run", "--once", "--json", code=None))["remaining"]["dvcqg"]["due"] == 0, 600)
    hospital = Hospital(made, each)
    assert len(hospital.waiting) < 0.01 * made.world.compare().dossiers
    hospital.lie()
    hospital.forget_a_day()
    hospital.lose_rows()
    doubled, foreign = hospital.injure_the_portal()

    assert kinds(reconcile(made, code=3)["drift"]) == hospital.expected
    healed = reconcile(made, "--repair", "--verify", code=3)
    assert kinds(healed["drift"]) == hospital.expected
    left: Kinds = hospital.waiting | {code: {"steps"} for code in doubled} | {code: {"extra"} for code in foreign}
    assert for_a_person(made) == left
    for found in healed["drift"]:
        code, word = found["dossier"], found["became"]
        if code not in hospital.waiting:
            assert word in ({"cannot"} if code in doubled else {""} if code in foreign else {"resolved", "adopted"}), found
    assert kinds(reconcile(made, code=3)["drift"]) == left


def test_of_a_portal_that_tells_little_only_what_it_tells_is_named(rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD__RECONCILE__BUDGET", "0")
    made = rehearse(dossiers=120, lookup="pascal")
    made.syncd("run", "--once", code=None)
    expected = for_a_person(made)
    damage = Damage(made.world.portal.holdings, Random(7), spared=list(expected))
    blows = [damage.delete(), damage.roll_back(), damage.drop_step(), damage.double_step(), damage.plant()]
    said = reconcile(made, code=3)
    assert kinds(said["drift"]) == expected | {blow.dossier: {blow.drift} for blow in blows[:2]}
    assert said["asked"] > 80
    assert not said["listed"]


def test_every_injury_is_named_and_healed(rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD__RECONCILE__BUDGET", "0")
    heals(rehearse(dossiers=600, lookup="full"), 4)


@pytest.mark.long
def test_every_injury_is_named_and_healed_among_twenty_thousand(rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD__RECONCILE__BUDGET", "0")
    heals(rehearse(dossiers=20_000, lookup="full"), 25)

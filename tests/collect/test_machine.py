"""Packages in any order, crashes at any moment, anybody away: each document is written once, and no stage ever moves back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace
from sqlalchemy import select

from syncd.documents import Stage, moves_on
from syncd.store.inbox_orders import Addition
from syncd.store.schema import inbox
from tests.clocks import TurnedClock
from tests.collect.mortal import MOMENTS
from tests.collect.office import DOWN
from tests.collect.station import PDF, Station, code, document, pdf
from tests.examples import examples

DOSSIERS = (1, 2)
STAGES = st.sampled_from([Stage.DELIVERED, Stage.ACCEPTED, Stage.SIGNED, Stage.ISSUED, Stage.UNNUMBERED, Stage.REJECTED])


class Crash(BaseException):
    """The process is gone, at this instant."""


class Way(RuleBasedStateMachine):
    """One office, one node, one one-stop."""

    @initialize(drafts=st.integers(0, 2))
    def open(self, drafts: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock = TurnedClock()
        self.keys = 0
        self.station = self.new()
        self.station.dossiers(*DOSSIERS)
        for key in range(drafts):
            self.station.draft(1, str(key))

    def new(self) -> Station:
        return Station(Path(self.folder.name), f"sqlite:///{self.folder.name}/state.db", self.clock)

    @rule(number=st.sampled_from([*DOSSIERS, 9]), stage=STAGES, draft=st.sampled_from(["", "0", "1"]), text=st.sampled_from("ab"), numbered=st.booleans())
    def send(self, number: int, stage: Stage, draft: str, text: str, *, numbered: bool) -> None:
        self.keys += 1
        changes: dict[str, object] = {"draft": draft, "reason": text if stage is Stage.REJECTED else ""}
        if stage is Stage.ISSUED:
            changes |= {"files": (pdf(PDF + text.encode()),)}
        package = document(f"p{self.keys:04}", stage, number, **changes)
        if not numbered:
            package = replace(package, number="")
        self.station.office.issue(package)

    @rule()
    def run(self) -> None:
        self.station.collecting.run()

    @rule(moment=st.sampled_from(MOMENTS), number=st.integers(1, 3))
    def crash(self, moment: str, number: int) -> None:
        left = [number]

        def dying(when: str) -> Callable[[str], None]:
            def come_to(call: str) -> None:
                if f"{when}:{call}" == moment:
                    left[0] -= 1
                    if not left[0]:
                        raise Crash

            return come_to

        for seam in (self.station.office, self.station.outlet):
            seam.before, seam.after = dying("before"), dying("after")
        with suppress(Crash):
            self.station.collecting.run()
        self.station.close()
        self.station = self.new()

    @rule(office=st.booleans())
    def somebody_is_away(self, *, office: bool) -> None:
        self.station.office.always = DOWN if office else None
        self.station.outlet.away = not office
        self.station.collecting.run()
        self.station.office.always, self.station.outlet.away = None, False

    @rule(minutes=st.sampled_from([1, 10, 600]))
    def pass_time(self, minutes: int) -> None:
        self.clock.turn(timedelta(minutes=minutes))
        self.station.gate.room(1)
        self.station.gate.spare()

    @rule()
    def push(self) -> None:
        """The office pushes what it also lists."""
        for key in self.station.office.queue()[:1]:
            found = self.station.office.fetch(key)
            self.station.collecting.take(found)  # type: ignore[arg-type]

    @rule(key=st.sampled_from(["0", "1"]))
    def hand_over(self, key: str) -> None:
        """The officer replaced the file of a draft, if there is such a draft."""
        self.station.hand_over(1, key)

    @rule(number=st.sampled_from(DOSSIERS))
    def complete(self, number: int) -> None:
        """A person says what the document held longest lacks."""
        if held := self.station.listed("held"):
            known = Addition(dossier="" if held[0].dossier else code(number), number="5/QĐ-UBND")
            self.station.orders().assign(held[0].id, known, "")

    @invariant()
    def each_is_written_once_and_no_stage_moves_back(self) -> None:
        if not hasattr(self, "station"):
            return
        for number in DOSSIERS:
            rows = self.station.written(number)
            assert len({key for key, _, _ in rows}) == len(rows)
            for draft in {draft for _, _, draft in rows}:
                stages = [Stage(stage) for _, stage, own in rows if own == draft]
                assert all(moves_on(before, now) for before, now in pairwise(stages)), stages

    def no_result_is_lost(self) -> None:
        """Each thing that was issued is in the one-stop, or waits for a person."""
        with self.station.database.read() as connection:
            rows = connection.execute(select(inbox).where(inbox.c.stage == "issued")).all()
        safe = {(row.dossier, row.digest) for row in rows if row.written_at or row.state == "held"}
        assert {(row.dossier, row.digest) for row in rows} == safe

    def teardown(self) -> None:
        if not hasattr(self, "station"):
            return
        for _ in range(3):
            self.pass_time(60 * 24 * 2)
            self.run()
        self.each_is_written_once_and_no_stage_moves_back()
        states = self.station.states()
        assert set(states.values()) <= {"done", "held"}
        assert sorted(self.station.office.queue()) == sorted(key for key, state in states.items() if state == "held")
        self.no_result_is_lost()
        written = {key for key, _, _ in self.station.written()}
        assert written == {each.document for each in self.station.listed() if each.written_at}
        self.station.close()
        self.folder.cleanup()


Way.TestCase.settings = settings(max_examples=examples(40), stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
TestWay = Way.TestCase

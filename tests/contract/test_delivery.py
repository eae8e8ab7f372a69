"""What goes out arrives, as it is, once; and what stands before it or beside it changes nothing."""

from __future__ import annotations

import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import entry_points

import msgspec
import pytest
from msgspec.structs import replace

from syncd.calls import Operation, Outcome
from syncd.errors import Unmappable
from syncd.model import Draft, Kind
from tests.contract.conftest import KINDS
from tests.contract.surroundings import Surroundings, citizen, composed, dossier

THREADS = 16


def test_every_target_that_is_shipped_goes_through_this_suite() -> None:
    shipped = {point.name: point.load() for point in entry_points(group="syncd.targets")}
    assert {kind.connector for kind in KINDS} == set(shipped.values())


def test_a_connector_takes_what_it_is_sent(call: tuple[Surroundings, str]) -> None:
    far, kind = call
    portion, options = far.portion(kind), far.connector.options.model_validate(far.options())
    sort = Kind.DRAFT if isinstance(portion.matter, Draft) else Kind.STATISTIC if portion.matter else Kind.DOSSIER
    assert sort in far.connector.takes(options)


def test_what_is_sent_arrives(call: tuple[Surroundings, str]) -> None:
    far, kind = call
    target = far.make()
    receipt = target.send([far.element(target, kind)])
    assert receipt.outcome is Outcome.DELIVERED
    assert receipt.retry_after is None
    assert len(far.came(kind)) == 1
    assert far.server.violations == []


def test_what_is_sent_twice_is_there_once_or_its_sender_can_find_out(far: Surroundings) -> None:
    target, portion = far.make(), far.portion()
    first, second = (target.send([target.compose(portion)]) for _ in range(2))
    assert first.outcome is Outcome.DELIVERED
    assert second.outcome in (Outcome.DELIVERED, Outcome.CROSSED)
    assert second.outcome is Outcome.DELIVERED or second.exists is True
    standing = target.look_up(portion)
    assert standing is None or (standing.outcome, standing.exists) == (Outcome.DELIVERED, True)
    assert (standing is None) is (not far.lookup)
    assert far.holds() == [portion.dossier.code] * (1 if far.knows else 2)
    assert far.knows or not target.replaces


def test_a_change_is_sent_with_what_was_to_be_remembered(far: Surroundings) -> None:
    target, portion = far.make(), far.portion()
    first = target.send([target.compose(portion)])
    assert set(first.memo) <= {portion.subject}
    again = replace(portion, operation=Operation.UPDATE, memo=first.memo.get(portion.subject, ""))
    assert target.send([target.compose(again)]).outcome is Outcome.DELIVERED
    assert far.lookup == "" or target.look_up(again) is not None


def test_what_was_never_sent_is_not_there(asked: Surroundings) -> None:
    standing = asked.make().look_up(asked.portion())
    assert standing is not None
    assert (standing.outcome, standing.exists) == (Outcome.DELIVERED, False)


def test_steps_are_taken_where_the_far_end_has_a_service_for_them(far: Surroundings) -> None:
    target = far.make()
    assert target.takes_steps(dossier()) is far.steps
    assert target.batch >= 1
    assert target.steps_per_call >= 1
    assert target.longest.total_seconds() > 0


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_vietnamese_arrives_as_it_was_written(far: Surroundings, form: str) -> None:
    owner = "Đặng Thị Hồng Nhuỵ – Ưỡng Ẵm"
    told = unicodedata.normalize(form, owner)  # type: ignore[arg-type]
    target, portion = far.make(), far.portion()
    about = replace(portion.dossier, owner=replace(portion.dossier.owner, name=told), abstract=told)
    matter = replace(portion.matter, title=told) if isinstance(portion.matter, Draft) else portion.matter
    assert target.send([target.compose(replace(portion, dossier=about, matter=matter))]).outcome is Outcome.DELIVERED
    assert any(owner in composed(text) for text in far.texts(far.came()[0]))


def test_composing_is_pure_and_always_the_same(call: tuple[Surroundings, str]) -> None:
    far, kind = call
    portion, targets = far.portion(kind), (far.make(), far.make())
    assert len({(element.subject, element.lane, element.body) for target in targets for element in (target.compose(portion), target.compose(portion))}) == 1
    far.draft_file.unlink()
    assert targets[0].compose(portion).subject == portion.subject
    assert [bool(target.calls(target.compose(portion))) for target in targets] == [True, True]
    assert far.server.connections == 0


def test_a_preview_shows_neither_secrets_nor_what_is_in_a_file(call: tuple[Surroundings, str]) -> None:
    far, kind = call
    target = far.make()
    target.send([far.element(target, kind)])
    shown = target.calls(far.element(target, kind))
    assert all(set(one) == {"service", "body"} for one in shown)
    text = msgspec.json.encode(shown).decode()
    assert [secret for secret in far.secrets() if secret in text or msgspec.json.encode(secret)[1:-1].decode() in text] == []
    assert "JVBERi0" not in text  # a PDF in base64
    portion = far.portion(kind)
    assert (portion.dossier.code or portion.subject.rpartition(":")[2]) in text


def test_what_is_lacking_is_named_with_what_to_do(far: Surroundings) -> None:
    with pytest.raises(Unmappable) as caught:
        far.make().compose(far.lacking())
    assert caught.value.problems
    assert all(problem.field and problem.reason and problem.hint for problem in caught.value.problems)
    said = " ".join([str(caught.value), *(f"{problem.field} {problem.reason} {problem.hint}" for problem in caught.value.problems)])
    assert [value for value in citizen() if value and value in said] == []
    assert far.server.connections == 0


def test_a_probe_says_when_all_is_well_and_changes_nothing(far: Surroundings) -> None:
    target = far.make()
    assert [target.probe().outcome for _ in range(2)] == [Outcome.DELIVERED] * 2
    assert far.holds() == []
    assert far.came() == []


def test_one_target_serves_many_threads_with_one_admission(far: Surroundings) -> None:
    target, together = far.make(), threading.Barrier(THREADS)

    def send(number: int) -> Outcome:
        element = far.element(target, about=dossier(number))
        together.wait(10)
        return target.send([element]).outcome

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(send, range(1, THREADS + 1)))
    assert set(outcomes) == {Outcome.DELIVERED}
    assert sorted(far.holds()) == [dossier(number).code for number in range(1, THREADS + 1)]
    assert far.server.counts()[far.admission] == (1 if far.admission else 0)


def test_closing_twice_does_no_harm(far: Surroundings) -> None:
    target = far.make()
    target.send([far.element(target)])
    target.close()
    target.close()

"""Damage hits what it says, once each, and a portal that comes back is as damaged as before."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from syncd.sandbox.damage import BLOWS, Blow, Damage
from syncd.sandbox.holdings import Holdings
from tests.sandbox.caller import CODE, record, step

CODES = [f"000.00.14.H03-250225-{number:04}" for number in range(1, 41)]


def held(folder: Path | None = None) -> Holdings:
    """Forty dossiers with three steps each."""
    holdings = Holdings(folder)
    for code in CODES:
        holdings.put([record(MaHoSo=code, TrangThaiHoSo="9")], updating=False)
        holdings.add([step(MaHoSo=code, NoiDungXuLy=word) for word in ("một", "hai", "ba")], answered=True)
    return holdings


def differences(before: Holdings, after: Holdings) -> dict[str, str]:
    """By dossier, in which way it differs."""
    found = {}
    for code in {*before.records(), *after.records()}:
        was, now = (before.record(code), before.steps(code)), (after.record(code), after.steps(code))
        if was != now:
            found[code] = "extra" if was[0] is None else "missing" if now[0] is None else "stale" if was[0] != now[0] else "steps"
    return found


@pytest.mark.parametrize("kind", BLOWS)
def test_a_blow_changes_one_dossier_as_it_says(kind: str) -> None:
    holdings = held()
    blow = BLOWS[kind](Damage(holdings, Random(1)))
    assert blow.kind == kind
    assert differences(held(), holdings) == {blow.dossier: blow.drift}


def test_no_dossier_is_hit_twice_and_some_are_spared() -> None:
    holdings = held()
    blows = Damage(holdings, Random(2), spared=[CODE]).all(each=5)
    assert len({blow.dossier for blow in blows}) == 30
    assert CODE not in {blow.dossier for blow in blows}
    assert differences(held(), holdings) == {blow.dossier: blow.drift for blow in blows}


def test_a_planted_dossier_is_whole() -> None:
    holdings = held()
    blow: Blow = Damage(holdings, Random(3)).plant()
    assert (holdings.records()[blow.dossier]["MaHoSo"], len(holdings.steps(blow.dossier))) == (blow.dossier, 3)


def test_where_nothing_is_left_to_hit_it_says_so() -> None:
    with pytest.raises(LookupError):
        Damage(held(), Random(1), spared=CODES).delete()


def test_a_portal_that_comes_back_is_as_damaged_as_before(tmp_path: Path) -> None:
    holdings = held(tmp_path)
    blows = Damage(holdings, Random(4)).all()
    holdings.close()
    again = Holdings(tmp_path)
    assert differences(held(), again) == {blow.dossier: blow.drift for blow in blows}
    again.close()

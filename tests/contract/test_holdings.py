"""A target that was not told how to list what it has says that it cannot: no list is not an empty list."""

from __future__ import annotations

from datetime import date

from tests.contract.surroundings import Surroundings


def test_who_cannot_list_says_so(far: Surroundings) -> None:
    target = far.make()
    assert target.holdings(date(2025, 3, 1), date(2025, 3, 31)) is None

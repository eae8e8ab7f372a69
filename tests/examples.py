"""How many examples a property is tried with."""

from __future__ import annotations

from hypothesis import settings


def examples(full: int) -> int:
    """All of them under the profile `thorough` (make long), a part otherwise."""
    return max(5, full * settings().max_examples // 100)

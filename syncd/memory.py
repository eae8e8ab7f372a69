"""Memory: glibc gives nearly every thread an arena of its own and keeps there what was freed. A daemon of many threads would hold twice what
it needs, so that a province's smallest machine would be too small; two arenas do."""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8
_ARENAS = 2


def share_arenas() -> bool:
    """Let all threads share a few arenas; before any is started. False where the C library is another."""
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS))
    except (OSError, AttributeError):
        return False

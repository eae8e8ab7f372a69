"""What a daemon of many threads and many small objects asks of the C library and of the interpreter it runs in."""

from __future__ import annotations

import ctypes
import gc
import sys

_M_ARENA_MAX = -8
_ARENAS = 2
TURN = 0.0002  #: seconds
NEW_OBJECTS = 5000  #: between two looks for those that only hold each other


def share_arenas() -> bool:
    """Let all threads share a few arenas. False where the C library is another than glibc, which gives nearly every thread an arena of its
    own and keeps there what was freed: twice what is needed, and too much for a province's smallest machine."""
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS))
    except (OSError, AttributeError):
        return False


def take_short_turns() -> None:
    """Let a thread that computes, as the poll does, hand on the interpreter's lock after a fifth of a millisecond where others want it. With Python's five,
    those that deliver, who let go of it several times for each call, got on at a fifth of their pace while a poll ran."""
    sys.setswitchinterval(TURN)


def collect_less() -> None:
    """Let the garbage collector pass by all that was imported and built so far, and look seldom at what comes. Hardly anything here ends in a circle, and
    the looking took a twentieth of every delivery."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)

"""The runtime: what is asked of the C library, where it is glibc, and of the interpreter."""

from __future__ import annotations

import platform
import subprocess
import sys


def said(asked: str) -> str:
    """In a process of its own: it holds for all that comes after."""
    return subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.strip()


def test_glibc_does_as_it_is_asked() -> None:
    assert said("from syncd import runtime; print(runtime.share_arenas())") == str(platform.libc_ver()[0] == "glibc")


def test_what_stays_is_no_more_looked_through_for_garbage_and_what_ends_in_a_circle_still_goes() -> None:
    circles = "[each.append(each) for each in ([] for _ in range(20_000))]"
    asked = f"import gc; from syncd import runtime; runtime.collect_less(); print(len(gc.get_objects()) < 100); {circles}; print(len(gc.get_objects()) < 9000)"
    assert said(asked).split() == ["True", "True"]

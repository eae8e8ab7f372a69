"""Threads: what is asked of the C library, where it is glibc."""

from __future__ import annotations

import platform
import subprocess
import sys


def test_glibc_does_as_it_is_asked() -> None:
    """In a process of its own: it holds for all that comes after."""
    asked = subprocess.run([sys.executable, "-c", "from syncd import threads; print(threads.share_arenas())"], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == str(platform.libc_ver()[0] == "glibc")

"""Waiting for what another thread, process or server does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def wait_for(condition: Callable[[], bool], seconds: float = 90) -> None:
    """Look again until the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition never came true"
        threading.Event().wait(0.02)

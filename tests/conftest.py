"""What every test leaves behind as it found it, where its files rest, and how often a property is tried."""

from __future__ import annotations

import gc
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

MEMORY = Path("/dev/shm")  # noqa: S108  the system's own, and what lies there is made by pytest
ROOM = 8_000_000_000

settings.register_profile("usual", settings(), max_examples=25, deadline=None)
settings.register_profile("thorough", settings(), max_examples=100, deadline=None)
settings.load_profile("usual")


def pytest_configure() -> None:
    """Files of tests rest in memory where there is room for them: what waits for the disk at each commit shows nothing by it."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.fixture(autouse=True)
def garbage_as_it_was() -> Iterator[None]:
    """A daemon that is called within the tests' own process sets up the collector for its process."""
    thresholds = gc.get_threshold()
    yield
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.set_threshold(*thresholds)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command that is called within the tests' own process sets up logging for its process."""
    yield
    structlog.reset_defaults()
    root = logging.getLogger()
    for handler in [each for each in root.handlers if each.get_name() == "syncd"]:
        root.removeHandler(handler)
        handler.close()

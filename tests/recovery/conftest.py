"""A world and a daemon for each test, as the daemon's own tests have them."""

from __future__ import annotations

from tests.daemon.conftest import Rehearse, rehearse

__all__ = ["Rehearse", "rehearse"]

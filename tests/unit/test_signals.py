"""A signal stops what waits, whatever its thread is doing at that moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from syncd import signals

WAITING = """
import threading
from syncd import signals
told = threading.Event()
with signals.setting(told):
    print("ready", flush=True)
    while not told.is_set():
        told.wait(0)  # takes and leaves the lock of the event all the time
print("told", flush=True)
"""


@pytest.mark.parametrize("number", signals.NUMBERS)
def test_an_event_is_set_by_a_signal_and_the_handlers_are_put_back(number: signal.Signals) -> None:
    before, told = signal.getsignal(number), threading.Event()
    with signals.setting(told):
        os.kill(os.getpid(), number)
        assert told.wait(10)
    assert signal.getsignal(number) is before


def test_a_second_signal_ends_the_process_where_that_is_wanted() -> None:
    told = threading.Event()
    with signals.setting(told, once=True):
        os.kill(os.getpid(), signal.SIGINT)
        assert told.wait(10)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_meets_the_lock_of_the_event_stops_nobody() -> None:
    for _ in range(20):
        with subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True) as waiting:
            assert waiting.stdout is not None
            assert waiting.stdout.readline() == "ready\n"
            waiting.send_signal(signal.SIGTERM)
            assert waiting.communicate(timeout=30)[0] == "told\n"

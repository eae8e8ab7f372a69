"""Being told to stop, by SIGTERM or SIGINT, without meeting a lock.

An event that is set by a signal handler can stop the process for ever: the handler runs in the main thread, between any two of its
instructions, and where that thread is just waiting for the same event it holds the lock that setting needs. So the handler
does nothing. The interpreter writes the signal's number into a socket, and a thread of its own, which holds no lock, reads it
there and sets the event.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NUMBERS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def setting(event: threading.Event, *, once: bool = False) -> Iterator[None]:
    """Set `event` when told to stop, until the block ends; with `once`, a second signal ends the process as ever. For the main
    thread only."""
    listening, told = socket.socketpair()
    told.setblocking(False)
    before = {number: signal.getsignal(number) for number in NUMBERS}

    def noted(number: int, _frame: FrameType | None) -> None:
        if once:
            signal.signal(number, before[signal.Signals(number)])

    reader = threading.Thread(target=_read, args=(listening, event), name="signals", daemon=True)
    reader.start()
    previous = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    for number in NUMBERS:
        signal.signal(number, noted)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(previous)
        told.shutdown(socket.SHUT_RDWR)  # closing alone says nothing while a process forked meanwhile has it too
        reader.join()
        told.close()
        listening.close()


def _read(listening: socket.socket, event: threading.Event) -> None:
    while listening.recv(1):
        event.set()

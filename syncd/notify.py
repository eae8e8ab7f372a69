"""The service manager's notification protocol (systemd): that syncd is ready, alive, stopping.

A datagram of `NAME=value` lines to the socket that `NOTIFY_SOCKET` names; a name that begins with `@` lies in the abstract
namespace. Written here because the protocol is smaller than any package for it. Outside a service manager, and when its
socket is gone, every call is silent: telling how we are must never be what stops us.
"""

from __future__ import annotations

import os
import socket


def ready(status: str = "") -> bool:
    """Start-up is done; the unit becomes active. Tells whether anybody was told, as do all below."""
    return _send("READY=1", f"STATUS={status}" if status else "")


def alive() -> bool:
    """Keep the watchdog from killing us; due every `watchdog_interval` seconds."""
    return _send("WATCHDOG=1")


def stopping(text: str = "") -> bool:
    """No more work is begun; calls under way are finished."""
    return _send("STOPPING=1", f"STATUS={text}" if text else "")


def watchdog_interval() -> float | None:
    """Seconds between two signs of life, half of what systemd allows; None where it does not watch this process."""
    allowed = os.environ.get("WATCHDOG_USEC", "")
    if not allowed.isdecimal() or not int(allowed) or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(allowed) / 2_000_000


def _send(*lines: str) -> bool:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return False
    text = "\n".join(line.replace("\n", " ") for line in lines if line)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(text.encode(), "\0" + address[1:] if address[0] == "@" else address)
        except OSError:
            return False
    return True

"""What the sink kept, read again: which dossier a call was about, and what it said of it."""

from __future__ import annotations

import json


def code(body: bytes) -> str:
    """The dossier of a call with one."""
    data = json.loads(body)["data"]
    return str((data[0] if isinstance(data, list) else data)["MaHoSo"])

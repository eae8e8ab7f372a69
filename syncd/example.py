"""The commented configuration with every key: made from the options themselves, so it cannot go out of date."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from syncd.config import Daemon, Log, Reconcile, Schedule, connectors
from syncd.options import Options, duration_text

_HEAD = """\
# syncd: every key with its default. A key that begins with # is at its default already.
# Durations are texts: "15s", "10m", "1h", "400d". A secret is never written here: name a file with <key>_file,
# or give it as environment variable (SYNCD__TARGETS__DVCQG__PASSWORD) or systemd credential (dvcqg.password).
"""


def example() -> str:
    """The file, as TOML."""
    parts = [_HEAD, _section("daemon", Daemon), _section("log", Log)]
    parts += [_section("source", point.load().options, connector=name) for name, point in sorted(connectors("syncd.sources").items())]
    parts += [_section(f"targets.{name}", point.load().options, connector=name) for name, point in sorted(connectors("syncd.targets").items())]
    return "\n".join([*parts, _section("schedule", Schedule), _section("reconcile", Reconcile)])


def _section(name: str, model: type[Options], connector: str = "") -> str:
    lines = [f"[{name}]"]
    for key, field in model.model_fields.items():
        lines += [f"# {field.description}"] if field.description else []
        lines.append(f"connector = {_toml(connector)}" if key == "connector" else _key(name.rpartition(".")[2], key, field))
    return "\n".join(lines) + "\n"


def _key(section: str, key: str, field: FieldInfo) -> str:
    """One key: what must be filled in stands open, what has a default is remarked."""
    if field.annotation is SecretStr:
        return f'{key}_file = "/etc/syncd/{section}.{key}"'
    if field.examples:
        return f"{key} = {_toml(field.examples[0])}"
    return f"#{key} = {_toml(field.get_default(call_default_factory=False))}"


def _toml(value: Any) -> str:
    match value:
        case bool():
            text = str(value).lower()
        case int() | float():
            text = str(value)
        case list() | tuple():
            text = "[" + ", ".join(_toml(entry) for entry in value) + "]"
        case Enum():
            text = _toml(value.value)
        case timedelta():
            text = _toml(duration_text(value))
        case None:
            text = '""'
        case _:
            text = '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text

"""The configuration of a rehearsal: a section for each server of the sandbox, and the one-stop's mapping with its own folder of files.

The waits are short, so that a rehearsal with a bad day still ends within a minute or two; everything else stands as a province
would have it. Secrets stand in files of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from syncd.mapping_file import locate
from syncd.sandbox.flow import SIGNING
from syncd.sandbox.people import OFFICERS, SIGNER, account
from syncd.sandbox.shelf import Shelf

#: agencies whose drafts go to TD-Office: two departments, and half of the districts with their communes
SCOPE: Final = ("000.00.12.H03", "000.00.14.H03", "000.00.31.H03", "000.00.32.H03", "H03.33", "H03.34")
_HEAD: Final = """\
# Written by syncd for a rehearsal: an invented one-stop, and servers on this machine.
[daemon]
node = "rehearsal"
state = "sqlite:///{folder}/state.db"
http = ""
payload_key_file = "{folder}/payload.key"
{mappings}
[log]
format = "json"

[source]
url = "sqlite:///{folder}/onestop.db"
mapping = "opencps-v2"
poll = "1s"
agency = "{agency}"
"""
_SECTION: Final = """
[targets.{name}]
connector = "{name}"
{options}timeout = "{timeout}"
retry = ["1s", "2s", "3s", "5s"]
breaker_pause = "1s"
"""
_SECRETS: Final = ("secret", "password", "token")
_FILES: Final = {"dvcqg": "portal"}  # what the files of a target are called, where not as it is
Value = str | int | tuple[str, ...]


def write(path: Path, *, agency: str, targets: Mapping[str, Mapping[str, Value]]) -> None:
    """Write the file, and a file for each secret: an option that ends in `_secret`, `password` or `token`."""
    folder = path.parent
    timeout = "3s" if len(targets) == 1 else "10s"  # with several, this machine may be too busy for less
    sections = [_SECTION.format(name=name, options=_options(folder, name, options), timeout=timeout) for name, options in targets.items()]
    own = folder / "mappings"
    head = _HEAD.format(folder=folder, agency=agency, mappings=f'mappings = "{own}"\n' if own.is_dir() else "")
    path.write_text(head + "".join(sections), "utf-8")


def write_mapping(folder: Path, shelf: Shelf) -> None:
    """Write the administrator's own mapping of the one-stop: where drafts wait, where files are, and what people are called elsewhere."""
    _, shipped = locate("opencps-v2", "onestop")
    text = shipped.decode("utf-8")
    accounts = "\n".join(f'"{name}" = "{account(name)}"' for name in sorted(set(OFFICERS)))
    for before, after in (
        ("steps = []", f'steps = ["{SIGNING}"]'),
        ('root = ""', f'root = "{shelf.folder}"'),
        ('file = "{fileEntryId}"', 'file = "{fileEntryId}.pdf"'),
        ('signer = ""', f'signer = "{SIGNER}"'),
        ("[tables.accounts]", f"[tables.accounts]\n{accounts}"),
        ("[shapes.draft]", '[shapes.draft]\nfile_name = { from = "displayName", as = "line" }'),
    ):
        text, count = re.subn(rf"(?m)^{re.escape(before)}", lambda _found, after=after: after, text)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"the shipped mapping says {before!r} {count} times")
    own = folder / "mappings" / "onestop" / "opencps-v2.toml"
    own.parent.mkdir(parents=True)
    own.write_text(text, "utf-8")


def _options(folder: Path, name: str, options: Mapping[str, Value]) -> str:
    def line(option: str, value: Value) -> str:
        if option.endswith(_SECRETS):
            return f"{option}_file = {_toml(str(_secret(folder / f'{_FILES.get(name, name)}.{option}', str(value))))}\n"
        return f"{option} = {_toml(value)}\n"

    return "".join(line(option, value) for option, value in options.items())


def _secret(path: Path, value: str) -> Path:
    path.write_text(value, "utf-8")
    path.chmod(0o600)
    return path


def _toml(value: Value) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value) if isinstance(value, int) else f'"{value}"'

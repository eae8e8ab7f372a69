"""Where secrets come from: beside the configuration, never in it.

For an option `password` of the section `targets.dvcqg`, in this order: `password_file = "path"`, the systemd credential
`dvcqg.password` (`LoadCredential=` in the unit), the value itself. The value itself is taken, so that a rehearsal
stays easy, with a warning.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr

from syncd.model import Problem
from syncd.options import Options


def resolve(path: str, model: type[Options], section: Mapping[str, Any], problems: list[Problem], warnings: list[Problem]) -> dict[str, Any]:
    """The section with each secret in its place. What cannot be read is added to `problems`, what should not be written
    there to `warnings`."""
    given = dict(section)
    for name in secret_names(model):
        file = given.pop(f"{name}_file", None)
        if file is not None:
            given[name] = _from_file(f"{path}.{name}_file", Path(str(file)), problems)
        elif (credential := _credential(f"{path.rsplit('.', 1)[-1]}.{name}")) is not None:
            given[name] = credential
        elif given.get(name):
            warnings.append(
                Problem(field=f"{path}.{name}", reason="a secret is written in the configuration", hint=f"move it into a file and name that: {name}_file")
            )
    return given


def secret_names(model: type[Options]) -> list[str]:
    """The options of a section that are secret."""
    return [name for name, field in model.model_fields.items() if field.annotation is SecretStr or SecretStr in get_args(field.annotation)]


def _from_file(field: str, path: Path, problems: list[Problem]) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not text"
        problems.append(Problem(field=field, reason=f"{path}: {reason}", hint="check the path and that the service's user may read it"))
        return ""


def _credential(name: str) -> str | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder or not (path := Path(folder) / name).is_file():
        return None
    return path.read_text("utf-8").strip()

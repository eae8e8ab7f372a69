"""The files that commands write where a person asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[Any]:
    """A file to write."""
    try:
        file = path.open("w", **options)
    except OSError as error:
        raise click.FileError(str(path), hint=error.strerror) from None
    with file:
        yield file

"""Progress of long work, drawn on standard error while it goes on; where that is no terminal, nothing is drawn."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from syncd.errors import StoreError

_EVERY = 0.25  #: seconds between two looks


class Share(NamedTuple):
    """How much of a piece of work is done."""

    name: str
    done: int
    total: int


@contextmanager
def watching(measure: Callable[[], list[Share]]) -> Iterator[None]:
    """Draw what `measure` finds as bars until the block ends."""
    if not sys.stderr.isatty():
        yield
        return
    ended = threading.Event()
    drawing = threading.Thread(target=_draw, args=(measure, ended), daemon=True)
    drawing.start()
    try:
        yield
    finally:
        ended.set()
        drawing.join()


def _draw(measure: Callable[[], list[Share]], ended: threading.Event) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bars: dict[str, TaskID] = {}
        while not ended.wait(_EVERY):
            for share in _measured(measure):
                if share.name not in bars:
                    bars[share.name] = progress.add_task(share.name)
                progress.update(bars[share.name], completed=share.done, total=share.total)


def _measured(measure: Callable[[], list[Share]]) -> list[Share]:
    """What can be told at the moment; a state that is locked or not there yet is looked at again later."""
    try:
        return measure()
    except StoreError:
        return []

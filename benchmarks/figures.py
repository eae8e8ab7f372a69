"""What a scenario finds, and how it is shown: a table for people, JSON for programs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table


class Scale(NamedTuple):
    """How much a scenario does: the long form is the one whose figures are quoted."""

    long: bool

    def dossiers(self, short: int, long: int) -> int:
        """So many in this form."""
        return long if self.long else short


class Figure(NamedTuple):
    """One figure, where it makes sense as a ratio to a baseline that ran in the same call."""

    scenario: str
    name: str
    value: float
    unit: str
    ratio: float | None = None
    to: str = ""  #: what it is a ratio to


def medians(runs: Iterable[Sequence[Figure]]) -> list[Figure]:
    """Figure by figure, the middle of several runs; ratios by themselves, for each was taken within its run."""
    found: dict[tuple[str, str], list[Figure]] = {}
    for run in runs:
        for figure in run:
            found.setdefault((figure.scenario, figure.name), []).append(figure)
    return [_middle(figures) for figures in found.values()]


def _middle(figures: Sequence[Figure]) -> Figure:
    ratios = [figure.ratio for figure in figures if figure.ratio is not None]
    return figures[0]._replace(value=statistics.median(figure.value for figure in figures), ratio=statistics.median(ratios) if ratios else None)


def show(figures: Iterable[Figure]) -> None:
    """Print the table."""
    table = Table("scenario", "figure", "value", "unit", "ratio", "to", box=None, pad_edge=False)
    for column in (2, 4):
        table.columns[column].justify = "right"
    for figure in figures:
        table.add_row(figure.scenario, figure.name, _number(figure.value), figure.unit, "" if figure.ratio is None else f"{figure.ratio:.2f}", figure.to)
    Console(width=140).print(table)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"  # noqa: PLR2004 digits that matter


def write(path: Path, figures: Iterable[Figure], *, runs: int, long: bool) -> None:
    """Write the JSON file."""
    path.write_text(json.dumps({"runs": runs, "long": long, "figures": [figure._asdict() for figure in figures]}, indent=1), "utf-8")

"""Printing a result: as one JSON document, or for a person as lines and tables.

On a terminal tables are drawn by rich; into a pipe or a file goes plain text, aligned, without borders or colours, and rich
is not imported. Times are shown in the configured zone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Any

import click
import msgspec

from syncd.cli.lang import t
from syncd.model import Value


class Styled(Value):
    """A cell in a colour."""

    text: str
    style: str


Cell = str | Styled


class Table(Value):
    """Rows under headings, both in the language spoken."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]


Block = str | Table
_STYLES = {
    **dict.fromkeys(("delivered", "idle", "closed", "ok", "active"), "green"),
    **dict.fromkeys(("rejected", "dead", "open", "unauthorised", "failed", "paused"), "bold red"),
    **dict.fromkeys(("unavailable", "unknown", "busy", "half-open", "crossed", "warning", "draining", "gone"), "yellow"),
}


def headings(*names: str) -> tuple[str, ...]:
    """Column headings in the language spoken."""
    return tuple(t(name) for name in names)


def put(result: Any, human: Callable[[], Iterable[Block]], *, as_json: bool, zone: tzinfo) -> None:
    """Print a result as JSON, or what `human` makes of it."""
    if as_json:
        click.echo(document(result, zone))
    else:
        show(human())


def document(result: Any, zone: tzinfo, *, indent: int = 2) -> str:
    """A result as JSON text, its times with the offset of the zone; `indent` -1 for one line."""
    plain = _local(msgspec.to_builtins(result, builtin_types=(datetime,), enc_hook=str), zone)
    return msgspec.json.format(msgspec.json.encode(plain), indent=indent).decode()


def _local(value: Any, zone: tzinfo) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(zone)
    if isinstance(value, dict):
        return {name: _local(part, zone) for name, part in value.items()}
    return [_local(part, zone) for part in value] if isinstance(value, list) else value


def show(blocks: Iterable[Block]) -> None:
    """Print lines and tables for a person."""
    draw = _drawn if sys.stdout.isatty() else _aligned
    for block in blocks:
        if isinstance(block, str):
            click.echo(block)
        else:
            draw(block)


def _aligned(table: Table) -> None:
    rows = [table.columns, *(tuple(_text(cell) for cell in row) for row in table.rows)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(table.columns))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _drawn(table: Table) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as Drawing
    from rich.text import Text

    drawing = Drawing(*table.columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in table.rows:
        drawing.add_row(*(Text(_text(cell), style=cell.style if isinstance(cell, Styled) else "") for cell in row))
    Console().print(drawing)


def _text(cell: Cell) -> str:
    return cell.text if isinstance(cell, Styled) else cell


def word(text: str) -> Cell:
    """One of syncd's own words (an outcome, a state) in the language spoken, in its colour."""
    return Styled(text=t(text), style=_STYLES[text]) if text in _STYLES else t(text)


def moment(at: datetime | None, zone: tzinfo) -> str:
    """A time for a person; a dash where there is none."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") if at else "–"


def age(seconds: float | None) -> str:
    """A time span for a person, in its two largest units."""
    if seconds is None:
        return "–"
    left = round(seconds)
    parts: list[str] = []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if left >= length or (unit == "s" and not parts):
            parts.append(f"{left // length}{unit}")
            left %= length
    return " ".join(parts[:2])


def pairs(names: Sequence[tuple[str, str]]) -> Iterable[str]:
    """Names and values as aligned lines."""
    width = max(len(name) for name, _ in names)
    return [f"{name.ljust(width)}  {value}" for name, value in names]


def inline(value: Any) -> str:
    """A value on one line, as JSON, which for these is also TOML."""
    return msgspec.json.encode(value).decode()

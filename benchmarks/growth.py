"""What syncd would need from one province to the whole country: `python -m benchmarks.growth [--dossiers N] [--outage H] … [--json FILE]`.

Nothing is measured here: the figures follow from a year's dossiers, the offices' hours and what one call and one row cost, which
are parameters too; their defaults were measured, see `docs/scale.md`. After an outage the backlog is worked off minute by minute, while
the offices go on: changes of one dossier that waited together cost one record, and its steps go ten in a call.
"""

from __future__ import annotations

import argparse
import json
from math import ceil, exp
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

MINUTE, HOUR = 60.0, 3600.0
LONGEST_DAYS = 60  #: a backlog that takes longer is not worked off


class Terms(NamedTuple):
    """What there is to do, and with what."""

    name: str = "province"
    dossiers: float = 300_000  #: a year
    steps: float = 5  #: of a dossier; each changes its record too
    targets: int = 2
    days: int = 250  #: on which the offices work, a year
    hours: int = 8  #: that they work on such a day
    peak: float = 3.0  #: the busiest hour of a day, to its mean hour
    open_days: float = 7.0  #: working days that a dossier is open
    latency: float = 0.2  #: seconds that a target takes to answer
    workers: int = 16  #: calls at once, of one node at one target
    nodes: int = 1
    processor: float = 0.0012  #: seconds of a processor for a call, database included
    outage: float = 4.0  #: hours that a target is away, from the busiest hour on
    steps_per_call: int = 10
    keep_days: int = 400  #: that attempts are kept


class Weights(NamedTuple):
    """Bytes of a row, its share of the indexes included, on PostgreSQL."""

    snapshot: float = 1980
    step: float = 380
    ledger: float = 820
    change: float = 210
    attempt: float = 1030
    log: float = 5000  #: written ahead for a call: attempt, ledger row, and their share of whole pages


class Demand(NamedTuple):
    """What follows for a year."""

    calls_a_year: float  #: at all targets
    mean: float  #: calls a second while the offices work
    peak: float  #: in the busiest hour
    workers: float  #: calls that are under way then
    cores: float  #: for those calls
    rows: dict[str, float]  #: of a year, by table
    bytes: dict[str, float]
    kept: float  #: bytes of attempts as long as they are kept
    log_peak: float  #: bytes a second written ahead in the busiest hour


class Recovery(NamedTuple):
    """After an outage of one target."""

    backlog: float  #: calls that wait at its end
    hours: float  #: until nothing waits any more; infinite where it never does
    capacity: float  #: calls a second at that target


def demand(terms: Terms, weights: Weights) -> Demand:
    """Rates, rows and bytes."""
    events = terms.dossiers * (1 + terms.steps)
    calls = 2 * events * terms.targets  # the record and its step
    mean = calls / (terms.days * terms.hours * HOUR)
    rows = {
        "snapshot": terms.dossiers,
        "step": events,
        "ledger": terms.dossiers * terms.targets,
        "change": events,
        "attempt": calls,
    }
    sizes = {table: count * getattr(weights, table) for table, count in rows.items()}
    peak = mean * terms.peak
    return Demand(
        calls_a_year=calls,
        mean=mean,
        peak=peak,
        workers=peak * terms.latency,
        cores=peak * terms.processor,
        rows=rows,
        bytes=sizes,
        kept=sizes["attempt"] * terms.keep_days / 365,
        log_peak=peak * weights.log,
    )


def share(terms: Terms, hour: int) -> float:
    """What part of a day's changes falls into that hour of the day; the second hour of work is the busiest."""
    busiest = min(terms.peak, terms.hours) / terms.hours
    if not 0 <= hour < terms.hours:
        return 0.0
    return busiest if hour == min(1, terms.hours - 1) else (1 - busiest) / (terms.hours - 1)


def waiting_calls(terms: Terms, changes: float) -> float:
    """Calls that so many changes cost when they go together: a record for each dossier that changed, its steps ten in a call."""
    open_dossiers = terms.dossiers / terms.days * terms.open_days
    changed = open_dossiers * (1 - exp(-changes / open_dossiers))
    return changed * (1 + ceil(max(1.0, changes / changed) / terms.steps_per_call)) if changed else 0.0


def recover(terms: Terms) -> Recovery:
    """Let one target be away from the busiest hour on, and work off what has waited."""
    capacity = min(terms.nodes * terms.workers / terms.latency, terms.nodes / terms.processor)
    changes_a_day = terms.dossiers * (1 + terms.steps) / terms.days
    begin = min(1, terms.hours - 1) * 60
    end = begin + round(terms.outage * 60)
    missed = sum(changes_a_day * share(terms, minute // 60 % 24) / 60 for minute in range(begin, end))
    backlog = left = waiting_calls(terms, missed)
    minute = end
    while left > 0 and minute < end + LONGEST_DAYS * 24 * 60:
        left = max(0.0, left + 2 * changes_a_day * share(terms, minute // 60 % 24) / 60 - capacity * MINUTE)
        minute += 1
    return Recovery(backlog, (minute - end) / 60 if left <= 0 else float("inf"), capacity)


SCALES = (
    Terms(),
    Terms("34 provinces", dossiers=34 * 300_000, nodes=8),
    Terms("national", dossiers=50_000_000, steps=8, nodes=32),
)


def lines(terms: Terms, weights: Weights) -> dict[str, float]:
    """The figures of one size, by name."""
    wanted, after = demand(terms, weights), recover(terms)
    rows = {f"rows a year: {table}": count for table, count in wanted.rows.items()}
    sizes = {f"GB a year: {table}": size / 1e9 for table, size in wanted.bytes.items()}
    return {
        "dossiers a year": terms.dossiers,
        "calls a year": wanted.calls_a_year,
        "calls/s, mean": wanted.mean,
        "calls/s, busiest hour": wanted.peak,
        "calls under way then": wanted.workers,
        "cores then": wanted.cores,
        **rows,
        **sizes,
        f"GB of attempts in {terms.keep_days} days": wanted.kept / 1e9,
        "MB/s written ahead, busiest hour": wanted.log_peak / 1e6,
        "nodes": terms.nodes,
        "capacity at one target, calls/s": after.capacity,
        f"calls waiting after {terms.outage:g} h": after.backlog,
        "hours until nothing waits": after.hours,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    for kind in (Terms, Weights):
        for name, default in kind._field_defaults.items():
            if name != "name":
                parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), help=f"default {default}, or by size")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    path = given.pop("json", None)
    weights = Weights(**{name: given.pop(name) for name in Weights._fields if name in given})
    found = {terms.name: lines(terms._replace(**given), weights) for terms in SCALES}
    table = Table("", *found, box=None, pad_edge=False)
    for name in next(iter(found.values())):
        table.add_row(name, *(f"{figures[name]:,.0f}" if figures[name] >= 100 else f"{figures[name]:,.2f}" for figures in found.values()))  # noqa: PLR2004
    Console(width=140).print(table)
    if path:
        path.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()

"""The scenarios, in one command: `python -m benchmarks [--long] [--runs N] [--json FILE] [S1 S2 …]`.

Each scenario runs its baselines in the same call and reports what it found as a ratio to them; `docs/performance.md` explains the figures.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import bursts, first_load, killed, latency, nodes, one_a_call, polling
from benchmarks.figures import Figure, Scale, medians, show, write
from benchmarks.ground import put_away

SCENARIOS: dict[str, Callable[[Scale], Iterator[Figure]]] = {
    "S1": one_a_call.without_latency,
    "S2": one_a_call.with_latency,
    "S3": bursts.bursts,
    "S4": killed.killed,
    "S5": first_load.first_load,
    "S6": polling.reading_a_one_stop,
    "S7": latency.from_commit_to_answer,
    "S8": nodes.nodes,
}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="S1", help=f"of {', '.join(SCENARIOS)}; default: all")
    parser.add_argument("--long", action="store_true", help="the sizes whose figures are quoted, instead of those of ten minutes")
    parser.add_argument("--runs", type=int, default=1, help="how often each is run; the figures are medians")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    given = parser.parse_args()
    figures = []
    try:
        for name in given.scenarios or SCENARIOS:
            began = time.monotonic()
            figures += medians([list(SCENARIOS[name](Scale(given.long))) for _ in range(given.runs)])
            print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
    finally:
        put_away()
    show(figures)
    if given.json:
        write(given.json, figures, runs=given.runs, long=given.long)


if __name__ == "__main__":
    main()

"""A reconciliation in a process that may be killed at any moment: python -m tests.reconcile.mortal KIND URL FILE COUNT

Each question that the target answered is a line of the file; what the run ended with is the last line of the output.
"""

from __future__ import annotations

import sys
from pathlib import Path

from syncd.calls import Portion, Standing
from syncd.store.evidence import Run, Scope
from syncd.store.matters import Routes
from tests.engine.engine import Engine
from tests.reconcile.offices import PRESENT, Archive, Office
from tests.reconcile.sides import Hall, Oracle, Province


def dossiers(url: str, file: Path, count: int) -> tuple[Run, int]:
    """Of a target that has them all."""

    class Noting(Oracle):
        def look_up(self, portion: Portion) -> Standing | None:
            standing = super().look_up(portion)
            note(file, portion)
            return standing

    target, source = Noting(), Province(count)
    target.records = {row.dossier.code: row.dossier for row in source.rows.values()}
    target.steps = {row.dossier.code: [each.id for each in row.steps] for row in source.rows.values()}
    hall = Hall(Engine(url, target), source, workers=2)
    run = hall.compare()
    return run, len(hall.found(run))


def drafts(url: str, file: Path, count: int) -> tuple[Run, int]:
    """Of a document system that has them all."""

    def noting(portion: Portion) -> Standing | None:
        note(file, portion)
        return PRESENT

    hall = Archive(Engine(url, Office(), routes=Routes([], {"office": ()})), count, workers=2)
    hall.office.answer = noting
    run = hall.compare(Scope(full=True))
    return run, len(hall.found(run))


def note(file: Path, portion: Portion) -> None:
    with file.open("a", encoding="utf-8") as answered:
        answered.write(f"{portion.subject}\n")


if __name__ == "__main__":
    kind, url, name, count = sys.argv[1:]
    ended, found = {"dossiers": dossiers, "drafts": drafts}[kind](url, Path(name), int(count))
    sys.stdout.write(f"{ended.id} {ended.counts['checked']} {found}\n")

"""What a comparison of one-stop and ledger costs, by the number of dossiers: time, memory, and time for each relative to the smallest run.

Run it from the repository: `python benchmarks/reconcile.py`, with `--million` for the largest. The one-stop is a script that makes each
dossier when it is read; the state is a SQLite file in a temporary folder, filled by the real intake and marked as delivered. Each size
has a process of its own; memory is the most that it ever held, filling left out.
"""

from __future__ import annotations

import argparse
import cProfile
import multiprocessing
import pstats
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from benchmarks import memory
from syncd.asking import Asking
from syncd.calls import Outcome, Portion, Standing
from syncd.clock import SystemClock
from syncd.config import Reconcile
from syncd.crypto import KEY_BYTES, Cipher
from syncd.model import Agency, Cursor, Dossier, Owner, Page, Paper, Snapshot, Status, Step
from syncd.reconcile import Reconciling, Store
from syncd.store import migrations
from syncd.store.database import open_database
from syncd.store.evidence import Evidence, Scope
from syncd.store.intake import Intake
from syncd.store.ledger import Ledger
from syncd.store.matters import Routes
from syncd.store.readback import ReadBack
from syncd.store.schema import ledger

SIZES = (10_000, 100_000)
MILLION = 1_000_000
PAGE = 1000
LIMIT_MB = 200
START = datetime(2020, 1, 1, 1, tzinfo=UTC)


class Script:
    """A one-stop of so many dossiers that exist only while they are read."""

    def __init__(self, count: int) -> None:
        self.count = count

    def sweep(self, after: int = 0) -> Iterator[Page]:
        """Pages of dossiers with three steps and two papers each."""
        for first in range(after + 1, self.count + 1, PAGE):
            last = min(first + PAGE - 1, self.count)
            yield Page(snapshots=tuple(snapshot(number) for number in range(first, last + 1)), cursor=Cursor(id=last), rows=last - first + 1)

    def fetch(self, code: str) -> tuple[Page, ...]:
        """Nobody asks for one dossier here."""
        return ()


class Mute:
    """A target that cannot be asked."""

    name = "portal"
    longest = timedelta(seconds=30)

    def look_up(self, portion: Portion) -> Standing | None:
        """An answer that agrees."""
        return Standing(outcome=Outcome.DELIVERED, exists=True)

    def holdings(self, first: date, last: date) -> Sequence[str] | None:
        """It does not list what it has."""
        return None


def snapshot(number: int) -> Snapshot:
    """An invented dossier."""
    agency = number % 120
    dossier = Dossier(
        code=f"000.00.{agency:02}.H03-{200101 + number % 28}-{number:07}",
        source_id=number,
        procedure_code="1.001193",
        procedure_name="Đăng ký khai sinh",
        owner=Owner(kind="citizen", name=f"Nguyễn Văn Mẫu {number}", identity=f"0060990{number:06}", address="tổ 4, phường Mẫu, tỉnh Bắc Kạn"),
        agency=Agency(code=f"000.00.{agency:02}.H03", name=f"UBND xã số {agency}"),
        status=Status.PROCESSED,
        received_at=START + timedelta(minutes=number * 2),
        due_at=START + timedelta(minutes=number * 2, days=5),
        papers=tuple(Paper(id=f"{number}-{place}", name="Tờ khai", link="https://kho.example/1") for place in range(2)),
    )
    steps = tuple(Step(id=number * 3 + place, officer="Nông Văn Mẫu", content="xử lý", status=Status.PROCESSING) for place in range(3))
    return Snapshot(dossier=dossier, steps=steps)


def fill(url: str, count: int) -> None:
    """A state that holds all of it as delivered a year ago."""
    database = open_database(url)
    migrations.ensure(database)
    intake = Intake(database, Cipher([b"k" * KEY_BYTES], compact=True), SystemClock(), Routes(["portal"]))
    for page in Script(count).sweep():
        changed, known = intake.compare(page)
        intake.take(changed, known, None)
    sent = {"state": "idle", "created": True, "sent_digest": ledger.c.wanted_digest, "sent_version": 1, "steps_sent": ledger.c.steps_wanted}
    now = datetime.now(UTC)
    with database.write() as connection:
        connection.execute(ledger.update().values(**sent, sent_at=now - timedelta(days=10), asked_at=now))
    database.close()


def compare(url: str, count: int, profile: bool, found: Any) -> None:
    """One comparison in this process; its figures go to `found`."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    database, clock = open_database(url), SystemClock()
    cipher = Cipher([b"k" * KEY_BYTES], compact=True)
    intake = Intake(database, cipher, clock, Routes(["portal"]))
    store = Store(ReadBack(database, Ledger(database, cipher, "n1"), "portal"), Evidence(database))
    options = Reconcile.model_validate({"budget": 0, "period": "3650d"})
    asking = Asking(Mute(), options, clock, threading.Event())  # type: ignore[arg-type]
    side = Reconciling(asking, Script(count), intake, store, ZoneInfo("Asia/Ho_Chi_Minh"))  # type: ignore[arg-type]
    profiler = cProfile.Profile()
    began = time.perf_counter()
    if profile:
        profiler.enable()
    run = side.compare("benchmark", Scope())
    profiler.disable()
    seconds = time.perf_counter() - began
    assert (run.counts["checked"], run.counts["drifted"]) == (count, 0)
    if profile:
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(35)
    found.put((seconds, run.counts["asked"], memory.peak()))


def figures(count: int, *, profile: bool) -> tuple[float, int, float]:
    """Seconds, questions and megabytes of one size."""
    spawning = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/state.db"
        filling = spawning.Process(target=fill, args=(url, count))
        filling.start()
        filling.join()
        answers = spawning.Queue()
        comparing = spawning.Process(target=compare, args=(url, count, profile, answers))
        comparing.start()
        found: tuple[float, int, float] = answers.get()
        comparing.join()
    return found


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    base = 0.0
    print(f"{'dossiers':>10} {'seconds':>9} {'µs each':>9} {'ratio':>6} {'asked':>6} {'peak MB':>8}")
    for count in (*SIZES, *([MILLION] if given.million else [])):
        seconds, asked, peak = figures(count, profile=given.profile)
        each = seconds / count * 1e6
        base = base or each
        print(f"{count:>10,} {seconds:>9.1f} {each:>9.1f} {each / base:>6.2f} {asked:>6} {peak:>8.0f}")
        assert peak <= LIMIT_MB, f"more than {LIMIT_MB} MB"


if __name__ == "__main__":
    main()

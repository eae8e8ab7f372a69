"""Poll: what changed in the one-stop becomes ledger rows.

A page is compared with what is stored, and what differs is committed together with the cursor; only then is the next page
asked for (law L1). The nightly sweep does the same for every dossier in order of its key, and finds what no poll can see: a
row whose modification time was never raised, a code table that changed. It remembers how far it came.

Law L8: a one-stop that changed more than a share of its known dossiers in one poll, shows many as they were some time ago, or is
suddenly empty, does not look like itself (a restore, a broken migration, the wrong database). Nothing of it is taken over; the suspicion is
written on the board, deliveries rest, and a person says `syncd source accept` or repairs the one-stop. A source that
was accepted is read from its beginning: whatever the cursor said belonged to another life of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import structlog

from syncd.clock import Clock
from syncd.errors import MovedOn, SuspiciousSource
from syncd.metrics import Metrics
from syncd.model import Page, Value
from syncd.options import SourceOptions
from syncd.ports import Source
from syncd.store.board import Board, Fence
from syncd.store.intake import Intake, Taken, read_cursor
from syncd.store.prepared import BACK, FEW_BACK

log = structlog.get_logger()

FEW = 200  #: so many changes at once surprise nobody, however small the province


class Polled(Value):
    """What one poll or sweep brought."""

    rows: int = 0
    new: int = 0
    changed: int = 0
    back: int = 0  #: of them, those that look as they did before
    unpublished: int = 0
    skipped_steps: int = 0

    def plus(self, page: Page, taken: Taken, back: int) -> Polled:
        """With one more page."""
        return Polled(
            rows=self.rows + page.rows,
            new=self.new + taken.new,
            changed=self.changed + taken.changed,
            back=self.back + back,
            unpublished=self.unpublished + page.unpublished,
            skipped_steps=self.skipped_steps + page.skipped_steps,
        )


class _Limit(NamedTuple):
    """How many known dossiers may surprise in one poll: a few, or a share of them where that is more. They are counted only when
    a page goes beyond the few: a poll that finds little costs the same however many there are."""

    few: int
    share: float

    def exceeded(self, number: int, known: Callable[[], int]) -> int | None:
        """The limit, where the number is beyond it."""
        limit = self.few if number <= self.few else max(self.few, self.share * known())
        return round(limit) if number > limit else None


class Poller:
    """Reads one source into the state."""

    def __init__(self, source: Source, options: SourceOptions, intake: Intake, board: Board, clock: Clock, metrics: Metrics) -> None:
        self.source = source
        self.options = options
        self.intake = intake
        self.board = board
        self.clock = clock
        self.metrics = metrics
        self._reading = threading.Lock()
        self.proceed: Callable[[], bool] = lambda: True  #: asked after each page; no = stop here, the rest comes next time

    def poll(self, *, force: bool = False, fence: Fence | None = None) -> Polled:
        """Take in everything that changed since the last poll. Raises `SuspiciousSource`, `SourceError`, `StoreUnavailable`."""
        trusted = self._trusted(force)
        began = self.clock.monotonic()
        cursor = None if trusted else read_cursor(self.intake.database)
        total = self._take_in(self.source.poll(cursor), trusted, fence, sweeping=False)
        if not self.proceed():
            return total
        lag = self.source.lag()
        self.metrics.poll_lag(lag or 0.0)
        settled: dict[str, Any] = {"suspicion": "", "accepted": False} if trusted else {}  # what others have noted since this poll began is theirs
        self.board.note_source(fence=fence, polled_at=self.clock.now(), lag=lag, **settled)
        if total.new or total.changed:
            milliseconds = round((self.clock.monotonic() - began) * 1000)
            log.info("poll_done", rows=total.rows, new=total.new, changed=total.changed, unpublished=total.unpublished, duration_ms=milliseconds)
        return total

    def sweep(self, *, force: bool = False, fence: Fence | None = None) -> Polled:
        """Read every dossier once more, going on where an interrupted sweep stopped."""
        trusted = self._trusted(force)
        total = self._take_in(self.source.sweep(self.board.source().sweep_after), trusted, fence, sweeping=True)
        if not self.proceed():
            return total
        self._report_vanished(None)
        self.board.note_source(fence=fence, sweep_after=0, swept_at=self.clock.now())
        log.info("sweep_done", rows=total.rows, new=total.new, changed=total.changed, unpublished=total.unpublished)
        return total

    def _trusted(self, force: bool) -> bool:
        note = self.board.source()
        if note.suspicion and not (force or note.accepted):
            raise SuspiciousSource(note.suspicion, hint="look at the one-stop; if it is right: syncd source accept")
        return force or note.accepted

    def _take_in(self, pages: Iterator[Page], trusted: bool, fence: Fence | None, *, sweeping: bool) -> Polled:
        """Commit page after page; what they brought. A page is read and committed before poll or sweep read another one: an
        older reading never replaces a newer one, and what one of them suspects the other does not take over."""
        total = Polled()
        while True:
            with self._reading:
                self._trusted(trusted)
                with self._noting_suspicion(fence):
                    page = next(pages, None)
                    if page is None:
                        break
                    total = self._take_page(page, total, fence, trusted=trusted, sweeping=sweeping)
            if not self.proceed():
                break
        return total

    @contextmanager
    def _noting_suspicion(self, fence: Fence | None) -> Iterator[None]:
        try:
            yield
        except SuspiciousSource as suspicion:
            self.board.note_source(fence=fence, suspicion=suspicion.message)
            log.error("source_suspicious", error=suspicion.message, hint="nothing is sent until a person has looked: syncd source accept")
            raise

    def _suspect(self, overwritten: int, back: int, new: int) -> None:
        """Raise `SuspiciousSource` where so many known dossiers changed, or went back, in this poll, which took in so many new ones."""

        def known() -> int:
            return self.board.dossiers() - new

        if (limit := _Limit(FEW, self.options.surprise).exceeded(overwritten, known)) is not None:
            raise SuspiciousSource(f"{overwritten} known dossiers changed at once (more than {limit})")
        if (limit := _Limit(FEW_BACK, BACK).exceeded(back, known)) is not None:
            raise SuspiciousSource(f"{back} known dossiers show fewer steps than before (more than {limit}): was a backup restored?")

    def _take_page(self, page: Page, total: Polled, fence: Fence | None, *, trusted: bool, sweeping: bool) -> Polled:
        changed, known = self.intake.compare(page)
        overwritten, back = sum(each.subject in known for each in changed), len(self.intake.went_back(changed, known))
        if not trusted and (overwritten or back):
            self._suspect(total.changed + overwritten, total.back + back, total.new)
        try:
            taken = self.intake.take(changed, known, None if sweeping else page.cursor, fence)
        except MovedOn:  # a repair has read some of them since; the next poll reads what changed after this page was read
            return self._take_page(page, total, fence, trusted=trusted, sweeping=sweeping)
        if sweeping:
            self._report_vanished(page)
            self.board.note_source(fence=fence, sweep_after=page.cursor.id)
        self.metrics.changes(taken.new + taken.changed)
        return total.plus(page, taken, back)

    def _report_vanished(self, page: Page | None) -> None:
        """Say which known dossiers are missing between where the sweep stood and this page, or from there to the end. Their
        targets are told nothing: that a row is gone is no word of the citizen's or the officer's."""
        after = self.board.source().sweep_after
        present = {each.dossier.source_id for each in page.snapshots} if page else set()
        for code in self.intake.missing(after, page.cursor.id if page else None, present):
            log.warning("dossier_vanished", dossier=code, hint="the one-stop no longer publishes it; the targets keep what they were told")

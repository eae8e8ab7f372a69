"""The arithmetic of growth: rates, rows and catching up, on figures that can be reckoned by hand."""

from __future__ import annotations

import json
import sys
from math import inf, isclose
from pathlib import Path

import pytest

from benchmarks import growth
from benchmarks.growth import SCALES, Terms, Weights, demand, recover, share, waiting_calls

PLAIN = Terms(dossiers=36_000, steps=1, targets=1, days=10, hours=10, peak=2.0, open_days=1, latency=0.5, workers=4, processor=0.01, outage=1)


def test_rates_follow_from_the_hours_that_offices_work() -> None:
    found = demand(PLAIN, Weights(log=100))
    assert found.calls_a_year == 144_000  # 36,000 dossiers, 2 events each, a record and a step for each
    assert found.mean == 0.4  # in 360,000 seconds
    assert (found.peak, found.workers, found.cores, found.log_peak) == (0.8, 0.4, 0.008, 80)


def test_rows_and_bytes_follow_from_what_happens_to_a_dossier() -> None:
    found = demand(PLAIN._replace(targets=3, keep_days=73), Weights(snapshot=10, step=1, ledger=2, change=1, attempt=5))
    assert found.rows == {"snapshot": 36_000, "step": 72_000, "ledger": 108_000, "change": 72_000, "attempt": 432_000}
    assert found.bytes == {"snapshot": 360_000, "step": 72_000, "ledger": 216_000, "change": 72_000, "attempt": 2_160_000}
    assert found.kept == 432_000


def test_the_changes_of_a_day_are_spread_over_its_hours() -> None:
    for terms in (PLAIN, Terms(), Terms(hours=1), Terms(peak=20)):
        assert isclose(sum(share(terms, hour) for hour in range(24)), 1)
    assert share(PLAIN, 1) == 0.2
    assert share(PLAIN, 12) == 0


def test_changes_that_waited_together_share_a_record_and_a_call_for_their_steps() -> None:
    assert waiting_calls(PLAIN, 0) == 0
    few = waiting_calls(PLAIN, 1)
    assert 1.9 < few <= 2
    many = waiting_calls(PLAIN, 30_000)
    assert isclose(many, 3600 * 2, rel_tol=0.01)  # each of the 3,600 that are open, with some eight steps
    assert waiting_calls(PLAIN, 72_000) < 36_000


def test_a_backlog_is_worked_off_with_what_is_left_of_the_capacity() -> None:
    found = recover(PLAIN)
    assert found.capacity == 8  # 4 workers, 0.5 s
    assert 2000 < found.backlog < 2 * 1440  # 1,440 changes in the busiest hour
    rest = 7200 * 0.8 / 9 / 3600 * 2  # calls a second that come in meanwhile
    assert found.hours * 3600 == pytest.approx(found.backlog / (8 - rest), abs=60)


def test_a_backlog_waits_for_ever_where_the_capacity_does_not_suffice() -> None:
    assert recover(PLAIN._replace(latency=600)).hours == inf


def test_processors_bound_what_workers_could_do() -> None:
    assert recover(PLAIN._replace(latency=0.001, processor=0.1, nodes=3)).capacity == 30


def test_the_script_prints_every_size_and_writes_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "growth.json"
    monkeypatch.setattr(sys, "argv", ["growth", "--outage", "8", "--step", "400", "--json", str(path)])
    growth.main()
    assert "national" in capsys.readouterr().out
    written = json.loads(path.read_text("utf-8"))
    assert set(written) == {terms.name for terms in SCALES}
    assert written["province"]["rows a year: snapshot"] == 300_000
    assert "calls waiting after 8 h" in written["national"]

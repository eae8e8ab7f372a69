"""Results for programs and for people."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import click
import pytest

from syncd.cli.options import instant, moment, span
from syncd.cli.render import Table, age, document, headings, inline, put, show, word

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NOON = datetime(2025, 7, 1, 5, 0, tzinfo=UTC)


def test_times_in_json_have_the_offset_of_the_zone() -> None:
    assert document({"at": NOON, "all": [NOON]}, HANOI, indent=-1) == '{"at":"2025-07-01T12:00:00+07:00","all":["2025-07-01T12:00:00+07:00"]}'


def test_json_is_asked_for_or_people_are_spoken_to(capsys: pytest.CaptureFixture[str]) -> None:
    put({"n": 1}, lambda: ["one"], as_json=True, zone=HANOI)
    put({"n": 1}, lambda: ["one"], as_json=False, zone=HANOI)
    assert capsys.readouterr().out.split() == ["{", '"n":', "1", "}", "one"]


def test_a_table_in_a_pipe_is_plain_and_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    show([Table(columns=headings("target", "due"), rows=[("dvcqg", "7"), ("a-longer-name", word("dead"))])])
    assert capsys.readouterr().out.splitlines() == ["target         due", "dvcqg          7", "a-longer-name  dead"]


def test_a_table_on_a_terminal_is_drawn() -> None:
    program = "from syncd.cli.render import *; show([Table(columns=('target',), rows=[(word('dead'),)])])"
    near, far = pty.openpty()
    subprocess.run([sys.executable, "-c", program], stdout=far, check=True, env={**os.environ, "TERM": "xterm-256color"})
    os.close(far)
    drawn = os.read(near, 10_000).decode()
    os.close(near)
    assert "─" in drawn
    assert "\x1b[1;31mdead" in drawn


@pytest.mark.parametrize(("seconds", "text"), [(None, "–"), (0, "0s"), (59.6, "1m"), (61, "1m 1s"), (3600, "1h"), (90061, "1d 1h")])
def test_an_age_is_told_in_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert age(seconds) == text


def test_a_value_stands_on_one_line() -> None:
    assert inline(["30s", 2, True]) == '["30s",2,true]'


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2025-06-30", datetime(2025, 6, 29, 17, 0, tzinfo=UTC)),
        ("2025-06-30T08:00", datetime(2025, 6, 30, 1, 0, tzinfo=UTC)),
        ("2025-06-30T08:00:00+00:00", datetime(2025, 6, 30, 8, 0, tzinfo=UTC)),
        ("2h", NOON - timedelta(hours=2)),
        ("1d12h", NOON - timedelta(hours=36)),
    ],
)
def test_moments_are_written_as_people_write_them(text: str, meant: datetime) -> None:
    assert instant(moment(text), NOON, HANOI) == meant


def test_no_moment_is_none() -> None:
    assert instant(None, NOON, HANOI) is None


@pytest.mark.parametrize("text", ["yesterday", "2025-13-01", ""])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        moment(text)


def test_a_date_is_no_duration() -> None:
    assert span("15m") == timedelta(minutes=15)
    with pytest.raises(click.BadParameter):
        span("2025-06-30")

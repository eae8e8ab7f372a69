"""The reference in the documentation is that of the commands as they are."""

from __future__ import annotations

from pathlib import Path

from tests.cli.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_reference_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == reference(), "make it anew: python -m tests.cli.reference > docs/cli.md"


def test_every_option_has_a_line_of_help() -> None:
    assert [line for line in reference().splitlines() if line.startswith("| `") and line.endswith("|  |")] == []

"""Everything wrong in a one-stop mapping is found before a row is read; small rules on their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connectors._onestop.mapping import build, load, transforms
from connectors._onestop.settings import Condition
from connectors._onestop.window import Window
from syncd.agency import covers, groups
from syncd.errors import ConfigurationError
from syncd.mapping_file import locate, parse

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def mistakes(change: Callable[[str], str]) -> dict[str, str]:
    """What is found in the shipped mapping after a change, by field."""
    with pytest.raises(ConfigurationError) as caught:
        build(parse(change(locate("opencps-v2", "onestop")[1].decode()).encode(), "own.toml"), zone=ZONE, where="own.toml")
    return {problem.field: problem.reason for problem in caught.value.problems}


@pytest.mark.parametrize("name", ["opencps-v2", "views"])
def test_the_shipped_mappings_compile(name: str) -> None:
    assert load(name, overlay=None, zone=ZONE).compiled.name == name


def test_all_mistakes_are_found_together() -> None:
    found = mistakes(
        lambda text: (
            text.replace('done = "returned"', 'done = "over"')
            .replace('10 = "returned"', '10 = [{ code = "returned" }]')
            .replace("[shapes.agency]", "[shapes.office]")
            .replace('code = { from = "dossierNo"', 'status = { value = "x" }\ncode = { from = "dossierNo"')
            .replace("portal_code = {", 'color = { value = "x" }\nportal_code = {')
            .replace('lookup = "statusmapping"', 'lookup = "nowhere"')
            .replace('lookup = "processstep"', 'lookup = "nowhere"')
            .replace('by = ["applicantIdNo"]', 'by = ["applicantIdNo", "applicantId"]')
            .replace('value = "onestop" }', 'value = "moon" }')
            .replace("return_by_post = [", "weather = [")
        )
    )
    assert set(found) == {
        "tables.status.done",
        "tables.codes.10",
        "shapes.agency",
        "shapes.dossier.status",
        "shapes.portal.color",
        "settings.status.lookup",
        "settings.steps.after.lookup",
        "settings.lookups.applicant",
        "settings.choices.origin",
        "settings.choices.weather",
    }


def test_a_setting_that_is_unknown_or_missing_is_named_with_its_path() -> None:
    found = mistakes(lambda text: text.replace('scan = "dossierStatus"', 'scn = "dossierStatus"').replace('modified = "modifiedDate"', ""))
    assert set(found) == {"own.toml: settings.dossier.scn", "own.toml: settings.dossier.modified"}


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("000.00.00.H03", ("H03",)),
        ("H03", ("H03",)),
        (" h03.14.05 ", ("H03", "14", "05")),
        ("000.05.14.H03", ("H03", "14", "05")),
        ("001.05.14.H03", ("H03", "14", "05", "001")),
        ("UBND.XA", ("UBND.XA",)),
        ("", ()),
    ],
)
def test_both_notations_of_an_agency_give_the_same_groups(code: str, parts: tuple[str, ...]) -> None:
    assert groups(code) == parts


def test_a_scope_covers_the_units_under_it_and_no_others() -> None:
    inside = covers(["000.00.14.H03", "SO-TC"])
    assert [inside(code) for code in ("H03.14", "000.07.14.H03", "H03.14.07", "SO-TC")] == [True] * 4
    assert [inside(code) for code in ("H03", "H03.15", "000.14.00.H49", "SO-TP", "")] == [False] * 5
    assert covers([])("")


@pytest.mark.parametrize(
    ("condition", "value", "holds"),
    [
        (Condition(column="x"), "a", True),
        (Condition(column="x"), "", False),
        (Condition(column="x", absent=True, among=(0,)), None, True),
        (Condition(column="x", among=(0, 5)), False, True),
        (Condition(column="x", among=(0, 5)), 3, False),
        (Condition(column="x", above=1), 2, True),
        (Condition(column="x", above=0), True, True),
        (Condition(column="x", above=1), "2", True),
        (Condition(column="x", above=1), "nhiều", False),
        (Condition(column="x", above=1), float("nan"), False),
        (Condition(column="x", above=1), b"\x07", False),
    ],
)
def test_conditions(condition: Condition, value: object, holds: bool) -> None:
    assert condition.holds({"x": value}) is holds


def test_times_of_a_database_become_instants() -> None:
    local = transforms(ZONE)["local"]
    noon = datetime(2026, 3, 2, 12, tzinfo=ZONE)
    assert local(datetime(2026, 3, 2, 12)) == local("2026-03-02 12:00:00") == local("2026-03-02T12:00:00") == noon  # noqa: DTZ001
    assert local(noon.astimezone(ZoneInfo("UTC"))) == noon
    assert local(date(2026, 3, 2)) == datetime(2026, 3, 2, tzinfo=ZONE)
    for absurd in ("hôm qua", 7):
        with pytest.raises(ValueError, match="is not a date"):
            local(absurd)


NOON = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - the source's own time has no zone


def stamp(seconds: float) -> str:
    """A modification time near noon."""
    return (NOON + timedelta(seconds=seconds)).isoformat(" ")


def test_a_sight_settles_when_something_two_seconds_newer_has_been_read() -> None:
    window = Window(page=10)
    window.note({1: stamp(-9), 2: stamp(-2), 3: stamp(-1)}, NOON)
    keys = [(1, stamp(-9)), (2, stamp(-2)), (3, stamp(-1)), (4, stamp(-1))]
    assert window.unread(keys) == [2, 3, 4]


def test_a_time_with_a_fraction_settles_within_a_tenth_of_a_second() -> None:
    window = Window(page=10)
    window.note({1: stamp(-1.15), 2: stamp(-1.01), 3: stamp(-1.001)}, NOON)
    assert window.unread([(1, stamp(-1.15)), (2, stamp(-1.01)), (3, stamp(-1.001))]) == [2, 3]
    window.note({2: stamp(-1.01), 3: stamp(-1.001)}, NOON + timedelta(seconds=0.1))
    assert window.unread([(2, stamp(-1.01)), (3, stamp(-1.001))]) == []


def test_zeros_are_no_fraction() -> None:
    window = Window(page=10)
    window.note({1: "2026-03-02 11:59:59.000000+07:00", 2: "2026-03-02 11:59:59.500000+07:00"}, NOON)
    assert window.unread([(1, "2026-03-02 11:59:59.000000+07:00")]) == [1]


def test_a_crowded_window_is_listed_whole_once_in_a_while() -> None:
    window, span = Window(page=10), timedelta(seconds=15)
    assert window.whole_due(NOON, span)
    window.note_whole(NOON, 10)
    assert window.whole_due(NOON, span)
    window.note_whole(NOON, 11)
    assert [window.whole_due(NOON + timedelta(seconds=after), span) for after in (0, 14, 15, -1)] == [False, False, True, True]


def test_a_sight_settles_when_it_is_confirmed_two_seconds_later() -> None:
    window = Window(page=10)
    window.note({1: stamp(-1)}, NOON)
    window.note({1: stamp(-1)}, NOON + timedelta(seconds=1))
    assert window.unread([(1, stamp(-1))]) == [1]
    window.note({1: stamp(-1)}, NOON + timedelta(seconds=2))
    assert window.unread([(1, stamp(-1))]) == []
    assert window.unread([(1, stamp(0))]) == [1]


def test_a_row_from_the_future_settles_no_other() -> None:
    window = Window(page=10)
    window.note({1: stamp(3600), 2: stamp(-1)}, NOON)
    assert window.unread([(2, stamp(-1))]) == [2]


def test_the_window_forgets_what_lies_before_it() -> None:
    window = Window(page=2)
    window.note({key: stamp(key - 100) for key in range(50)}, NOON)
    window.prune(stamp(-60))
    assert len(window) == 10
    window.prune(stamp(-55))
    assert len(window) == 10

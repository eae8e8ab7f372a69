"""Declarative mappings: what a file says is what comes out, and everything wrong is said at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from syncd.errors import ConfigurationError, Unmappable
from syncd.mapping import CompiledMapping, compile_mapping
from syncd.mapping_file import locate, parse


def compiled(text: str, *, profile: str = "", items: bool = True) -> CompiledMapping:
    return compile_mapping(parse(f'[mapping]\nname = "t"\nempty = ""\nprofiles = ["more"]\n{text}'.encode(), "t.toml"), profile=profile, items=items)


def field(rule: str, record: dict[str, Any], extra: str = "") -> Any:
    return compiled(f"{extra}\n[shapes.s]\nf = {rule}").shapes["s"].apply(record)["f"]


@pytest.mark.parametrize(
    ("rule", "record", "expected"),
    [
        ('{from = "a"}', {"a": "x"}, "x"),
        ('{from = "a"}', {"a": None}, ""),
        ('{from = ["a", "b"]}', {"a": "", "b": "y"}, "y"),
        ('{from = ["a", "b"]}', {"a": "", "b": None}, ""),
        ('{from = "a", default = "none"}', {"a": None}, "none"),
        ('{value = "0"}', {}, "0"),
        ('{from = "a", as = "upper"}', {"a": "ba bể"}, "BA BỂ"),
        ('{from = "a", as = ["text", "digits"]}', {"a": " 012-34 "}, "01234"),
        ('{from = "a", as = "line"}', {"a": " x\n\ty "}, "x y"),
        ('{from = "a", as = "whole"}', {"a": "7"}, 7),
        ('{from = "a", as = "flag"}', {"a": 2}, True),
        ('{from = "a", as = "string"}', {"a": 2}, "2"),
        ('{from = "a.b"}', {"a": {"b": "z"}}, "z"),
        ('{from = "."}', "whole", "whole"),
        ('{from = "a", max = 4, cut = true}', {"a": "abcdef"}, "abc…"),
        ('{from = "a", as = "digits"}', {"a": "none"}, ""),
        ('{from = "a", pattern = "[0-9]{2}"}', {"a": "12"}, "12"),
    ],
)
def test_a_rule_makes_its_field(rule: str, record: Any, expected: Any) -> None:
    assert field(rule, record) == expected


@pytest.mark.parametrize(
    ("rule", "record", "reason"),
    [
        ('{from = "a", required = true}', {"a": ""}, "required"),
        ('{from = "a", as = "digits", required = true}', {"a": "none"}, "required"),
        ('{from = "a", as = "text"}', {"a": "Nguy\ufffdn"}, "broken text"),
        ('{from = "a", as = "text"}', {"a": "a\x00b"}, "broken text"),
        ('{from = "a", as = "whole"}', {"a": "many"}, "whole number"),
        ('{from = "a", as = "whole"}', {"a": float("inf")}, "whole number"),
        ('{from = "a", max = 3}', {"a": "abcd"}, "4 characters"),
        ('{from = "a", pattern = "[0-9]+"}', {"a": "x1"}, "'x1'"),
        ('{from = "a", as = "plausible"}', {"a": datetime(9999, 1, 1, tzinfo=UTC)}, "9999"),
    ],
)
def test_what_does_not_fit_is_a_problem_with_its_field(rule: str, record: Any, reason: str) -> None:
    with pytest.raises(Unmappable) as raised:
        field(rule, record)
    assert raised.value.problems[0].field == "f"
    assert reason in raised.value.problems[0].reason


def test_a_personal_value_is_not_quoted() -> None:
    table = '[tables.t]\na = "1"'
    for rule in ('{from = "a", pattern = "[0-9]+", personal = true}', '{from = "a", table = "t", personal = true}'):
        with pytest.raises(Unmappable) as raised:
            field(rule, {"a": "Hoàng Thị Mẫu"}, table)
        assert "Hoàng" not in str(raised.value)


def test_every_problem_of_a_record_is_found_in_one_pass() -> None:
    shape = compiled('[shapes.s]\na = {from = "a", required = true, hint = "fill it in"}\nb = {from = "b", required = true}').shapes["s"]
    with pytest.raises(Unmappable) as raised:
        shape.apply({"a": None, "b": None})
    assert [problem.field for problem in raised.value.problems] == ["a", "b"]
    assert raised.value.hint == "fill it in"


def test_a_value_without_a_code_is_a_problem_never_a_blank() -> None:
    table = '[tables.t]\nreceived = "2"'
    assert field('{from = "a", table = "t"}', {"a": "received"}, table) == "2"
    with pytest.raises(Unmappable, match="'odd' has no code"):
        field('{from = "a", table = "t"}', {"a": "odd"}, table)


@pytest.mark.parametrize(("day", "code"), [(datetime(2025, 6, 30, 23, tzinfo=UTC), "H03"), (datetime(2025, 7, 1, tzinfo=UTC), "H55")])
def test_a_code_that_changed_by_law_is_chosen_by_its_date(day: datetime, code: str) -> None:
    table = '[[tables.t."H03"]]\ncode = "H03"\nuntil = 2025-06-30\n[[tables.t."H03"]]\ncode = "H55"\nsince = 2025-07-01'
    assert field('{from = "a", table = "t", on = "at"}', {"a": "H03", "at": day}, table) == code
    assert field('{from = "a", table = "t", on = "at"}', {"a": "H03", "at": "0000-00-00"}, table) == "H03", "what is no date is none"
    assert compiled(table).tables["t"].find("H03") == "H03"
    assert compiled(table).tables["t"].keys() == ("H03",)


def test_lists_take_the_entries_that_are_wanted() -> None:
    mapping = compiled(
        '[shapes.part]\nn = {from = "n", required = true}\n'
        '[shapes.s]\nf = {from = "l", each = "part", where = "!gone"}\ng = {from = "l", each = "part", where = "gone"}'
    )
    record = {"l": [{"n": "a", "gone": False}, {"n": "b", "gone": True}]}
    assert mapping.shapes["s"].apply(record) == {"f": [{"n": "a"}], "g": [{"n": "b"}]}
    assert mapping.shapes["s"].apply({"l": None}) == {"f": [], "g": []}
    with pytest.raises(Unmappable, match=r"f\[0\].n"):
        mapping.shapes["s"].apply({"l": [{"n": "", "gone": False}]})


def test_a_required_list_must_not_be_empty() -> None:
    mapping = compiled('[shapes.part]\nn = {from = "n"}\n[shapes.s]\nf = {from = "l", each = "part", required = true}')
    with pytest.raises(Unmappable, match="required"):
        mapping.shapes["s"].apply({"l": []})


def test_a_profile_adds_its_fields() -> None:
    text = '[shapes.s]\na = {value = "1"}\nb = {value = "2", profile = "more"}'
    assert compiled(text).shapes["s"].apply({}) == {"a": "1"}
    assert compiled(text, profile="more").shapes["s"].apply({}) == {"a": "1", "b": "2"}


def test_everything_wrong_in_a_file_is_said_together_with_its_path() -> None:
    text = """[shapes.s]
a = {from = "a", as = "nonsense"}
b = {from = "b", table = "nowhere"}
c = {from = "c", each = "nothing"}
d = {from = "d", profile = "odd"}
e = {}
[shapes.r]
f = {from = "f", each = "r"}"""
    with pytest.raises(ConfigurationError) as raised:
        compiled(text)
    assert [problem.field for problem in raised.value.problems] == ["shapes.s.a", "shapes.s.b", "shapes.s.c", "shapes.s.d", "shapes.s.e", "shapes.r"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (b"[mapping", "t.toml"),
        (b"\xff", "t.toml"),
        (b'[mapping]\nname = "t"\n[shapes.s.f]\nfrm = "a"', "t.toml: shapes.s.f.frm"),
        (b'[mapping]\nname="t"\n[shapes.s.f]\nfrom="a"\npattern="("', "t.toml: shapes.s.f.pattern"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_place(text: bytes, where: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse(text, "t.toml")
    assert raised.value.problems[0].field == where


def test_an_administrators_folder_goes_before_the_shipped_one(tmp_path: Path) -> None:
    shipped, _ = locate("opencps-v2", "onestop", tmp_path)
    assert shipped == "mappings/onestop/opencps-v2.toml"
    own = tmp_path / "onestop" / "opencps-v2.toml"
    own.parent.mkdir()
    own.write_text('[mapping]\nname = "own"\n')
    assert locate("opencps-v2", "onestop", tmp_path) == (str(own), own.read_bytes())
    assert locate(str(own), "onestop")[0] == str(own)
    for missing in ("absent", str(tmp_path / "absent.toml")):
        with pytest.raises(ConfigurationError):
            locate(missing, "onestop")

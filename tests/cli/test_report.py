"""`syncd report` after one pass over a small one-stop."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from sqlalchemy import text

from syncd.cli import exits, lang, report_words
from syncd.cli.report_values import Report, Worst
from syncd.indicators import Cost, Indicator, Reason, Why
from syncd.model import Agency
from syncd.sandbox.world import World
from tests.cli.calling import Caller
from tests.cli.report_schema import schema

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"
FILLED = pytest.mark.usefixtures("delivered")


def names(world: World) -> set[str]:
    """Of all citizens in the one-stop."""
    with world.engine.connect() as connection:
        return set(connection.execute(text("SELECT applicantName FROM opencps_applicant")).scalars())


@FILLED
def test_json_tells_all_figures_and_they_agree(syncd: Caller, world: World) -> None:
    shown = syncd("report", "--json")
    assert (shown.code, shown.err) == (exits.DONE, "")
    told = msgspec.json.decode(shown.out, type=Report)
    comparison = world.compare()
    assert told.target == "dvcqg"
    assert (told.month, told.agency, told.uncounted) == (None, None, 0)
    assert told.total.received == comparison.dossiers + comparison.filed
    synced = told.total.indicators[Indicator.SYNCED]
    assert (synced.numerator, synced.denominator, synced.rate) == (told.total.received, told.total.received, 1.0)
    for parts in (told.agencies, told.months, told.lines):
        assert sum(part.received for part in parts) == told.total.received
        for indicator in Indicator:
            assert sum(part.indicators[indicator].numerator for part in parts) == told.total.indicators[indicator].numerator
            assert sum(part.indicators[indicator].denominator for part in parts) == told.total.indicators[indicator].denominator
    assert told.costly == len(told.costs)
    for indicator in Indicator:
        lost = sum(indicator in {reason.indicator for reason in cost.reasons} for cost in told.costs)
        assert lost == told.total.indicators[indicator].denominator - told.total.indicators[indicator].numerator
    assert "vneid" in told.left_out


def test_the_schema_in_the_documents_is_that_of_the_answer() -> None:
    assert SCHEMA.read_text("utf-8") == schema(), "make it anew: python -m tests.cli.report_schema > docs/report.schema.json"


@FILLED
def test_people_read_tables_in_their_language(syncd: Caller) -> None:
    english = syncd("report")
    assert english.code == exits.DONE
    assert "all agencies" in english.out
    assert "100.0 %" in english.out
    assert "filed at the counter" in english.out
    assert "VNeID" in english.out
    vietnamese = syncd("--lang", "vi", "report").out
    assert "tất cả đơn vị" in vietnamese
    assert "100,0 %" in vietnamese
    assert "nộp trực tiếp" in vietnamese


@FILLED
def test_no_citizen_is_named_anywhere(syncd: Caller, world: World, tmp_path: Path) -> None:
    page, table = tmp_path / "page.html", tmp_path / "table.csv"
    shown = syncd("report", "--html", str(page), "--csv", str(table))
    machine = syncd("report", "--json")
    for whole in (shown.out, machine.out, page.read_text("utf-8"), table.read_text("utf-8")):
        assert [name for name in names(world) if name in whole] == []


@FILLED
def test_one_month_and_one_agency_can_be_asked_for(syncd: Caller, tmp_path: Path) -> None:
    whole = msgspec.json.decode(syncd("report", "--json").out, type=Report)
    one = next(line for line in whole.lines if line.month)
    month, agency = str(one.month), str(one.agency)
    told = msgspec.json.decode(syncd("report", "--json", "--month", month, "--agency", agency).out, type=Report)
    assert (told.month, told.agency) == (month, agency)
    assert [(line.agency, line.month, line.indicators) for line in told.lines] == [(agency, month, one.indicators)]
    page = tmp_path / "page.html"
    syncd("report", "--html", str(page), "--agency", agency)
    assert f"{one.name} ({agency})" in page.read_text("utf-8")
    province = msgspec.json.decode(syncd("report", "--json", "--agency", "H03").out, type=Report)
    assert province.total == whole.total
    nobody = syncd("report", "--month", "1999-01")
    assert nobody.code == exits.DONE
    assert "0 dossiers counted" in nobody.out


@FILLED
@pytest.mark.parametrize("month", ["2025-13", "2025", "07/2025", "2025-7"])
def test_a_month_that_is_none_is_refused(syncd: Caller, month: str) -> None:
    refused = syncd("report", "--month", month)
    assert refused.code == exits.USAGE
    assert "is not a month" in refused.err


@FILLED
def test_every_costly_dossier_goes_to_a_table(syncd: Caller, tmp_path: Path) -> None:
    told = msgspec.json.decode(syncd("report", "--json").out, type=Report)
    out = syncd("report", "--csv", "-")
    rows = list(csv.DictReader(io.StringIO(out.out)))
    assert len({row["dossier"] for row in rows}) == told.costly
    assert len(rows) == sum(len(cost.reasons) for cost in told.costs)
    assert {(row["indicator"], row["why"]) for row in rows} == {(lack.indicator, lack.why) for lack in told.reasons}
    assert all(row["text"] for row in rows)
    file = tmp_path / "table.csv"
    said = syncd("report", "--json", "--csv", str(file))
    assert msgspec.json.decode(said.out, type=Report).costly == told.costly
    assert "table.csv is written." in said.err
    assert file.read_bytes().startswith(b"\xef\xbb\xbfdossier,"), "a spreadsheet knows by this mark that it is UTF-8"
    assert [row["why"] for row in csv.DictReader(io.StringIO(file.read_text("utf-8-sig")))] == [row["why"] for row in rows]


@FILLED
def test_standard_output_holds_one_thing(syncd: Caller) -> None:
    refused = syncd("report", "--json", "--csv", "-")
    assert (refused.code, refused.out) == (exits.USAGE, "")


@FILLED
@pytest.mark.parametrize("option", ["--csv", "--html"])
def test_a_file_that_cannot_be_written_is_named(syncd: Caller, tmp_path: Path, option: str) -> None:
    failed = syncd("report", option, str(tmp_path / "nowhere" / "file"))
    assert failed.code == exits.FAILED
    assert "nowhere" in failed.err


@FILLED
def test_the_page_is_vietnamese_whatever_is_spoken(syncd: Caller, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    said = syncd("report", "--html", str(page))
    assert said.code == exits.DONE
    assert "page.html is written." in said.err
    assert "all agencies" in said.out
    tree = etree.parse(page)
    whole = " ".join(" ".join(str(part) for part in tree.getroot().itertext()).split())
    assert "nộp trực tiếp" in whole
    assert "phí, lệ phí không thanh toán trực tuyến" in whole
    assert "filed at the counter" not in whole
    assert "fee not paid online" not in whole


def test_a_dossier_that_waits_for_a_person_says_what_is_wrong(syncd: Caller, world: World) -> None:
    with world.engine.begin() as connection:
        row = connection.execute(text("SELECT dossierId, dossierNo FROM opencps_dossier WHERE dossierNo <> '' AND originality > 0 AND systemId = 0")).first()
        assert row is not None
        connection.execute(text("UPDATE opencps_dossier SET serviceName = '', dossierName = '' WHERE dossierId = :key"), {"key": row.dossierId})
    assert syncd("run", "--once").code == exits.FAILED
    told = msgspec.json.decode(syncd("report", "--json").out, type=Report)
    costs = {cost.dossier: cost for cost in told.costs}
    lost = [reason for reason in costs[row.dossierNo].reasons if reason.indicator is Indicator.SYNCED]
    assert [reason.why for reason in lost] == [Why.ABSENT]
    assert "TenTTHC" in lost[0].detail


@pytest.mark.parametrize("language", lang.LANGUAGES)
@pytest.mark.parametrize("why", Why)
def test_every_reason_has_its_words(why: Why, language: str) -> None:
    lang.use(language)
    in_general = report_words.short(why)
    particular = report_words.reason(Reason(indicator=Indicator.SYNCED, why=why, days=7, detail="is missing"))
    assert in_general
    assert ("7" in particular) == (why in (Why.LATE, Why.OVERDUE))
    said = lang.sentence("is missing") in particular
    assert said == (why in (Why.ABSENT, Why.FIELD))


def test_the_way_of_filing_is_named() -> None:
    for detail, words in (("post", "filed by post"), ("counter", "filed at the counter"), ("", "filed at the counter")):
        assert report_words.reason(Reason(indicator=Indicator.ONLINE, why=Why.CHANNEL, detail=detail)) == words
    twice = (Reason(indicator=Indicator.DIGITISED, why=Why.RESULT_LINK), Reason(indicator=Indicator.RESULT_FILE, why=Why.RESULT_LINK))
    cost = Cost(dossier="A", agency=Agency(), month="2025-07", reasons=twice)
    assert report_words.reasons(cost) == ("no result file",)
    assert report_words.agency(cost.agency) == "(agency not known)"


def test_without_a_state_it_says_so_and_leaves_none(syncd: Caller, world: World) -> None:
    failed = syncd("report")
    assert (failed.code, failed.out) == (exits.FAILED, "")
    assert not (world.folder / "state.db").exists()


@FILLED
def test_the_target_must_exist(syncd: Caller) -> None:
    assert syncd("report", "--target", "nobody").code == exits.NOT_FOUND
    assert msgspec.json.decode(syncd("report", "--target", "dvcqg", "--json").out, type=Report).target == "dvcqg"


def test_where_no_target_is_the_portal_it_must_be_named(bare: Caller, tmp_path: Path) -> None:
    config = tmp_path / "syncd.toml"
    config.write_text(
        f'[daemon]\nstate = "sqlite:///{tmp_path}/state.db"\npayload_key_file = "{tmp_path}/key"\n[source]\nurl = "sqlite:///{tmp_path}/onestop.db"\n'
        '[targets.office]\nconnector = "tdoffice"\nbase_url = "http://127.0.0.1:9/x"\nagency_code = "H03"\ntoken = "t"\n',
        encoding="utf-8",
    )
    refused = bare("--config", str(config), "report")
    assert refused.code == exits.USAGE, refused.err
    assert "--target office" in refused.err


reasons = st.builds(Reason, indicator=st.sampled_from(Indicator), why=st.sampled_from(Why), days=st.integers(0, 9))
costs = st.builds(
    Cost,
    dossier=st.uuids().map(str),
    agency=st.just(Agency(code="H03")),
    month=st.just("2025-07"),
    reasons=st.lists(reasons, min_size=1, max_size=4).map(tuple),
)


@given(st.lists(costs, max_size=30), st.integers(1, 8))
def test_the_dossiers_that_cost_most_are_kept(given: list[Cost], keep: int) -> None:
    worst = Worst(keep)
    for cost in given:
        worst.add(cost)

    def rank(cost: Cost) -> Any:
        return (-cost.indicators, -cost.days)

    assert worst.costs() == sorted(given, key=rank)[:keep], "of equals the first"
    assert worst.costly == len(given)
    assert sum(lack.dossiers for lack in worst.lacks()) == sum(len({(each.indicator, each.why) for each in cost.reasons}) for cost in given)
    order = list(Indicator)
    assert [order.index(lack.indicator) for lack in worst.lacks()] == sorted(order.index(lack.indicator) for lack in worst.lacks())

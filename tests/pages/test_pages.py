"""The pages: well-formed, complete in themselves, escaped, and saying what they should."""

from __future__ import annotations

import builtins
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import pytest
from lxml import etree

from syncd.errors import ConfigurationError
from syncd.indicators import Indicator
from syncd.model import Agency
from syncd.pages.rendering import MOST_AGENCIES, evidence_page, report_page
from syncd.pages.values import ReportPage
from syncd.pages.words import month, number, per_mille, percent, plain
from tests.pages.conftest import HARMLESS, HOSTILE, TITLES, evidence_of, finding, line, report_of

SVG = "{http://www.w3.org/2000/svg}"


def parsed(pieces: Iterable[str]) -> etree._Element:
    return etree.fromstring("".join(pieces).encode(), etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True))


def text(element: etree._Element | None) -> str:
    assert element is not None
    return " ".join(" ".join(str(part) for part in element.itertext()).split())


def section(page: etree._Element, name: str) -> etree._Element:
    found: etree._Element = page.xpath("//*[@id=$name]", name=name)[0]
    return found


def hostile_pages() -> list[str]:
    report = report_of(line(Agency(code="X" + HOSTILE, name=HOSTILE)), line(month="2025-06"), hostile=HOSTILE)
    return ["".join(report_page(report)), "".join(evidence_page(evidence_of(finding(HOSTILE, HOSTILE), hostile=HOSTILE)))]


def test_a_page_needs_nothing_from_elsewhere_and_runs_nothing(report: ReportPage) -> None:
    for page in ("".join(report_page(report)), "".join(evidence_page(evidence_of(finding()))), *hostile_pages()):
        tree = parsed([page])
        tags = {etree.QName(each).localname for each in tree.iter() if isinstance(each.tag, str)}
        assert tags.isdisjoint({"script", "img", "image", "link", "iframe", "object", "embed", "base", "form", "foreignObject", "audio", "video", "a"})
        for each in tree.iter(etree.Element):
            for name, value in each.attrib.items():
                local = etree.QName(str(name)).localname
                assert local not in ("src", "srcset", "action", "background", "poster"), local
                assert not local.startswith("on"), local
                assert local != "href" or str(value).startswith("#")
        assert re.findall(r"url\((?!#)", page) == []
        assert "@import" not in page
        assert set(re.findall(r"\w+://[^\s\"'<]+", page)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
        assert "default-src 'none'" in page


def test_names_of_elements_are_there_once(report: ReportPage) -> None:
    names = [str(each.get("id")) for each in parsed(report_page(report)).iter() if each.get("id")]
    assert len(names) == len(set(names))


def test_what_a_stranger_wrote_is_shown_as_text() -> None:
    for page in hostile_pages():
        tree = parsed([page])
        assert HARMLESS in " ".join(str(part) for part in tree.itertext())
        assert "<script" not in page
        assert "<img" not in page
        assert not set("\x00\x1b\u202e") & set(page)
    drawn = " ".join(text(each) for each in parsed([hostile_pages()[0]]).iter(f"{SVG}text"))
    assert "<script>alert(1)</script>" in drawn


def test_the_report_is_vietnamese_and_tells_its_figures(report: ReportPage) -> None:
    page = parsed(report_page(report))
    assert page.get("lang") == "vi"
    whole = text(page)
    assert unicodedata.normalize("NFC", whole) == whole
    assert "Hồ sơ tiếp nhận từ tháng 06/2025 đến tháng 07/2025" in whole
    assert "08:30 ngày 20/07/2025" in whole
    assert "2 hồ sơ không được tính" in whole
    assert text(section(page, "total")).endswith("Tổng số 80 87,5 % 70/80 87,5 % 70/80 87,5 % 70/80 87,5 % 70/80 87,5 % 70/80 87,5 % 70/80")
    agencies = text(section(page, "agencies"))
    assert "UBND phường Đức Xuân 000.00.14.H03 40 75,0 % 30/40" in agencies
    assert "06/2025 40 100,0 % 40/40" in text(section(page, "months"))
    assert "Đúng hạn trễ hạn 1.234" in text(section(page, "reasons"))
    assert "2 hồ sơ mất nhiều điểm nhất trong tổng số 200" in text(section(page, "costs"))
    assert "766/QĐ-TTg" in text(section(page, "meaning"))
    assert "VNeID" in text(section(page, "unknown"))
    assert "THỦ TRƯỞNG ĐƠN VỊ" in whole
    for title in TITLES.values():
        assert title in whole


def test_a_figure_below_its_goal_is_marked(report: ReportPage) -> None:
    row = parsed(report_page(report_of(line(numerator=30)))).xpath("//*[@id='total']//tr[@class='total']/td")
    marked = ["low" in str(cell.get("class")) for cell in row[2:]]
    assert dict(zip(Indicator, marked, strict=True)) == {each: each in (Indicator.PAID_ONLINE, Indicator.DIGITISED) for each in Indicator}


def test_charts_are_drawn_with_texts_that_can_be_read(report: ReportPage) -> None:
    drawn = parsed(report_page(report)).findall(f".//{SVG}svg")
    assert [each.get("aria-label") for each in drawn] == ["Các chỉ số", "Theo tháng", "Theo đơn vị"]
    rates, months, agencies = (text(each) for each in drawn)
    assert "Thanh toán trực tuyến" in rates
    assert "87,5 %" in rates
    assert "mục tiêu" in rates
    assert "06/25 07/25" in months
    assert "UBND xã Đôn Phong" in agencies
    assert all(each.get("viewBox") and not each.get("width") for each in drawn)


def test_the_same_report_is_the_same_page(report: ReportPage) -> None:
    assert list(report_page(report)) == list(report_page(report))


def test_a_report_of_one_month_or_of_nothing_is_a_page_too() -> None:
    one = parsed(report_page(report_of(line(), costs=0)))
    assert "Hồ sơ tiếp nhận tháng 07/2025" in text(one)
    assert one.xpath("//*[@id='months']") == []
    assert "Không có hồ sơ nào mất điểm" in text(one)
    assert "không được tính vì" not in text(one.find("body/header"))
    nothing = parsed(report_page(report_of(costs=0)))
    assert "Tổng số 0 – 0/0" in text(section(nothing, "total"))
    assert len(nothing.findall(f".//{SVG}svg")) == 1


def test_a_chart_shows_the_largest_agencies_and_the_table_all() -> None:
    lines = [line(Agency(code=f"H03.{n:03}", name=f"Đơn vị số {n:03} " + "rất dài " * 8)) for n in range(60)]
    page = parsed(report_page(report_of(*lines)))
    drawn = page.findall(f".//{SVG}svg")[-1]
    assert sum("Đơn vị số" in text(each) for each in drawn.iter(f"{SVG}text")) == MOST_AGENCIES
    assert text(section(page, "agencies")).count("H03.") == 60
    assert "25 đơn vị có nhiều hồ sơ nhất; bảng dưới đây có đủ 60 đơn vị" in text(section(page, "agencies"))


def test_without_matplotlib_the_report_says_what_to_install(report: ReportPage, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *given: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *given, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError) as raised:
        report_page(report)
    assert raised.value.problems[0].hint == "install it beside syncd: pip install 'syncd[report]'"
    assert "KHỚP" in "".join(evidence_page(evidence_of())).upper(), "a page without charts needs none"


def test_the_evidence_tells_totals_findings_and_its_checksum() -> None:
    page = parsed(evidence_page(evidence_of(*(finding(kind) for kind in ("missing", "stale", "steps", "extra", "unknown", "adopted")))))
    whole = text(page)
    assert "Biên bản đối soát hồ sơ số 12" in whole
    assert "nongvanbe@bk-sync-01" in whole
    totals = text(section(page, "totals"))
    assert "UBND phường Đức Xuân 000.00.14.H03 07/2025 1.200 1.190 10 8" in totals
    assert "(không rõ đơn vị) – 100 100 0 0" in totals
    assert totals.endswith("Tổng số 1.300 1.290 10 8")
    kinds = [text(cell) for cell in section(page, "findings").findall(".//tbody/tr/td[4]")]
    assert kinds == ["thiếu", "khác nội dung", "khác tiến trình", "thừa", "không hỏi được", "adopted"]
    assert "Cổng không có hồ sơ đã gửi lại" in text(section(page, "findings"))
    assert "ab" * 32 in text(section(page, "checksum"))
    assert "NGƯỜI LẬP" in whole


def test_evidence_without_findings_and_of_an_interrupted_run() -> None:
    page = text(parsed(evidence_page(evidence_of(ended=None))))
    assert "Không có sai lệch." in page
    assert "chưa kết thúc" in page


def test_evidence_comes_in_pieces() -> None:
    pieces = evidence_page(evidence_of(*(finding() for _ in range(3000))))
    assert max(len(piece) for piece in pieces) < 20_000


@pytest.mark.parametrize(
    ("rate", "said"),
    [(None, "–"), (0.0, "0,0 %"), (0.00001, "0,1 %"), (0.5, "50,0 %"), (0.99999, "99,9 %"), (1.0, "100,0 %"), (1 / 3, "33,3 %")],
)
def test_a_rate_is_never_rounded_to_all_or_nothing(rate: float | None, said: str) -> None:
    assert percent(rate) == said
    assert rate is None or 0 <= per_mille(rate) <= 1000


def test_numbers_months_and_texts_are_written_as_in_viet_nam() -> None:
    assert number(1234567) == "1.234.567"
    assert [month(each) for each in ("2025-07", "", "x")] == ["07/2025", "–", "x"]
    assert plain(HOSTILE) == HARMLESS
    assert plain("Nguyễn\tVăn\nƯ 😀") == "Nguyễn\tVăn\nƯ 😀"

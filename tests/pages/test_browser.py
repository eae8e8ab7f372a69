"""A real browser opens the pages without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from lxml import etree

from syncd.pages.rendering import evidence_page, report_page
from syncd.pages.values import ReportPage
from tests.pages.conftest import HARMLESS, HOSTILE, evidence_of, finding, line, report_of

NAMES = ("chromium", "chromium-headless-shell", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage", "--proxy-server=127.0.0.1:9")


@pytest.fixture(scope="module")
def browser() -> str:
    """A browser of this machine; where there is none, a failure in CI and a skip elsewhere."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        reason = f"none of these browsers is installed: {', '.join(NAMES)}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def opened(browser: str, folder: Path, pieces: Iterable[str], *flags: str) -> str:
    """What the browser makes of a page: its document after loading. Whatever it would fetch goes to a proxy that is not there."""
    page = folder / "page.html"
    page.write_text("".join(pieces), "utf-8")
    command = [browser, *FLAGS, f"--user-data-dir={folder / 'profile'}", *flags, page.as_uri()]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "Content Security Policy" not in ended.stderr
    return ended.stdout


def document(browser: str, folder: Path, pieces: Iterable[str]) -> etree._Element:
    """The document after loading, as the browser wrote it down."""
    return etree.fromstring(opened(browser, folder, pieces, "--dump-dom"), etree.HTMLParser())


def words(of: etree._Element) -> str:
    """Its text."""
    return " ".join("".join(str(part) for part in of.itertext()).split())


def test_the_report_opens_and_can_be_read(browser: str, tmp_path: Path, report: ReportPage) -> None:
    shown = document(browser, tmp_path, report_page(report))
    assert "Báo cáo chỉ số giải quyết thủ tục hành chính" in words(shown)
    assert "UBND phường Đức Xuân" in words(shown)
    assert len(shown.findall(".//svg")) == 3


def test_the_evidence_opens_and_a_stranger_s_text_stays_text(browser: str, tmp_path: Path) -> None:
    shown = document(browser, tmp_path, evidence_page(evidence_of(finding(hostile=HOSTILE), hostile=HOSTILE)))
    assert shown.findall(".//script") == shown.findall(".//img") == []
    assert HARMLESS in words(shown)
    assert "ab" * 32 in words(shown)


def test_a_page_prints_on_paper_of_the_right_size(browser: str, tmp_path: Path) -> None:
    from pypdf import PdfReader

    lines = [line(month=f"2025-{month:02}") for month in range(1, 8)]
    opened(browser, tmp_path, report_page(report_of(*lines, costs=60)), f"--print-to-pdf={tmp_path / 'page.pdf'}", "--no-pdf-header-footer")
    pages = PdfReader(tmp_path / "page.pdf").pages
    assert 2 <= len(pages) <= 8
    assert {(round(float(page.mediabox.width)), round(float(page.mediabox.height))) for page in pages} <= {(595, 842), (596, 842), (595, 841)}
    assert "THỦ TRƯỞNG ĐƠN VỊ" in pages[-1].extract_text()

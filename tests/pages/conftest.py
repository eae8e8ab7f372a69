"""Pages to look at."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from syncd.indicators import Indicator
from syncd.model import Agency
from syncd.pages.values import CostLine, EvidencePage, EvidenceTotal, Finding, ReasonCount, ReportPage
from syncd.shares import Line, Share, total

AT = datetime(2025, 7, 20, 8, 30, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp; ]]> $x_1$ {{7*7}} \x00\x1b\u202eđơn vị"
HARMLESS = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp; ]]> $x_1$ {{7*7}} đơn vị"
WARD = Agency(code="000.00.14.H03", name="UBND phường Đức Xuân")
TITLES = dict(zip(Indicator, ("Có trên Cổng", "Đúng hạn", "Nộp trực tuyến", "Thanh toán trực tuyến", "Số hóa", "Kết quả điện tử"), strict=True))


def line(agency: Agency = WARD, month: str = "2025-07", numerator: int = 30, denominator: int = 40) -> Line:
    share = Share(numerator=numerator, denominator=denominator, rate=numerator / denominator if denominator else None)
    return Line(agency=agency, month=month, received=40, **{indicator.value: share for indicator in Indicator})


def report_of(*lines: Line, hostile: str = "", costs: int = 2) -> ReportPage:
    """A report of these lines, each an agency in a month."""
    months = sorted({each.month for each in lines})
    return ReportPage(
        at=AT,
        target="dvcqg" + hostile,
        scope=hostile,
        months=tuple(total((each for each in lines if each.month == month), month=month) for month in months),
        agencies=lines,
        total=total(lines),
        titles=TITLES,
        reasons=(ReasonCount(indicator="Đúng hạn", text="trễ hạn" + hostile, dossiers=1234),) if costs else (),
        costs=tuple(CostLine(dossier=f"H03-{n}{hostile}", agency=WARD.name, month="2025-07", reasons=("trễ hạn 3 ngày", hostile)) for n in range(costs)),
        costly=costs * 100,
        uncounted=costs,
    )


def evidence_of(*findings: Finding, hostile: str = "", ended: datetime | None = AT) -> EvidencePage:
    """The evidence of a reconciliation that found these."""
    agency = Agency(code="000.00.14.H03", name=WARD.name + hostile)
    return EvidencePage(
        run="12" + hostile,
        who="nongvanbe@bk-sync-01" + hostile,
        began=AT,
        ended=ended,
        scope="toàn bộ" + hostile,
        target="dvcqg",
        totals=iter(
            [
                EvidenceTotal(agency=agency, month="2025-07", checked=1200, agreeing=1190, drifting=10, settled=8),
                EvidenceTotal(agency=Agency(), month="", checked=100, agreeing=100, drifting=0, settled=0),
            ]
        ),
        findings=iter(findings),
        sha256="ab" * 32,
    )


def finding(kind: str = "missing", hostile: str = "") -> Finding:
    """A difference."""
    return Finding(
        dossier="000.00.14.H03-250701-0001" + hostile,
        agency=WARD.name + hostile,
        month="2025-07",
        kind=kind,
        detail="Cổng không có hồ sơ" + hostile,
        became="đã gửi lại" + hostile,
    )


@pytest.fixture
def report() -> ReportPage:
    """A report of two agencies and two months."""
    return report_of(line(), line(Agency(code="000.00.02.H03", name="UBND xã Đôn Phong"), "2025-06", 40))

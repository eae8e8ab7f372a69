"""From values to pages. A page comes in pieces, so that one with many rows need not be held in memory as a whole.

The templates are written so that what they make is well-formed XML as well: a page can be checked, and taken apart, by
any tool.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from syncd.indicators import GOALS, Indicator
from syncd.pages.charts import draw
from syncd.pages.values import EvidencePage, ReportPage
from syncd.pages.words import KINDS, moment, month, number, percent, plain
from syncd.shares import Line

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_MONTHS = 24  #: in a chart
MOST_AGENCIES = 25  #: in a chart


def report_page(page: ReportPage) -> Iterator[str]:
    """The indicators, with charts. Raises `ConfigurationError` where matplotlib is not installed."""
    charts = draw(page.total, page.months[-MOST_MONTHS:], _largest(page), page.titles)
    return _pieces("report.html", page=page, charts=charts, indicators=list(Indicator), goals=GOALS, most_agencies=MOST_AGENCIES)


def evidence_page(page: EvidencePage) -> Iterator[str]:
    """What a reconciliation found."""
    return _pieces("evidence.html", page=page, kinds=KINDS)


def _largest(page: ReportPage) -> tuple[Line, ...]:
    return tuple(sorted(page.agencies, key=lambda line: (-line.received, line.agency.code))[:MOST_AGENCIES])


def _pieces(name: str, **values: Any) -> Iterator[str]:
    stream = _environment().get_template(name).stream(**values)
    stream.enable_buffering(64)
    return iter(stream)


@lru_cache(1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("syncd.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "number": number, "month": month, "moment": moment}
    return environment


def _finalized(value: Any) -> Any:
    from markupsafe import Markup

    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value

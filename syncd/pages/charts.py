"""Charts as SVG that stands in a page, drawn by matplotlib.

matplotlib rather than pygal: its licence asks nothing of those who pass it on (pygal's is the LGPL), it has types, a team and a release every
few weeks, and it measures its texts, so that long names of agencies are not cut. It is heavy (170 MB with numpy), hence an extra. pygal is
light, but puts a script into every chart, whatever one tells it.

What matplotlib writes is taken apart once more: no document type, no style that would hold for the whole page, no names of
elements, of which a page with several charts would have several. Texts stay texts, which a reader can find and copy.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lxml import etree

from syncd.errors import ConfigurationError
from syncd.indicators import GOALS, Indicator
from syncd.model import Problem, Value
from syncd.pages.words import percent, plain
from syncd.shares import Line

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#1b6ca8", "#2e8b57", "#c8781e", "#8a4fa3", "#b03a48", "#5f6b7a")
MARKS = "os^Dvx"  #: so that lines can be told apart without colours
GOAL = "#b03a48"
_SVG = "{http://www.w3.org/2000/svg}"
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
}
_PARTS = {"Creator": None, "Date": None, "Format": None, "Type": None}


class Charts(Value):
    """The charts of a report; empty where there is nothing to draw."""

    rates: Markup
    months: Markup
    agencies: Markup


def draw(total: Line, months: Sequence[Line], agencies: Sequence[Line], titles: Mapping[Indicator, str]) -> Charts:
    """The charts of a report. Raises `ConfigurationError` where matplotlib is not installed."""
    from markupsafe import Markup

    demand()
    names = [plain(line.agency.name or line.agency.code) or "–" for line in agencies]
    return Charts(
        rates=_chart("rates", lambda figure: _rates(figure, total, titles), 2.4, "Các chỉ số"),
        months=_chart("months", lambda figure: _months(figure, months, titles), 3.0, "Theo tháng") if len(months) > 1 else Markup(""),
        agencies=_chart("agencies", lambda figure: _agencies(figure, agencies, names, titles), 0.8 + 0.38 * len(agencies), "Theo đơn vị")
        if agencies
        else Markup(""),
    )


def demand() -> None:
    """See to it that charts can be drawn, before anything is read for them. Raises `ConfigurationError`."""
    try:
        import matplotlib as mpl  # noqa: F401  only whether it is there
    except ImportError:
        hint = "install it beside syncd: pip install 'syncd[report]'"
        raise ConfigurationError([Problem(field="matplotlib", reason="charts need it, and it is not installed", hint=hint)]) from None


def _chart(name: str, fill: Callable[[Figure], None], height: float, title: str) -> Markup:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    drawn = io.BytesIO()
    with mpl.rc_context({**_SETTINGS, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a letter that its own font lacks; the browser's fonts decide
        figure = Figure(figsize=(7.1, height), layout="constrained")
        fill(figure)
        figure.savefig(drawn, format="svg", metadata=_PARTS)
    return _embedded(drawn.getvalue(), title)


def _embedded(document: bytes, title: str) -> Markup:
    """The chart as an element of a page."""
    from markupsafe import Markup

    root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, remove_comments=True))
    etree.strip_elements(root, f"{_SVG}style", with_tail=False)
    for group in root.iter(f"{_SVG}g"):
        group.attrib.pop("id", None)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.set("style", "stroke-linejoin: round; stroke-linecap: butt")
    root.set("role", "img")
    root.set("aria-label", title)
    etree.cleanup_namespaces(root, keep_ns_prefixes=["xlink"] if b"xlink:href" in document else [])
    return Markup(etree.tostring(root, encoding="unicode", with_tail=False))  # noqa: S704  matplotlib escapes its texts; a test sees to it


def _rates(figure: Figure, total: Line, titles: Mapping[Indicator, str]) -> None:
    axes = figure.subplots()
    for place, indicator in enumerate(Indicator):
        share = total.share(indicator)
        axes.barh(place, 100 * (share.rate or 0), 0.62, color=COLOURS[place])
        axes.annotate(percent(share.rate), (100 * (share.rate or 0), place), (4, 0), textcoords="offset points", va="center")
        if goal := GOALS.get(indicator):
            axes.plot([100 * goal] * 2, [place - 0.42, place + 0.42], color=GOAL, linewidth=2, label="mục tiêu")
    axes.set_yticks(range(len(Indicator)), [titles[indicator] for indicator in Indicator])
    axes.invert_yaxis()
    _percents(axes.xaxis, axes.set_xlim, 112)
    _legend(axes, 1)


def _months(figure: Figure, months: Sequence[Line], titles: Mapping[Indicator, str]) -> None:
    axes = figure.subplots()
    for indicator, colour, mark in zip(Indicator, COLOURS, MARKS, strict=True):
        rates = [line.share(indicator).rate for line in months]
        values = [float("nan") if rate is None else 100 * rate for rate in rates]
        axes.plot(range(len(months)), values, color=colour, marker=mark, markersize=4, linewidth=1.4, label=titles[indicator])
    axes.set_xticks(range(len(months)), [f"{line.month[5:]}/{line.month[2:4]}" for line in months], rotation=45 if len(months) > 12 else 0)  # noqa: PLR2004
    _percents(axes.yaxis, axes.set_ylim, 105)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)


def _agencies(figure: Figure, agencies: Sequence[Line], names: Sequence[str], titles: Mapping[Indicator, str]) -> None:
    axes = figure.subplots()
    for indicator, shift, colour in ((Indicator.SYNCED, -0.2, COLOURS[0]), (Indicator.ON_TIME, 0.2, COLOURS[1])):
        rates = [100 * (line.share(indicator).rate or 0) for line in agencies]
        axes.barh([place + shift for place in range(len(agencies))], rates, 0.36, color=colour, label=titles[indicator])
    axes.set_yticks(range(len(agencies)), [name if len(name) <= 48 else f"{name[:47]}…" for name in names])  # noqa: PLR2004
    axes.set_ylim(len(agencies) - 0.4, -0.6)
    _percents(axes.xaxis, axes.set_xlim, 100)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)


def _percents(axis: Any, limit: Callable[[float, float], Any], upto: float) -> None:
    limit(0, upto)
    axis.set_ticks(range(0, 101, 20), [f"{value} %" for value in range(0, 101, 20)])
    axis.grid(visible=True, color="#d9dde3", linewidth=0.7)


def _legend(axes: Axes, columns: int) -> None:
    """One entry for each label."""
    named = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    if named:
        axes.legend(named.values(), named.keys(), loc="lower right", ncols=columns, frameon=False)

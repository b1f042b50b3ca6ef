"""Charts as inline SVG: no scripts, no network, no external fonts."""

import math
import re
from typing import Any

import altair as alt
import pandas as pd
import vl_convert
from markupsafe import Markup

from headcount_analysis.report.xml_text import as_xml

MAX_LETTERS = 80
"""Longer names are truncated in charts; tables show them in full."""

# Distinguishable with every common form of colour blindness (Okabe and Ito, 2008).
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a8a00", "#888888")

WIDTHS = {"wide-page": 900, "narrow-page": 350}
"""The width of each version of a chart, by the CSS class that shows it."""

INK = "currentColor"  # follows the page, light or dark

_FONT = "system-ui, sans-serif"

# The reader's font may be wider than the font that labels are measured with.
_PADDING = {"left": 6, "right": 14, "top": 6, "bottom": 4}

_TICKS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)

_MOST_TICKS = 6

_DAY_S = 86_400

_SPREAD = 20
"""The axis is logarithmic if the maximum is more than this many times the median."""


def is_single(values: "pd.Series[float]") -> bool:
    """Return whether all values are equal, so that a line over them is a single point."""
    return bool(values.min() == values.max())


def elapsed(seconds: "pd.Series[float]") -> alt.X:
    """Return the time axis, in seconds, or in minutes for longer runs."""
    first, last = float(seconds.min()), float(seconds.max())
    days = math.ceil((last - first) / _DAY_S / _MOST_TICKS)
    step = next((each for each in _TICKS_S if (last - first) / each <= _MOST_TICKS), days * _DAY_S)
    ticks = [number * step for number in range(int(first // step), int(last // step) + 1)]
    in_minutes = step >= 30  # noqa: PLR2004 - half a minute
    axis = alt.Axis(
        values=ticks,
        grid=False,
        labelExpr="floor(datum.value / 60) + ':' + format(datum.value % 60, '02d')"
        if in_minutes
        else alt.Undefined,
    )
    unit = "minutes" if in_minutes else "seconds"
    scale = alt.Scale(domain=[first, max(last, first + 0.1)], nice=False)
    return alt.X("elapsed_s:Q", title=f"{unit} from the first request", axis=axis, scale=scale)


def value_axis(values: "pd.Series[float]", unit: str) -> alt.Y:
    """Return the value axis; it is logarithmic if outliers would hide typical values."""
    typical, least = float(values.median()), float(values.min())
    if unit == "ms" and least > 0 and float(values.max()) > _SPREAD * typical:
        axis = alt.Axis(values=[10**power for power in range(-3, 9)], format=",~g")
        return alt.Y("value:Q", title="ms, logarithmic", axis=axis, scale=alt.Scale(type="log"))
    return alt.Y("value:Q", title=unit, axis=alt.Axis(tickCount=5), scale=alt.Scale(zero=True))


def svg(chart: Any, height: int | alt.Step) -> Markup:
    """Draw a chart once for each of WIDTHS, in the page's own colours."""
    drawn = (
        f'<div class="{name}">{_svg(chart.properties(width=width, height=height))}</div>'
        for name, width in WIDTHS.items()
    )
    # vl-convert escapes all text that it draws.
    return Markup("".join(drawn))  # noqa: S704


def _label(text: str) -> str:
    """Make a text safe to draw: invalid text crashes vl-convert, and long text takes minutes."""
    valid = as_xml(text)
    return valid if len(valid) <= MAX_LETTERS else f"{valid[: MAX_LETTERS - 1]}…"


def _svg(chart: Any) -> str:
    styled = (
        chart.properties(autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
        .configure(background="transparent", padding=_PADDING, font=_FONT)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            titleColor=INK,
            domainColor=INK,
            tickColor=INK,
            gridColor=INK,
            gridOpacity=0.15,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
        )
        .configure_legend(
            labelColor=INK,
            titleColor=INK,
            orient="top",
            columns=4,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            titleOrient="left",
            columnPadding=16,
        )
    )
    # Validating the specification takes longer than drawing it.
    specification: dict[str, Any] = styled.to_dict(validate=False)
    for rows in specification["datasets"].values():
        for row in rows:
            row.update({name: _label(text) for name, text in row.items() if type(text) is str})
    drawn: str = vl_convert.vegalite_to_svg(specification, allowed_base_urls=[])
    scaled = re.sub(r'(<svg [^>]*?)\swidth="[^"]*"\sheight="[^"]*"', r"\1", drawn, count=1)
    # The enclosing figure has a text; a screen reader would read out every label of the chart.
    return scaled.replace("<svg ", '<svg aria-hidden="true" ', 1)

"""Charts as inline SVG: no script and no network; the page's script adds hover and zoom.

A chart is drawn once for each width, and the page's style shows one of them. Its colours are the
variables of `headcount/palette.py`. Every text is escaped.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup, escape

from headcount_analysis.report.html.chart_data import data_of
from headcount_analysis.report.html.line_chart import (
    AxisKind,
    ChartLine,
    LineChart,
    MarkKind,
    label,
)
from headcount_analysis.report.html.scales import Scale, spaced
from headcount_analysis.report.html.svg_paths import paths


@dataclass(frozen=True, slots=True)
class _Layout:
    """One version of a chart: sizes in px, `letter` is the width of a digit."""

    width: int
    height: int
    left: int
    right: int
    points: int
    letter: float
    ticks: int
    top: int = 20

    @property
    def plot_width(self) -> int:
        return self.width - self.left - self.right

    @property
    def bottom(self) -> int:
        return self.top + self.height


def _layouts(height: int) -> dict[str, _Layout]:
    """Return the version that each CSS class shows."""
    return {
        "wide-page": _Layout(900, height, 62, 30, 420, 7, 9),
        "narrow-page": _Layout(350, height, 62, 28, 160, 7, 5),
    }


def drawn(chart: LineChart) -> Markup:
    """Draw a chart with its legend and its data."""
    versions = (
        f'<div class="{name}">{_svg(chart, layout)}</div>'
        for name, layout in _layouts(chart.height).items()
    )
    # In JSON, < occurs only in texts, where it may be escaped.
    data = json.dumps(data_of(chart), separators=(",", ":")).replace("<", "\\u003c")
    return Markup(  # noqa: S704 - every text is escaped
        f'<div class="chart" data-kind="{chart.axis.kind}">{_legend(chart)}'
        f'<div class="plots">{"".join(versions)}</div>'
        f'<script type="application/json">{data}</script></div>'
    )


def _legend(chart: LineChart) -> str:
    looks = {line.name: line for line in reversed(chart.lines)}
    entries = (
        f'<li data-name="{number}">{_key(chart, looks[name])}{escape(label(name))}</li>'
        for number, name in enumerate(chart.names)
    )
    return f'<ul class="legend">{"".join(entries)}</ul>'


def _key(chart: LineChart, line: ChartLine) -> str:
    if chart.mark is MarkKind.BARS:
        shape = f'<rect x="5" width="12" height="10" style="fill:var(--{line.colour})"/>'
    else:
        shape = f'<path d="M1 5H21" {_stroke(line)}/>'
    return f'<svg viewBox="0 0 22 10" aria-hidden="true">{shape}</svg>'


def _stroke(line: ChartLine) -> str:
    dashes = f' stroke-dasharray="{line.dashes}"' if line.dashes else ""
    return f'style="stroke:var(--{line.colour})" stroke-width="{line.stroke:g}"{dashes}'


def _svg(chart: LineChart, layout: _Layout) -> str:
    rows = 2 if chart.axis.kind is AxisKind.TIME else 1
    scale = chart.value_scale
    plot = f"{layout.left} {layout.top} {layout.plot_width} {layout.height}"
    unit = f"{chart.unit}, logarithmic" if scale.is_log else chart.unit
    return (
        f'<svg viewBox="0 0 {layout.width} {layout.bottom + 8 + 15 * rows}" data-plot="{plot}" '
        f'aria-hidden="true"><text x="0" y="11">{escape(unit)}</text>'
        f'{"".join(_value_axis(scale, layout))}<g class="x">{"".join(_axis(chart, layout))}</g>'
        f'<svg class="lines" x="{layout.left}" y="{layout.top}" width="{layout.plot_width}" '
        f'height="{layout.height}">{"".join(_marks(chart, scale, layout))}</svg></svg>'
    )


def _value_axis(scale: Scale, layout: _Layout) -> Iterator[str]:
    for tick in scale.ticks:
        y = round(layout.bottom - scale.share(tick.value) * layout.height, 1)
        yield f'<path class="grid" d="M{layout.left} {y:g}h{layout.plot_width}"/>'
        yield f'<text class="y" x="{layout.left - 7}" y="{y + 4:g}">{tick.label}</text>'


def _axis(chart: LineChart, layout: _Layout) -> Iterator[str]:
    """Draw the ticks of the horizontal axis, as many as fit."""
    ticks = {
        round(layout.left + chart.axis.scale.share(tick.value) * layout.plot_width, 1): tick
        for tick in chart.axis.ticks(layout.ticks)
    }
    longest = max(
        (len(text) for tick in ticks.values() for text in (tick.label, tick.second)), default=1
    )
    if chart.axis.kind is AxisKind.TIME:
        yield f'<text x="0" y="{layout.bottom + 18}">UTC</text>'
    half = longest * layout.letter / 2
    for x in spaced((tick for tick in ticks if tick + half <= layout.width), 2 * half + 8):
        yield f'<path class="tick" d="M{x:g} {layout.bottom}v4"/>'
        yield f'<text x="{x:g}" y="{layout.bottom + 18}">{ticks[x].label}</text>'
        if ticks[x].second:
            yield f'<text class="soft" x="{x:g}" y="{layout.bottom + 33}">{ticks[x].second}</text>'


def _marks(chart: LineChart, scale: Scale, layout: _Layout) -> Iterator[str]:
    width, height = layout.plot_width, layout.height
    for x, text in chart.rules:
        at = round(chart.axis.scale.share(x) * width, 1)
        yield (
            f'<path class="rule" data-x="{x:.6g}" d="M{at:g} 0v{height}">'
            f"<title>{escape(label(text))}</title></path>"
        )
    if chart.limit is not None:
        y = round((1 - scale.share(chart.limit)) * height, 1)
        yield f'<path class="rule" d="M0 {y:g}h{width}"/>'
    for line, path in zip(
        chart.lines, paths(chart, scale, width, height, layout.points), strict=True
    ):
        name = chart.names.index(line.name)
        is_bar = chart.mark is MarkKind.BARS
        look = f'style="fill:var(--{line.colour})"' if is_bar else _stroke(line)
        kind = "bar" if is_bar else "line"
        yield f'<path class="{kind}" data-name="{name}" {look} d="{path}"/>'

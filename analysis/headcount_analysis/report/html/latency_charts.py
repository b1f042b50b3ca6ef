"""Charts of a run's latency: percentiles over time, and the curve of all percentiles."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from headcount.ledger.event_types import TOTAL
from headcount.thresholds.percentiles import FEW_QUANTILES, percentile_name
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.measure.latency import CurvePoint, Latency
from headcount_analysis.measure.latency_over_time import LatencySlice
from headcount_analysis.measure.over_time import OverTime
from headcount_analysis.report.html.figure import Figure
from headcount_analysis.report.html.line_chart import Axis, AxisKind, ChartLine, LineChart, MarkKind
from headcount_analysis.report.html.load_charts import time_axis
from headcount_analysis.report.html.scales import Scale, value_scale
from headcount_analysis.report.html.svg import drawn

_TITLES = {
    Measure.HTTP: "HTTP: from sending to the response",
    Measure.FROM_INTENDED: "From the intended time to the response",
    Measure.END_TO_END: "End to end: from the intended time to the topic",
}
_COLOURS = {
    Measure.HTTP: "http",
    Measure.FROM_INTENDED: "from-intended",
    Measure.END_TO_END: "end-to-end",
}
_DASHES = {Measure.HTTP: "", Measure.FROM_INTENDED: "7 3", Measure.END_TO_END: "2 3"}
_STROKES = {"p99": "6 2", "max": "2 2"}
_SAME_SHARE, _SAME_MS = 0.02, 0.2
"""If the percentiles of measures differ by less than one of these, a reader sees no difference."""


def distinct_measures(latencies: Iterable[Latency]) -> tuple[Measure, ...]:
    """Return the measures to show: `from intended` only where it differs from `http`."""
    totals = {latency.measure: latency for latency in latencies if latency.event_type == TOTAL}
    shown = [measure for measure in _TITLES if measure in totals]
    http, intended = totals.get(Measure.HTTP), totals.get(Measure.FROM_INTENDED)
    if http is not None and intended is not None and not _differ(http, intended):
        shown.remove(Measure.FROM_INTENDED)
    return tuple(shown)


def _differ(one: Latency, other: Latency) -> bool:
    pairs = ((one.percentiles[quantile], other.percentiles[quantile]) for quantile in FEW_QUANTILES)
    return any(abs(a - b) > max(_SAME_SHARE * max(a, b), _SAME_MS) for a, b in pairs)


def latency_figures(
    course: OverTime, measures: Sequence[Measure], texts: Mapping[Measure, str]
) -> Iterator[Figure]:
    """Yield the percentiles of each measure over time, all on the same scales.

    Args:
        course: The run's slices.
        measures: The measures to show.
        texts: What to say about each.
    """
    end_s = time_axis(course).high if course.slices else 0.0
    lines = {
        measure: _lines(course.latency[measure], end_s)
        for measure in measures
        if course.latency.get(measure)
    }
    values = [
        y for of_measure in lines.values() for line in of_measure for y in line.ys if y is not None
    ]
    scale = value_scale(values, "ms")
    for measure, drawable in lines.items():
        if any(line.ys for line in drawable):
            chart = _chart(course, course.latency[measure][0].width_s, drawable, scale)
            yield Figure(_TITLES[measure], drawn(chart), texts.get(measure, ""))


def _chart(
    course: OverTime, width_s: float, lines: tuple[ChartLine, ...], scale: Scale
) -> LineChart:
    axis = time_axis(course)
    return LineChart(axis, lines, "ms", 170, MarkKind.LINE, width_s, scale=scale)


def _lines(slices: Sequence[LatencySlice], end_s: float) -> tuple[ChartLine, ...]:
    """Return a line for each percentile, with gaps where a slice has too few values for it.

    The last slice may reach beyond the end of the run, where the axis ends.
    """
    middles = [
        (time_slice.elapsed_s + min(time_slice.elapsed_s + time_slice.width_s, end_s)) / 2
        for time_slice in slices
    ]
    lines = [
        ChartLine(
            name := percentile_name(quantile),
            name,
            middles,
            [time_slice.percentile_ms(quantile) for time_slice in slices],
            _STROKES.get(name, ""),
        )
        for quantile in FEW_QUANTILES
    ]
    most = [time_slice.percentiles.max_ms for time_slice in slices]
    lines.append(ChartLine("max", "max", middles, most, _STROKES["max"], 1.5))
    return tuple(line for line in lines if any(y is not None for y in line.ys))


def percentile_figure(
    curve: Iterable[CurvePoint], measures: Sequence[Measure], text: str
) -> Figure | None:
    """Draw the percentile curves over all event types, as HDR histograms are drawn."""
    lines = tuple(
        ChartLine(
            measure.words,
            _COLOURS[measure],
            [_rarity(point) for point in points],
            [point.ms for point in points],
            _DASHES[measure],
        )
        for measure in measures
        if (points := [e for e in curve if e.event_type == TOTAL and e.measure is measure])
    )
    if not lines:
        return None
    axis = Axis(AxisKind.RARITY, 0.0, max(1.0, *(line.xs[-1] for line in lines)))
    return Figure("Percentiles", drawn(LineChart(axis, lines, "ms", 220)), text)


def _rarity(point: CurvePoint) -> float:
    """Return n such that one request in 10 to the power of n takes longer than the point's time.

    For the maximum, n would be infinite; it is drawn where 10 to the power of n is the number of
    values.
    """
    rarity = point.count if point.quantile == 1 else min(1 / (1 - point.quantile), point.count)
    return math.log10(rarity)

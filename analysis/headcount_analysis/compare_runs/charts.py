"""The comparison's charts: all sides overlaid, each with its own colour and dashes."""

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from headcount.palette import event_type_name
from headcount.thresholds.metrics import MetricKind, names_of
from headcount_analysis.compare_runs import words
from headcount_analysis.compare_runs.model import RunComparison
from headcount_analysis.compare_runs.runs import PercentileRow, Side, VerifiedRun
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.report.html.figure import Figure
from headcount_analysis.report.html.line_chart import Axis, AxisKind, ChartLine, LineChart
from headcount_analysis.report.html.svg import drawn

DASHES = ("", "6 3", "2 2", "8 3 2 3")
"""The dashes of each side's lines, so that readers can distinguish them without colour."""

MOST_POINTS = 600
"""The maximum number of points of a line."""

_STROKE = 1.6
_OVER_TIME = (
    ("acked", "Acknowledgements over time", "per second", True),
    ("http_p50_ms", "HTTP p50 over time", "ms", False),
    ("http_p99_ms", "HTTP p99 over time", "ms", False),
    ("end_to_end_p99_ms", "End to end p99 over time", "ms", False),
)

Points = Sequence[tuple[float, float | None]]


def overlaid(comparison: RunComparison) -> Iterator[Figure]:
    """Draw the percentiles and time series of all runs; charts over time have the same axis."""
    for measure in _measures(comparison):
        lines = _lines(comparison.sides, functools.partial(_curve, measure=measure))
        title = f"{Measure(measure).words[0].upper()}{Measure(measure).words[1:]} by percentile"
        yield from _figure(title, AxisKind.RARITY, lines, "ms")
    runs = [run for side in comparison.sides for run in side.runs]
    end_s = max((_end_s(run) for run in runs), default=0.0)
    for name, title, unit, is_rate in _OVER_TIME:
        lines = _lines(comparison.sides, functools.partial(_over_time, name=name, is_rate=is_rate))
        yield from _figure(title, AxisKind.ELAPSED, lines, unit, end_s)


def _figure(
    title: str, kind: AxisKind, lines: tuple[ChartLine, ...], unit: str, least_high: float = 1.0
) -> Iterator[Figure]:
    """Draw lines from 0 on; nothing if there are none."""
    if lines:
        axis = Axis(kind, 0.0, max(least_high, *(line.xs[-1] for line in lines)))
        yield Figure(title, drawn(LineChart(axis, lines, unit)))


def _lines(
    sides: Sequence[Side], points_of: Callable[[VerifiedRun], Points]
) -> tuple[ChartLine, ...]:
    """Return a line for each run that has points; the runs of a side look the same."""
    runs = ((index, side, points_of(run)) for index, side in enumerate(sides) for run in side.runs)
    return tuple(
        ChartLine(
            side.name,
            event_type_name(index),
            [x for x, _ in points],
            [y for _, y in points],
            DASHES[index % len(DASHES)],
            _STROKE,
        )
        for index, side, points in runs
        if any(y is not None for _, y in points)
    )


def _measures(comparison: RunComparison) -> Iterator[str]:
    """Yield the measures to draw, without those that equal another one in every run."""
    names = {
        change.metric.name
        for versus in comparison.others
        for change in words.distinct(versus.in_total)
    }
    return (name for name in names_of(MetricKind.DURATION) if name in names)


def _curve(run: VerifiedRun, measure: str) -> Points:
    """Return the points of a curve: (n, ms) if one in 10**n requests takes longer than `ms`."""
    of_measure = (quantile for quantile in run.quantiles or () if quantile.measure == measure)
    rows = sorted(of_measure, key=_quantile)
    odds, points = 1.0, []
    for row in rows:
        # The maximum would be infinitely rare, so it is drawn as twice as rare as the point before
        # it.
        odds = 1 / (1 - row.quantile) if row.quantile < 1 else 2 * odds
        points.append((math.log10(odds), row.ms))
    return points


def _quantile(point: PercentileRow) -> float:
    return point.quantile


def _end_s(run: VerifiedRun) -> float:
    return max(
        (time_slice.elapsed_s + time_slice.width_s for time_slice in run.slices or ()), default=0.0
    )


def _over_time(run: VerifiedRun, name: str, *, is_rate: bool) -> Points:
    """Merge slices into at most MOST_POINTS: the mean of rates, the maximum of durations."""
    slices = run.slices or ()
    if is_rate:  # the run ends within the last slice, which would look like a drop
        slices = slices[:-1] or slices
    step = -(-len(slices) // MOST_POINTS) or 1
    points: list[tuple[float, float | None]] = []
    for start in range(0, len(slices), step):
        group = slices[start : start + step]
        values = [value for time_slice in group if (value := getattr(time_slice, name)) is not None]
        middle_s = (group[0].elapsed_s + group[-1].elapsed_s + group[-1].width_s) / 2
        value = None if not values else sum(values) / len(values) if is_rate else max(values)
        points.append((middle_s, value))
    return points


def lacking(runs: Iterable[VerifiedRun]) -> str:
    """Explain which runs lack the tables for the charts; empty if none do."""
    names = [run.run_id for run in runs if run.slices is None or run.quantiles is None]
    if not names:
        return ""
    return (
        f"The charts are incomplete: no percentiles.csv or over_time.csv for {', '.join(names)}; "
        "headcount verify writes these files"
    )

"""The comparison's charts: all sides overlaid, each with its own colour and dashes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd
from markupsafe import Markup

from headcount.thresholds.metrics import MetricKind, names_of
from headcount_analysis.compare import words
from headcount_analysis.compare.change import Change, ChangeLabel
from headcount_analysis.compare.model import RunComparison, Versus
from headcount_analysis.compare.runs import OverTimeRow, PercentileRow, Side, VerifiedRun
from headcount_analysis.report.html.charts import MAX_POINTS
from headcount_analysis.report.html.svg import PALETTE, svg

DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3))
"""The dashes of each side's lines, so that readers can distinguish them without colour."""

_HEIGHT = 200
_STEP = 22
# The reader's font may be wider than the font that names are measured with.
_NAMES = 125
_SPARSE: Mapping[str, Any] = {"labelOverlap": "greedy", "labelSeparation": 10}
_SPREAD = 20
"""The axis is logarithmic if the maximum is more than this many times the median."""
_ODDS = (1, 2, 4, 10, 100, 1000, 10_000, 100_000)
_PERCENT = "format(100 - 100 / datum.value, '~r') + ' %'"
_CHANGE = (
    "datum.value == 1 ? 'none' : (datum.value < 1 ? '' : '+')"
    " + format(100 * (datum.value - 1), ',~r') + ' %'"
)
_FAR = 1.7
_FAR_FACTORS = (0.05, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_NEAR_FACTORS = (0.6, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.3, 1.5)
_CLOSEST = 1.05
_WIDEST = 2
"""Intervals are truncated at this power of the largest factor."""
_DRAWN = ("mean", "p50", "p95", "p99", "max")
_MARKS = {
    ChangeLabel.WORSE: ("#d55e00", "triangle-right"),
    ChangeLabel.BETTER: ("#009e73", "triangle-left"),
    ChangeLabel.SLOWER: ("#d55e00", "triangle-right"),
    ChangeLabel.MORE: ("#0072b2", "triangle-right"),
    ChangeLabel.FASTER: ("#009e73", "triangle-left"),
    ChangeLabel.FEWER: ("#0072b2", "triangle-left"),
    ChangeLabel.UNKNOWN: ("#e69f00", "diamond"),
    ChangeLabel.NOISE: ("#888888", "circle"),
    ChangeLabel.SAME: ("#888888", "square"),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart and what it shows."""

    title: str
    svg: Markup


def changes(versus: Versus) -> Picture | None:
    """Draw the main changes in total that are shares, with their intervals."""
    rows = [_bar(each) for each in words.distinct(versus.in_total) if _is_drawn(each)]
    if not rows:
        return None
    frame = pd.DataFrame(rows, columns=["metric", "factor", "low", "high", "assessment"])
    farthest = max(_CLOSEST, *frame["factor"], *(1 / frame["factor"])) ** _WIDEST
    ends = frame[["low", "high"]].clip(1 / farthest, farthest)
    frame = frame.assign(low=ends["low"], high=ends["high"])
    lowest, highest = float(ends["low"].min()), float(ends["high"].max())
    scale = alt.Scale(type="log", domain=[min(lowest, 1 / _CLOSEST), max(highest, _CLOSEST)])
    ticks = _factors(lowest, highest)
    axis = alt.Axis(values=list(ticks), labelExpr=_CHANGE, **_SPARSE)
    base = alt.Chart(frame).encode(
        y=alt.Y("metric:N", sort=None, title=None, axis=alt.Axis(minExtent=_NAMES))
    )
    spans = base.mark_rule(strokeWidth=2, color="currentColor", opacity=0.5).encode(
        x=alt.X("low:Q", title="change against base", axis=axis, scale=scale), x2="high:Q"
    )
    labels = [each.value for each in _MARKS if each.value in set(frame["assessment"])]
    marks = [_MARKS[ChangeLabel(name)] for name in labels]
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        x="factor:Q",
        color=alt.Color(
            "assessment:N",
            title=None,
            scale=alt.Scale(domain=labels, range=[colour for colour, _ in marks]),
        ),
        shape=alt.Shape(
            "assessment:N",
            title=None,
            scale=alt.Scale(domain=labels, range=[shape for _, shape in marks]),
        ),
    )
    none = alt.Chart(pd.DataFrame({"x": [1]})).mark_rule(color="currentColor").encode(x="x:Q")
    drawn = svg(none + spans + points, alt.Step(_STEP))
    return Picture(f"Changes of {versus.side.name} against base, with 95 % intervals", drawn)


def _is_drawn(change: Change) -> bool:
    return change.ratio is not None and (
        change.metric.kind in {MetricKind.RATE, MetricKind.RATIO}
        or change.metric.aggregate in _DRAWN
    )


def _factors(lowest: float, highest: float) -> Sequence[float]:
    """Return ticks for the axis of changes: finer ones if all changes are small."""
    is_far = highest > _FAR or lowest < 1 / _FAR
    return _FAR_FACTORS if is_far else _NEAR_FACTORS


def overlaid(comparison: RunComparison) -> Iterator[Picture]:
    """Draw the percentiles and time series of all runs."""
    sides = comparison.sides
    for measure in _measures(comparison):
        title = f"{measure.replace('_', ' ')} by percentile"
        yield from _picture(title, _curves(sides, measure), _percentile_chart)
    for name, title, is_rate in (
        ("acked", "acknowledgements over time, per second", True),
        ("http_p50_ms", "http p50 over time, in ms", False),
        ("http_p99_ms", "http p99 over time, in ms", False),
        ("end_to_end_p99_ms", "end to end p99 over time, in ms", False),
    ):
        yield from _picture(title, _over_time(sides, name, is_rate=is_rate), _time_chart)


def _bar(change: Change) -> tuple[str, float, float, float, str]:
    """Return the metric, its factor of change (1 for none) with both ends, and the label."""
    assert change.ratio is not None
    interval, factor = change.ratio.interval, 1 + change.ratio.change
    low, high = (factor, factor) if interval is None else (1 + interval.low, 1 + interval.high)
    return words.readable(change.metric), factor, low, high, change.label.value


def _measures(comparison: RunComparison) -> Iterator[str]:
    """Yield the measures to draw, without those that equal another one in every run."""
    names = {
        each.metric.name for versus in comparison.others for each in words.distinct(versus.in_total)
    }
    return (name for name in names_of(MetricKind.DURATION) if name in names)


def _picture(
    title: str, frame: pd.DataFrame, draw: Callable[[pd.DataFrame], alt.Chart]
) -> Iterator[Picture]:
    if not frame.empty:
        yield Picture(title, svg(draw(frame), _HEIGHT))


def _curves(sides: Sequence[Side], measure: str) -> pd.DataFrame:
    """Return the points of each run's curve: side, run, odds (one in `odds` takes longer), y."""
    rows = [
        (side.name, number, *point)
        for side in sides
        for number, run in enumerate(side.runs)
        for point in _curve(run.quantiles or (), measure)
    ]
    return pd.DataFrame(rows, columns=["side", "run", "odds", "y"])


def _curve(quantiles: Iterable[PercentileRow], measure: str) -> Iterator[tuple[float, float]]:
    points = sorted((each for each in quantiles if each.measure == measure), key=_by_quantile)
    odds = 1.0
    for each in points:
        # Nothing takes longer than the maximum, so it is drawn at twice the odds before it.
        odds = 1 / (1 - each.quantile) if each.quantile < 1 else 2 * odds
        yield odds, each.ms


def _by_quantile(point: PercentileRow) -> float:
    return point.quantile


def _percentile_chart(frame: pd.DataFrame) -> alt.Chart:
    last = float(frame["odds"].max())
    shown = [odds for odds in _ODDS if odds <= last]
    axis = alt.Axis(values=shown, labelExpr=_PERCENT, **_SPARSE)
    x = alt.X("odds:Q", title=None, axis=axis, scale=alt.Scale(type="log", domain=[1, last]))
    return _lines(frame, x, "ms")


def _over_time(sides: Sequence[Side], name: str, *, is_rate: bool) -> pd.DataFrame:
    """Return the values of each run's slices: side, run, elapsed_s, y."""
    rows = [
        (side.name, number, *point)
        for side in sides
        for number, run in enumerate(side.runs)
        for point in _thinned(run.slices or (), name, is_rate=is_rate)
    ]
    return pd.DataFrame(rows, columns=["side", "run", "elapsed_s", "y"])


def _thinned(
    slices: Sequence[OverTimeRow], name: str, *, is_rate: bool
) -> Iterator[tuple[float, float]]:
    """Merge slices into at most MAX_POINTS: the mean of rates, the maximum of durations."""
    step = -(-len(slices) // MAX_POINTS) or 1
    for start in range(0, len(slices), step):
        group = slices[start : start + step]
        values = [value for each in group if (value := getattr(each, name)) is not None]
        if values:
            yield group[0].elapsed_s, sum(values) / len(values) if is_rate else max(values)


def _time_chart(frame: pd.DataFrame) -> alt.Chart:
    return _lines(frame, alt.X("elapsed_s:Q", title="seconds from the first request"), None)


def _lines(frame: pd.DataFrame, x: alt.X, unit: str | None) -> alt.Chart:
    names = list(dict.fromkeys(frame["side"]))
    is_wide = float(frame["y"].max()) > _SPREAD * float(frame["y"].median()) > 0
    is_wide = is_wide and float(frame["y"].min()) > 0
    chart: alt.Chart = alt.Chart(frame).mark_line(point=len(frame) == 1, strokeWidth=1.5)
    return chart.encode(
        x=x,
        y=alt.Y("y:Q", title=unit, scale=alt.Scale(type="log") if is_wide else alt.Scale()),
        color=alt.Color(
            "side:N", title=None, sort=None, scale=alt.Scale(domain=names, range=list(PALETTE))
        ),
        strokeDash=alt.StrokeDash(
            "side:N",
            title=None,
            sort=None,
            scale=alt.Scale(domain=names, range=[list(each) for each in DASHES]),
        ),
        detail="run:N",
    )


def lacking(runs: Iterable[VerifiedRun]) -> str:
    """Explain which runs lack the tables for the charts; empty if none do."""
    names = [run.run_id for run in runs if run.slices is None or run.quantiles is None]
    if not names:
        return ""
    return (
        f"The charts are incomplete: no percentiles.csv or over_time.csv for {', '.join(names)}; "
        "headcount verify writes these files"
    )

"""Trend lines: where to draw a series, in percent of the width and the height of its charts.

A chart has one place for each run, however much time passed between them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import geometric_mean

from headcount.run.verdict import Label
from headcount.thresholds.metrics import Metric
from headcount_analysis.history import words
from headcount_analysis.history.entry import SAMPLED, HistoryEntry
from headcount_analysis.history.series import LevelChange, Series

_TOP, _BOTTOM = 8.0, 94.0
_MIDDLE = (_TOP + _BOTTOM) / 2
_LEAST_BAR = 12.0
_COLOURS = {
    "rps": "answered",
    "http.p50": "p50",
    "http.p99": "p99",
    "end_to_end.p99": "end-to-end",
}
_LEAST_RANGE = 0.25
"""An axis covers at least this share of its highest figure, so that noise looks like noise."""


@dataclass(frozen=True, slots=True)
class TrendMark:
    """A change point: where it is, what it says, and whether the figure rose."""

    x: float
    text: str
    title: str
    is_rise: bool


@dataclass(frozen=True, slots=True)
class TrendChart:
    """A chart of one metric of a series.

    `colour` is the palette's name for its colour, and `line` the path of its line. `dots` marks the
    runs that did not pass, and a run that alone has a figure: it maps the colour of their label to
    the path of their dots. `values` has the figure of each run as text, in the order of the runs;
    `axis` is the range of the chart as text. `baseline_y` is the height of the next run's baseline,
    None without one.
    """

    title: str
    colour: str
    latest: str
    line: str
    dots: dict[str, str]
    marks: tuple[TrendMark, ...]
    values: tuple[str, ...]
    axis: str
    baseline_y: float | None = None
    baseline: str = ""


@dataclass(frozen=True, slots=True)
class DefectChart:
    """Bars of the defects of each run: `bars` is their path, empty if no run has any."""

    bars: str
    values: tuple[str, ...]
    total: int


def charts(series: Series, baseline_runs: int) -> Iterator[TrendChart]:
    """Yield the charts of all metrics that some run of the series measured."""
    for metric in SAMPLED:
        if any(run.entry.positive(metric) for run in series.runs):
            yield _chart(series, metric, baseline_runs)


def defect_chart(series: Series) -> DefectChart:
    """Draw the defects; the height is a square root, so that one lost event is visible."""
    totals = [sum(run.entry.defects.values()) for run in series.runs]
    highest = max((total**0.5 for total in totals), default=0.0)
    xs = _places(len(totals))
    bars = (
        f"M{x:.2f} 100V{100 - max(_LEAST_BAR, (100 - _TOP) * total**0.5 / highest):.1f}"
        for x, total in zip(xs, totals, strict=True)
        if total
    )
    values = tuple(words.defects_text(run.entry) for run in series.runs)
    return DefectChart("".join(bars), values, sum(totals))


def _chart(series: Series, metric: Metric, baseline_runs: int) -> TrendChart:
    entries = [run.entry for run in series.runs]
    figures = [entry.positive(metric) for entry in entries]
    known = [figure for figure in figures if figure]
    high = max(known)
    low = min(*known, (1 - _LEAST_RANGE) * high)
    xs = _places(len(figures))
    points = [
        (x, _y(figure, low, high), entry)
        for x, figure, entry in zip(xs, figures, entries, strict=True)
        if figure
    ]
    base = _baseline(entries, metric, baseline_runs)
    return TrendChart(
        title=words.TITLES[str(metric)],
        colour=_COLOURS[str(metric)],
        latest=words.sampled_text(entries[-1], metric),
        line=_line((x, y) for x, y, _ in points),
        dots=_dots(points),
        marks=tuple(
            _mark(series, change, xs) for change in series.changes if change.metric == metric
        ),
        values=tuple(words.sampled_text(entry, metric) for entry in entries),
        axis=f"{low:,.1f} to {metric.show(high)}",
        baseline_y=None if base is None else _y(base, low, high),
        baseline="" if base is None else metric.show(base),
    )


def _baseline(entries: Iterable[HistoryEntry], metric: Metric, runs: int) -> float | None:
    """Return the geometric mean of the last passing runs."""
    figures = (entry.positive(metric) for entry in entries if entry.label is Label.PASS)
    last = [figure for figure in figures if figure][-runs:]
    return geometric_mean(last) if last else None


def _places(count: int) -> list[float]:
    """Return the place of each run: the middle of its share of the width."""
    return [100 * (index + 0.5) / count for index in range(count)]


def _y(figure: float, low: float, high: float) -> float:
    if high == low:
        return _MIDDLE
    return _BOTTOM - (_BOTTOM - _TOP) * (figure - low) / (high - low)


def _line(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.1f}" for x, y in points)


def _dots(points: Sequence[tuple[float, float, HistoryEntry]]) -> dict[str, str]:
    """Return the path of the runs that did not pass, or of the only run, by label colour."""
    dots: dict[str, str] = {}
    for x, y, entry in points:
        if entry.label is not Label.PASS:
            colour = entry.label.colour
            dots[colour] = f"{dots.get(colour, '')}M{x:.2f} {y:.1f}h0"
    if len(points) == 1:  # a line over one point is invisible
        x, y, entry = points[0]
        dots.setdefault(entry.label.colour, f"M{x:.2f} {y:.1f}h0")
    return dots


def _mark(series: Series, change: LevelChange, xs: Sequence[float]) -> TrendMark:
    """Mark a change between the last run of the level before and the first of the new one."""
    x = xs[change.index] - 50 / len(xs)
    sentence = words.level_sentence(series, change)
    return TrendMark(x, words.share(change), sentence, is_rise=change.after > change.before)

"""Paths of lines and bars, with no more points than can be seen. Pure."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from headcount_analysis.report.html.line_chart import ChartLine, LineChart, MarkKind
from headcount_analysis.report.html.scales import Scale

_LEAST_GAP_AT = 4.0
_LEAST_BAR = 1.6
"""The least width and height of a bar in px, so that a single loss is seen."""

Point = tuple[float, float]
Item = TypeVar("Item")


def paths(chart: LineChart, scale: Scale, width: float, height: float, most: int) -> Iterator[str]:
    """Yield the path of each line: in px from the upper left corner of the plot.

    Args:
        chart: The chart.
        scale: Its vertical scale.
        width: The width of the plot in px.
        height: Its height in px.
        most: About how many points a path has at most.
    """
    if chart.mark is MarkKind.BARS:
        yield from _bars(chart, scale, width, height, most)
        return
    for line in chart.lines:
        runs = _runs(_thinned(line, most))
        yield "".join(
            _path(
                [
                    (chart.axis.scale.share(x) * width, (1 - scale.share(y)) * height)
                    for x, y in run
                ],
                is_step=chart.mark is MarkKind.STEP,
            )
            for run in runs
        )


def _thinned(line: ChartLine, most: int) -> Iterator[tuple[float, float | None]]:
    """Keep the least and the greatest value of each group of neighbours, in their order."""
    pairs = list(zip(line.xs, line.ys, strict=True))
    if len(pairs) <= most:
        yield from pairs
        return
    for group in _batched(pairs, -(-2 * len(pairs) // most)):
        known = [(y, x) for x, y in group if y is not None]
        extremes = sorted({min(known), max(known)}, key=lambda point: point[1]) if known else ()
        yield from ((x, y) for y, x in extremes)
        if not known:
            yield group[0][0], None


def _batched(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _runs(points: Iterable[tuple[float, float | None]]) -> Iterator[list[Point]]:
    """Split points at gaps."""
    for is_gap, group in itertools.groupby(points, key=lambda point: point[1] is None):
        if not is_gap:
            yield [(x, y) for x, y in group if y is not None]


def _path(points: Sequence[Point], *, is_step: bool) -> str:
    """Write a path in tenths of px; a lone point becomes a dot with round line caps."""
    (left, top), *rest = [(round(10 * x), round(10 * y)) for x, y in points]
    parts = [f"M{left / 10:g} {top / 10:g}"]
    for x, y in rest:
        across, down = f"{(x - left) / 10:g}", f"{(y - top) / 10:g}"
        parts.append(f"h{across}v{down}" if is_step else f"l{across} {down}")
        left, top = x, y
    return "".join(parts) if rest else f"{parts[0]}h0"


def _bars(chart: LineChart, scale: Scale, width: float, height: float, most: int) -> Iterator[str]:
    """Yield the bars of each series, stacked; of stacks too thin to see, only the highest."""
    stacks = list(zip(chart.lines[0].xs, *(line.ys for line in chart.lines), strict=True))
    size = max(1, -(-len(stacks) // most))
    shown = [max(group, key=_total) for group in _batched(stacks, size)]
    bar = _bar_width(chart.axis.scale.share(chart.axis.low + size * chart.width) * width)
    places = [round(chart.axis.scale.share(x) * width, 1) for x, *_ in shown]
    below = [0.0] * len(shown)
    for index in range(1, len(chart.lines) + 1):
        parts = []
        for number, stack in enumerate(shown):
            if not stack[index]:
                continue
            tall = max(_LEAST_BAR, scale.share(stack[index]) * height)
            bottom = height - below[number]
            below[number] += tall
            parts.append(f"M{places[number]:g} {bottom:.1f}v-{tall:.1f}h{bar:.1f}v{tall:.1f}z")
        yield "".join(parts)


def _bar_width(slice_width: float) -> float:
    """Return the width of a bar in px: with a gap to the next one, if there is room for it."""
    return max(_LEAST_BAR, slice_width - 0.4 if slice_width > _LEAST_GAP_AT else slice_width + 0.1)


def _total(stack: tuple[float | None, ...]) -> float:
    return sum(y or 0.0 for y in stack[1:])

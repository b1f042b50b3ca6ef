"""The data of a chart for the page's script, in a short form: its numbers are rounded. Pure."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from headcount_analysis.report.html.line_chart import ChartLine, LineChart, label

_DIGITS = 4
_REGULAR_S = 1e-6


def data_of(chart: LineChart) -> Mapping[str, Any]:
    """Return a chart's data as JSON values.

    `x` is the axis (low and high), `first` the Unix time in s where the axis is at 0, and `y` the
    vertical scale (low, high, and whether it is logarithmic). Each line has its `name` as an index
    of `names`, its `colour`, and its values `y`. Their places on the axis are given by `from` and
    `step` if they are evenly spaced, else listed in `x`. If at least two thirds of the values are
    0, `y` has only the others, `at` has their indexes, and `count` is the number of all values.
    """
    scale = chart.value_scale
    return {
        "unit": chart.unit,
        "link": chart.link,
        "mark": chart.mark.value,
        "width": chart.width,
        "x": [_short(chart.axis.low), _short(chart.axis.high)],
        "first": chart.axis.first_ns / 1e9,
        "y": [scale.low, scale.high, scale.is_log],
        "names": [label(name) for name in chart.names],
        "rules": [[round(x, 3), label(text)] for x, text in chart.rules],
        "lines": [_line(chart, line) for line in chart.lines],
    }


def _line(chart: LineChart, line: ChartLine) -> dict[str, Any]:
    return {
        "name": chart.names.index(line.name),
        "colour": line.colour,
        **_places(line.xs),
        **_values(line.ys),
    }


def _values(ys: Sequence[float | None]) -> dict[str, Any]:
    values = [None if y is None else _short(y) for y in ys]
    at = [index for index, y in enumerate(values) if y != 0]
    if 3 * len(at) > len(values):
        return {"y": values}
    return {"count": len(values), "at": at, "y": [values[index] for index in at]}


def _places(xs: Sequence[float]) -> dict[str, Any]:
    step = xs[1] - xs[0] if len(xs) > 1 else 1.0
    if all(abs(x - xs[0] - index * step) < _REGULAR_S for index, x in enumerate(xs)):
        return {"from": round(xs[0], 3), "step": round(step, 6)}
    return {"x": [round(x, 3) for x in xs]}


def _short(value: float) -> float:
    """Round to four digits, but keep all digits of a whole number."""
    if value == 0 or float(value).is_integer():
        return int(value)
    return round(value, _DIGITS - 1 - math.floor(math.log10(abs(value))))

"""The chart of changes: each figure's change against the base, with its 95 % interval, as HTML."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from headcount.thresholds.metrics import MetricKind
from headcount_analysis.compare import words
from headcount_analysis.compare.change import Change, ChangeLabel
from headcount_analysis.compare.model import Versus
from headcount_analysis.report.html.figure import Figure
from headcount_analysis.report.html.line_chart import label

_FAR = 1.7
_FAR_FACTORS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_NEAR_FACTORS = (0.6, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.3, 1.5)
_CLOSEST = 1.05
_WIDEST = 2
"""Intervals are truncated at this power of the largest factor."""
_APART_PERCENT = 11.0
"""The least distance of two ticks, in percent of the width."""
_DRAWN = ("mean", "p50", "p95", "p99", "max")
_MARKS = {
    ChangeLabel.WORSE: ("fail", "▶"),
    ChangeLabel.BETTER: ("pass", "◀"),
    ChangeLabel.SLOWER: ("fail", "▶"),
    ChangeLabel.MORE: ("type-1", "▶"),
    ChangeLabel.FASTER: ("pass", "◀"),
    ChangeLabel.FEWER: ("type-1", "◀"),
    ChangeLabel.UNKNOWN: ("inconclusive", "◆"),
    ChangeLabel.NOISE: ("soft", "●"),
    ChangeLabel.SAME: ("soft", "■"),
}


@dataclass(frozen=True, slots=True)
class _FactorScale:
    """A logarithmic scale of factors of change; 1 is no change."""

    low: float
    high: float

    def percent(self, factor: float) -> float:
        """Return where a factor lies, in percent of the width; beyond the ends at an end."""
        within = min(max(factor, self.low), self.high)
        return 100 * math.log(within / self.low) / math.log(self.high / self.low)


def change_figure(versus: Versus) -> Figure | None:
    """Draw the main changes in total that are shares; None if there are none."""
    changes = [each for each in words.distinct(versus.in_total) if _is_drawn(each)]
    if not changes:
        return None
    scale = _scale_of(changes)
    rows = "".join(_row(each, scale) for each in changes)
    drawn = Markup(f'<div class="changes">{rows}{_axis(scale)}</div>')  # noqa: S704 - escaped
    title = f"Changes of {versus.side.name} against base, with 95 % intervals"
    return Figure(title, drawn)


def _is_drawn(change: Change) -> bool:
    return change.ratio is not None and (
        change.metric.kind in {MetricKind.RATE, MetricKind.RATIO}
        or change.metric.aggregate in _DRAWN
    )


def _factors(change: Change) -> tuple[float, float, float]:
    """Return the factor of change and both ends of its interval; 1 is no change."""
    assert change.ratio is not None
    interval, factor = change.ratio.interval, 1 + change.ratio.change
    if interval is None:
        return factor, factor, factor
    return factor, 1 + interval.low, 1 + interval.high


def _scale_of(changes: Sequence[Change]) -> _FactorScale:
    factors = [_factors(each) for each in changes]
    sizes = [size for factor, _, _ in factors if factor > 0 for size in (factor, 1 / factor)]
    farthest = max(_CLOSEST, *sizes) ** _WIDEST
    lowest, highest = min(low for _, low, _ in factors), max(high for _, _, high in factors)
    low = max(min(lowest, 1 / _CLOSEST), 1 / farthest)
    return _FactorScale(low, min(max(highest, _CLOSEST), farthest))


def _row(change: Change, scale: _FactorScale) -> str:
    factor, low, high = map(scale.percent, _factors(change))
    colour, symbol = _MARKS[change.label]
    *_, changed, interval, assessment = words.cells(change)
    size = f"{changed} ({interval})" if interval else changed
    look = f'style="left:{factor:.1f}%;color:var(--{colour})"'
    return (
        f'<div><span class="name">{escape(label(words.readable(change.metric)))}</span>'
        '<span class="track" aria-hidden="true">'
        f'<i class="none" style="left:{scale.percent(1):.1f}%"></i>'
        f'<i class="span" style="left:{low:.1f}%;width:{high - low:.1f}%"></i>'
        f"<b {look}>{symbol}</b></span>"
        f'<span class="value"><b style="color:var(--{colour})">{escape(assessment)}</b> '
        f"{escape(size)}</span></div>"
    )


def _axis(scale: _FactorScale) -> str:
    ticks = "".join(
        f'<span style="left:{scale.percent(factor):.1f}%">{_change(factor)}</span>'
        for factor in _ticks(scale)
    )
    cells = f'<span></span><span class="ticks">{ticks}</span><span></span>'
    return f'<div aria-hidden="true">{cells}</div>'


def _ticks(scale: _FactorScale) -> Iterator[float]:
    """Yield ticks with enough room between them; finer ones if all changes are small."""
    is_far = scale.high > _FAR or scale.low < 1 / _FAR
    last, none = -math.inf, scale.percent(1)
    for factor in _FAR_FACTORS if is_far else _NEAR_FACTORS:
        at = scale.percent(factor)
        is_within = scale.low <= factor <= scale.high
        is_clear = factor == 1 or abs(at - none) >= _APART_PERCENT
        if is_within and is_clear and at - last >= _APART_PERCENT:
            yield factor
            last = at


def _change(factor: float) -> str:
    return "none" if factor == 1 else f"{100 * (factor - 1):+,.0f} %"

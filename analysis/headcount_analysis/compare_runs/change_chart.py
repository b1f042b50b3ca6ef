"""The chart of changes: each figure's change against the base, with its 95 % interval, as HTML."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from headcount.thresholds.metrics import MetricKind
from headcount_analysis.compare_runs import words
from headcount_analysis.compare_runs.change import Change, ChangeLabel
from headcount_analysis.compare_runs.model import Versus
from headcount_analysis.report.html.figure import Figure
from headcount_analysis.report.html.line_chart import label

_FAR = 1.7
_FAR_FACTORS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_NEAR_FACTORS = (0.6, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.3, 1.5)
_CLOSEST = 1.05
_WIDEST = 2
"""The scale ends at the largest factor of change to this power, at the latest; an interval that
reaches farther is cut off there."""
_APART_PERCENT, _APART_ON_PHONE_PERCENT = 11.0, 24.0
"""The least distance between two ticks, in percent of the width."""
_ONLY_WIDE = ' class="only-wide"'
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

    @property
    def is_far(self) -> bool:
        """Whether it is so long that `_axis` labels it with _FAR_FACTORS."""
        return self.high > _FAR or self.low < 1 / _FAR

    def percent(self, factor: float) -> float:
        """Return where a factor lies, in percent of the width; beyond an end, at that end."""
        within = min(max(factor, self.low), self.high)
        return 100 * math.log(within / self.low) / math.log(self.high / self.low)


def change_figure(versus: Versus) -> Figure | None:
    """Draw the main changes over all event types, as shares of the base; None if there are none."""
    changes = [change for change in words.distinct(versus.in_total) if _is_drawn(change)]
    if not changes:
        return None
    scale = _scale_of(changes)
    rows = "".join(_row(change, scale) for change in changes)
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
    factors = [_factors(change) for change in changes]
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
    """Label the scale; on a phone there is room for fewer labels."""
    factors = _FAR_FACTORS if scale.is_far else _NEAR_FACTORS
    wide = _spaced(scale, factors, _APART_PERCENT)
    few = set(_spaced(scale, wide, _APART_ON_PHONE_PERCENT))
    ticks = "".join(
        f'<span{"" if factor in few else _ONLY_WIDE} style="left:{scale.percent(factor):.1f}%">'
        f"{_change(factor)}</span>"
        for factor in wide
    )
    cells = f'<span></span><span class="ticks">{ticks}</span><span></span>'
    return f'<div aria-hidden="true">{cells}</div>'


def _spaced(scale: _FactorScale, factors: Iterable[float], apart_percent: float) -> list[float]:
    """Keep factors of the scale with enough room between them; 1 is always kept."""
    kept = [1.0]
    for factor in factors:
        at = scale.percent(factor)
        is_clear = all(abs(at - scale.percent(other)) >= apart_percent for other in kept)
        if scale.low <= factor <= scale.high and is_clear:
            kept.append(factor)
    return sorted(kept)


def _change(factor: float) -> str:
    return "none" if factor == 1 else f"{100 * (factor - 1):+,.0f} %"

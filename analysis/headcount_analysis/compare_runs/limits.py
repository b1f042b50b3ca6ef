"""Limits on changes: by how much a metric may rise or fall against the base.

    http.p99 +10%                     must not rise by more than 10 % of the base
    rps -5%                           must not fall by more than 5 %
    lost +0                           must not rise at all
    end_to_end{event_type=checkout}.p95 +20ms

A limit has a metric (as in a threshold), a direction and an amount. `%` is relative to the base;
other amounts are in the metric's own unit. For a ratio, it is a share (`fail_ratio +0.01`).

A limit has one of three results, like a verdict, and is kept only if that is proven:

- broken: the estimate exceeds the limit, and the confidence interval excludes zero. A limit whose
  metric was not measured is broken too: a gate that is never tried is no gate.
- kept: the whole interval is within the limit, or every run has the same figure.
- cannot tell: neither holds. More or longer runs make the interval narrower. A figure that is not
  known exactly decides nothing. That is so if a killed generator left reserved ids without a row,
  or if messages have an unknown event type.

Several limits form a family, and their intervals are corrected for that (see `statistics.py`).
Classes are facts (see `facts.py`): their counts decide. With one run per side there is no interval,
so no other limit can be decided, unless the estimate alone is allowed to decide.
"""

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

from lark import Lark

from headcount.thresholds import metric_text
from headcount.thresholds.metric_text import Parsed
from headcount.thresholds.metrics import PERCENT, Metric, MetricKind
from headcount_analysis.compare_runs.change import AGGREGATES, Change
from headcount_analysis.compare_runs.statistics import Estimate, Interval, significance_level

_GRAMMAR = (
    r"""
start: _metric SIGN NUMBER UNIT?
SIGN: "+" | "-"
"""
    + metric_text.GRAMMAR
)
_SHARE = "%"
_ERROR = 1e-12
_AMOUNT_RULES = {
    MetricKind.COUNT: "a number without a unit, or in %",
    MetricKind.RATE: "a number, with or without /s, or in %",
    MetricKind.RATIO: "a share such as 0.01, or in % of the base",
    MetricKind.DURATION: "a time such as 20ms or 2s, or in %",
}


class LimitState(StrEnum):
    """The result of a limit."""

    KEPT = "kept"
    BROKEN = "broken"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True, slots=True)
class Limit:
    """How far a metric may rise or fall: by a share of the base, or in the metric's unit."""

    text: str
    metric: Metric
    is_of_rise: bool
    amount: float
    is_share: bool


@dataclass(frozen=True, slots=True)
class LimitResult:
    """A limit, the side that it applies to, its result, and the change that decided it."""

    limit: Limit
    side: str
    state: LimitState
    change: Change
    allows_single_run: bool = False

    @property
    def is_single(self) -> bool:
        """Whether each side is one run."""
        return len(self.change.base) == len(self.change.run) == 1

    @property
    def is_share(self) -> bool:
        """Whether `estimate` is a share of the base."""
        return self.limit.is_share and self.change.ratio is not None

    @property
    def estimate(self) -> Estimate | None:
        """The change that the limit applies to; None if it was not measured."""
        return self.change.ratio if self.is_share else self.change.difference


def parse(text: str) -> Limit:
    """Parse a limit. Raises MetricError, which points at the mistake."""
    parsed = metric_text.parse(_parser, text)
    metric = _with_known_aggregate(parsed, metric_text.metric_of(parsed))
    unit = parsed.get("UNIT")
    is_share = unit == _SHARE
    units = {**metric.kind.units, _SHARE: PERCENT}
    rule = f"the change of {metric.name} must be {_AMOUNT_RULES[metric.kind]}"
    return Limit(
        text=text.strip(),
        metric=metric,
        is_of_rise=parsed["SIGN"] == "+",
        amount=metric_text.amount_of(parsed, units, rule),
        is_share=is_share,
    )


def parse_all(texts: Iterable[str]) -> tuple[Limit, ...]:
    """Parse limits. Raises MetricError, which points at the first mistake."""
    return tuple(parse(text) for text in texts)


def judge(
    limits: Iterable[tuple[Limit, str, Change]], *, allow_single_run: bool = False
) -> tuple[LimitResult, ...]:
    """Decide each limit by the change of its metric.

    Args:
        limits: The limits, each with the name of a side and the change of the metric there.
        allow_single_run: Let the estimate decide if each side has only one run.
    """
    applied = tuple(limits)
    p_values = (_p_value(limit, change) for limit, _, change in applied)
    level = significance_level(p_value for p_value in p_values if p_value is not None)
    corrected = ((limit, side, change.at_level(level)) for limit, side, change in applied)
    return tuple(
        LimitResult(
            limit,
            side,
            _state(limit, change, allow_single_run=allow_single_run),
            change,
            allow_single_run,
        )
        for limit, side, change in corrected
    )


def _p_value(limit: Limit, change: Change) -> float | None:
    if change.difference is None or change.is_same:
        return None
    return _limited_change(limit, change, change.difference)[0].p_value


@functools.cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr")


def _with_known_aggregate(parsed: Parsed, metric: Metric) -> Metric:
    """Check that verdict.json has the aggregate: it has only some percentiles."""
    aggregate = metric.aggregate
    if aggregate.startswith("p"):
        aggregate = f"p{float(aggregate[1:]):g}"
    if aggregate and aggregate not in {*AGGREGATES, "min"}:
        rule = f"runs are compared by min, {', '.join(AGGREGATES)}"
        raise parsed.mistake(parsed["AGGREGATE"], rule)
    return Metric(metric.name, metric.event_type, aggregate)


def _state(limit: Limit, change: Change, *, allow_single_run: bool) -> LimitState:
    if change.difference is None:
        return LimitState.BROKEN
    if not change.is_certain:
        return LimitState.UNKNOWN
    is_single = len(change.base) == len(change.run) == 1
    if is_single and not (change.is_fact or allow_single_run):
        return LimitState.UNKNOWN
    if change.is_same:
        return LimitState.KEPT
    estimate, allowed = _limited_change(limit, change, change.difference)
    if estimate.interval is None:
        # Rounding alone can make a difference of one step.
        is_rounding = abs(change.difference.change) <= change.resolution
        return _of_estimate(_exceeds(estimate.change, allowed), is_rounding=is_rounding)
    return _of_interval(_exceeds(estimate.change, allowed), estimate.interval, allowed)


def _exceeds(change: float, allowed: float) -> bool:
    """Return whether a change is larger than allowed; the rounding of logarithms does not count."""
    return change > allowed and not math.isclose(change, allowed, rel_tol=_ERROR, abs_tol=_ERROR)


def _of_estimate(is_beyond: bool, *, is_rounding: bool) -> LimitState:
    if is_beyond:
        return LimitState.UNKNOWN if is_rounding else LimitState.BROKEN
    return LimitState.KEPT


def _of_interval(is_beyond: bool, interval: Interval, allowed: float) -> LimitState:
    if is_beyond and not interval.includes_zero:
        return LimitState.BROKEN
    return LimitState.UNKNOWN if _exceeds(interval.high, allowed) else LimitState.KEPT


def _limited_change(limit: Limit, change: Change, difference: Estimate) -> tuple[Estimate, float]:
    """Return the change in the limit's direction, and how large it may be."""
    if not limit.is_share:
        estimate, allowed = difference, limit.amount
    elif change.ratio is not None:
        estimate, allowed = change.ratio, limit.amount
    else:
        estimate, allowed = difference, limit.amount * fmean(change.base)
    return (estimate if limit.is_of_rise else estimate.reversed), allowed

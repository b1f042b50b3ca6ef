"""Statistics: how much the runs of two sides differ, and how certain that is.

A run is one observation, however many requests it has: all its requests share its noise. So the
spread between the runs of a side shows how much they differ by chance.

- The interval is Welch's for the difference of two means (B. L. Welch, "The generalization of
  Student's problem when several different population variances are involved", Biometrika 34, 1947).
  It does not assume that both sides are equally noisy.
- A side with one run has no spread of its own and borrows the other's: the interval is then that
  for a single case (J. R. Crawford, D. C. Howell, "Comparing an individual's test score against
  norms derived from small samples", The Clinical Neuropsychologist 12, 1998). With one run on each
  side there is no interval.
- Figures that cannot be negative, such as latencies and rates, are compared as ratios, by the means
  of their logarithms. Their noise is proportional to their size and skewed to the right, so the
  logarithms are far closer to normal. And people ask for changes such as "10 % more".
- Many figures form a family: at 95 %, five of a hundred equal figures would seem changed. So
  changes are reported at the level of Y. Benjamini and Y. Hochberg ("Controlling the false
  discovery rate", Journal of the Royal Statistical Society B 57, 1995): at most one in twenty
  reported changes is chance, and nineteen of twenty comparisons of equal runs report none. If much
  has changed, as when a service gets slower, this method misses far fewer changes than Holm's.
  Intervals that exclude zero on their own are widened to that level (Y. Benjamini, D. Yekutieli,
  "False discovery rate-adjusted multiple confidence intervals for selected parameters", Journal of
  the American Statistical Association 100, 2005).
- Student's quantile comes from the incomplete beta function (26.5.27 of Abramowitz and Stegun), by
  its continued fraction (8.17.22 of the NIST Digital Library of Mathematical Functions).
"""

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

CONFIDENCE = 0.95

_TINY = 1e-300
_MOST_STEPS = 500
_PRECISION = 1e-10


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval for the true change."""

    low: float
    high: float

    @property
    def includes_zero(self) -> bool:
        """Whether zero is in the interval: perhaps nothing changed."""
        return self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True)
class Estimate:
    """By how much a figure changed; without an interval if each side is one run.

    `p_value` is the probability of so large a change if nothing has changed.
    """

    change: float
    interval: Interval | None = None
    p_value: float | None = None

    @property
    def reversed(self) -> "Estimate":
        """The estimate with its sign reversed, for limits on a fall."""
        if self.interval is None:
            return Estimate(-self.change)
        interval = Interval(-self.interval.high, -self.interval.low)
        return Estimate(-self.change, interval, self.p_value)


def significance_level(p_values: Iterable[float]) -> float:
    """Return the largest p-value at which a change is reported, by Benjamini and Hochberg.

    With n p-values and alpha = 1 - CONFIDENCE, it is k alpha / n for the largest k such that the
    k smallest p-values do not exceed it; k = 1 if there is none.
    """
    in_order = sorted(p_values)
    count, alpha = len(in_order), 1 - CONFIDENCE
    ranks = [rank for rank, p_value in enumerate(in_order, 1) if p_value <= rank * alpha / count]
    return max(ranks, default=1) * alpha / max(count, 1)


def difference(
    base: Sequence[float],
    run: Sequence[float],
    resolution: float = 0.0,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Estimate the difference of the means.

    Args:
        base: The figure of each run of the base, at least one.
        run: The figure of each run of the other side, at least one.
        resolution: The steps in which the figure is measured; rounding is noise, too.
        confidence: The confidence of the interval.
    """
    change = fmean(run) - fmean(base)
    spread = _spread(base, run, resolution)
    if spread is None:
        return Estimate(change)
    margin = spread.margin(confidence)
    return Estimate(change, Interval(change - margin, change + margin), spread.p_value(change))


def ratio(
    base: Sequence[float],
    run: Sequence[float],
    resolution: float = 0.0,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Estimate the change as a share of the base, 0.1 for 10 % more; all figures are positive.

    It compares geometric means; the arguments are those of `difference`.
    """
    # The resolution of a logarithm is the figure's resolution divided by the figure.
    share = resolution / min(fmean(base), fmean(run))
    estimate = difference(
        [math.log(value) for value in base], [math.log(value) for value in run], share, confidence
    )
    interval = estimate.interval
    return Estimate(
        math.expm1(estimate.change),
        None if interval is None else Interval(_expm1(interval.low), _expm1(interval.high)),
        estimate.p_value,
    )


@functools.lru_cache(1024)
def student_quantile(degrees: float, confidence: float = CONFIDENCE) -> float:
    """Return the two-sided quantile of Student's distribution, in standard errors.

    `degrees` of freedom can be any positive number, whole or not.
    """
    alpha, value = 1 - confidence, 0.5
    while _two_tails(2 * value, degrees) > alpha:
        value *= 2
    # From below, Newton's method never overshoots: the tail is convex.
    for _ in range(_MOST_STEPS):
        step = (_two_tails(value, degrees) - alpha) / (2 * _density(value, degrees))
        value += step
        if step < _PRECISION * value:
            break
    return value


@dataclass(frozen=True, slots=True)
class _Spread:
    """The standard error of the difference of two means, and its degrees of freedom."""

    error: float
    degrees: float

    def margin(self, confidence: float) -> float:
        """Return half the width of the interval."""
        return student_quantile(self.degrees, confidence) * self.error if self.error else 0.0

    def p_value(self, change: float) -> float:
        """Return the probability of so large a change by chance."""
        if self.error == 0:
            return 0.0 if change else 1.0
        return _two_tails(abs(change) / self.error, self.degrees)


def _spread(base: Sequence[float], run: Sequence[float], resolution: float) -> _Spread | None:
    """Return the spread of the difference; None if each side is one run."""
    if len(base) == len(run) == 1:
        return None
    # Both ends of a duration are rounded down to the resolution; each adds resolution² / 12.
    floor = resolution**2 / 6
    spreads = [variance(side) if len(side) > 1 else None for side in (base, run)]
    known = [spread for spread in spreads if spread is not None]
    parts = [
        max(floor, known[0] if spread is None else spread) / len(side)
        for spread, side in zip(spreads, (base, run), strict=True)
    ]
    squared = math.fsum(parts)
    if squared == 0 or len(known) == 1:
        return _Spread(math.sqrt(squared), float(max(len(base), len(run)) - 1))
    sizes = (len(base), len(run))
    terms = math.fsum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))
    # Squares of tiny parts underflow to 0; the fewest degrees err on the safe side.
    degrees = squared**2 / terms if terms else min(sizes) - 1
    return _Spread(math.sqrt(squared), float(degrees))


def _two_tails(value: float, degrees: float) -> float:
    """Return the probability of a deviation of more than `value` standard errors, either way."""
    return _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + value * value))


def _density(value: float, degrees: float) -> float:
    """Return the density of Student's distribution."""
    scale = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)
    return math.exp(scale - (degrees + 1) / 2 * math.log1p(value * value / degrees)) / math.sqrt(
        degrees * math.pi
    )


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularized incomplete beta function, for x from 0 to 1."""
    if x in {0.0, 1.0}:
        return x
    if x > (a + 1) / (a + b + 2):  # the fraction converges slowly here, but fast for 1 - x
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front += a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) / a / _fraction(a, b, x)


def _fraction(a: float, b: float, x: float) -> float:
    """Return the continued fraction 1 + d1/(1 + d2/(1 + …)), by Lentz's method."""
    value, upper, lower = 1.0, 1.0, 0.0
    for step in range(1, _MOST_STEPS):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1 / ((1 + term * lower) or _TINY)
        upper = (1 + term / upper) or _TINY
        factor = upper * lower
        value *= factor
        if abs(factor - 1) < _PRECISION:
            break
    return value


def _expm1(value: float) -> float:
    """Return `math.expm1`, or infinity on overflow."""
    try:
        return math.expm1(value)
    except OverflowError:
        return math.inf

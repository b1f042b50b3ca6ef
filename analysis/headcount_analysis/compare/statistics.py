"""Statistics: how far the runs of two sides are apart, and how sure that is.

A run is one observation, however many requests it has: requests of a run share its noise. So the
spread between the runs of a side says how far chance alone takes them.

- The interval is Welch's for the difference of two means (B. L. Welch, "The generalization of
  Student's problem when several different population variances are involved", Biometrika 34, 1947),
  which does not take the sides to be equally noisy.
- A side of one run has no spread of its own, and is taken to have the other's: the interval is then
  that for a single case (J. R. Crawford, D. C. Howell, "Comparing an individual's test score
  against norms derived from small samples", The Clinical Neuropsychologist 12, 1998). With one run
  on each side there is no interval.
- Figures that cannot be negative, as latencies and rates, are compared as ratios, by the means of
  their logarithms: their noise is a share of their size and skewed to the right, which makes the
  logarithms far closer to normal, and "10 % more" is what people ask for.
- Many figures at once are a family: of a hundred equal ones, five would seem changed at 95 %. The
  level at which a change is told is that of Y. Benjamini and Y. Hochberg ("Controlling the false
  discovery rate", Journal of the Royal Statistical Society B 57, 1995): of what is told, one in
  twenty is by chance at most, and of equal runs none is told in nineteen comparisons of twenty. It
  loses far less than Holm's where much has changed, as it has when a service becomes slower. The
  intervals of what would be told alone are as wide as that level asks for (Y. Benjamini, D.
  Yekutieli, "False discovery rate-adjusted multiple confidence intervals for selected parameters",
  Journal of the American Statistical Association 100, 2005).
- Student's quantile comes from the incomplete beta function, by its continued fraction
  (NIST Digital Library of Mathematical Functions, 8.17.22 and 26.5.27 of Abramowitz and Stegun).
"""

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
    """Where the true change lies, with a confidence of 95 %."""

    low: float
    high: float

    @property
    def has_no_change(self) -> bool:
        """Whether no change at all is among what it allows for."""
        return self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True)
class Estimate:
    """By how much a figure changed; without an interval where each side is one run.

    `chance` is how likely so large a change is where nothing has changed.
    """

    change: float
    interval: Interval | None = None
    chance: float | None = None

    @property
    def reversed(self) -> "Estimate":
        """The change in the other direction, for limits of what falls."""
        if self.interval is None:
            return Estimate(-self.change)
        interval = Interval(-self.interval.high, -self.interval.low)
        return Estimate(-self.change, interval, self.chance)


def level_of(chances: Iterable[float]) -> float:
    """Give the chance up to which changes are told among so many: as much as one alone, at most.

    It is the greatest of k of n times 1 - CONFIDENCE below which there are k of them; where there
    is none, that of k = 1.
    """
    sorted_chances = sorted(chances)
    count, alpha = len(sorted_chances), 1 - CONFIDENCE
    ranks = [
        rank for rank, chance in enumerate(sorted_chances, 1) if chance <= rank * alpha / count
    ]
    return max(ranks, default=1) * alpha / max(count, 1)


def difference(
    base: Sequence[float],
    run: Sequence[float],
    grain: float = 0.0,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Estimate the difference of the means.

    Args:
        base: A figure for each run of the one side, at least one.
        run: Of the other.
        grain: The steps in which the figure is measured: how far it is rounded is noise, too.
        confidence: That of the interval.
    """
    change = fmean(run) - fmean(base)
    spread = _spread(base, run, grain)
    if spread is None:
        return Estimate(change)
    margin = spread.margin(confidence)
    return Estimate(change, Interval(change - margin, change + margin), spread.chance(change))


def ratio(
    base: Sequence[float],
    run: Sequence[float],
    grain: float = 0.0,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Estimate the change as a share of the base, 0.1 for 10 % more; all figures are positive.

    It is that of the geometric means; arguments as of `difference`.
    """
    # In a logarithm a grain is as coarse as its share of the figure.
    share = grain / min(fmean(base), fmean(run))
    estimate = difference(
        [math.log(each) for each in base], [math.log(each) for each in run], share, confidence
    )
    interval = estimate.interval
    return Estimate(
        math.expm1(estimate.change),
        None if interval is None else Interval(_expm1(interval.low), _expm1(interval.high)),
        estimate.chance,
    )


def student_quantile(degrees: float, confidence: float = CONFIDENCE) -> float:
    """Give how many standard errors a mean is off at most, by default in 95 of 100 cases.

    It is the two-sided quantile of Student's distribution, for any positive number of degrees of
    freedom, whole or not.
    """
    alpha, value = 1 - confidence, 0.5
    while _outside(2 * value, degrees) > alpha:
        value *= 2
    # From below Newton's steps never go too far: the tail is convex.
    for _ in range(_MOST_STEPS):
        step = (_outside(value, degrees) - alpha) / (2 * _density(value, degrees))
        value += step
        if step < _PRECISION * value:
            break
    return value


@dataclass(frozen=True, slots=True)
class _Spread:
    """How far chance takes the difference of two means: its standard error, and how well known."""

    error: float
    degrees: float

    def margin(self, confidence: float) -> float:
        """Give the half width of the interval."""
        return student_quantile(self.degrees, confidence) * self.error if self.error else 0.0

    def chance(self, change: float) -> float:
        """Tell how likely so large a change is by chance."""
        if self.error == 0:
            return 0.0 if change else 1.0
        return _outside(abs(change) / self.error, self.degrees)


def _spread(base: Sequence[float], run: Sequence[float], grain: float) -> _Spread | None:
    """Give the spread of the difference; None where there is nothing to know it by."""
    if len(base) == len(run) == 1:
        return None
    # Both ends of a duration are rounded down to the grain, and each end adds grain² / 12.
    floor = grain**2 / 6
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
    # Squares of what is hardly there vanish; the fewest degrees err on the safe side.
    degrees = squared**2 / terms if terms else min(sizes) - 1
    return _Spread(math.sqrt(squared), float(degrees))


def _outside(value: float, degrees: float) -> float:
    """Give how likely one is further off than so many standard errors, on either side."""
    return _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + value * value))


def _density(value: float, degrees: float) -> float:
    """Give the density of Student's distribution."""
    scale = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)
    return math.exp(scale - (degrees + 1) / 2 * math.log1p(value * value / degrees)) / math.sqrt(
        degrees * math.pi
    )


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Give the regularized incomplete beta function, for x from 0 to 1."""
    if x in {0.0, 1.0}:
        return x
    if x > (a + 1) / (a + b + 2):  # there the fraction converges slowly, and its mirror fast
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front += a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) / a / _fraction(a, b, x)


def _fraction(a: float, b: float, x: float) -> float:
    """Give the continued fraction 1 + d1/(1 + d2/(1 + …)), by Lentz's method."""
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
    """As `math.expm1`, without end where a figure is too large to be one."""
    try:
        return math.expm1(value)
    except OverflowError:
        return math.inf

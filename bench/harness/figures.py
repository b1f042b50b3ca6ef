"""Statistics of rounds: medians, ranges, ratios and percentiles. Pure functions."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headcount.thresholds import nearest_rank


@dataclass(frozen=True, slots=True)
class MedianRange:
    """The median of some rounds, and their lowest and highest value."""

    median: float
    low: float
    high: float
    rounds: int

    def show(self, form: str = ",.0f") -> str:
        """Format the median, followed by the range in brackets."""
        if self.rounds == 1:
            return format(self.median, form)
        return f"{self.median:{form}} ({self.low:{form}}-{self.high:{form}})"


def spread(values: Iterable[float]) -> MedianRange:
    """The median and range of at least one value."""
    ordered = sorted(values)
    return MedianRange(statistics.median(ordered), ordered[0], ordered[-1], len(ordered))


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> MedianRange:
    """The ratios of pairs: the machine was in the same state for both values of a round."""
    return spread(
        above / below for above, below in zip(numerators, denominators, strict=True) if below
    )


def percentile(values: Sequence[float], quantile: float) -> float:
    """Return the nearest-rank percentile of at least one value, in any order."""
    return nearest_rank.percentile(sorted(values), quantile)


def in_turn(names: Sequence[str], number: int) -> list[str]:
    """The order of a round: every other round is reversed, so that no contender is always first."""
    return list(names) if number % 2 == 0 else list(reversed(names))

"""The figures: medians and spreads of what rounds gave, and their ratios. Pure functions."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headcount.thresholds import percentiles


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some rounds, and the lowest and the highest of them."""

    median: float
    low: float
    high: float
    rounds: int

    def show(self, form: str = ",.0f") -> str:
        """Write the median and, in brackets, what it lies between."""
        if self.rounds == 1:
            return format(self.median, form)
        return f"{self.median:{form}} ({self.low:{form}}-{self.high:{form}})"


def spread(values: Iterable[float]) -> Spread:
    """Sum up at least one value."""
    found = sorted(values)
    return Spread(statistics.median(found), found[0], found[-1], len(found))


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Spread:
    """Sum up the ratios of the pairs: the two of a round met the same state of the machine."""
    return spread(
        above / below for above, below in zip(numerators, denominators, strict=True) if below
    )


def percentile(values: Sequence[float], quantile: float) -> float:
    """Return the nearest-rank percentile of at least one value, in any order."""
    return percentiles.percentile(sorted(values), quantile)


def in_turn(names: Sequence[str], number: int) -> list[str]:
    """Give the order of a round: every other one goes backwards, so that none is always first."""
    return list(names) if number % 2 == 0 else list(reversed(names))

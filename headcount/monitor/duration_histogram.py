"""A duration histogram: how many durations are within each of some fixed bounds. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from pydantic.dataclasses import dataclass as validated

BOUNDS_S = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0, 30.0),
)
"""The upper bounds of the buckets: those of OpenTelemetry for HTTP requests, and some more."""

_US_PER_S = 1_000_000
_BOUNDS_US = tuple(round(bound * _US_PER_S) for bound in BOUNDS_S)


@validated(frozen=True, slots=True)
class DurationCounts:
    """Counts of durations by bucket, the last one without an upper bound, and their sum."""

    buckets: tuple[int, ...] = (0,) * (len(BOUNDS_S) + 1)
    sum_us: int = 0

    @property
    def count(self) -> int:
        """The number of durations."""
        return sum(self.buckets)

    @property
    def sum_s(self) -> float:
        """The sum of the durations."""
        return self.sum_us / _US_PER_S

    def __add__(self, other: "DurationCounts") -> "DurationCounts":
        """Add two counts, bucket by bucket."""
        buckets = (ours + theirs for ours, theirs in zip(self.buckets, other.buckets, strict=True))
        return DurationCounts(tuple(buckets), self.sum_us + other.sum_us)

    def packed(self) -> list[int]:
        """Convert to a list of plain values for msgpack and JSON."""
        return [self.sum_us, *self.buckets]

    @classmethod
    def unpacked(cls, values: Sequence[int]) -> "DurationCounts":
        """Convert the output of `packed` back."""
        sum_us, *buckets = values
        return cls(tuple(buckets), sum_us)


def counts_of(durations_us: Iterable[int]) -> DurationCounts:
    """Count durations by bucket; they are sorted first, so that each bucket takes one search."""
    ordered = sorted(durations_us)
    ends = [*(bisect_right(ordered, bound) for bound in _BOUNDS_US), len(ordered)]
    buckets = (end - start for start, end in pairwise((0, *ends)))
    return DurationCounts(tuple(buckets), sum(ordered))

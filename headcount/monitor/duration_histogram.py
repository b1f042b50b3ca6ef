"""A duration histogram: how many durations are within each of some fixed bounds. Pure."""

from bisect import bisect_left
from collections.abc import Sequence

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


class RequestDurations:
    """Counts the durations of requests as they end; must be fast, since every request is counted.

    The durations from the intended time are kept as their difference from the others: without
    `--rate`, there is none.
    """

    __slots__ = ("_http", "_http_us", "_shift", "_shift_us")

    def __init__(self) -> None:
        self._http = [0] * (len(_BOUNDS_US) + 1)
        self._shift = [0] * (len(_BOUNDS_US) + 1)
        self._http_us = self._shift_us = 0

    def add(self, http_us: int, from_intended_us: int) -> None:
        """Count a request, by its duration from sending and from its intended time."""
        bucket = bisect_left(_BOUNDS_US, http_us)
        self._http[bucket] += 1
        self._http_us += http_us
        if from_intended_us != http_us:
            self._shift[bucket] -= 1
            self._shift[bisect_left(_BOUNDS_US, from_intended_us)] += 1
            self._shift_us += from_intended_us - http_us

    @property
    def http(self) -> DurationCounts:
        """The durations from sending."""
        return DurationCounts(tuple(self._http), self._http_us)

    @property
    def from_intended(self) -> DurationCounts:
        """The durations from the intended time."""
        return self.http + DurationCounts(tuple(self._shift), self._shift_us)

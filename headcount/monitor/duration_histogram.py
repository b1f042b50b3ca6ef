"""A duration histogram: how many durations fall between one fixed bound and the next. Pure."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
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
    """Counts of durations by bucket, and the durations' sum; the last bucket has no upper bound."""

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


def counts_by_type(
    event_types: pa.ChunkedArray, durations_us: pa.ChunkedArray
) -> dict[str, DurationCounts]:
    """Count durations by event type and bucket."""
    if not len(durations_us):
        return {}
    shortest, longest = pc.min_max(durations_us).as_py().values()
    lowest, highest = (bisect_left(_BOUNDS_US, extreme) for extreme in (shortest, longest))
    # Sorting, or a Python object for each duration, would take several times as long.
    buckets = pa.repeat(pa.scalar(lowest, pa.int8()), len(durations_us))
    for bound in _BOUNDS_US[lowest:highest]:
        buckets = pc.add(buckets, pc.cast(pc.greater(durations_us, bound), pa.int8()))
    columns = pa.table([event_types, buckets, durations_us], ["type", "bucket", "us"])
    groups = columns.group_by(["type", "bucket"], use_threads=False)
    counts: dict[str, list[int]] = {}
    sums = Counter[str]()
    for row in groups.aggregate([("us", "sum"), ("us", "count")]).to_pylist():
        of_type = counts.setdefault(row["type"], [0] * (len(BOUNDS_S) + 1))
        of_type[row["bucket"]] = row["us_count"]
        sums[row["type"]] += row["us_sum"]
    return {name: DurationCounts(tuple(of_type), sums[name]) for name, of_type in counts.items()}

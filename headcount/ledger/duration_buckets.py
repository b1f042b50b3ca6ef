"""Duration buckets: narrow enough for percentiles, and few enough to be sent and stored. Pure.

Bucket n holds the durations from exp(n / 50) to exp((n + 1) / 50) µs, so each bucket is 2 % wide.
All durations below 1 µs are in bucket 0.
"""

import math

import pyarrow as pa
import pyarrow.compute as pc

_BUCKETS_PER_E = 50

WIDTH = math.expm1(1 / _BUCKETS_PER_E)
"""The width of a bucket, as a share of its least duration."""


def counts_by_bucket(durations_us: pa.Array | pa.ChunkedArray) -> dict[int, int]:
    """Count durations by bucket."""
    logarithms = pc.ln(pc.max_element_wise(durations_us, 1))
    buckets = pc.cast(pc.floor(pc.multiply(logarithms, _BUCKETS_PER_E)), pa.int32())
    values, counts = pc.value_counts(buckets).flatten()
    return dict(zip(values.to_pylist(), counts.to_pylist(), strict=True))


def least_us(bucket: int) -> float:
    """Return the least duration of a bucket in µs; that of the next bucket is its greatest."""
    return math.exp(bucket / _BUCKETS_PER_E)


def middle_us(bucket: int) -> float:
    """Return the middle of a bucket in µs, which is at most 1 % off."""
    return math.exp((bucket + 0.5) / _BUCKETS_PER_E)

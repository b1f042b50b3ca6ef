"""Logarithmic buckets of durations: narrow enough for percentiles, few enough to be sent. Pure.

Bucket n holds the durations from exp(n / 50) to exp((n + 1) / 50) µs, so each bucket is 2 % wide.
All durations below 1 µs are in bucket 0. The exported metrics have a few fixed buckets instead: see
`headcount/monitor/duration_histogram.py`.
"""

import math

BUCKETS_PER_E = 50

WIDTH = math.expm1(1 / BUCKETS_PER_E)
"""The width of a bucket, as a share of its least duration."""


def least_us(bucket: int) -> float:
    """Return the least duration of a bucket in µs. The bucket ends where the next one begins."""
    return math.exp(bucket / BUCKETS_PER_E)


def middle_us(bucket: int) -> float:
    """Return the middle of a bucket in µs, which is at most 1 % off."""
    return math.exp((bucket + 0.5) / BUCKETS_PER_E)

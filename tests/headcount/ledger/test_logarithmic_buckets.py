"""Logarithmic buckets: every duration is within its bucket, and buckets are narrow."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as some

from headcount.ledger.bucketed_durations import counts_by_bucket
from headcount.ledger.logarithmic_buckets import WIDTH, least_us, middle_us


@given(some.floats(min_value=1, max_value=1e11))
def test_a_duration_is_within_its_bucket(duration_us: float) -> None:
    """From microseconds to days; the next bucket begins 2 % further up."""
    (bucket,) = counts_by_bucket(pa.array([duration_us]))
    least, most = least_us(bucket), least_us(bucket + 1)
    assert least <= duration_us * (1 + 1e-9)
    assert duration_us <= most * (1 + 1e-9)
    assert most == pytest.approx(least * (1 + WIDTH))
    assert middle_us(bucket) == pytest.approx(duration_us, rel=0.011)


def test_durations_are_counted_by_bucket() -> None:
    """Those below 1 µs share the first bucket."""
    counts = counts_by_bucket(pa.array([0.0, 0.5, 1.0, 5000.0, 5001.0, 9000.0]))
    assert sorted(counts.values()) == [1, 2, 3]
    assert counts[0] == 3

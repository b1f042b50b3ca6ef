"""Latency over time: charts have slices with enough values for their percentiles."""

import pyarrow as pa
import pytest
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.measure.latency_over_time import (
    MOST_DRAWN,
    LatencySlice,
    Percentiles,
    latency_slices,
    samples_needed,
)

MS = 1_000_000


def durations(counts: dict[int, int]) -> pa.Table:
    """Create so many durations of 5 ms by slice, and one of 80 ms in each."""
    rows = [
        {
            "place": place,
            "measure": Measure.HTTP.value,
            "bucket": bucket,
            "count": count,
            "min": ms * MS,
            "max": ms * MS,
            "sum": float(ms),
            "unanswered": 0,
        }
        for place, number in counts.items()
        for bucket, count, ms in ((5, number - 1, 5), (80, 1, 80))
        if count
    ]
    return pa.Table.from_pylist(rows)


@pytest.mark.parametrize(("quantile", "needed"), [(0.5, 2), (0.95, 20), (0.99, 100)])
def test_a_percentile_needs_values_beyond_it(quantile: float, needed: int) -> None:
    """With fewer, it is the maximum of what there is."""
    assert samples_needed(quantile) == needed
    few, enough = (
        LatencySlice(0.0, 1.0, count, Percentiles(5.0, 5.0, 5.0, 5.0))
        for count in (needed - 1, needed)
    )
    assert (few.percentile_ms(quantile), enough.percentile_ms(quantile)) == (None, 5.0)


@pytest.mark.parametrize(
    ("rate", "length", "width_s"),
    [(1000, 30, 1), (66, 60, 2), (10, 30, 5), (10, 300, 15), (1000, 1800, 10), (1, 3, 1)],
)
def test_slices_are_merged_until_they_have_enough_values(
    rate: int, length: int, width_s: int
) -> None:
    """But not into too few; and a long run has not too many."""
    table = durations(dict.fromkeys(range(length), rate))
    merged = latency_slices(table, 1.0, length)[Measure.HTTP]
    assert {time_slice.width_s for time_slice in merged} == {width_s}
    assert len(merged) <= MOST_DRAWN
    assert sum(time_slice.count for time_slice in merged) == rate * length
    assert [time_slice.elapsed_s for time_slice in merged] == list(range(0, length, width_s))


def test_merged_percentiles_are_of_all_values() -> None:
    """They are not the mean or the maximum of the percentiles of the parts."""
    many = durations(dict.fromkeys(range(60), 40))
    merged = latency_slices(many, 1.0, 60)[Measure.HTTP]
    assert {time_slice.percentiles.p95_ms for time_slice in merged} == {5}


def test_arrivals_before_the_first_request_keep_their_place() -> None:
    """A slice may have a negative number, and merging rounds it down."""
    table = durations(dict.fromkeys(range(-3, 27), 10))
    merged = latency_slices(table, 1.0, 30)[Measure.HTTP]
    assert merged[0].elapsed_s == -5
    assert sum(time_slice.count for time_slice in merged) == 300


def test_nothing_measured() -> None:
    """A run without durations has no slices of them."""
    assert latency_slices(durations({0: 1})[:0], 1.0, 30) == {}

"""The duration histogram: where a duration is counted, and that counts add up."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as some

from headcount.monitor.duration_histogram import BOUNDS_S, DurationCounts, counts_by_type
from tests.headcount.duration_counts import counts_of


def counted(durations_us: list[int], names: list[str]) -> dict[str, DurationCounts]:
    """Count durations, the names being those of their event types."""
    types = pa.chunked_array([pa.array(names, pa.string())])
    return counts_by_type(types, pa.chunked_array([pa.array(durations_us, pa.int64())]))


def test_a_bound_belongs_to_its_bucket() -> None:
    """As Prometheus' `le` says, a bucket includes its upper bound; the last one has none."""
    counts = counted([31_000_000, 1_001, 1_000], ["sword"] * 3)["sword"]
    assert (counts.buckets[0], counts.buckets[1], counts.buckets[-1]) == (1, 1, 1)
    assert counts.count == 3
    assert counts.sum_s == 31.002001


@pytest.mark.parametrize("duration_us", [0, 1_000, 4_000, 30_000_000, 30_000_001])
def test_durations_of_one_bucket(duration_us: int) -> None:
    """They need no comparison, since the shortest and the longest say it all."""
    assert counted([duration_us] * 2, ["sword"] * 2) == {"sword": counts_of([duration_us] * 2)}


@given(some.lists(some.tuples(some.sampled_from("ab"), some.integers(0, 40_000_000))))
def test_any_durations(durations: list[tuple[str, int]]) -> None:
    """They are counted by event type as one by one."""
    expected = {
        name: counts_of([duration_us for of, duration_us in durations if of == name])
        for name, _ in durations
    }
    assert counted([us for _, us in durations], [name for name, _ in durations]) == expected


def test_counts_add_up() -> None:
    """Bucket by bucket, also after packing, and with none."""
    counts = counts_of([10_000])
    twice = counts + DurationCounts.unpacked(counts.packed()) + counts_of([])
    assert (twice.count, twice.sum_us) == (2, 20_000)
    assert twice.buckets[BOUNDS_S.index(0.01)] == 2

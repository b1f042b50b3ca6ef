"""Bin widths: adding up narrow bins gives the same counts as wide bins."""

import numpy as np
import pytest
from headcount_analysis.measure.bin_width import BinCounts, BinWidth, added_up, count_bins
from hypothesis import given
from hypothesis import strategies as some

FIRST_NS = 1_700_000_000_000_000_000
TIMES = some.lists(some.integers(-50, 5000) | some.integers(-(10**12), 10**12), max_size=40)


@given(parts=some.lists(TIMES, max_size=4), fine=some.sampled_from([1, 10, 50]))
def test_parts_of_any_compatible_width_add_up(parts: list[list[int]], fine: int) -> None:
    """Each bin counts the times within it; times before and after the range are ignored."""
    coarse = BinWidth(FIRST_NS, 100)
    widths = [BinWidth(FIRST_NS, fine), coarse]
    counted = [
        (widths[index % 2], count_bins(np.array(times, np.int64) + FIRST_NS, widths[index % 2]))
        for index, times in enumerate(parts)
    ]
    sums = added_up(counted, coarse, -1, 20)
    numbers = [time_ns // 100 for times in parts for time_ns in times]
    assert sums.tolist() == [numbers.count(place) for place in range(-1, 21)]


def test_far_apart() -> None:
    """A wrong clock does not create a bin for every moment in between."""
    counts = count_bins(np.array([0, 10**18, 0], np.int64), BinWidth(0, 1))
    assert (counts.places.tolist(), counts.counts.tolist()) == ([0, 10**18], [2, 1])
    assert isinstance(counts, BinCounts)


@pytest.mark.parametrize(
    ("fine", "serves"),
    [
        (BinWidth(0, 10), True),
        (BinWidth(0, 30), True),
        (BinWidth(0, 20), False),
        (BinWidth(1, 10), False),
    ],
)
def test_a_width_serves_its_multiples(fine: BinWidth, serves: bool) -> None:
    """Both begin at the same time, and each coarser bin consists of whole finer bins."""
    assert fine.serves(BinWidth(0, 30)) is serves

"""The grain: what was counted finely and added up is what would have been counted at once."""

import numpy as np
import pytest
from headcount_analysis.measure.bin_width import BinCounts, BinWidth, added_up, count_bins
from hypothesis import given
from hypothesis import strategies as some

FIRST_NS = 1_700_000_000_000_000_000
TIMES = some.lists(some.integers(-50, 5000) | some.integers(-(10**12), 10**12), max_size=40)


@given(parts=some.lists(TIMES, max_size=4), fine=some.sampled_from([1, 10, 50]))
def test_parts_of_any_grain_that_serves_add_up(parts: list[list[int]], fine: int) -> None:
    """Slices hold what fell into them, whatever came before them and after them."""
    coarse = BinWidth(FIRST_NS, 100)
    grains = [BinWidth(FIRST_NS, fine), coarse]
    counted = [
        (grains[index % 2], count_bins(np.array(times, np.int64) + FIRST_NS, grains[index % 2]))
        for index, times in enumerate(parts)
    ]
    found = added_up(counted, coarse, -1, 20)
    every = [each // 100 for times in parts for each in times]
    assert found.tolist() == [every.count(place) for place in range(-1, 21)]


def test_far_apart() -> None:
    """A clock that is wrong does not make a slice for each moment in between."""
    found = count_bins(np.array([0, 10**18, 0], np.int64), BinWidth(0, 1))
    assert (found.places.tolist(), found.counts.tolist()) == ([0, 10**18], [2, 1])
    assert isinstance(found, BinCounts)


@pytest.mark.parametrize(
    ("fine", "serves"),
    [
        (BinWidth(0, 10), True),
        (BinWidth(0, 30), True),
        (BinWidth(0, 20), False),
        (BinWidth(1, 10), False),
    ],
)
def test_a_grain_serves_its_multiples(fine: BinWidth, serves: bool) -> None:
    """They begin at the same time, and each coarser slice is made of whole ones."""
    assert fine.serves(BinWidth(0, 30)) is serves

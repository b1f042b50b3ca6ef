"""Ranges: every corrupted message lies in one, there are few, and wide gaps stay unread."""

import itertools

import numpy as np
from headcount_analysis.corrupted.ranges import MOST_RANGES, NEAR, merged_ranges, ranges_of
from headcount_analysis.read.partition_reader import Split
from hypothesis import given
from hypothesis import strategies as st

OFFSETS = st.lists(st.integers(0, 40 * NEAR), min_size=1, max_size=60, unique=True).map(sorted)


@given(blocks=st.lists(st.tuples(st.integers(0, 1), OFFSETS), min_size=1, max_size=4))
def test_every_offset_is_covered_by_few_ranges(blocks: list[tuple[int, list[int]]]) -> None:
    """Of one block and of several, without an overlap."""
    lists = [ranges_of("events", partition, np.array(offsets)) for partition, offsets in blocks]
    assert all(len(ranges) <= MOST_RANGES for ranges in lists)
    merged = merged_ranges(split for ranges in lists for split in ranges)
    for partition, offsets in blocks:
        own = [split for split in merged if split.partition == partition]
        assert len(own) <= MOST_RANGES
        assert all(sum(s.start <= offset < s.end for s in own) == 1 for offset in offsets)
        assert all(one.end + NEAR < other.start for one, other in itertools.pairwise(own))


def test_wide_gaps_are_not_read() -> None:
    """Two clusters, far apart, are two ranges; a single message is a range of its own."""
    offsets = np.array([5, 6, 900, 10 * NEAR, 10 * NEAR + 1])
    assert ranges_of("events", 3, offsets) == [
        Split("events", 3, 5, 901),
        Split("events", 3, 10 * NEAR, 10 * NEAR + 2),
    ]


def test_the_widest_gaps_stay() -> None:
    """If there are too many, the narrowest gaps are read over."""
    steps = [NEAR + 1 + step for step in range(MOST_RANGES + 5)]
    offsets = np.cumsum([0, *steps])
    ranges = ranges_of("events", 0, offsets)
    assert len(ranges) == MOST_RANGES
    assert ranges[0].end == int(offsets[6]) + 1

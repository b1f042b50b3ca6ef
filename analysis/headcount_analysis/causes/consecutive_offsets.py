"""Consecutive offsets of acknowledged events, such as those of one batch of a producer."""

import itertools
from dataclasses import dataclass

import numpy as np

from headcount_analysis.arrow_types import Integers
from headcount_analysis.causes import chance

NAMED = 3


@dataclass(frozen=True, slots=True)
class ConsecutiveOffsets:
    """Consecutive offsets of a partition, both bounds included."""

    partition: int
    first: int
    last: int

    @property
    def count(self) -> int:
        """How many offsets it has."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        """Name the partition and the bounds."""
        return f"partition {self.partition}, {self.first} to {self.last}"


def consecutive_offsets(
    partitions: Integers, offsets: Integers, drawn: int, places: int
) -> list[ConsecutiveOffsets]:
    """Find the ranges of offsets that are unlikely by chance, the longest first.

    Args:
        partitions: The acknowledged partition of each exception.
        offsets: Its acknowledged offset.
        drawn: How many exceptions there are in the part of the run that is looked at.
        places: How many attempts with an acknowledged offset they could have been drawn from.
    """
    if not len(offsets):
        return []
    order = np.lexsort((offsets, partitions))
    known = np.unique(np.stack([partitions[order], offsets[order]]), axis=1)
    is_break = (np.diff(known[1]) != 1) | (np.diff(known[0]) != 0)
    bounds = np.flatnonzero(np.r_[True, is_break, True])
    ranges = (
        ConsecutiveOffsets(int(known[0, start]), int(known[1, start]), int(known[1, end - 1]))
        for start, end in itertools.pairwise(bounds)
    )
    unlikely = [
        offset_range
        for offset_range in ranges
        if chance.of_succession(offset_range.count, drawn, places) < chance.UNLIKELY
    ]
    return sorted(unlikely, key=lambda offset_range: -offset_range.count)


def described(ranges: list[ConsecutiveOffsets]) -> str:
    """Name the longest ranges."""
    named = "; ".join(map(str, ranges[:NAMED]))
    more = f"; and {len(ranges) - NAMED:,} more" if len(ranges) > NAMED else ""
    return f"consecutive offsets, as in one batch: {named}{more}"

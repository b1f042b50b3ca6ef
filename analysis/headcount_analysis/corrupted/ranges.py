"""Ranges: the parts of a topic that hold corrupted messages, few enough to read one by one."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np

from headcount_analysis.arrow_types import Integers
from headcount_analysis.read.partition_reader import Split

NEAR = 2_000
"""Reading this many unneeded offsets takes less time than starting another read."""

MOST_RANGES = 16
"""A partition is read in at most this many ranges; the widest gaps between them stay unread."""


def ranges_of(topic: str, partition: int, offsets: Integers) -> list[Split]:
    """Cover sorted offsets of a partition by a few ranges."""
    breaks = np.flatnonzero(np.diff(offsets) > NEAR)
    bounds = zip(offsets[np.r_[0, breaks + 1]], offsets[np.r_[breaks, -1]], strict=True)
    return _few([Split(topic, partition, int(first), int(last) + 1) for first, last in bounds])


def merged_ranges(ranges: Iterable[Split]) -> list[Split]:
    """Cover several lists of ranges of one topic by a few ranges of each partition."""
    merged: list[Split] = []
    ordered = sorted(ranges, key=lambda split: (split.partition, split.start))
    for _, of_partition in itertools.groupby(ordered, key=lambda split: split.partition):
        joined: list[Split] = []
        for split in of_partition:
            if joined and split.start - joined[-1].end <= NEAR:
                joined[-1] = _joined(joined[-1], split)
            else:
                joined.append(split)
        merged += _few(joined)
    return merged


def _few(ranges: Sequence[Split]) -> list[Split]:
    """Close the narrowest gaps, so that no more than MOST_RANGES remain."""
    gaps = [second.start - first.end for first, second in itertools.pairwise(ranges)]
    kept = set(sorted(range(len(gaps)), key=lambda place: -gaps[place])[: MOST_RANGES - 1])
    few = list(ranges[:1])
    for place, split in enumerate(ranges[1:]):
        if place in kept:
            few.append(split)
        else:
            few[-1] = _joined(few[-1], split)
    return few


def _joined(first: Split, second: Split) -> Split:
    end = max(first.end, second.end)
    return Split(first.topic, first.partition, min(first.start, second.start), end)

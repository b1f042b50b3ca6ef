"""Bin widths: counts in narrow bins can be added up into wider bins later.

`over_time.py` and `timeline.py` choose the widths.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from headcount_analysis.arrow_types import Integers

_DENSE = 4


@dataclass(frozen=True, slots=True)
class BinWidth:
    """Bins `width_ns` wide; bin 0 begins at `first_ns`."""

    first_ns: int
    width_ns: int

    def place(self, times_ns: Integers) -> Integers:
        """Return the bin numbers of times."""
        return (times_ns - self.first_ns) // self.width_ns

    def serves(self, coarser: "BinWidth") -> bool:
        """Return whether counts of this width can be added up into the coarser one."""
        return self.first_ns == coarser.first_ns and coarser.width_ns % self.width_ns == 0

    def coarsened(self, places: Integers, coarser: "BinWidth") -> Integers:
        """Convert bin numbers of this width to those of a coarser one."""
        return places * self.width_ns // coarser.width_ns


@dataclass(frozen=True, slots=True)
class BinCounts:
    """The number of times in each bin; empty bins are left out."""

    places: Integers
    counts: Integers


def count_bins(times_ns: Integers, bin_width: BinWidth) -> BinCounts:
    """Count times by bin."""
    place = bin_width.place(times_ns)
    if not len(place):
        return BinCounts(place, place)
    least, most = int(place.min()), int(place.max())
    if most - least > _DENSE * len(place) + 1000:
        return BinCounts(*np.unique(place, return_counts=True))
    counts = np.bincount(place - least).astype(np.int64)
    filled = np.flatnonzero(counts)
    return BinCounts(filled + least, counts[filled])


def added_up(
    parts: Iterable[tuple[BinWidth, BinCounts]], bin_width: BinWidth, start: int, end: int
) -> Integers:
    """Add up counts of finer widths into bins `start` to `end`, and ignore all other bins."""
    sums = np.zeros(end - start + 1, np.int64)
    for fine, part in parts:
        place = fine.coarsened(part.places, bin_width) - start
        is_in = (place >= 0) & (place < len(sums))
        np.add.at(sums, place[is_in], part.counts[is_in])
    return sums

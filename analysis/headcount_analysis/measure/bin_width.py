"""Bin widths: counts of narrow bins can be added up to wider ones later."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from headcount_analysis.arrow_types import Integers

_DENSE = 4


@dataclass(frozen=True, slots=True)
class BinWidth:
    """Bins `width_ns` wide, numbered from the one that begins at `first_ns`."""

    first_ns: int
    width_ns: int

    def place(self, times_ns: Integers) -> Integers:
        """Return the bin numbers of times."""
        return (times_ns - self.first_ns) // self.width_ns

    def serves(self, coarser: "BinWidth") -> bool:
        """Return whether counts of this width can be added up to the coarser one."""
        return self.first_ns == coarser.first_ns and coarser.width_ns % self.width_ns == 0

    def coarsened(self, places: Integers, coarser: "BinWidth") -> Integers:
        """Convert bin numbers of this width to those of a coarser one."""
        return places * self.width_ns // coarser.width_ns


@dataclass(frozen=True, slots=True)
class BinCounts:
    """The number of times in each bin; empty bins are left out."""

    places: Integers
    counts: Integers


def count_bins(times_ns: Integers, grain: BinWidth) -> BinCounts:
    """Count times by bin."""
    place = grain.place(times_ns)
    if not len(place):
        return BinCounts(place, place)
    least, most = int(place.min()), int(place.max())
    if most - least > _DENSE * len(place) + 1000:
        return BinCounts(*np.unique(place, return_counts=True))
    counts = np.bincount(place - least).astype(np.int64)
    met = np.flatnonzero(counts)
    return BinCounts(met + least, counts[met])


def added_up(
    parts: Iterable[tuple[BinWidth, BinCounts]], grain: BinWidth, start: int, end: int
) -> Integers:
    """Add up counts of finer widths: bins `start` to `end`, in order.

    Bins outside of this range are left out.
    """
    sums = np.zeros(end - start + 1, np.int64)
    for fine, part in parts:
        place = fine.coarsened(part.places, grain) - start
        is_in = (place >= 0) & (place < len(sums))
        np.add.at(sums, place[is_in], part.counts[is_in])
    return sums

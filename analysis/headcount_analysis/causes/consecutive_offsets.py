"""Offset runs: consecutive acknowledged offsets, as of one batch that a producer sent."""

import itertools
from dataclasses import dataclass

import numpy as np

from headcount_analysis.arrow_types import Integers
from headcount_analysis.causes import chance

NAMED = 3


@dataclass(frozen=True, slots=True)
class OffsetRun:
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


def offset_runs(
    partitions: Integers, offsets: Integers, drawn: int, places: int
) -> list[OffsetRun]:
    """Find the runs that are unlikely by chance, the longest first.

    Args:
        partitions: The acknowledged partition of each exception.
        offsets: Its acknowledged offset.
        drawn: How many exceptions there are in the part of the run that is looked at.
        places: How many acknowledged attempts there are in it.
    """
    if not len(offsets):
        return []
    order = np.lexsort((offsets, partitions))
    known = np.unique(np.stack([partitions[order], offsets[order]]), axis=1)
    is_break = (np.diff(known[1]) != 1) | (np.diff(known[0]) != 0)
    bounds = np.flatnonzero(np.r_[True, is_break, True])
    runs = (
        OffsetRun(int(known[0, start]), int(known[1, start]), int(known[1, end - 1]))
        for start, end in itertools.pairwise(bounds)
    )
    unlikely = [
        run for run in runs if chance.of_succession(run.count, drawn, places) < chance.UNLIKELY
    ]
    return sorted(unlikely, key=lambda run: -run.count)


def described(runs: list[OffsetRun]) -> str:
    """Name the longest runs."""
    named = "; ".join(str(run) for run in runs[:NAMED])
    more = f"; and {len(runs) - NAMED:,} more" if len(runs) > NAMED else ""
    return f"consecutive offsets, as in one batch: {named}{more}"

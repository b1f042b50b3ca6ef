"""Change points: the first run of a new level of a figure, and how certain that is.

- A series is split where the means of both parts differ most, in standard errors. Whether that
  could be chance is decided by a permutation test: if nothing changed, any order of the runs is as
  likely as the actual one, so the largest difference is compared with those of shuffled runs (as in
  E-divisive: D. S. Matteson, N. A. James, "A nonparametric approach for multiple change point
  analysis of multivariate data", Journal of the American Statistical Association 109, 2014; its use
  for performance tests: D. Daly et al., "The use of change point detection to identify software
  performance regressions in a continuous integration system", ICPE 2020). The test takes the search
  for the best split into account, and assumes no distribution.
- If it is not chance, both parts are searched in the same way, until none can be split.
- Figures are compared by their logarithms, as two sides are (see `compare_runs/statistics.py`), and
  clipped to `_CLIP` median absolute deviations around their median: one outlier neither makes a
  change nor hides one. Clipping does not depend on the order, so the test remains exact.
- No part has fewer than `FEWEST_PER_LEVEL` runs: one or two slow runs are not a new level.
  `baseline.py` labels single runs.

A library such as ruptures finds the places of changes, but does not say how certain these are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
import numpy.typing as npt

SIGNIFICANCE_LEVEL = 0.01
"""The largest probability of chance at which a change is reported."""

FEWEST_PER_LEVEL = 3
"""The fewest runs on either side of a change."""

_Array = npt.NDArray[np.float64]

_PERMUTATIONS = 999
_BATCH = 111
_CLIP = 5.0
_NORMAL = 1.4826  # median absolute deviations in a standard deviation
_SEED = 20


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """A new level from the run at `index` on; `before` and `after` are the medians of the levels.

    `p_value` is the probability of so large a difference by chance, at least 1 in 1000.
    """

    index: int
    before: float
    after: float
    p_value: float

    @property
    def confidence(self) -> float:
        """The confidence that something changed, from 0 to 1."""
        return 1 - self.p_value

    @property
    def ratio(self) -> float:
        """The change as a share of the level before: 0.5 for 50 % more."""
        return self.after / self.before - 1


def change_points(values: Sequence[float]) -> tuple[ChangePoint, ...]:
    """Return the change points of a series in the order of its runs; all values are positive.

    The same series always has the same change points.
    """
    logs = np.log(np.asarray(values, dtype=np.float64))
    splits = dict(_splits(logs, 0))
    if not splits:
        return ()
    ends = [0, *splits, len(values)]
    levels = [median(values[first:last]) for first, last in pairwise(ends)]
    return tuple(
        ChangePoint(index, before, after, p_value)
        for (index, p_value), (before, after) in zip(splits.items(), pairwise(levels), strict=True)
    )


def _splits(logs: _Array, first: int) -> list[tuple[int, float]]:
    """Split a part of the series; return the index in the series and the p-value of each split."""
    if len(logs) < 2 * FEWEST_PER_LEVEL:
        return []
    clipped = _clipped(logs)
    sizes = np.arange(FEWEST_PER_LEVEL, len(logs) - FEWEST_PER_LEVEL + 1)
    at = int(sizes[np.argmax(_differences(clipped[np.newaxis], sizes)[0])])
    p_value = _p_value(clipped, sizes)
    if p_value > SIGNIFICANCE_LEVEL:
        return []
    before, after = _splits(logs[:at], first), _splits(logs[at:], first + at)
    return [*before, (first + at, p_value), *after]


def _clipped(logs: _Array) -> _Array:
    centre = np.median(logs)
    spread = _NORMAL * np.median(np.abs(logs - centre))
    if spread == 0:  # most runs have the same figure
        return logs
    clipped: _Array = np.clip(logs, centre - _CLIP * spread, centre + _CLIP * spread)
    return clipped


def _differences(rows: _Array, sizes: npt.NDArray[np.int_]) -> _Array:
    """Return how much the two parts of each row differ, for each size of the first part.

    It is the difference of their means, times a factor that is the same for every order of a row.
    """
    count = rows.shape[1]
    sums = np.cumsum(rows - rows.mean(axis=1, keepdims=True), axis=1)[:, sizes - 1]
    differences: _Array = np.abs(sums) / np.sqrt(sizes * (count - sizes) / count)
    return differences


def _p_value(clipped: _Array, sizes: npt.NDArray[np.int_]) -> float:
    """Return the probability of so large a difference by chance; stops early if it is too high."""
    random = np.random.default_rng(_SEED)
    # Rounding must not make equal differences unequal.
    largest = _differences(clipped[np.newaxis], sizes).max() * (1 - 1e-9)
    as_large = drawn = 0
    while drawn < _PERMUTATIONS and (as_large + 1) / (_PERMUTATIONS + 1) <= SIGNIFICANCE_LEVEL:
        shuffled = random.permuted(np.tile(clipped, (_BATCH, 1)), axis=1)
        as_large += int((_differences(shuffled, sizes).max(axis=1) >= largest).sum())
        drawn += _BATCH
    return (as_large + 1) / (drawn + 1)

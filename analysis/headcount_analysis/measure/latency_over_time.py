"""Latency over time: percentiles of the durations in each slice of a run.

A percentile of too few values is only their maximum, so slices are wide enough that a typical one
has enough values for every percentile.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from headcount.thresholds.nearest_rank import bucket_at, nearest_rank
from headcount.thresholds.percentiles import FEW_QUANTILES, percentile_name
from headcount_analysis.arrow_types import Integers, equal_ranges
from headcount_analysis.measure.histogram import BY_PLACE, Measure, by_keys

MOST_DRAWN = 300
"""The largest number of slices."""

_FEWEST_DRAWN = 6
"""The smallest number of slices, even if the rarest percentiles then have too few values."""
_MERGED = (1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 300, 600)
_ROOM = 1.3
"""A typical slice has this many times the values needed, so that few slices have too few."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Nearest-rank percentiles of durations, those of FEW_QUANTILES, and the maximum, in ms."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class LatencySlice:
    """The durations of requests that were due in the `width_s` from `elapsed_s` on."""

    elapsed_s: float
    width_s: float
    count: int
    percentiles: Percentiles

    def percentile_ms(self, quantile: float) -> float | None:
        """Return a percentile, or None if there are too few values for it."""
        is_of_enough = self.count >= samples_needed(quantile)
        name = f"{percentile_name(quantile)}_ms"
        return float(getattr(self.percentiles, name)) if is_of_enough else None


def samples_needed(quantile: float) -> int:
    """Return how many values a percentile needs, so that it is not simply their maximum."""
    return round(1 / (1 - quantile))


def latency_slices(
    durations: pa.Table, width_s: float, length: int
) -> Mapping[Measure, tuple[LatencySlice, ...]]:
    """Divide durations into slices of one width, the same for every measure.

    Args:
        durations: Rows of `histogram.BY_PLACE`.
        width_s: The width of a place in s.
        length: The number of places of the run.
    """
    merged = _merged_by(durations, length)
    if merged > 1:
        index = durations.column_names.index("place")
        places = pa.array(durations["place"].to_numpy() // merged, pa.int32())
        durations = by_keys([durations.set_column(index, "place", places)], BY_PLACE)
    return _slices(durations, merged * width_s)


def _slices(durations: pa.Table, width_s: float) -> Mapping[Measure, tuple[LatencySlice, ...]]:
    """Compute the percentiles of each place."""
    rows = durations.sort_by([(name, "ascending") for name in ("measure", "place", "bucket")])
    place, count, most = (rows[name].to_numpy() for name in ("place", "count", "max"))
    measure = rows["measure"].combine_chunks().dictionary_encode()
    code = measure.indices.to_numpy()
    slices: dict[Measure, list[LatencySlice]] = {}
    for start, end in equal_ranges(code, place):
        name, counts = Measure(measure.dictionary[int(code[start])].as_py()), count[start:end]
        slices.setdefault(name, []).append(
            LatencySlice(
                round(int(place[start]) * width_s, 3),
                width_s,
                int(counts.sum()),
                _percentiles(counts, most[start:end]),
            )
        )
    return {name: tuple(of_measure) for name, of_measure in slices.items()}


def _merged_by(durations: pa.Table, length: int) -> int:
    """Choose how many places to merge into a slice."""
    if not len(durations):
        return 1
    by_place = durations.group_by(["measure", "place"]).aggregate([("count", "sum")])
    typical = float(np.median(by_place["count_sum"].to_numpy()))
    wanted = _ROOM * samples_needed(FEW_QUANTILES[-1]) / typical
    wanted = max(min(wanted, length / _FEWEST_DRAWN), length / MOST_DRAWN)
    return next((merged for merged in _MERGED if merged >= wanted), -(-length // MOST_DRAWN))


def _percentiles(count: Integers, most_ns: Integers) -> Percentiles:
    cumulative = np.cumsum(count).tolist()
    ranks = (nearest_rank(cumulative[-1], quantile) for quantile in FEW_QUANTILES)
    longest_ns = (*(most_ns[bucket_at(cumulative, rank)] for rank in ranks), most_ns.max())
    return Percentiles(*(float(duration_ns) / 1e6 for duration_ns in longest_ns))

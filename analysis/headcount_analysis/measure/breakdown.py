"""The breakdown: how long requests took by partition, generator and response.

It covers every request of a run of up to MOST requests, and samples a longer run: enough for the
p99 of every group that is not tiny. Blocks are sampled while they are compared. The sequence
number alone decides which requests are sampled, and a sparse sample is a subset of a dense one.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount.thresholds.nearest_rank import nearest_rank
from headcount.thresholds.percentiles import FEW_QUANTILES
from headcount_analysis.arrow_types import TEXTS, Flags
from headcount_analysis.measure.histogram import WHOLE, Measure, durations_ns
from headcount_analysis.reconciliation.attempt_counts import answers

MOST = 400_000
MOST_GROUPS = 32
"""At most this many groups of each kind are kept: the largest."""

SAMPLE = pa.schema(
    [
        ("seq", pa.int64()),
        ("partition", pa.int32()),
        ("generator", pa.int32()),
        ("answer", TEXTS),
        *((str(measure), pa.float64()) for measure in WHOLE),
    ]
)
"""One row per sampled request; durations in ms, null if the request has no end."""

_KEYS = ("partition", "generator", "answer")
_NS_PER_MS = 1_000_000
_NO_KEY = -1
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""Multiplying by it spreads consecutive numbers evenly (Knuth, TAOCP 6.4)."""

Values = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Group:
    """One measure of a group of requests, in ms; `percentiles` are in the order of FEW_QUANTILES.

    `by` is partition, generator or answer (the response); `key` is its value in this group.
    """

    by: str
    key: str
    measure: Measure
    count: int
    percentiles: tuple[float, ...]
    max_ms: float


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The groups; one request in `every` was sampled."""

    groups: tuple[Group, ...] = ()
    every: int = 1


def sampled_every(requests: int) -> int:
    """Return the sampling interval for a number of requests, a power of two."""
    return 1 << max(0, -(-requests // MOST) - 1).bit_length()


def sample(fates: pa.Table, every: int) -> pa.Table:
    """Sample about one request in `every`, a power of two, from rows of `reconcile.FATES`.

    Returns:
        Rows of SAMPLE.
    """
    chosen = fates.filter(pa.array(_is_chosen(fates, every)))
    durations = durations_ns(chosen)
    columns = {
        **{name: chosen[name] for name in ("seq", "partition", "generator")},
        "answer": answers(chosen).dictionary_encode(),
        **{str(measure): _in_ms(values) for measure, values in durations.items()},
    }
    return pa.table({name: columns[name] for name in SAMPLE.names}).cast(SAMPLE)


def _is_chosen(rows: pa.Table, every: int) -> Flags:
    """Choose rows by sequence number; a message without a request has none and is not chosen."""
    numbers = rows["seq"].fill_null(0).to_numpy().astype(np.uint64)
    places = (numbers * _SPREAD) >> np.uint64(32)
    is_chosen: Flags = (places % np.uint64(every) == 0) & rows["seq"].is_valid().to_numpy()
    return is_chosen


def breakdown(samples: Sequence[pa.Table], every: int) -> Breakdown:
    """Break down the durations of samples; each was sampled at this interval or a shorter one."""
    rows = pa.concat_tables([SAMPLE.empty_table(), *samples])
    chosen = rows.filter(pa.array(_is_chosen(rows, every))).unify_dictionaries().combine_chunks()
    return Breakdown(tuple(_groups(chosen)), every)


def _groups(requests: pa.Table) -> Iterator[Group]:
    durations_ms = {name: requests[name].fill_null(math.nan).to_numpy() for name in WHOLE}
    for by in _KEYS:
        encoded = pc.dictionary_encode(requests[by].combine_chunks())
        codes = encoded.indices.fill_null(_NO_KEY).to_numpy()
        sizes = np.bincount(codes[codes != _NO_KEY], minlength=len(encoded.dictionary))
        largest = np.argsort(-sizes, kind="stable")[:MOST_GROUPS]
        keys = encoded.dictionary.to_pylist()
        for code in sorted(map(int, largest), key=keys.__getitem__):
            is_member = codes == code
            for measure, values in durations_ms.items():
                of_group = values[is_member]
                of_group = of_group[~np.isnan(of_group)]
                if len(of_group):
                    yield _group(by, str(keys[code]), measure, of_group)


def _group(by: str, key: str, measure: Measure, values_ms: Values) -> Group:
    ranks = [nearest_rank(len(values_ms), quantile) for quantile in FEW_QUANTILES]
    ordered = np.partition(values_ms, [rank - 1 for rank in ranks])
    percentiles = tuple(float(ordered[rank - 1]) for rank in ranks)
    return Group(by, key, measure, len(values_ms), percentiles, float(values_ms.max()))


def _in_ms(durations_ns: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.divide(durations_ns.cast(pa.float64(), safe=False), _NS_PER_MS)

"""The breakdown: how long requests took by partition, generator and answer.

It looks at every request of a run up to MOST, and of a longer one at every so-manieth, in the order
in which they are stored: enough for a p99 of each group that is not tiny.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from analysis.latency import Measure
from analysis.tally import answers

MOST = 1_000_000
MOST_GROUPS = 32
"""Of each kind of group, the largest are shown."""
QUANTILES = (0.5, 0.95, 0.99)

_READ = (
    *("generator", "partition", "http_status", "error"),
    *("intended_at_ns", "sent_at_ns", "answered_at_ns", "broker_at_ms"),
)
_NS_PER_MS = 1_000_000
_NO_KEY = -1

Values = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Group:
    """One measure of the requests that have something in common, in ms; `percentiles` by QUANTILES.

    `by` is partition, generator or answer, and `key` which of them.
    """

    by: str
    key: str
    measure: Measure
    count: int
    percentiles: tuple[float, ...]
    max_ms: float


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The groups; `every` says that one request of so many was looked at."""

    groups: tuple[Group, ...] = ()
    every: int = 1


def breakdown(fates: Path | None) -> Breakdown:
    """Break down the durations in `fates.parquet`; nothing without one."""
    if fates is None:
        return Breakdown()
    dataset = ds.dataset(fates, format="parquet")
    every = max(1, -(-dataset.count_rows() // MOST))
    batches = dataset.scanner(columns=list(_READ)).to_batches()
    thinned = list(_thinned(batches, every))
    if not thinned:
        return Breakdown()
    return Breakdown(tuple(_groups(pa.Table.from_batches(thinned))), every)


def _thinned(batches: Iterator[pa.RecordBatch], every: int) -> Iterator[pa.RecordBatch]:
    """Take every so-manieth row, counted over all batches."""
    before = 0
    for batch in batches:
        rows = np.arange(-before % every, batch.num_rows, every)
        before += batch.num_rows
        if len(rows):
            yield batch.take(pa.array(rows))


def _groups(attempts: pa.Table) -> Iterator[Group]:
    durations = _durations_ms(attempts)
    keys = {
        "partition": attempts["partition"],
        "generator": attempts["generator"],
        "answer": answers(attempts),
    }
    for by, key in keys.items():
        encoded = key.combine_chunks().dictionary_encode()
        place = encoded.indices.fill_null(_NO_KEY).to_numpy()
        often = np.bincount(place[place != _NO_KEY], minlength=len(encoded.dictionary))
        largest = np.argsort(-often, kind="stable")[:MOST_GROUPS]
        names = encoded.dictionary.to_pylist()
        for each in sorted(map(int, largest), key=names.__getitem__):
            mine = place == each
            for measure, values in durations.items():
                found = values[mine]
                found = found[~np.isnan(found)]
                if len(found):
                    yield _group(by, str(names[each]), measure, found)


def _group(by: str, key: str, measure: Measure, values_ms: Values) -> Group:
    # The nearest rank, as everywhere: the least value that enough others do not exceed.
    percentiles = np.quantile(values_ms, QUANTILES, method="inverted_cdf")
    told = tuple(float(each) for each in percentiles)
    return Group(by, key, measure, len(values_ms), told, float(values_ms.max()))


def _durations_ms(attempts: pa.Table) -> dict[Measure, Values]:
    """Work them out; NaN where one has no end."""
    intended_ms = pc.divide(attempts["intended_at_ns"], _NS_PER_MS)
    durations_ms = {
        Measure.HTTP: _between_ms(attempts["sent_at_ns"], attempts["answered_at_ns"]),
        Measure.FROM_INTENDED: _between_ms(attempts["intended_at_ns"], attempts["answered_at_ns"]),
        Measure.END_TO_END: pc.subtract(attempts["broker_at_ms"], intended_ms),
    }
    return {
        measure: pc.cast(each, pa.float64()).fill_null(math.nan).to_numpy()
        for measure, each in durations_ms.items()
    }


def _between_ms(start_ns: pa.ChunkedArray, end_ns: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.divide(pc.cast(pc.subtract(end_ns, start_ns), pa.float64()), float(_NS_PER_MS))

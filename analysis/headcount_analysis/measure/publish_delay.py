"""Publish delay: the time from an event's acknowledgement to its arrival in the topic.

It is estimated in two ways. Timestamps show the delay of each event, but clocks that differ look
like a delay that all events have. Ends of the topic that were recorded after the run show the delay
by one clock, but only for events that arrived between two of these ends.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount.run.manifest import EarlierEnd
from headcount.run.request_outcome import Outcome
from headcount_analysis.arrow_types import Flags, Integers
from headcount_analysis.classes_and_flags import Fate
from headcount_analysis.measure.clocks import GROUP_EVENTS

LONGEST_MS = 86_400_000
"""Longer delays are ignored: they come from timestamps in another unit."""
EARLY_PERCENTILE = 10
"""This percentile of the delays is subtracted from them, so that the clock offset cancels out."""


def longest_delay_s(fates: Path) -> float | None:
    """Return the longest delay less that at EARLY_PERCENTILE, in s; None without events.

    It is measured by timestamps, for each generator alone: their clocks differ. Raises OSError.
    """
    rows = _arrived(fates, ["generator", "answered_at_ns", "broker_at_ms"])
    generators = rows["generator"].to_numpy()
    delays_ms = rows["broker_at_ms"].to_numpy() - rows["answered_at_ns"].to_numpy() // 1_000_000
    is_usable = np.abs(delays_ms) <= LONGEST_MS
    generators, delays_ms = generators[is_usable], delays_ms[is_usable]
    if not len(delays_ms):
        return None
    parts = _by_generator(generators, delays_ms)
    overall_ms = _early_ms(delays_ms)
    return max(float(part.max()) - _usual_ms(part, overall_ms) for part in parts) / 1000


def least_delay_s(
    fates: Path, earlier: Sequence[EarlierEnd], last_ns: Mapping[int, int]
) -> float | None:
    """Return the longest delay that earlier ends prove, in s; None if no event is beyond them.

    An event beyond an earlier end arrived after that end was recorded, so at least the end's
    `watched_s` after the last response. `last_ns` says by generator when its last request ended, by
    the same clock as the times of its responses. Raises OSError.
    """
    if not earlier:
        return None
    rows = _arrived(fates, ["generator", "answered_at_ns", "partition", "offset"])
    before_ns = _before_last_ns(rows, last_ns)
    delays_s = [
        ended.watched_s + int(before_ns[is_later].max()) / 1e9
        for ended in earlier
        if (is_later := _is_beyond(rows, ended)).any()
    ]
    return max(delays_s, default=None)


def _arrived(fates: Path, columns: list[str]) -> pa.Table:
    """Read columns of the acknowledged events that arrived once, without nulls."""
    arrived = (pc.field("fate") == Fate.DELIVERED.value) & (
        pc.field("outcome") == Outcome.ACKED.value
    )
    table: pa.Table = ds.dataset(fates, format="parquet").to_table(columns=columns, filter=arrived)
    return table.drop_null()


def _before_last_ns(rows: pa.Table, last_ns: Mapping[int, int]) -> Integers:
    """Return the time from each event's acknowledgement to the end of its generator's requests."""
    generators, answered_ns = rows["generator"].to_numpy(), rows["answered_at_ns"].to_numpy()
    lasts_ns: Integers = answered_ns.copy()
    for generator, ns in last_ns.items():
        lasts_ns[generators == generator] = ns
    before_ns: Integers = lasts_ns - answered_ns
    return before_ns


def _is_beyond(rows: pa.Table, ended: EarlierEnd) -> Flags:
    """Mark events that lie beyond an earlier end."""
    partitions, offsets = rows["partition"].to_numpy(), rows["offset"].to_numpy()
    ends = np.zeros(len(offsets), np.int64)
    for partition, end in ended.end_offsets.items():
        ends[partitions == partition] = end
    is_beyond: Flags = offsets >= ends
    return is_beyond


def _by_generator(generators: Integers, delays_ms: Integers) -> list[Integers]:
    order = np.argsort(generators, kind="stable")
    starts = np.flatnonzero(np.diff(generators[order])) + 1
    return np.split(delays_ms[order], starts)


def _usual_ms(delays_ms: Integers, overall_ms: float) -> float:
    """Return the percentile to subtract from a generator's delays.

    If the generator has few events, the percentile of all generators' delays takes its place where
    that is shorter: a few late events alone do not show that the generator's clock is behind.
    """
    early_ms = _early_ms(delays_ms)
    return early_ms if len(delays_ms) >= GROUP_EVENTS else min(early_ms, overall_ms)


def _early_ms(delays_ms: Integers) -> float:
    return float(np.percentile(delays_ms, EARLY_PERCENTILE))

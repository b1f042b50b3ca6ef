"""Lateness: when events entered the topic, by their generators' clocks, and which are late."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from headcount_analysis.messages import timestamps
from headcount_analysis.messages.timestamps import NS_PER_MS


def entered_ns(
    timestamp_ms: pa.Array, attempts: pa.Table, corrections_ms: Mapping[int, int]
) -> pa.Array:
    """Convert the timestamps of events to their generators' clocks, Unix time in ns.

    Args:
        timestamp_ms: The timestamp of each attempt's first message; null if it has none.
        attempts: A row for each, with `generator` and `sent_at_ns`.
        corrections_ms: By generator, how far the topic's clock is ahead of its own; 0 if missing.

    Returns:
        A time for each attempt, null if there is no timestamp or if it is not a time.
    """
    entered_at_ns = timestamps.in_ns(timestamp_ms, attempts["sent_at_ns"].combine_chunks())
    if not corrections_ms:
        return entered_at_ns
    generators = pa.array(list(corrections_ms), pa.int32())
    offsets_ns = pa.array([ms * NS_PER_MS for ms in corrections_ms.values()], pa.int64())
    place = pc.index_in(attempts["generator"].combine_chunks(), generators)
    return pc.subtract(entered_at_ns, offsets_ns.take(place).fill_null(0))


def are_late(
    entered_at_ns: pa.Array, intended_at_ns: pa.ChunkedArray, late_after_ms: int
) -> pa.ChunkedArray:
    """Mark events that entered the topic more than `late_after_ms` after their intended time.

    An event without a time is not marked.
    """
    # Kafka's timestamps are whole ms, so intended times are truncated as well. Otherwise an event
    # would seem to enter up to 1 ms earlier than it did.
    waited_ms = pc.subtract(
        pc.divide(entered_at_ns, NS_PER_MS), pc.divide(intended_at_ns, NS_PER_MS)
    )
    return pc.greater(waited_ms, late_after_ms).fill_null(False)

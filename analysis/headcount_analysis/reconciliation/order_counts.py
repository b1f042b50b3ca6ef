"""Counts of events that have an order, for the judge."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount_analysis.event_types import known_types

MOST_KEYED = 8_000_000
"""About how many events are checked at once at most; more are divided into parts by their keys."""

_ORDER = ("generator", "partition", "key_hash", "sent_at_ns", "answered_at_ns")


@dataclass(frozen=True, slots=True)
class Order:
    """How many events have a message key, and how many of these have an order.

    `events` counts those with an order: their key is in a single partition, and one of its requests
    was sent after another was answered. `keyed` counts all events with a key, and `spread` those
    whose key is in several partitions.
    """

    events: int = 0
    keyed: int = 0
    spread: int = 0

    def __add__(self, other: "Order") -> "Order":
        """Add two counts."""
        return Order(
            self.events + other.events, self.keyed + other.keyed, self.spread + other.spread
        )

    def others(self, seen: int) -> str:
        """Explain why the other events that were seen have no order."""
        alone = self.keyed - self.spread - self.events
        return (
            f"the others have no key ({seen - self.keyed}), a key in several partitions "
            f"({self.spread}), or no earlier or later request with their key ({alone})"
        )


def order(fates: Path, events: int) -> Order:
    """Count the events that have an order; `events` is an upper bound of their number."""
    return sum((order_of(line) for line in _lines(fates, events, _ORDER)), start=Order())


def ordered_by_type(
    fates: Path, events: int, event_types: Sequence[str], is_in: pc.Expression
) -> dict[str, int]:
    """Count by event type, in a part of the run, the events that could be found reordered.

    Only an event that was answered before a later request of its key was sent can be overtaken.

    Args:
        fates: The path of `fates.parquet`.
        events: An upper bound of the number of events that were seen.
        event_types: The known event types; all others count as `(unknown)`.
        is_in: Selects the rows of the part.
    """
    counts: Counter[str] = Counter()
    for line in _lines(fates, events, (*_ORDER, "event_type")):
        events_of_part = _followed(line).filter(is_in)
        types = known_types(events_of_part["event_type"], event_types)
        for count in pc.value_counts(types).to_pylist():
            counts[count["values"]] += count["counts"]
    return dict(counts)


def _lines(fates: Path, events: int, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Read the events with a key in parts, to bound the memory; no key is in two parts."""
    dataset = ds.dataset(fates, format="parquet")
    parts = 1 << max(0, -(-events // MOST_KEYED) - 1).bit_length()
    for part in range(parts):
        is_keyed = pc.field("key_hash").is_valid() & pc.field("sent_at_ns").is_valid()
        is_of_part = pc.bit_wise_and(pc.field("key_hash"), pc.scalar(parts - 1)) == part
        scanner = dataset.scanner(columns=list(columns), filter=is_keyed & is_of_part)
        yield scanner.to_table()


def order_of(line: pa.Table) -> Order:
    """Count the events that have an order; `line` holds all events of their keys."""
    keys = _keys(line)
    count, is_spread = keys["count_all"].to_numpy(), keys["is_spread"].to_numpy()
    is_ordered = keys["is_ordered"].to_numpy()
    return Order(int(count[is_ordered].sum()), int(count.sum()), int(count[is_spread].sum()))


def _followed(line: pa.Table) -> pa.Table:
    """Select the events that were answered before the last request of their key was sent."""
    keys = _keys(line)
    last = keys.filter(keys["is_ordered"]).select(["generator", "key_hash", "sent_at_ns_max"])
    place = line.select(["generator", "key_hash", "answered_at_ns"])
    rows = place.append_column("row", pa.array(np.arange(len(line))))
    joined = rows.join(last, ["generator", "key_hash"], join_type="inner")
    is_followed = pc.greater(joined["sent_at_ns_max"], joined["answered_at_ns"])
    return line.take(joined["row"].filter(is_followed.fill_null(False)))


def _keys(line: pa.Table) -> pa.Table:
    """Describe each key: whether it is in several partitions, and whether its events have an order.

    There is an order if one request was sent after another was answered.
    """
    sums = [("partition", "min"), ("partition", "max"), ("sent_at_ns", "max")]
    aggregates = [*sums, ("answered_at_ns", "min"), ([], "count_all")]
    keys = line.group_by(["generator", "key_hash"]).aggregate(aggregates)
    is_spread = pc.not_equal(keys["partition_min"], keys["partition_max"])
    follows = pc.greater(keys["sent_at_ns_max"], keys["answered_at_ns_min"]).fill_null(False)
    is_ordered = pc.and_(follows, pc.invert(is_spread))
    return keys.append_column("is_spread", is_spread).append_column("is_ordered", is_ordered)

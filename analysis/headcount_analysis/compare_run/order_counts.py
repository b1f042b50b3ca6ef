"""Counts of events that have an order, for the judge."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

MOST_KEYED = 8_000_000
"""The most events that are checked together."""

_ORDER = ("generator", "partition", "key_hash", "sent_at_ns", "answered_at_ns")


@dataclass(frozen=True, slots=True)
class Order:
    """How many `events` have an order, because another event of their key precedes or follows.

    `keyed` events have a message key; of these, `spread` have a key that is in several partitions.
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
            f"{seen - self.keyed} have no key, {self.spread} have a key in several partitions, "
            f"and {alone} have no earlier or later request with their key"
        )


def order(fates: Path, events: int) -> Order:
    """Count the events that have an order; `events` is an upper bound of their number.

    Keys are checked in parts, so that memory is bounded.
    """
    dataset = ds.dataset(fates, format="parquet")
    parts = 1 << max(0, -(-events // MOST_KEYED) - 1).bit_length()
    sums = Order()
    for part in range(parts):
        is_keyed = pc.field("key_hash").is_valid() & pc.field("sent_at_ns").is_valid()
        is_of_part = pc.bit_wise_and(pc.field("key_hash"), pc.scalar(parts - 1)) == part
        scanner = dataset.scanner(columns=list(_ORDER), filter=is_keyed & is_of_part)
        sums += order_of(scanner.to_table())
    return sums


def order_of(line: pa.Table) -> Order:
    """Count the events that have an order; `line` holds all events of their keys."""
    sums = [("partition", "min"), ("partition", "max"), ("sent_at_ns", "max")]
    aggregates = [*sums, ("answered_at_ns", "min"), ([], "count_all")]
    keys = line.group_by(["generator", "key_hash"]).aggregate(aggregates)
    count = keys["count_all"].to_numpy()
    is_spread = pc.not_equal(keys["partition_min"], keys["partition_max"]).to_numpy()
    # There is an order if one request was sent after another was answered.
    follows = pc.greater(keys["sent_at_ns_max"], keys["answered_at_ns_min"]).fill_null(False)
    is_ordered = follows.to_numpy() & ~is_spread
    return Order(int(count[is_ordered].sum()), int(count.sum()), int(count[is_spread].sum()))

"""Ordering: finds reordered events.

Event A is reordered if event B precedes it in the topic, although the request of B was sent only
after the request of A had been answered.

An event has an order relative to events of the same generator, partition and message key. An event
without a key, or one that was never seen, has none; if there are several copies, only the first is
considered.

Only events in the same partition have an order: Kafka guarantees none between partitions.

An event may have been overtaken by one in another part of the run. So besides each part by itself,
pairs of parts are checked, but only those that `overtaking` lists.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from headcount_analysis.arrow_types import Integers

Event = tuple[int, int]
"""An event's generator and sequence number."""

LINE = ("generator", "seq", "partition", "offset", "key_hash", "sent_at_ns", "answered_at_ns")
"""The columns of `reconcile.FATES` that the order is derived from."""


def ordered(fates: pa.Table) -> pa.Table:
    """Select the rows that have an order, those with a key and a request, with columns LINE."""
    is_ordered = pc.and_(fates["key_hash"].is_valid(), fates["sent_at_ns"].is_valid())
    return fates.select(list(LINE)).filter(is_ordered)


@dataclass(frozen=True, slots=True)
class PartitionReach:
    """The bounds of one generator's events in one partition, within a part of the run.

    `first_answered_ns` is None if none of them was answered.
    """

    generator: int
    partition: int
    first_offset: int
    last_offset: int
    last_sent_ns: int
    first_answered_ns: int | None


def reaches(line: pa.Table) -> tuple[PartitionReach, ...]:
    """Measure the bounds of events by generator and partition, from rows of LINE."""
    bounds = [
        ("offset", "min"),
        ("offset", "max"),
        ("sent_at_ns", "max"),
        ("answered_at_ns", "min"),
    ]
    groups = line.group_by(["generator", "partition"], use_threads=False).aggregate(bounds)
    names = ["generator", "partition", *("_".join(bound) for bound in bounds)]
    return tuple(PartitionReach(*(row[name] for name in names)) for row in groups.to_pylist())


def overtaking(parts: Mapping[int, Sequence[PartitionReach]]) -> list[tuple[int, int]]:
    """List pairs of parts in which events of the first may have overtaken events of the second.

    That is possible if an event of the second part was answered before an event of the first part
    was sent, and if some event of the second part comes after one of the first in the topic.
    """
    lines: dict[tuple[int, int], list[tuple[int, PartitionReach]]] = {}
    for number, reaches_of_part in parts.items():
        for reach in reaches_of_part:
            lines.setdefault((reach.generator, reach.partition), []).append((number, reach))
    pairs = {pair for line in lines.values() for pair in _overtaking(line)}
    return sorted(pairs)


def _overtaking(line: Sequence[tuple[int, PartitionReach]]) -> Iterator[tuple[int, int]]:
    ordered = sorted(line, key=lambda numbered: numbered[1].first_offset)
    first = np.array([reach.first_offset for _, reach in ordered])
    sent = np.array([reach.last_sent_ns for _, reach in ordered])
    for number, reach in ordered:
        if reach.first_answered_ns is None:
            continue
        before = sent[: np.searchsorted(first, reach.last_offset)]
        for place in np.flatnonzero(before > reach.first_answered_ns):
            if ordered[place][0] != number:
                yield ordered[place][0], number


def reordered(line: pa.Table) -> pa.Table:
    """Return the generator and seq of reordered events.

    Args:
        line: Rows of LINE, in one chunk; each event is compared with all others in it.
    """
    # Checking all keys together is quick, and clears most events: what is in order among all keys
    # is in order within its own key.
    suspects = _overtaken(line, ("generator", "partition"))
    if not len(suspects):
        return line.select(["generator", "seq"])[:0]
    keys = pc.unique(line["key_hash"].take(pa.array(suspects)))
    suspected = line.filter(pc.is_in(line["key_hash"], keys)).combine_chunks()
    rows = _overtaken(suspected, ("generator", "partition", "key_hash"))
    return suspected.select(["generator", "seq"]).take(pa.array(rows))


def events_of(rows: pa.Table) -> list[Event]:
    """List the events of rows that have a generator and a seq."""
    return list(zip(rows["generator"].to_pylist(), rows["seq"].to_pylist(), strict=True))


def marked(fates: pa.Table, overtaken: AbstractSet[Event]) -> pa.Table:
    """Mark events as reordered, in rows of `reconcile.FATES`."""
    if not overtaken:
        return fates
    wrong = pa.table(
        {
            "generator": pa.array([generator for generator, _ in overtaken], pa.int32()),
            "seq": pa.array([seq for _, seq in overtaken], pa.int64()),
            "is_wrong": pa.repeat(pa.scalar(True), len(overtaken)),
        }
    )
    identity = fates.select(["generator", "seq"])
    row = identity.append_column("row", pa.array(np.arange(len(fates))))
    joined = row.join(wrong, ["generator", "seq"], use_threads=False).sort_by("row")
    flags = joined["is_wrong"].fill_null(False)
    return fates.set_column(fates.column_names.index("reordered"), "reordered", flags)


def _overtaken(line: pa.Table, group: Sequence[str]) -> Integers:
    """Find the rows of events that an event of their group, requested later, has overtaken."""
    columns = [line[name].to_numpy() for name in group]
    order = np.lexsort((line["offset"].to_numpy(), *columns))
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = np.logical_or.reduce(
        [(column[order][1:] != column[order][:-1]) for column in columns]
    )
    sent = pd.Series(line["sent_at_ns"].to_numpy()[order])
    latest = sent.groupby(np.cumsum(is_first)).cummax().to_numpy()
    before = np.where(is_first, np.iinfo(np.int64).min, np.roll(latest, 1))
    # A request without a response cannot be overtaken.
    answered = line["answered_at_ns"].fill_null(np.iinfo(np.int64).max).to_numpy()[order]
    rows: Integers = order[before > answered]
    return rows

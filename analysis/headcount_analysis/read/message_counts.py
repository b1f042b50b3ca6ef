"""Counts of messages for the judge: by partition, kind, event type and defect."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from headcount_analysis.arrow_types import plain
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.column_combinations import Combined, added
from headcount_analysis.event_types import known_types
from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.read.partition_summary import Defect, PartitionRead
from headcount_analysis.read.topic_range import OffsetRange

SAMPLES = 5
"""How many offsets of malformed, and of foreign, messages are listed per partition."""

_UNOWNED = {
    MessageKind.MALFORMED.value: ("malformed",),
    MessageKind.GARBLED.value: ("malformed", "garbled"),
    MessageKind.FOREIGN.value: ("foreign",),
}


@dataclass(frozen=True, slots=True)
class Messages:
    """The totals of messages by partition, and of foreign and malformed ones by event type."""

    partitions: tuple[PartitionRead, ...]
    by_event_type: dict[str, Counts]
    timestamp_types: frozenset[int]


@dataclass(frozen=True, slots=True)
class MessageKey:
    """The key that messages are counted by; `defect` is empty unless they are malformed."""

    partition: int
    kind: str
    event_type: str
    defect: str = ""


@dataclass(frozen=True, slots=True)
class MessageCount:
    """The number of messages of a key, and the offsets of the first and the last."""

    count: int
    first: int
    last: int

    def __add__(self, other: "MessageCount") -> "MessageCount":
        """Add two counts of the same key."""
        return MessageCount(
            self.count + other.count, min(self.first, other.first), max(self.last, other.last)
        )


@dataclass(frozen=True, slots=True)
class MessageCounts:
    """The totals of messages; `samples` are the first offsets of foreign and malformed ones.

    A key of `samples` is a partition, and whether the messages are foreign or malformed.
    """

    by_key: Mapping[MessageKey, MessageCount] = field(default_factory=dict)
    timestamp_types: frozenset[int] = frozenset()
    samples: Mapping[tuple[int, bool], tuple[int, ...]] = field(default_factory=dict)


def count_messages(arrivals: pa.Table, event_types: Sequence[str]) -> MessageCounts:
    """Count messages, in rows of `kinds.ARRIVALS`."""
    offsets = arrivals["offset"].to_numpy()
    combined = Combined.of(
        {
            **{name: arrivals[name] for name in ("partition", "kind")},
            "event_type": known_types(arrivals["event_type"], event_types),
            "defect": arrivals["defect"],
        }
    )
    parts = []
    for key, rows in combined.rows():
        key_offsets = offsets[rows]
        count = MessageCount(len(key_offsets), int(key_offsets.min()), int(key_offsets.max()))
        parts.append({MessageKey(**{**key, "defect": key["defect"] or ""}): count})
    counts: dict[MessageKey, MessageCount] = added(parts)
    return MessageCounts(
        counts,
        frozenset(pc.unique(arrivals["timestamp_type"]).to_pylist()),
        _samples(arrivals) if any(key.kind in _UNOWNED for key in counts) else {},
    )


def _samples(arrivals: pa.Table) -> dict[tuple[int, bool], tuple[int, ...]]:
    """List the first offsets of malformed and of foreign messages."""
    kinds = plain(arrivals["kind"])
    unowned = arrivals.filter(pc.is_in(kinds, pa.array(list(_UNOWNED))))
    is_foreign = pc.equal(plain(unowned["kind"]), MessageKind.FOREIGN.value)
    samples: dict[tuple[int, bool], list[int]] = {}
    rows = (unowned["partition"], is_foreign, unowned["offset"])
    for partition, foreign, offset in zip(*(column.to_pylist() for column in rows), strict=True):
        samples.setdefault((partition, foreign), []).append(offset)
    return {key: tuple(sorted(offsets)[:SAMPLES]) for key, offsets in samples.items()}


def merged_messages(parts: Sequence[MessageCounts]) -> MessageCounts:
    """Add up the counts of several batches or splits."""
    samples: dict[tuple[int, bool], list[int]] = {}
    for part in parts:
        for key, offsets in part.samples.items():
            samples[key] = sorted([*samples.get(key, []), *offsets])[:SAMPLES]
    return MessageCounts(
        added(part.by_key for part in parts),
        frozenset(kind for part in parts for kind in part.timestamp_types),
        {key: tuple(offsets) for key, offsets in samples.items()},
    )


def of_messages(counts: MessageCounts, offsets: OffsetRange) -> Messages:
    """Total the messages of a range."""
    partitions = tuple(_partition(number, offsets, counts) for number in offsets.partitions)
    return Messages(partitions, _unowned_by_type(counts), counts.timestamp_types)


def claimed(counts: MessageCounts) -> int:
    """Count the messages with an id of the run; each of them must be compared."""
    of_this_run = {MessageKind.CLAIMED, MessageKind.PHANTOM}
    return sum(count.count for key, count in counts.by_key.items() if key.kind in of_this_run)


def _partition(number: int, offsets: OffsetRange, counts: MessageCounts) -> PartitionRead:
    counts_here = {key: count for key, count in counts.by_key.items() if key.partition == number}
    by_kind: Counter[str] = Counter()
    for key, count in counts_here.items():
        by_kind[key.kind] += count.count
    return PartitionRead(
        partition=number,
        start=offsets.first(number),
        end=offsets.end[number],
        read=by_kind.total(),
        first=min((count.first for count in counts_here.values()), default=None),
        last=max((count.last for count in counts_here.values()), default=None),
        malformed=by_kind[MessageKind.MALFORMED] + by_kind[MessageKind.GARBLED],
        foreign=by_kind[MessageKind.FOREIGN],
        malformed_samples=counts.samples.get((number, False), ()),
        foreign_samples=counts.samples.get((number, True), ()),
        defects=_defects(counts_here),
    )


def _defects(counts: Mapping[MessageKey, MessageCount]) -> tuple[Defect, ...]:
    """List the defects of messages, by the offset of the first message with each."""
    by_defect: dict[str, MessageCount] = added(
        {key.defect: count} for key, count in counts.items() if key.defect
    )
    defects = [Defect(name, count.count, count.first) for name, count in by_defect.items()]
    return tuple(sorted(defects, key=lambda defect: defect.first_offset))


def _unowned_by_type(counts: MessageCounts) -> dict[str, Counts]:
    """Count foreign and malformed messages by type; malformed ones are of type `(unknown)`."""
    by_type: dict[str, Counts] = {}
    for key, count in counts.by_key.items():
        if key.kind in _UNOWNED:
            more = Counts(**dict.fromkeys(_UNOWNED[key.kind], count.count))
            by_type[key.event_type] = by_type.get(key.event_type, Counts()) + more
    return by_type

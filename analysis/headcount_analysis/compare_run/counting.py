"""The tally: counts of fates and of messages, as the judge wants them.

Both are counted part by part, and the parts are added up.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount.run.outcome import Outcome
from headcount_analysis.compare_run.classes import FLAGS, UNKNOWN, Counts, Fate, total
from headcount_analysis.compare_run.column_combinations import Combined
from headcount_analysis.evidence import SAMPLES, Checkable, Defect, PartitionRead
from headcount_analysis.messages.content import Kind
from headcount_analysis.read.topic_range import OffsetRange

LONGEST_ERROR = 60
_NO_ANSWER = "no answer"
_STRANGERS = {
    Kind.MALFORMED.value: ("malformed",),
    Kind.GARBLED.value: ("malformed", "garbled"),
    Kind.FOREIGN.value: ("foreign",),
}


@dataclass(frozen=True, slots=True)
class Messages:
    """What the arrivals add up to: by partition, and by event type for what belongs to nobody."""

    partitions: tuple[PartitionRead, ...]
    by_event_type: dict[str, Counts]
    timestamp_types: frozenset[int]


@dataclass(frozen=True, slots=True)
class Attempts:
    """What the fates add up to; phantoms, which no generator asked for, only by event type.

    `by_answer` is by HTTP status, as text, or by what kept an answer from coming; `copies` are the
    messages of all. `rows` has by generator how many attempts have a row in the ledger, and
    `checkable` by event type how many events the flags can be told of.
    """

    by_event_type: dict[str, Counts]
    by_generator: dict[int, Counts]
    by_answer: dict[str, Counts]
    copies: int
    rows: dict[int, int] = field(default_factory=dict)
    checkable: dict[str, Checkable] = field(default_factory=dict)


def of_fates(fates: pa.Table, event_types: Sequence[str]) -> Attempts:
    """Count fates, of `reconcile.FATES`.

    Phantoms of a type that no generator asked for count as `(unknown)`, for their names are
    anyone's. An outcome or class that does not exist is counted as an attempt and nothing else, so
    that the sums give it away.
    """
    types = known_types(fates["event_type"], event_types)
    combined = Combined.of(
        {
            "event_type": types,
            "answer": answers(fates).fill_null(_NO_ANSWER),
            **{name: fates[name] for name in ("generator", "outcome", "fate", *FLAGS)},
        }
    )
    by_type: dict[str, Counts] = {}
    by_generator: dict[int, Counts] = {}
    by_answer: dict[str, Counts] = {}
    for row, number in combined.counts():
        counts = _counts(row, number)
        by_type[row["event_type"]] = by_type.get(row["event_type"], Counts()) + counts
        if row["generator"] is not None:
            generator, answer = row["generator"], row["answer"]
            by_generator[generator] = by_generator.get(generator, Counts()) + counts
            by_answer[answer] = by_answer.get(answer, Counts()) + counts
    return Attempts(
        by_type,
        by_generator,
        by_answer,
        pc.sum(fates["copies"]).as_py() or 0,
        _rows(fates),
        _checkable(fates, types),
    )


def _rows(fates: pa.Table) -> dict[int, int]:
    """Count by generator the attempts that the ledger has a row of: only these were sent."""
    generator = fates["generator"].filter(fates["sent_at_ns"].is_valid())
    return {each["values"]: each["counts"] for each in pc.value_counts(generator).to_pylist()}


def _checkable(fates: pa.Table, types: pa.DictionaryArray) -> dict[str, Checkable]:
    """Count by event type the attempts that were seen, and what is known of them."""
    is_seen = pc.and_(pc.greater(fates["copies"], 0), fates["sent_at_ns"].is_valid())
    has_place = pc.and_(fates["acked_partition"].is_valid(), fates["acked_offset"].is_valid())
    conditions = (
        is_seen,
        pc.and_(is_seen, fates["entered_at_ns"].is_valid()),
        pc.and_(is_seen, has_place),
    )
    place, names = types.indices.to_numpy(), types.dictionary.to_pylist()
    counts = [
        np.bincount(place[condition.to_numpy()], minlength=len(names)).tolist()
        for condition in conditions
    ]
    found = {name: Checkable(*row) for name, *row in zip(names, *counts, strict=True)}
    return {name: each for name, each in found.items() if each.seen}


def merged_attempts(parts: Sequence[Attempts]) -> Attempts:
    """Add up what was counted apart."""
    return Attempts(
        _added(part.by_event_type for part in parts),
        _added(part.by_generator for part in parts),
        _added(part.by_answer for part in parts),
        sum(part.copies for part in parts),
        _added(part.rows for part in parts),
        _added(part.checkable for part in parts),
    )


def _added(parts: Iterable[Mapping[Any, Any]]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for part in parts:
        for name, counts in part.items():
            found[name] = found[name] + counts if name in found else counts
    return found


def known_types(types: pa.ChunkedArray, event_types: Sequence[str]) -> pa.DictionaryArray:
    """Give event types, in which types that no generator asked for, and none, are `(unknown)`."""
    names = [UNKNOWN, *(name for name in event_types if name != UNKNOWN)]
    whole = types.combine_chunks().dictionary_encode()
    known = pc.index_in(whole.dictionary, pa.array(names, pa.string()))
    return pa.DictionaryArray.from_arrays(known.take(whole.indices).fill_null(0), names)


def plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give texts without their dictionary."""
    return values.cast(pa.string())


def answers(fates: pa.Table) -> pa.ChunkedArray:
    """Name answers: by status, or by the kind of the error, which is what stands before a `:`."""
    status = fates["http_status"].cast(pa.string())
    error = fates["error"]
    if error.null_count == len(error):
        return status
    kind = pc.replace_substring_regex(plain(error), pattern=r"(?s):.*", replacement="")
    return pc.coalesce(status, pc.utf8_slice_codeunits(kind, 0, LONGEST_ERROR))


def _counts(row: Mapping[str, Any], number: int) -> Counts:
    keys = {flag for flag in FLAGS if row[flag]}
    if row["fate"] in set(Fate):
        keys.add(row["fate"])
    if row["fate"] != Fate.PHANTOM:
        keys.add("attempted")
    if row["outcome"] in set(Outcome):
        keys.add(row["outcome"])
    return Counts(**dict.fromkeys(keys, number))


@dataclass(frozen=True, slots=True)
class MessageKey:
    """What messages are counted by; `defect` is empty unless they are malformed."""

    partition: int
    kind: str
    event_type: str
    defect: str = ""


@dataclass(frozen=True, slots=True)
class MessageCount:
    """How many messages of a key there are, and the offsets of the first and the last."""

    count: int
    first: int
    last: int

    def __add__(self, other: "MessageCount") -> "MessageCount":
        """Put two counts together."""
        return MessageCount(
            self.count + other.count, min(self.first, other.first), max(self.last, other.last)
        )


@dataclass(frozen=True, slots=True)
class MessageCounts:
    """What messages add up to; `samples` has by partition the first offsets of each stranger."""

    by_key: Mapping[MessageKey, MessageCount] = field(default_factory=dict)
    timestamp_types: frozenset[int] = frozenset()
    samples: Mapping[tuple[int, bool], tuple[int, ...]] = field(default_factory=dict)


def count_messages(arrivals: pa.Table, event_types: Sequence[str]) -> MessageCounts:
    """Count messages, of `content.ARRIVALS`."""
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
        mine = offsets[rows]
        count = MessageCount(len(mine), int(mine.min()), int(mine.max()))
        parts.append({MessageKey(**{**key, "defect": key["defect"] or ""}): count})
    counts: dict[MessageKey, MessageCount] = _added(parts)
    return MessageCounts(
        counts,
        frozenset(pc.unique(arrivals["timestamp_type"]).to_pylist()),
        _samples(arrivals) if any(key.kind in _STRANGERS for key in counts) else {},
    )


def _samples(arrivals: pa.Table) -> dict[tuple[int, bool], tuple[int, ...]]:
    """Name the first offsets of malformed and, apart from them, foreign messages."""
    kinds = plain(arrivals["kind"])
    strangers = arrivals.filter(pc.is_in(kinds, pa.array(list(_STRANGERS))))
    is_foreign = pc.equal(plain(strangers["kind"]), Kind.FOREIGN.value)
    found: dict[tuple[int, bool], list[int]] = {}
    rows = (strangers["partition"], is_foreign, strangers["offset"])
    for partition, foreign, offset in zip(*(each.to_pylist() for each in rows), strict=True):
        found.setdefault((partition, foreign), []).append(offset)
    return {key: tuple(sorted(offsets)[:SAMPLES]) for key, offsets in found.items()}


def merged_messages(parts: Sequence[MessageCounts]) -> MessageCounts:
    """Add up what was counted apart."""
    samples: dict[tuple[int, bool], list[int]] = {}
    for part in parts:
        for key, offsets in part.samples.items():
            samples[key] = sorted([*samples.get(key, []), *offsets])[:SAMPLES]
    return MessageCounts(
        _added(part.by_key for part in parts),
        frozenset(kind for part in parts for kind in part.timestamp_types),
        {key: tuple(offsets) for key, offsets in samples.items()},
    )


def of_messages(counts: MessageCounts, offsets: OffsetRange) -> Messages:
    """Say what the messages of a range add up to."""
    partitions = tuple(_partition(number, offsets, counts) for number in offsets.partitions)
    return Messages(partitions, _strangers(counts), counts.timestamp_types)


def claimed(counts: MessageCounts) -> int:
    """Count the messages that claim to be of the run, each of which is compared."""
    mine = {Kind.CLAIMED, Kind.PHANTOM}
    return sum(told.count for key, told in counts.by_key.items() if key.kind in mine)


def _partition(number: int, offsets: OffsetRange, counts: MessageCounts) -> PartitionRead:
    mine = {key: told for key, told in counts.by_key.items() if key.partition == number}
    by_kind: Counter[str] = Counter()
    for key, told in mine.items():
        by_kind[key.kind] += told.count
    return PartitionRead(
        partition=number,
        start=offsets.first(number),
        end=offsets.end[number],
        read=by_kind.total(),
        first=min((told.first for told in mine.values()), default=None),
        last=max((told.last for told in mine.values()), default=None),
        malformed=by_kind[Kind.MALFORMED] + by_kind[Kind.GARBLED],
        foreign=by_kind[Kind.FOREIGN],
        malformed_samples=counts.samples.get((number, False), ()),
        foreign_samples=counts.samples.get((number, True), ()),
        defects=_defects(mine),
    )


def _defects(counts: Mapping[MessageKey, MessageCount]) -> tuple[Defect, ...]:
    """Say how messages are malformed, by the offset of the first of each."""
    by_defect: dict[str, MessageCount] = _added(
        {key.defect: told} for key, told in counts.items() if key.defect
    )
    found = [Defect(name, told.count, told.first) for name, told in by_defect.items()]
    return tuple(sorted(found, key=lambda defect: defect.first_offset))


def _strangers(counts: MessageCounts) -> dict[str, Counts]:
    """Count by event type what belongs to no attempt: a malformed message has no type."""
    by_type: dict[str, Counts] = {}
    for key, told in counts.by_key.items():
        if key.kind in _STRANGERS:
            more = Counts(**dict.fromkeys(_STRANGERS[key.kind], told.count))
            by_type[key.event_type] = by_type.get(key.event_type, Counts()) + more
    return by_type


def merged(*parts: dict[str, Counts]) -> dict[str, Counts]:
    """Add up counts by event type, the types in order and the unknown one last."""
    names = sorted({name for part in parts for name in part}, key=lambda n: (n == UNKNOWN, n))
    return {name: total(part.get(name, Counts()) for part in parts) for name in names}

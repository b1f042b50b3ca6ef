"""Event differences: joins and counts the differences of all copies of each event of a block."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount_analysis.arrow_types import Integers, equal_ranges
from headcount_analysis.column_combinations import Combined
from headcount_analysis.corrupted.copies import COPIES, BlockCopies
from headcount_analysis.corrupted.counts import (
    DifferenceCounter,
    DifferenceCounts,
    FieldSet,
    merged_counts,
)
from headcount_analysis.corrupted.exchange import FileRows, write_sorted
from headcount_analysis.corrupted.message_differences import dumped, loaded
from headcount_analysis.corrupted.table import DIFFERENCES, SAMPLES
from headcount_analysis.messages.field_differences import Difference

_EVENT = ("seq", "generator")
_IN_TIME = (*_EVENT, "timestamp_ms", "partition", "offset")
_UNKNOWN = dumped(())

_CHUNK_ROWS = 100_000
"""How many events are joined at a time: their texts take more memory than all else."""


@dataclass(frozen=True, slots=True)
class BlockDifferences:
    """The files of a block's DIFFERENCES, and their counts."""

    files: tuple[str, ...]
    counts: DifferenceCounts


@dataclass(frozen=True, slots=True)
class EventComparer:
    """Joins the differences of a block's events in an executor, a chunk at a time.

    `copies` is the place of `copies.COPIES`, and `messages` are rows of
    `message_differences.MESSAGE_DIFFERENCES`.
    """

    copies: str
    messages: FileRows
    place: str

    def compare(self, block: BlockCopies) -> BlockDifferences:
        """Write the DIFFERENCES of a block, and count them. Raises OSError."""
        copies = FileRows(self.copies, (block.file,), COPIES)
        events = _events(_sorted(copies.read(pc.scalar(True), (*_IN_TIME, "event_type"))))
        files, counts = [], []
        for number, chunk in enumerate(_chunks(events)):
            bounds = pc.min_max(chunk["seq"]).as_py()
            within = (pc.field("seq") >= bounds["min"]) & (pc.field("seq") <= bounds["max"])
            texts = _joined(_sorted(self.messages.read(within)))
            rows, chunk_counts = differences_of_events(chunk, texts)
            # Readers take the files in the order of their names.
            prefix = f"{block.number + 1:06}-{number:04}-"
            files.append(write_sorted(self.place, rows, _EVENT, prefix))
            counts.append(chunk_counts)
        return BlockDifferences(tuple(files), merged_counts(counts))


def _chunks(events: pa.Table) -> Iterator[pa.Table]:
    """Cut events, sorted by sequence number, into chunks; a number is never in two chunks."""
    seqs, start = events["seq"].to_numpy(), 0
    while start < len(seqs):
        last = min(start + _CHUNK_ROWS, len(seqs)) - 1
        end = int(np.searchsorted(seqs, seqs[last], side="right"))
        yield events.slice(start, end - start).combine_chunks()
        start = end


def _sorted(rows: pa.Table) -> pa.Table:
    return rows.sort_by([(name, "ascending") for name in _IN_TIME]).combine_chunks()


def _ranges(rows: pa.Table) -> list[tuple[int, int]]:
    return equal_ranges(*(rows[name].to_numpy() for name in _EVENT))


def _events(copies: pa.Table) -> pa.Table:
    """Return the first corrupted copy of each event, with the number of these copies."""
    ranges = _ranges(copies)
    first = copies.take(pa.array([start for start, _ in ranges], pa.int64()))
    counts = pa.array([end - start for start, end in ranges], pa.int64())
    return first.append_column("corrupted_copies", counts)


def _joined(messages: pa.Table) -> dict[tuple[int, int], str]:
    """Join the differences of each event's copies, by sequence number and generator."""
    texts = messages["differences"].to_pylist()
    events = list(zip(*(messages[name].to_pylist() for name in _EVENT), strict=True))
    return {
        events[start]: texts[start] if end - start == 1 else _of_copies(texts[start:end])
        for start, end in _ranges(messages)
    }


def _of_copies(texts: Sequence[str]) -> str:
    """Join the differences of copies; if several copies differ in a field, the first one counts."""
    first: dict[tuple[str, str], Difference] = {}
    for difference in itertools.chain.from_iterable(map(loaded, texts)):
        first.setdefault((difference.field, difference.kind), difference)
    return dumped(tuple(first.values()))


def differences_of_events(
    events: pa.Table, texts: dict[tuple[int, int], str]
) -> tuple[pa.Table, DifferenceCounts]:
    """Make the DIFFERENCES of events, in the same order, and count them.

    `events` has the first corrupted copy of each event. `texts` has the differences by sequence
    number and generator; an event that is not in it has no known difference.
    """
    keys = zip(*(events[name].to_pylist() for name in _EVENT), strict=True)
    combined = Combined.of(
        {
            "event_type": events["event_type"],
            "text": pa.array([texts.get(key, _UNKNOWN) for key in keys], pa.string()),
        }
    )
    counter = DifferenceCounter()
    numbers, ways = np.unique(combined.numbers, return_inverse=True)
    counted = np.bincount(ways, minlength=len(numbers))
    set_numbers: dict[FieldSet, int] = {}
    of_way = np.zeros(len(numbers), np.int64)
    for way, number in enumerate(numbers.tolist()):
        way_of = combined.combination(number)
        key = counter.add(way_of["event_type"], loaded(way_of["text"]), int(counted[way]))
        of_way[way] = set_numbers.setdefault(key, len(set_numbers))
    counts = counter.counts()
    of_event = of_way[ways]
    listed = np.array([key in counts.sets for key in set_numbers], np.bool_)
    sampled = np.flatnonzero((_ranks(of_event) < SAMPLES) & listed[of_event])
    samples = [
        loaded(combined.combination(number)["text"])
        for number in combined.numbers[sampled].tolist()
    ]
    return _table(events, list(set_numbers), of_event, sampled, samples), counts


def _ranks(groups: Integers) -> Integers:
    """Number the rows of each group from 0."""
    order = np.argsort(groups, kind="stable")
    ranks = np.zeros(len(groups), np.int64)
    for start, end in equal_ranges(groups[order]):
        ranks[order[start:end]] = np.arange(end - start)
    return ranks


def _table(
    events: pa.Table,
    sets: Sequence[FieldSet],
    of_event: Integers,
    sampled: Integers,
    samples: Sequence[tuple[Difference, ...]],
) -> pa.Table:
    """Make the rows: those of samples have their own values, all others only their set's fields."""
    place = of_event.copy()
    place[sampled] = len(sets) + np.arange(len(sampled))
    rows = [*map(_of_set, sets), *map(_of_sample, samples)]
    lists = pa.Table.from_pylist(rows, pa.schema([DIFFERENCES.field(name) for name in _LISTS]))
    columns = {
        "corrupted_partition": events["partition"],
        "corrupted_offset": events["offset"],
        **{name: lists[name].take(pa.array(place)) for name in _LISTS},
    }
    return pa.Table.from_arrays(
        [columns[name] if name in columns else events[name] for name in DIFFERENCES.names],
        schema=DIFFERENCES,
    )


_LISTS = ("fields", "kinds", "asked", "found")


def _of_set(key: FieldSet) -> dict[str, list[str]]:
    return {"fields": [name for name, _ in key.fields], "kinds": [kind for _, kind in key.fields]}


def _of_sample(sample: Sequence[Difference]) -> dict[str, list[str | None]]:
    return dict(zip(_LISTS, _transposed(sample), strict=True))


def _transposed(sample: Sequence[Difference]) -> Iterator[list[str | None]]:
    for place in range(len(_LISTS)):
        yield [difference[place] for difference in sample]

"""Topic rows: every message of the run's range, read once and written to files by block.

Spark schedules the splits of the topic. An executor reads its split as Arrow, and writes it to its
own Parquet file, in which each row group holds messages of one block of sequence numbers. So to
compare a block, only its row groups are read: there is no shuffle.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headcount.ledger.location import open_location
from headcount.ledger.parquet_encoding import encoded
from headcount_analysis.arrow_types import equal_ranges
from headcount_analysis.batches.content import Reader
from headcount_analysis.batches.expected import Expected
from headcount_analysis.batches.read_assumptions import (
    ReadAssumptions,
    merged_assumptions,
    read_assumptions,
)
from headcount_analysis.messages.kinds import ARRIVALS
from headcount_analysis.read.message_counts import MessageCounts, count_messages, merged_messages

BUFFERED_ROWS = 250_000
BLOCK_ROWS = 500_000
UNOWNED = -1
"""The block of unowned messages, which belong to no attempt."""

_FEW = ["partition", "timestamp_type", "key_hash", "kind", "generator", "event_type"]
_ENCODED = encoded([*_FEW, "digests.list.element"], ["offset", "timestamp_ms", "seq"])


@dataclass(frozen=True, slots=True)
class RowGroup:
    """The location of messages of a block: a row group of a file."""

    file: str
    number: int
    rows: int


Groups = Mapping[int, tuple[RowGroup, ...]]
"""Row groups by block."""


@dataclass(frozen=True, slots=True)
class TopicRows:
    """Messages that were read: row groups at `place` by block, their counts and their times.

    A block has `span` sequence numbers of each generator. `first_ms` and `last_ms` are the first
    and last timestamp of messages that belong to attempts.
    """

    place: str
    span: int
    groups: Groups = field(default_factory=dict)
    counts: MessageCounts = field(default_factory=MessageCounts)
    first_ms: int | None = None
    last_ms: int | None = None
    assumptions: ReadAssumptions = field(default_factory=ReadAssumptions)

    @property
    def files(self) -> frozenset[str]:
        """The files of the row groups."""
        return frozenset(group.file for groups in self.groups.values() for group in groups)


def read_groups(place: str, groups: Iterable[RowGroup]) -> pa.Table:
    """Read row groups, of `kinds.ARRIVALS`, in one chunk. Raises OSError."""
    filesystem, root = open_location(place)
    by_file: dict[str, list[int]] = defaultdict(list)
    for group in groups:
        by_file[group.file].append(group.number)
    tables = [ARRIVALS.empty_table()]
    for name, numbers in sorted(by_file.items()):
        with pq.ParquetFile(f"{root}/{name}", filesystem=filesystem) as file:
            tables.append(file.read_row_groups(numbers).cast(ARRIVALS))
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def block_span(generators: int) -> int:
    """Choose how many sequence numbers of each generator make up a block."""
    return max(1, BLOCK_ROWS // max(1, generators))


def merged(place: str, span: int, parts: Sequence[TopicRows]) -> TopicRows:
    """Merge the rows of several splits or batches."""
    merged_groups: dict[int, list[RowGroup]] = defaultdict(list)
    for part in parts:
        for block, groups in part.groups.items():
            merged_groups[block] += groups
    first = [part.first_ms for part in parts if part.first_ms is not None]
    last = [part.last_ms for part in parts if part.last_ms is not None]
    return TopicRows(
        place,
        span,
        {block: tuple(groups) for block, groups in sorted(merged_groups.items())},
        merged_messages([part.counts for part in parts]),
        min(first, default=None),
        max(last, default=None),
        merged_assumptions([part.assumptions for part in parts]),
    )


@dataclass(frozen=True, slots=True)
class SplitWriter:
    """Reads a split in an executor, and writes its rows to a file at `place`."""

    expected: Expected
    event_types: tuple[str, ...]
    place: str
    span: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> TopicRows:
        """Read all of a split, in batches of `topic_range.MESSAGES`. Raises OSError."""
        with _RowFile(self.place, self.span) as file:
            reader = Reader(self.expected)
            counts: list[MessageCounts] = []
            assumptions: list[ReadAssumptions] = []
            for batch in batches:
                rows = reader.arrivals(batch)
                counts.append(count_messages(rows, self.event_types))
                assumptions.append(read_assumptions(rows, self.expected.ids))
                file.add(rows)
            return file.written(merged_messages(counts), merged_assumptions(assumptions))


class _RowFile:
    """A file that is being written, a buffer at a time; each row group belongs to one block."""

    def __init__(self, place: str, span: int) -> None:
        self._place = place
        self._name = f"{uuid.uuid4().hex}.parquet"
        self._span = span
        self._buffer: list[pa.Table] = []
        self._rows = 0
        self._groups: dict[int, list[RowGroup]] = defaultdict(list)
        self._written = 0
        self._times_ms: list[int] = []
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def add(self, rows: pa.Table) -> None:
        self._buffer.append(rows)
        self._rows += len(rows)
        if self._rows >= BUFFERED_ROWS:
            self._flush()

    def written(self, counts: MessageCounts, assumptions: ReadAssumptions) -> TopicRows:
        """Write the rest of the buffer, and describe the file."""
        self._flush()
        groups = {block: tuple(row_groups) for block, row_groups in self._groups.items()}
        times_ms = self._times_ms
        first_ms, last_ms = (min(times_ms), max(times_ms)) if times_ms else (None, None)
        return TopicRows(self._place, self._span, groups, counts, first_ms, last_ms, assumptions)

    def _flush(self) -> None:
        if not self._rows:
            return
        table = pa.concat_tables(self._buffer).unify_dictionaries().combine_chunks()
        self._buffer, self._rows = [], 0
        times_ms = pc.min_max(table["timestamp_ms"].filter(table["seq"].is_valid())).as_py()
        self._times_ms += [time_ms for time_ms in times_ms.values() if time_ms is not None]
        block = (table["seq"].fill_null(UNOWNED * self._span).to_numpy()) // self._span
        order = np.argsort(block, kind="stable")
        if (order[1:] < order[:-1]).any():
            table, block = table.take(pa.array(order)), block[order]
        for start, end in equal_ranges(block):
            self._write(int(block[start]), table.slice(start, end - start))

    def _write(self, block: int, rows: pa.Table) -> None:
        if self._writer is None:
            filesystem, root = open_location(self._place)
            self._writer = pq.ParquetWriter(
                f"{root}/{self._name}",
                ARRIVALS,
                filesystem=filesystem,
                write_statistics=False,
                **_ENCODED,
            )
        self._writer.write_table(rows, row_group_size=len(rows))
        self._groups[block].append(RowGroup(self._name, self._written, len(rows)))
        self._written += 1

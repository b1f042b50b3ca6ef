"""Arrivals: every message of the run's range, read once and put down by block.

Spark reads the topic, split by split, and each split is put down as a Parquet file of its own,
whose row groups each hold the messages of one block of sequence numbers. So what is compared later
reads what it needs and nothing else, and nothing is moved about in between.
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
from headcount_analysis.compare_run.message_counts import (
    MessageCounts,
    count_messages,
    merged_messages,
)
from headcount_analysis.messages.content import Reader
from headcount_analysis.messages.kinds import ARRIVALS, Expected
from headcount_analysis.messages.read_assumptions import Claims, claims, merged_claims

BUFFERED_ROWS = 250_000
BLOCK_ROWS = 500_000
STRANGERS = -1
"""The block of what belongs to no attempt."""

_FEW = ["partition", "timestamp_type", "key_hash", "kind", "generator", "event_type"]
_ENCODED = encoded([*_FEW, "digests.list.element"], ["offset", "timestamp_ms", "seq"])


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Where messages of a block are: which row group of which file."""

    file: str
    number: int
    rows: int


Groups = Mapping[int, tuple[RowGroup, ...]]
"""Row groups by block."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What was read: row groups at `place` by block, what they add up to, and when they came.

    A block has `span` numbers of each generator.
    `first_ms` and `last_ms` are of the timestamps of messages that belong to attempts.
    """

    place: str
    span: int
    groups: Groups = field(default_factory=dict)
    counts: MessageCounts = field(default_factory=MessageCounts)
    first_ms: int | None = None
    last_ms: int | None = None
    claims: Claims = field(default_factory=Claims)

    @property
    def files(self) -> frozenset[str]:
        """The files that hold them."""
        return frozenset(group.file for groups in self.groups.values() for group in groups)


def read_groups(place: str, groups: Iterable[RowGroup]) -> pa.Table:
    """Read row groups, of `content.ARRIVALS`, in one chunk. Raises OSError."""
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
    """Tell how many numbers of each generator make a block."""
    return max(1, BLOCK_ROWS // max(1, generators))


def merged(place: str, span: int, parts: Sequence[Arrivals]) -> Arrivals:
    """Put together what was read apart."""
    groups: dict[int, list[RowGroup]] = defaultdict(list)
    for part in parts:
        for block, mine in part.groups.items():
            groups[block] += mine
    first = [part.first_ms for part in parts if part.first_ms is not None]
    last = [part.last_ms for part in parts if part.last_ms is not None]
    return Arrivals(
        place,
        span,
        {block: tuple(mine) for block, mine in sorted(groups.items())},
        merged_messages([part.counts for part in parts]),
        min(first, default=None),
        max(last, default=None),
        merged_claims([part.claims for part in parts]),
    )


@dataclass(frozen=True, slots=True)
class Scribe:
    """Reads a split in an executor, and puts it down."""

    expected: Expected
    event_types: tuple[str, ...]
    place: str
    span: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Arrivals:
        """Read all of a split, in batches of `topic.MESSAGES`. Raises OSError."""
        with _File(self.place, self.span) as file:
            reader = Reader(self.expected)
            counts: list[MessageCounts] = []
            told: list[Claims] = []
            for batch in batches:
                arrived = reader.arrivals(batch)
                counts.append(count_messages(arrived, self.event_types))
                told.append(claims(arrived))
                file.add(arrived)
            return file.told(merged_messages(counts), merged_claims(told))


class _File:
    """A file in the making, written a buffer at a time; each row group is of one block."""

    def __init__(self, place: str, span: int) -> None:
        self._place = place
        self._name = f"{uuid.uuid4().hex}.parquet"
        self._span = span
        self._buffer: list[pa.Table] = []
        self._rows = 0
        self._groups: dict[int, list[RowGroup]] = defaultdict(list)
        self._written = 0
        self._times: list[int] = []
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def add(self, arrived: pa.Table) -> None:
        self._buffer.append(arrived)
        self._rows += len(arrived)
        if self._rows >= BUFFERED_ROWS:
            self._flush()

    def told(self, counts: MessageCounts, told: Claims) -> Arrivals:
        self._flush()
        groups = {block: tuple(mine) for block, mine in self._groups.items()}
        first, last = (min(self._times), max(self._times)) if self._times else (None, None)
        return Arrivals(self._place, self._span, groups, counts, first, last, told)

    def _flush(self) -> None:
        if not self._rows:
            return
        table = pa.concat_tables(self._buffer).unify_dictionaries().combine_chunks()
        self._buffer, self._rows = [], 0
        times = pc.min_max(table["timestamp_ms"].filter(table["seq"].is_valid())).as_py()
        self._times += [time for time in times.values() if time is not None]
        block = (table["seq"].fill_null(STRANGERS * self._span).to_numpy()) // self._span
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

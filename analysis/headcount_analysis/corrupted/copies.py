"""Corrupted copies: the messages that differ from their request, with the request's content."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from headcount_analysis.arrow_types import Integers
from headcount_analysis.blocks.seq_block import BlockInput
from headcount_analysis.corrupted.exchange import write_sorted
from headcount_analysis.corrupted.ranges import ranges_of
from headcount_analysis.ledger.attempts import attempts
from headcount_analysis.read.partition_reader import Split
from headcount_analysis.read.topic_rows import read_groups
from headcount_analysis.reconciliation.claimed_attempts import attempt_rows, differs

COPIES = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp_ms", pa.int64()),
        ("generator", pa.int32()),
        ("seq", pa.int64()),
        ("event_type", pa.string()),
        ("shape", pa.string()),
        ("asked", pa.string()),
    ]
)
"""A row for each message that differs from its request, with the `event_type`, `shape` and `asked`
of the request; `asked` is null if the ledger did not keep it."""

_OF_REQUEST = ("generator", "seq", "event_type", "shape", "digest", "sent_at_ns", "asked")
_OF_MESSAGE = ("partition", "offset", "timestamp_ms", "generator", "seq")


@dataclass(frozen=True, slots=True)
class BlockCopies:
    """The corrupted copies of a block: their file, and where in the topic they are."""

    number: int
    file: str
    ranges: tuple[Split, ...]


@dataclass(frozen=True, slots=True)
class CopyFinder:
    """Lists a block's corrupted copies in an executor: what it reads, and where it writes."""

    topic: str
    ledger: str
    arrivals: str
    place: str

    def find(self, block: BlockInput) -> BlockCopies:
        """Write the COPIES of a block that has attempts. Raises OSError."""
        assert block.seqs is not None, "unowned messages are not corrupted"
        rows = attempts(self.ledger, block.seqs, _OF_REQUEST)
        messages = read_groups(self.arrivals, block.messages)
        row = attempt_rows(rows, messages, block.seqs.first_seq)
        chosen = np.flatnonzero(differs(rows, messages, row))
        copies = _copies(
            messages.select(_OF_MESSAGE).take(pa.array(chosen)), rows.take(pa.array(row[chosen]))
        )
        return BlockCopies(
            block.number,
            write_sorted(self.place, copies, ("partition", "offset")),
            tuple(self._ranges(copies)),
        )

    def _ranges(self, copies: pa.Table) -> list[Split]:
        partitions, offsets = copies["partition"].to_numpy(), copies["offset"].to_numpy()
        ranges = []
        for partition in map(int, np.unique(partitions)):
            of_partition: Integers = np.sort(offsets[partitions == partition])
            ranges += ranges_of(self.topic, partition, of_partition)
        return ranges


def _copies(messages: pa.Table, requests: pa.Table) -> pa.Table:
    columns = [
        (messages if name in _OF_MESSAGE else requests)[name].cast(COPIES.field(name).type)
        for name in COPIES.names
    ]
    return pa.Table.from_arrays(columns, schema=COPIES)

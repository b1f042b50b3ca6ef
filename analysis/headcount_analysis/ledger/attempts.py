"""The attempts of a range of sequence numbers: a row for each, answered or not."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headcount.ledger.event_types import UNKNOWN
from headcount.ledger.location import open_location
from headcount.ledger.schema import SCHEMA
from headcount.run.request_outcome import Outcome
from headcount_analysis.ledger.overview import Ledger, SegmentOverview

COLUMNS = tuple(name for name in SCHEMA.names if name not in {"owner", "changes", "asked"})
"""The columns of a segment that are compared with the topic."""

_UNRECORDED = "no row: the generator ended before it recorded the response"


@dataclass(frozen=True, slots=True)
class SeqRange:
    """Sequence numbers `first_seq` to `end_seq` - 1 of every generator, and where their rows are.

    `asked` lists each generator that may have used some of these numbers, with the number after the
    last of them; `segments` lists paths below the ledger's location, each with its SHA-256.
    """

    first_seq: int
    end_seq: int
    asked: tuple[tuple[int, int], ...]
    segments: tuple[tuple[str, str], ...]


def seq_ranges(ledger: Ledger, span: int) -> dict[int, SeqRange]:
    """Cut the sequence numbers into ranges of `span` numbers, and number these from 0."""
    segments: dict[int, list[tuple[str, str]]] = {}
    for segment in ledger.segments:
        for number in _ranges_of(segment, span):
            segments.setdefault(number, []).append((segment.name, segment.sha256))
    states = ledger.state.generators
    last = max((state.asked for state in states), default=0)
    return {
        number: SeqRange(
            first,
            first + span,
            tuple(
                (state.generator, min(state.asked, first + span))
                for state in states
                if state.asked > first
            ),
            tuple(segments.get(number, ())),
        )
        for number, first in enumerate(range(0, last, span))
    }


def _ranges_of(segment: SegmentOverview, span: int) -> set[int]:
    """Return the numbers of the ranges in which a segment has rows."""
    return {
        number
        for first, last in segment.spans.values()
        for number in range(first // span, last // span + 1)
    }


def attempts(location: str, seqs: SeqRange, columns: Sequence[str] = COLUMNS) -> pa.Table:
    """Read the attempts of a range from the ledger at a location: each exactly once.

    Returns:
        A row for each, in one chunk, with some columns of a segment; `generator`, `seq` and
        `sent_at_ns` must be among them.

    Raises:
        OSError: The ledger cannot be read.
    """
    filesystem, root = open_location(location)
    within = (pc.field("seq") >= seqs.first_seq) & (pc.field("seq") < seqs.end_seq)
    schema = pa.schema([pa.field(name, SCHEMA.field(name).type) for name in columns])
    tables = [schema.empty_table()] + [
        pq.read_table(
            f"{root}/{name}",
            filesystem=filesystem,
            schema=schema,  # a column that an older format lacks is null
            filters=within,
            partitioning=None,
        )
        for name, _ in seqs.segments
    ]
    rows = _without_repetition(pa.concat_tables(tables))
    missing = [_unanswered(rows, generator, seqs.first_seq, end) for generator, end in seqs.asked]
    return pa.concat_tables([rows, *missing]).unify_dictionaries().combine_chunks()


def _without_repetition(rows: pa.Table) -> pa.Table:
    """Keep the first row of each attempt; repeated rows are reported as damage."""
    if not _is_repeated(rows):
        return rows
    ordered = rows.sort_by([(name, "ascending") for name in ("generator", "seq", "sent_at_ns")])
    generator, seq = ordered["generator"].to_numpy(), ordered["seq"].to_numpy()
    is_first = np.ones(len(seq), np.bool_)
    is_first[1:] = (generator[1:] != generator[:-1]) | (seq[1:] != seq[:-1])
    return ordered.filter(pa.array(is_first))


def _is_repeated(rows: pa.Table) -> bool:
    generator, seq = rows["generator"].to_numpy().astype(np.int64), rows["seq"].to_numpy()
    if not len(seq):
        return False
    least, width = int(seq.min()), int(seq.max() - seq.min()) + 1
    lines = np.searchsorted(np.unique(generator), generator)
    return bool(np.bincount(lines * width + (seq - least)).max() > 1)


def _unanswered(rows: pa.Table, generator: int, first_seq: int, end_seq: int) -> pa.Table:
    """Make rows for reserved attempts that have no row."""
    known = rows["seq"].to_numpy()[rows["generator"].to_numpy() == generator]
    is_missing = np.ones(end_seq - first_seq, np.bool_)
    is_missing[known - first_seq] = False
    missing = np.flatnonzero(is_missing) + first_seq
    values: dict[str, object] = {
        "generator": generator,
        "event_type": UNKNOWN,
        "outcome": Outcome.INDETERMINATE.value,
        "error": _UNRECORDED,
    }
    columns = [
        pa.array(missing)
        if item.name == "seq"
        else pa.array([values.get(item.name)], item.type).take(
            pa.array(np.zeros(len(missing), np.int64))
        )
        for item in rows.schema
    ]
    return pa.Table.from_arrays(columns, schema=rows.schema)

"""The table of differences: a row for each corrupted event, in `differences.parquet`."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount_analysis.corrupted.counts import FieldSet
from headcount_analysis.messages.field_differences import Difference, DifferenceKind

DIFFERENCES = pa.schema(
    [
        ("generator", pa.int32()),
        ("seq", pa.int64()),
        ("event_type", pa.string()),
        ("corrupted_copies", pa.int64()),
        ("corrupted_partition", pa.int32()),
        ("corrupted_offset", pa.int64()),
        ("fields", pa.list_(pa.string())),
        ("kinds", pa.list_(pa.string())),
        ("asked", pa.list_(pa.string())),
        ("found", pa.list_(pa.string())),
    ]
)
"""`event_type` is the requested one. `corrupted_copies` counts the messages that differ, and
`corrupted_partition` and `corrupted_offset` are where the first of them is. `fields` and `kinds`
have an entry for each field that differs in any copy (see `field_differences.py`), and are empty if
none is known. `asked` and `found` have the values of the first SAMPLES events of each file, event
type and set of fields, and are null for all others."""

SAMPLES = 100
"""In each file, at most this many events of an event type and set of fields have values."""

_KEY = ("generator", "seq")


@dataclass(frozen=True, slots=True)
class DifferenceSample:
    """A corrupted event, where its first corrupted copy is, and how it differs."""

    generator: int
    seq: int
    partition: int
    offset: int
    differences: tuple[Difference, ...]


def of_events(table: Path, generators: pa.Array, seqs: pa.Array) -> pa.Table:
    """Read the rows of some events. Raises OSError.

    The added column `row` is the index of the event in `generators` and `seqs`. Sequence numbers
    should be close to each other: all rows between them are read.
    """
    bounds = pc.min_max(seqs).as_py()
    condition = pc.field("generator").isin(pc.unique(generators))
    condition &= (pc.field("seq") >= bounds["min"]) & (pc.field("seq") <= bounds["max"])
    rows = ds.dataset(table, format="parquet").to_table(filter=condition).combine_chunks()
    events = {pair: row for row, pair in enumerate(zip(*_lists(generators, seqs), strict=True))}
    places = [events.get(pair, -1) for pair in zip(*_lists(*map(rows.column, _KEY)), strict=True)]
    row = np.array(places, np.int64)
    return rows.append_column("row", pa.array(row)).filter(pa.array(row >= 0))


def _lists(*columns: pa.Array | pa.ChunkedArray) -> Iterator[list[int]]:
    return (column.to_pylist() for column in columns)


def read_samples(
    table: Path, wanted: Collection[FieldSet]
) -> Mapping[FieldSet, tuple[DifferenceSample, ...]]:
    """Read the first SAMPLES events of some sets of fields. Raises OSError."""
    samples: dict[FieldSet, list[DifferenceSample]] = {key: [] for key in wanted}
    missing = len(samples) * SAMPLES
    has_values = pc.field("asked").is_valid()
    for batch in ds.dataset(table, format="parquet").to_batches(filter=has_values):
        for row in batch.to_pylist():
            sample = _sample(row)
            of_set = samples.get(FieldSet.of(row["event_type"], sample.differences))
            if of_set is not None and len(of_set) < SAMPLES:
                of_set.append(sample)
                missing -= 1
        if not missing:
            break
    return {key: tuple(of_set) for key, of_set in samples.items()}


def _sample(row: Mapping[str, Any]) -> DifferenceSample:
    return DifferenceSample(
        row["generator"],
        row["seq"],
        row["corrupted_partition"],
        row["corrupted_offset"],
        differences_of(row),
    )


def differences_of(row: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return the differences in a row of DIFFERENCES that has the values."""
    columns = zip(*(row[name] for name in ("fields", "kinds", "asked", "found")), strict=True)
    return tuple(Difference(name, DifferenceKind(kind), *values) for name, kind, *values in columns)

"""The second look: reads a few records again if the columns alone leave a question.

Only a run with missing or corrupted events needs one. Its cost is bounded: the number of splits,
their length, and the time to read them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount_analysis.evidence import Evidence
from headcount_analysis.ledger.attempts import asked_for
from headcount_analysis.ledger.overview import Ledger
from headcount_analysis.messages.field_differences import Differences, EventDifferences, differences
from headcount_analysis.messages.placement import Placement, Search
from headcount_analysis.read.partition_read import PartitionRead
from headcount_analysis.read.partition_reader import Split
from headcount_analysis.read.source import Source

_MOST_PARTITIONS = 16
_SPLIT_LENGTH = 200
_MOST_CORRUPTED, _MOST_SPLITS, _NEAR = 1000, 300, 50


def find_placement(source: Source, evidence: Evidence) -> Placement:
    """Search a sample for ids of the run, if events are missing and messages lack ids in place."""
    counts, manifest = evidence.counts, evidence.manifest
    messages = sum(partition.read for partition in evidence.partitions)
    others = sum(partition.foreign + partition.malformed for partition in evidence.partitions)
    result = Placement(
        topic=manifest.topic,
        location=manifest.id_location,
        in_place=messages - others,
        messages=messages,
        missing=counts.lost,
    )
    if not result.missing or (result.in_place and not others):
        return result
    search = Search(manifest.ids)
    search.look(source.records(list(_unowned_splits(manifest.topic, evidence.partitions))))
    elsewhere = Search(manifest.ids)
    if not result.in_place and not search.samples:
        since_ms = int(datetime.fromisoformat(manifest.created_at).timestamp() * 1000)
        elsewhere.look(source.records(source.elsewhere(manifest.topic, since_ms)))
    return replace(
        result,
        looked_at=search.looked_at,
        samples=search.samples,
        elsewhere=elsewhere.samples,
    )


def _unowned_splits(topic: str, partitions: Sequence[PartitionRead]) -> Iterator[Split]:
    """Choose splits in partitions with unowned messages: at the first, the middle and the end."""
    others = [partition for partition in partitions if partition.foreign or partition.malformed]
    for partition in others[:_MOST_PARTITIONS]:
        samples = (*partition.foreign_samples, *partition.malformed_samples)
        first = min(samples, default=partition.start)
        at = first
        for start in (first, (first + partition.end) // 2, partition.end - _SPLIT_LENGTH):
            at = max(at, start)
            end = min(at + _SPLIT_LENGTH, partition.end)
            if at < end:
                yield Split(topic, partition.partition, at, end)
                at = end


@dataclass(frozen=True, slots=True)
class _Corrupted:
    """A corrupted event, and the position of its first message."""

    identity: str
    generator: int
    seq: int
    partition: int
    offset: int


def find_differences(
    source: Source, evidence: Evidence, ledger: Ledger, fates: Path
) -> Differences:
    """Read some corrupted events again, and list their differences. Raises OSError."""
    if not evidence.counts.corrupted:
        return Differences()
    rows = _corrupted(fates)
    splits = _around(evidence.manifest.topic, rows)
    records = {(record.partition, record.offset): record for record in source.records(splits)}
    asked = asked_for(ledger, {(row.generator, row.seq) for row in rows})
    by_id = {}
    for row in rows:
        record = records.get((row.partition, row.offset))
        if record is not None:
            text, shape = asked.get((row.generator, row.seq), (None, ""))
            fields = differences(text, shape, record.value)
            by_id[row.identity] = EventDifferences(row.partition, row.offset, fields)
    return Differences(by_id, len(by_id))


def _corrupted(fates: Path) -> list[_Corrupted]:
    """Select the first corrupted events."""
    columns = ["id", "generator", "seq", "partition", "offset"]
    is_one = pc.field("corrupted") & pc.field("partition").is_valid()
    table = ds.dataset(fates, format="parquet").scanner(columns=columns, filter=is_one)
    rows = table.head(_MOST_CORRUPTED).to_pylist()
    return [_Corrupted(*(row[name] for name in columns)) for row in rows]


def _around(topic: str, rows: Sequence[_Corrupted]) -> list[Split]:
    """Join messages that are near each other into splits, up to the most that may be read."""
    splits: list[Split] = []
    for partition, offset in sorted((row.partition, row.offset) for row in rows):
        last = splits[-1] if splits else None
        if last and last.partition == partition and offset - last.end < _NEAR:
            splits[-1] = replace(last, end=max(last.end, offset + 1))
        else:
            splits.append(Split(topic, partition, offset, offset + 1))
    return splits[:_MOST_SPLITS]

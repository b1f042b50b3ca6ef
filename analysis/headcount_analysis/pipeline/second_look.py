"""The second look: reads a few records again if the columns alone leave a question.

Only a run with missing events needs one. Its cost is bounded: the number of splits,
their length, and the time to read them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from headcount_analysis.evidence import Evidence
from headcount_analysis.messages.ids_elsewhere import Placement, Search
from headcount_analysis.read.partition_reader import Split
from headcount_analysis.read.partition_summary import PartitionRead
from headcount_analysis.read.source import Source

_MOST_PARTITIONS = 16
_SPLIT_LENGTH = 200


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

"""The second look: reads a few records again if the columns alone leave a question open.

Only a run with missing events needs one. Its cost is bounded: the number of splits,
their length, and the time to read them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from headcount.errors import EvidenceError
from headcount_analysis.evidence import Evidence
from headcount_analysis.formats.message_format import MessageFormat
from headcount_analysis.id_places.catalogue import place_of
from headcount_analysis.id_places.id_place import IdPlace, seen_at
from headcount_analysis.messages.ids_elsewhere import Placement, Search, SeenMessage
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.record import Record
from headcount_analysis.read.partition_reader import Split
from headcount_analysis.read.partition_summary import PartitionRead
from headcount_analysis.read.source import Source

_MOST_PARTITIONS = 16
_SPLIT_LENGTH = 200


def find_placement(source: Source, evidence: Evidence, message_format: MessageFormat) -> Placement:
    """If events are missing, search a sample for ids of the run that are not where they should be.

    If all messages have ids in place, and not all of them are phantoms, nothing is searched.
    """
    counts, manifest = evidence.counts, evidence.manifest
    messages = sum(partition.read for partition in evidence.partitions)
    others = sum(partition.foreign + partition.malformed for partition in evidence.partitions)
    result = Placement(
        topic=manifest.topic,
        location=manifest.id_location,
        at_location=max(0, messages - others - counts.phantom),
        messages=messages,
        missing=counts.lost,
    )
    if not result.missing or (result.at_location and not others):
        return replace(result, at_location=messages - others)
    place = place_of(manifest.id_location, manifest.id_header)
    search = Search(manifest.ids, _Sight(message_format, place))
    search.look(source.records(list(_unowned_splits(manifest.topic, evidence.partitions))))
    if result.at_location or not search.samples:
        # Phantoms count as messages with an id in place, unless no other message has one and the
        # search found whole ids elsewhere. Then what looks like a phantom's id may be a part of
        # another text.
        result = replace(result, at_location=messages - others)
    elsewhere = Search(manifest.ids, _Sight(message_format))
    if not result.at_location and not search.samples:
        since_ms = int(datetime.fromisoformat(manifest.created_at).timestamp() * 1000)
        elsewhere.look(source.records(source.elsewhere(manifest.topic, since_ms)))
    return replace(
        result,
        looked_at=search.looked_at,
        samples=search.samples,
        elsewhere=elsewhere.samples,
        unreadable=search.unreadable,
    )


@dataclass(frozen=True, slots=True)
class _Sight:
    """Decodes records as the run does, and reads what is at `place`, if there is one."""

    message_format: MessageFormat
    place: IdPlace | None = None

    def __call__(self, record: Record) -> SeenMessage:
        try:
            decoded = self.message_format.decode(record)
        except EvidenceError:
            return SeenMessage(ParsedMessage(defect="not decoded"))
        if self.place is None or decoded.event is None:
            return SeenMessage(decoded)
        seen = seen_at(self.place, decoded, record)
        return SeenMessage(decoded, seen.text, seen.defect)


def _unowned_splits(topic: str, partitions: Sequence[PartitionRead]) -> Iterator[Split]:
    """Choose splits of partitions with foreign or malformed messages.

    They lie at the first of these messages, at the end of the partition, and halfway between.
    """
    unowned = [partition for partition in partitions if partition.foreign or partition.malformed]
    # If there are none, every message has an id of this run: search all partitions.
    for partition in (unowned or partitions)[:_MOST_PARTITIONS]:
        samples = (*partition.foreign_samples, *partition.malformed_samples)
        first = min(samples, default=partition.start)
        at = first
        for start in (first, (first + partition.end) // 2, partition.end - _SPLIT_LENGTH):
            at = max(at, start)
            end = min(at + _SPLIT_LENGTH, partition.end)
            if at < end:
                yield Split(topic, partition.partition, at, end)
                at = end

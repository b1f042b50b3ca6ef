"""The batch store: what was read of each batch, on disk, so that a new follower can resume."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from headcount.errors import EvidenceError
from headcount.files import write_atomically
from headcount_analysis.batches.read_assumptions import ReadAssumptions
from headcount_analysis.read.message_counts import MessageCount, MessageCounts, MessageKey
from headcount_analysis.read.read_batches import ReadBatch
from headcount_analysis.read.topic_rows import RowGroup, TopicRows


@validated(frozen=True, slots=True)
class _StoredBatch:
    """A batch in JSON form: a mapping whose keys have several parts becomes a list of rows."""

    offsets: dict[int, tuple[int, int]]
    shapes: list[str]
    event_types: list[str]
    span: int
    groups: list[tuple[int, str, int, int]]
    counts: list[tuple[int, str, str, str, int, int, int]]
    timestamp_types: list[int]
    samples: list[tuple[int, bool, list[int]]]
    times_ms: tuple[int | None, int | None]
    last: dict[int, int]
    unasked: dict[int, int]
    foreign_types: list[str] | None
    leader_epochs: dict[int, int]


@dataclass(frozen=True, slots=True)
class BatchStore:
    """A folder with a file for each batch, named by its number; its rows are files in `place`."""

    folder: Path
    place: str

    def write(self, number: int, batch: ReadBatch) -> None:
        """Write a batch. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path(number), json.dumps(asdict(_stored(batch))))

    def read(self) -> dict[int, ReadBatch]:
        """Read all batches, in order. Raises EvidenceError if one is damaged."""
        paths = sorted(self.folder.glob("*.json"))
        return {int(path.stem): self._read(path) for path in paths if path.stem.isdigit()}

    def _read(self, path: Path) -> ReadBatch:
        try:
            stored = TypeAdapter(_StoredBatch).validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise EvidenceError(f"{path} is damaged: {error}") from None
        return _restored(stored, self.place)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:09}.json"


def _stored(batch: ReadBatch) -> _StoredBatch:
    rows, counts, assumptions = batch.rows, batch.rows.counts, batch.rows.assumptions
    types = assumptions.foreign_types
    return _StoredBatch(
        offsets=dict(batch.offsets),
        shapes=sorted(batch.shapes),
        event_types=sorted(batch.event_types),
        span=rows.span,
        groups=[
            (block, group.file, group.number, group.rows)
            for block, groups in rows.groups.items()
            for group in groups
        ],
        counts=[
            (key.partition, key.kind, key.event_type, key.defect, n.count, n.first, n.last)
            for key, n in counts.by_key.items()
        ],
        timestamp_types=sorted(counts.timestamp_types),
        samples=[(*key, list(offsets)) for key, offsets in counts.samples.items()],
        times_ms=(rows.first_ms, rows.last_ms),
        last=dict(assumptions.last),
        unasked=dict(assumptions.unasked),
        foreign_types=None if types is None else sorted(types),
        leader_epochs=dict(batch.leader_epochs),
    )


def _restored(stored: _StoredBatch, place: str) -> ReadBatch:
    groups: dict[int, list[RowGroup]] = {}
    for block, file, number, rows in stored.groups:
        groups.setdefault(block, []).append(RowGroup(file, number, rows))
    counts = MessageCounts(
        {
            MessageKey(partition, kind, event_type, defect): MessageCount(*count)
            for partition, kind, event_type, defect, *count in stored.counts
        },
        frozenset(stored.timestamp_types),
        {(partition, foreign): tuple(offsets) for partition, foreign, offsets in stored.samples},
    )
    types = stored.foreign_types
    assumptions = ReadAssumptions(
        stored.last, stored.unasked, None if types is None else frozenset(types)
    )
    return ReadBatch(
        stored.offsets,
        frozenset(stored.shapes),
        frozenset(stored.event_types),
        TopicRows(
            place,
            stored.span,
            {block: tuple(row_groups) for block, row_groups in groups.items()},
            counts,
            *stored.times_ms,
            assumptions,
        ),
        stored.leader_epochs,
    )

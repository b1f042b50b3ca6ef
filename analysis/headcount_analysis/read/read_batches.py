"""Pieces: parts of the topic that were read while the run was under way.

A piece is read by what the ledger says by then. Once the run is over, a piece stands if every
message in it would be read the same by what is known now; the others, and what no piece holds, are
read anew. So what was read early decides how soon a verdict is there, and nothing else.

A piece is kept as a file of its own, so that a reader that is started again goes on where it was.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from headcount.errors import EvidenceError
from headcount.files import write_atomically
from headcount_analysis.compare_run.message_counts import MessageCount, MessageCounts, MessageKey
from headcount_analysis.ledger.overview import Ledger
from headcount_analysis.messages.kinds import MAX_SHAPES
from headcount_analysis.messages.read_assumptions import Claims
from headcount_analysis.read.topic_range import OffsetRange
from headcount_analysis.read.topic_rows import Arrivals, RowGroup

MOST_ROUNDS = 8
"""A range that pieces have left in more parts than these is better read as a whole."""

Offsets = Mapping[int, tuple[int, int]]
"""By partition, the first offset and the one after the last."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What was read of some offsets, by the shapes and event types that were known then.

    `leader_epochs` are those of its partitions before it was read.
    """

    offsets: Offsets
    shapes: frozenset[str]
    event_types: frozenset[str]
    arrivals: Arrivals
    leader_epochs: Mapping[int, int] = field(default_factory=dict)

    def stands(self, found: Ledger, wanted: OffsetRange, epochs: Mapping[int, int]) -> bool:
        """Tell whether it would be read the same by what a ledger says, and is wanted.

        `epochs` are the partitions' leader epochs now: a leader that came since may lack what was
        read, and have other messages at the same offsets.
        """
        told, state = self.arrivals.claims, found.state
        asked = {each.generator: each.asked for each in state.generators}
        types = set(state.event_types) ^ self.event_types
        return (
            # What each attempt asked for is looked up in a ledger that is whole.
            len(state.shapes) <= MAX_SHAPES
            and all(seq < asked.get(generator, 0) for generator, seq in told.last.items())
            and all(seq >= asked.get(generator, 0) for generator, seq in told.unasked.items())
            and not any(self._may_have(shape, found) for shape in state.shapes)
            and (
                types.isdisjoint(told.foreign_types)
                if told.foreign_types is not None
                else not types
            )
            and all(self._is_within(partition, wanted) for partition in self.offsets)
            and all(self.leader_epochs.get(each) == epochs.get(each) for each in self.offsets)
        )

    def _may_have(self, shape: str, found: Ledger) -> bool:
        """Tell whether it may hold an event of a shape that was not known."""
        last = self.arrivals.claims.last
        return shape not in self.shapes and any(
            last.get(generator, -1) >= first
            for generator, first in found.first_of_shape.get(shape, {}).items()
        )

    def _is_within(self, partition: int, wanted: OffsetRange) -> bool:
        first, end = self.offsets[partition]
        return (
            partition in wanted.end
            and wanted.first(partition) <= first <= end <= wanted.end[partition]
        )


def standing(
    pieces: Iterable[Piece], found: Ledger, wanted: OffsetRange, epochs: Mapping[int, int]
) -> tuple[list[Piece], list[OffsetRange]]:
    """Choose the pieces that stand, and tell what else is to be read, a range at a time."""
    chosen: list[Piece] = []
    ends: dict[int, int] = {}
    for piece in pieces:
        in_order = all(first >= ends.get(each, 0) for each, (first, _) in piece.offsets.items())
        if in_order and piece.stands(found, wanted, epochs):
            chosen.append(piece)
            ends.update({each: end for each, (_, end) in piece.offsets.items()})
    rounds = _rounds(_holes(chosen, wanted), wanted.topic)
    if len(rounds) > MOST_ROUNDS:
        return [], [wanted]
    return chosen, rounds


def _holes(pieces: Sequence[Piece], wanted: OffsetRange) -> dict[int, list[tuple[int, int]]]:
    """Find by partition what no piece has, in order."""
    holes: dict[int, list[tuple[int, int]]] = {}
    for partition in wanted.partitions:
        at, mine = wanted.first(partition), []
        for first, end in (each.offsets[partition] for each in pieces if partition in each.offsets):
            mine.append((at, first))
            at = end
        mine.append((at, wanted.end[partition]))
        holes[partition] = [(first, end) for first, end in mine if first < end]
    return holes


def _rounds(holes: Mapping[int, Sequence[tuple[int, int]]], topic: str) -> list[OffsetRange]:
    """Put the first holes of all partitions together, then the second ones, and so on."""
    count = max(map(len, holes.values()), default=0)
    return [
        OffsetRange(
            topic,
            {partition: mine[index][0] for partition, mine in holes.items() if index < len(mine)},
            {partition: mine[index][1] for partition, mine in holes.items() if index < len(mine)},
        )
        for index in range(count)
    ]


@validated(frozen=True, slots=True)
class _Record:
    """A piece as it is written; what has keys of several parts is a list of rows."""

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
class Pieces:
    """A folder of pieces, by their numbers; their arrivals are at a place of their own."""

    folder: Path
    place: str

    def write(self, number: int, piece: Piece) -> None:
        """Keep a piece. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path(number), json.dumps(asdict(_record(piece))))

    def read(self) -> dict[int, Piece]:
        """Read all pieces, in order. EvidenceError names one that is damaged."""
        paths = sorted(self.folder.glob("*.json"))
        return {int(path.stem): self._read(path) for path in paths if path.stem.isdigit()}

    def _read(self, path: Path) -> Piece:
        try:
            record = TypeAdapter(_Record).validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise EvidenceError(f"{path} is damaged: {error}") from None
        return _piece(record, self.place)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:09}.json"


def _record(piece: Piece) -> _Record:
    arrivals, counts = piece.arrivals, piece.arrivals.counts
    types = arrivals.claims.foreign_types
    return _Record(
        offsets=dict(piece.offsets),
        shapes=sorted(piece.shapes),
        event_types=sorted(piece.event_types),
        span=arrivals.span,
        groups=[
            (block, group.file, group.number, group.rows)
            for block, groups in arrivals.groups.items()
            for group in groups
        ],
        counts=[
            (key.partition, key.kind, key.event_type, key.defect, told.count, told.first, told.last)
            for key, told in counts.by_key.items()
        ],
        timestamp_types=sorted(counts.timestamp_types),
        samples=[(*key, list(offsets)) for key, offsets in counts.samples.items()],
        times_ms=(arrivals.first_ms, arrivals.last_ms),
        last=dict(arrivals.claims.last),
        unasked=dict(arrivals.claims.unasked),
        foreign_types=None if types is None else sorted(types),
        leader_epochs=dict(piece.leader_epochs),
    )


def _piece(record: _Record, place: str) -> Piece:
    groups: dict[int, list[RowGroup]] = {}
    for block, file, number, rows in record.groups:
        groups.setdefault(block, []).append(RowGroup(file, number, rows))
    counts = MessageCounts(
        {
            MessageKey(partition, kind, event_type, defect): MessageCount(*told)
            for partition, kind, event_type, defect, *told in record.counts
        },
        frozenset(record.timestamp_types),
        {(partition, foreign): tuple(some) for partition, foreign, some in record.samples},
    )
    types = record.foreign_types
    told = Claims(record.last, record.unasked, None if types is None else frozenset(types))
    return Piece(
        record.offsets,
        frozenset(record.shapes),
        frozenset(record.event_types),
        Arrivals(
            place,
            record.span,
            {block: tuple(mine) for block, mine in groups.items()},
            counts,
            *record.times_ms,
            told,
        ),
        record.leader_epochs,
    )

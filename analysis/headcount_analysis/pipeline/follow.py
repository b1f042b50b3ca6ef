"""Followed: what was found out about a run so far, which a judgement need not find out again.

A run that is judged without having been followed begins with nothing. One that is followed is read
piece by piece as its events come, and its blocks are compared when nothing has been added to them
for a while. What was found early only saves work: it counts where it would be found again.
"""

import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyspark import SparkContext
from pyspark.sql import DataFrame

from headcount.errors import EvidenceError
from headcount.ledger.digest import names_of
from headcount.ledger.location import open_location
from headcount.ledger.reader import GeneratorLedger, Known, read_ledger
from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest
from headcount_analysis.compare_run.blocks import Compared, Comparison, Grains, Work, works
from headcount_analysis.evidence import TopicSeen
from headcount_analysis.ledger.asked_shapes import AskedShapes
from headcount_analysis.ledger.overview import Ledger, Overview
from headcount_analysis.ledger.overview import load as load_ledger
from headcount_analysis.measure import over_time, timeline
from headcount_analysis.measure.breakdown import sampled_every
from headcount_analysis.messages.kinds import MAX_SHAPES, Expected
from headcount_analysis.read import topic_range, topic_rows
from headcount_analysis.read.read_batches import Piece, Pieces, standing
from headcount_analysis.read.source import Source, worked
from headcount_analysis.read.topic_rows import RowGroup, Scribe
from headcount_analysis.spark.tables import Tables, files

ARRIVALS_FOLDER, FATES_FOLDER = "arrivals.parquet", "fates.parquet"
FOLDER = "follow"
"""Where pieces and Spark's checkpoint are kept, in a run's folder."""

SETTLED_AFTER_S = 5.0
"""A block to which nothing was added for so long is compared."""

_FEWEST_GENERATORS = 4
"""So many generators are reckoned with: more may join a run that is followed from its start."""


@dataclass(slots=True)
class Followed:
    """What is known of a run: its ledger, pieces of its topic, blocks; and where tables are put.

    `span` is how many numbers of each generator make a block, None while that is open.
    """

    arrivals_place: str
    fates_place: str
    pieces: dict[int, Piece] = field(default_factory=dict)
    span: int | None = None
    files: Known = field(default_factory=Known)
    overview: Overview = field(default_factory=Overview)
    compared: Compared = field(default_factory=Compared)

    @staticmethod
    def nothing(tables: Tables, overview: Overview | None = None) -> "Followed":
        """Begin with nothing, but perhaps with a look at the ledger."""
        places = (tables.begin(ARRIVALS_FOLDER), tables.begin(FATES_FOLDER))
        return Followed(*places, overview=overview or Overview())

    def read(
        self,
        source: Source,
        expected: Expected,
        found: Ledger,
        wanted: topic_range.OffsetRange,
        seen: TopicSeen,
    ) -> topic_rows.Arrivals:
        """Give the arrivals of a range: of pieces that stand, and for the rest from the topic.

        They are one piece then, to which a later end adds what comes behind it.
        """
        pieces, rounds = standing(self.pieces.values(), found, wanted, seen.leader_epochs)
        span = self.span or topic_rows.block_span(len(found.state.generators))
        scribe = Scribe(expected, found.state.event_types, self.arrivals_place, span)
        rest = [arrived for each in rounds for arrived in source.each(each, scribe)]
        read = topic_rows.merged(
            self.arrivals_place, span, [*(each.arrivals for each in pieces), *rest]
        )
        self.span = span
        self.pieces = {0: _whole(read, found, wanted, seen.leader_epochs)}
        return read


def _whole(
    read: topic_rows.Arrivals,
    found: Ledger,
    wanted: topic_range.OffsetRange,
    epochs: Mapping[int, int],
) -> Piece:
    """Give all that was read of a range as one piece."""
    return Piece(
        {each: (wanted.first(each), wanted.end[each]) for each in wanted.partitions},
        frozenset(found.state.shapes),
        frozenset(found.state.event_types),
        read,
        {each: epochs[each] for each in wanted.partitions if each in epochs},
    )


@dataclass(slots=True)
class Following:
    """Follows a run: takes in what arrives, and compares the blocks that are settled.

    Any thread may call its methods; they wait for each other.
    """

    folder: RunFolder
    manifest: Manifest
    late_after_ms: int
    followed: Followed
    settled_after_s: float = SETTLED_AFTER_S
    leader_epochs: Callable[[], Mapping[int, int]] = dict
    """Tells the epochs of the topic's partitions now."""
    _groups: dict[int, tuple[RowGroup, ...]] = field(default_factory=dict)
    _claimed: dict[int, int] = field(default_factory=dict)
    _ends: dict[int, int] = field(default_factory=dict)
    _last_read: int | None = None
    _changed: dict[int, tuple[Work, float]] = field(default_factory=dict)
    _messages: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_over: bool = False

    def __post_init__(self) -> None:
        """Take in the pieces that are there already."""
        for piece in self.followed.pieces.values():
            self._note(piece)

    @property
    def checkpoint(self) -> Path:
        """Where Spark notes how far it has read."""
        return self.folder.path / FOLDER / "checkpoint"

    @property
    def messages(self) -> int:
        """How many messages were taken in."""
        return self._messages

    @property
    def blocks(self) -> int:
        """How many blocks were compared."""
        return len(self.followed.compared.blocks)

    def take(self, frame: DataFrame, number: int) -> None:
        """Take in a batch of the topic, as `topic.SOURCE_SCHEMA` has it; none twice.

        Raises OSError, PartError, and EvidenceError where all is over: a batch that is not taken in
        must not pass for one that was.
        """
        with self._lock:
            if self._is_over:
                raise EvidenceError("the run is followed no more")
            if number in self.followed.pieces:
                self._last_read = None  # whether it was cut the same way then is not known
                return
            epochs, found, followed = self.leader_epochs(), self._look(), self.followed
            followed.span = followed.span or topic_rows.block_span(
                max(_FEWEST_GENERATORS, len(found.state.generators))
            )
            scribe = Scribe(
                expected(self.manifest, found),
                found.state.event_types,
                followed.arrivals_place,
                followed.span,
            )
            arrived = topic_rows.merged(
                followed.arrivals_place, followed.span, worked(frame, scribe)
            )
            piece = Piece(
                self._offsets(arrived, number),
                frozenset(found.state.shapes),
                frozenset(found.state.event_types),
                arrived,
                epochs,
            )
            _pieces(self.folder, followed.arrivals_place).write(number, piece)
            followed.pieces[number] = piece
            self._note(piece)
            self._last_read = number

    def advance(self, spark: SparkContext) -> None:
        """Compare the blocks that are settled. Raises OSError."""
        with self._lock:
            if self._is_over or self.followed.span is None:
                return
            found = self._look()
            asked = {each.generator: each.asked for each in found.state.generators}
            if any(last >= asked.get(each, 0) for each, last in self._claimed.items()):
                return  # which pieces are to be read again is told at the end
            settled = self._settled(found)
            if not settled:
                return
            comparison = compared_by(
                self.manifest, self.late_after_ms, found, _grains(found), self.followed
            )
            self.followed.compared.compare(spark, comparison, settled)

    def end(self) -> Followed:
        """Wait for what is under way, take nothing in any more, and give what was found."""
        with self._lock:
            self._is_over = True
            return self.followed

    def _note(self, piece: Piece) -> None:
        for block, mine in piece.arrivals.groups.items():
            self._groups[block] = (*self._groups.get(block, ()), *mine)
        for generator, last in piece.arrivals.claims.last.items():
            self._claimed[generator] = max(last, self._claimed.get(generator, last))
        self._ends.update({partition: end for partition, (_, end) in piece.offsets.items()})
        self._messages += sum(told.count for told in piece.arrivals.counts.by_key.values())

    def _look(self) -> Ledger:
        parts = ledger_parts(self.folder, self.manifest, self.followed.files)
        return load(self.folder, self.manifest, parts, self.followed.overview)

    def _offsets(self, arrived: topic_rows.Arrivals, number: int) -> dict[int, tuple[int, int]]:
        """Tell what offsets were read: where the batch before ended begins this one.

        If that was not read just before this, only the messages themselves tell.
        """
        if number == 0:
            self._ends = dict(self.manifest.start_offsets)
        elif self._last_read != number - 1:
            self._ends = {}
        found: dict[int, tuple[int, int]] = {}
        for key, told in arrived.counts.by_key.items():
            first, end = found.get(key.partition, (told.first, 0))
            found[key.partition] = min(first, told.first), max(end, told.last + 1)
        return {
            partition: (min(first, self._ends.get(partition, first)), end)
            for partition, (first, end) in found.items()
        }

    def _settled(self, found: Ledger) -> list[Work]:
        """Choose the blocks to which nothing was added for a while."""
        now_s, settled = time.monotonic(), []
        for work in works(found, self._groups, self.followed.span or 1):
            known, since_s = self._changed.get(work.number, (None, now_s))
            if known != work:
                since_s = now_s
            self._changed[work.number] = work, since_s
            if work.stretch is not None and now_s - since_s >= self.settled_after_s:
                settled.append(work)
        return settled


def follow(folder: RunFolder, manifest: Manifest, late_after_ms: int, tables: Tables) -> Following:
    """Begin to follow a run, or go on where that was left. Raises OSError."""
    followed = _left(folder, tables)
    if followed is None:
        forget(folder)
        followed = Followed.nothing(tables)
    return Following(folder, manifest, late_after_ms, followed)


def forget(folder: RunFolder) -> None:
    """Remove what was kept to go on with; what cannot be removed does no harm."""
    shutil.rmtree(folder.path / FOLDER, ignore_errors=True)


def _left(folder: RunFolder, tables: Tables) -> Followed | None:
    """Give what was left of following a run; None if it is not whole."""
    if not (folder.path / FOLDER / "checkpoint" / "metadata").is_file():
        return None
    place = tables.resume(ARRIVALS_FOLDER)
    try:
        pieces = _pieces(folder, place).read()
    except EvidenceError:
        return None
    spans = {piece.arrivals.span for piece in pieces.values()}
    needed = {file for piece in pieces.values() for file in piece.arrivals.files}
    if sorted(pieces) != list(range(len(pieces))):
        return None
    if len(spans) > 1 or not needed <= files(place).keys():
        return None
    return Followed(place, tables.begin(FATES_FOLDER), pieces, next(iter(spans), None))


def _pieces(folder: RunFolder, place: str) -> Pieces:
    return Pieces(folder.path / FOLDER / "pieces", place)


def ledger_parts(
    folder: RunFolder, manifest: Manifest, known: Known | None = None
) -> list[GeneratorLedger]:
    """Find what each generator of a run has left, but for files that are known. Raises OSError."""
    location = open_location(folder.ledger_location(manifest))
    return read_ledger(*location, manifest.tag, known)


def load(
    folder: RunFolder, manifest: Manifest, parts: Sequence[GeneratorLedger], overview: Overview
) -> Ledger:
    """Look over a run's ledger, but for what was looked over before. Raises OSError."""
    return load_ledger(folder.ledger_location(manifest), parts, folder.begun, overview)


def expected(manifest: Manifest, found: Ledger) -> Expected:
    """Tell what is looked for in the topic."""
    return Expected(
        tag=manifest.tag,
        event_id_field=manifest.event_id_field,
        asked={state.generator: state.asked for state in found.state.generators},
        shapes=() if _is_varied(found) else found.state.shapes,
        asked_shapes=_asked_shapes(found) if _is_varied(found) else None,
    )


def _is_varied(found: Ledger) -> bool:
    return len(found.state.shapes) > MAX_SHAPES


def _asked_shapes(found: Ledger) -> AskedShapes:
    names = {name for shape in found.state.shapes for name in names_of(shape)}
    segments = tuple(segment.name for segment in found.segments)
    return AskedShapes(found.location, segments, frozenset(names))


def compared_by(
    manifest: Manifest,
    late_after_ms: int,
    found: Ledger,
    grains: Grains,
    followed: Followed,
) -> Comparison:
    """Tell by what the blocks of a run are compared."""
    return Comparison(
        tag=manifest.tag,
        late_after_ms=late_after_ms,
        event_types=found.state.event_types,
        grains=grains,
        ledger=found.location,
        arrivals=followed.arrivals_place,
        fates=followed.fates_place,
    )


def _grains(found: Ledger) -> Grains:
    """Choose how finely a run is counted that is not over."""
    first, last = (each.get("intended_at_ns") for each in (found.times.first, found.times.last))
    sent_ns = found.times.sent_ns
    return Grains(
        None
        if first is None or last is None
        else over_time.common_grain(first, (last - first) / 1e9),
        None if sent_ns is None else timeline.Span(*sent_ns).grain,
        sampled_every(found.state.asked),
    )

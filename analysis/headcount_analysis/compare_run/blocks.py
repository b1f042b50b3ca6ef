"""Blocks: a run is compared block by block, by Spark's executors, and what comes of it is added up.

A block is a stretch of sequence numbers of every generator. Its attempts are read from the ledger
and its messages from what was put down of the topic; its rows of `fates.parquet` are a file of
their own. Events that were overtaken by those of another block are found by looking at the two
blocks together; a block that has such events is compared once more.

What comes of a block depends on its `Work` alone. So a block that was compared while a run was
under way need not be compared again if its work is still the same.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark import SparkContext

from headcount.ledger.location import open_location
from headcount.ledger.parquet_encoding import encoded
from headcount_analysis.compare_run import attempt_counts, ordering, reconcile
from headcount_analysis.compare_run.classes import FLAGS
from headcount_analysis.compare_run.ordering import Reach
from headcount_analysis.ledger import attempts
from headcount_analysis.ledger.attempts import Stretch
from headcount_analysis.ledger.overview import Ledger
from headcount_analysis.measure import breakdown, clocks, histogram, over_time, timeline
from headcount_analysis.measure.bin_width import BinWidth
from headcount_analysis.messages import timestamps
from headcount_analysis.read.topic_rows import STRANGERS, Groups, RowGroup, read_groups
from headcount_analysis.spark.executors import mapped

_COUNTING = {"seq", "offset", "acked_offset", "broker_at_ms"}
_COUNTING |= {"intended_at_ns", "sent_at_ns", "answered_at_ns", "ended_at_ns", "entered_at_ns"}
_FEW = [name for name in reconcile.FATES.names if name not in {*_COUNTING, "id"}]
_ENCODED = encoded(_FEW, sorted(_COUNTING), similar=["id"])

_FILTERED = [*("sent_at_ns", "answered_at_ns", "offset"), "fate", *FLAGS]
"""What fates are looked for by: of these alone it is noted between what bounds they are."""

_GROUP_ROWS = 65_536
"""Rows of a row group of fates: one that cannot hold what is looked for need not be read."""

Event = tuple[int, int]
"""An event's generator and sequence number."""


@dataclass(frozen=True, slots=True)
class Grains:
    """How finely a run's course and its timeline are counted; None where nothing is timed.

    One request of `sampled_every` is looked at by itself.
    """

    course: BinWidth | None
    timeline: BinWidth | None
    sampled_every: int

    def serve(self, coarser: "Grains") -> bool:
        """Tell whether what was counted by these can be added up by the others."""
        return coarser.sampled_every % self.sampled_every == 0 and all(
            mine is None if other is None else mine is not None and mine.serves(other)
            for mine, other in (
                (self.course, coarser.course),
                (self.timeline, coarser.timeline),
            )
        )


@dataclass(frozen=True, slots=True)
class Work:
    """What is compared in a block: its attempts, none for that of strangers, and its messages.

    `overtaken` are events that were overtaken by those of other blocks. `corrections_ms` has by
    generator how far the topic's clock is ahead, where it is not 0.
    """

    number: int
    stretch: Stretch | None
    messages: tuple[RowGroup, ...]
    overtaken: frozenset[Event] = frozenset()
    corrections_ms: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """What came of some work: a file of fates, how far it reaches, and what the fates add up to."""

    work: Work
    grains: Grains
    file: str
    reaches: tuple[Reach, ...]
    attempts: attempt_counts.Attempts
    durations: pa.Table
    course: over_time.OverTimeCounts | None
    moments: timeline.TimelineCounts | None
    sample: pa.Table
    clocks: tuple[clocks.Bounds, ...]
    unusable: Mapping[timestamps.Unit, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """By what blocks are compared, and the places that their files are read from and put at."""

    tag: str
    late_after_ms: int
    event_types: tuple[str, ...]
    grains: Grains
    ledger: str
    arrivals: str
    fates: str

    def compare(self, work: Work) -> Block:
        """Compare a block. Raises OSError."""
        claimed = read_groups(self.arrivals, work.messages)
        if work.stretch is None:
            return self._counted(work, reconcile.phantoms(claimed))
        asked = attempts.attempts(self.ledger, work.stretch)
        first = work.stretch.first_seq
        corrections_ms = dict(work.corrections_ms)
        found = reconcile.fates(
            asked,
            claimed,
            self.tag,
            self.late_after_ms,
            first,
            corrections_ms=corrections_ms,
        )
        return self._counted(work, found)

    def _counted(self, work: Work, found: pa.Table) -> Block:
        line = ordering.ordered(found).combine_chunks()
        fates = _marked(found, {*_events(ordering.reordered(line)), *work.overtaken})
        course, timed = self.grains.course, self.grains.timeline
        place = None if course is None else over_time.due_place(fates, course)
        durations = histogram.counted(fates, self.event_types, place)
        return Block(
            work=work,
            grains=self.grains,
            file=self._written(work.number, fates),
            reaches=ordering.reaches(line),
            attempts=attempt_counts.of_fates(fates, self.event_types),
            durations=histogram.by_keys([durations], histogram.BY_TYPE),
            course=None if course is None else over_time.counted(fates, course, durations),
            moments=None if timed is None else timeline.counted(fates, timed),
            sample=breakdown.sample(fates, self.grains.sampled_every),
            clocks=clocks.bounds(fates),
            unusable=timestamps.unusable(fates),
        )

    def _written(self, number: int, fates: pa.Table) -> str:
        name = f"{number + 1:06}-{uuid.uuid4().hex}.parquet"
        filesystem, root = open_location(self.fates)
        pq.write_table(
            fates,
            f"{root}/{name}",
            filesystem=filesystem,
            row_group_size=_GROUP_ROWS,
            write_statistics=_FILTERED,
            store_schema=False,  # for its readers a text is a text
            **_ENCODED,
        )
        return name


def works(found: Ledger, groups: Groups, span: int) -> list[Work]:
    """Tell what there is to be compared, block by block, that of strangers first."""
    stretches = attempts.stretches(found, span)
    return [
        Work(STRANGERS, None, groups.get(STRANGERS, ())),
        *(Work(number, each, groups.get(number, ())) for number, each in stretches.items()),
    ]


@dataclass(slots=True)
class Compared:
    """What was compared so far, by the number of the block.

    `overtaken` has by a pair of blocks the events of the second that the first has overtaken.
    """

    blocks: dict[int, Block] = field(default_factory=dict)
    overtaken: dict[tuple[int, int], frozenset[Event]] = field(default_factory=dict)

    def compare(
        self,
        spark: SparkContext,
        comparison: Comparison,
        wanted: Sequence[Work],
        progress: Callable[[str], None] = lambda _step: None,
    ) -> tuple[Block, ...]:
        """Compare what has changed of all that is wanted, and give what came of each.

        Raises OSError.
        """
        changed = [each for each in wanted if self._is_changed(each, comparison.grains)]
        numbers = {each.number for each in changed}
        self.overtaken = {
            pair: events for pair, events in self.overtaken.items() if numbers.isdisjoint(pair)
        }
        self._do(spark, comparison, changed)
        progress("looking at the order")
        self._look_across(spark, comparison.fates, [each.number for each in wanted])
        known = self._overtaken_by_block([each.number for each in wanted])
        corrections_ms = self._corrections_ms([each.number for each in wanted])
        works = [
            replace(
                each,
                overtaken=known.get(each.number, frozenset()),
                corrections_ms=() if each.stretch is None else corrections_ms,
            )
            for each in wanted
        ]
        self._do(spark, comparison, [w for w in works if self.blocks[w.number].work != w])
        return tuple(self.blocks[each.number] for each in wanted)

    def _is_changed(self, work: Work, grains: Grains) -> bool:
        known = self.blocks.get(work.number)
        if known is None or work.stretch is None:
            # What belongs to nobody counts under the event types that are known by now.
            return True
        # What the other blocks tell of this one is looked at once all are compared.
        same = (
            replace(known.work, overtaken=work.overtaken, corrections_ms=work.corrections_ms)
            == work
        )
        return not (same and known.grains.serve(grains))

    def _do(self, spark: SparkContext, comparison: Comparison, works: Sequence[Work]) -> None:
        for block in mapped(spark, comparison.compare, works):
            self.blocks[block.work.number] = block

    def _look_across(self, spark: SparkContext, fates: str, numbers: Sequence[int]) -> None:
        """Look at the pairs of blocks that reach into each other and were not looked at yet."""
        reaches = {number: self.blocks[number].reaches for number in numbers}
        pairs = [each for each in ordering.overtaking(reaches) if each not in self.overtaken]
        tasks = [_Pair(fates, self.blocks[one], self.blocks[other]) for one, other in pairs]
        for pair, events in zip(pairs, mapped(spark, _Pair.overtaken, tasks), strict=True):
            self.overtaken[pair] = events

    def _corrections_ms(self, numbers: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Measure by all blocks how far the topic's clock is ahead of each generator's."""
        found = clocks.merged(each for number in numbers for each in self.blocks[number].clocks)
        return tuple(clocks.corrections_ms(found).items())

    def _overtaken_by_block(self, numbers: Sequence[int]) -> dict[int, frozenset[Event]]:
        known = set(numbers)
        found: dict[int, frozenset[Event]] = {}
        for (before, behind), events in self.overtaken.items():
            if events and {before, behind} <= known:
                found[behind] = found.get(behind, frozenset()) | events
        return found


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two blocks, of which the first may hold what has overtaken events of the second."""

    fates: str
    before: Block
    behind: Block

    def overtaken(self) -> frozenset[Event]:
        """Give the events of the second that were."""
        near, far = self.before.reaches, self.behind.reaches
        answered = [each.first_answered_ns for each in far if each.first_answered_ns is not None]
        can_overtake = (pc.field("sent_at_ns") > min(answered)) & (
            pc.field("offset") < max(each.last_offset for each in far)
        )
        can_be_overtaken = (
            pc.field("answered_at_ns") < max(each.last_sent_ns for each in near)
        ) & (pc.field("offset") > min(each.first_offset for each in near))
        parts = [
            self._read(self.before.file, can_overtake),
            self._read(self.behind.file, can_be_overtaken),
        ]
        if not all(map(len, parts)):
            return frozenset()
        wrong = ordering.reordered(pa.concat_tables(parts).combine_chunks())
        stretch = self.behind.work.stretch
        assert stretch is not None, "strangers are in no order"
        return frozenset(
            event for event in _events(wrong) if stretch.first_seq <= event[1] < stretch.end_seq
        )

    def _read(self, name: str, bounds: pc.Expression) -> pa.Table:
        filesystem, root = open_location(self.fates)
        rows = pq.read_table(
            f"{root}/{name}",
            filesystem=filesystem,
            columns=list(ordering.LINE),
            filters=bounds,
            partitioning=None,
        )
        return ordering.ordered(rows)


def _events(rows: pa.Table) -> list[Event]:
    return list(zip(rows["generator"].to_pylist(), rows["seq"].to_pylist(), strict=True))


def _marked(fates: pa.Table, overtaken: AbstractSet[Event]) -> pa.Table:
    """Mark events as reordered."""
    if not overtaken:
        return fates
    wrong = pa.table(
        {
            "generator": pa.array([generator for generator, _ in overtaken], pa.int32()),
            "seq": pa.array([seq for _, seq in overtaken], pa.int64()),
            "is_wrong": pa.repeat(pa.scalar(True), len(overtaken)),
        }
    )
    identity = fates.select(["generator", "seq"])
    row = identity.append_column("row", pa.array(np.arange(len(fates))))
    found = row.join(wrong, ["generator", "seq"], use_threads=False).sort_by("row")
    flags = found["is_wrong"].fill_null(False)
    return fates.set_column(fates.column_names.index("reordered"), "reordered", flags)

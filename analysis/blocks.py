"""Blocks: a run is compared block by block, by Spark's executors, and what comes of it is added up.

A block is a stretch of sequence numbers of every generator. Its attempts are read from the ledger
and its messages from what was put down of the topic; its rows of `fates.parquet` are a file of
their own. Which events stand in the wrong order is found across the blocks; those that have one are
compared once more.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from analysis import clocks, latency, ledger, ordering, over_time, reconcile, tally, timeline
from analysis.arrivals import STRANGERS, Arrivals
from analysis.ledger import Ledger
from analysis.tables import keep_only
from headcount.ledger import open_location

ORDERED_ROWS = 4_000_000
"""So many events are put in order at once, at most about."""

_PLAIN = {"id", "seq", "offset", "acked_offset", "broker_at_ms"}
_PLAIN |= {"intended_at_ns", "sent_at_ns", "answered_at_ns"}
_ENCODED = [name for name in reconcile.FATES.names if name not in _PLAIN]

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Block:
    """What came of a block: its file of fates, its lines by partition, and what they add up to."""

    number: int
    file: str
    lines: Mapping[int, str]
    attempts: tally.Attempts
    durations: pa.Table
    course: pa.Table
    slices: over_time.Counted | None
    moments: timeline.Counted | None
    clocks: tuple[clocks.ClockOffset, ...]


def cut_of_course(found: Ledger, arrivals: Arrivals) -> over_time.Span | None:
    """Tell how a run's course is cut up."""
    seen = None
    if arrivals.first_ms is not None and arrivals.last_ms is not None:
        seen = arrivals.first_ms, arrivals.last_ms
    return over_time.span(found.times.first, found.times.last, seen)


def cut_of_timeline(found: Ledger) -> timeline.Span | None:
    """Tell how a run's timeline is cut up."""
    sent_ns = found.times.sent_ns
    return None if sent_ns is None else timeline.Span(*sent_ns)


@dataclass(frozen=True, slots=True)
class Comparison:
    """By what blocks are compared, and the places that their files are put at."""

    run_id: str
    late_after_ms: int
    ledger: Ledger
    arrivals: Arrivals
    fates: str
    lines: str

    @property
    def span(self) -> int:
        """How many numbers of each generator make a block."""
        return self.arrivals.span

    @property
    def numbers(self) -> list[int]:
        """The blocks that there are, with that of the messages that belong to nobody."""
        last = max((part.asked for part in self.ledger.state.generators), default=0)
        return [STRANGERS, *range(-(-last // self.span))]

    def compare(self, number: int, reordered: Sequence[tuple[int, int]] = ()) -> Block:
        """Compare a block; `reordered` are those of its attempts that stand in the wrong order."""
        if number == STRANGERS:
            found = reconcile.phantoms(self.arrivals.of_block(number))
        else:
            first = number * self.span
            attempts = ledger.attempts(self.ledger, first, first + self.span)
            claimed = self.arrivals.of_block(number)
            found = reconcile.fates(attempts, claimed, self.run_id, self.late_after_ms, first)
        return self._counted(number, _marked(found, reordered))

    def _counted(self, number: int, fates: pa.Table) -> Block:
        types = self.ledger.state.event_types
        cut, timed = cut_of_course(self.ledger, self.arrivals), cut_of_timeline(self.ledger)
        place = None if cut is None else over_time.due_place(fates, cut)
        durations = latency.counted(fates, types, place)
        return Block(
            number=number,
            file=self._written(number, fates),
            lines=self._lines(number, fates),
            attempts=tally.of_fates(fates, types),
            durations=latency.by_keys([durations], latency.BY_TYPE),
            course=latency.by_keys([durations], latency.BY_PLACE),
            slices=None if cut is None else over_time.counted(fates, cut),
            moments=None if timed is None else timeline.counted(fates, timed),
            clocks=clocks.clock_offsets(fates),
        )

    def _written(self, number: int, fates: pa.Table) -> str:
        name = f"{number + 1:06}-{uuid.uuid4().hex}.parquet"
        filesystem, root = open_location(self.fates)
        pq.write_table(
            fates,
            f"{root}/{name}",
            filesystem=filesystem,
            compression="zstd",
            compression_level=1,
            use_dictionary=_ENCODED,
            store_schema=False,  # for its readers a text is a text
        )
        return name

    def _lines(self, number: int, fates: pa.Table) -> dict[int, str]:
        """Put down by partition what is ordered against others."""
        filesystem, root = open_location(self.lines)
        line = ordering.ordered(fates)
        written = {}
        for partition in pc.unique(line["partition"]).to_pylist():
            mine = line.filter(pc.equal(line["partition"], partition))
            name = f"{number + 1:06}-{partition}-{uuid.uuid4().hex}.arrow"
            with (
                filesystem.open_output_stream(f"{root}/{name}") as file,
                pa.ipc.new_file(file, mine.schema) as writer,
            ):
                writer.write_table(mine)
            written[partition] = name
        return written


def compared(
    spark: SparkSession, comparison: Comparison, progress: Callable[[str], None]
) -> tuple[Block, ...]:
    """Compare all blocks of a run, and keep their fates. Raises OSError."""
    blocks = {each.number: each for each in _mapped(spark, comparison.compare, comparison.numbers)}
    progress("looking at the order")
    wrong = _reordered(spark, comparison, blocks.values())
    again = _mapped(spark, lambda each: comparison.compare(*each), list(wrong.items()))
    blocks |= {each.number: each for each in again}
    keep_only(comparison.fates, {each.file for each in blocks.values()})
    return tuple(blocks[number] for number in sorted(blocks))


def _mapped(
    spark: SparkSession, work: Callable[[Task], Result], tasks: Sequence[Task]
) -> list[Result]:
    """Do the same to each of some things, in Spark's executors."""
    if not tasks:
        return []
    return spark.sparkContext.parallelize(tasks, len(tasks)).map(work).collect()


def _marked(fates: pa.Table, reordered: Sequence[tuple[int, int]]) -> pa.Table:
    if not reordered:
        return fates
    wrong = pa.table(
        {
            "generator": pa.array([generator for generator, _ in reordered], pa.int32()),
            "seq": pa.array([seq for _, seq in reordered], pa.int64()),
            "is_wrong": pa.repeat(pa.scalar(True), len(reordered)),
        }
    )
    identity = fates.select(["generator", "seq"])
    row = identity.append_column("row", pa.array(np.arange(len(fates))))
    found = row.join(wrong, ["generator", "seq"], use_threads=False).sort_by("row")
    flags = found["is_wrong"].fill_null(False)
    return fates.set_column(fates.column_names.index("reordered"), "reordered", flags)


@dataclass(frozen=True, slots=True)
class _Pass:
    """Lines that are put in order at once: those of some files whose keys are of one of `parts`."""

    place: str
    files: tuple[str, ...]
    part: int
    parts: int

    def reordered(self) -> list[tuple[int, int]]:
        """Give generator and number of the events that stand in the wrong order."""
        lines = pa.concat_tables([self._read(name) for name in self.files]).combine_chunks()
        wrong = ordering.reordered(lines)
        return list(zip(wrong["generator"].to_pylist(), wrong["seq"].to_pylist(), strict=True))

    def _read(self, name: str) -> pa.Table:
        filesystem, root = open_location(self.place)
        with filesystem.open_input_file(f"{root}/{name}") as file:
            lines = pa.ipc.open_file(file).read_all()
        if self.parts == 1:
            return lines
        part = np.abs(lines["key_hash"].to_numpy() % self.parts)
        return lines.filter(pa.array(part == self.part))


def _reordered(
    spark: SparkSession, comparison: Comparison, blocks: Iterable[Block]
) -> dict[int, list[tuple[int, int]]]:
    """Find by block the events that stand in the wrong order."""
    files: dict[int, list[str]] = {}
    for block in blocks:
        for partition, name in block.lines.items():
            files.setdefault(partition, []).append(name)
    rows = sum(part.asked for part in comparison.ledger.state.generators)
    parts = -(-rows // (ORDERED_ROWS * max(1, len(files))))
    passes = [
        _Pass(comparison.lines, tuple(names), part, max(1, parts))
        for names in files.values()
        for part in range(max(1, parts))
    ]
    found: dict[int, list[tuple[int, int]]] = {}
    for wrong in _mapped(spark, _Pass.reordered, passes):
        for generator, seq in wrong:
            found.setdefault(seq // comparison.span, []).append((generator, seq))
    return found

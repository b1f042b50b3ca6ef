"""Differences: names the fields in which corrupted events differ from their requests."""

from dataclasses import dataclass
from typing import Self

from headcount.errors import EvidenceError
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.corrupted.copies import COPIES, BlockCopies, CopyFinder
from headcount_analysis.corrupted.counts import merged_counts
from headcount_analysis.corrupted.event_differences import BlockDifferences, EventComparer
from headcount_analysis.corrupted.exchange import FileRows
from headcount_analysis.corrupted.message_differences import MESSAGE_DIFFERENCES, SplitComparer
from headcount_analysis.corrupted.ranges import merged_ranges
from headcount_analysis.corrupted.summary import SAMPLED_SETS, Differences
from headcount_analysis.corrupted.table import read_samples
from headcount_analysis.pipeline.compare import ComparedRun
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.table_places import ARRIVALS_FOLDER
from headcount_analysis.pipeline.tools import Tools
from headcount_analysis.spark.executors import ExecutorError, mapped
from headcount_analysis.spark.tables import Tables, keep_only

DIFFERENCES_FOLDER = "differences.parquet"


def find_differences(
    plan: VerificationPlan, tools: Tools, comparison: ComparedRun, counts: Counts
) -> Differences:
    """Compare each corrupted event with its request, field by field.

    If that is impossible, the verdict does not change, and the result says why.
    """
    tools.tables.discard(str(tools.tables.folder / DIFFERENCES_FOLDER))
    if not counts.corrupted:
        return Differences()
    tools.progress("naming the fields that differ")
    try:
        return _differences(plan, tools, comparison, counts.corrupted)
    except (EvidenceError, ExecutorError, OSError) as error:
        return Differences(counts.corrupted, why_not=str(error))


def _differences(
    plan: VerificationPlan, tools: Tools, comparison: ComparedRun, corrupted: int
) -> Differences:
    places = _DifferencePlaces.begin(tools.tables)
    try:
        blocks = _compared(plan, tools, comparison, places)
        return _summed_up(tools.tables, places, blocks, corrupted)
    finally:
        places.discard(tools.tables)


@dataclass(frozen=True, slots=True)
class _DifferencePlaces:
    """Where executors write: the intermediate files that other executors read, and the table."""

    copies: str
    messages: str
    differences: str

    @classmethod
    def begin(cls, tables: Tables) -> Self:
        names = ("corrupted-copies", "corrupted-messages", DIFFERENCES_FOLDER)
        return cls(*map(tables.begin, names))

    def discard(self, tables: Tables) -> None:
        """Remove the intermediate files."""
        for place in (self.copies, self.messages):
            tables.discard(place)


def _compared(
    plan: VerificationPlan, tools: Tools, comparison: ComparedRun, places: _DifferencePlaces
) -> list[BlockDifferences]:
    manifest = plan.manifest
    finder = CopyFinder(
        manifest.topic,
        comparison.read.ledger.location,
        tools.tables.kept(ARRIVALS_FOLDER),
        places.copies,
    )
    inputs = [
        block.block_input
        for block in comparison.blocks
        if any(counts.corrupted for counts in block.attempts.by_event_type.values())
    ]
    blocks: list[BlockCopies] = mapped(tools.spark, finder.find, inputs)
    copies = FileRows(places.copies, tuple(block.file for block in blocks), COPIES)
    comparer = SplitComparer(manifest.ids, copies, places.messages, tools.message_format.decode)
    parts = merged_ranges(split for block in blocks for split in block.ranges)
    files = [file for files in tools.source.map_parts(parts, comparer) for file in files]
    messages = FileRows(places.messages, tuple(files), MESSAGE_DIFFERENCES)
    events = EventComparer(places.copies, messages, places.differences)
    return mapped(tools.spark, events.compare, blocks)


def _summed_up(
    tables: Tables, places: _DifferencePlaces, blocks: list[BlockDifferences], corrupted: int
) -> Differences:
    counts = merged_counts([block.counts for block in blocks])
    if counts.events != corrupted:
        raise EvidenceError(
            f"{corrupted} events are corrupted, and {counts.events} were compared: this is a bug "
            "in the verifier; please report it"
        )
    keep_only(places.differences, {file for block in blocks for file in block.files})
    tables.finish(DIFFERENCES_FOLDER)
    table = tables.folder / DIFFERENCES_FOLDER
    frequent = [key for key, _ in counts.most_frequent[:SAMPLED_SETS] if key.fields]
    return Differences(corrupted, counts, read_samples(table, frequent), table)

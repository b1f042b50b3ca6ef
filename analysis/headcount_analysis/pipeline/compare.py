"""Comparing: matches each attempt with its messages, block by block."""

from dataclasses import dataclass

from headcount.run.manifest import Manifest
from headcount_analysis.blocks.block_comparer import BlockComparer
from headcount_analysis.blocks.seq_block import BinWidths, SeqBlock, block_inputs
from headcount_analysis.ledger.overview import Ledger
from headcount_analysis.pipeline.binning import Binning, binning_of
from headcount_analysis.pipeline.cache import RunCache
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.read import RunRead
from headcount_analysis.pipeline.table_places import Places
from headcount_analysis.pipeline.tools import Tools


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """What was read from a run, and its compared blocks."""

    read: RunRead
    binning: Binning
    blocks: tuple[SeqBlock, ...]

    @property
    def missing(self) -> int:
        """How many acknowledged events were not among the messages read."""
        return sum(
            counts.lost for block in self.blocks for counts in block.attempts.by_event_type.values()
        )

    @property
    def fates_files(self) -> frozenset[str]:
        """The files of fates that its blocks wrote."""
        return frozenset(block.file for block in self.blocks)


def compare(
    plan: VerificationPlan, tools: Tools, places: Places, cache: RunCache, read: RunRead
) -> ComparedRun:
    """Compare the blocks that the cache lacks. Raises EvidenceError and OSError."""
    tools.progress("reconciling")
    binning = binning_of(read)
    comparer = block_comparer(
        plan.manifest,
        plan.limits.late_after_ms,
        read.ledger,
        binning.widths,
        places,
        compares_content=tools.message_format.compares_content,
    )
    inputs = block_inputs(read.ledger, read.topic.groups, read.topic.span)
    blocks = cache.blocks.compare(tools.spark, comparer, inputs, tools.progress)
    return ComparedRun(read, binning, blocks)


def block_comparer(
    manifest: Manifest,
    late_after_ms: int,
    ledger: Ledger,
    widths: BinWidths,
    places: Places,
    *,
    compares_content: bool,
) -> BlockComparer:
    """Make the comparer that executors run on a run's blocks."""
    return BlockComparer(
        ids=manifest.ids,
        late_after_ms=late_after_ms,
        event_types=ledger.state.event_types,
        bin_widths=widths,
        ledger=ledger.location,
        arrivals=places.arrivals,
        fates=places.fates,
        compares_content=compares_content,
    )

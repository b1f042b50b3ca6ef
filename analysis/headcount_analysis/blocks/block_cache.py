"""The block cache: compares only the blocks that have changed since the last comparison.

Events that were overtaken by events of another block are found by comparing the two blocks' order;
a block with such events is then compared once more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from pyspark import SparkContext

from headcount_analysis.blocks.block_comparer import BlockComparer
from headcount_analysis.blocks.block_pairs import BlockPair
from headcount_analysis.blocks.seq_block import BinWidths, BlockInput, SeqBlock
from headcount_analysis.measure import clocks
from headcount_analysis.reconciliation import ordering
from headcount_analysis.reconciliation.ordering import Event
from headcount_analysis.spark.executors import mapped


@dataclass(slots=True)
class BlockCache:
    """The blocks that were compared, by number.

    `overtaken` maps a pair of blocks to those events of the second block that were overtaken by
    events of the first.
    """

    blocks: dict[int, SeqBlock] = field(default_factory=dict)
    overtaken: dict[tuple[int, int], frozenset[Event]] = field(default_factory=dict)

    def compare(
        self,
        spark: SparkContext,
        comparer: BlockComparer,
        inputs: Sequence[BlockInput],
        progress: Callable[[str], None] = lambda _step: None,
    ) -> tuple[SeqBlock, ...]:
        """Compare the blocks that have changed, and return all that are asked for.

        Raises OSError.
        """
        numbers = [block.number for block in inputs]
        changed = [block for block in inputs if self._is_changed(block, comparer.bin_widths)]
        changed_numbers = {block.number for block in changed}
        self.overtaken = {
            pair: events
            for pair, events in self.overtaken.items()
            if changed_numbers.isdisjoint(pair)
        }
        self._compare(spark, comparer, changed)
        progress("checking the order")
        self._look_across(spark, comparer.fates, numbers)
        completed = self._completed(inputs)
        self._compare(
            spark,
            comparer,
            [block for block in completed if self.blocks[block.number].block_input != block],
        )
        return tuple(self.blocks[number] for number in numbers)

    def _is_changed(self, block: BlockInput, widths: BinWidths) -> bool:
        known = self.blocks.get(block.number)
        if known is None or block.seqs is None:
            # The block is new, or it is that of the unowned messages. These are counted by the
            # event types known so far, so they must be counted again.
            return True
        # What depends on other blocks is compared once all blocks are there.
        known_input = replace(
            known.block_input, overtaken=block.overtaken, corrections_ms=block.corrections_ms
        )
        return not (known_input == block and known.bin_widths.serve(widths))

    def _completed(self, inputs: Sequence[BlockInput]) -> list[BlockInput]:
        """Add to each block what depends on all of them: overtaken events, clock corrections."""
        numbers = [block.number for block in inputs]
        overtaken = self._overtaken_by_block(numbers)
        corrections_ms = self._corrections_ms(numbers)
        return [
            replace(
                block,
                overtaken=overtaken.get(block.number, frozenset()),
                corrections_ms=() if block.seqs is None else corrections_ms,
            )
            for block in inputs
        ]

    def _compare(
        self, spark: SparkContext, comparer: BlockComparer, inputs: Sequence[BlockInput]
    ) -> None:
        for block in mapped(spark, comparer.compare, inputs):
            self.blocks[block.block_input.number] = block

    def _look_across(self, spark: SparkContext, fates: str, numbers: Sequence[int]) -> None:
        """Check the order of pairs of blocks that overlap, unless it was checked before."""
        reaches = {number: self.blocks[number].reaches for number in numbers}
        pairs = [pair for pair in ordering.overtaking(reaches) if pair not in self.overtaken]
        tasks = [BlockPair(fates, self.blocks[one], self.blocks[other]) for one, other in pairs]
        for pair, events in zip(pairs, mapped(spark, BlockPair.overtaken, tasks), strict=True):
            self.overtaken[pair] = events

    def _corrections_ms(self, numbers: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Measure from all blocks how far the topic's clock is ahead of each generator's."""
        bounds = (bound for number in numbers for bound in self.blocks[number].clocks)
        return tuple(clocks.corrections_ms(clocks.merged(bounds)).items())

    def _overtaken_by_block(self, numbers: Sequence[int]) -> dict[int, frozenset[Event]]:
        known = set(numbers)
        overtaken: dict[int, frozenset[Event]] = {}
        for (first, second), events in self.overtaken.items():
            if events and {first, second} <= known:
                overtaken[second] = overtaken.get(second, frozenset()) | events
        return overtaken

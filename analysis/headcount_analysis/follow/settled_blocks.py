"""Settled blocks: blocks to which nothing has been added for a while."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from headcount_analysis.blocks.seq_block import BlockInput

SETTLED_AFTER_S = 5.0
"""A block is compared once nothing has been added to it for this long."""


@dataclass(slots=True)
class SettledBlocks:
    """Remembers how long the input of each block has been unchanged."""

    after_s: float = SETTLED_AFTER_S
    _unchanged: dict[int, tuple[BlockInput, float]] = field(default_factory=dict)

    def select(self, inputs: Sequence[BlockInput]) -> list[BlockInput]:
        """Choose the blocks of attempts whose input has been unchanged for long enough."""
        now_s, settled = time.monotonic(), []
        for block in inputs:
            known, since_s = self._unchanged.get(block.number, (None, now_s))
            if known != block:
                since_s = now_s
            self._unchanged[block.number] = block, since_s
            if block.seqs is not None and now_s - since_s >= self.after_s:
                settled.append(block)
        return settled

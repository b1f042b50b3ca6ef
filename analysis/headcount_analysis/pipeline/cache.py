"""The cache of a run: results of earlier reads and comparisons.

Early results are used only if a fresh read would agree, so an empty cache costs only time.
"""

from dataclasses import dataclass, field

from headcount_analysis.blocks.block_cache import BlockCache
from headcount_analysis.ledger.run_ledger import LedgerCache
from headcount_analysis.read.topic_cache import TopicCache


@dataclass(slots=True)
class RunCache:
    """What was read from the ledger and the topic, and the blocks that were compared."""

    ledger: LedgerCache = field(default_factory=LedgerCache)
    topic: TopicCache = field(default_factory=TopicCache)
    blocks: BlockCache = field(default_factory=BlockCache)

    @property
    def has_files(self) -> bool:
        """Whether it refers to files that executors have written."""
        return bool(self.topic.batches or self.blocks.blocks)

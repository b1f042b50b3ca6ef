"""Following: reads and compares a run while it is under way, so that the verdict comes sooner.

Batches of the topic are read as they arrive. A block is compared once nothing has been added to it
for a while. The results go into a `RunCache`; the verification uses those that are still valid.
"""

import functools
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pyspark import SparkContext
from pyspark.sql import DataFrame

from headcount.errors import EvidenceError
from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest
from headcount_analysis.blocks.seq_block import block_inputs
from headcount_analysis.follow.batch_index import BatchIndex
from headcount_analysis.follow.batch_store import BatchStore
from headcount_analysis.follow.settled_blocks import SettledBlocks
from headcount_analysis.formats.message_format import MessageFormat
from headcount_analysis.ledger.overview import Ledger
from headcount_analysis.ledger.run_ledger import ledger_parts, load_ledger
from headcount_analysis.pipeline.binning import widths_so_far
from headcount_analysis.pipeline.cache import RunCache
from headcount_analysis.pipeline.compare import block_comparer
from headcount_analysis.pipeline.read import expected_messages
from headcount_analysis.pipeline.table_places import Places
from headcount_analysis.read import topic_rows
from headcount_analysis.read.read_batches import UNKNOWN_EPOCH, batch_of
from headcount_analysis.read.source import map_frame
from headcount_analysis.read.topic_cache import TopicCache
from headcount_analysis.read.topic_rows import SplitWriter
from headcount_analysis.spark.tables import Tables, files

FOLDER = "follow"
"""A folder in the run's folder, for what was read of each batch and for Spark's checkpoint."""

_FEWEST_GENERATORS = 4
"""Blocks are sized for at least this many generators: more may join after the run has begun."""


@dataclass(slots=True)
class RunFollower:
    """Reads new messages, and compares the blocks that have settled.

    Any thread may call its methods; they wait for each other.
    """

    folder: RunFolder
    manifest: Manifest
    late_after_ms: int
    places: Places
    message_format: MessageFormat
    cache: RunCache = field(default_factory=RunCache)
    settled: SettledBlocks = field(default_factory=SettledBlocks)
    leader_epochs: Callable[[], Mapping[int, int]] = dict
    """Returns the current leader epochs of the topic's partitions, as far as they are known."""
    _index: BatchIndex = field(init=False)
    _last_number: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_over: bool = False

    def __post_init__(self) -> None:
        """Index the batches that were read before."""
        self._index = BatchIndex(self.manifest.start_offsets)
        for batch in self.cache.topic.batches.values():
            self._index.add(batch)

    @property
    def checkpoint(self) -> Path:
        """The folder in which Spark, for `topic_stream`, records how far it has read."""
        return self.folder.path / FOLDER / "checkpoint"

    @property
    def messages(self) -> int:
        """How many messages were read."""
        return self._index.messages

    @property
    def blocks(self) -> int:
        """How many blocks were compared."""
        return len(self.cache.blocks.blocks)

    def take(self, frame: DataFrame, number: int) -> None:
        """Read a batch of the topic, in `topic_range.SOURCE_SCHEMA`; skip one that was read before.

        Raises OSError, PartError, and EvidenceError if the run is no longer followed: Spark must
        not record a refused batch as read.
        """
        with self._lock:
            if self._is_over:
                raise EvidenceError("the run is no longer followed")
            topic = self.cache.topic
            if number in topic.batches:
                # The batch that was read may have had other bounds than this one, so the next one
                # need not begin where it ended.
                self._last_number = None
                return
            epochs, ledger = self.leader_epochs(), self._load_ledger()
            topic.span = topic.span or topic_rows.block_span(
                max(_FEWEST_GENERATORS, len(ledger.state.generators))
            )
            writer = SplitWriter(
                expected_messages(self.manifest, ledger, self.message_format),
                ledger.state.event_types,
                self.places.arrivals,
                topic.span,
            )
            rows = topic_rows.merged(self.places.arrivals, topic.span, map_frame(frame, writer))
            offsets = self._index.offsets_of(rows, number, follows=self._last_number == number - 1)
            known = {number: epochs.get(number, UNKNOWN_EPOCH) for number in offsets}
            batch = batch_of(ledger, rows, offsets, known)
            _store(self.folder, self.places).write(number, batch)
            topic.batches[number] = batch
            self._index.add(batch)
            self._last_number = number

    def advance(self, spark: SparkContext) -> None:
        """Compare the blocks that have settled. Raises OSError."""
        with self._lock:
            if self._is_over or self.cache.topic.span is None:
                return
            ledger = self._load_ledger()
            if not self._index.is_asked_by(ledger):
                return  # some batch must be read again; which one is known at the end
            inputs = block_inputs(ledger, self._index.groups, self.cache.topic.span)
            settled = self.settled.select(inputs)
            if not settled:
                return
            comparer = block_comparer(
                self.manifest,
                self.late_after_ms,
                ledger,
                widths_so_far(ledger),
                self.places,
                compares_content=self.message_format.compares_content,
            )
            self.cache.blocks.compare(spark, comparer, settled)

    def end(self) -> RunCache:
        """Finish the work under way, refuse further batches, and return the cache."""
        with self._lock:
            self._is_over = True
            return self.cache

    def _load_ledger(self) -> Ledger:
        parts = ledger_parts(self.folder, self.manifest, self.cache.ledger)
        return load_ledger(self.folder, self.manifest, parts, self.cache.ledger)


def follow(
    folder: RunFolder,
    manifest: Manifest,
    late_after_ms: int,
    tables: Tables,
    message_format: MessageFormat,
) -> RunFollower:
    """Follow a run from its start, or from where an earlier follower ended. Raises OSError."""
    follower = functools.partial(
        RunFollower, folder, manifest, late_after_ms, message_format=message_format
    )
    if (folder.path / FOLDER / "checkpoint" / "metadata").is_file():
        places = Places.resume_arrivals(tables)
        cached = _stored_batches(folder, places)
        if cached is not None:
            return follower(places=places, cache=RunCache(topic=cached))
    forget(folder)
    return follower(places=Places.begin(tables))


def forget(folder: RunFolder) -> None:
    """Remove the files that a follower resumes from; leftovers do no harm."""
    shutil.rmtree(folder.path / FOLDER, ignore_errors=True)


def _stored_batches(folder: RunFolder, places: Places) -> TopicCache | None:
    """Read the batches of an earlier follower; None if they are incomplete."""
    try:
        batches = _store(folder, places).read()
    except EvidenceError:
        return None
    spans = {batch.rows.span for batch in batches.values()}
    needed = {file for batch in batches.values() for file in batch.rows.files}
    if sorted(batches) != list(range(len(batches))):
        return None
    if len(spans) > 1 or not needed <= files(places.arrivals).keys():
        return None
    return TopicCache(batches, next(iter(spans), None))


def _store(folder: RunFolder, places: Places) -> BatchStore:
    return BatchStore(folder.path / FOLDER / "pieces", places.arrivals)

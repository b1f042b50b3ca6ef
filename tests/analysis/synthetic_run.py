"""Synthetic runs: what a run requested and what the topic holds, written down literally.

The ledger is a real one on disk; the topic is a frame of the Kafka source's schema.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
from headcount_analysis.formats.catalogue import format_of
from headcount_analysis.judge import Limits
from headcount_analysis.messages.record import Record
from headcount_analysis.messages.timestamps import CREATE_TIME
from headcount_analysis.pipeline.cache import RunCache
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.tools import Tools
from headcount_analysis.pipeline.verify import verify
from headcount_analysis.read import topic_range
from headcount_analysis.read.partition_reader import Split
from headcount_analysis.read.settling_policy import Database, Settling
from headcount_analysis.read.source import Result, SplitTask, map_frame
from headcount_analysis.read.topic_range import MESSAGES, SOURCE_SCHEMA, OffsetRange
from headcount_analysis.read.topic_seen import TopicSeen
from headcount_analysis.report.model import Report
from headcount_analysis.spark.tables import Tables
from pyspark.sql import DataFrame, SparkSession

from headcount.ledger.event_digest import describe
from headcount.ledger.schema import Row
from headcount.ledger.writer import LedgerWriter
from headcount.run.folder import RunFolder
from headcount.run.ids import EventId
from headcount.run.manifest import End, Generators, Manifest
from headcount.run.state_changes import Changes
from headcount.thresholds.grammar import Threshold
from tests.manifests import MANIFEST

RUN = "run-1"
TOPIC = "events"
START_NS = 1_700_000_000_000_000_000
MS = 1_000_000

Message = tuple[int, int, int, bytes | None, bytes | None]
"""partition, offset, ms after the start, key, value"""


def event_id(seq: int, generator: int = 0, run: str = RUN) -> str:
    """Return the id as it is sent."""
    return str(EventId(run, generator, seq))


@dataclass
class RunHistory:
    """A run under construction. Each attempt requests an iron sword by default."""

    path: Path
    spark: SparkSession
    rows: dict[int, list[Row]] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    start: dict[int, int] = field(default_factory=lambda: {0: 0, 1: 0})
    end: dict[int, int] | None = None
    log_start: dict[int, int] = field(default_factory=dict)
    reserved: dict[int, int] = field(default_factory=dict)
    unsealed: set[int] = field(default_factory=set)
    options: dict[str, object] = field(default_factory=dict)
    seen: TopicSeen = field(default_factory=lambda: TopicSeen(leader_epochs={0: 0, 1: 0}))
    limits: Limits = field(default_factory=Limits)
    database: Database = field(default_factory=Database)
    thresholds: tuple[Threshold, ...] = ()
    timestamps_ms: dict[int, int] = field(default_factory=dict)
    """Timestamps that differ from the messages' times, by index in `messages`. If there are any,
    `Frames` is not used, because Spark's own source limits timestamps."""

    @property
    def folder(self) -> RunFolder:
        """The run's folder."""
        return RunFolder(self.path / RUN)

    def attempt(
        self,
        seq: int,
        outcome: str = "acked",
        *,
        generator: int = 0,
        event: Mapping[str, object] | None = None,
        sent_ms: int = 0,
        took_ms: int | None = 5,
        waited_ms: int | None = None,
        server: str | None = None,
        changes: Changes | None = None,
    ) -> None:
        """Add a row to the ledger; without an answer, it may have waited for one."""
        asked = event or {"event_type": "purchase_sword", "metal": "iron"}
        sent = START_NS + sent_ms * MS
        answered = None if took_ms is None else sent + took_ms * MS
        status = {"acked": 200, "failed": 400}.get(outcome) if took_ms is not None else None
        error = None if took_ms is not None else "timed out"
        described = describe(asked)
        row = Row(
            seq=seq,
            event_type=str(asked["event_type"]),
            scenario_user="Player",
            shape=described.shape,
            digest=described.digest,
            intended_at_ns=sent - MS,
            sent_at_ns=sent,
            answered_at_ns=answered,
            http_status=status,
            outcome=outcome,
            error=error,
            server=server,
            owner=None if changes is None else changes.owner,
            changes=None if changes is None else tuple(changes.by_thing.items()),
            ended_at_ns=None if answered or waited_ms is None else sent + waited_ms * MS,
            asked=described.asked,
        )
        self.rows.setdefault(generator, []).append(row)

    def arrive(
        self,
        identity: str | None,
        offset: int,
        *,
        partition: int = 0,
        at_ms: int = 3,
        key: str | None = None,
        event: Mapping[str, object] | None = None,
    ) -> None:
        """Add an event to the topic."""
        content = {**(event or {"event_type": "purchase_sword", "metal": "iron"}), "Host": "here"}
        if identity is not None:
            content["X-Event-Id"] = identity
        self.arrive_raw(
            json.dumps(content).encode(), offset, partition=partition, at_ms=at_ms, key=key
        )

    def arrive_raw(
        self,
        value: bytes | None,
        offset: int,
        *,
        partition: int = 0,
        at_ms: int = 3,
        key: str | None = None,
    ) -> None:
        """Add a message of any content to the topic."""
        raw_key = None if key is None else key.encode()
        self.messages.append((partition, offset, at_ms, raw_key, value))

    def deliver(self, count: int, generator: int = 0) -> None:
        """Add attempts 0 to count - 1, acked and delivered, to partition 0."""
        for seq in range(count):
            self.deliver_one(seq, generator)

    def deliver_one(self, seq: int, generator: int = 0) -> None:
        """Add one attempt, acked and delivered, to partition 0."""
        self.attempt(seq, generator=generator, sent_ms=10 * seq)
        self.arrive(event_id(seq, generator), len(self.messages), at_ms=10 * seq + 3)

    def write(self) -> None:
        """Write the run's folder."""
        (self.folder.path / "logs").mkdir(parents=True, exist_ok=True)
        generators = sorted(self.rows.keys() | self.reserved.keys())
        for generator in generators:
            self._write_generator(generator)
        if generators:
            self.folder.write_generators(Generators(tuple(generators)))

    def _write_generator(self, generator: int) -> None:
        location = str(self.folder.path / "ledger")
        writer = LedgerWriter(pafs.LocalFileSystem(), location, self.manifest.tag, generator)
        writer.open()
        rows = self.rows.get(generator, [])
        writer.reserve(self.reserved.get(generator, max(len(rows), 1)))
        half = len(rows) // 2
        writer.write_segment(rows[:half])
        writer.write_segment(rows[half:])
        if generator not in self.unsealed:
            writer.seal(len(rows))

    @property
    def manifest(self) -> Manifest:
        """The manifest, as written at the run's start."""
        return replace(
            MANIFEST,
            run_id=RUN,
            created_at="2023-11-14T22:13:20Z",
            scenario="test",
            bootstrap_servers="127.0.0.1:1",
            topic=TOPIC,
            start_offsets=self.start,
            **self.options,  # type: ignore[arg-type]
        )

    @property
    def reached(self) -> End:
        """The topic's end: after its last message, unless `end` is set."""
        last = {
            number: max((m[1] + 1 for m in self.messages if m[0] == number), default=first)
            for number, first in self.start.items()
        }
        ends = last if self.end is None else self.end
        return End(ends, self.log_start, "2023-11-14T22:14:00Z")

    def verified(self) -> Report:
        """Write the history, and verify it."""
        self.write()
        return self.verified_again()

    def verified_again(
        self, cache: RunCache | None = None, settling: Settling | None = None
    ) -> Report:
        """Verify the history on disk, optionally with a cache, or until it has settled."""
        plan = VerificationPlan(
            folder=self.folder,
            manifest=self.manifest,
            end=self.reached,
            seen=self.seen,
            database=self.database,
            limits=self.limits,
            thresholds=self.thresholds,
        )
        tools = Tools(
            self.spark.sparkContext,
            source=Batches(self) if self.timestamps_ms else Frames(self.source),
            tables=Tables(self.folder.path.absolute()),
            message_format=format_of(self.manifest.format_settings),
            settling=settling,
        )
        return verify(plan, tools, RunCache() if cache is None else cache)

    def source(self, offsets: OffsetRange) -> DataFrame:
        """Return the messages of a range, as Spark's Kafka source would."""
        start = datetime.fromtimestamp(START_NS / 1e9, UTC)
        rows = [
            (key, value, TOPIC, partition, offset, start + timedelta(milliseconds=ms), CREATE_TIME)
            for partition, offset, ms, key, value in self.messages
            if partition in offsets.end
            and offsets.first(partition) <= offset < offsets.end[partition]
        ]
        return self.spark.createDataFrame(rows, SOURCE_SCHEMA)


@dataclass(frozen=True, slots=True)
class Frames:
    """Messages as Spark's own source for Kafka reads them."""

    read: Callable[[OffsetRange], DataFrame]

    def map_splits(self, offsets: OffsetRange, task: SplitTask[Result]) -> list[Result]:
        """Run the task on each partition of the frame."""
        return map_frame(self.read(offsets), task)

    def map_parts(self, parts: Sequence[Split], task: SplitTask[Result]) -> list[Result]:
        """Run the task on each part by itself."""
        return [result for part in parts for result in self.map_splits(_range(part), task)]

    def frame(self, offsets: OffsetRange) -> DataFrame:
        """Give the frame as it is."""
        return self.read(offsets)

    def records(self, splits: Sequence[Split]) -> list[Record]:
        """Collect them; a frame has no headers."""
        ranges = map(_range, splits)
        return [
            Record(offsets.topic, row.partition, row.offset, row.key, row.value)
            for offsets in ranges
            for row in topic_range.messages(self.read(offsets)).collect()
        ]

    def elsewhere(self, topic: str, since_ms: int) -> list[Split]:
        """A frame has no other topic."""
        del topic, since_ms
        return []


def _range(part: Split) -> OffsetRange:
    return OffsetRange(part.topic, {part.partition: part.start}, {part.partition: part.end})


@dataclass(frozen=True)
class Batches:
    """Messages as the executors' consumer reads them, with any timestamps."""

    history: RunHistory

    def map_splits(self, offsets: OffsetRange, task: SplitTask[Result]) -> list[Result]:
        """Run the task on all messages of the range in this process."""
        rows = [
            {
                "partition": partition,
                "offset": offset,
                "timestamp_ms": self.history.timestamps_ms.get(place, START_NS // MS + at_ms),
                "timestamp_type": CREATE_TIME,
                "key": key,
                "value": value,
            }
            for place, (partition, offset, at_ms, key, value) in enumerate(self.history.messages)
            if partition in offsets.end
            and offsets.first(partition) <= offset < offsets.end[partition]
        ]
        return [task(iter(pa.Table.from_pylist(rows, MESSAGES).to_batches()))]

    def map_parts(self, parts: Sequence[Split], task: SplitTask[Result]) -> list[Result]:
        """Run the task on each part by itself."""
        return [result for part in parts for result in self.map_splits(_range(part), task)]

    def frame(self, offsets: OffsetRange) -> DataFrame:
        """Return the messages with their times."""
        return self.history.source(offsets)

    def records(self, splits: Sequence[Split]) -> list[Record]:
        """Collect the few that are read again."""
        return Frames(self.history.source).records(splits)

    def elsewhere(self, topic: str, since_ms: int) -> list[Split]:
        """Return nothing: there is no other topic."""
        return Frames(self.history.source).elsewhere(topic, since_ms)

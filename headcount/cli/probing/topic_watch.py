"""The topic watch: reads the messages of all topics that grow while it lasts."""

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from headcount_analysis.messages.record import Record, received
from headcount_analysis.probe.findings import TopicSample
from headcount_analysis.probe.probe_request import seqs_in

from headcount.errors import PartError, UsageError
from headcount.kafka.cluster import Cluster
from headcount.kafka.missing_topic import missing_topic
from headcount.kafka.reading_guarantees import consumer_settings
from headcount.run.probe_ids import HeaderIds

TIMEOUT_S = 5.0
MOST_PARTITIONS = 2_000
MOST_SEARCHED = 20_000
"""The most messages of a topic that are searched."""
MOST_OWN, MOST_OTHERS = 1_000, 20
"""The most messages of a topic that are kept, with and without an id."""

_ENDS_EVERY_S = 0.25
_POLL_S = 0.05
_BATCH = 1_000
_END = -1
"""The timestamp that stands for the end of a partition."""
_SETTINGS = {"log_level": 0, "queued.max.messages.kbytes": 16 << 10, "fetch.wait.max.ms": 100}

Place = tuple[str, int]
"""A topic and a partition."""


@dataclass(slots=True)
class _TopicMessages:
    """The messages of a topic."""

    searched: int = 0
    own: list[Record] = field(default_factory=list)
    others: list[Record] = field(default_factory=list)


@dataclass(slots=True)
class TopicWatch:
    """Topics being watched; `starts` and `ends` are offsets of their partitions.

    `names` are the topics; if it is empty, all are watched except internal ones. `seqs` are the
    requests whose ids were seen, `problems` the errors of single topics.
    """

    client: Consumer
    cluster: Cluster
    names: frozenset[str]
    starts: dict[Place, int] = field(default_factory=dict)
    ends: dict[Place, int] = field(default_factory=dict)
    seqs: set[int] = field(default_factory=set)
    problems: dict[str, str] = field(default_factory=dict)
    _seen: dict[str, _TopicMessages] = field(default_factory=dict)
    _assigned: set[Place] = field(default_factory=set)
    _refreshed_s: float = 0.0

    def begin(self) -> None:
        """Note where the topics end.

        UsageError if a topic is missing, or if there are too many.
        """
        self.starts = self._first_ends()
        self.ends = dict(self.starts)
        missing = self.names - {topic for topic, _ in self.starts} - self.problems.keys()
        if missing:
            raise UsageError(
                missing_topic(
                    min(missing),
                    self.cluster,
                    "name another with --topic, or leave --topic out to watch all",
                )
            )
        if len(self.starts) > MOST_PARTITIONS:
            raise UsageError(
                f"{self.cluster} has {len(self.starts):,} partitions, and a probe watches at most "
                f"{MOST_PARTITIONS:,}: name the topics with --topic"
            )

    def advance(self, header_ids: tuple[HeaderIds, ...], duration_s: float) -> None:
        """Read what arrives within some time."""
        until_s = time.monotonic() + duration_s
        while (now_s := time.monotonic()) < until_s:
            if now_s - self._refreshed_s >= _ENDS_EVERY_S:
                self._refresh()
            for message in self.client.consume(_BATCH, _POLL_S):
                self._take(message, header_ids)

    def samples(self) -> tuple[TopicSample, ...]:
        """Return what was seen of each topic, the topic with the most ids first."""
        self._refresh()
        grown: dict[str, int] = {}
        for place, end in self.ends.items():
            grown[place[0]] = grown.get(place[0], 0) + end - self.starts.get(place, 0)
        samples = [_sample(name, count, self._seen) for name, count in sorted(grown.items())]
        return tuple(sorted(samples, key=lambda sample: -len(sample.own)))

    def _refresh(self) -> None:
        """Fetch the ends of all partitions, and read those that grew."""
        self._refreshed_s = time.monotonic()
        with contextlib.suppress(PartError):  # a broker that does not answer now may do so later
            self.ends |= self._fetch_ends()
        grown = {
            place
            for place, end in self.ends.items()
            if end > self.starts.get(place, 0) and place not in self._assigned
        }
        self._assigned |= grown
        self.client.incremental_assign(
            [TopicPartition(*place, self.starts.get(place, 0)) for place in grown]
        )

    def _first_ends(self) -> dict[Place, int]:
        """Return the end of each partition, once the cluster's brokers agree on the leaders.

        For a moment after a topic is made, or after a leader moves, they do not.
        """
        until_s = time.monotonic() + TIMEOUT_S
        while True:
            try:
                return self._fetch_ends()
            except PartError:
                if time.monotonic() >= until_s:
                    raise
                time.sleep(_ENDS_EVERY_S)

    def _fetch_ends(self) -> dict[Place, int]:
        """Return the end of each partition. PartError if no broker answers."""
        try:
            topics = self.client.list_topics(timeout=TIMEOUT_S).topics
            wanted = [
                TopicPartition(name, number, _END)
                for name, topic in topics.items()
                if (name in self.names if self.names else not name.startswith("_"))
                for number, partition in topic.partitions.items()
                if self._has_leader(name, number, partition.leader)
            ]
            offsets = self.client.offsets_for_times(wanted, TIMEOUT_S) if wanted else []
        except KafkaException as error:
            raise PartError(
                f"cannot read the end offsets of topics at {self.cluster}: {error.args[0].str()}"
            ) from None
        for offset in offsets:
            if offset.error is not None:
                self.problems[offset.topic] = offset.error.str()
        return {
            (offset.topic, offset.partition): offset.offset
            for offset in offsets
            if offset.error is None and offset.offset >= 0
        }

    def _has_leader(self, topic: str, number: int, leader: int) -> bool:
        """Return whether a partition has a leader; without one it would fail the whole request."""
        if leader < 0:
            self.problems[topic] = f"partition {number} has no leader"
        return leader >= 0

    def _take(self, message: Message, header_ids: tuple[HeaderIds, ...]) -> None:
        error, topic = message.error(), message.topic() or ""
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                self.problems[topic] = error.str()
            return
        seen = self._seen.setdefault(topic, _TopicMessages())
        if seen.searched >= MOST_SEARCHED:
            return
        seen.searched += 1
        record = received(message, message.timestamp()[1])
        seqs = seqs_in(header_ids, record)
        self.seqs.update(seqs)
        kept, most = (seen.own, MOST_OWN) if seqs else (seen.others, MOST_OTHERS)
        if len(kept) < most:
            kept.append(record)


@contextlib.contextmanager
def watching(cluster: Cluster, names: Iterable[str]) -> Iterator[TopicWatch]:
    """Watch topics for the block, from where they end now.

    UsageError if a topic is missing, PartError if no broker answers.
    """
    client = Consumer(consumer_settings(cluster, _SETTINGS))
    try:
        watch = TopicWatch(client, cluster, frozenset(names))
        watch.begin()
        yield watch
    finally:
        client.close()


def _sample(name: str, grown: int, seen: Mapping[str, _TopicMessages]) -> TopicSample:
    messages = seen.get(name, _TopicMessages())
    own, others = tuple(messages.own), tuple(messages.others)
    return TopicSample(name, grown, messages.searched, own, others)

"""The topic watch: reads what arrives in any topic while it lasts, and nothing older."""

import time
import uuid
from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin._metadata import ClusterMetadata

from headcount.cli.probing import topic_watch
from headcount.cli.probing.topic_watch import TopicWatch, watching
from headcount.errors import PartError, UsageError
from headcount.kafka.topic import ensure_topic
from headcount.run.id_form import IdForm
from headcount.run.ids import new_tag
from headcount.run.probe_ids import probe_ids
from headcount.stack.broker import Broker

HEADER_IDS = probe_ids(new_tag(), IdForm.PLAIN, "X-Event-Id")
DEADLINE_S = 60.0


@pytest.fixture
def publish(broker: Broker) -> Callable[..., None]:
    """Publish messages to a topic, and wait until they are there."""
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})

    def messages(topic: str, *values: str) -> None:
        for value in values:
            producer.produce(topic, value.encode())
        assert producer.flush(DEADLINE_S) == 0

    return messages


def own(seq: int) -> str:
    """A message with an id, as the third header carries it."""
    return f'{{"correlation": "{HEADER_IDS[2].ids.text(0, seq)}"}}'


def await_seqs(watch: TopicWatch, seqs: set[int]) -> None:
    """Watch until the ids of some requests were seen."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not seqs <= watch.seqs:
        assert time.monotonic() < deadline_s
        watch.advance(HEADER_IDS, 0.1)


def test_messages_of_all_topics(broker: Broker, topic: str, publish: Callable[..., None]) -> None:
    """Those of a topic that is new, too, but none from before."""
    new_topic = f"test-{uuid.uuid4().hex[:12]}"
    publish(topic, own(7))
    with watching(broker.cluster, ()) as watch:
        ensure_topic(broker.cluster, new_topic, partitions=1)
        publish(new_topic, own(0))
        publish(topic, own(1), "foreign")
        await_seqs(watch, {0, 1})
        samples = {topic_sample.topic: topic_sample for topic_sample in watch.samples()}
    assert watch.seqs == {0, 1}
    assert [record.value for record in samples[new_topic].own] == [own(0).encode()]
    sample = samples[topic]
    assert (sample.grown, sample.searched) == (2, 2)
    assert [record.value for record in sample.others] == [b"foreign"]
    assert not any(name.startswith("_") for name in samples)


def test_named_topics(broker: Broker, topic: str, publish: Callable[..., None]) -> None:
    """Only those are read; a name that no topic has is a mistake."""
    other = f"test-{uuid.uuid4().hex[:12]}"
    ensure_topic(broker.cluster, other, partitions=1)
    with watching(broker.cluster, [topic]) as watch:
        publish(other, own(0))
        publish(topic, own(1))
        await_seqs(watch, {1})
        assert [topic_sample.topic for topic_sample in watch.samples()] == [topic]
    assert watch.seqs == {1}
    with (
        pytest.raises(UsageError, match="no-such-topic"),
        watching(broker.cluster, ["no-such-topic"]),
    ):
        pass


def test_a_busy_topic(
    broker: Broker, topic: str, publish: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the search nor what is kept grows without limit."""
    monkeypatch.setattr(topic_watch, "MOST_SEARCHED", 50)
    monkeypatch.setattr(topic_watch, "MOST_OTHERS", 3)
    with watching(broker.cluster, [topic]) as watch:
        publish(topic, own(0))
        await_seqs(watch, {0})
        publish(topic, *["foreign"] * 200)
        deadline_s = time.monotonic() + DEADLINE_S
        while watch.samples()[0].searched < 50:
            assert time.monotonic() < deadline_s
            watch.advance(HEADER_IDS, 0.1)
        watch.advance(HEADER_IDS, 0.3)
        (sample,) = watch.samples()
    assert (sample.grown, sample.searched, len(sample.others)) == (201, 50, 3)


def test_too_many_partitions(broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the topics must be named."""
    monkeypatch.setattr(topic_watch, "MOST_PARTITIONS", 3)
    with pytest.raises(UsageError, match="--topic"), watching(broker.cluster, [topic]):
        pass


class DisagreeingBrokers(Consumer):
    """A client that is told several times that its broker does not lead a partition."""

    refusals = 3

    def offsets_for_times(
        self, partitions: list[TopicPartition], timeout: float = -1
    ) -> list[TopicPartition]:
        """Refuse, and later answer."""
        self.refusals -= 1
        if self.refusals >= 0:
            raise KafkaException(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION))
        return super().offsets_for_times(partitions, timeout)


def test_a_leader_that_has_just_moved(
    broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch begins once the brokers agree on the leader, and gives up after a while."""
    monkeypatch.setattr(topic_watch, "Consumer", DisagreeingBrokers)
    with watching(broker.cluster, [topic]) as watch:
        assert {name for name, _ in watch.starts} == {topic}
    monkeypatch.setattr(DisagreeingBrokers, "refusals", 1_000)
    monkeypatch.setattr(topic_watch, "TIMEOUT_S", 0.3)
    with pytest.raises(PartError, match="leader"), watching(broker.cluster, [topic]):
        pass


class LeaderlessTopics(Consumer):
    """A client that is told that some topics have no leader."""

    names: frozenset[str] = frozenset()

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> ClusterMetadata:
        """Take the leaders away."""
        described: ClusterMetadata = super().list_topics(topic, timeout)
        for name in self.names:
            described.topics[name].partitions[0].leader = -1
        return described


def test_a_partition_without_a_leader(
    broker: Broker, topic: str, publish: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, and keeps no other topic from being watched."""
    leaderless = f"test-{uuid.uuid4().hex[:12]}"
    ensure_topic(broker.cluster, leaderless, partitions=1)
    monkeypatch.setattr(topic_watch, "Consumer", LeaderlessTopics)
    monkeypatch.setattr(LeaderlessTopics, "names", frozenset({leaderless}))
    with watching(broker.cluster, [topic, leaderless]) as watch:
        publish(topic, own(0))
        await_seqs(watch, {0})
        assert watch.problems == {leaderless: "partition 0 has no leader"}

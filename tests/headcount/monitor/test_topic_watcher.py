"""The topic watcher: sees the messages of a real topic, also in partitions added later."""

import contextlib
import itertools
import json
import socket
import time
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Producer
from kafka import KafkaAdminClient, KafkaProducer

from headcount.kafka.cluster import Cluster
from headcount.kafka.topic import describe, ensure_topic
from headcount.monitor import topic_watcher
from headcount.monitor.message_ids import Identities
from headcount.monitor.seq_bitmap import unpacked
from headcount.monitor.topic_counts import TopicCounter
from headcount.monitor.topic_watcher import watch_topic
from headcount.run.id_form import RunIds
from headcount.stack.broker import Broker

pytestmark = pytest.mark.e2e

DEADLINE_S = 120.0
IDS = Identities(RunIds("run-1"))


def test_an_added_partition_is_watched(broker: Broker) -> None:
    """Its events are counted."""
    topic = f"growing-{uuid.uuid4().hex[:8]}"
    ensure_topic(broker.cluster, topic, partitions=1)
    publish(broker, topic, partition=0, seq=0)
    with contextlib.closing(watch_topic(broker.cluster, topic, IDS, {0: 0})) as watched:
        seen = [next(watched).arrived]
        add_partition(broker, topic)
        publish(broker, topic, partition=1, seq=1)
        deadline_s = time.monotonic() + DEADLINE_S
        while sum(seen[-1].values()) < 2:
            assert time.monotonic() < deadline_s, seen
            seen.append(next(watched).arrived)
    assert seen[-1] == {"default": 2}


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
def test_compressed_messages_are_read(broker: Broker, compression: str) -> None:
    """As the verification reads them; a read is complete even after an aborted transaction."""
    topic = f"compressed-{uuid.uuid4().hex[:8]}"
    ensure_topic(broker.cluster, topic, partitions=1)
    settings = {"bootstrap.servers": broker.bootstrap_servers, "linger.ms": 50}
    producer = Producer({**settings, "compression.type": compression, "transactional.id": topic})
    producer.init_transactions(DEADLINE_S)
    for first, ends in ((0, producer.commit_transaction), (500, producer.abort_transaction)):
        producer.begin_transaction()
        for seq in range(first, first + 500):
            producer.produce(topic, json.dumps({"X-Event-Id": f"run-1.0.{seq}"}).encode())
            producer.poll(0)
        producer.flush(DEADLINE_S)
        ends(DEADLINE_S)
    began_s = time.monotonic()
    seen: set[int] = set()
    with contextlib.closing(watch_topic(broker.cluster, topic, IDS, {0: 0})) as watched:
        for counts in watched:
            seen |= {
                number * 4096 + bit
                for number, bits in unpacked(counts.seen.get(0, ())).items()
                for bit in range(4096)
                if bits >> bit & 1
            }
            if (counts.complete_at_s or 0) > began_s and len(seen) >= 500 and not counts.unread:
                break
            assert time.monotonic() < began_s + DEADLINE_S, counts
    assert seen == set(range(500))


def test_an_unreachable_broker(unused_port: int) -> None:
    """It keeps trying, reports the problem, and reports no complete read."""
    with contextlib.closing(
        watch_topic(Cluster(f"127.0.0.1:{unused_port}"), "t", IDS, {0: 0})
    ) as watched:
        first = next(watched)
        later = first
        deadline_s = time.monotonic() + DEADLINE_S
        while not later.problem and time.monotonic() < deadline_s:
            later = next(watched)
    assert "refused" in later.problem or "down" in later.problem or "transport" in later.problem
    assert first.complete_at_s is later.complete_at_s is None


class SlowConsumer:
    """A consumer of a partition with three messages, which come in the third read."""

    def __init__(self) -> None:
        self.reads = 0

    def list_topics(self, *_: object) -> SimpleNamespace:
        """Describe the topic."""
        return SimpleNamespace(topics={"t": SimpleNamespace(partitions={0: None})})

    def get_watermark_offsets(self, *_: object) -> tuple[int, int]:
        """Return where the partition begins and ends."""
        return 0, 3

    def consume(self, *_: object) -> list[SimpleNamespace]:
        """Return messages, once."""
        time.sleep(topic_watcher.REPORT_EVERY_S)
        self.reads += 1
        return [_message(seq) for seq in range(3)] if self.reads == 3 else []


def _message(seq: int) -> SimpleNamespace:
    value = json.dumps({"X-Event-Id": f"run-1.0.{seq}"}).encode()
    parts = {"error": None, "partition": 0, "offset": seq, "value": value, "key": None}
    return SimpleNamespace(
        headers=lambda: None, **{name: lambda part=part: part for name, part in parts.items()}
    )


def test_nothing_is_complete_before_everything_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watcher that has just started has not read what is in the topic already."""
    monkeypatch.setattr(topic_watcher, "REPORT_EVERY_S", 0.01)
    client: Any = SlowConsumer()
    reader = topic_watcher._TopicReader(client, "t", TopicCounter(IDS), {0: 0}, [])  # noqa: SLF001
    began_s = time.monotonic()
    reports = list(itertools.islice(reader.counts(), 3))
    assert [report.complete_at_s for report in reports[:2]] == [None, None]
    assert [report.unread for report in reports] == [3, 3, 0]
    assert (reports[2].complete_at_s or 0) >= began_s


@pytest.fixture
def unused_port() -> int:
    """A port where nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def add_partition(broker: Broker, topic: str) -> None:
    """Give a topic a second partition."""
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)) as admin:
        admin.create_partitions({topic: 2})
    deadline_s = time.monotonic() + DEADLINE_S
    while (now := describe(broker.cluster, topic)) is None or now.partitions < 2:
        assert time.monotonic() < deadline_s


def publish(broker: Broker, topic: str, *, partition: int, seq: int) -> None:
    """Publish an event of the run."""
    event = json.dumps({"X-Event-Id": f"run-1.0.{seq}", "event_type": "default"}).encode()
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.bootstrap_servers)) as producer:
        producer.send(topic, event, partition=partition).get(DEADLINE_S)

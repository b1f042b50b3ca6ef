"""Records: a few messages of a real broker with their headers, also from other topics."""

import time
from pathlib import Path

import confluent_kafka
import pytest
from headcount_analysis.messages.record import Record
from headcount_analysis.read.partition_reader import Split
from headcount_analysis.read.sample_records import RecordReader
from kafka import KafkaAdminClient

from headcount.kafka.cluster import Cluster
from headcount.kafka.topic import ensure_topic
from headcount.stack.broker import Broker

pytestmark = pytest.mark.e2e


def publish(broker: Broker, topic: str, *values: bytes) -> None:
    """Publish messages to a topic's first partition, each with a key and a header."""
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.bootstrap_servers})
    for value in values:
        producer.produce(topic, value, b"key", 0, headers=[("X-Event-Id", value), ("none", None)])
    assert producer.flush(30) == 0


def test_splits_are_read_with_headers(broker: Broker, topic: str, tmp_path: Path) -> None:
    """Each split up to the partition's end, without waiting for more."""
    del tmp_path
    publish(broker, topic, *(b"%d" % number for number in range(20)))
    reader = RecordReader(broker.cluster)
    began_s = time.monotonic()
    records = reader.read([Split(topic, 0, 3, 5), Split(topic, 0, 18, 40)])
    assert time.monotonic() - began_s < 10
    assert [record.offset for record in records] == [3, 4, 18, 19]
    headers = (("X-Event-Id", b"3"), ("none", None))
    assert records[0] == Record(topic, 0, 3, b"key", b"3", headers)


def test_other_topics_are_sampled(broker: Broker, topic: str) -> None:
    """Messages since a time and at the end; the run's topic and Kafka's own are left out."""
    other, servers = f"{topic}-other", broker.bootstrap_servers
    ensure_topic(Cluster(servers), other, partitions=2)
    try:
        publish(broker, topic, b"own")
        publish(broker, other, *(b"before-%d" % number for number in range(30)))
        time.sleep(0.02)  # the two are apart in ms
        since_ms = int(time.time() * 1000)
        publish(broker, other, *(b"since-%d" % number for number in range(200)))
        reader = RecordReader(Cluster(servers))
        splits = [sample for sample in reader.elsewhere(topic, since_ms) if sample.topic == other]
        assert splits == [Split(other, 0, 30, 80), Split(other, 0, 180, 230)]
        assert reader.read(splits)[0].value == b"since-0"
        names = {sample.topic for sample in reader.elsewhere(topic, since_ms)}
        assert topic not in names
        assert not any(name.startswith("__") for name in names)
    finally:
        admin = KafkaAdminClient(bootstrap_servers=servers)
        admin.delete_topics([other])
        admin.close()


def test_a_cluster_that_is_gone_yields_nothing() -> None:
    """Unreadable records are left out, in bounded time."""
    reader = RecordReader(Cluster("127.0.0.1:1"), patience_s=1)
    assert reader.read([Split("events", 0, 0, 10)]) == []
    assert reader.elsewhere("events", 0) == []

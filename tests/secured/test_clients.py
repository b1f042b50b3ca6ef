"""The clients: kafka-python's and librdkafka's connect with the same settings."""

import time

import confluent_kafka
import pytest
from kafka import KafkaProducer

from headcount.kafka import cluster_metadata, topic
from headcount.kafka.cluster import Cluster
from headcount.kafka.leader_requests import epoch_ends
from headcount.kafka.reading_guarantees import consumer_settings
from headcount.kafka_settings import kafka_python
from tests.secured.broker import LISTENERS, SecuredBroker
from tests.secured.conftest import TOPIC

pytestmark = pytest.mark.e2e


def write(cluster: Cluster, value: bytes) -> tuple[int, int]:
    """Publish a message by kafka-python, as the game service does; return where it is."""
    producer = KafkaProducer(
        bootstrap_servers=cluster.bootstrap_servers, **kafka_python.client_options(cluster.settings)
    )
    try:
        place = producer.send(TOPIC, value).get(timeout=60)
    finally:
        producer.close()
    return place.partition, place.offset


def read(cluster: Cluster, partition: int, offset: int) -> bytes | str | None:
    """Read a message by librdkafka, as the verification does."""
    consumer = confluent_kafka.Consumer(consumer_settings(cluster, {}))
    try:
        consumer.assign([confluent_kafka.TopicPartition(TOPIC, partition, offset)])
        deadline_s = time.monotonic() + 60
        while time.monotonic() < deadline_s:
            for message in consumer.consume(1, 1):
                # The user may not join groups, and need not.
                if message.error() is None:
                    return message.value()
        return None
    finally:
        consumer.close()


@pytest.mark.parametrize("listener", LISTENERS)
def test_one_writes_what_the_other_reads(secured: SecuredBroker, listener: str) -> None:
    """On each listener, and the cluster is described without the right to see its settings."""
    cluster = secured.cluster(listener)
    partition, offset = write(cluster, listener.encode())
    assert read(cluster, partition, offset) == listener.encode()
    assert topic.end_offsets(cluster, TOPIC)[partition] == offset + 1
    assert topic.written_offsets(cluster, TOPIC)[partition] == offset + 1
    ends, epochs = topic.end_offsets_and_epochs(cluster, TOPIC)
    assert epoch_ends(cluster, TOPIC, epochs) == ends
    assert cluster_metadata.cluster_id(cluster) == secured.broker.cluster_id
    described = topic.describe(cluster, TOPIC)
    assert described is not None
    assert (described.cleanup_policy, described.retention_ms) == (None, None)
    assert described.operations is not None
    assert {"READ", "DESCRIBE"} <= described.operations


def test_connections_share_a_token(secured: SecuredBroker) -> None:
    """Asking the cluster again and again does not ask the token server as often."""
    cluster, before = (
        secured.cluster("oauth", sasl_oauthbearer_scope="shared"),
        secured.tokens.issued,
    )
    for _ in range(3):
        topic.end_offsets(cluster, TOPIC)
    assert secured.tokens.issued - before == 1


@pytest.mark.slow
def test_tokens_are_renewed(secured: SecuredBroker) -> None:
    """Clients that live longer than their tokens go on with new ones."""
    secured.tokens.life_s, before = 10.0, secured.tokens.issued
    # Another scope is another source, of which no client has a token yet.
    cluster = secured.cluster("oauth", sasl_oauthbearer_scope="renewed")
    consumer = confluent_kafka.Consumer(consumer_settings(cluster, {}))
    producer = KafkaProducer(
        bootstrap_servers=cluster.bootstrap_servers, **kafka_python.client_options(cluster.settings)
    )
    try:
        assert TOPIC in consumer.list_topics(TOPIC, 60).topics
        deadline_s = time.monotonic() + 300
        while secured.tokens.issued - before < 8 and time.monotonic() < deadline_s:
            place = producer.send(TOPIC, b"again").get(timeout=60)
            partition = confluent_kafka.TopicPartition(TOPIC, place.partition)
            _, end = consumer.get_watermark_offsets(partition, 60)
            assert end == place.offset + 1
            time.sleep(0.2)
    finally:
        producer.close()
        consumer.close()
        secured.tokens.life_s = 300.0
    assert secured.tokens.issued - before >= 8

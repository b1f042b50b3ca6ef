"""The watch: what a real topic gets is seen, in the partitions that it has and is given."""

import contextlib
import json
import time
import uuid

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from headcount.live.watch import sights
from headcount.stack.broker import Broker
from headcount.stack.topic import describe, ensure_topic

pytestmark = pytest.mark.e2e

DEADLINE_S = 120.0


def test_a_partition_that_is_added_is_watched(broker: Broker) -> None:
    """An event in it is not missing."""
    topic = f"growing-{uuid.uuid4().hex[:8]}"
    ensure_topic(broker.bootstrap_servers, topic, partitions=1)
    publish(broker, topic, partition=0, seq=0)
    with contextlib.closing(sights(broker.bootstrap_servers, topic, "run-1", {0: 0})) as watched:
        seen = [next(watched).arrived]
        add_partition(broker, topic)
        publish(broker, topic, partition=1, seq=1)
        deadline_s = time.monotonic() + DEADLINE_S
        while sum(seen[-1].values()) < 2:
            assert time.monotonic() < deadline_s, seen
            seen.append(next(watched).arrived)
    assert seen[-1] == {"default": 2}


def add_partition(broker: Broker, topic: str) -> None:
    """Give a topic a second partition."""
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)) as admin:
        admin.create_partitions({topic: 2})
    deadline_s = time.monotonic() + DEADLINE_S
    while (found := describe(broker.bootstrap_servers, topic)) is None or found.partitions < 2:
        assert time.monotonic() < deadline_s


def publish(broker: Broker, topic: str, *, partition: int, seq: int) -> None:
    """Publish an event of the run."""
    event = json.dumps({"X-Event-Id": f"run-1.0.{seq}", "event_type": "default"}).encode()
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.bootstrap_servers)) as producer:
        producer.send(topic, event, partition=partition).get(DEADLINE_S)

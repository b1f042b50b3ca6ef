"""Leader epochs: where they end in a log that was truncated, and in one that was not."""

import struct
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import kafka.errors
import pytest
from kafka import KafkaAdminClient, KafkaProducer

from headcount.kafka.client import connected
from headcount.kafka.cluster import Cluster
from headcount.kafka.leader_requests import epoch_ends
from headcount.kafka.topic import describe, end_offsets, end_offsets_and_epochs, ensure_topic
from headcount.stack.broker import Broker
from headcount.stack.broker_config import DATA, Membership
from headcount.stack.process import wait_until
from tests.brokers import started_together
from tests.conftest import NewBroker, NewConfig

pytestmark = pytest.mark.e2e

DEADLINE_S = 120.0
TOPIC = "unclean"


def publish(cluster: Cluster, name: str, count: int, partition: int = 0) -> None:
    """Publish messages, each in a batch of its own, acknowledged by the leader alone."""
    servers = cluster.bootstrap_servers
    producer = KafkaProducer(bootstrap_servers=servers, acks=1, enable_idempotence=False)
    with closing(producer):
        for _ in range(count):
            producer.send(name, b"x", partition=partition).get(60)


def truncate(log: Path, messages: int) -> None:
    """Keep the first messages of a partition's folder, as a power failure would."""
    (segment,) = log.glob("*.log")
    content, size = segment.read_bytes(), 0
    for _ in range(messages):
        (_, length) = struct.unpack(">qi", content[size : size + 12])
        size += 12 + length
    segment.write_bytes(content[:size])


def test_the_present_epoch_ends_where_the_log_ends(broker: Broker, topic: str) -> None:
    """A later epoch has no end."""
    publish(broker.cluster, topic, 2)
    ends, epochs = end_offsets_and_epochs(broker.cluster, topic)
    assert (ends, epochs) == ({0: 2, 1: 0, 2: 0, 3: 0}, dict.fromkeys(range(4), 0))
    assert epoch_ends(broker.cluster, topic, epochs) == ends
    assert epoch_ends(broker.cluster, topic, {0: 1, 2: 0}) == {2: 0}


@pytest.mark.slow
def test_the_end_of_an_epoch_of_a_truncated_log(new_broker: NewBroker, tmp_path: Path) -> None:
    """It is where the next leader began to write, however far the log reaches now.

    In a partition that lost nothing, it is where that ended.
    """
    first = new_broker(tmp_path)
    ensure_topic(first.cluster, "short", 3)
    for partition in (0, 1):
        publish(first.cluster, "short", 5, partition)
    ends, epochs = end_offsets_and_epochs(first.cluster, "short")
    first.kill()
    truncate(tmp_path / DATA / "short-0", 3)
    second = new_broker(tmp_path)
    publish(second.cluster, "short", 4)
    assert end_offsets(second.cluster, "short") == {0: 7, 1: 5, 2: 0}
    assert epoch_ends(second.cluster, "short", epochs) == {**ends, 0: 3}
    described = describe(second.cluster, "short")
    assert described is not None
    assert all(described.leader_epochs[number] > epoch for number, epoch in epochs.items())
    second.stop()


@pytest.mark.parametrize(
    "error",
    [
        kafka.errors.IncompatibleBrokerVersion,
        kafka.errors.UnsupportedVersionError,
        kafka.errors.TopicAuthorizationFailedError,
        kafka.errors.ClusterAuthorizationFailedError,
    ],
)
def test_a_broker_that_does_not_answer_the_request(
    broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """The ends are then unknown, and no time is lost."""
    requested: list[object] = []

    def refused(_client: KafkaAdminClient, specs: Any) -> Any:
        requested.append(specs)
        raise error

    monkeypatch.setattr(KafkaAdminClient, "list_partition_offsets", refused)
    assert epoch_ends(broker.cluster, topic, {0: 0}) == {}
    assert len(requested) == 1


@pytest.mark.heavy
def test_an_unclean_leader_election(new_config: NewConfig, tmp_path: Path) -> None:
    """A replica that lacks acknowledged messages leads: the epoch before ends where its log did.

    The third broker has no replica: without it, no majority could elect a leader.
    """
    configs = [
        replace(new_config(tmp_path / f"broker-{member.index}"), membership=member)
        for member in Membership.of_cluster(3)
    ]
    with ExitStack() as stack:
        brokers = list(started_together(configs, stack))
        cluster = Cluster(",".join(broker.bootstrap_servers for broker in brokers))
        leader, follower = _replicas_of_a_new_topic(cluster)
        publish(cluster, TOPIC, 3)
        wait_until(lambda: end_offsets(cluster, TOPIC) == {0: 3}, DEADLINE_S, "both have these")
        brokers[follower].kill()
        publish(cluster, TOPIC, 5)
        wait_until(lambda: end_offsets(cluster, TOPIC) == {0: 8}, DEADLINE_S, "one is in sync")
        ends, epochs = end_offsets_and_epochs(cluster, TOPIC)
        brokers[leader].kill()
        stack.callback(Broker(configs[follower]).kill)
        wait_until(lambda: _replicas(cluster)[0] == follower, DEADLINE_S, "the other one leads")
        publish(cluster, TOPIC, 2)
        assert ends == {0: 8}
        assert end_offsets(cluster, TOPIC) == {0: 5}
        assert epoch_ends(cluster, TOPIC, epochs) == {0: 3}


def _replicas_of_a_new_topic(cluster: Cluster) -> tuple[int, int]:
    """Create the topic, and return the index of its leader and of its follower."""
    configs = {"min.insync.replicas": "1", "unclean.leader.election.enable": "true"}
    new = {"num_partitions": 1, "replication_factor": 2, "configs": configs}
    with connected(cluster, DEADLINE_S, "create a topic") as client:
        client.create_topics({TOPIC: new})
        client.wait_for_topics([TOPIC])
    return _replicas(cluster)


def _replicas(cluster: Cluster) -> tuple[int, int]:
    """Return the index of the broker that leads the topic, -1 without one, and of the other."""
    with connected(cluster, DEADLINE_S, "describe a topic") as client:
        (described,) = client.describe_topics([TOPIC])
    (partition,) = described["partitions"]
    leader: int = partition["leader_id"]
    (other, *_) = (node for node in partition["replica_nodes"] if node != leader)
    return max(-1, leader - 1), other - 1

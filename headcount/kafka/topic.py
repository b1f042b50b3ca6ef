"""The topic: creates it, describes it, and returns where it begins and ends.

Every call opens and closes its own connection, and ends within its timeout, even if no broker
answers. The calls also work where gevent has patched the standard library.
"""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import kafka.errors
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec

from headcount.errors import PartError
from headcount.kafka.client import (
    RETRY_S,
    TIMEOUT_S,
    connected,
)
from headcount.kafka.cluster import Cluster
from headcount.kafka.leader_requests import ReplicaClient, from_leaders
from headcount.kafka.missing_topic import missing_topic
from headcount.kafka.permissions import Operation

_DESCRIBED = ("cleanup.policy", "retention.ms", "message.timestamp.type")

# Settings of a topic created here: evidence does not expire, and brokers set the timestamps.
TOPIC_CONFIG = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "LogAppendTime",
}


@dataclass(frozen=True, slots=True)
class TopicDescription:
    """A topic as its cluster describes it.

    `topic_id` is None from brokers without topic ids, and `replication` is that of partition 0.
    `retention_ms` is -1 if nothing expires, and `timestamp_type` is `CreateTime` or
    `LogAppendTime`; these two and `cleanup_policy` are None if the user may not see them, or if the
    brokers do not describe them. `operations` are those that the user may do, such as `READ`; None
    if the brokers do not say.
    """

    name: str
    topic_id: str | None
    partitions: int
    replication: int
    cleanup_policy: str | None
    retention_ms: int | None
    timestamp_type: str | None
    leader_epochs: Mapping[int, int] = field(default_factory=dict)
    """The leader epoch of each partition; a partition is missing if its broker reports none.

    A later epoch means a new leader, which may lack messages that the previous one had.
    """
    operations: frozenset[str] | None = None


def ensure_topic(
    cluster: Cluster,
    name: str,
    partitions: int,
    replication: int = 1,
    *,
    timeout_s: float = TIMEOUT_S,
) -> TopicDescription:
    """Describe the topic, and create it if it is missing. An existing topic is not changed.

    Raises:
        PartError: No broker answers, or it refuses.
    """
    new = {
        "num_partitions": partitions,
        "replication_factor": replication,
        "configs": TOPIC_CONFIG,
    }
    end_s = time.monotonic() + timeout_s
    what = f"create the topic {name!r}"
    with connected(cluster, timeout_s, what, needs=(Operation.CREATE, name)) as client:
        if _metadata(client, name) is None:
            # Another process may have created it since the check.
            with contextlib.suppress(kafka.errors.TopicAlreadyExistsError):
                client.create_topics({name: new}, timeout_ms=int(timeout_s * 1000))
            client.wait_for_topics([name], timeout_ms=int(timeout_s * 1000))
        return _describe_once_known(client, name, end_s)


def describe(
    cluster: Cluster, name: str, *, timeout_s: float = TIMEOUT_S
) -> TopicDescription | None:
    """Describe the topic; None if it does not exist.

    Raises:
        PartError: No broker answers, or it refuses.
    """
    what = f"describe the topic {name!r}"
    with connected(cluster, timeout_s, what, needs=(Operation.DESCRIBE, name)) as client:
        metadata = _metadata(client, name)
        return None if metadata is None else _described(name, metadata, _settings(client, name))


def beginning_offsets(
    cluster: Cluster, name: str, *, timeout_s: float = TIMEOUT_S
) -> dict[int, int]:
    """Return the first offset that each partition still has.

    Raises:
        PartError: No broker answers, it refuses, or there is no such topic.
    """
    return _only_offsets(_offsets(cluster, name, OffsetSpec.EARLIEST, timeout_s))


def end_offsets(cluster: Cluster, name: str, *, timeout_s: float = TIMEOUT_S) -> dict[int, int]:
    """Return the offset that each partition's next message will have.

    Raises:
        PartError: No broker answers, it refuses, or there is no such topic.
    """
    return _only_offsets(_offsets(cluster, name, OffsetSpec.LATEST, timeout_s))


def end_offsets_and_epochs(
    cluster: Cluster, name: str, *, timeout_s: float = TIMEOUT_S
) -> tuple[dict[int, int], dict[int, int]]:
    """Return the end offsets, and the epochs of the leaders that reported them, by partition.

    An epoch is missing if the brokers do not report it.

    Raises:
        PartError: No broker answers, it refuses, or there is no such topic.
    """
    ends = _offsets(cluster, name, OffsetSpec.LATEST, timeout_s)
    epochs = {number: end.leader_epoch for number, end in ends.items()}
    return _only_offsets(ends), {
        number: int(epoch)
        for number, epoch in epochs.items()
        if epoch is not None and epoch >= 0  # -1: messages of an old format have no epoch
    }


def written_offsets(cluster: Cluster, name: str, *, timeout_s: float = TIMEOUT_S) -> dict[int, int]:
    """Return the offset after the last message that each partition's leader has.

    If it is beyond the end offset, not all in-sync replicas have the messages between the two: no
    consumer can read these yet, although with acks=1 they are acknowledged. Brokers other than
    Kafka may return the end offset here.

    Raises:
        PartError: No broker answers, it refuses, or there is no such topic.
    """
    latest = OffsetSpec.LATEST
    return _only_offsets(_offsets(cluster, name, latest, timeout_s, client_type=ReplicaClient))


def is_empty(
    cluster: Cluster,
    name: str,
    partition: int,
    first: int,
    end: int,
    *,
    timeout_s: float = TIMEOUT_S,
) -> bool:
    """Return whether a consumer finds no message from offset `first` up to `end`.

    The range may still hold transaction markers, and messages of aborted transactions. If the
    timeout ends first, it counts as not empty.

    Raises:
        PartError: No broker answers.
    """
    place = TopicPartition(name, partition)
    with connected(
        cluster,
        timeout_s,
        f"read {name!r}",
        KafkaConsumer,
        needs=(Operation.READ, name),
        isolation_level="read_committed",
        enable_auto_commit=False,
    ) as consumer:
        consumer.assign([place])
        consumer.seek(place, first)
        deadline_s = time.monotonic() + timeout_s
        while consumer.position(place) < end and time.monotonic() < deadline_s:
            for record in consumer.poll(timeout_ms=500).get(place, ()):
                if record.offset < end:
                    return False
        return bool(consumer.position(place) >= end)


def _offsets(
    cluster: Cluster,
    name: str,
    spec: Any,
    timeout_s: float,
    *,
    client_type: type[KafkaAdminClient] = KafkaAdminClient,
) -> dict[int, Any]:
    """Return each partition's offset, with its leader epoch if the brokers report it."""
    what = f"read the offsets of {name!r}"
    needs = Operation.DESCRIBE, name
    with connected(cluster, timeout_s, what, client_type, needs=needs) as client:
        metadata = _metadata(client, name)
        if metadata is None:
            raise PartError(missing_topic(name, cluster))
        partitions = [partition["partition_index"] for partition in metadata["partitions"]]
        specs = {TopicPartition(name, number): spec for number in partitions}
        offsets = from_leaders(client, specs, time.monotonic() + timeout_s)
        return {number: offsets[TopicPartition(name, number)] for number in partitions}


def _only_offsets(offsets: Mapping[int, Any]) -> dict[int, int]:
    return {number: int(offset.offset) for number, offset in offsets.items()}


def _metadata(client: KafkaAdminClient, name: str) -> Mapping[str, Any] | None:
    """Return the cluster's metadata of the topic; None if it does not exist."""
    (metadata,) = client.describe_topics([name])
    error = kafka.errors.for_code(metadata["error_code"])
    if error is kafka.errors.UnknownTopicOrPartitionError:
        return None
    if error is not kafka.errors.NoError:
        raise error(name)
    return dict(metadata)


def _describe_once_known(client: KafkaAdminClient, name: str, end_s: float) -> TopicDescription:
    """Describe an existing topic; brokers may not all know a new one yet."""
    while True:
        metadata, is_over = _metadata(client, name), time.monotonic() >= end_s
        if metadata is not None:
            settings = _settings(client, name)
            described = _described(name, metadata, settings)
            if settings or settings is None or is_over or not _may_see_settings(described):
                return described
        elif is_over:
            raise kafka.errors.UnknownTopicOrPartitionError(name)
        time.sleep(RETRY_S)


def _may_see_settings(described: TopicDescription) -> bool:
    operations = described.operations
    return operations is None or Operation.DESCRIBE_CONFIGS.name in operations


def _settings(client: KafkaAdminClient, name: str) -> Mapping[str, Mapping[str, str]] | None:
    """Return the topic's settings; None if the brokers do not describe any.

    They are empty if the user may not see them, or if the broker does not know the topic yet; the
    client does not say which.
    """
    wanted = ConfigResource(ConfigResourceType.TOPIC, name)
    try:
        configs: Mapping[str, Mapping[str, str]] = client.describe_configs(
            [wanted], config_filter="all"
        )["topic"][name]
    except (kafka.errors.IncompatibleBrokerVersion, kafka.errors.UnsupportedVersionError):
        return None
    return configs


def _described(
    name: str, metadata: Mapping[str, Any], settings: Mapping[str, Mapping[str, str]] | None
) -> TopicDescription:
    values = {key: (settings or {}).get(key, {}).get("value") for key in _DESCRIBED}
    retention_ms = values["retention.ms"]
    operations = metadata.get("authorized_operations")
    return TopicDescription(
        name=name,
        topic_id=str(metadata["topic_id"]) if metadata.get("topic_id") else None,
        partitions=len(metadata["partitions"]),
        replication=len(metadata["partitions"][0]["replica_nodes"]),
        cleanup_policy=values["cleanup.policy"],
        retention_ms=None if retention_ms is None else int(retention_ms),
        timestamp_type=values["message.timestamp.type"],
        leader_epochs={
            partition["partition_index"]: partition["leader_epoch"]
            for partition in metadata["partitions"]
            if partition.get("leader_epoch", -1) >= 0
        },
        operations=None if operations is None else frozenset(operations),
    )

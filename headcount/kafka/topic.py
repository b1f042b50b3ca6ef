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
    LISTENING_WITHIN_S,
    RETRY_S,
    TIMEOUT_S,
    NoSettingsError,
    connected,
)

_DEBUGGING_REPLICA = -2  # in Kafka's ListOffsetsRequest: neither consumer nor broker

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

    `topic_id` is None from brokers without topic ids, `replication` is that of partition 0, and
    `retention_ms` is -1 if nothing expires. `timestamp_type` is `CreateTime` or `LogAppendTime`.
    """

    name: str
    topic_id: str | None
    partitions: int
    replication: int
    cleanup_policy: str
    retention_ms: int
    timestamp_type: str
    leader_epochs: Mapping[int, int] = field(default_factory=dict)
    """The leader epoch of each partition: a new leader may lack what the previous one had."""


def ensure_topic(
    bootstrap_servers: str,
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
    with connected(bootstrap_servers, timeout_s, f"create the topic {name!r}") as client:
        if _metadata(client, name) is None:
            # Another process may have created it since the check.
            with contextlib.suppress(kafka.errors.TopicAlreadyExistsError):
                client.create_topics({name: new}, timeout_ms=int(timeout_s * 1000))
            client.wait_for_topics([name], timeout_ms=int(timeout_s * 1000))
        return _describe_once_known(client, name, end_s)


def describe(
    bootstrap_servers: str, name: str, *, timeout_s: float = TIMEOUT_S
) -> TopicDescription | None:
    """Describe the topic; None if it does not exist.

    Raises:
        PartError: No broker answers, or it refuses.
    """
    with connected(bootstrap_servers, timeout_s, f"describe the topic {name!r}") as client:
        return None if _metadata(client, name) is None else _describe(client, name)


def beginning_offsets(
    bootstrap_servers: str, name: str, *, timeout_s: float = TIMEOUT_S
) -> dict[int, int]:
    """Return the first offset that each partition still has.

    Raises:
        PartError: No broker answers, it refuses, or there is no such topic.
    """
    return _offsets(bootstrap_servers, name, OffsetSpec.EARLIEST, timeout_s)


def end_offsets(
    bootstrap_servers: str, name: str, *, timeout_s: float = TIMEOUT_S
) -> dict[int, int]:
    """Return the offset that each partition's next message will have.

    Raises:
        PartError: No broker answers, it refuses, or there is no such topic.
    """
    return _offsets(bootstrap_servers, name, OffsetSpec.LATEST, timeout_s)


def written_offsets(
    bootstrap_servers: str, name: str, *, timeout_s: float = TIMEOUT_S
) -> dict[int, int]:
    """Return the offset after the last message that each partition's leader has.

    If it is beyond the end offset, the in-sync replicas lack those messages: no consumer can read
    them yet, although with acks=1 they are acknowledged. Brokers other than Kafka may return the
    end offset here.

    Raises:
        PartError: No broker answers, it refuses, or there is no such topic.
    """
    latest = OffsetSpec.LATEST
    return _offsets(bootstrap_servers, name, latest, timeout_s, client_type=_ReplicaClient)


def is_empty(
    bootstrap_servers: str,
    name: str,
    partition: int,
    first: int,
    end: int,
    *,
    timeout_s: float = TIMEOUT_S,
) -> bool:
    """Return whether a consumer finds no message from offset `first` up to `end`.

    There can be transaction markers, and messages of aborted transactions.

    Raises:
        PartError: No broker answers.
    """
    place = TopicPartition(name, partition)
    with connected(
        bootstrap_servers,
        timeout_s,
        f"read {name!r}",
        KafkaConsumer,
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


def cluster_id(
    bootstrap_servers: str,
    *,
    timeout_s: float = TIMEOUT_S,
    listening_within_s: float = LISTENING_WITHIN_S,
) -> str:
    """Return the id of the cluster.

    Raises:
        PartError: No broker answers.
    """
    what = "ask for the cluster's id"
    with connected(
        bootstrap_servers, timeout_s, what, listening_within_s=listening_within_s
    ) as client:
        return str(client.describe_cluster()["cluster_id"])


class _ReplicaClient(KafkaAdminClient):  # type: ignore[misc] # it has no types
    """Requests offsets as a replica does.

    The end offset then includes messages that are not yet replicated.
    """

    @staticmethod
    def _list_partition_offsets_request(*args: Any) -> Any:
        request = KafkaAdminClient._list_partition_offsets_request(*args)  # noqa: SLF001
        request.replica_id = _DEBUGGING_REPLICA
        return request


def _offsets(
    bootstrap_servers: str,
    name: str,
    spec: Any,
    timeout_s: float,
    *,
    client_type: type[KafkaAdminClient] = KafkaAdminClient,
) -> dict[int, int]:
    what = f"read the offsets of {name!r}"
    with connected(bootstrap_servers, timeout_s, what, client_type) as client:
        metadata = _metadata(client, name)
        if metadata is None:
            raise PartError(f"there is no topic {name!r} at {bootstrap_servers}")
        partitions = [partition["partition_index"] for partition in metadata["partitions"]]
        offsets = client.list_partition_offsets(
            {TopicPartition(name, number): spec for number in partitions}
        )
        return {number: int(offsets[TopicPartition(name, number)].offset) for number in partitions}


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
        try:
            return _describe(client, name)
        except (kafka.errors.UnknownTopicOrPartitionError, NoSettingsError):
            if time.monotonic() >= end_s:
                raise
        time.sleep(RETRY_S)


def _describe(client: KafkaAdminClient, name: str) -> TopicDescription:
    metadata = _metadata(client, name)
    if metadata is None:
        raise kafka.errors.UnknownTopicOrPartitionError(name)
    wanted = ConfigResource(ConfigResourceType.TOPIC, name)
    configs = client.describe_configs([wanted], config_filter="all")["topic"][name]
    if not configs:
        raise NoSettingsError(name)
    return TopicDescription(
        name=name,
        topic_id=str(metadata["topic_id"]) if metadata.get("topic_id") else None,
        partitions=len(metadata["partitions"]),
        replication=len(metadata["partitions"][0]["replica_nodes"]),
        cleanup_policy=configs["cleanup.policy"]["value"],
        retention_ms=int(configs["retention.ms"]["value"]),
        timestamp_type=configs["message.timestamp.type"]["value"],
        leader_epochs={
            partition["partition_index"]: partition["leader_epoch"]
            for partition in metadata["partitions"]
        },
    )

"""The topic: makes it, describes it, and tells where it begins and ends.

Every call opens a connection of its own, closes it, and ends within its time, also when no broker
answers. It may be called where gevent has patched the standard library.
"""

import contextlib
import logging
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import kafka.errors
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.net.compat import KafkaNetClient

from headcount.errors import PartError, UsageError

TIMEOUT_S = 10.0
RETRY_S = 0.1
_DEBUGGING_REPLICA = -2  # so Kafka's ListOffsetsRequest calls who is neither consumer nor broker
SILENT = "a connection opens, but nobody answers on it as a Kafka broker in plain text does"

# What a topic that is made here has: evidence does not expire, and an event's time is the broker's.
TOPIC_CONFIG = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "LogAppendTime",
}

# Without a handler the client's warnings would land on the user's terminal through logging's last
# resort; what matters of them is in our own messages.
logging.getLogger("kafka").addHandler(logging.NullHandler())


class _NoSettingsError(kafka.errors.KafkaError):  # type: ignore[misc] # it has no types
    """A broker does not know a topic yet, or may not tell: the client keeps to itself which."""


@dataclass(frozen=True, slots=True)
class TopicDescription:
    """A topic as its cluster has it.

    `topic_id` is None from brokers that know none, `replication` is that of partition 0, and
    `retention_ms` is -1 where nothing expires. `timestamp_type` is `CreateTime` or `LogAppendTime`.
    """

    name: str
    topic_id: str | None
    partitions: int
    replication: int
    cleanup_policy: str
    retention_ms: int
    timestamp_type: str
    leader_epochs: Mapping[int, int] = field(default_factory=dict)
    """By partition, how often it got a leader: a new one may lack what the one before had."""


def ensure_topic(
    bootstrap_servers: str,
    name: str,
    partitions: int,
    replication: int = 1,
    *,
    timeout_s: float = TIMEOUT_S,
) -> TopicDescription:
    """Describe the topic, made if it is missing. One that exists stays as it is.

    Raises:
        PartError: No broker answers, or it refuses.
    """
    new = {
        "num_partitions": partitions,
        "replication_factor": replication,
        "configs": TOPIC_CONFIG,
    }
    end_s = time.monotonic() + timeout_s
    with _admin(bootstrap_servers, timeout_s, f"make the topic {name!r}") as client:
        if _metadata(client, name) is None:
            # Another process may have made it between the question and this.
            with contextlib.suppress(kafka.errors.TopicAlreadyExistsError):
                client.create_topics({name: new}, timeout_ms=int(timeout_s * 1000))
            client.wait_for_topics([name], timeout_ms=int(timeout_s * 1000))
        return _describe_once_known(client, name, end_s)


def describe(
    bootstrap_servers: str, name: str, *, timeout_s: float = TIMEOUT_S
) -> TopicDescription | None:
    """Describe the topic; None where there is none.

    Raises:
        PartError: No broker answers, or it refuses.
    """
    with _admin(bootstrap_servers, timeout_s, f"describe the topic {name!r}") as client:
        return None if _metadata(client, name) is None else _describe(client, name)


def beginning_offsets(
    bootstrap_servers: str, name: str, *, timeout_s: float = TIMEOUT_S
) -> dict[int, int]:
    """The first offset that each partition still has.

    Raises:
        PartError: No broker answers, it refuses, or there is no such topic.
    """
    return _offsets(bootstrap_servers, name, OffsetSpec.EARLIEST, timeout_s)


def end_offsets(
    bootstrap_servers: str, name: str, *, timeout_s: float = TIMEOUT_S
) -> dict[int, int]:
    """The offset that each partition's next message will have.

    Raises:
        PartError: No broker answers, it refuses, or there is no such topic.
    """
    return _offsets(bootstrap_servers, name, OffsetSpec.LATEST, timeout_s)


def written_offsets(
    bootstrap_servers: str, name: str, *, timeout_s: float = TIMEOUT_S
) -> dict[int, int]:
    """The offset behind the last message that each partition's leader has.

    Where it is beyond the end offset, the in-sync replicas do not have those messages yet: nobody
    can read them, though with acks=1 they are acknowledged. Brokers other than Kafka may tell the
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
    """Tell whether a consumer comes from offset `first` to `end` and meets no message on its way.

    There can be markers of transactions, and messages that one took back.

    Raises:
        PartError: No broker answers.
    """
    place = TopicPartition(name, partition)
    with _consumer(bootstrap_servers, timeout_s) as consumer:
        consumer.assign([place])
        consumer.seek(place, first)
        deadline_s = time.monotonic() + timeout_s
        while consumer.position(place) < end and time.monotonic() < deadline_s:
            for record in consumer.poll(timeout_ms=500).get(place, ()):
                if record.offset < end:
                    return False
        return bool(consumer.position(place) >= end)


@contextlib.contextmanager
def _consumer(bootstrap_servers: str, timeout_s: float) -> Iterator[KafkaConsumer]:
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap_servers,
            isolation_level="read_committed",
            enable_auto_commit=False,
            bootstrap_timeout_ms=int(timeout_s * 1000),
        )
    except kafka.errors.KafkaError as error:
        raise PartError(f"no Kafka broker answers at {bootstrap_servers}: {error}") from None
    try:
        yield consumer
    finally:
        consumer.close()


def cluster_id(bootstrap_servers: str, *, timeout_s: float = TIMEOUT_S) -> str:
    """The id of the cluster.

    Raises:
        PartError: No broker answers.
    """
    with _admin(bootstrap_servers, timeout_s, "ask for the cluster's id") as client:
        return str(client.describe_cluster()["cluster_id"])


class _ReplicaClient(KafkaAdminClient):  # type: ignore[misc] # it has no types
    """Asks for offsets as replicas do, to which all is told that is there."""

    @staticmethod
    def _list_partition_offsets_request(*given: Any) -> Any:
        request = KafkaAdminClient._list_partition_offsets_request(*given)  # noqa: SLF001
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
    with _admin(bootstrap_servers, timeout_s, what, client_type) as client:
        metadata = _metadata(client, name)
        if metadata is None:
            raise PartError(f"there is no topic {name!r} at {bootstrap_servers}")
        partitions = [each["partition_index"] for each in metadata["partitions"]]
        found = client.list_partition_offsets(
            {TopicPartition(name, number): spec for number in partitions}
        )
        return {number: int(found[TopicPartition(name, number)].offset) for number in partitions}


def _metadata(client: KafkaAdminClient, name: str) -> Mapping[str, Any] | None:
    """What the cluster says of the topic; None where there is none."""
    (metadata,) = client.describe_topics([name])
    error = kafka.errors.for_code(metadata["error_code"])
    if error is kafka.errors.UnknownTopicOrPartitionError:
        return None
    if error is not kafka.errors.NoError:
        raise error(name)
    return dict(metadata)


def _describe_once_known(client: KafkaAdminClient, name: str, end_s: float) -> TopicDescription:
    """Describe a topic that exists: each broker of a cluster hears of a new one at its own time."""
    while True:
        try:
            return _describe(client, name)
        except (kafka.errors.UnknownTopicOrPartitionError, _NoSettingsError):
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
        raise _NoSettingsError(name)
    return TopicDescription(
        name=name,
        topic_id=str(metadata["topic_id"]) if metadata.get("topic_id") else None,
        partitions=len(metadata["partitions"]),
        replication=len(metadata["partitions"][0]["replica_nodes"]),
        cleanup_policy=configs["cleanup.policy"]["value"],
        retention_ms=int(configs["retention.ms"]["value"]),
        timestamp_type=configs["message.timestamp.type"]["value"],
        leader_epochs={
            each["partition_index"]: each["leader_epoch"] for each in metadata["partitions"]
        },
    )


@contextlib.contextmanager
def _admin(
    bootstrap_servers: str,
    timeout_s: float,
    what: str,
    client_type: type[KafkaAdminClient] = KafkaAdminClient,
) -> Iterator[KafkaAdminClient]:
    """A client that is closed in every case, its errors told in one line."""
    servers = _servers(bootstrap_servers)
    end_s = time.monotonic() + timeout_s
    nobody = f"no Kafka broker answers at {bootstrap_servers} within {timeout_s:g} s"
    if reason := _unreachable(servers, end_s):
        raise PartError(f"{nobody}: {reason}")
    made: list[KafkaNetClient] = []

    def net_client(**settings: Any) -> KafkaNetClient:
        made.append(KafkaNetClient(**settings))
        return made[-1]

    try:
        client = client_type(
            bootstrap_servers=servers,
            bootstrap_timeout_ms=max(1000, int((end_s - time.monotonic()) * 1000)),
            request_timeout_ms=int(timeout_s * 1000),
            kafka_client=net_client,
        )
    except kafka.errors.KafkaError as error:
        # The client's constructor leaves its thread running when it raises.
        for each in made:
            each.close()
        silent = isinstance(error, kafka.errors.KafkaTimeoutError)
        raise PartError(f"{nobody}: {SILENT if silent else _told(error)}") from error
    try:
        yield client
    except kafka.errors.KafkaError as error:
        raise PartError(f"cannot {what} at {bootstrap_servers}: {_told(error)}") from error
    finally:
        client.close()


def _servers(bootstrap_servers: str) -> list[str]:
    """The servers one by one, each of which names a host and a port."""
    servers = [each.strip() for each in bootstrap_servers.split(",")]
    for each in servers:
        host, _, port = each.rpartition(":")
        if not host.strip("[]") or not port.isdecimal() or (":" in host and "]" not in host):
            raise UsageError(
                f"{bootstrap_servers!r} names no Kafka broker: write host:port[,host:port…]"
            )
    return servers


_TOLD = {
    _NoSettingsError: "it tells none of the topic's settings; grant the user DescribeConfigs on it",
    kafka.errors.TopicAuthorizationFailedError: "the user may not use this topic; grant it",
    kafka.errors.ClusterAuthorizationFailedError: "the user may not do so; make the topic first",
    kafka.errors.InvalidReplicationFactorError: "it has fewer brokers than replicas are asked for",
    kafka.errors.InvalidTopicError: "a topic's name has up to 249 letters, digits, dots, _ and -",
    kafka.errors.InvalidPartitionsError: "a topic has at least 1 partition",
    kafka.errors.RequestTimedOutError: "the broker gave no answer in time",
    kafka.errors.KafkaTimeoutError: "the broker gave no answer in time",
}


def _told(error: kafka.errors.KafkaError) -> str:
    return _TOLD.get(type(error)) or f"{type(error).__name__}: {error}"


def _unreachable(servers: list[str], end_s: float) -> str | None:
    """Why no server accepts a connection until `end_s`; None as soon as one does.

    The client would try for itself, but tells no reason, and leaves the sockets that failed open.
    """
    while True:
        for each in servers:
            host, _, port = each.rpartition(":")
            left_s = max(0.1, end_s - time.monotonic())
            try:
                socket.create_connection((host.strip("[]"), int(port)), timeout=left_s).close()
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
            else:
                return None
        if time.monotonic() >= end_s:
            return reason
        time.sleep(RETRY_S)

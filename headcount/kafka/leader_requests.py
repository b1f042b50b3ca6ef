"""Requests that only the leader of a partition answers: for offsets, and for leader epochs."""

import time
from collections.abc import Mapping
from typing import Any

import kafka.errors
from kafka import KafkaAdminClient, TopicPartition
from kafka.protocol.consumer import OffsetForLeaderEpochRequest

from headcount.kafka.client import DENIED, RETRY_S, TIMEOUT_S, connected
from headcount.kafka.cluster import Cluster
from headcount.kafka.permissions import Operation

_CONSUMER, _DEBUGGING_REPLICA = -1, -2  # replica ids of clients, which are no brokers


class ReplicaClient(KafkaAdminClient):  # type: ignore[misc] # it has no types
    """Requests offsets as a replica does.

    The end offset then includes messages that are not yet replicated.
    """

    @staticmethod
    def _list_partition_offsets_request(*args: Any) -> Any:
        request = KafkaAdminClient._list_partition_offsets_request(*args)  # noqa: SLF001
        request.replica_id = _DEBUGGING_REPLICA
        return request


class _EpochClient(KafkaAdminClient):  # type: ignore[misc] # it has no types
    """Requests the ends of leader epochs where its base class would request offsets.

    The base class finds the leaders to ask. The epochs are those of one topic's partitions.
    """

    @staticmethod
    def _list_partition_offsets_request(
        epochs: Mapping[TopicPartition, int], _isolation_level: int
    ) -> Any:
        of_topic = OffsetForLeaderEpochRequest.OffsetForLeaderTopic
        partitions = [
            of_topic.OffsetForLeaderPartition(partition=place.partition, leader_epoch=epoch)
            for place, epoch in epochs.items()
        ]
        name = next(iter(epochs)).topic
        topics = [of_topic(topic=name, partitions=partitions)]
        return OffsetForLeaderEpochRequest(replica_id=_CONSUMER, topics=topics)

    @staticmethod
    def _list_partition_offsets_process_response(response: Any) -> dict[TopicPartition, int]:
        ends: dict[TopicPartition, int] = {}
        for topic in response.topics:
            for partition in topic.partitions:
                error = kafka.errors.for_code(partition.error_code)
                if error is not kafka.errors.NoError:
                    raise error(topic.topic)
                ends[TopicPartition(topic.topic, partition.partition)] = partition.end_offset
        return ends


def epoch_ends(
    cluster: Cluster, name: str, epochs: Mapping[int, int], *, timeout_s: float = TIMEOUT_S
) -> dict[int, int]:
    """Return where leader epochs, one for each partition, end in the log of the present leader.

    That is the first offset of a later epoch: a later leader wrote the message there, and all after
    it. If there is no later epoch, it is the end of the log. A partition is missing if its
    leader does not know, if the brokers do not support the request, or if the user may not make it.
    Source: Kafka's KIP-101 and KIP-320.

    Raises:
        PartError: No broker answers, or there is no such topic.
    """
    what, needs = f"read the leader epochs of {name!r}", (Operation.DESCRIBE, name)
    requested = {TopicPartition(name, number): epoch for number, epoch in epochs.items()}
    with connected(cluster, timeout_s, what, _EpochClient, needs=needs) as client:
        try:
            ends = from_leaders(client, requested, time.monotonic() + timeout_s)
        except (kafka.errors.UnsupportedVersionError, *DENIED):
            return {}
    return {place.partition: int(end) for place, end in ends.items() if end >= 0}


def from_leaders(
    client: KafkaAdminClient, specs: Mapping[TopicPartition, Any], end_s: float
) -> Mapping[TopicPartition, Any]:
    """Ask the leaders for offsets; if one is lost, wait for its successor, until `end_s` at most.

    The client finds out the leaders for each request, but gives up if one of them is gone.
    """
    while True:
        try:
            return dict(client.list_partition_offsets(specs))
        except kafka.errors.KafkaError as error:
            if not error.retriable or time.monotonic() >= end_s:
                raise
        time.sleep(RETRY_S)
